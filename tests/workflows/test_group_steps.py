"""What a plan learns from: how groups stood, step by step, with and without a visit."""

import pytest

from engagement.store import setup
from engagement.store.decisions import Planned
from engagement.store.kept import Kept
from engagement.strategy.setup import Barriers, Member, Site
from engagement.workflows.group_steps import groups_now
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from support.peer_groups import held, moment, ms, seat
from support.visits import a_planned_program, add_groups


@pytest.fixture
def here(db):
    """A group that met every four weeks, the last time two weeks before the start."""
    made = a_planned_program(db)
    add_groups(made, "hill", "a", setting="rural")
    return made


def planned(day, *, chosen, randomised=True):
    """A decision of a plan made on a day."""
    return Planned("a", "2026-W11", ms(day), chosen, "running", randomised)


def now(here, day, *before):
    """The group as a plan of that day takes it."""
    with here.db.read() as conn:
        catalogue = setup.catalogue(conn, Kept(), here.id, setup.catalogue_revision(conn, here.id))
        return groups_now(conn, here.id, catalogue, ["a"], {"a": before}, moment(day).date())["a"]


def seen(one, *, of_plans):
    """(before, visited, after) of the steps whose ends are both known."""
    return [
        (row.before, row.visited, row.after)
        for row in one.changes
        if row.planned == of_plans and None not in (row.before, row.after)
    ]


def test_steps_before_anybody_planned_are_without_a_visit(here):
    assert seen(now(here, 0.0), of_plans=False) == [("thriving", False, "thriving")] * 2


def test_a_step_that_begins_with_a_decision_says_whether_the_group_was_drawn(here):
    here.run(ingest, [held("a", 14.0, 0)], day=15.0)
    one = now(here, 28.0, planned(0.0, chosen=True))
    assert seen(one, of_plans=True) == [("thriving", True, "wavering")]


def test_a_step_that_is_not_over_is_not_looked_at(here):
    assert seen(now(here, 26.0, planned(0.0, chosen=True)), of_plans=True) == []


def test_a_visit_that_was_certain_teaches_nothing(here):
    one = now(here, 28.0, planned(0.0, chosen=True, randomised=False))
    assert seen(one, of_plans=True) == []


def test_once_a_plan_is_made_only_its_decisions_say_what_no_visit_does(here):
    """The step in which the first decision was made, and the one behind it, are left to that decision."""
    here.run(ingest, [held("a", 14.0)], day=15.0)
    without, planning = now(here, 28.0), now(here, 28.0, planned(0.0, chosen=True))
    assert len(seen(without, of_plans=False)) == len(seen(planning, of_plans=False)) + 2


def test_the_barrier_that_most_members_have_is_the_group_s(here):
    seat(here, "a,m1,1", "a,m2,2", "a,m3,3")
    for name, barriers in (("m1", {"time": "yes"}), ("m2", {"time": "yes", "money": "yes"}), ("m3", {})):
        thing = Member(id=name, barriers=Barriers(**barriers), barriers_checked_on=moment(0).date())
        here.run(revise, [thing])
    assert now(here, 0.0).stand.cluster.barrier == "time"


def test_after_the_program_s_end_a_group_is_of_another_cluster_and_its_months_before_are_not(here):
    here.run(revise, [Site(id="here", title="Here", ends_on=moment(-1).date())])
    one = now(here, 0.0)
    assert one.stand.cluster.after
    assert {row.cluster.after for row in one.changes} == {False}
