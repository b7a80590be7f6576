"""A decision in words and figures: a pure function of the stored decision and its own catalogue.

Built from nothing else, so asking again gives the same body to the byte.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from engagement.actions.action import NONE, READER_OF
from engagement.actions.availability import WORDS, Reason
from engagement.actions.catalogue import AnyAction
from engagement.actions.content import chosen
from engagement.actions.incentive import Incentive
from engagement.actions.taper import next_step
from engagement.bandits.propensity import ONE
from engagement.signals.catalogue import BY_KIND
from engagement.signals.safety import SafetyKind
from engagement.signals.signal import Audience, may_see
from engagement.store.decisions import Decision
from engagement.strategy.arms import Arm
from engagement.strategy.cadence import local_date
from engagement.strategy.quiet import deliver_from
from engagement.strategy.replay import propensities
from engagement.strategy.setup import Catalogue, Program
from engagement.strategy.strategy import Strategy
from engagement.workflows.sight import Sight

Withheld = Literal[
    "referred",
    "program_stopped",
    "strategy_paused",
    "messages_declined",
    "consent_withdrawn",
    "group_ended",
    "trial",
    "not_now",
]
WITHHELD: dict[Withheld, str] = {
    "referred": "Somebody has to be turned to first; until they have answered nothing is recommended.",
    "program_stopped": "The program has switched recommendations off.",
    "strategy_paused": "This strategy is paused.",
    "messages_declined": "The member has asked for no messages.",
    "consent_withdrawn": "The member has withdrawn the consent that what was suggested before needs.",
    "group_ended": "The group has ended.",
    "trial": "In the part of the trial that this group is in, nothing is recommended.",
    "not_now": "Nothing is recommended for now.",
}
WITHHELD_FROM: dict[Withheld, Audience] = {
    "referred": "staff",
    "program_stopped": "group",
    "strategy_paused": "group",
    "messages_declined": "staff",
    "consent_withdrawn": "staff",
    "group_ended": "group",
    "trial": "staff",
    "not_now": "group",
}
"""Who may see why nothing is recommended; others are told `not_now`."""
REFUSED_FROM: dict[Reason, Audience] = {
    Reason.AVAILABLE: "group",
    Reason.RETIRED: "group",
    Reason.PHASE: "group",
    Reason.PAYER_ENDED: "group",
    Reason.STAFF_ENDED: "group",
    Reason.MINUTES: "adviser",
    Reason.CONSENT: "staff",
    Reason.CHANCE: "staff",
    Reason.COOL_DOWN: "adviser",
    Reason.WEEKLY_CAP: "adviser",
    Reason.MONTHLY_CAP: "adviser",
    Reason.CONTACTS: "adviser",
    Reason.QUIET_HOURS: "group",
    Reason.TAPERED: "group",
    Reason.BUDGET: "adviser",
    Reason.PLANNED: "group",
    Reason.UNTRAINED: "staff",
    Reason.NO_CONTENT: "group",
    # Like consent: whoever sees neither cannot tell the one from the other.
    Reason.FAMILY_UNSAFE: "staff",
}
"""Who may see that an action was refused for a reason; from others the action is left out."""
BARRIER_AUDIENCE: Audience = "health_worker"
"""Who may see which barrier an action speaks to: to a neighbour it would name the member's own."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIXED = "The strategy's fixed order decided."
DEADLINE = "The service could not decide in time; nothing is stored and nothing needs to be done."


class Less(msgspec.Struct, frozen=True):
    """What an incentive gives from a day on, at a site whose end is not moved; 0 when it has ended then."""

    starts_on: date
    cost_minor: int


class Offer(msgspec.Struct, frozen=True):
    """What to do, as the person who does it may hear it. Money is in the currency's minor unit.

    audience : whom `text` addresses      variables : names in braces in it, which the app fills in
    draft : nobody has reviewed the text yet      burden : what the action asks of who receives it, 0 to 3
    next_step : what an incentive gives next, and from when on; null where it does not taper off
    """

    id: str
    kind: str
    level: str
    title: str
    text: str | None
    language: str | None
    audience: str | None
    variables: tuple[str, ...]
    draft: bool
    barrier: str | None
    carrier: str | None
    minutes: int
    cost_minor: int
    burden: int
    needs_accept: bool
    next_step: Less | None = None


class Chance(msgspec.Struct, frozen=True):
    """An available action and the probability with which it could have been drawn."""

    action: str
    probability: float


class Refusal(msgspec.Struct, frozen=True):
    """An action that was not available, and why."""

    action: str
    reason: str
    words: str


class ReferralTold(msgspec.Struct, frozen=True):
    """Whom to turn to now instead of recommending, and by when they are to have answered."""

    kind: SafetyKind
    role: str
    answer_by: datetime


class RewardWindow(msgspec.Struct, frozen=True):
    """When the outcome is looked at, and which."""

    outcome: str
    opens_at: datetime
    closes_at: datetime


