"""On PostgreSQL a user who does not own the tables sees and changes the rows of one program a transaction."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import DatabaseError

import engagement
from engagement.errors import Conflict
from engagement.store import fitness, leaving, setup
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.migrate import migrate
from engagement.store.wall import LISTING, NOBODY, enter, words
from support.databases import postgresql_database
from support.wall import behind_the_wall

MINE, THEIRS = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
OPEN = [table for table in leaving.OF_PROGRAMS if table not in t.LEDGER]


def as_guest(owned):
    """The same database for a user made as documented."""
    return Database(behind_the_wall(owned.url.render_as_string(hide_password=False)))


@pytest.fixture(scope="module")
def owned(postgres, migrated_postgresql, fill_program):
    """Two programs that have a row in every table, as the owner has them. No test leaves a trace in it."""
    with postgresql_database(postgres, migrated_postgresql) as url, closing(Database(url)) as database:
        with database.write() as conn:
            for program in (MINE, THEIRS):
                fill_program(conn, program)
        yield database


@pytest.fixture(scope="module")
def walled(owned):
    with closing(as_guest(owned)) as database:
        yield database


@pytest.fixture
def own(fresh_database, fill_program):
    """The same for one test, which may do with it what it likes."""
    with closing(Database(fresh_database())) as database:
        with database.write() as conn:
            for program in (MINE, THEIRS):
                fill_program(conn, program)
        yield database


@pytest.fixture
def own_walled(own):
    with closing(as_guest(own)) as database:
        yield database


def programs_in(conn, table):
    """Whose rows a statement that names no program finds."""
    return set(conn.execute(select(table.c.program_id)).scalars())


def everything(database, program):
    with database.read(program) as conn:
        return {
            table.name: sorted(
                map(repr, conn.execute(select(table).where(table.c.program_id == program)).all())
            )
            for table in leaving.OF_PROGRAMS
        }


def test_a_statement_that_forgot_the_program_sees_one_programs_rows(walled):
    with walled.read(MINE) as conn:
        assert {table.name: programs_in(conn, table) for table in leaving.OF_PROGRAMS} == {
            table.name: {MINE} for table in leaving.OF_PROGRAMS
        }


def test_without_a_program_nothing_is_seen(walled):
    with walled.read(NOBODY) as conn:
        assert not any(programs_in(conn, table) for table in leaving.OF_PROGRAMS)


def test_the_list_of_programs_is_all_that_is_seen_across_them(walled):
    with walled.read(LISTING) as conn:
        assert setup.program_ids(conn) == [MINE, THEIRS]
        seen = {table.name for table in leaving.OF_PROGRAMS if programs_in(conn, table)}
        assert seen == {"programs"}
        enter(conn, MINE)
        assert {table.name for table in leaving.OF_PROGRAMS if THEIRS in programs_in(conn, table)} == set()
        assert setup.program_ids(conn) == [MINE]


def test_who_owns_the_tables_sees_all_of_them(owned):
    for of in (NOBODY, LISTING, MINE):
        with owned.read(of) as conn:
            assert all(programs_in(conn, table) == {MINE, THEIRS} for table in leaving.OF_PROGRAMS)


@pytest.mark.parametrize("of", [MINE, NOBODY, LISTING])
def test_no_row_is_written_into_another_program(owned, walled, of):
    for table in leaving.OF_PROGRAMS:
        with owned.read() as conn:
            row = conn.execute(select(table).where(table.c.program_id == THEIRS)).first()._asdict()
        with pytest.raises(DatabaseError, match="row-level security policy"), walled.write(of) as conn:
            conn.execute(table.insert(), row)


def test_no_row_is_moved_into_another_program(walled):
    for table in OPEN:
        with pytest.raises(DatabaseError, match="row-level security policy"), walled.write(MINE) as conn:
            conn.execute(update(table).values(program_id=THEIRS))


def test_a_deletion_that_forgot_the_program_leaves_the_others_rows_to_the_byte(own, own_walled):
    before = everything(own, THEIRS)
    assert all(before.values())
    with own_walled.write(MINE) as conn, leaving.unguarded(conn):
        for table in reversed(leaving.OF_PROGRAMS):
            assert conn.execute(table.delete()).rowcount
    assert everything(own, THEIRS) == before
    assert not any(everything(own, MINE).values())


def test_the_ledger_is_insert_only_behind_the_wall_as_well(walled):
    for table in t.LEDGER:
        with pytest.raises(DatabaseError, match="insert-only"), walled.write(MINE) as conn:
            conn.execute(table.delete())


def test_nothing_of_a_program_stays_with_the_connection(own_walled):
    """Its transaction may have been kept, taken back or broken: the next on the connection sees nothing."""

    def seen_next():
        with own_walled.read(NOBODY) as conn:
            return programs_in(conn, t.programs)

    with own_walled.write(MINE) as conn:
        assert programs_in(conn, t.programs) == {MINE}
    assert seen_next() == set()
    with pytest.raises(DatabaseError), own_walled.write(MINE) as conn:
        conn.execute(t.decisions.delete())
    assert seen_next() == set()
    with own_walled.read(THEIRS) as conn:
        assert programs_in(conn, t.programs) == {THEIRS}
    assert own_walled.pools()["both"].checkedin() == 1  # it was the same connection all the time


def test_whose_it_is_goes_in_the_message_that_begins_the_transaction(walled):
    said = []
    engine = walled.engine()
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: said.append(statement))
    with walled.read(MINE) as conn:
        conn.execute(select(func.count()).select_from(t.signals))
    assert len(said) == 2
    assert said[0].startswith("BEGIN;")
    assert MINE in said[0]


def test_a_policy_is_looked_at_once_a_statement_and_no_index_is_lost(walled):
    query = "SELECT tally FROM tallies WHERE program_id = :program AND unit_kind = 'member' AND unit_id > 'a'"
    with walled.read(MINE) as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"))
        plan = "\n".join(conn.execute(text(f"EXPLAIN {query}"), {"program": MINE}).scalars())
    assert "One-Time Filter" in plan
    (condition,) = (line for line in plan.splitlines() if "Index Cond" in line)
    assert [name for name in ("program_id", "unit_kind", "unit_id") if name not in condition] == []


@pytest.mark.parametrize("of", ["p", "'; DROP TABLE signals; --", "0190000000007000800000000000000g"])
def test_what_is_no_programs_id_never_reaches_the_database(of):
    with pytest.raises(ValueError, match=r"UUID|base 16"):
        words(of)


def test_a_new_program_is_its_transactions_own(own_walled):
    new = "01900000-0000-7000-8000-00000000000c"
    with own_walled.write(NOBODY) as conn:
        setup.create_program(conn, new, b"s", 0)
        assert setup.program_ids(conn) == [new]


# --- it stands ------------------------------------------------------------------------------------


def test_every_table_with_rows_of_programs_has_its_policy(owned):
    with owned.read() as conn:
        assert fitness.without_policy(conn) == []


@pytest.mark.parametrize(
    "hole", ["DROP POLICY of_program ON tallies", "ALTER TABLE tallies DISABLE ROW LEVEL SECURITY"]
)
def test_a_table_without_its_policy_is_named(own, hole):
    with own.write() as conn:
        conn.execute(text(hole))
    with own.read() as conn:
        assert fitness.without_policy(conn) == ["tallies"]


def test_who_is_held_by_it_can_tell(owned, walled):
    for database, held in ((owned, False), (walled, True)):
        with database.read() as conn:
            assert fitness.behind_the_wall(conn) is held


def test_down_and_up_again_it_stands_as_before(own):
    def policies():
        with own.read() as conn:
            query = "SELECT tablename, policyname, cmd, qual FROM pg_policies ORDER BY 1, 2"
            return conn.execute(text(query)).all()

    before = policies()
    assert len(before) == len(leaving.OF_PROGRAMS) + 1
    migrate(own, "0006")
    assert policies() == []
    with own.read() as conn:
        assert fitness.without_policy(conn) == sorted(table.name for table in leaving.OF_PROGRAMS)
    migrate(own)
    assert policies() == before


def test_who_does_not_own_the_tables_brings_no_schema_up_to_date_and_says_who_can(own, own_walled):
    migrate(own_walled)
    migrate(own, "0006")
    with pytest.raises(Conflict, match="run `engagement migrate` as the one who does"):
        migrate(own_walled)


UNSAID = re.compile(r"\b_?(?:db|database|alone)\.(?:read|write)\(\)")


def test_every_transaction_of_the_service_says_whose_it_is():
    """One that did not would find nothing behind the wall, and everything as the owner."""
    folder = Path(engagement.__file__).parent
    found = [
        f"{file.relative_to(folder)}:{number}"
        for file in sorted(folder.rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if UNSAID.search(line)
    ]
    assert found == []
