"""What becomes of a plan: freed time goes to the next, visits are exchanged, and shared out anew."""

from datetime import date

import msgspec
import pytest

from engagement.errors import Mistake
from engagement.store import plans
from engagement.store.kept import Kept
from engagement.strategy.planning import Planning
from engagement.strategy.setup import Budget, HealthWorker, Leave
from engagement.workflows.answer import Reply, answer
from engagement.workflows.plan_life import Sharing, Swap, Swapping, share_out, swap
from engagement.workflows.rebuild import compare
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from support.visits import NEXT_WEEK, VISIT, a_planned_program, add_groups, add_worker, planned, seen

SIX = ("a", "b", "c", "d", "e", "f")
ALL_WEEK = (Leave(starts_on=date(2026, 3, 9), ends_on=date(2026, 3, 13)),)


def hill(db, *workers, hours=0.75, **changes):
    """Six groups that meet; each of the workers has time for a visit of 45 minutes."""
    made = a_planned_program(db, **changes)
    add_groups(made, "hill", *SIX)
    for name in workers:
        add_worker(made, "hill", name, hours=hours)
    return made, planned(made)[0]


def say(here, row, status, reason=None, day=1.0):
    [stood] = here.run(answer, [(row.decision_id, Reply(status, reason))], day=day)
    assert stood.status == status


def visited(plan):
    """Group → health worker, of the visits that hold."""
    return {
        row.group: row.going.worker
        for row in plan.units
        if row.going and row.going.worker and row.going.status not in ("declined", "not_done", "replaced")
    }


def in_place(plan, place):
    return plan.units[place - 1]


def told(results):
    """The plan that a call answers, or its mistake in words."""
    [one] = results
    return str(one) if isinstance(one, Mistake) else one


@pytest.mark.parametrize(
    ("status", "reason"), [("declined", "no_time"), ("replaced", "other"), ("not_done", "not_home")]
)
def test_a_visit_that_falls_out_goes_to_the_next_in_line(db, status, reason):
    here, plan = hill(db, "asha")
    say(here, in_place(plan, 1), status, reason)
    assert visited(seen(here, plan.plan_id, 1.0)) == {in_place(plan, 2).group: "asha"}


def test_it_is_recorded_whose_place_was_filled(db):
    here, plan = hill(db, "asha")
    say(here, in_place(plan, 1), "declined", "no_time")
    filled = in_place(seen(here, plan.plan_id, 1.0), 2).going
    assert (filled.how, filled.instead_of, filled.status) == ("fills_in", in_place(plan, 1).group, "proposed")


def test_no_decision_and_no_chance_changes_with_it(db):
    here, plan = hill(db, "asha")
    say(here, in_place(plan, 1), "declined", "no_time")
    after = seen(here, plan.plan_id, 1.0)
    assert [row.chance for row in after.units] == [row.chance for row in plan.units]
    with here.db.read() as conn:
        verdicts = list(replay_decisions(conn, Kept(), here.id, [row.decision_id for row in plan.units]))
    assert [verdict.agrees for verdict in verdicts] == [True] * 6


def test_a_visit_that_fills_in_may_fall_out_as_well(db):
    here, plan = hill(db, "asha")
    for place in (1, 2):
        say(here, in_place(plan, place), "not_done", "not_home")
    assert visited(seen(here, plan.plan_id, 1.0)) == {in_place(plan, 3).group: "asha"}


def test_saying_so_twice_fills_the_place_once(db):
    here, plan = hill(db, "asha")
    say(here, in_place(plan, 1), "declined")
    say(here, in_place(plan, 1), "declined")
    with here.db.read() as conn:
        assert len(plans.visits_of(conn, here.id, plan.plan_id)) == 2


def test_when_everybody_was_asked_nobody_is_asked_again(db):
    here, plan = hill(db, "asha")
    for row in plan.units:
        say(here, row, "not_done", "not_home")
    assert visited(seen(here, plan.plan_id, 1.0)) == {}


def test_when_the_week_is_over_its_time_is_gone(db):
    here, plan = hill(db, "asha")
    say(here, in_place(plan, 1), "not_done", day=9.0)
    assert visited(seen(here, plan.plan_id, 9.0)) == {}


def test_a_visit_that_falls_out_counts_as_none_for_who_is_next(db):
    """Whoever filled in was visited; whoever was not at home was not."""
    here, plan = hill(db, "asha", plan=Planning(longest_wait_weeks=20))
    say(here, in_place(plan, 1), "not_done", "not_home")
    [after] = planned(here, day=7.0)
    due = {row.group: row.due_weeks for row in after.units}
    assert (due[in_place(plan, 1).group], due[in_place(plan, 2).group]) == (19, 20)


def test_the_money_of_who_declined_pays_for_the_next(db):
    here, plan = hill(db, "asha", "bina", budgets=(Budget(id="health", limit_minor=100),))
    assert plan.visits == 1
    say(here, in_place(plan, 1), "declined")
    assert len(visited(seen(here, plan.plan_id, 1.0))) == 1
    assert compare(here.db, Kept(), here.id) == []


def test_where_money_has_become_too_little_the_place_stays_empty(db):
    here, plan = hill(db, "asha", budgets=(Budget(id="health", limit_minor=100),))
    here.run(revise, [Budget(id="health", limit_minor=99)])
    say(here, in_place(plan, 1), "declined")
    assert visited(seen(here, plan.plan_id, 1.0)) == {}


