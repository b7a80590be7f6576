"""The life of a plan: freed time goes to the next in line, visits are exchanged, and shared out anew.

None of it changes a decision or its propensity. Each is a new entry of who goes where, made under the lock
of its week (`plans.lock_week`): what is left of a health worker's hours is true until it is stored, whatever
other plans of the week ask of her at the same moment.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.bandits.restless.assignment import Places, Worker, assigned
from engagement.errors import Conflict, Mistake, NotFound
from engagement.signals.signal import Audience
from engagement.store import decisions, plans, resources, setup
from engagement.store.kept import Kept
from engagement.store.plans import Plan, Visit, Why, newest
from engagement.strategy.cadence import local_date, monday_of
from engagement.strategy.crew import fillers
from engagement.strategy.life import Status, status
from engagement.workflows.crew import FALLEN_OUT, crew_of, standing_visits
from engagement.workflows.plan_consent import languages_of
from engagement.workflows.plan_told import PlanSeen, plan_seen
from engagement.workflows.visit_money import Money, hold_money, lock_money, money_of

Named = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\n)$")
]
OPEN: tuple[Status, ...] = ("proposed", "accepted")
FIRMNESS: dict[Status, int] = {"done": 2, "accepted": 1, "proposed": 0, "expired": 0}
"""Which visits a worker keeps before others when her time has become less."""


class Swap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two visits of one plan, by their decisions, whose health workers exchange them."""

    first: Named
    second: Named


class Swapping(NamedTuple):
    """An exchange that is asked for; the plan is told for this audience."""

    plan_id: str
    swap: Swap
    audience: Audience


class Sharing(NamedTuple):
    """A plan whose visits are to be shared out anew; it is told for this audience."""

    plan_id: str
    audience: Audience


class _Running(NamedTuple):
    """A plan in its week.

    held : the newest entry of each decision      stands : where each of these decisions stands
    entries : the last number given      language : of each unit to whom somebody may still go
    crew : with the time they have left
    """

    plan: Plan
    held: dict[str, Visit]
    stands: Mapping[str, Status]
    entries: int
    language: Mapping[str, str]
    crew: tuple[Worker, ...]

    def places(self, units: Sequence[str]) -> Places:
        """Where these units are, in this order."""
        return Places(
            tuple(units),
            (self.plan.pool,) * len(units),
            tuple(self.language[unit] for unit in units),
        )

    def line(self) -> list[tuple[str, str]]:
        """(decision, unit) of everybody in line to whom somebody may still go."""
        rows = sorted(self.plan.evidence.placed, key=lambda row: row.place)
        return [(row.decision_id, row.unit) for row in rows if row.unit in self.language]

    def loose(self, visit: Visit) -> bool:
        """Whether somebody else may be found for it: it waits to be made, and may be."""
        return self.stands[visit.decision_id] in OPEN and visit.unit_id in self.language

    def active(self, decision: str) -> bool:
        """Whether somebody goes there, and it has not fallen out."""
        visit = self.held.get(decision)
        return visit is not None and visit.worker_id is not None and self.stands[decision] not in FALLEN_OUT


def lock_weeks(conn: Connection, program_id: str, freed: Sequence[str]) -> None:
    """Takes the locks that `refill` needs; before any resource is locked that visits are paid from."""
    for period in plans.weeks_of_decisions(conn, program_id, freed) if freed else ():
        plans.lock_week(conn, program_id, period)


def refill(conn: Connection, kept: Kept, program_id: str, freed: Sequence[str], now_ms: int) -> None:
    """Gives the time of visits that just fell out to the next in line, while the week lasts.

    freed : decisions, after `lock_weeks`; those that no plan has a visit for are passed over
    """
    if not freed:
        return
    for plan_id in plans.plans_of_decisions(conn, program_id, freed):
        running = _running(conn, kept, program_id, plan_id, now_ms)
        if now_ms >= running.plan.ends_at:
            continue
        empty: dict[str, list[str]] = defaultdict(list)
        for name in freed:
            visit = running.held.get(name)
            if visit is not None and visit.worker_id is not None:
                empty[visit.worker_id].append(name)
        _fill(conn, kept, program_id, running, empty, now_ms)


