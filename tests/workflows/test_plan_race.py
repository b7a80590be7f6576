"""Two replicas plan one pool, and one of them stores its plan in the midst of what the other does.

Nothing is left to time: the second plans from beginning to end just before a chosen statement of the first.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import Engine, event

from engagement.store import plans
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.planning import Planning
from engagement.workflows.plan import PlanAsk, plan_week
from support.peer_groups import ms
from support.visits import WEEK, a_planned_program, add_groups, add_worker

SIX = ("a", "b", "c", "d", "e", "f")
MOMENTS = {
    "before it looks whether there is a plan": r"FROM plans\s+WHERE .*\bpool\b",
    "before it reads which visits are promised": r"FROM visits",
    "before it reads who works there": r"FROM links\s+WHERE .*\bunit_id\b.*",
    "before it draws on what it has read": r"FROM programs",
    "before it stores": r"FROM tallies\s.*FOR UPDATE|BEGIN IMMEDIATE",
}


@pytest.fixture
def here(db):
    """Six groups of which one must be visited each week, and time for exactly that one visit."""
    made = a_planned_program(db, plan=Planning(longest_wait_weeks=6))
    add_groups(made, "hill", *SIX)
    add_worker(made, "hill", "asha", hours=0.75)
    return made


@contextmanager
def just_before(statement: str, work) -> Iterator[list[str]]:
    """Does the work once, when a statement like this is about to be sent; gives the statements it met."""
    met: list[str] = []

    def look(_conn, _cursor, sent, *_):
        if not met and re.search(statement, sent, re.DOTALL):
            met.append(sent)
            work()

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield met
    finally:
        event.remove(Engine, "before_cursor_execute", look)


def told(here, db):
    """What a replica with this connection is told: the plan's id, or why there is none."""
    [row] = plan_week(db, Kept(), here.id, PlanAsk(), ms(0)).pools
    return row.plan_id or str(row.mistake)


@pytest.mark.parametrize("moment", MOMENTS)
def test_whoever_is_late_tells_the_plan_that_was_made_meanwhile(here, shared_url, moment):
    with closing(Database(shared_url)) as one, closing(Database(shared_url)) as other:
        first: list[str] = []
        with just_before(MOMENTS[moment], lambda: first.append(told(here, other))) as met:
            late = told(here, one)
    assert met, "the moment never came"
    assert [late] == first
    stored = here.read(plans.in_period, "visits", WEEK)
    assert [plan.plan_id for plan in stored] == first
    assert len(stored[0].evidence.placed) == len(SIX)
