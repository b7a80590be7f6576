"""Health workers' visits to members: whoever stopped coming is planned for, if they agree."""

import msgspec
import pytest

from engagement.errors import Invalid
from engagement.store import decisions, plans
from engagement.store.kept import Kept
from engagement.strategy.planning import Planning
from engagement.strategy.setup import Consent, Group, Member, Membership
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.link import link
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.plan_life import Sharing, share_out
from engagement.workflows.plan_told import in_words, plan_seen
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from engagement.workflows.seat import seat
from support.peer_groups import came, moment, ms, said
from support.visits import (
    HOME_VISIT,
    PLANNED_MEMBERS,
    SHARED,
    WEEK,
    a_planned_program,
    add_groups,
    add_members,
    add_worker,
    linking,
    planned,
    seen,
)

MET = (-70.0, -42.0, -14.0)
FOUR = ("m1", "m2", "m3", "m4")


def a_program_of_members(db, **changes):
    """Groups north and south in the catchment hill, and a strategy that plans visits to members."""
    made = a_planned_program(db)
    add_groups(made, "hill", "north", "south")
    made.run(revise, [HOME_VISIT])
    made.run(revise, [msgspec.structs.replace(PLANNED_MEMBERS, **changes)])
    return made


def hill(db, *, hours=0.75, **changes):
    """Four members of whom m1 comes, m2 missed one meeting, m3 two, and of m4 nothing was ever said."""
    made = a_program_of_members(db, **changes)
    add_members(made, "north", *FOUR)
    add_worker(made, "hill", "asha", hours=hours)
    told = {"m1": (1, 1, 1), "m2": (1, 1, 0), "m3": (1, 0, 0)}
    for name, some in told.items():
        made.run(ingest, [came(name, day, value) for day, value in zip(MET, some, strict=True)])
    return made


@pytest.fixture
def here(db):
    return hill(db)


def of_members(here, day=0.0, **ask):
    """The only plan of members."""
    [plan] = planned(here, day, strategy="home_visits", **ask)
    return plan


def agree(here, name, **consent):
    """Changes what a member agrees to."""
    asked = msgspec.structs.replace(SHARED, **consent)
    here.run(revise, [Member(id=name, consent=asked)], day=0.5)


def by_member(plan):
    return {row.member: row for row in plan.units}


def test_every_member_gets_a_decision_of_their_own_a_visit_or_none(here):
    plan = of_members(here)
    stored = here.read(decisions.by_id, [row.decision_id for row in plan.units])
    assert {(one.unit_kind, one.unit_id, one.group_id, one.decision_point) for one in stored.values()} == {
        ("member", name, "north", WEEK) for name in FOUR
    }
    assert {one.unit_id for one in stored.values() if one.action_id == "home_visit"} == {
        row.member for row in plan.units if row.drawn
    }


def test_members_are_told_by_their_group_and_how_they_stand(here):
    plan = of_members(here)
    assert (plan.level, plan.sentence) == ("member", "4 members asked, 1 fit.")
    assert {(row.group, row.member, row.state) for row in plan.units} == {
        ("north", "m1", "active"),
        ("north", "m2", "wavering"),
        ("north", "m3", "dormant"),
        ("north", "m4", "wavering"),
    }
    words = {name: row.why.partition(". ")[2] for name, row in by_member(plan).items()}
    assert words == {
        "m1": "The member comes.",
        "m2": "The member did not come to the last meeting.",
        "m3": "The member did not come to the last two meetings.",
        "m4": "Nothing is known of a meeting yet.",
    }


def test_the_chances_of_members_add_up_to_the_visits(here):
    assert sum(row.chance for row in of_members(here).units) == pytest.approx(1, abs=1e-9)


def test_whoever_stopped_coming_is_likelier_to_be_visited_than_who_comes(here):
    rows = by_member(of_members(here))
    assert rows["m3"].chance > rows["m1"].chance


def test_whoever_does_not_agree_to_a_health_worker_has_no_chance_and_a_decision_that_says_why(here):
    agree(here, "m3", health_worker=False)
    row = by_member(of_members(here, day=1.0))["m3"]
    assert (row.place, row.chance, row.why) == (None, 0, "No visit: the member has not agreed to this.")
    [stored] = here.read(decisions.by_id, [row.decision_id]).values()
    assert (stored.action_id, stored.probability, stored.randomised) == ("none", 1 << 32, False)


def test_a_health_worker_is_not_told_of_members_who_do_not_agree(here):
    agree(here, "m3", health_worker=False)
    plan = of_members(here, day=1.0)
    agree(here, "m2", health_worker=False)  # after the plan was made
    with here.db.read() as conn:
        told = plan_seen(conn, Kept(), here.id, plan.plan_id, "health_worker", ms(1))
    assert {row.member for row in told.units} == {"m1", "m4"}
    assert told.sentence.startswith("2 members asked")


def test_whoever_wants_no_chance_is_not_part_of_the_draw(here):
    agree(here, "m3", chance=False)
    row = by_member(of_members(here, day=1.0))["m3"]
    assert (row.chance, row.why) == (0, "No visit: the member wants nothing to be drawn by lot.")


def test_the_own_signals_of_whoever_says_so_choose_nothing(here):
    agree(here, "m3", my_signals=False)
    assert by_member(of_members(here, day=1.0))["m3"].why.endswith("Nothing is known of a meeting yet.")


