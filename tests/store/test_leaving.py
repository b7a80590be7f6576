"""A program leaves whole or not at all, nothing of it stays, and no other program is touched."""

import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

import engagement
from engagement.errors import Fault
from engagement.store import leaving, setup
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.strategy.setup import Member
from support.databases import sqlite_database

CANARY = "canary4711"


@pytest.fixture
def leaver():
    """The program that `fill_program` fills when none is named."""
    return "01900000-0000-7000-8000-00000000000a"


def everything(database, program):
    """Every row of a program, by table, to the byte."""
    with database.read() as conn:
        return {
            table.name: [
                tuple(row)
                for row in conn.execute(
                    select(table).where(table.c.program_id == program).order_by(*table.primary_key)
                )
            ]
            for table in leaving.OF_PROGRAMS
        }


def triggers(database):
    """The triggers there are, and whether each is on."""
    of_sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    of_postgresql = "SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
    with database.read() as conn:
        return conn.execute(text(of_sqlite if database.is_sqlite else of_postgresql)).all()


def leave(conn, program):
    with leaving.unguarded(conn):
        return leaving.delete(conn, program)


def break_off(conn, program):
    with leaving.unguarded(conn):
        leaving.delete(conn, program)
        raise RuntimeError("here")


@pytest.fixture
def two(filled, other_program, fill_program):
    """A database with two programs that have a row in every table."""
    with filled.write() as conn:
        fill_program(conn, other_program)
    return filled


def test_every_table_that_names_a_program_is_emptied_of_it(two, leaver):
    with two.read() as conn:
        before = leaving.counted(conn, leaver)
    assert {part.table for part in before} == {table.name for table in leaving.OF_PROGRAMS}
    assert {table.name for table in t.metadata.sorted_tables} - {part.table for part in before} == {"facts"}
    with two.write() as conn:
        assert leave(conn, leaver) == before
    assert not any(everything(two, leaver).values())


def test_another_program_is_untouched_to_the_byte(two, leaver, other_program):
    before = everything(two, other_program)
    assert all(before.values())
    with two.write() as conn:
        leave(conn, leaver)
    leaving.wipe(two)
    assert everything(two, other_program) == before


def test_afterwards_the_ledger_refuses_as_before(two, leaver, other_program):
    before = triggers(two)
    assert before
    with two.write() as conn:
        leave(conn, leaver)
    assert triggers(two) == before
    for table in t.LEDGER:
        with pytest.raises(DatabaseError, match="insert-only"), two.write() as conn:
            conn.execute(table.delete().where(table.c.program_id == other_program))


def test_what_breaks_off_leaves_everything_as_it_was(two, leaver):
    before, guards = everything(two, leaver), triggers(two)
    with pytest.raises(RuntimeError, match="here"), two.write() as conn:
        break_off(conn, leaver)
    assert (everything(two, leaver), triggers(two)) == (before, guards)


@contextmanager
def worked(database, program, leaving="no"):
    """A transaction of a user who may do everything with every table but delete from the ledger."""
    ledger = ", ".join(table.name for table in t.LEDGER)
    with database.write(program) as conn:
        conn.exec_driver_sql("CREATE ROLE worker")
        conn.exec_driver_sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO worker")
        conn.exec_driver_sql(f"REVOKE DELETE ON {ledger} FROM worker")
        conn.exec_driver_sql("SET LOCAL ROLE worker")
        conn.exec_driver_sql(f"SET LOCAL engagement.leaving = '{leaving}'")
        yield conn


@pytest.fixture
def owned(fresh_database, fill_program):
    with closing(Database(fresh_database())) as database:
        with database.write() as conn:
            fill_program(conn)
        yield database


def test_who_may_not_delete_from_the_ledger_is_told_so_at_the_door(owned, leaver):
    before = everything(owned, leaver)
    with pytest.raises(Fault, match="who owns its tables"), worked(owned, leaver) as conn:
        leave(conn, leaver)
    assert everything(owned, leaver) == before


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (t.fold_entries.delete(), "permission denied"),
        (t.fold_entries.update().values(reward=0.0), "insert-only"),  # row locks need the right to UPDATE
    ],
)
def test_who_may_not_delete_does_not_pass_by_opening_the_door_alone(owned, leaver, change, refusal):
    before = everything(owned, leaver)
    with pytest.raises(DatabaseError, match=refusal), worked(owned, leaver, "yes") as conn:
        conn.execute(change)
    assert everything(owned, leaver) == before


def test_the_door_is_shut_for_what_follows_in_the_same_transaction(two, leaver):
    before = everything(two, leaver)
    with pytest.raises(DatabaseError, match="insert-only"), two.write() as conn:
        leave_and_go_on(conn)
    assert everything(two, leaver) == before


def leave_and_go_on(conn):
    with leaving.unguarded(conn):
        conn.execute(t.fold_entries.delete())
    conn.execute(t.answers.delete())


CHILD = """
import sys
from engagement.store import leaving
from engagement.store.database import Database
with Database(sys.argv[1]).write() as conn:
    with leaving.unguarded(conn):
        leaving.delete(conn, sys.argv[2])
    print("deleted", flush=True)
    sys.stdin.read()
"""


def test_killed_in_the_middle_nothing_is_half_done(two, leaver):
    before, guards = everything(two, leaver), triggers(two)
    url = two.url.render_as_string(hide_password=False)
    services = str(Path(engagement.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, url, leaver],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": services},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"deleted\n"
        child.kill()
    assert (everything(two, leaver), triggers(two)) == (before, guards)


def test_no_word_of_it_stays_in_the_file_or_its_log(tmp_path, migrated_sqlite, leaver, fill_program):
    """In rows, in index pages, in what was overwritten before, and in the log beside the file."""
    url = sqlite_database(migrated_sqlite, tmp_path)
    with closing(Database(url)) as database:
        with database.write() as conn:
            fill_program(conn, leaver)
            many = [Member(id=f"{CANARY}-{number}") for number in range(300)]
            setup.revise(conn, leaver, many, 0)
        with database.write() as conn:
            conn.execute(t.tallies.update().values(tally=CANARY.encode() * 200))
        with database.write() as conn:
            conn.execute(t.tallies.update().values(tally=b""))  # as it was, it stays in free space
        assert any(CANARY.encode() in file.read_bytes() for file in tmp_path.iterdir())
        with database.write() as conn:
            leave(conn, leaver)
        assert leaving.wipe(database)
        assert not [file.name for file in tmp_path.iterdir() if CANARY.encode() in file.read_bytes()]


@pytest.mark.slow  # SQLite waits five seconds for the other to end
def test_who_reads_at_that_moment_is_no_harm_but_is_told(tmp_path, migrated_sqlite, leaver, fill_program):
    url = sqlite_database(migrated_sqlite, tmp_path)
    with closing(Database(url)) as database, closing(Database(url)) as other:
        with database.write() as conn:
            fill_program(conn, leaver)
        with other.read() as reader:
            reader.execute(select(t.programs)).all()
            with database.write() as conn:
                leave(conn, leaver)
            assert not leaving.wipe(database)
        assert leaving.wipe(database)
