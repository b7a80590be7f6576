"""A health worker's hours are of a week, whatever plans ask for them, and whoever asks at the same moment."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import msgspec
import pytest
from sqlalchemy import text

from engagement.errors import Mistake
from engagement.store import plans
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.setup import HealthWorker
from engagement.workflows.answer import Reply, answer
from engagement.workflows.crew import standing_visits
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.plan_life import Sharing, share_out
from engagement.workflows.revise import revise
from support.peer_groups import ms
from support.visits import (
    HOME_VISIT,
    PLANNED,
    PLANNED_MEMBERS,
    WEEK,
    a_planned_program,
    add_groups,
    add_members,
    add_worker,
    planned,
)

SIX = ("a", "b", "c", "d", "e", "f")
MEMBERS = tuple(f"m{n}" for n in range(6))
BOTH = ("visits", "home_visits")


@pytest.fixture
def here(db):
    """Six groups and six members of one catchment, a strategy that plans for each, and one health worker."""
    made = a_planned_program(db)
    add_groups(made, "hill", *SIX)
    made.run(revise, [HOME_VISIT])
    made.run(revise, [PLANNED_MEMBERS])
    add_members(made, "a", *MEMBERS)
    add_worker(made, "hill", "asha", hours=0.75)
    return made


def minutes(here):
    """Health worker → minutes of the week that the visits which hold ask of her."""
    out = Counter()
    with here.db.read() as conn:
        for row in standing_visits(conn, here.id, plans.visits_since(conn, here.id, WEEK)):
            out[row.worker_id] += row.minutes
    return out


def work(here, hours):
    here.run(revise, [HealthWorker(id="asha", hours_a_week=hours)])


def share(here, plan, conn):
    [told] = share_out(conn, Kept(), here.id, [Sharing(plan.plan_id, "staff")], ms(1))
    assert not isinstance(told, Mistake), told


def test_a_visit_that_takes_longer_in_another_plan_is_counted_as_long_as_it_is(db):
    """A day at the clinic takes 60 of her 90 minutes: 30 are left, and a visit takes 45."""
    here = a_planned_program(db)
    here.run(revise, [msgspec.structs.replace(PLANNED, id="clinics", actions=("clinic",))])
    add_groups(here, "hill", *SIX)
    add_worker(here, "hill", "asha", hours=1.5)
    [first], [second] = planned(here, strategy="clinics"), planned(here, strategy="visits")
    assert (first.visits, second.visits) == (1, 0)
    assert [load.planned_minutes for load in first.workers] == [60]


@contextmanager
def meanwhile(here, url: str, late: Callable[[Database], object]) -> Iterator[Database]:
    """A transaction that is open until something else either waits for it, or is done without waiting."""
    with closing(Database(url)) as other, ThreadPoolExecutor(1) as pool:
        with here.db.write() as conn:
            yield conn
            started = pool.submit(late, other)
            while not (here.db.is_sqlite or started.done() or someone_waits(here.db)):
                pass
        started.result()


def someone_waits(db):
    """Whether a transaction on this PostgreSQL waits for a row."""
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    with db.read() as conn:
        return conn.execute(text(waiting + " and datname = current_database()")).scalar_one() > 0


def loose_visits(here):
    """Plans for groups and for members, each with a visit that nobody makes; she has 45 minutes again."""
    [first] = planned(here, strategy="visits")
    work(here, 1.5)
    [second] = planned(here, strategy="home_visits")
    work(here, 0)
    for plan in (first, second):
        with here.db.write() as conn:
            share(here, plan, conn)
    assert minutes(here) == {}
    work(here, 0.75)
    return first, second


def test_two_plans_that_are_shared_out_at_once_give_her_time_away_once(here, shared_url):
    first, second = loose_visits(here)

    def late(db):
        with db.write() as conn:
            share(here, second, conn)

    with meanwhile(here, shared_url, late) as conn:
        share(here, first, conn)
    assert minutes(here) == {"asha": 45}


def test_a_plan_that_is_made_while_another_is_shared_out_finds_her_time_taken(here, shared_url):
    [first] = planned(here, strategy="visits")
    work(here, 0)
    with here.db.write() as conn:
        share(here, first, conn)
    work(here, 0.75)

    def late(db):
        return plan_week(db, Kept(), here.id, PlanAsk(strategy="home_visits"), ms(1))

    with meanwhile(here, shared_url, late) as conn:
        share(here, first, conn)
    assert minutes(here) == {"asha": 45}


def test_visits_of_two_plans_that_fall_out_at_once_are_filled_once_each(here, shared_url):
    """Each frees 45 minutes, and each plan gives the next in its own line 45."""
    [first] = planned(here, strategy="visits")
    work(here, 1.5)
    [second] = planned(here, strategy="home_visits")

    def fall_out(plan, conn):
        answer(conn, Kept(), here.id, [(plan.units[0].decision_id, Reply("not_done", "not_home"))], ms(1))

    def late(db):
        with db.write() as conn:
            fall_out(second, conn)

    with meanwhile(here, shared_url, late) as conn:
        fall_out(first, conn)
    assert minutes(here) == {"asha": 90}
    for plan in (first, second):
        filled = [row for row in here.read(plans.visits_of, plan.plan_id) if row.instead_of is not None]
        assert [row.instead_of for row in filled] == [plan.units[0].decision_id]


def test_whatever_is_planned_and_falls_out_at_once_nobody_is_asked_for_more_than_her_hours(here, shared_url):
    """Both plans from four sides; then every visit falls out while both plans are shared out anew."""
    add_worker(here, "hill", "bina", hours=2.4)
    hours = {"asha": 45, "bina": 144}

    def on_its_own(work):
        with closing(Database(shared_url)) as db:
            return work(db)

    def plan(strategy):
        return lambda db: plan_week(db, Kept(), here.id, PlanAsk(strategy=strategy), ms(0)).pools[0].plan_id

    def in_a_transaction(workflow, what):
        def run(db):
            with db.write() as conn:
                return workflow(conn, Kept(), here.id, what, ms(1))

        return run

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(on_its_own, [plan(name) for name in BOTH * 2]))
        assert len(made) == 2
        assert all(minutes(here)[name] <= most for name, most in hours.items())
        first = [row for name in sorted(made) for row in here.read(plans.visits_of, name)]
        gone = [(row.decision_id, Reply("not_done", "not_home")) for row in first if row.worker_id]
        sharing = [in_a_transaction(share_out, [Sharing(name, "staff")]) for name in sorted(made)]
        falling = [in_a_transaction(answer, gone[0::2]), in_a_transaction(answer, gone[1::2])]
        list(pool.map(on_its_own, [*falling, *sharing]))
    assert gone
    assert all(minutes(here)[name] <= most for name, most in hours.items())
    assert minutes(here).total() > 0