def exchange(here, plan, first, second, day=1.0):
    wanted = Swap(in_place(plan, first).decision_id, in_place(plan, second).decision_id)
    return told(here.run(swap, [Swapping(plan.plan_id, wanted, "staff")], day=day))


def test_two_workers_may_exchange_their_visits(db):
    here, plan = hill(db, "asha", "bina")
    before = visited(plan)
    one, other = in_place(plan, 1).group, in_place(plan, 2).group
    assert visited(exchange(here, plan, 1, 2)) == {one: before[other], other: before[one]}


def test_an_exchange_leaves_everybody_s_load_as_it_was(db):
    here, plan = hill(db, "asha", "bina")
    assert exchange(here, plan, 1, 2).workers == plan.workers


@pytest.mark.parametrize(
    ("workers", "second", "words"),
    [
        (("asha", "bina"), 6, "the plan has no visit for decision"),
        (("asha",), 2, "both visits are the same health worker's"),
    ],
    ids=["not visited", "same worker"],
)
def test_an_exchange_needs_two_visits_of_two_workers(db, workers, second, words):
    here, plan = hill(db, *workers, hours=0.75 if len(workers) == 2 else 1.5)
    assert words in exchange(here, plan, 1, second)


def test_what_fell_out_is_not_exchanged(db):
    here, plan = hill(db, "asha", "bina")
    say(here, in_place(plan, 1), "declined")
    words = f"the visit to `{in_place(plan, 1).group}` is not waiting to be made"
    assert exchange(here, plan, 1, 2) == words


def test_nobody_gets_a_visit_in_a_language_that_she_does_not_speak(db):
    here = a_planned_program(db)
    add_groups(here, "hill", "a", language="te")
    add_groups(here, "hill", "b", language="hi")
    add_worker(here, "hill", "asha", hours=0.75, languages=("te", "hi"))
    add_worker(here, "hill", "bina", hours=0.75, languages=("hi",))
    [plan] = planned(here)
    assert exchange(here, plan, 1, 2) == "`bina` does not speak the language of `a`"


def test_after_its_week_a_plan_is_left_alone(db):
    here, plan = hill(db, "asha", "bina")
    assert exchange(here, plan, 1, 2, day=8.0) == "the week of this plan, 2026-W11, is over"


def share(here, plan, day=1.0):
    return told(here.run(share_out, [Sharing(plan.plan_id, "staff")], day=day))


def test_shared_out_with_nothing_changed_a_plan_stays_as_it_is(db):
    here, plan = hill(db, "asha", "bina")
    assert visited(share(here, plan)) == visited(plan)
    with here.db.read() as conn:
        assert len(plans.visits_of(conn, here.id, plan.plan_id)) == 2


def test_the_visits_of_who_goes_on_leave_go_to_who_has_time(db):
    here, plan = hill(db, "asha", "bina")
    mine = [group for group, worker in visited(plan).items() if worker == "asha"]
    here.run(
        revise,
        [
            HealthWorker(id="asha", hours_a_week=0.75, leave=ALL_WEEK),
            HealthWorker(id="bina", hours_a_week=1.5),
        ],
    )
    after = share(here, plan)
    assert visited(after) == dict.fromkeys(visited(plan), "bina")
    assert [row.going.how for row in after.units if row.group in mine] == ["reassigned"]


def test_where_nobody_has_time_left_it_is_said(db):
    here, plan = hill(db, "asha")
    here.run(revise, [HealthWorker(id="asha", hours_a_week=0.75, leave=ALL_WEEK)])
    going = in_place(share(here, plan), 1).going
    assert (going.worker, going.words) == (None, "the health workers who could go are on leave")


def test_who_has_less_time_keeps_what_was_accepted(db):
    here, plan = hill(db, "asha", hours=1.5)
    say(here, in_place(plan, 2), "accepted")
    here.run(revise, [HealthWorker(id="asha", hours_a_week=0.75)])
    assert visited(share(here, plan)) == {in_place(plan, 2).group: "asha"}


def test_nobody_is_drawn_anew(db):
    here, plan = hill(db, "asha")
    here.run(revise, [HealthWorker(id="asha", hours_a_week=10.0)])
    after = share(here, plan)
    assert [(row.group, row.drawn, row.chance) for row in after.units] == [
        (row.group, row.drawn, row.chance) for row in plan.units
    ]


def test_a_plan_that_is_not_there_cannot_be_shared_out(db):
    here, plan = hill(db, "asha")
    missing = plan.__class__(**{**msgspec.structs.asdict(plan), "plan_id": plan.units[0].decision_id})
    assert share(here, missing).startswith("there is no plan")


def test_next_week_s_plan_asks_for_next_week_s_time(db):
    here, plan = hill(db, "asha")
    [following] = planned(here, day=1.0, period=NEXT_WEEK)
    assert [load.planned_minutes for load in (*plan.workers, *following.workers)] == [45, 45]


def test_a_decline_moves_no_dose(db):
    """Whoever declined may be visited in the next week, whoever was visited only after the cool-down."""
    here = a_planned_program(db)
    here.run(revise, [msgspec.structs.replace(VISIT, cool_down_days=20)])
    add_groups(here, "hill", *SIX)
    add_worker(here, "hill", "asha")
    [plan] = planned(here)
    say(here, in_place(plan, 1), "declined", "no_time")
    say(here, in_place(plan, 2), "done")
    [after] = planned(here, day=7.0)
    barred = {row.group for row in after.units if row.place is None}
    assert barred == {in_place(plan, 2).group}
