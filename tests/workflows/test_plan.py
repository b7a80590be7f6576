"""A week's visits are planned, in a real database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date

import msgspec
import pytest
from sqlalchemy import func, select

from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.store import plans
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.planning import Planning
from engagement.strategy.setup import Budget, Group, Leave, Program
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.link import link
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.plan_told import in_words, plan_seen
from engagement.workflows.rebuild import compare
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from support.peer_groups import PLAN, held, ms
from support.visits import (
    NEXT_WEEK,
    PLANNED,
    VISIT,
    WEEK,
    a_planned_program,
    add_groups,
    add_worker,
    linking,
    planned,
    seen,
)

SIX = ("a", "b", "c", "d", "e", "f")


def hill(db, *, hours=2.0, groups=SIX, **changes):
    """Groups that meet, and a health worker: two hours a week are two visits."""
    made = a_planned_program(db, **changes)
    add_groups(made, "hill", *groups)
    add_worker(made, "hill", "asha", hours=hours)
    return made


@pytest.fixture
def here(db):
    return hill(db)


def going(plan):
    """Group → health worker, of whoever has one."""
    return {row.group: row.going.worker for row in plan.units if row.going and row.going.worker}


def decisions_of(here):
    """(group, week, action) of every stored decision."""
    d = t.decisions.c
    query = select(d.unit_id, d.decision_point, d.action_id).where(d.program_id == here.id)
    with here.db.read() as conn:
        return {tuple(row) for row in conn.execute(query)}


def refused(here, day=0.0, **ask):
    """Why the only pool could not be planned."""
    [row] = plan_week(here.db, here.kept, here.id, PlanAsk(**ask), ms(day)).pools
    assert isinstance(row.mistake, Mistake)
    return str(row.mistake)


def test_as_many_are_drawn_as_there_is_time_for(here):
    [plan] = planned(here)
    assert (plan.visits, sum(row.drawn for row in plan.units)) == (2, 2)


def test_the_chances_add_up_to_the_visits(here):
    [plan] = planned(here)
    assert sum(row.chance for row in plan.units) == pytest.approx(2, abs=1e-9)


def test_every_group_gets_a_decision_a_visit_or_none(here):
    [plan] = planned(here)
    wanted = {(row.group, WEEK, "visit" if row.drawn else "none") for row in plan.units}
    assert decisions_of(here) == wanted
    assert len(wanted) == 6


def test_whoever_is_drawn_is_gone_to(here):
    [plan] = planned(here)
    assert going(plan) == {row.group: "asha" for row in plan.units if row.drawn}


def test_the_drawn_stand_first_in_line(here):
    [plan] = planned(here)
    assert [row.place for row in plan.units] == [1, 2, 3, 4, 5, 6]
    assert [row.drawn for row in plan.units] == [True] * 2 + [False] * 4


def test_asking_again_returns_the_plan_that_is_there(here):
    first = planned(here)
    add_groups(here, "hill", "late")
    assert planned(here, day=1.0) == first


def test_another_week_is_another_draw(here):
    planned(here)
    [plan] = planned(here, day=1.0, period=NEXT_WEEK)
    assert (plan.period, len(decisions_of(here))) == (NEXT_WEEK, 12)


def test_a_plan_is_for_this_week_or_the_next(here):
    with pytest.raises(Invalid, match="this week or the next: 2026-W11 or 2026-W12"):
        planned(here, period="2026-W13")


def test_each_catchment_has_its_own_plan_in_order_of_name(here):
    add_groups(here, "dale", "x", "y")
    add_worker(here, "dale", "bina", hours=0.75)
    dale, plan = planned(here)
    assert (dale.pool, dale.visits, len(dale.units)) == ("dale", 1, 2)
    assert (plan.pool, plan.visits, len(plan.units)) == ("hill", 2, 6)


def test_one_catchment_may_be_asked_for(here):
    add_groups(here, "dale", "x", "y")
    assert [plan.pool for plan in planned(here, pool="hill")] == ["hill"]


def test_a_catchment_without_groups_is_not_found(here):
    with pytest.raises(NotFound, match="no group is linked to a catchment `moor`"):
        planned(here, pool="moor")


def test_groups_without_a_catchment_are_counted(here):
    here.run(revise, [Group(id="far", site="here")])
    assert plan_week(here.db, here.kept, here.id, PlanAsk(), ms(0)).nowhere == 1


def test_where_nobody_works_every_group_gets_none(db):
    made = a_planned_program(db)
    add_groups(made, "hill", "a", "b")
    [plan] = planned(made)
    assert [(row.chance, row.drawn) for row in plan.units] == [(0, False)] * 2


def test_where_there_is_time_for_everybody_all_are_certain(db):
    [plan] = planned(hill(db, groups=("a", "b")))
    assert [(row.chance, row.drawn) for row in plan.units] == [(1, True)] * 2


def test_who_is_on_leave_all_week_makes_no_visit(db):
    made = hill(db)
    add_worker(made, "hill", "bina", leave=(Leave(starts_on=date(2026, 3, 9), ends_on=date(2026, 3, 13)),))
    [plan] = planned(made)
    assert {load.worker: (load.away, load.visits) for load in plan.workers} == {
        "asha": (False, 2),
        "bina": (True, 0),
    }


def test_nobody_is_asked_for_more_than_her_hours(db):
    made = hill(db, hours=1.0)
    add_worker(made, "hill", "bina", hours=3.0)
    [plan] = planned(made)
    loads = {load.worker: (load.planned_minutes, load.minutes) for load in plan.workers}
    assert loads == {"asha": (45, 60), "bina": (180, 180)}


def test_a_drawn_group_whose_language_nobody_speaks_says_so_and_its_time_goes_to_the_next(db):
    made = a_planned_program(db)
    add_groups(made, "hill", "a", "b", language="te")
    add_groups(made, "hill", "c", language="hi")
    add_worker(made, "hill", "asha", languages=("hi",))
    [plan] = planned(made)
    by_name = {row.group: row for row in plan.units}
    left = [row for row in (by_name["a"], by_name["b"]) if row.drawn]
    assert [row.going.words for row in left] == ["no health worker there speaks its language"] * len(left)
    assert by_name["c"].going.worker == "asha"
    assert by_name["c"].drawn or by_name["c"].going.instead_of in {row.group for row in left}


def test_a_group_that_was_visited_in_the_cool_down_is_told_so(db):
    made = a_planned_program(db)
    made.run(revise, [msgspec.structs.replace(VISIT, cool_down_days=20)])
    add_groups(made, "hill", *SIX)
    add_worker(made, "hill", "asha")
    [before] = planned(made)
    drawn = {row.group for row in before.units if row.drawn}
    made.run(answer, [(row.decision_id, Reply("done")) for row in before.units if row.drawn], day=1.0)
    [plan] = planned(made, day=6.0)
    barred = {row.group: (row.place, row.why) for row in plan.units if row.place is None}
    assert barred == dict.fromkeys(drawn, (None, "No visit: given a short while ago."))
    assert {(group, NEXT_WEEK, "none") for group in drawn} <= decisions_of(made)


def test_a_group_that_has_dissolved_or_was_ended_is_in_no_plan(here):
    add_groups(here, "hill", "gone", met=0)
    add_groups(here, "hill", "over", ended=True)
    [plan] = planned(here)
    assert {row.group for row in plan.units} == set(SIX)


def test_a_group_of_which_nothing_is_known_may_be_visited(here):
    here.run(revise, [Group(id="new", site="here")])
    here.run(link, [linking("group", "new", "catchment", "hill")])
    [plan] = planned(here)
    assert next(row.state for row in plan.units if row.group == "new") == "wavering"


def test_of_a_silent_group_the_last_known_state_counts(db):
    made = hill(db)
    [plan] = planned(made, day=66.0)
    assert {(row.state, row.why.partition(". ")[2]) for row in plan.units} == {
        ("thriving", "The group meets, when last heard of 1 month ago.")
    }


def test_money_for_one_visit_makes_one(db):
    budget = Budget(id="health", limit_minor=199)
    [plan] = planned(hill(db, budgets=(budget,)))
    assert plan.visits == 1


def test_the_money_of_a_plan_is_held(db):
    made = hill(db, budgets=(Budget(id="health", limit_minor=10_000),))
    planned(made)
    c = t.counters.c
    with made.db.read() as conn:
        query = select(c.resource_id, c.taken).where(c.program_id == made.id, c.taken > 0)
        assert conn.execute(query).all() == [("health", 200)]
    assert compare(made.db, Kept(), made.id) == []


def served_all(here, weeks):
    """Plans week after week, all visits made; the weeks in which each group was visited."""
    out = {name: [] for name in SIX}
    for week in range(weeks):
        [plan] = planned(here, day=7.0 * week)
        for name in going(plan):
            out[name].append(week)
    return out


def test_nobody_waits_longer_than_the_program_says(db):
    """Six groups, two visits a week and a promise of four weeks."""
    made = hill(db, plan=Planning(longest_wait_weeks=4))
    for weeks in served_all(made, 9).values():
        waits = [later - earlier for earlier, later in zip([-1, *weeks], [*weeks, 9], strict=True)]
        assert max(waits) <= 4


def test_a_promise_that_cannot_be_kept_is_refused_in_figures(db):
    made = hill(db, hours=0.75, plan=Planning(longest_wait_weeks=1))
    assert refused(made) == (
        "the minimum service needs 6 visits this week, and the health workers have time for 1"
    )
    assert decisions_of(made) == set()


def test_who_is_certain_is_marked_and_is_told_why(db):
    made = hill(db, hours=4.5, plan=Planning(longest_wait_weeks=1))
    [plan] = planned(made)
    assert [(row.chance, row.forced) for row in plan.units] == [(1, True)] * 6
    assert plan.units[0].why == "Certain: its visit is due this week. The group meets."


def test_a_plan_promises_nothing_unless_the_program_does(here):
    [plan] = planned(here)
    assert (plan.service_cost, [row.due_weeks for row in plan.units]) == (0, [None] * 6)


def test_what_another_strategy_could_offer_is_refused_as_planned(here):
    [told] = here.run(recommend, [Ask(group="a", strategy="groups")])
    assert [(row.action, row.reason) for row in told.unavailable] == [("visit", "planned")]
    assert {row.action for row in told.chances} == {"none", "clinic"}


def test_while_the_plan_is_paused_others_may_offer_it(db):
    made = hill(db, paused=True)
    [told] = made.run(recommend, [Ask(group="a", strategy="groups")])
    assert told.unavailable == ()


def test_a_strategy_that_plans_is_not_asked_for_a_recommendation(here):
    [told] = here.run(recommend, [Ask(group="a", strategy="visits")])
    assert str(told) == "strategy `visits` plans a week for everybody at once; ask POST /v1/plans for it"


def test_one_that_does_not_plan_is_not_asked_for_a_plan(here):
    with pytest.raises(Invalid, match="strategy `groups` does not plan"):
        planned(here, strategy="groups")


def test_where_no_strategy_plans_one_must_be_named(db):
    made = hill(db)
    made.run(revise, [msgspec.structs.replace(PLANNED, id="again", actions=("clinic",))])
    with pytest.raises(Invalid, match="2 strategies of the program plan"):
        planned(made)


def test_while_the_program_is_stopped_nothing_is_planned(here):
    here.run(revise, [msgspec.structs.replace(PLAN.program, stopped=True)])
    with pytest.raises(Conflict, match="switched off"):
        planned(here)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (msgspec.structs.replace(PLANNED, id="twin"), "`visits` already plans `visit`"),
        (
            Program(id="program", title="P", default_group_strategy="visits"),
            "plans a week at a time, so it cannot be the `default_group_strategy`",
        ),
        (msgspec.structs.replace(PLANNED, plan=None), "whether it plans define what has been learned"),
    ],
    ids=["twin", "default", "turned off"],
)
def test_a_set_up_in_which_plans_would_clash_is_refused(here, thing, words):
    [told] = here.run(revise, [thing])
    assert words in str(told)


def test_every_decision_of_a_plan_comes_out_the_same_when_it_is_made_again(here):
    [plan] = planned(here)
    names = [row.decision_id for row in plan.units]
    with here.db.read() as conn:
        verdicts = list(replay_decisions(conn, Kept(), here.id, names))
    assert [verdict.agrees for verdict in verdicts] == [True] * 6
    assert {verdict.replayed.probability_gap for verdict in verdicts} == {0}


def test_two_replicas_at_once_make_one_plan(db, shared_url):
    here = hill(db)

    def plan(_):
        with closing(Database(shared_url)) as own:
            made = plan_week(own, Kept(), here.id, PlanAsk(), ms(0))
            return made.pools[0].plan_id

    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(plan, range(4)))
    assert len(names) == 1
    with here.db.read() as conn:
        assert len(plans.in_period(conn, here.id, "visits", WEEK)) == 1
    assert len(decisions_of(here)) == 6


def test_a_health_worker_sees_places_and_chances_and_no_figures_of_others(here):
    [plan] = planned(here)
    with here.db.read() as conn:
        told = plan_seen(conn, Kept(), here.id, plan.plan_id, "health_worker", ms(0))
    assert (told.workers, told.service_cost, told.units[0].worth) == (None, None, None)
    assert [row.chance for row in told.units] == [row.chance for row in plan.units]


def test_what_the_groups_did_after_is_learned(here):
    """After four months of plans the index is made of what was seen, no longer of the guess alone."""
    [first] = planned(here)
    for week in range(1, 9):
        planned(here, day=7.0 * week)
    here.run(ingest, [held(name, 14.0, 0) for name in SIX], day=15.0)
    [last] = planned(here, day=63.0)
    assert {row.worth for row in last.units} != {row.worth for row in first.units}


def test_a_plan_folds_no_belief(here):
    planned(here)
    assert "visits" not in {row.strategy_id for row in here.fold(day=60.0)}


def test_a_planned_decision_is_rewarded_for_analysis(here):
    [plan] = planned(here)
    here.run(ingest, [held(name, 14.0, 0) for name in SIX], day=15.0)
    here.fold(day=60.0)
    o = t.outcomes.c
    with here.db.read() as conn:
        query = select(func.count()).where(o.program_id == here.id, o.strategy_id == "visits", o.reward == 0)
        assert conn.execute(query).scalar_one() == len(plan.units)


def test_the_plan_of_a_pool_is_told_as_it_was_stored(here):
    [plan] = planned(here)
    assert seen(here, plan.plan_id) == plan


def test_on_a_terminal_a_plan_is_a_line_a_group_and_a_line_a_worker(here):
    [plan] = planned(here)
    lines = in_words(plan)
    assert lines[0] == "hill, 2026-W11: 6 groups asked, 2 fit."
    assert lines[-1] == "  asha: 2 visits, 90 of 120 minutes"
    assert [line.split()[:2] for line in lines[1:7]] == [[str(row.place), row.group] for row in plan.units]
