"""A recommendation is asked for: many requests in, each gets a decision or its own error.

One transaction, a constant number of statements however many units: lock the units, read what is
known of them, return what is already decided or still open, decide the rest, insert with evidence.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import NONE, Id
from engagement.actions.availability import DAY_MS, Given, Situation, refusals
from engagement.actions.catalogue import AnyAction
from engagement.bandits.posteriors import gathered
from engagement.errors import Invalid, Mistake, NotFound
from engagement.randomness import uniform
from engagement.records import Evidence, Nodes, Points
from engagement.signals import tally
from engagement.signals.features import matrix
from engagement.signals.picture import Picture
from engagement.store import beliefs, decisions, resources, setup, units
from engagement.store.decisions import Decision, Recent
from engagement.store.hyperparameters import in_force
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.resources import Reservation
from engagement.strategy.cadence import Calendar, budget_period, calendar, decisions_to_come, local_date
from engagement.strategy.decide import CERTAIN, Asked, Decided, Purse, decide
from engagement.strategy.life import RELEASED, is_open, status
from engagement.strategy.setup import Catalogue, Site, months_to_end, phase
from engagement.strategy.strategy import Strategy
from engagement.workflows.tell import Recommendation, Withheld, told, withheld

CUT = 256
"""Units in one transaction."""
LOOK_BACK_MS = 92 * DAY_MS
"""How far back decisions count towards the dose; cool-downs may look further."""
DOSE_KEPT_A_MONTH = 0.8
MONTH_MS = 30.44 * DAY_MS

PointName = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}(?!\n)$")]
ContextName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}(?!\n)$")]
ContextValue = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks what to try next for one member.

    strategy : the program's default when absent
    decision_point : a meeting or a date in the caller's words; the strategy's cadence names it when absent
    context : numbers the calling app knows, for strategies with `context.…` features
    """

    member: Id
    strategy: Id | None = None
    decision_point: PointName | None = None
    context: Annotated[dict[ContextName, ContextValue], msgspec.Meta(max_length=32)] = msgspec.field(
        default_factory=dict
    )


class _Case(NamedTuple):
    """One unit about to be decided."""

    ask: Ask
    strategy: Strategy
    calendar: Calendar
    member: units.MemberRow
    group: units.GroupRow
    group_id: str
    site: Site
    tally: bytes
    recent: tuple[Recent, ...]
    given: tuple[Given, ...]
    program_language: str

    @property
    def point(self) -> str:
        """The decision point's name: the caller's, else the calendar's."""
        return self.ask.decision_point or self.calendar.decision_point

    @property
    def languages(self) -> tuple[str, ...]:
        """The member's language first, then the group's, then the program's."""
        own, shared = self.member.member.language, self.group.group.language
        return tuple(filter(None, (own, shared, self.program_language)))


Answer = Recommendation | Mistake


