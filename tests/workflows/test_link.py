"""Groups, members and health workers are linked from a day on, and the days before stay as they were."""

from datetime import date

import pytest

from engagement.errors import Invalid, NotFound
from engagement.store import links
from engagement.strategy.setup import HealthWorker, Leave, Link
from engagement.workflows.link import Linking, LinkSeen, link, links_seen
from engagement.workflows.revise import revise
from support.peer_groups import a_program, seat_members

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def worked(here):
    """Group g0 with a member m0, and two health workers."""
    seat_members(here, 1)
    here.run(revise, [HealthWorker(id="w1"), HealthWorker(id="w2")])
    return here


def linked(here, to, on, relation="health_worker", kind="group", unit="g0"):
    (result,) = here.run(link, [Linking(kind, unit, Link(relation=relation, starts_on=on, to=to))])
    return result


def on(here, day, relation="health_worker"):
    return links.linked_on(here.read(links.links_of, "group", ["g0"])["g0"], relation, day)


def test_a_link_holds_from_its_day_until_the_next(worked):
    linked(worked, "w1", MARCH)
    linked(worked, "w2", APRIL)
    linked(worked, None, MAY)
    days = [date(2026, 2, 28), MARCH, date(2026, 3, 31), APRIL, MAY]
    assert [on(worked, day) for day in days] == [None, "w1", "w1", "w2", None]


def test_what_is_so_already_changes_nothing(worked):
    assert [linked(worked, "w1", MARCH).changed for _ in range(2)] == [True, False]


def test_another_link_of_the_same_day_takes_its_place(worked):
    linked(worked, "w1", MARCH)
    assert linked(worked, "w2", MARCH).changed
    assert on(worked, MARCH) == "w2"


def test_catchment_and_health_worker_are_two_relations(worked):
    linked(worked, "w1", MARCH)
    linked(worked, "hill", APRIL, "catchment")
    assert (on(worked, MAY), on(worked, MAY, "catchment")) == ("w1", "hill")


@pytest.mark.parametrize(("kind", "unit"), [("group", "g0"), ("member", "m0"), ("health_worker", "w1")])
def test_a_unit_s_links_are_listed_by_relation_and_day(worked, kind, unit):
    relation = "catchment" if kind == "health_worker" else "health_worker"
    for day in (APRIL, MARCH):
        linked(worked, "w2", day, relation, kind, unit)
    (found,) = worked.run(links_seen, [(kind, unit)])
    assert found == [LinkSeen(unit, relation, day, "w2", changed=False) for day in (MARCH, APRIL)]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("w9", MARCH), NotFound),
        (("w1", MARCH, "health_worker", "group", "g9"), NotFound),
        (("hill", MARCH, "catchment", "member", "m0"), Invalid),
        (("w2", MARCH, "health_worker", "health_worker", "w1"), Invalid),
    ],
)
def test_a_link_that_cannot_be_is_refused_and_nothing_is_stored(worked, asked, error):
    assert isinstance(linked(worked, *asked), error)
    assert worked.read(links.links_of, "group", ["g0", "g9"]) == {}


def test_the_links_of_what_does_not_exist_are_not_found(worked):
    (found,) = worked.run(links_seen, [("health_worker", "w9")])
    assert isinstance(found, NotFound)


def test_programs_do_not_see_each_other_s_links(worked):
    linked(worked, "w1", MARCH)
    assert a_program(worked.db).read(links.links_of, "group", ["g0"]) == {}


def test_a_health_worker_works_on_the_days_she_is_not_on_leave():
    worker = HealthWorker(id="w", leave=(Leave(starts_on=MARCH, ends_on=date(2026, 3, 14)),))
    days = [date(2026, 2, 28), MARCH, date(2026, 3, 14), date(2026, 3, 15)]
    assert [worker.works_on(day) for day in days] == [True, False, False, True]


def test_a_leave_does_not_end_before_it_starts():
    with pytest.raises(ValueError, match="before it starts"):
        Leave(starts_on=APRIL, ends_on=MARCH)
