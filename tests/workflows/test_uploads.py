"""Files are told line by line and stored only as they were seen; what is sent twice is stored once."""

import pytest
from sqlalchemy import func, select

from engagement.errors import Invalid, TooLarge
from engagement.store import setup, signals
from engagement.store import tables as t
from engagement.strategy.setup import Budget
from engagement.workflows import uploads
from engagement.workflows.load_program import Change
from engagement.workflows.program_file import read_program
from engagement.workflows.revise import revise
from engagement.workflows.sheet_file import opened
from engagement.workflows.uploads import (
    Made,
    Upload,
    upload_programs,
    upload_registers,
    upload_rosters,
)
from support.peer_groups import seat_members

ROSTER = "group,member,seat\ng0,m0,1\ng0,m1,one\ng1,m2,1\n"
REGISTER = "group,date,seat,came\ng0,2026-03-10,1,yes\ng0,2026-03-10,2,no\ng9,2026-03-10,1,yes\n"
FILE = """
[program]
id = "program"
title = "Peer groups"
"""


def sent(here, workflow, content, seen=None, day=1.0):
    (found,) = here.run(workflow, [Upload(content, seen)], day=day)
    return found


def stored(here):
    """Everything that is stored of a program: how many revisions and signals."""
    with here.db.read() as conn:
        rows = select(func.count()).where(t.revisions.c.program_id == here.id)
        return conn.execute(rows).scalar_one(), signals.count(conn, here.id)


def test_looking_at_a_roster_tells_its_lines_and_stores_nothing(here):
    before = stored(here)
    told = sent(here, upload_rosters, opened(ROSTER))
    assert (told.stored, told.result.report.stored, len(told.result.report.refused)) == (False, 2, 1)
    assert told.result.report.refused[0].line == 3
    assert set(told.result.made) == {
        Made("group", "new", 2),
        Made("member", "new", 2),
        Made("membership", "joined", 2),
    }
    assert stored(here) == before


def test_a_roster_that_was_seen_is_stored_and_a_second_click_stores_nothing(here):
    seen = sent(here, upload_rosters, opened(ROSTER)).sign
    first = sent(here, upload_rosters, opened(ROSTER), seen)
    after = stored(here)
    second = sent(here, upload_rosters, opened(ROSTER), seen)
    assert (first.stored, second.stored, second.result.report.stored) == (True, False, 0)
    assert stored(here) == after
    assert second.result.report.unchanged == 2


def test_a_roster_is_not_stored_where_somebody_else_was_there_meanwhile(here):
    seen = sent(here, upload_rosters, opened(ROSTER)).sign
    here.run(upload_rosters, [Upload(opened("group,member,seat\ng0,m0,1\n"))])
    other = sent(here, upload_rosters, opened("group,member,seat\ng0,m0,1\n"))
    assert sent(here, upload_rosters, opened("group,member,seat\ng0,m0,1\n"), other.sign).stored
    again = sent(here, upload_rosters, opened(ROSTER), seen)
    assert (again.stored, again.result.report.stored) == (False, 1)


def test_a_register_is_told_stored_once_and_all_at_once(here):
    seat_members(here, 2)
    before = stored(here)
    told = sent(here, upload_registers, opened(REGISTER))
    assert (told.result.stored, told.result.signals, len(told.result.refused)) == (2, 3, 1)
    assert stored(here) == before
    assert sent(here, upload_registers, opened(REGISTER), told.sign).stored
    assert stored(here)[1] == before[1] + 3
    again = sent(here, upload_registers, opened(REGISTER), told.sign)
    assert (again.stored, again.result.signals, again.result.unchanged) == (False, 0, 2)


def test_a_register_that_tells_too_much_at_once_is_to_be_sent_in_parts(here, monkeypatch):
    seat_members(here, 2)
    monkeypatch.setattr(uploads, "MOST_REPORTS", 2)
    assert isinstance(sent(here, upload_registers, opened(REGISTER)), TooLarge)


def test_a_sheet_of_another_kind_is_refused_and_harms_nothing(here):
    assert isinstance(sent(here, upload_rosters, opened("a,b\n1,2\n")), Invalid)
    assert isinstance(sent(here, upload_registers, opened("a,b\n1,2\n")), Invalid)
    assert isinstance(sent(here, upload_rosters, read_program(FILE)), Invalid)


def test_a_program_file_tells_what_it_changes_and_changes_it_when_that_was_seen(here):
    file = read_program(FILE + '[[budgets]]\nid = "fund"\nperiod = "month"\nlimit_minor = 7\n')
    assert file.plan is not None
    before = stored(here)
    told = sent(here, upload_programs, file)
    assert stored(here) == before
    changed = next(row for row in told.tried.result.changes if row.id == "fund")
    assert changed == Change("budget", "fund", new=False, fields=("limit_minor 10000 → 7",))
    assert sent(here, upload_programs, file, told.tried.sign).tried.stored
    with here.db.read() as conn:
        assert setup.newest(conn, here.id, "budget", ["fund"])["fund"].thing == Budget(
            id="fund", limit_minor=7
        )
    again = sent(here, upload_programs, file, told.tried.sign)
    assert (again.tried.stored, again.tried.result.changes) == (False, ())


def test_a_file_with_mistakes_tells_each_with_its_line_and_changes_nothing(here):
    before = stored(here)
    told = sent(here, upload_programs, read_program(FILE + "stoped = true\nlanguage = 4\n"))
    assert told.tried is None
    assert sorted(row.place.line for row in told.findings) == [5, 6]
    assert stored(here) == before


def test_a_sound_file_of_another_program_is_refused_with_the_reason(here):
    told = sent(here, upload_programs, read_program(FILE.replace('"program"', '"other"')))
    assert (told.tried, told.refused) == (None, "this program's id is `program`")


@pytest.mark.parametrize("seen", [None, "", "0" * 64])
def test_nothing_is_stored_without_the_right_sign(here, seen):
    before = stored(here)
    assert not sent(here, upload_rosters, opened(ROSTER), seen).stored
    assert stored(here) == before


def test_a_changed_program_is_seen_by_who_reads_next(here):
    file = read_program(FILE + "adviser_minutes = 5\n")
    seen = sent(here, upload_programs, file).tried.sign
    sent(here, upload_programs, file, seen)
    here.run(revise, [])
    with here.db.read() as conn:
        found = setup.catalogue(conn, here.kept, here.id, setup.catalogue_revision(conn, here.id))
    assert found.program.adviser_minutes == 5
