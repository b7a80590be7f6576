"""Whether the minimum service is kept, and what time for visits health workers have left this week."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals.tally import DAY_MS
from engagement.store import decisions, links, plans, setup
from engagement.store.decisions import Planned
from engagement.strategy.cadence import calendar, midnight_ms, monday_of
from engagement.strategy.crew import minutes_in
from engagement.strategy.setup import Catalogue, HealthWorker
from engagement.strategy.strategy import Strategy
from engagement.workflows.crew import all_names, last_visited, standing_visits

WEEK = timedelta(days=7)
YEAR_MS = 365 * DAY_MS


class Crew(NamedTuple):
    """Minutes of the week that all health workers with a catchment have for groups, and those of visits."""

    minutes: int
    promised: int


def crew_minutes(conn: Connection, program_id: str, today: date) -> Crew:
    """The week's minutes of everybody who is linked to a catchment today."""
    monday = today - timedelta(days=today.weekday())
    names = all_names(conn, program_id, "health_worker")
    found = links.links_of(conn, program_id, "health_worker", names)
    there = [name for name in names if links.linked_on(found.get(name, ()), "catchment", today) is not None]
    people = [row.thing for row in setup.newest(conn, program_id, "health_worker", there).values()]
    minutes = sum(minutes_in(one, monday) for one in people if isinstance(one, HealthWorker))
    period = named(monday)
    held = standing_visits(conn, program_id, plans.visits_since(conn, program_id, period))
    return Crew(minutes, sum(row.minutes for row in held if row.period == period))


def unmet(
    conn: Connection, program_id: str, catalogue: Catalogue, strategy: Strategy, now_ms: int
) -> int | None:
    """Units of a plan that were promised a visit by last week and have had none; None where none is promised.

    Units that no plan has mentioned for as long as the promise says have left it.
    """
    if strategy.plan is None or strategy.plan.longest_wait_weeks is None:
        return None
    longest = strategy.plan.longest_wait_weeks
    monday = monday_of(calendar(now_ms, catalogue.program.time_zone, "week").decision_point)
    rows = decisions.planned(conn, program_id, strategy.id, now_ms - YEAR_MS)
    before: Mapping[str, Sequence[Planned]] = {
        unit: tuple(some) for unit, some in groupby(rows, attrgetter("unit_id"))
    }
    since = named(monday - WEEK * (longest + 1))
    held = standing_visits(conn, program_id, plans.visits_since(conn, program_id, since))
    last = last_visited(row for row in held if row.unit_kind == strategy.plan_level)
    recent_ms = midnight_ms(monday - WEEK * longest, catalogue.program.time_zone)
    return sum(
        weeks_due(longest, monday, last.get(unit), some) < 1
        for unit, some in before.items()
        if some[-1].decided_at >= recent_ms
    )


def weeks_due(longest: int, monday: date, last: str | None, before: Sequence[Planned]) -> int:
    """Weeks within which a visit is promised, the one of this Monday among them; below 1 where it is overdue.

    last : the week of the last visit      before : the unit's decisions of plans, the oldest first
    """
    if last is not None:
        return longest + 1 - (monday - monday_of(last)) // WEEK
    first = min((row.period for row in before), default=named(monday))
    return longest - (monday - monday_of(first)) // WEEK


def named(monday: date) -> str:
    """The week that begins on a Monday, like 2026-W17."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"