@pytest.mark.parametrize("why", ["messages", "left", "referred", "dissolved", "ended"])
def test_for_whom_nothing_is_recommended_nobody_plans(here, why):
    match why:
        case "messages":
            agree(here, "m3", messages=False)
        case "left":
            here.run(ingest, [said("left", 0.25, member="m3")], day=0.5)
        case "referred":
            here.run(ingest, [said("distress", 0.25, member="m3")], day=0.5)
        case "dissolved":
            add_groups(here, "hill", "gone", met=0)
            move(here, "m3", "gone")
        case "ended":
            here.run(revise, [Group(id="over", site="here", ended=True)])
            move(here, "m3", "over")
    assert "m3" not in by_member(of_members(here, day=1.0))


def move(here, member, group):
    row = Membership(member=member, group=group, seat=9, starts_on=moment(0).date(), reason="moved")
    here.run(seat, [row], day=0.5)


def test_a_member_is_planned_for_where_their_group_is_on_the_day(here):
    add_groups(here, "dale", "far")
    add_worker(here, "dale", "bina", hours=0.75)
    move(here, "m3", "far")
    dale, plan = planned(here, 1.0, strategy="home_visits")
    assert [(row.group, row.member) for row in dale.units] == [("far", "m3")]
    assert dale.units[0].going.worker == "bina"
    assert set(by_member(plan)) == {"m1", "m2", "m4"}


def test_members_whose_group_has_no_catchment_are_counted(here):
    here.run(revise, [Group(id="nowhere", site="here")])
    add_members(here, "nowhere", "far1", "far2")
    made = plan_week(here.db, here.kept, here.id, PlanAsk(strategy="home_visits"), ms(0))
    assert made.nowhere == 2


def test_a_visit_that_is_planned_is_refused_elsewhere(here):
    here.run(revise, [msgspec.structs.replace(PLANNED_MEMBERS, id="single", plan=None, cadence="month")])
    [told] = here.run(recommend, [Ask(member="m3", strategy="single")])
    assert [(row.action, row.reason) for row in told.unavailable] == [("home_visit", "planned")]
    [told] = here.run(recommend, [Ask(member="m3", strategy="home_visits")])
    assert isinstance(told, Invalid)


def test_the_decisions_of_members_come_out_the_same_when_they_are_made_again(here):
    agree(here, "m2", health_worker=False)
    names = [row.decision_id for row in of_members(here, day=1.0).units]
    with here.db.read() as conn:
        verdicts = list(replay_decisions(conn, Kept(), here.id, names))
    assert [verdict.agrees for verdict in verdicts] == [True] * 4


def test_a_visit_that_falls_out_goes_to_the_next_member_in_line_who_still_agrees(here):
    plan = of_members(here)
    second = plan.units[1].member
    agree(here, second, health_worker=False)
    here.run(answer, [(plan.units[0].decision_id, Reply("not_done", "not_home"))], day=1.0)
    after = seen(here, plan.plan_id, 1.0)
    filled = [(row.member, row.going.instead_of) for row in after.units if row.going][1:]
    assert filled == [(plan.units[2].member, plan.units[0].member)]


def test_shared_out_anew_nobody_new_is_sent_to_who_no_longer_agrees(here):
    plan = of_members(here)
    add_worker(here, "hill", "asha", hours=0)
    agree(here, plan.units[0].member, health_worker=False)
    add_worker(here, "hill", "bina")
    [after] = here.run(share_out, [Sharing(plan.plan_id, "staff")], day=1.0)
    assert [row.going.worker for row in after.units if row.going] == ["asha"]


def test_a_member_and_a_group_of_one_name_are_two_units(db):
    """A visit to the group keeps no promise to the member."""
    here = a_program_of_members(db, plan=Planning(longest_wait_weeks=20))
    add_members(here, "north", "south")
    add_worker(here, "hill", "asha")
    planned(here, strategy="visits")  # both groups
    [row] = of_members(here, day=6.0, period="2026-W12").units
    assert (row.member, row.due_weeks) == ("south", 20)


def test_what_became_of_members_is_learned_also_of_those_who_left(here):
    """After a plan each step of a member says what a visit, or none, did."""
    first = of_members(here)
    here.run(ingest, [came(name, 14.0, 1) for name in ("m1", "m2", "m3")], day=15.0)
    here.run(ingest, [said("left", 16.0, member="m1")], day=16.0)
    last = of_members(here, day=35.0)
    assert set(by_member(last)) == {"m2", "m3", "m4"}
    assert by_member(last)["m3"].state == "active"
    assert by_member(last)["m4"].worth != by_member(first)["m4"].worth


def test_on_a_terminal_a_plan_of_members_names_members(here):
    lines = in_words(of_members(here))
    assert {line.split()[1] for line in lines[1:5]} == set(FOUR)


def test_whoever_knows_the_group_goes_to_its_member(db):
    here = a_program_of_members(db)
    add_members(here, "north", "m1")
    for name in ("asha", "bina"):
        add_worker(here, "hill", name, hours=0.75)
    here.run(link, [linking("group", "north", "health_worker", "bina")])
    assert [row.going.worker for row in of_members(here).units] == ["bina"]


def test_plans_of_groups_and_of_members_share_one_health_worker_s_hours(here):
    add_worker(here, "hill", "asha", hours=1.5)
    [groups] = planned(here, strategy="visits")
    members = of_members(here)
    assert (groups.visits, members.visits) == (2, 0)
    everywhere = here.read(plans.visits_since, WEEK)
    assert sum(row.minutes for row in everywhere) == 90


def test_a_member_who_was_never_asked_has_not_agreed(db):
    here = a_program_of_members(db)
    add_members(here, "north", "m1", consent=Consent())
    add_worker(here, "hill", "asha")
    assert [row.chance for row in of_members(here).units] == [0]
