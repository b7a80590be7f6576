"""Health workers' plan of a week: to whom each goes and why, who waits, and how full her week is."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.errors import Mistake
from engagement.signals.signal import may_see
from engagement.store import plans
from engagement.store.kept import Kept
from engagement.strategy.cadence import calendar, monday_of
from engagement.workflows.crew import FALLEN_OUT
from engagement.workflows.plan_told import (
    REASONS,
    PlanListed,
    PlanSeen,
    UnitPlanned,
    listed,
    plan_seen,
)

MOST_PLANS = 100


class Visits(msgspec.Struct, frozen=True):
    """A week's plans in short, and one of them. plan : None where the week has none

    before, after : the weeks around it      staff : whether loads and worth are shown
    """

    period: str
    monday: date
    before: str
    after: str
    plans: tuple[PlanListed, ...]
    plan: PlanSeen | None
    staff: bool

    @property
    def sunday(self) -> date:
        """The week's last day."""
        return self.monday + timedelta(days=6)

    @property
    def going(self) -> tuple[UnitPlanned, ...]:
        """Units to which somebody goes."""
        units = () if self.plan is None else self.plan.units
        return tuple(row for row in units if row.going is not None and row.going.worker is not None)

    @property
    def waiting(self) -> tuple[UnitPlanned, ...]:
        """Units to which nobody goes this week."""
        return tuple(row for row in (() if self.plan is None else self.plan.units) if row not in self.going)

    @property
    def fallen_out(self) -> int:
        """Visits that are not made after all."""
        return sum(row.going is not None and row.going.status in FALLEN_OUT for row in self.going)

    @property
    def chances_from(self) -> float:
        """The smallest chance that anybody in line had."""
        units = () if self.plan is None else self.plan.units
        return min((row.chance for row in units if row.place is not None), default=0.0)


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[Visits | Mistake]:
    """The week that each visitor asks for, this one where they ask for none."""
    out: list[Visits | Mistake] = []
    for visit in visits:
        try:
            out.append(_week(conn, kept, program_id, visit, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _week(conn: Connection, kept: Kept, program_id: str, visit: Visit, now_ms: int) -> Visits:
    now = calendar(now_ms, visit.who.program.time_zone, "week").decision_point
    period = visit.query.get("week") or now
    monday = monday_of(period)
    made = plans.page(conn, program_id, "", MOST_PLANS, period=period)
    found = sorted(made, key=lambda plan: (plan.pool, plan.strategy_id))
    wanted = visit.query.get("plan") or (found[0].plan_id if found else "")
    shown = next((plan for plan in found if plan.plan_id == wanted), found[0] if found else None)
    return Visits(
        period=period,
        monday=monday,
        before=_name(monday - timedelta(days=7)),
        after=_name(monday + timedelta(days=7)),
        plans=tuple(map(listed, found)),
        plan=None
        if shown is None
        else plan_seen(conn, kept, program_id, shown.plan_id, visit.audience, now_ms),
        staff=may_see(visit.audience, REASONS),
    )


def _name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


PAGE = ConsolePage("visits", "/visits", read, menu=True)
