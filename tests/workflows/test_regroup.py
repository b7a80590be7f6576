"""Groups are merged and split: everybody has a seat, no seat is reused, the past stays as it was."""

import pytest

from engagement.errors import Conflict, Invalid, NotFound
from engagement.store import decisions, setup, signals
from engagement.strategy.setup import Group
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare
from engagement.workflows.regroup import Merge, Mover, Regrouping, Split, regroup
from engagement.workflows.revise import revise
from support.peer_groups import came, decided, moment, seat

ON = moment(10).date()


@pytest.fixture
def two(here):
    """m0 and m1 in seats 1 and 2 of g0; m2 in seat 1 and m3, who has left, in seat 5 of g1."""
    seat(here, "g0,m0,1,adviser", "g0,m1,2,member", "g1,m2,1,member", "g1,m3,5,member", columns=COLUMNS)
    seat(here, "g2,m3,1,member,2026-03-12", columns=COLUMNS + ",joined_on")
    return here


COLUMNS = "group,member,seat,role"


def merged(here, **fields):
    (result,) = here.run(regroup, [Regrouping("g0", Merge(**{"into": "g1", "on": ON} | fields))], day=10)
    return result


def split(here, *movers, into="g1", group="g0"):
    how = Split(into=into, on=ON, members=movers)
    (result,) = here.run(regroup, [Regrouping(group, how)], day=10)
    return result


def seats(here, group, day):
    return {row.member: row.seat for row in here.read(setup.members_of_group, group, moment(day).date())}


def test_everybody_of_a_merged_group_gets_the_next_seats_nobody_ever_had(two):
    assert [(row.member, row.seat, row.role) for row in merged(two)] == [
        ("m0", 6, "adviser"),
        ("m1", 7, "member"),
    ]
    assert seats(two, "g1", 10) == {"m2": 1, "m0": 6, "m1": 7}
    assert seats(two, "g0", 10) == {}


def test_the_days_before_stay_as_they_were(two):
    merged(two)
    assert seats(two, "g0", 9) == {"m0": 1, "m1": 2}


def test_a_merged_group_has_ended(two):
    merged(two)
    assert two.read(setup.newest, "group", ["g0"])["g0"].thing == Group(id="g0", site="here", ended=True)


def test_the_caller_may_choose_seats(two):
    merged(two, seats=(Mover(member="m1", seat=3),))
    assert seats(two, "g1", 10) == {"m2": 1, "m1": 3, "m0": 6}


def test_who_comes_back_gets_their_own_seat_again(two):
    (back,) = split(two, Mover(member="m3"), group="g2")
    assert (back.group, back.seat) == ("g1", 5)


def test_only_those_named_leave_a_group_that_is_split(two):
    two.run(revise, [Group(id="g9", site="here")])
    split(two, Mover(member="m1"), into="g9")
    assert (seats(two, "g0", 10), seats(two, "g9", 10)) == ({"m0": 1}, {"m1": 1})


def test_merging_twice_moves_nobody_twice(two):
    merged(two)
    assert merged(two) == []
    assert seats(two, "g1", 10) == {"m2": 1, "m0": 6, "m1": 7}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"into": "g7"}, NotFound),
        ({"into": "g0"}, Invalid),
        ({"on": moment(11).date()}, Invalid),
        ({"seats": (Mover(member="m2", seat=9),)}, Invalid),
        ({"seats": (Mover(member="m1", seat=1),)}, Conflict),
        ({"seats": (Mover(member="m1", seat=5),)}, Conflict),
        ({"seats": (Mover(member="m0", seat=8), Mover(member="m1", seat=8))}, Conflict),
    ],
    ids=["unknown", "itself", "future", "stranger", "taken", "once taken", "twice"],
)
def test_what_cannot_be_merged_leaves_everybody_where_they_were(two, fields, error):
    assert isinstance(merged(two, **fields), error)
    assert seats(two, "g0", 10) == {"m0": 1, "m1": 2}
    assert not two.read(setup.newest, "group", ["g0"])["g0"].thing.ended


def test_a_decision_keeps_its_group_of_that_day(two):
    made = decided(two, "m0")
    merged(two)
    later = decided(two, "m0", day=40)
    found = two.read(decisions.by_id, [*made, *later])
    assert [found[name].group_id for name in (*made, *later)] == ["g0", "g1"]


def test_a_late_report_of_before_counts_in_the_group_of_before(two):
    merged(two)
    two.run(ingest, [came("m0", 5), came("m1", 12)], day=20)
    rows = {row.unit_id: row.group_id for row in two.read(signals.of_members, ["m0", "m1"])}
    assert rows == {"m0": "g0", "m1": "g1"}
    assert compare(two.db, two.kept, two.id) == []