class Recommendation(msgspec.Struct, frozen=True):
    """What to try next for one member, or for a group as a whole: then `member` is null.

    decision_id : null when nothing was decided: `withheld` or `fallback: "deadline"` says why
    probability : with which the action was drawn; chances : every available action's
    randomised : false when there was no choice, or no chance in it
    fallback : why the strategy's fallback decided, `imported` when another system did, null when the
    belief did
    arm : `control` or `shadow` where a baseline decides instead of the belief; null to all but staff
    referral : whom to turn to first, where `withheld` is `referred`
    deliver_from : not to be carried out before, for quiet hours; null where there is nothing to carry out
    """

    decision_id: str | None
    member: str | None
    group: str | None
    strategy: str | None
    strategy_revision: int | None
    version: int | None
    decision_point: str | None
    phase: str | None
    action: Offer
    probability: float | None
    randomised: bool
    chances: tuple[Chance, ...]
    unavailable: tuple[Refusal, ...]
    reward_window: RewardWindow | None
    decided_at: datetime | None
    expires_at: datetime | None
    fallback: str | None
    withheld: Withheld | None
    why: str
    simulated: bool
    referral: ReferralTold | None = None
    deliver_from: datetime | None = None
    arm: Arm | None = None


@lru_cache(maxsize=4096)  # what is decided together begins and ends together
def moment(time_ms: int) -> datetime:
    """Milliseconds since the epoch as an aware time in UTC, exact."""
    return EPOCH + timedelta(milliseconds=time_ms)


NOTHING = Offer(
    id=NONE,
    kind=NONE,
    level="member",
    title="Nothing extra this time",
    text=None,
    language=None,
    audience=None,
    variables=(),
    draft=False,
    barrier=None,
    carrier=None,
    minutes=0,
    cost_minor=0,
    burden=0,
    needs_accept=False,
)


def offer(action: AnyAction, language: str, today: date, days_to_end: int | None) -> Offer:
    """An action with its wording in a language, for an app and whoever carries the action out.

    days_to_end : from `today` until the program's end at the unit's site, None where none is set
    """
    wording = chosen(action.content, language, READER_OF[action.carrier])
    return Offer(
        id=action.id,
        kind=str(action.__struct_config__.tag),
        level=action.level,
        title=action.title,
        text=None if wording is None else wording.text,
        language=None if wording is None else wording.language,
        audience=None if wording is None else wording.audience,
        variables=() if wording is None else wording.variables,
        draft=wording is not None and wording.status == "draft",
        barrier=action.barrier,
        carrier=action.carrier,
        minutes=action.minutes,
        cost_minor=action.cost_on(days_to_end),
        burden=action.burden,
        needs_accept=action.needs_accept,
        next_step=_next_step(action, today, days_to_end),
    )


def _next_step(action: AnyAction, today: date, days_to_end: int | None) -> Less | None:
    """The next step of an incentive's taper, by its date."""
    step = next_step(action.taper, days_to_end) if isinstance(action, Incentive) else None
    if step is None or days_to_end is None:
        return None
    return Less(today + timedelta(days=days_to_end - step.days_before_end), step.cost_minor)


def told(decision: Decision, catalogue: Catalogue, *, simulated: bool) -> Recommendation:
    """The answer to whoever asked. `catalogue` is the one the decision names."""
    strategy = catalogue.strategies[decision.strategy_id]
    shares = propensities(decision.evidence)[0].tolist()
    codes = decision.evidence.refusals
    named = list(zip(decision.evidence.actions, shares, codes, strict=True))
    chances = tuple(Chance(name, share / ONE) for name, share, code in named if code == Reason.AVAILABLE)
    unavailable = tuple(_refusal(name, code) for name, _, code in named if code != Reason.AVAILABLE)
    picked = catalogue.actions.get(decision.action_id)
    today = local_date(decision.decided_at, catalogue.program.time_zone)
    return Recommendation(
        decision_id=decision.decision_id,
        member=decision.unit_id if decision.unit_kind == "member" else None,
        group=decision.group_id,
        strategy=decision.strategy_id,
        strategy_revision=decision.strategy_revision,
        version=decision.version,
        decision_point=decision.decision_point,
        phase=decision.phase,
        action=NOTHING
        if picked is None
        else offer(picked, decision.language, today, decision.evidence.days_to_end),
        probability=decision.probability / ONE,
        randomised=decision.randomised,
        chances=chances,
        unavailable=unavailable,
        reward_window=RewardWindow(
            strategy.outcome.kind, moment(decision.decided_at), moment(decision.closes_at)
        ),
        decided_at=moment(decision.decided_at),
        expires_at=moment(decision.expires_at),
        fallback=decision.fallback,
        withheld=None,
        why=_why(decision, strategy, len(chances), len(unavailable)),
        simulated=simulated,
        deliver_from=None if picked is None else _deliver_from(decision, catalogue.program),
        arm=decision.arm,
    )


def _deliver_from(decision: Decision, program: Program) -> datetime:
    """The first moment at which a decision may be carried out."""
    return moment(deliver_from(program.quiet_hours, decision.decided_at, program.time_zone))


@lru_cache(maxsize=4096)
def _refusal(action: str, code: int) -> Refusal:
    reason = Reason(code)
    return Refusal(action, reason.name.lower(), WORDS[reason])


