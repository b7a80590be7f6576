"""Money and minutes: what is reserved, what is spent, what is left. Sums are worked out by hand.

A token costs 50 of a fund of 1,000 a month; a visit is 45 minutes of a health worker's two hours a week.
"""

import msgspec
import pytest

from engagement.errors import Forbidden
from engagement.store import resources
from engagement.strategy.setup import Leave
from engagement.workflows.answer import Reply, answer
from engagement.workflows.budgets import Fund, Time, budgets
from engagement.workflows.revise import revise
from support.peer_groups import CALL, PLAN, TOKEN, a_program, always, decided, ms, seat_members
from support.visits import MONDAY, WEEK, a_planned_program, add_groups, add_worker, planned

MONTH = "2026-03"


def told(here, day=0.0):
    with here.db.read() as conn:
        (found,) = budgets(conn, here.kept, here.id, ["staff"], ms(day))
    return found


def fund(reserved, spent, period=MONTH):
    return Fund("fund", period, 1_000, reserved, spent, 1_000 - reserved - spent)


@pytest.fixture
def offered(db):
    """Three members, each offered a token."""
    here = a_program(db, always("token", 1_000))
    seat_members(here, 3, chance="no")
    return here, decided(here, "m0", "m1", "m2")


def test_what_is_proposed_or_accepted_is_reserved_what_is_done_is_spent_what_is_declined_is_free(offered):
    here, (first, second, third) = offered
    assert told(here).funds == (fund(150, 0),)
    here.run(answer, [(first, Reply("accepted")), (second, Reply("done")), (third, Reply("declined"))])
    assert told(here).funds == (fund(50, 50),)


def test_what_is_left_is_what_the_counter_leaves_to_the_next_recommendation(offered):
    here, (first, *_) = offered
    here.run(answer, [(first, Reply("declined"))])
    (mine,) = told(here).funds
    taken = here.read(resources.taken, resources.Resource("fund", MONTH))
    assert mine.left_minor == 1_000 - taken == 900


def test_an_earlier_month_is_told_apart_and_what_ran_out_there_is_free_after_a_fold(offered):
    here, (first, *_) = offered
    here.run(answer, [(first, Reply("done"))])
    here.fold(40.0)
    later = told(here, 40.0)
    assert later.funds == (fund(0, 0, "2026-04"),)
    assert later.before == (fund(0, 50),)


def test_a_payer_without_a_budget_is_named(db):
    plan = msgspec.structs.replace(
        PLAN, actions=(*PLAN.actions[:2], TOKEN, msgspec.structs.replace(TOKEN, id="prize", payer="donor"))
    )
    assert told(a_program(db, plan)).unlimited == ("donor",)


def test_an_advisers_minutes_are_of_her_group_and_month(db):
    call = msgspec.structs.replace(CALL, minutes=25)
    here = a_program(db, msgspec.structs.replace(always("call"), actions=(call, *PLAN.actions[1:])))
    seat_members(here, 9, chance="no")
    decided(here, "m0", "m1", "m8")
    assert told(here).advisers == (
        Time("adviser", "g0", MONTH, 60, 50, 0, 10),
        Time("adviser", "g1", MONTH, 60, 25, 0, 35),
    )


def test_staff_share_one_limit_where_there_is_one(db):
    call = msgspec.structs.replace(CALL, minutes=25, carrier="staff")
    plan = msgspec.structs.replace(always("call"), actions=(call, *PLAN.actions[1:]))
    here = a_program(db, plan)
    assert told(here).staff is None
    here.run(revise, [msgspec.structs.replace(plan.program, staff_minutes=100)])
    seat_members(here, 2, chance="no")
    decided(here, "m0", "m1")
    assert told(here).staff == Time("staff", None, MONTH, 100, 50, 0, 50)


def test_a_health_workers_week_holds_her_visits_and_what_she_has_done(db):
    here = a_planned_program(db)
    add_groups(here, "hill", "a", "b")
    add_worker(here, "hill", "asha")
    add_worker(here, "dale", "devi", leave=(Leave(starts_on=MONDAY, ends_on=MONDAY.replace(day=15)),))
    (plan,) = planned(here)
    first = next(row.decision_id for row in plan.units if row.going is not None and row.going.worker)
    here.run(answer, [(first, Reply("done"))])
    assert told(here).workers == (
        Time("health_worker", "asha", WEEK, 120, 45, 45, 30),
        Time("health_worker", "devi", WEEK, 0, 0, 0, 0, away=True),
    )


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_money_is_for_staff(here, audience):
    (found,) = here.run(budgets, [audience])
    assert isinstance(found, Forbidden)


def test_it_takes_as_many_statements_for_many_groups_as_for_one(db, statements):
    def count(members):
        call = msgspec.structs.replace(CALL, minutes=25)
        here = a_program(db, msgspec.structs.replace(always("call"), actions=(call, *PLAN.actions[1:])))
        decided(here, *seat_members(here, members, chance="no"))
        here.run(budgets, ["staff"])
        with statements() as sent:
            here.run(budgets, ["staff"])
        return len(sent)

    assert count(8) == count(40)
