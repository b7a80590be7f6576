"""A plan as people read it: each unit's place in line and why, who goes, and every worker's load."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engagement.actions.availability import WORDS, Reason
from engagement.bandits.propensity import ONE
from engagement.errors import Forbidden, NotFound
from engagement.signals.signal import Audience, may_see
from engagement.store import decisions, plans
from engagement.store.kept import Kept
from engagement.store.plans import Plan, Visit, newest
from engagement.strategy.life import Status, status
from engagement.strategy.planning import PlanLevel, UnitState
from engagement.strategy.week_plan import Barred, CrewMember, Placed
from engagement.workflows.crew import FALLEN_OUT
from engagement.workflows.sight import sight_of
from engagement.workflows.tell import REFUSED_FROM, moment

READERS: Audience = "health_worker"
"""Who may read plans; the figures behind a place, and everybody's load, are for `REASONS`."""
REASONS: Audience = "staff"
STATE_WORDS: dict[PlanLevel, dict[UnitState, str]] = {
    "group": {
        "dissolved": "has stopped meeting",
        "dormant": "missed two meetings in a row",
        "wavering": "missed a meeting, or its engagement is low or falling",
        "thriving": "meets",
    },
    "member": {
        "gone": "has left",
        "dormant": "did not come to the last two meetings",
        "wavering": "did not come to the last meeting",
        "active": "comes",
    },
}
LEFT_OUT = {
    "catchment": "no health worker works there",
    "language": "no health worker there speaks its language",
    "leave": "the health workers who could go are on leave",
    "minutes": "the health workers who could go have no time left",
    "full": "the time of the health workers is taken by others earlier in line",
}


class Going(msgspec.Struct, frozen=True):
    """Who goes to a unit. worker : null where nobody can, then `words` say why

    how : `drawn`; `fills_in` for one that was not drawn, in the time of `instead_of`; `swapped` or
    `reassigned` when the worker was changed      status : what became of it so far
    """

    worker: str | None
    how: str
    words: str
    instead_of: str | None
    status: Status


class UnitPlanned(msgspec.Struct, frozen=True):
    """One unit's place in a plan.

    group : the unit, or where the member sits      member : null in a plan for groups
    place : in line, the drawn first; null where no visit could be given      chance : of having been drawn
    forced : certain, because the minimum service fell due      why : in words
    due_weeks : weeks within which a visit was promised, this one among them
    worth, worth_sd : by the model, of a visit now, in steps of a unit in the best state; for staff, as are
        `state` and `due_weeks`
    """

    group: str
    member: str | None
    decision_id: str
    place: int | None
    chance: float
    drawn: bool
    forced: bool
    why: str
    going: Going | None
    state: str | None = None
    due_weeks: int | None = None
    worth: float | None = None
    worth_sd: float | None = None


class Load(msgspec.Struct, frozen=True):
    """A health worker's week: minutes that were free for this plan, and those it asks for now."""

    worker: str
    away: bool
    minutes: int
    planned_minutes: int
    visits: int


class PlanSeen(msgspec.Struct, frozen=True):
    """A plan, as far as its reader may see it.

    level : what the units are      units : in line, those that could not be visited last
    service_cost, chance_cost : by the model, what the minimum service and the part left to chance cost in
    this week's worth of visits; workers and costs are for staff
    """

    plan_id: str
    strategy: str
    strategy_revision: int
    level: PlanLevel
    pool: str
    period: str
    made_at: datetime
    ends_at: datetime
    visits: int
    sentence: str
    units: tuple[UnitPlanned, ...]
    workers: tuple[Load, ...] | None
    service_cost: float | None
    chance_cost: float | None


class PlanListed(msgspec.Struct, frozen=True):
    """A plan in short."""

    plan_id: str
    strategy: str
    pool: str
    period: str
    made_at: datetime
    level: PlanLevel
    units: int
    visits: int


def may_read(audience: Audience) -> None:
    """Refuses whoever is not meant to read plans: a neighbour may not see how other groups stand."""
    if not may_see(audience, READERS):
        raise Forbidden("plans are for health workers and staff")


def listed(plan: Plan) -> PlanListed:
    """A plan in short."""
    evidence = plan.evidence
    return PlanListed(
        plan.plan_id,
        plan.strategy_id,
        plan.pool,
        plan.period,
        moment(plan.made_at),
        evidence.level,
        sum(row.unit != "" for row in evidence.placed) + len(evidence.barred),
        evidence.visits,
    )


def plan_seen(
    conn: Connection, _kept: Kept, program_id: str, plan_id: str, audience: Audience, now_ms: int
) -> PlanSeen:
    """A plan and what became of it."""
    may_read(audience)
    plan = plans.by_id(conn, program_id, [plan_id]).get(plan_id)
    if plan is None:
        raise NotFound(f"there is no plan `{plan_id}` in this program")
    held = newest(plans.visits_of(conn, program_id, plan_id))
    said = decisions.answers(conn, program_id, sorted(held))
    stands = {
        name: status([step.status for step in said.get(name, ())], plan.ends_at, now_ms) for name in held
    }
    shared = None if may_see(audience, REASONS) else _shared(conn, program_id, plan, audience)
    return told(plan, held, stands, audience, shared)


def _shared(conn: Connection, program_id: str, plan: Plan, audience: Audience) -> frozenset[str]:
    """The units of a plan of which a reader may know: all groups, and the members who share."""
    evidence = plan.evidence
    names = {row.unit for row in evidence.placed} | {row.unit for row in evidence.barred}
    if evidence.level == "group":
        return frozenset(names)
    sight = sight_of(conn, program_id, audience, names)
    return frozenset(name for name in names if may_see(sight.of(name), READERS))