def withheld(
    member: str | None,
    group: str | None,
    why: Withheld,
    referral: ReferralTold | None = None,
    *,
    simulated: bool,
) -> Recommendation:
    """`none`, not a decision: nothing is stored."""
    told = _undecided(member, group, why, None, WITHHELD[why], simulated=simulated)
    return told if referral is None else msgspec.structs.replace(told, referral=referral)


def _withheld_from(why: Withheld, referral: ReferralTold | None) -> Audience:
    """Who may see why nothing is recommended: of a referral whoever may see such a case."""
    return WITHHELD_FROM[why] if referral is None else BY_KIND[referral.kind].audience


def seen_by(sight: Sight, told: Recommendation) -> Recommendation:
    """The part of an answer that a reader may see: no reason, barrier or referral meant for others.

    A referral is told to whoever is to answer such a case, whether or not the member shares with them.
    """
    audience = sight.of(told.member)
    if may_see(audience, "staff"):
        return told
    answers = audience if told.referral is None else sight.audience
    if told.withheld is not None and not may_see(answers, _withheld_from(told.withheld, told.referral)):
        return withheld(told.member, told.group, "not_now", simulated=told.simulated)
    unavailable = tuple(
        refusal
        for refusal in told.unavailable
        if may_see(audience, REFUSED_FROM[Reason[refusal.reason.upper()]])
    )
    action = told.action
    if not may_see(audience, BARRIER_AUDIENCE):
        action = msgspec.structs.replace(action, barrier=None)
    how, fallback = told.why.removesuffix(_refused(len(told.unavailable))), told.fallback
    if fallback == "chance_declined":
        how, fallback = FIXED, None
    return msgspec.structs.replace(
        told,
        action=action,
        unavailable=unavailable,
        fallback=fallback,
        why=how + _refused(len(unavailable)),
        arm=None,
    )


def safe_default(member: str | None, group: str | None, *, simulated: bool) -> Recommendation:
    """`none`, not a decision: what is answered when no decision comes in time."""
    return _undecided(member, group, None, "deadline", DEADLINE, simulated=simulated)


def _undecided(
    member: str | None,
    group: str | None,
    why: Withheld | None,
    fallback: str | None,
    words: str,
    *,
    simulated: bool,
) -> Recommendation:
    return Recommendation(
        decision_id=None,
        member=member,
        group=group,
        strategy=None,
        strategy_revision=None,
        version=None,
        decision_point=None,
        phase=None,
        action=NOTHING,
        probability=None,
        randomised=False,
        chances=(),
        unavailable=(),
        reward_window=None,
        decided_at=None,
        expires_at=None,
        fallback=fallback,
        withheld=why,
        why=words,
        simulated=simulated,
    )


def _why(decision: Decision, strategy: Strategy, available: int, refused_count: int) -> str:
    """The reason in plain words: how it came to be picked, and what stood in the way of others."""
    fixed = f"the strategy's fixed order `{strategy.fallback.name}`"
    match decision.fallback:
        case "chance_declined":
            how = f"The member asked for no chance in the choice, so {fixed} decided."
        case "belief_unusable":
            how = f"What was learned so far could not be used, so {fixed} decided."
        case "imported":
            how = (
                "Another system decided this, and its log was imported: it logged a chance of "
                f"{100 * decision.probability / ONE:.3g} in 100, and how it came to that is not known here."
            )
        case _ if decision.arm != "learning" and not decision.randomised:
            how = FIXED
        case _ if decision.arm != "learning":
            how = f"Drawn by lot among {available} that fit, each with the same chance."
        case _ if strategy.plan is not None:
            how = _planned(decision)
        case _ if not decision.randomised:
            how = "Only one thing could be offered."
        case _:
            in_hundred = round(100 * decision.probability / ONE)
            floor = decision.evidence.floor
            least = 100 * min(*(strategy.least if floor is None else (floor,)), 1 / available)
            how = (
                f"Drawn with a chance of {max(in_hundred, 1)} in 100 among {available} that fit; "
                f"the chances come from {_source(decision, strategy)}, "
                f"and each keeps at least {least:.3g} in 100."
            )
    return how + _refused(refused_count)


def _source(decision: Decision, strategy: Strategy) -> str:
    """Where the chances came from."""
    if decision.evidence.made < strategy.warm_up:
        return f"an even draw, as each of the first {strategy.warm_up} decisions for everybody is"
    if "scores" not in strategy.allocation.USES:
        return "a rule that looks at nothing learned"
    return "what earlier months showed" if decision.version else "an even start: nothing is learned yet"


def _planned(decision: Decision) -> str:
    """How a unit's place in a plan came about."""
    if decision.randomised:
        visited = propensities(decision.evidence)[0, 1] / ONE
        how = f"Drawn in the plan of {decision.decision_point}, in which a visit had a chance of"
        return f"{how} {100 * visited:.3g} in 100."
    if decision.action_id == NONE:
        return f"In the plan of {decision.decision_point} no visit could be given here."
    return f"In the plan of {decision.decision_point} a visit was certain."


def _refused(count: int) -> str:
    """What is said of actions that were refused, at the end of the reason."""
    return f" {count} could not be offered now." if count else ""