def _fill(
    conn: Connection,
    kept: Kept,
    program_id: str,
    running: _Running,
    empty: Mapping[str, list[str]],
    now_ms: int,
) -> None:
    """Adds visits in the time of others. empty : by worker, the decisions whose visits fell out"""
    tried = {name for name, visit in running.held.items() if visit.worker_id is not None}
    waiting = [(name, unit) for name, unit in running.line() if name not in tried]
    able = [
        worker._replace(minutes=min(worker.minutes, worker.visit * len(empty[worker.name])))
        for worker in running.crew
        if worker.name in empty
    ]
    found = fillers(running.places([unit for _, unit in waiting]), able)
    money = _money(conn, kept, program_id, running.plan, now_ms)
    going = found[: lock_money(conn, program_id, money)]
    left = {name: list(rows) for name, rows in empty.items()}
    plan, takes = running.plan, {worker.name: worker.visit for worker in running.crew}
    entries = [
        Visit(
            plan.plan_id, running.entries + number, plan.period, waiting[place][0], plan.evidence.level,
            waiting[place][1], worker, takes[worker], "fills_in", None, left[worker].pop(0), now_ms,
        )
        for number, (place, worker) in enumerate(going, start=1)
    ]  # fmt: skip
    plans.insert_visits(conn, program_id, entries)
    hold_money(conn, program_id, money, [row.decision_id for row in entries], plan.ends_at)


