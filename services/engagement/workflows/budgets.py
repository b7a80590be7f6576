"""What is left of a program's money and of its carriers' time, and what has become of the rest.

Read from the ledger, not from the counters that cache it. What ran out unanswered counts as reserved until
the next round of folding releases it, as it does when something is recommended.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.errors import Forbidden, Mistake
from engagement.signals.signal import Audience, may_see
from engagement.store import decisions, plans, resources, setup
from engagement.store.kept import Kept
from engagement.store.resources import Held
from engagement.strategy.cadence import budget_period, calendar, local_date, monday_of
from engagement.strategy.crew import away_in, minutes_in
from engagement.strategy.purse import ADVISER, STAFF, Resource, limit
from engagement.strategy.setup import Catalogue, HealthWorker
from engagement.workflows.crew import PAGE, standing_visits
from engagement.workflows.leading import leads_of
from engagement.workflows.tell import moment

READER: Audience = "staff"
NOTHING = Held()


class Fund(msgspec.Struct, frozen=True):
    """A payer's money in one period, in the currency's minor unit. left_minor : never below 0

    limit_minor : as it is now, whatever it was when a past period ended
    """

    payer: str
    period: str
    limit_minor: int
    reserved_minor: int
    spent_minor: int
    left_minor: int


class Time(msgspec.Struct, frozen=True):
    """Minutes of one carrier in one period. of : a health worker, an adviser's group; null for all staff"""

    carrier: Carrier
    of: str | None
    period: str
    limit: int
    reserved: int
    spent: int
    left: int
    away: bool = False


class Budgets(msgspec.Struct, frozen=True):
    """A program's money and minutes.

    funds : of every payer that has a budget, in its present period; who has least left comes first
    before : of earlier periods, the newest first      unlimited : payers of actions that have no budget
    workers : each health worker's week      staff : their month, null where it has no limit
    advisers : of groups of whose adviser something is asked this month, who has least left first
    """

    currency: str
    as_of: datetime
    funds: tuple[Fund, ...]
    before: tuple[Fund, ...]
    unlimited: tuple[str, ...]
    staff: Time | None
    workers: tuple[Time, ...]
    advisers: tuple[Time, ...]


def budgets(
    conn: Connection, kept: Kept, program_id: str, readers: Sequence[Audience], now_ms: int
) -> list[Budgets | Mistake]:
    """The budgets for each reader; they are for staff. A constant number of statements."""
    told: Budgets | None = None
    out: list[Budgets | Mistake] = []
    for reader in readers:
        if not may_see(reader, READER):
            out.append(Forbidden("money and minutes are for staff"))
            continue
        told = told or _told(conn, kept, program_id, now_ms)
        out.append(told)
    return out


def _told(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> Budgets:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    month = budget_period(today, "month")
    of_payers = resources.held_of(conn, program_id, sorted(catalogue.budgets))
    of_month = resources.held_in(conn, program_id, month)
    present, before = _funds(catalogue, of_payers, today)
    paying = {row.payer for row in catalogue.actions.values() if row.cost_minor and not row.retired}
    return Budgets(
        catalogue.program.currency,
        moment(now_ms),
        present,
        before,
        tuple(sorted(paying - catalogue.budgets.keys())),
        _staff(catalogue, of_month, month),
        _workers(conn, program_id, catalogue, now_ms),
        _advisers(conn, program_id, catalogue, of_month, today, now_ms),
    )


def _funds(
    catalogue: Catalogue, held: Mapping[Resource, Held], today: date
) -> tuple[tuple[Fund, ...], tuple[Fund, ...]]:
    """Present and earlier periods of every payer."""
    now = [Resource(name, budget_period(today, row.period)) for name, row in catalogue.budgets.items()]
    present = [_fund(catalogue, one, held.get(one, NOTHING)) for one in now]
    others = [_fund(catalogue, one, what) for one, what in held.items() if one not in now and what.taken]
    return (
        tuple(sorted(present, key=lambda row: (_share(row.left_minor, row.limit_minor), row.payer))),
        tuple(sorted(sorted(others, key=lambda row: row.payer), key=lambda row: row.period, reverse=True)),
    )


def _fund(catalogue: Catalogue, one: Resource, held: Held) -> Fund:
    there = limit(catalogue, one)
    return Fund(one.id, one.period, there, held.reserved, held.spent, max(0, there - held.taken))


def _share(left: int, there: int) -> float:
    return left / there if there else 0.0


def _staff(catalogue: Catalogue, held: Mapping[Resource, Held], month: str) -> Time | None:
    if catalogue.program.staff_minutes is None:
        return None
    one = Resource(STAFF, month)
    return _time("staff", None, month, limit(catalogue, one), held.get(one, NOTHING))


def _time(
    carrier: Carrier, of: str | None, period: str, there: int, held: Held, *, away: bool = False
) -> Time:
    return Time(carrier, of, period, there, held.reserved, held.spent, max(0, there - held.taken), away)


def _advisers(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    held: Mapping[Resource, Held],
    today: date,
    now_ms: int,
) -> tuple[Time, ...]:
    asked = {
        one.id.removeprefix(ADVISER): one
        for one, what in held.items()
        if one.id.startswith(ADVISER) and what.taken
    }
    leads = leads_of(conn, program_id, catalogue, sorted(asked), today, now_ms) if asked else {}
    tired = {group for group, lead in leads.items() if lead.tired}
    found = [
        _time("adviser", group, one.period, limit(catalogue, one, tired), held[one])
        for group, one in asked.items()
    ]
    return tuple(sorted(found, key=lambda row: (row.left, row.of or "")))


def _workers(conn: Connection, program_id: str, catalogue: Catalogue, now_ms: int) -> tuple[Time, ...]:
    """Each health worker's week: what visits that hold ask of her, and what of it is done."""
    week = calendar(now_ms, catalogue.program.time_zone, "week").decision_point
    monday = monday_of(week)
    people = [
        row.thing
        for row in setup.page(conn, program_id, "health_worker", "", PAGE)
        if isinstance(row.thing, HealthWorker) and not row.thing.ended
    ]
    if not people:
        return ()
    visits = [row for row in plans.visits_since(conn, program_id, week) if row.period == week]
    standing = standing_visits(conn, program_id, visits)
    said = decisions.answers(conn, program_id, [row.decision_id for row in standing])
    asked, done = Counter[str](), Counter[str]()
    for row in standing:
        life = said.get(row.decision_id, ())
        (done if life and life[-1].status == "done" else asked)[row.worker_id or ""] += row.minutes
    return tuple(
        _time(
            "health_worker",
            one.id,
            week,
            minutes_in(one, monday),
            Held(asked[one.id], done[one.id]),
            away=away_in(one, monday),
        )
        for one in people
    )
