"""The set-up as revisions, and who sat where on a day."""

from datetime import date

import pytest

from engagement.actions.nudge import Nudge
from engagement.signals import tally
from engagement.store import setup, units
from engagement.store.kept import Bounded, Kept, Newest
from engagement.strategy.setup import Budget, Group, Member, Membership, Program, Site
from engagement.strategy.strategy import Strategy

BASE = [
    Program(id="p", title="P"),
    Site(id="s", title="S"),
    Budget(id="fund", limit_minor=100),
    Nudge(id="a", title="A"),
    Strategy(id="plan", title="Plan", actions=("a",)),
]


def revise(database, program, *things, now_ms=0):
    with database.write() as conn:
        return setup.revise(conn, program, things, now_ms)


def catalogue(database, program, revision):
    with database.read() as conn:
        return setup.catalogue(conn, Kept(), program, revision)


def revision_of(database, program):
    with database.read() as conn:
        return setup.catalogue_revision(conn, program)


def test_a_program_without_set_up_has_catalogue_revision_0(database, program):
    assert revision_of(database, program) == 0


def test_each_catalogued_thing_counts_the_catalogue_up(database, program):
    revise(database, program, *BASE)
    assert revision_of(database, program) == 5


def test_groups_and_members_are_no_part_of_the_catalogue(database, program):
    revise(database, program, *BASE, Group(id="g", site="s"), Member(id="m"))
    assert revision_of(database, program) == 5


def test_the_catalogue_holds_what_was_stored(database, program):
    revise(database, program, *BASE)
    found = catalogue(database, program, 5)
    assert [found.program, found.sites["s"], found.budgets["fund"], found.actions["a"]] == BASE[:4]
    assert (found.strategies["plan"], found.strategy_revisions["plan"]) == (BASE[4], 1)


def test_an_earlier_catalogue_is_as_it_was(database, program):
    revise(database, program, *BASE)
    revise(
        database, program, Nudge(id="a", title="Other"), Strategy(id="plan", title="Other", actions=("a",))
    )
    titles = {revision: catalogue(database, program, revision).actions["a"].title for revision in (5, 6, 7)}
    assert titles == {5: "A", 6: "Other", 7: "Other"}
    assert catalogue(database, program, 6).strategy_revisions == {"plan": 1}
    assert catalogue(database, program, 7).strategy_revisions == {"plan": 2}


def test_an_unknown_program_has_no_catalogue(database, other_program):
    with pytest.raises(LookupError):
        catalogue(database, other_program, 1)


def test_the_same_again_is_no_new_revision(database, program):
    revise(database, program, *BASE)
    assert [found.revision for found in revise(database, program, *BASE)] == [1] * 5
    assert revision_of(database, program) == 5


def test_a_change_and_a_change_back_are_two_revisions(database, program):
    first, other = Site(id="s", title="S"), Site(id="s", title="Other")
    revisions = [revise(database, program, site)[0].revision for site in (first, other, first)]
    assert revisions == [1, 2, 3]


def test_the_newest_revision_is_found_by_id(database, program):
    revise(database, program, Member(id="m"), Member(id="n"))
    revise(database, program, Member(id="m", language="hi"))
    with database.read() as conn:
        found = setup.newest(conn, program, "member", ["m", "n", "nobody"])
    assert {name: (row.thing.language, row.revision) for name, row in found.items()} == {
        "m": ("hi", 2),
        "n": (None, 1),
    }


def test_things_of_one_id_and_two_nouns_are_two(database, program):
    revise(database, program, Group(id="x", site="s"), Member(id="x"))
    with database.read() as conn:
        assert setup.newest(conn, program, "group", ["x"])["x"].thing == Group(id="x", site="s")


def test_pages_follow_each_other_without_gap_or_repetition(database, program):
    revise(database, program, *(Member(id=name) for name in ("b", "a", "C", "d1", "d.1")))
    pages, after = [], ""
    with database.read() as conn:
        while page := setup.page(conn, program, "member", after, 2):
            pages.append([row.thing.id for row in page])
            after = pages[-1][-1]
    assert pages == [["C", "a"], ["b", "d.1"], ["d1"]]


def test_a_new_unit_has_an_empty_tally(database, program):
    revise(database, program, Member(id="m"))
    with database.read() as conn:
        assert units.read_tally(conn, program, "member", "m") == tally.encoded(tally.EMPTY)


def test_a_revised_unit_keeps_its_tally(database, program):
    revise(database, program, Member(id="m"))
    with database.write() as conn:
        units.write_tallies(conn, program, [("member", "m", b"told")])
    revise(database, program, Member(id="m", language="hi"))
    with database.read() as conn:
        assert units.read_tally(conn, program, "member", "m") == b"told"


def test_another_program_sees_none_of_it(filled):
    with filled.read() as conn:
        assert setup.newest(conn, "01900000-0000-7000-8000-0000000000ff", "member", ["m"]) == {}


