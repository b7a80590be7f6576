"""A recommendation is asked for: many requests in, each gets a decision or its own error.

One transaction, a constant number of statements however many units: lock the units, read what is
known of them, return what is already decided or still open, decide the rest, insert with evidence.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import NONE, Id, Level
from engagement.actions.availability import DAY_MS, Given, refusals
from engagement.actions.catalogue import AnyAction
from engagement.bandits.posteriors import gathered
from engagement.errors import Conflict, Invalid, Mistake, NotFound, Unusable
from engagement.randomness import uniform
from engagement.records import Course, Evidence, Nodes, Points, settled_key
from engagement.signals import tally
from engagement.signals.features import matrix
from engagement.store import beliefs, decisions, merges, resources, setup, units
from engagement.store.decisions import Decision
from engagement.store.hyperparameters import in_force
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.merges import Merged
from engagement.store.resources import Reservation
from engagement.store.units import Unit
from engagement.strategy import replay
from engagement.strategy.cadence import calendar, decisions_to_come, local_date
from engagement.strategy.decide import CERTAIN, Asked, Decided, decide
from engagement.strategy.doses import look_back_ms
from engagement.strategy.life import is_open
from engagement.strategy.prices import priced
from engagement.strategy.purse import Resource, drawn_on, limit, purse
from engagement.strategy.setup import (
    LEADING,
    Catalogue,
    phase,
)
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Trial, Under
from engagement.workflows.case import Case, after, given_of, picture, situation
from engagement.workflows.leading import NOBODY, Leads, leads_of, matters, tired_groups
from engagement.workflows.personal import refusal
from engagement.workflows.safety import Safety, safety_of
from engagement.workflows.tell import Recommendation, Withheld, told, withheld
from engagement.workflows.trial import enrol, might_be_under, newcomers, under_so_far
from engagement.workflows.worklist import still_agreed

CUT = 256
"""Units in one transaction."""

PointName = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}(?!\n)$")]
ContextName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}(?!\n)$")]
ContextValue = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks what to try next for one member or one group: give `member` or `group`.

    strategy : the program's default for members or groups when absent. One of the level `adviser` decides
    for a member who is an adviser or a deputy
    level : whose default decides where no strategy is named: `adviser` for a member who is one
    decision_point : a meeting or a date in the caller's words; the strategy's cadence names it when absent
    context : numbers the calling app knows, for strategies with `context.…` features
    """

    member: Id | None = None
    group: Id | None = None
    strategy: Id | None = None
    level: Level | None = None
    decision_point: PointName | None = None
    context: Annotated[dict[ContextName, ContextValue], msgspec.Meta(max_length=32)] = msgspec.field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Refuses to be about nobody, or about two."""
        if (self.member is None) == (self.group is None):
            raise ValueError("ask for one member or one group: give `member` or `group`")

    @property
    def unit(self) -> Unit:
        """Whom it is about."""
        return Unit("group", self.group) if self.member is None else Unit("member", self.member)  # type: ignore[arg-type]  # one of the two is there


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
    wanted = {ask.unit for ask in asks}
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    calendars = {
        cadence: calendar(now_ms, zone, cadence)
        for cadence in {strategy.cadence for strategy in catalogue.strategies.values()}
    }
    tallies = {unit: tally.decoded(row) for unit, row in units.lock(conn, program_id, wanted).items()}
    people = {unit.id: tallies[unit] for unit in tallies if unit.kind == "member"}
    safety = safety_of(conn, program_id, catalogue.program, people)
    members = units.members(
        conn, program_id, sorted(unit.id for unit in wanted if unit.kind == "member"), today
    )
    nowhere = sorted(name for name, row in members.items() if row.group is None)
    persons = merges.merged(conn, program_id, nowhere) if nowhere else {}  # who was merged sits in no group
    met_in = {row.group for row in members.values() if row.group}
    groups = units.groups(
        conn, program_id, sorted(met_in | {unit.id for unit in wanted if unit.kind == "group"})
    )
    read = _Read(catalogue, members, groups, safety, persons, today, simulated)
    refused, conditions = _trials(conn, kept, program_id, read, asks, now_ms)
    recent = decisions.recent(conn, program_id, wanted, now_ms - look_back_ms(catalogue.actions.values()))
    answers: list[Answer | None] = [None] * len(asks)
    cases: dict[int, Case] = {}
    for place, ask in enumerate(asks):
        lives_under = conditions.get(read.group_of(ask) or "")
        found = refused.get(place) or _found(ask, read, lives_under)
        if not isinstance(found, Strategy):
            answers[place] = found
            continue
        member = None if ask.member is None else members[ask.member]
        group_id = (ask.group if member is None else member.group) or ""
        group = groups[group_id]
        known = tuple(recent.get(ask.unit, ()))
        cases[place] = Case(
            ask.unit,
            ask.decision_point or calendars[found.cadence].decision_point,
            ask.decision_point is not None,
            tuple(sorted(ask.context.items())),
            found,
            calendars[found.cadence],
            member,
            group,
            group_id,
            catalogue.sites[group.group.site],
            tallies[ask.unit],
            known,
            given_of(known, now_ms),
            catalogue,
            ask.member is not None and safety[ask.member].family_unsafe,
            lives_under,
        )
    made = _already(conn, program_id, list(cases.values()), now_ms)
    fresh = {
        (case.strategy.id, case.unit): case
        for case in reversed(cases.values())
        if (case.strategy.id, case.unit, case.point) not in made
    }
    new = {
        (decision.strategy_id, decision.unit): decision
        for decision in _decide(conn, kept, program_id, catalogue, fresh, now_ms)
    }
    for place, case in cases.items():
        before = made.get((case.strategy.id, case.unit, case.point))
        if before is not None and case.member and not still_agreed(before, case.member.member, catalogue):
            answers[place] = withheld(
                asks[place].member, case.group_id, "consent_withdrawn", simulated=simulated
            )
            continue
        decision = before or new[case.strategy.id, case.unit]
        stood = setup.catalogue(conn, kept, program_id, decision.catalogue)
        answers[place] = told(decision, stood, simulated=simulated)
    return [answer for answer in answers if answer is not None]


class _Read(NamedTuple):
    """What is known of whom is asked about. persons : those who were merged into another id"""

    catalogue: Catalogue
    members: Mapping[str, units.MemberRow]
    groups: Mapping[str, units.GroupRow]
    safety: Mapping[str, Safety]
    persons: Mapping[str, Merged]
    today: date
    simulated: bool

    def group_of(self, ask: Ask) -> str | None:
        """The group that is asked about, or in which the member sits."""
        row = self.members.get(ask.member or "")
        return ask.group if row is None else row.group


def _trials(
    conn: Connection, kept: Kept, program_id: str, read: _Read, asks: Sequence[Ask], now_ms: int
) -> tuple[dict[int, Mistake], dict[str, Under]]:
    """What each group lives under. Newcomers of a trial are assigned, unless all that asks for them is wrong.

    returns : what is wrong with requests about newcomers, by place; and by group, without those of no trial
    """
    groups = {name: row.group for name, row in read.groups.items()}
    known = under_so_far(conn, program_id, read.catalogue, sorted(groups), read.today)
    coming = newcomers(conn, program_id, read.catalogue, groups, known, read.today)
    refused: dict[int, Mistake] = {}
    wanted: dict[str, Trial] = {}
    for place, ask in enumerate(asks):
        group = read.group_of(ask) or ""
        if group in coming:
            wrong = _wrong_in_an_arm(ask, read, group, coming[group])
            if wrong is None:
                wanted[group] = coming[group]
            else:
                refused[place] = wrong
    enrolled = enrol(conn, kept, program_id, read.catalogue, groups, wanted, read.today, now_ms)
    return refused, known | enrolled


def _wrong_in_an_arm(ask: Ask, read: _Read, group: str, trial: Trial) -> Mistake | None:
    """What would be wrong with a request about a newcomer in one arm or another; None where nothing is."""
    for might in might_be_under(group, trial, read.today):
        found = _found(ask, read, might)
        if isinstance(found, Conflict):
            return Conflict(
                f"group `{group}` has no arm of trial `{trial.id}` yet, and `{ask.strategy}` does not decide "
                "in each: ask without a strategy, and its arm's decides"
            )
        if isinstance(found, Mistake):
            return found
    return None


def _found(ask: Ask, read: _Read, lives_under: Under | None) -> Strategy | Answer:
    """The strategy that decides, or the answer where none does."""
    merge = read.persons.get(ask.member or "")
    if merge is not None:
        return NotFound(f"`{ask.member}` was merged into `{merge.into}`; ask for that one")
    found = _strategy(ask, read.catalogue, lives_under)
    if isinstance(found, Mistake):
        return found
    if found is not None:
        wrong = refusal("decision_point", ask.decision_point) or _misplaced(
            ask, found, read.catalogue, lives_under
        )
        if wrong is not None:
            return wrong
    return _gate(ask, found, read)


def _strategy(ask: Ask, catalogue: Catalogue, lives_under: Under | None) -> Strategy | Mistake | None:
    """The strategy that decides, or what is wrong with the request; None where a trial has none here."""
    level = ask.level or ask.unit.kind
    name = ask.strategy or catalogue.default_for(level, lives_under)
    if name is not None:
        return catalogue.strategies.get(name) or NotFound(f"there is no strategy `{name}` in this program")
    if lives_under is not None:
        return None
    return Invalid(f"the program has no default strategy for a {level}, so the request must name one")


def _misplaced(
    ask: Ask, strategy: Strategy, catalogue: Catalogue, lives_under: Under | None
) -> Mistake | None:
    """Why a strategy does not decide about what is asked."""
    name = strategy.id
    if strategy.plan is not None:
        return Invalid(f"strategy `{name}` plans a week for everybody at once; ask POST /v1/plans for it")
    if (strategy.level == "group") != (ask.group is not None):
        return Invalid(f"strategy `{name}` decides for a {strategy.level}, not for a {ask.unit.kind}")
    if not catalogue.decides(name, lives_under):
        return Conflict(_of_another(name, catalogue, lives_under))
    return None


def _of_another(name: str, catalogue: Catalogue, lives_under: Under | None) -> str:
    """Why a strategy does not decide for a group: what one condition of a trial learns no other may teach."""
    if lives_under is None:
        trial = catalogue.on_trial[name].id
        return f"strategy `{name}` decides for groups of trial `{trial}` alone, and this group is not in it"
    trial, own = lives_under.trial.id, lives_under.condition
    named = ", ".join(f"`{one}`" for one in own.strategies) or "none"
    return f"in trial `{trial}` this group lives under `{own.id}`, where these decide: {named}"


def _gate(ask: Ask, strategy: Strategy | None, read: _Read) -> Strategy | Answer:
    """What stands before any decision: is the unit there, and may anything be recommended?"""
    catalogue, members, groups, safety, simulated = (
        read.catalogue, read.members, read.groups, read.safety, read.simulated
    )  # fmt: skip
    row = None if ask.member is None else members.get(ask.member)
    group = read.group_of(ask)
    if ask.unit.id not in (groups if ask.member is None else members):
        return NotFound(f"there is no {ask.unit.kind} `{ask.unit.id}` in this program")
    referral = None if ask.member is None else safety[ask.member].referral
    if referral is not None:
        return withheld(ask.member, group, "referred", referral, simulated=simulated)
    why: Withheld | None = None
    if catalogue.program.stopped:
        why = "program_stopped"
    elif row is not None and not row.member.consent.messages:
        why = "messages_declined"
    elif strategy is not None and strategy.paused:
        why = "strategy_paused"
    elif group is not None and groups[group].group.ended:
        why = "group_ended"
    if why is not None or strategy is None:
        return withheld(ask.member, group, why or "trial", simulated=simulated)
    if group is None:
        return Invalid(f"member `{ask.member}` sits in no group today")
    if strategy.level == "adviser" and row is not None and row.role not in LEADING:
        return Invalid(f"strategy `{strategy.id}` decides for advisers, and `{ask.member}` is none today")
    return strategy


def _already(
    conn: Connection, program_id: str, cases: Sequence[Case], now_ms: int
) -> dict[tuple[str, Unit, str], Decision]:
    """What was decided before: this very decision point, or one that is still open."""
    standing: dict[tuple[str, Unit, str], str] = {}
    for case in cases:
        for before in case.recent:
            if before.strategy_id == case.strategy.id and (
                before.decision_point == case.point or is_open(before.answers, before.expires_at, now_ms)
            ):
                key = (case.strategy.id, case.unit, case.point)
                if before.decision_point == case.point or key not in standing:
                    standing[key] = before.decision_id
    named = [case for case in cases if case.named]
    if not standing and not named:
        return {}
    points = [f"{case.strategy.id} {case.unit.kind} {case.unit.id} {case.point}" for case in named]
    found = decisions.existing(
        conn, program_id, list(standing.values()), sorted({case.unit.id for case in named}), points
    )
    by_id = {decision.decision_id: decision for decision in found}
    made = {key: by_id[decision] for key, decision in standing.items()}
    for decision in found:
        made[decision.strategy_id, decision.unit, decision.decision_point] = decision
    return made


def _decide(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    fresh: dict[tuple[str, Unit], Case],
    now_ms: int,
) -> list[Decision]:
    """Decides and stores what is new, strategy by strategy, each in order of unit."""
    if not fresh:
        return []
    strategies = sorted({strategy for strategy, _ in fresh})
    versions = beliefs.pointers(conn, program_id, strategies)
    counting = [name for name in strategies if catalogue.strategies[name].counts]
    had = decisions.counted(conn, program_id, counting, [unit for _, unit in fresh]) if counting else {}
    secret = setup.draw_secret(conn, kept, program_id)
    today = next(iter(fresh.values())).calendar.today
    leads = _leads(conn, program_id, catalogue, fresh.values(), today, now_ms)
    fresh = {key: case._replace(leads=leads.get(case.group_id, NOBODY)) for key, case in fresh.items()}
    tired = tired_groups(leads)
    wanted: set[Resource] = set()
    for name in strategies:
        met_in = {case.group_id for key, case in fresh.items() if key[0] == name}
        wanted |= drawn_on(catalogue, catalogue.offered(catalogue.strategies[name]), met_in, today)
    taken = resources.lock_counters(conn, program_id, sorted(wanted))
    left = {
        resource: limit(catalogue, resource, tired) - amount for resource, amount in sorted(taken.items())
    }
    accounts = list(left)
    held: list[Reservation] = []
    made: list[Decision] = []
    given: dict[Unit, tuple[Given, ...]] = {}
    for name in strategies:
        cases = [after(fresh[key], given) for key in sorted(fresh) if key[0] == name]
        strategy = in_force(conn, kept, program_id, cases[0].strategy, versions[name])
        actions = catalogue.offered(strategy)
        asked = _asked(cases, actions, had, program_id, secret, now_ms)
        nodes = _nodes(conn, kept, program_id, strategy, versions[name], asked.points)
        stands = catalogue.strategy_revisions[name], versions[name]
        nodes = _with_settled(kept, program_id, strategy, stands, nodes, asked.points)
        ends = [case.days_to_end for case in cases]
        own = purse(catalogue, actions, asked.points.groups, today, left, ends)
        decided, costs = decide(strategy, nodes, asked, own), own.costs
        for row, case in enumerate(cases):
            decision = _decision(case, row, asked, decided, catalogue, versions[name], now_ms)
            made.append(decision)
            picked = decided.picked[row]
            if picked:
                given[case.unit] = (*given.get(case.unit, ()), Given(decision.action_id, now_ms))
            for account, amount in zip(
                own.account[row, picked].tolist(), costs[row, picked].tolist(), strict=True
            ):
                if account >= 0:
                    left[accounts[account]] -= amount
                    held.append(
                        Reservation(decision.decision_id, accounts[account], amount, decision.expires_at)
                    )
    decisions.insert_decisions(conn, program_id, made)
    resources.insert_reservations(conn, program_id, held)
    now_taken = {resource: limit(catalogue, resource, tired) - amount for resource, amount in left.items()}
    resources.write_counters(
        conn, program_id, {key: amount for key, amount in now_taken.items() if amount != taken[key]}
    )
    return made


def _leads(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    cases: Collection[Case],
    today: date,
    now_ms: int,
) -> Mapping[str, Leads]:
    """Who leads the groups in which that matters to what is decided."""
    matter = {
        name: matters(catalogue.offered(catalogue.strategies[name]), catalogue.strategies[name].features)
        for name in {case.strategy.id for case in cases}
    }
    groups = {case.group_id for case in cases if matter[case.strategy.id]}
    return leads_of(conn, program_id, catalogue, groups, today, now_ms)


def _asked(
    cases: Sequence[Case],
    actions: Sequence[AnyAction],
    had: Mapping[tuple[str, Unit], int],
    program_id: str,
    secret: bytes,
    now_ms: int,
) -> Asked:
    """The pure question: features, availability, draws."""
    strategy = cases[0].strategy
    points = Points(
        matrix([picture(case, now_ms) for case in cases], strategy.features, now_ms),
        tuple(case.group_id for case in cases),
        tuple(replay.member(case.unit.kind, case.unit.id, own=case.consent.my_signals) for case in cases),
        Course(
            np.array([had.get((strategy.id, case.unit), 0) for case in cases]),
            np.array(
                [
                    decisions_to_come(case.calendar.today, case.site.ends_on, strategy.cadence)
                    for case in cases
                ]
            ),
        ),
        strategy.columns,
    )
    draws = tuple(
        uniform(secret, program_id, strategy.id, f"{case.unit.kind}:{case.unit.id}", case.point)
        for case in cases
    )
    return Asked(
        points,
        refusals(actions, [situation(case, now_ms) for case in cases]),
        draws,
        tuple(not case.consent.chance for case in cases),
        priced(strategy.prices, actions, [case.days_to_end for case in cases])
        if strategy.prices.any
        else None,
        np.array([strategy.floor_for(case.stratum) for case in cases]) if strategy.floors else None,
        tuple(strategy.arm(secret, program_id, case.group_id) for case in cases),
    )


def _nodes(
    conn: Connection, kept: Kept, program_id: str, strategy: Strategy, version: int, points: Points
) -> Nodes:
    """The belief's nodes as of a version, from memory where they were read before."""
    if version == 0:
        return {}

    def read(keys: Sequence[str]) -> Nodes:
        found = {key: kept.nodes.get((program_id, strategy.id, key), version) for key in keys}
        missing = [key for key, state in found.items() if state is None]
        if missing:
            for key, state in beliefs.read_nodes(conn, program_id, strategy.id, missing, version).items():
                kept.nodes.put((program_id, strategy.id, key), version, state)
                found[key] = state
        return {key: state for key, state in found.items() if state is not None}

    return gathered(strategy.posterior, points.groups, points.members, read)


