"""Trials in a program: who is assigned, what decides for them, and what is learned from whom."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import func, select

from engagement.actions.nudge import Nudge
from engagement.errors import Conflict, Identifying, Invalid, Mistake, NotFound
from engagement.store import assignments, setup
from engagement.store import tables as t
from engagement.strategy.allotment import protocol_hash
from engagement.strategy.setup import Group, HealthWorker, Link
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Amendment, Protocol, SteppedWedge, Trial, TrialCondition
from engagement.workflows.everybody import AskAll, everybody
from engagement.workflows.ingest import ingest
from engagement.workflows.link import Linking, link
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.recommend_to import AskedBy, recommend_to
from engagement.workflows.rehearse import rehearse_decisions
from engagement.workflows.revise import revise
from engagement.workflows.trial import ToAssign, assign_asked
from engagement.workflows.trial_told import tell_trials
from support.peer_groups import PLAN, START, ask, came, decided, ms, said, seat
from support.visits import WEEK, a_planned_program, add_groups, add_worker, planned

TODAY = START.date()
ONE = Strategy(id="one", title="One", actions=("call", "token"))
TWO = Strategy(id="two", title="Two", actions=("call", "token"))
TRIAL = Trial(
    id="which",
    title="Which keeps groups going?",
    conditions=(
        TrialCondition(id="alone", title="The adviser alone"),
        TrialCondition(id="one", title="One", strategies=("one",)),
        TrialCondition(id="two", title="Two", strategies=("two",)),
    ),
    starts_on=TODAY,
    blocks=(1,),
)
GROUPS = tuple(f"g{n}" for n in range(9))


def with_trial(here, trial=TRIAL, **changes):
    things = [ONE, TWO, msgspec.structs.replace(trial, **changes)]
    return here.run(revise, things)[-1]


@pytest.fixture
def tried(here):
    """A trial of three arms and nine groups, one member m0 … m8 each; nobody is assigned yet."""
    with_trial(here)
    seat(here, *(f"g{n},m{n},1" for n in range(9)))
    return here


def assigned(here, *groups, day=0.0):
    return here.run(assign_asked, [("which", ToAssign(groups))], day=day)[0]


def arms(here):
    return {row.group_id: row.arm for row in here.read(assignments.of_trial, "which")}


def member_in(here, arm):
    return next(f"m{name[1:]}" for name, own in sorted(arms(here).items()) if own == arm)


def test_every_group_is_assigned_once_and_blocks_are_balanced(tried):
    told = assigned(tried)
    assert told.new == 9
    assert sorted(arms(tried).values()) == sorted(["alone", "one", "two"] * 3)
    again = assigned(tried, day=1.0)
    assert (again.new, again.assigned) == (0, told.assigned)


def test_each_assignment_names_the_protocol_it_was_made_under(tried):
    assert {row.protocol for row in assigned(tried).assigned} == {protocol_hash(TRIAL)}


def test_a_group_is_assigned_at_once_by_the_first_request_about_it(tried):
    ask(tried, "m3")
    assert list(arms(tried)) == ["g3"]


def test_recommendations_follow_the_groups_arm(tried):
    told = {row.group: row for row in ask(tried, *(f"m{n}" for n in range(9)))}
    assert {name: (told[name].strategy, told[name].withheld) for name in GROUPS} == {
        name: (None, "trial") if arm == "alone" else (arm, None) for name, arm in arms(tried).items()
    }


def test_a_strategy_of_another_arm_is_refused_and_decides_nothing(tried):
    assigned(tried)
    member = member_in(tried, "one")
    answers = tried.run(recommend, [Ask(member=member, strategy=name) for name in ("two", "learned", "one")])
    assert [type(answer) for answer in answers[:2]] == [Conflict, Conflict]
    assert "where these decide: `one`" in str(answers[0])
    assert answers[2].strategy == "one"


WRONG = {
    "of another arm": (Ask(member="m3", strategy="two"), Conflict),
    "of no arm": (Ask(member="m3", strategy="learned"), Conflict),
    "of no strategy at all": (Ask(member="m3", strategy="nothing"), NotFound),
    "of another level": (Ask(group="g3", strategy="one"), Invalid),
    "of advisers for who is none": (Ask(member="m3", level="adviser"), Invalid),
    "of a point that names somebody": (Ask(member="m3", decision_point="+919812345678"), Identifying),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_refused_request_about_a_newcomer_assigns_nobody_and_leaves_no_row(tried, wrong):
    here, (asked, kind) = tried, WRONG[wrong]
    one = TrialCondition(id="one", title="One", strategies=("one", "leads"))
    lead = Nudge(id="lead", title="Lead", level="adviser")
    leads = Strategy(id="leads", title="Leads", level="adviser", actions=("lead",))
    here.run(revise, [lead, leads])
    changed = with_trial(here, conditions=(TRIAL.conditions[0], one, TRIAL.conditions[2]))
    assert not isinstance(changed, Mistake)
    before = counts(here)
    (answer,) = here.run(recommend, [asked])
    assert isinstance(answer, kind)
    assert (arms(here), counts(here)) == ({}, before)


def test_only_trying_tells_no_newcomer_s_arm(tried):
    """Whoever knew it could wait with a group until the arm they like is next."""
    assigned(tried, "g1")
    asks = [AskedBy(Ask(member=name), "staff") for name in ("m1", "m2", "nobody")]

    def rehearsed(conn, kept, program_id, items, now_ms):
        return rehearse_decisions(recommend_to, conn, kept, program_id, items, now_ms)

    known, fresh, unknown = tried.run(rehearsed, asks)
    assert known.whole.group == "g1"
    assert isinstance(fresh, Conflict)
    assert "group `g2` has no arm of trial `which` yet" in str(fresh)
    assert isinstance(unknown, NotFound)
    assert list(arms(tried)) == ["g1"]


def counts(here):
    """Rows by table."""
    with here.db.read() as conn:
        return {
            name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in t.metadata.tables.items()
        }


def test_a_named_strategy_is_refused_to_newcomers_whichever_arm_is_next(tried):
    for n in range(9):
        names = ("one", "two")
        answers = tried.run(recommend, [Ask(member=f"m{n}", strategy=name) for name in names])
        words = [str(answer) for answer in answers]
        assert words == [
            f"group `g{n}` has no arm of trial `which` yet, and `{name}` does not decide in each: "
            "ask without a strategy, and its arm's decides"
            for name in names
        ]
        ask(tried, f"m{n}")


def test_where_every_arm_has_the_strategy_today_a_newcomer_may_be_asked_for_by_its_name(tried):
    steps = SteppedWedge(steps=(TODAY + timedelta(30), TODAY + timedelta(60)))
    before, after = (TrialCondition(id=name, title=name, strategies=(name,)) for name in ("one", "two"))
    with_trial(tried, conditions=(before, after), design=steps)
    assert ask(tried, "m0", strategy="one")[0].strategy == "one"
    assert list(arms(tried)) == ["g0"]


def test_of_two_requests_about_a_newcomer_the_good_one_assigns_it(tried):
    wrong, good = tried.run(recommend, [Ask(member="m3", strategy="nothing"), Ask(member="m3")])
    assert isinstance(wrong, NotFound)
    assert list(arms(tried)) == ["g3"]
    assert good.group == "g3"


def test_two_who_ask_at_once_about_one_newcomer_are_answered_by_its_arm(here):
    with_trial(here, conditions=TRIAL.conditions[1:])
    seat(here, *(f"g{n},{side}{n},{place}" for n in range(9) for place, side in enumerate("ab", 1)))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda side: ask(here, *(f"{side}{n}" for n in range(9))), "ab"))
    own = arms(here)
    assert [row.strategy for rows in found for row in rows] == [own[f"g{n}"] for n in range(9)] * 2


def test_a_plan_of_a_place_that_there_is_not_assigns_nobody(db):
    here = a_planned_program(db)
    add_groups(here, "place", "v0")
    add_worker(here, "place", "w")
    learned = TrialCondition(id="visited", title="Visited", strategies=("visits",))
    here.run(revise, [msgspec.structs.replace(TRIAL, conditions=(TRIAL.conditions[0], learned))])
    with pytest.raises(NotFound):
        planned(here, pool="nowhere")
    assert arms(here) == {}


def test_a_place_whose_groups_were_all_drawn_into_another_arm_is_told_as_one_that_cannot_be_planned(db):
    here = a_planned_program(db)
    places = {"v0": "hill", "v1": "moor"}
    for group, place in places.items():
        add_groups(here, place, group)
        add_worker(here, place, f"of-{place}")
    alone = TrialCondition(id="alone", title="Alone")
    visited = TrialCondition(id="visited", title="Visited", strategies=("visits",))
    here.run(revise, [msgspec.structs.replace(TRIAL, conditions=(alone, visited))])

    def plan(pool):
        asked = PlanAsk(strategy="visits", period=WEEK, pool=pool)
        return plan_week(here.db, here.kept, here.id, asked, ms(0)).pools

    plan("hill")
    of_arm = {arm: places[group] for group, arm in arms(here).items()}
    assert set(of_arm) == {"alone", "visited"}  # a block of two: one each
    [told] = plan(of_arm["alone"])
    assert (told.plan_id, type(told.mistake)) == (None, NotFound)
    assert "no group is this strategy's to decide for" in str(told.mistake)
    [told] = plan(of_arm["visited"])
    assert (told.plan_id is None, told.mistake) == (False, None)


def test_groups_outside_the_trial_have_the_programs_default_and_none_of_the_trials(tried):
    with_trial(tried, enrols_until=TODAY)
    (told,) = ask(tried, "m0", day=1.0)
    assert (told.strategy, arms(tried)) == ("learned", {})
    (refused,) = tried.run(recommend, [Ask(member="m0", strategy="one")], day=1.0)
    assert isinstance(refused, Conflict)
    assert "for groups of trial `which` alone" in str(refused)


def test_a_referral_goes_before_any_arm(tried):
    assigned(tried)
    member = member_in(tried, "alone")
    tried.run(ingest, [said("distress", 0.0, member=member)])
    assert ask(tried, member)[0].withheld == "referred"


def test_what_one_arm_learns_is_from_its_own_groups(tried):
    decided(tried, *(f"m{n}" for n in range(9) if arms_of(tried)[f"g{n}"] != "alone"))
    tried.run(ingest, [came(f"m{n}", 10.0) for n in range(9)], day=11.0)
    tried.fold()
    d, f = t.decisions, t.fold_entries
    learned = select(d.c.strategy_id, d.c.group_id).join(f, f.c.decision_id == d.c.decision_id)
    with tried.db.read() as conn:
        rows = conn.execute(learned.where(d.c.program_id == tried.id)).all()
    own = arms(tried)
    assert len(rows) == 6
    assert all(own[group] == strategy for strategy, group in rows)


def arms_of(here):
    assigned(here)
    return arms(here)


def test_a_catchment_is_never_split_and_a_late_group_joins_its_arm(here):
    with_trial(here, unit="catchment")
    seat(here, *(f"g{n},m{n},1" for n in range(9)))
    rows = [
        Linking("group", f"g{n}", Link(relation="catchment", starts_on=TODAY, to=f"place{n // 4}"))
        for n in range(8)
    ]
    here.run(link, rows)
    first = assigned(here, "g0", "g4")
    told = assigned(here)
    by_unit = {}
    for row in told.assigned:
        by_unit.setdefault(row.unit, set()).add(row.arm)
    assert {unit: len(some) for unit, some in by_unit.items()} == {"place0": 1, "place1": 1}
    assert {row.arm for row in first.assigned} == {arm for some in by_unit.values() for arm in some}
    assert [(row.group, row.words) for row in told.left_out] == [
        ("g8", "it is linked to no catchment, and that is what is drawn")
    ]


def test_a_group_that_moves_keeps_its_arm(here):
    with_trial(here, unit="catchment")
    seat(here, "g0,m0,1")
    for day, place in ((0, "a"), (5, "b")):
        start = TODAY + timedelta(days=day)
        here.run(link, [Linking("group", "g0", Link(relation="catchment", starts_on=start, to=place))])
    before = assigned(here).assigned
    assert assigned(here, day=6.0).assigned == before


def test_strata_are_balanced_each_for_itself(here):
    with_trial(here)
    groups = [
        Group(id=f"{setting}{n}", site="here", setting=setting)
        for n in range(3)
        for setting in ("urban", "rural")
    ]
    here.run(revise, groups)
    told = assigned(here)
    for setting in ("urban", "rural"):
        own = [row.arm for row in told.assigned if row.stratum == f"setting={setting}"]
        assert sorted(own) == ["alone", "one", "two"]


def test_sites_that_take_no_part_are_left_out_with_the_reason(here):
    here.run(revise, [msgspec.structs.replace(PLAN.sites[0], id="there")])
    with_trial(here, sites=("there",))
    here.run(revise, [Group(id="g0", site="here")])
    told = assigned(here)
    assert (told.assigned, told.left_out[0].words) == ((), "its site `here` takes no part")


def test_in_a_stepped_wedge_a_group_crosses_on_its_day(here):
    two = msgspec.structs.replace(TRIAL, conditions=TRIAL.conditions[:2])
    steps = (TODAY + timedelta(days=30), TODAY + timedelta(days=60))
    with_trial(here, two, design=SteppedWedge(steps))
    seat(here, "g0,m0,1", "g1,m1,1")
    assigned(here)
    at = {arm: f"m{group[1:]}" for group, arm in arms(here).items()}
    seen = {
        day: [ask(here, at[arm], day=day)[0].strategy for arm in ("step-1", "step-2")]
        for day in (0.0, 31.0, 61.0)
    }
    assert seen == {0.0: [None, None], 31.0: ["one", None], 61.0: ["one", "one"]}


def test_once_the_trial_has_ended_the_program_decides_again(tried):
    assigned(tried)
    member = member_in(tried, "two")
    with_trial(tried, ended=True)
    assert ask(tried, member)[0].strategy == "learned"


def test_the_design_is_frozen_by_the_first_assignment(tried):
    with_trial(tried, blocks=(2,))
    assigned(tried, "g0")
    refused = with_trial(tried, blocks=(3,))
    assert isinstance(refused, Conflict)
    assert "`blocks` is what the draw rests on" in str(refused)


def test_an_amendment_changes_the_protocol_and_its_hash_from_then_on(tried):
    assigned(tried, "g0")
    later = Protocol(horizon_months=24)
    assert isinstance(with_trial(tried, protocol=later), Conflict)
    with_trial(tried, protocol=later, amendments=(Amendment(made_on=TODAY, why="A longer look."),))
    assigned(tried, "g1")
    hashes = {row.group_id: row.protocol for row in tried.read(assignments.of_trial, "which")}
    assert hashes["g0"] == protocol_hash(TRIAL)
    assert hashes["g1"] == protocol_hash(msgspec.structs.replace(TRIAL, protocol=later))


def test_a_strategy_that_has_decided_already_cannot_be_tried(here):
    seat(here, "g0,m0,1")
    here.run(revise, [ONE])
    ask(here, "m0", strategy="one")
    refused = with_trial(here)
    assert isinstance(refused, Conflict)
    assert "`one` has already decided" in str(refused)


@pytest.mark.parametrize(
    ("conditions", "kind", "words"),
    [
        (("nowhere",), Invalid, "there is no strategy `nowhere`"),
        (("learned",), Conflict, "`learned` is a default of the program"),
        (("one", "two"), Invalid, "has two strategies for a member"),
    ],
)
def test_a_condition_names_strategies_that_can_be_told_apart(here, conditions, kind, words):
    first = TRIAL.conditions[0]
    wrong = (first, TrialCondition(id="wrong", title="Wrong", strategies=conditions))
    refused = with_trial(here, conditions=wrong)
    assert isinstance(refused, kind)
    assert words in str(refused)


def test_a_strategy_on_trial_becomes_no_default(tried):
    with tried.db.read() as conn:
        stored = setup.newest(conn, tried.id, "program", ["program"])["program"].thing
    program = msgspec.structs.replace(stored, default_strategy="one")
    (refused,) = tried.run(revise, [program])
    assert isinstance(refused, Conflict)


def test_a_second_trial_of_the_same_groups_waits_for_the_first_to_end(tried):
    refused = with_trial(
        tried, id="other", conditions=(TRIAL.conditions[0], TrialCondition(id="x", title="X"))
    )
    assert isinstance(refused, Conflict)
    assert "trial `which` runs" in str(refused)


def test_asking_for_everybody_follows_the_arms_too(tried):
    assigned(tried)
    (all_of_them,) = tried.run(everybody, [AskAll()])
    answers = tried.run(recommend, list(all_of_them.asks))
    own = arms(tried)
    assert [row.strategy or "alone" for row in answers] == [own[row.group] for row in answers]


def test_health_workers_and_places_that_serve_two_arms_are_named(tried):
    assigned(tried)
    own = arms(tried)
    one = next(name for name, arm in own.items() if arm == "one")
    two = next(name for name, arm in own.items() if arm == "two")
    tried.run(revise, [HealthWorker(id="w")])
    hers = Link(relation="health_worker", starts_on=TODAY, to="w")
    tried.run(link, [Linking("group", name, hers) for name in (one, two)])
    (told,) = tried.run(tell_trials, [("which", "", 100)])
    assert [(row.kind, row.id, row.arms) for row in told.shared] == [("health_worker", "w", ("one", "two"))]


def test_a_trial_is_told_page_by_page_with_its_arms(tried):
    assigned(tried)
    (first,) = tried.run(tell_trials, [("which", "", 5)])
    (rest,) = tried.run(tell_trials, [("which", first.next, 5)])
    assert [row.group for row in (*first.assigned, *rest.assigned)] == list(GROUPS)
    assert rest.next is None
    assert [(arm.arm, arm.units, arm.groups) for arm in first.arms] == [
        ("alone", 3, 3),
        ("one", 3, 3),
        ("two", 3, 3),
    ]


def test_an_unknown_trial_or_group_is_named(tried):
    assert isinstance(tried.run(tell_trials, [("nowhere", "", 5)])[0], NotFound)
    assert isinstance(tried.run(assign_asked, [("nowhere", ToAssign())])[0], NotFound)
    assert "`nobody`" in str(assigned(tried, "nobody"))


def test_two_who_assign_at_once_draw_one_list(tried):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: assigned(tried, f"g{n}"), range(9)))
    assert sorted(arms(tried).values()) == sorted(["alone", "one", "two"] * 3)
    places = sorted(row.place for row in tried.read(assignments.of_trial, "which"))
    assert places == list(range(9))


def test_a_plan_visits_the_groups_of_its_own_condition_alone(db):
    here = a_planned_program(db)
    add_groups(here, "place", *(f"v{n}" for n in range(6)))
    add_worker(here, "place", "w")
    learned = TrialCondition(id="visited", title="Visited", strategies=("visits",))
    trial = msgspec.structs.replace(TRIAL, conditions=(TRIAL.conditions[0], learned))
    here.run(revise, [trial])
    (plan,) = planned(here)
    visited = {name for name, arm in arms(here).items() if arm == "visited"}
    assert len(visited) == 3
    assert {unit.group for unit in plan.units} == visited
