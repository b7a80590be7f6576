"""What is to be planned, checked against the set-up."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.actions.catalogue import AnyAction
from engagement.errors import Conflict, Invalid, NotFound
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.units import Unit
from engagement.strategy.cadence import calendar, monday_of
from engagement.strategy.planning import PlanLevel, Planning
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy


class Wish(NamedTuple):
    """What is to be planned. level : what the units are

    day : whose links and seats hold      ends_ms : the end of the week
    """

    catalogue: Catalogue
    strategy: Strategy
    planning: Planning
    level: PlanLevel
    action: AnyAction
    today: date
    period: str
    monday: date
    day: date
    ends_ms: int

    def unit(self, name: str) -> Unit:
        """One of the plan's units by its id."""
        return Unit(self.level, name)


def wish_of(
    conn: Connection, kept: Kept, program_id: str, name: str | None, period: str | None, now_ms: int
) -> Wish:
    """The wish for this week or the next. name : the strategy; the only one that plans when None"""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    strategy = _strategy(catalogue, name)
    if catalogue.program.stopped or strategy.paused:
        raise Conflict("recommendations are switched off, so nothing is planned")
    zone = catalogue.program.time_zone
    this = calendar(now_ms, zone, "week")
    following = calendar(this.ends_ms, zone, "week")
    weeks = {this.decision_point: this, following.decision_point: following}
    period = period or this.decision_point
    if period not in weeks:
        raise Invalid(f"a plan is for this week or the next: {' or '.join(weeks)}")
    monday = monday_of(period)
    assert strategy.plan is not None  # noqa: S101  # only those are looked for
    return Wish(
        catalogue,
        strategy,
        strategy.plan,
        strategy.plan_level,
        catalogue.actions[strategy.actions[0]],
        this.today,
        period,
        monday,
        max(this.today, monday),
        weeks[period].ends_ms,
    )


def _strategy(catalogue: Catalogue, name: str | None) -> Strategy:
    planning = {key: row for key, row in catalogue.strategies.items() if row.plan is not None}
    if name is not None:
        if name not in catalogue.strategies:
            raise NotFound(f"there is no strategy `{name}` in this program")
        if name not in planning:
            raise Invalid(f"strategy `{name}` does not plan; ask POST /v1/recommendations for it")
        return planning[name]
    if len(planning) != 1:
        raise Invalid(f"{len(planning)} strategies of the program plan, so the request must name one")
    return next(iter(planning.values()))