def _with_settled(
    kept: Kept, program_id: str, strategy: Strategy, version: tuple[int, int], nodes: Nodes, points: Points
) -> Nodes:
    """The nodes and what follows from them for whole groups, from memory where it was worked out before.

    version : the strategy's revision, and the version of its belief
    """
    groups = sorted(set(points.groups))
    found = {
        settled_key(group): kept.settled.get((program_id, strategy.id, settled_key(group)), version)
        for group in groups
    }
    missing = [group for group in groups if found[settled_key(group)] is None]
    try:
        new = strategy.posterior.settled(nodes, missing, 1 + len(strategy.actions))
    except Unusable:  # which scores will find as well
        return nodes
    for key, state in new.items():
        kept.settled.put((program_id, strategy.id, key), version, state)
        found[key] = state
    return {**nodes, **{key: state for key, state in found.items() if state is not None}}


def _decision(
    case: Case, row: int, asked: Asked, decided: Decided, catalogue: Catalogue, version: int, now_ms: int
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
        unit_kind=case.unit.kind,
        unit_id=case.unit.id,
        group_id=case.group_id,
        decision_point=case.point,
        action_id=names[picked],
        probability=share,
        randomised=fallback is None and share < CERTAIN,
        fallback=fallback,
        arm=asked.arms[row],
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
            remaining=float(asked.points.course.remaining[row]),
            made=int(asked.points.course.made[row]),
            days_to_end=case.days_to_end,
            own=case.consent.my_signals,
            floor=None if asked.floor is None else float(asked.floor[row]),
            beside=decided.beside[row].tobytes() if decided.beside[row].any() else b"",
            freedom=b"" if decided.scores.freedom is None else decided.scores.freedom[row].tobytes(),
        ),
    )