def recommend(
    conn: Connection,
    kept: Kept,
    program_id: str,
    asks: Sequence[Ask],
    now_ms: int,
    *,
    simulated: bool = False,
) -> list[Answer]:
    """Answers up to `CUT` requests of one program in the connection's transaction."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    names = sorted({ask.member for ask in asks})
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    calendars = {
        cadence: calendar(now_ms, zone, cadence)
        for cadence in {strategy.cadence for strategy in catalogue.strategies.values()}
    }
    tallies = units.lock_tallies(conn, program_id, "member", names)
    members = units.members(conn, program_id, names, today)
    groups = units.groups(conn, program_id, sorted({row.group for row in members.values() if row.group}))
    recent = decisions.recent(conn, program_id, "member", names, now_ms - _look_back(catalogue))
    answers: list[Answer | None] = [None] * len(asks)
    cases: dict[int, _Case] = {}
    for place, ask in enumerate(asks):
        found: Strategy | Answer = _strategy(ask, catalogue)
        if isinstance(found, Strategy):
            found = _gate(ask, found, catalogue, members, groups, simulated=simulated)
        if not isinstance(found, Strategy):
            answers[place] = found
            continue
        member = members[ask.member]
        group = groups[member.group or ""]
        known = tuple(recent.get(ask.member, ()))
        cases[place] = _Case(
            ask,
            found,
            calendars[found.cadence],
            member,
            group,
            member.group or "",
            catalogue.sites[group.group.site],
            tallies[ask.member],
            known,
            _given(known, now_ms),
            catalogue.program.language,
        )
    made = _already(conn, program_id, list(cases.values()), now_ms)
    fresh = {
        (case.strategy.id, case.ask.member): case
        for case in reversed(cases.values())
        if (case.strategy.id, case.ask.member, case.point) not in made
    }
    new = {
        (decision.strategy_id, decision.unit_id): decision
        for decision in _decide(conn, kept, program_id, catalogue, fresh, now_ms)
    }
    for place, case in cases.items():
        before = made.get((case.strategy.id, case.ask.member, case.point))
        decision = before or new[case.strategy.id, case.ask.member]
        stood = setup.catalogue(conn, kept, program_id, decision.catalogue)
        answers[place] = told(decision, stood, simulated=simulated)
    return [answer for answer in answers if answer is not None]


def _look_back(catalogue: Catalogue) -> int:
    cool_downs = (action.cool_down_days for action in catalogue.actions.values())
    return max(LOOK_BACK_MS, DAY_MS * max(cool_downs, default=0))


def _strategy(ask: Ask, catalogue: Catalogue) -> Strategy | Mistake:
    """The strategy that decides, or what is wrong with the request."""
    name = ask.strategy or catalogue.program.default_strategy
    if name is None:
        return Invalid("the program has no default strategy, so the request must name one")
    strategy = catalogue.strategies.get(name)
    if strategy is None:
        return NotFound(f"there is no strategy `{name}` in this program")
    if strategy.level != "member":
        return Invalid(f"strategy `{name}` decides for a {strategy.level}, not for a member")
    return strategy


def _gate(
    ask: Ask,
    strategy: Strategy,
    catalogue: Catalogue,
    members: dict[str, units.MemberRow],
    groups: dict[str, units.GroupRow],
    *,
    simulated: bool,
) -> Strategy | Answer:
    """What stands before any decision: does the member exist, and may anything be recommended?"""
    row = members.get(ask.member)
    if row is None:
        return NotFound(f"there is no member `{ask.member}` in this program")
    why: Withheld | None = None
    if catalogue.program.stopped:
        why = "program_stopped"
    elif not row.member.consent.messages:
        why = "messages_declined"
    elif strategy.paused:
        why = "strategy_paused"
    elif row.group is not None and groups[row.group].group.ended:
        why = "group_ended"
    if why is not None:
        return withheld(ask.member, row.group, why, simulated=simulated)
    if row.group is None:
        return Invalid(f"member `{ask.member}` sits in no group today")
    return strategy


def _already(
    conn: Connection, program_id: str, cases: Sequence[_Case], now_ms: int
) -> dict[tuple[str, str, str], Decision]:
    """What was decided before: this very decision point, or one that is still open."""
    standing: dict[tuple[str, str, str], str] = {}
    for case in cases:
        for before in case.recent:
            if before.strategy_id == case.strategy.id and (
                before.decision_point == case.point or is_open(before.answers, before.expires_at, now_ms)
            ):
                key = (case.strategy.id, case.ask.member, case.point)
                if before.decision_point == case.point or key not in standing:
                    standing[key] = before.decision_id
    named = [case for case in cases if case.ask.decision_point is not None]
    if not standing and not named:
        return {}
    points = [f"{case.strategy.id} {case.ask.member} {case.point}" for case in named]
    found = decisions.existing(
        conn, program_id, list(standing.values()), sorted({case.ask.member for case in named}), points
    )
    by_id = {decision.decision_id: decision for decision in found}
    made = {key: by_id[decision] for key, decision in standing.items()}
    for decision in found:
        made[decision.strategy_id, decision.unit_id, decision.decision_point] = decision
    return made


def _decide(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    fresh: dict[tuple[str, str], _Case],
    now_ms: int,
) -> list[Decision]:
    """Decides and stores what is new, strategy by strategy, each in order of unit."""
    if not fresh:
        return []
    strategies = sorted({strategy for strategy, _ in fresh})
    versions = beliefs.pointers(conn, program_id, strategies)
    secret = setup.draw_secret(conn, kept, program_id)
    today = next(iter(fresh.values())).calendar.today
    periods = _periods(catalogue, strategies, today)
    taken = resources.lock_counters(conn, program_id, sorted(periods.items()))
    left = {
        payer: catalogue.budgets[payer].limit_minor - taken[payer, period]
        for payer, period in periods.items()
    }
    before = dict(left)
    made: list[Decision] = []
    held: list[Reservation] = []
    for name in strategies:
        cases = [fresh[key] for key in sorted(fresh) if key[0] == name]
        strategy = in_force(conn, kept, program_id, cases[0].strategy, versions[name])
        actions = catalogue.offered(strategy)
        asked = _asked(cases, actions, program_id, secret, now_ms)
        nodes = _nodes(conn, kept, program_id, strategy, versions[name], asked.points)
        decided = decide(strategy, nodes, asked, _purse(actions, left))
        for row, case in enumerate(cases):
            made.append(_decision(case, row, asked, decided, catalogue, versions[name], now_ms))
            picked = actions[decided.picked[row] - 1] if decided.picked[row] else None
            if picked is not None and picked.payer in left and picked.cost_minor:
                left[picked.payer] -= picked.cost_minor
                held.append(
                    Reservation(
                        made[-1].decision_id,
                        picked.payer,
                        periods[picked.payer],
                        picked.cost_minor,
                        made[-1].expires_at,
                    )
                )
    decisions.insert_decisions(conn, program_id, made)
    resources.insert_reservations(conn, program_id, held)
    resources.write_counters(
        conn,
        program_id,
        {
            (payer, periods[payer]): taken[payer, periods[payer]] + before[payer] - left[payer]
            for payer in left
            if before[payer] != left[payer]
        },
    )
    return made


def _periods(catalogue: Catalogue, strategies: Sequence[str], today: date) -> dict[str, str]:
    """The budgets that these strategies could draw on, with the period that is running."""
    payers = {
        action.payer
        for name in strategies
        for action in catalogue.offered(catalogue.strategies[name])
        if action.cost_minor and action.payer in catalogue.budgets
    }
    return {payer: budget_period(today, catalogue.budgets[payer].period) for payer in sorted(payers)}


def _purse(actions: Sequence[AnyAction], left: dict[str, int]) -> Purse:
    """What each action draws on; a payer without a budget has no limit."""
    payers = sorted(left)
    place = {payer: index for index, payer in enumerate(payers)}
    drawn = [place.get(action.payer, -1) if action.cost_minor else -1 for action in actions]
    return Purse(
        np.array([-1, *drawn]),
        np.array([0, *(action.cost_minor for action in actions)]),
        np.array([left[payer] for payer in payers], np.int64),
    )


def _asked(
    cases: Sequence[_Case], actions: Sequence[AnyAction], program_id: str, secret: bytes, now_ms: int
) -> Asked:
    """The pure question: features, availability, draws."""
    strategy = cases[0].strategy
    points = Points(
        matrix([_picture(case, now_ms) for case in cases], strategy.features, now_ms),
        tuple(case.group_id for case in cases),
        tuple(case.ask.member for case in cases),
        np.array(
            [decisions_to_come(case.calendar.today, case.site.ends_on, strategy.cadence) for case in cases]
        ),
    )
    draws = tuple(
        uniform(secret, program_id, strategy.id, f"member:{case.ask.member}", case.point) for case in cases
    )
    return Asked(
        points,
        refusals(actions, [_situation(case, now_ms) for case in cases]),
        draws,
        tuple(not case.member.member.consent.chance for case in cases),
    )


def _given(recent: Sequence[Recent], now_ms: int) -> tuple[Given, ...]:
    """What the unit was given: every action proposed and not released again."""
    return tuple(
        Given(before.action_id, before.decided_at)
        for before in recent
        if before.action_id != NONE and status(before.answers, before.expires_at, now_ms) not in RELEASED
    )


def _situation(case: _Case, now_ms: int) -> Situation:
    return Situation(
        phase(case.site, case.calendar.today),
        case.calendar.today,
        now_ms,
        case.member.member.consent.health_worker,
        case.languages,
        case.given,
    )


def _picture(case: _Case, now_ms: int) -> Picture:
    """What is known of the member; nothing of their own signals if they did not agree to that."""
    own = case.member.member.consent.my_signals
    months_ago = ((now_ms - given.at_ms) / MONTH_MS for given in case.given)
    return Picture(
        member=tally.decoded(case.tally) if own else tally.EMPTY,
        group=tally.decoded(case.group.tally),
        role=case.member.role or "member",  # type: ignore[arg-type]  # stored as one of the three
        setting=case.group.group.setting,
        phase=phase(case.site, case.calendar.today),
        months_to_end=months_to_end(case.site, case.calendar.today),
        dose=sum(DOSE_KEPT_A_MONTH**age for age in months_ago),
        context=tuple(sorted(case.ask.context.items())),
    )


def _nodes(
    conn: Connection, kept: Kept, program_id: str, strategy: Strategy, version: int, points: Points
) -> Nodes:
    """The belief's nodes as of a version, from memory where they were read before."""
    if version == 0:
        return {}

    def read(keys: Sequence[str]) -> Nodes:
        found = {key: kept.nodes.get((program_id, strategy.id, version, key)) for key in keys}
        missing = [key for key, state in found.items() if state is None]
        if missing:
            for key, state in beliefs.read_nodes(conn, program_id, strategy.id, missing, version).items():
                kept.nodes[program_id, strategy.id, version, key] = found[key] = state
        return {key: state for key, state in found.items() if state is not None}

    return gathered(strategy.posterior, points.groups, points.members, read)