def test_the_draw_secret_is_the_one_given(database, program):
    with database.read() as conn:
        assert setup.draw_secret(conn, Kept(), program) == b"s" * 32
        assert setup.program_ids(conn) == [program]


# --- memberships ----------------------------------------------------------------------------------


def sits(member, day, group=None, seat=None, **fields):
    return Membership(member=member, starts_on=date(2026, 1, day), group=group, seat=seat, **fields)


@pytest.fixture
def seats(database, program):
    """m moved on the 10th and left on the 20th; n's first day was corrected; o came later."""
    revise(
        database, program, *BASE, *(Group(id=name, site="s") for name in "gh"), *(Member(id=n) for n in "mno")
    )
    with database.write() as conn:
        first = [
            sits("m", 1, "g", 1),
            sits("m", 10, "h", 7),
            sits("m", 20, reason="left"),
            sits("n", 5, "g", 2),
        ]
        setup.add_memberships(conn, program, first, 0)
        setup.add_memberships(conn, program, [sits("n", 5, "h", 3, role="adviser"), sits("o", 15, "g", 4)], 1)
    return database


@pytest.mark.parametrize(
    ("member", "day", "group", "seat"),
    [
        ("m", 1, "g", 1),
        ("m", 9, "g", 1),
        ("m", 10, "h", 7),
        ("m", 19, "h", 7),
        ("m", 20, None, None),
        ("n", 5, "h", 3),
        ("n", 31, "h", 3),
    ],
)
def test_a_member_sits_on_a_day(seats, program, member, day, group, seat):
    with seats.read() as conn:
        found = setup.memberships_on(conn, program, [member], date(2026, 1, day))[member]
        row = units.members(conn, program, [member], date(2026, 1, day))[member]
    assert (found.group, found.seat) == (row.group, row.seat) == (group, seat)


def test_before_the_first_day_there_is_no_membership(seats, program):
    with seats.read() as conn:
        assert setup.memberships_on(conn, program, ["m", "o"], date(2025, 12, 31)) == {}


def test_before_the_first_day_a_member_sits_nowhere(seats, program):
    with seats.read() as conn:
        row = units.members(conn, program, ["m"], date(2025, 12, 31))["m"]
    assert row == units.MemberRow(Member(id="m"), None, None, None)


def test_every_membership_that_holds_is_told_in_order(seats, program):
    with seats.read() as conn:
        found = setup.memberships_of(conn, program, ["m", "n", "nobody"])
    told = {name: [(row.starts_on.day, row.group, row.role) for row in rows] for name, rows in found.items()}
    assert told == {
        "m": [(1, "g", "member"), (10, "h", "member"), (20, None, "member")],
        "n": [(5, "h", "adviser")],
        "nobody": [],
    }


@pytest.mark.parametrize(
    ("group", "day", "members"), [("g", 9, ["m"]), ("g", 15, ["o"]), ("h", 15, ["n", "m"]), ("h", 20, ["n"])]
)
def test_a_groups_members_of_a_day_are_told_by_seat(seats, program, group, day, members):
    with seats.read() as conn:
        found = setup.members_of_group(conn, program, group, date(2026, 1, day))
    assert [row.member for row in found] == members


def test_of_two_memberships_of_one_day_given_at_once_the_later_holds(seats, program):
    with seats.write() as conn:
        setup.add_memberships(conn, program, [sits("o", 25, "g", 4), sits("o", 25, "h", 9)], 2)
        assert setup.memberships_on(conn, program, ["o"], date(2026, 1, 25))["o"].group == "h"


# --- units ----------------------------------------------------------------------------------------


def test_locked_tallies_are_those_of_the_units_asked_for(database, program):
    revise(database, program, Member(id="m"))
    empty = tally.encoded(tally.EMPTY)
    with database.write() as conn:
        assert units.lock_tallies(conn, program, "member", ["m", "nobody"]) == {"m": empty}
        assert units.lock_tallies(conn, program, "group", ["m"]) == {}


def test_groups_come_with_their_tally_and_unknown_ones_not_at_all(seats, program):
    with seats.read() as conn:
        found = units.groups(conn, program, ["g", "nowhere"])
    assert found == {"g": units.GroupRow(Group(id="g", site="s"), tally.encoded(tally.EMPTY))}


def test_unknown_members_are_left_out(seats, program):
    with seats.read() as conn:
        assert set(units.members(conn, program, ["m", "nobody"], date(2026, 1, 1))) == {"m"}


def test_what_is_kept_forgets_the_oldest_beyond_its_size():
    held = Bounded(2)
    for number in range(3):
        held[number] = str(number)
    assert [held.get(number) for number in range(3)] == [None, "1", "2"]


def test_of_each_key_the_version_that_came_last_is_kept_and_no_other():
    held = Newest(8)
    held.put("g", 3, "three")
    assert (held.get("g", 3), held.get("g", 2), held.get("h", 3)) == ("three", None, None)
    held.put("g", 4, "four")
    assert (held.get("g", 3), held.get("g", 4)) == (None, "four")