def swap(
    conn: Connection, kept: Kept, program_id: str, asked: Sequence[Swapping], now_ms: int
) -> list[PlanSeen | Mistake]:
    """Exchanges the health workers of two visits."""
    out: list[PlanSeen | Mistake] = []
    for plan_id, wanted, audience in asked:
        try:
            running = _in_its_week(conn, kept, program_id, plan_id, now_ms)
            plans.insert_visits(conn, program_id, _swapped(running, wanted, now_ms))
            out.append(plan_seen(conn, kept, program_id, plan_id, audience, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _swapped(running: _Running, wanted: Swap, now_ms: int) -> list[Visit]:
    names = (wanted.first, wanted.second)
    for name in names:
        if name not in running.held:
            raise NotFound(f"the plan has no visit for decision `{name}`")
        if not running.active(name) or running.stands[name] not in OPEN:
            raise Conflict(f"the visit to `{running.held[name].unit_id}` is not waiting to be made")
    one, other = (running.held[name] for name in names)
    if one.worker_id == other.worker_id:
        raise Conflict("both visits are the same health worker's")
    exchanged = [(one, other.worker_id), (other, one.worker_id)]
    for visit, worker in exchanged:
        _must_fit(running, visit, str(worker))
    return [
        _next(running, number, visit, worker, "swapped", now_ms)
        for number, (visit, worker) in enumerate(exchanged, start=1)
    ]


def _must_fit(running: _Running, visit: Visit, worker: str) -> None:
    """Refuses a worker who cannot go there. Her time is not asked: she makes as many visits as before."""
    able = next((one for one in running.crew if one.name == worker), None)
    if able is None or able.away:
        raise Conflict(f"`{worker}` does not work in `{running.plan.pool}` in this week")
    if visit.unit_id not in running.language:
        raise Conflict(f"nobody goes to `{visit.unit_id}` any more")
    if running.language[visit.unit_id] not in able.languages:
        raise Conflict(f"`{worker}` does not speak the language of `{visit.unit_id}`")


def share_out(
    conn: Connection, kept: Kept, program_id: str, asked: Sequence[Sharing], now_ms: int
) -> list[PlanSeen | Mistake]:
    """Fits the visits of a plan to the hours, leave and links of now.

    Nobody is drawn anew. Whoever can still make a visit keeps it, what was accepted before what was not,
    the earlier in line before the later. Only the others, and those to which nobody could go, are given
    to whoever has time left.
    """
    out: list[PlanSeen | Mistake] = []
    for plan_id, audience in asked:
        try:
            running = _in_its_week(conn, kept, program_id, plan_id, now_ms)
            _share_out(conn, kept, program_id, running, now_ms)
            out.append(plan_seen(conn, kept, program_id, plan_id, audience, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _share_out(conn: Connection, kept: Kept, program_id: str, running: _Running, now_ms: int) -> None:
    loose, crew = _loosened(running)
    found = assigned(running.places([visit.unit_id for visit in loose]), crew)
    rows = resources.reservations_of(conn, program_id, [visit.decision_id for visit in loose])
    paid = {row.decision_id for row in rows}
    money = _money(conn, kept, program_id, running.plan, now_ms)
    left = lock_money(conn, program_id, money)
    entries: list[Visit] = []
    first: list[str] = []
    for visit, worker, reason in zip(loose, *found, strict=True):
        if (worker, reason) == (visit.worker_id, visit.reason):
            continue
        if worker is not None and visit.decision_id not in paid:
            if len(first) >= left:
                continue  # it stays without anybody: there is no money for it
            first.append(visit.decision_id)
        entry = _next(running, len(entries) + 1, visit, worker, "reassigned", now_ms)
        entries.append(entry._replace(reason=reason))
    plans.insert_visits(conn, program_id, entries)
    hold_money(conn, program_id, money, first, running.plan.ends_at)


def _loosened(running: _Running) -> tuple[list[Visit], list[Worker]]:
    """The visits that somebody has to be found for, in line, and what time is left beside all others.

    To whom nobody may go any more keeps whoever was to go, until she says that it fell out.
    """
    place = {row.decision_id: row.place for row in running.plan.evidence.placed}
    loose = [
        visit
        for name, visit in running.held.items()
        if visit.worker_id is None
        and running.stands[name] not in FALLEN_OUT
        and visit.unit_id in running.language
    ]
    own: dict[str, list[Visit]] = defaultdict(list)
    for name, visit in running.held.items():
        if running.active(name):
            own[str(visit.worker_id)].append(visit)
    crew = []
    for worker in running.crew:
        firm = sorted(
            own.pop(worker.name, ()),
            key=lambda row: (-FIRMNESS[running.stands[row.decision_id]], place[row.decision_id]),
        )
        minutes = worker.minutes + sum(visit.minutes for visit in firm)
        for visit in firm:
            speaks = running.language.get(visit.unit_id) in worker.languages
            able = speaks and not worker.away and minutes >= visit.minutes
            if able or not running.loose(visit):
                minutes -= visit.minutes
            else:
                loose.append(visit)
        crew.append(worker._replace(minutes=minutes))
    gone = (visit for some in own.values() for visit in some if running.loose(visit))
    return sorted([*loose, *gone], key=lambda row: place[row.decision_id]), crew


def _in_its_week(conn: Connection, kept: Kept, program_id: str, plan_id: str, now_ms: int) -> _Running:
    """The plan, if its week is not over."""
    running = _running(conn, kept, program_id, plan_id, now_ms)
    if now_ms >= running.plan.ends_at:
        raise Conflict(f"the week of this plan, {running.plan.period}, is over")
    return running


def _running(conn: Connection, kept: Kept, program_id: str, plan_id: str, now_ms: int) -> _Running:
    plan = plans.by_id(conn, program_id, [plan_id]).get(plan_id)
    if plan is None:
        raise NotFound(f"there is no plan `{plan_id}` in this program")
    plans.lock_week(conn, program_id, plan.period)
    visits = plans.visits_of(conn, program_id, plan_id)
    held = newest(visits)
    said = decisions.answers(conn, program_id, sorted(held))
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    monday = monday_of(plan.period)
    day = max(local_date(now_ms, catalogue.program.time_zone), monday)
    language = languages_of(conn, program_id, catalogue.program, plan, day)
    of_week = [row for row in plans.visits_since(conn, program_id, plan.period) if row.period == plan.period]
    action = catalogue.strategies[plan.strategy_id].actions[0]
    crew = crew_of(
        conn,
        program_id,
        plan.pool,
        monday,
        day,
        least_minutes=catalogue.actions[action].minutes,
        languages=frozenset(language.values()),
        standing=standing_visits(conn, program_id, of_week),
        homes={row.unit: row.group or row.unit for row in plan.evidence.placed},
    )
    stands = {
        name: status([step.status for step in said.get(name, ())], plan.ends_at, now_ms) for name in held
    }
    last = max((visit.number for visit in visits), default=0)
    return _Running(plan, held, stands, last, language, tuple(crew))


def _money(conn: Connection, kept: Kept, program_id: str, plan: Plan, now_ms: int) -> Money:
    """What another visit of the plan costs, and of what."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    action = catalogue.actions[catalogue.strategies[plan.strategy_id].actions[0]]
    return money_of(catalogue, action, local_date(now_ms, catalogue.program.time_zone))


def _next(running: _Running, number: int, of: Visit, worker: str | None, why: Why, now_ms: int) -> Visit:
    """A new entry for a visit that has one. number : from 1 among those added now"""
    return of._replace(
        number=running.entries + number,
        worker_id=worker,
        minutes=next((one.visit for one in running.crew if one.name == worker), 0),
        why=why,
        reason=None,
        recorded_at=now_ms,
    )