def _decision(
    case: _Case, row: int, asked: Asked, decided: Decided, catalogue: Catalogue, version: int, now_ms: int
) -> Decision:
    """The row to be stored: the pick with everything it was made of."""
    names = (NONE, *case.strategy.actions)
    picked = int(decided.picked[row])
    share = int(decided.probability[row, picked])
    chosen = catalogue.actions.get(names[picked])
    written = {content.language for content in chosen.content} if chosen is not None else set()
    fallback = decided.fallback[row]
    return Decision(
        decision_id=uuid7(now_ms),
        strategy_id=case.strategy.id,
        unit_kind="member",
        unit_id=case.ask.member,
        group_id=case.group_id,
        decision_point=case.point,
        action_id=names[picked],
        probability=share,
        randomised=fallback is None and share < CERTAIN,
        fallback=fallback,
        phase=phase(case.site, case.calendar.today),
        language=next(
            (language for language in case.languages if language in written), catalogue.program.language
        ),
        strategy_revision=catalogue.strategy_revisions[case.strategy.id],
        catalogue=catalogue.revision,
        version=version,
        decided_at=now_ms,
        expires_at=case.calendar.ends_ms,
        closes_at=now_ms + case.strategy.outcome.window_days * DAY_MS,
        evidence=Evidence(
            actions=names,
            features=asked.points.features[row].tobytes(),
            refusals=decided.refusals[row].tobytes(),
            family=decided.scores.family,
            mean=decided.scores.mean[row].tobytes(),
            sd=decided.scores.sd[row].tobytes(),
            probability=decided.probability[row].tobytes(),
            uniform=asked.uniforms[row],
            remaining=float(asked.points.remaining[row]),
        ),
    )
