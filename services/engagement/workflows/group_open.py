"""What is open for a group and for whoever sits in it, and its place in the plan of these weeks."""

from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import Connection

from engagement.bandits.propensity import ONE
from engagement.signals.signal import Audience
from engagement.store import decisions, plans, setup
from engagement.store.identifiers import first_uuid7
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status
from engagement.workflows.plan_told import UnitPlanned, plan_seen
from engagement.workflows.tell import moment
from engagement.workflows.worklist import OPEN_MS, seats_of, still_wanted

MOST = 100
WEEKS_BACK = 2
"""Weeks in which a plan still says something of today."""


class OpenNow(msgspec.Struct, frozen=True):
    """A suggestion that is open. member, seat : null for the group's own

    probability : with which it was drawn      due_at : when it runs out
    """

    decision_id: str
    member: str | None
    seat: int | None
    title: str
    kind: str
    probability: float
    randomised: bool
    status: Status
    due_at: datetime


class PlaceInPlan(msgspec.Struct, frozen=True):
    """A group's place in the newest plan that holds it. worth, worth_sd : see `UnitPlanned`"""

    plan_id: str
    period: str
    pool: str
    unit: UnitPlanned


def open_in(conn: Connection, kept: Kept, program_id: str, group: str, now_ms: int) -> list[OpenNow]:
    """What is open in a group, its own first, then by seat."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    found = decisions.standing(
        conn,
        program_id,
        actions=sorted(catalogue.actions),
        statuses=("proposed", "accepted"),
        groups=[group],
        after=first_uuid7(now_ms - OPEN_MS),
        open_at_ms=now_ms,
        limit=MOST,
    )
    shown = still_wanted(conn, program_id, catalogue, found, now_ms)
    seats = seats_of(conn, program_id, shown, local_date(now_ms, catalogue.program.time_zone))
    rows = []
    for decision, status in shown:
        action = setup.catalogue(conn, kept, program_id, decision.catalogue).actions[decision.action_id]
        own = decision.unit_kind == "group"
        rows.append(
            OpenNow(
                decision.decision_id,
                None if own else decision.unit_id,
                None if own else seats.get(decision.unit_id),
                action.title,
                str(action.__struct_config__.tag),
                decision.probability / ONE,
                decision.randomised,
                status,
                moment(decision.expires_at),
            )
        )
    return sorted(rows, key=lambda row: (row.member is not None, row.seat or 0, row.decision_id))


def place_in_plan(
    conn: Connection, kept: Kept, program_id: str, group: str, audience: Audience, now_ms: int
) -> PlaceInPlan | None:
    """Where a group stands in the plan of this week or the one before; None where it is in none."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    planning = sorted(name for name, row in catalogue.strategies.items() if row.plan is not None)
    for back in range(WEEKS_BACK):
        for strategy in planning:
            for plan in plans.in_period(conn, program_id, strategy, _week(today, back)):
                if not any(group in (row.unit, row.group) for row in plan.evidence.placed):
                    continue
                seen = plan_seen(conn, kept, program_id, plan.plan_id, audience, now_ms)
                unit = next((row for row in seen.units if row.group == group and row.member is None), None)
                if unit is not None:
                    return PlaceInPlan(plan.plan_id, plan.period, plan.pool, unit)
    return None


def _week(today: date, back: int) -> str:
    """The name of a week, such as 2026-W17."""
    year, week, _ = (today - timedelta(weeks=back)).isocalendar()
    return f"{year}-W{week:02}"
