"""Why groups fade: counted by hand."""

from datetime import timedelta

import pytest

from engagement.signals.rhythm import EveryWeeks
from engagement.store import setup
from engagement.strategy.setup import Barriers, Group, Member, Site
from engagement.workflows.fading import BarrierCount, Reason, fading
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from support.peer_groups import START, came, held, said, seat

FIRST = START.date()
ENDS_ON = FIRST + timedelta(days=84)
UNTIL = FIRST + timedelta(days=600)
GROUPS = [f"g{n}" for n in range(12)]


@pytest.fixture
def met(here):
    """Twelve groups of three that met until the end; the first six have an adviser."""
    rhythm = EveryWeeks(first_on=FIRST)
    site = Site(id="there", title="There", ends_on=ENDS_ON)
    settings = ("urban", "rural")
    things = [Group(id=g, site="there", rhythm=rhythm, setting=settings[n % 2]) for n, g in enumerate(GROUPS)]
    here.run(revise, [site, *things])
    lines = (
        f"{group},m{n}{who},{who},{'adviser' if n < 6 and who == 1 else 'member'}"
        for n, group in enumerate(GROUPS)
        for who in (1, 2, 3)
    )
    seat(here, *lines, columns="group,member,seat,role")
    meetings = [
        came(f"m{n}{who}", 28.0 * meeting) for n in range(12) for who in (1, 2, 3) for meeting in range(4)
    ]
    here.run(ingest, meetings, day=90.0)
    return here


def found(here):
    with here.db.read() as conn:
        catalogue = setup.catalogue(conn, here.kept, here.id, setup.catalogue_revision(conn, here.id))
        return fading(conn, here.id, catalogue, GROUPS, UNTIL)


def lives(here, number, meetings):
    """Reports of a group after the end: it meets so many times more, then no longer."""
    went_on = [held(f"g{number}", 28.0 * n) for n in range(4, 4 + meetings)]
    stopped = [held(f"g{number}", 28.0 * n, 0) for n in range(4 + meetings, 20)]
    here.run(ingest, [*went_on, *stopped], day=600.0)


def test_reasons_are_counted_by_setting_and_phase(met):
    met.run(ingest, [said("absence_reason", day, 1, member="m01") for day in (0.0, 1.0)], day=2.0)
    met.run(ingest, [said("ending_reason", 100.0, 5, member="m11")], day=101.0)
    assert found(met).reasons == (
        Reason("absence", "time", "urban", "handover", 2),
        Reason("ending", "money", "rural", "sustaining", 1),
    )


def test_barriers_are_of_those_who_were_asked(met):
    known = {"m01": "yes", "m02": "no", "m11": "yes"}
    people = [
        Member(id=name, barriers=Barriers(money=answer), barriers_checked_on=FIRST)
        for name, answer in known.items()
    ]
    met.run(revise, people)
    assert found(met).barriers == (
        BarrierCount("money", "rural", "sustaining", 1, 1),
        BarrierCount("money", "urban", "sustaining", 1, 2),
    )


def test_a_group_without_an_adviser_at_the_end_is_compared_with_those_that_had_one(met):
    for number in range(12):
        lives(met, number, 16 if number in (0, 1, 2, 3, 11) else 1 + number)
    row = next(row for row in found(met).hazards if row.condition == "no_adviser")
    assert (row.groups, row.having, row.dissolved, row.design) == (12, 6, 7, "described")
    assert row.low < row.ratio
    assert row.ratio > 1


def test_with_few_deaths_no_ratio_is_printed(met):
    for number in range(12):
        lives(met, number, 1 if number < 4 else 16)
    row = next(row for row in found(met).hazards if row.condition == "no_adviser")
    assert (row.dissolved, row.ratio) == (4, None)


def test_what_nobody_knows_is_not_the_condition(met):
    """Reading was asked of nobody; goals were set in one group, of which half were followed up."""
    goals = [said("goal_set", 1.0 + n, 2, member="m01") for n in range(2)]
    met.run(ingest, [*goals, said("goal_met", 29.0, 0, member="m01")], day=90.0)
    for number in range(12):
        lives(met, number, 16)
    by_name = {row.condition: row for row in found(met).hazards}
    assert (by_name["no_reader"].groups, by_name["few_goals_followed_up"].groups) == (0, 1)
    assert by_name["few_goals_followed_up"].having == 0


def test_a_group_that_nobody_heard_of_after_the_end_is_in_no_comparison(met):
    assert {row.groups for row in found(met).hazards} == {0}


def test_a_group_has_a_fund_when_somebody_paid_in_before_the_end(met):
    met.run(ingest, [said("fund_contribution", 30.0, 100, member="m01")], day=31.0)
    for number in range(12):
        lives(met, number, 16)
    row = next(row for row in found(met).hazards if row.condition == "no_fund")
    assert (row.groups, row.having) == (12, 11)