def told(
    plan: Plan,
    held: Mapping[str, Visit],
    stands: Mapping[str, Status],
    audience: Audience,
    shared: Collection[str] | None,
) -> PlanSeen:
    """The same, from what is stored.

    held : the entry that holds for each decision
    shared : the units this reader may know of, None for all
    """
    evidence, whole = plan.evidence, may_see(audience, REASONS)
    named = [row for row in evidence.placed if row.unit]  # whoever was erased is nobody in it
    unit_of = {row.decision_id: row.unit for row in named if shared is None or row.unit in shared}

    def going(row: Placed) -> Going | None:
        visit = held.get(row.decision_id)
        return None if visit is None else _going(visit, unit_of, stands[row.decision_id])

    placed = tuple(
        _placed(row, evidence.level, going(row), whole=whole)
        for row in sorted(named, key=lambda row: row.place)
        if row.decision_id in unit_of
    )
    barred = tuple(
        _barred(row, evidence.level)
        for row in evidence.barred
        if (shared is None or row.unit in shared) and may_see(audience, REFUSED_FROM[Reason(row.reason)])
    )
    return PlanSeen(
        plan.plan_id,
        plan.strategy_id,
        plan.strategy_revision,
        evidence.level,
        plan.pool,
        plan.period,
        moment(plan.made_at),
        moment(plan.ends_at),
        evidence.visits,
        _sentence(evidence.level, placed, barred),
        (*placed, *barred),
        tuple(_load(row, held.values(), stands) for row in evidence.crew) if whole else None,
        evidence.service_cost if whole else None,
        evidence.chance_cost if whole else None,
    )


def _placed(row: Placed, level: PlanLevel, going: Going | None, *, whole: bool) -> UnitPlanned:
    return UnitPlanned(
        row.group or row.unit,
        row.unit if level == "member" else None,
        row.decision_id,
        row.place,
        row.units / ONE,
        row.chosen,
        row.forced,
        _why(row, level),
        going,
        *((row.state, row.due or None, row.worth, row.sd) if whole else ()),
    )


def _barred(row: Barred, level: PlanLevel) -> UnitPlanned:
    return UnitPlanned(
        row.group or row.unit,
        row.unit if level == "member" else None,
        row.decision_id,
        None,
        0.0,
        False,
        False,
        f"No visit: {WORDS[Reason(row.reason)]}.",
        None,
    )


def _why(row: Placed, level: PlanLevel) -> str:
    """How a unit came by its place."""
    ago = "1 month" if row.unheard == 1 else f"{row.unheard} months"
    heard = f", when last heard of {ago} ago" if row.unheard else ""
    stands = f"The {level} {STATE_WORDS[level][row.state]}{heard}."
    stands = stands if row.known else "Nothing is known of a meeting yet."
    if row.forced:
        return f"Certain: its visit is due this week. {stands}"
    chance = f"Drawn with a chance of {100 * row.units / ONE:.3g} in 100"
    chance = chance if row.chosen else chance.replace("Drawn with", "Not drawn: it had")
    due = f" A visit is due within {row.due} weeks." if row.due else ""
    return f"{chance}. {stands}{due}"


def _going(visit: Visit, unit_of: Mapping[str, str], stands: Status) -> Going:
    words = {
        "drawn": "drawn",
        "fills_in": "next in line for time that was free",
        "swapped": "two health workers exchanged their visits",
        "reassigned": "the visits of the week were shared out anew",
    }[visit.why]
    if visit.worker_id is None:
        words = LEFT_OUT[visit.reason or "full"]
    instead_of = None if visit.instead_of is None else unit_of.get(visit.instead_of)
    return Going(visit.worker_id, visit.why, words, instead_of, stands)


def _load(row: CrewMember, held: Iterable[Visit], stands: Mapping[str, Status]) -> Load:
    own = [one for one in held if one.worker_id == row.worker and stands[one.decision_id] not in FALLEN_OUT]
    return Load(row.worker, row.away, row.minutes, sum(one.minutes for one in own), len(own))


def _sentence(level: PlanLevel, placed: Sequence[UnitPlanned], barred: Sequence[UnitPlanned]) -> str:
    """How many asked, how many fit, and why the others do not."""
    asked = len(placed) + len(barred)
    going = [row.going for row in placed if row.going is not None]
    fit = sum(one.worker is not None and one.status not in FALLEN_OUT for one in going)
    parts = [f"{asked} {level}s asked, {fit} fit"]
    for words, count in sorted(Counter(one.words for one in going if one.worker is None).items()):
        parts.append(f"{count} were drawn and {words}")
    fell = sum(one.status in FALLEN_OUT for one in going)
    parts += [f"{fell} visits fell out"] if fell else []
    parts += [f"{len(barred)} could not be visited"] if barred else []
    return "; ".join(parts) + "."


def in_words(plan: PlanSeen) -> list[str]:
    """A plan as a table for a terminal: place, unit, chance, who goes, why."""
    out = [f"{plan.pool}, {plan.period}: {plan.sentence}"]
    for row in plan.units:
        place = "-" if row.place is None else str(row.place)
        name = row.member or row.group
        who = "" if row.going is None else row.going.worker or f"nobody: {row.going.words}"
        if row.going is not None and row.going.instead_of is not None:
            who += f", instead of {row.going.instead_of}"
        out.append(f"  {place:>4}  {name:16} {100 * row.chance:5.1f} %  {who:16}  {row.why}")
    out += [
        f"  {load.worker}: {load.visits} visits, {load.planned_minutes} of {load.minutes} minutes"
        + (", away" if load.away else "")
        for load in plan.workers or ()
    ]
    return out
