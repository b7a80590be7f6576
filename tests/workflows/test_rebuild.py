"""Everything derived can be dropped and made again from the ledger, and a difference is found."""

import numpy as np
import pytest
from sqlalchemy import delete

from engagement.signals import tally
from engagement.store import beliefs, resources, units
from engagement.store import tables as t
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import Difference, compare, derived, rebuild
from support.peer_groups import FOLDED, a_program, always, came, decided, held, seat, seat_members


@pytest.fixture
def lived(db):
    """Two folds, a correction, a move, money held, released and spent."""
    here = a_program(db, always("token"))
    members = seat_members(here, 9, chance="no")
    seat(here, "g1,m0,7,2026-03-20", columns="group,member,seat,joined_on")
    made = decided(here, *members)
    here.run(answer, [(made[0], Reply("declined")), (made[1], Reply("done"))], day=1)
    reports = [*(came(name, 12, n % 2) for n, name in enumerate(members[:7])), held("g1", 12)]
    here.run(ingest, reports, day=20)
    here.fold()
    decided(here, *members, day=FOLDED)
    here.run(ingest, [came("m0", 8, 1, id="b", corrects="attendance/m0/12")], day=FOLDED)
    here.fold(FOLDED + 1)
    return here


def state(here):
    return here.read(derived)


def remake(here):
    return rebuild(here.db, here.kept, here.id)


def test_what_is_derived_is_what_the_ledger_says(lived):
    assert all(state(lived))  # tallies, counters and nodes: none is empty
    assert compare(lived.db, lived.kept, lived.id) == []


def test_after_all_that_is_derived_was_dropped_a_rebuild_reaches_the_same_bytes(lived):
    before = state(lived)
    with lived.db.write() as conn:
        for table in t.DERIVED:
            conn.execute(delete(table).where(table.c.program_id == lived.id))
    assert not any(state(lived))
    remake(lived)
    assert state(lived) == before


def test_a_rebuild_of_what_is_right_changes_nothing(lived):
    before = state(lived)
    assert remake(lived) == []
    assert state(lived) == before


def tamper_with_a_tally(here, conn):
    units.write_tallies(conn, here.id, [("member", "m0", tally.encoded(tally.EMPTY))])
    return Difference("tallies", "member m0")


def tamper_with_a_tally_of_nobody(here, conn):
    units.write_tallies(conn, here.id, [("member", "m99", tally.encoded(tally.EMPTY))])
    return Difference("tallies", "member m99")


def lose_a_tally(here, conn):
    c = t.tallies.c
    conn.execute(delete(t.tallies).where(c.program_id == here.id, c.unit_kind == "group", c.unit_id == "g0"))
    return Difference("tallies", "group g0")


def tamper_with_a_counter(here, conn):
    resources.write_counters(conn, here.id, {("fund", "2026-04"): 1})
    return Difference("counters", "fund 2026-04")


def tamper_with_a_counter_of_nothing(here, conn):
    resources.write_counters(conn, here.id, {("fund", "1999-12"): 1})
    return Difference("counters", "fund 1999-12")


def tamper_with_a_node(here, conn):
    nodes = beliefs.read_nodes(conn, here.id, "learned", [""], 1)
    beliefs.write_nodes(conn, here.id, "learned", 1, {"": nodes[""] + np.eye(1, len(nodes[""]))[0] * 1e-9})
    return Difference("nodes", "learned  1")


def leave_a_node_of_no_version(here, conn):
    beliefs.write_nodes(conn, here.id, "learned", 3, {"": np.zeros(2)})
    return Difference("nodes", "learned  3")


TAMPERINGS = [
    tamper_with_a_tally,
    tamper_with_a_tally_of_nobody,
    lose_a_tally,
    tamper_with_a_counter,
    tamper_with_a_counter_of_nothing,
    tamper_with_a_node,
    leave_a_node_of_no_version,
]


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_comparing_finds_what_was_tampered_with_and_leaves_it(lived, tampering):
    with lived.db.write() as conn:
        expected = tampering(lived, conn)
    before = state(lived)
    assert compare(lived.db, lived.kept, lived.id) == [expected]
    assert state(lived) == before


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_rebuild_mends_it_and_says_what_it_was(lived, tampering):
    before = state(lived)
    with lived.db.write() as conn:
        expected = tampering(lived, conn)
    assert remake(lived) == [expected]
    assert state(lived) == before


def test_other_programs_are_left_alone(lived):
    other = a_program(lived.db)
    seat_members(other, 1)
    with other.db.write() as conn:
        tamper_with_a_tally_of_nobody(other, conn)
    before = state(other)
    remake(lived)
    assert state(other) == before
