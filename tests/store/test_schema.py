"""The schema: migrations and tables say the same, the ledger is insert-only, keys begin with the program."""

import multiprocessing
import threading
from contextlib import closing
from itertools import pairwise

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DatabaseError, IntegrityError

from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.migrate import _exclusively, _order, _scripts, is_current, migrate
from support.ledger import changed, content
from support.postgres import Server

each_ledger_table = pytest.mark.parametrize("table", t.LEDGER, ids=lambda table: table.name)
each_derived_table = pytest.mark.parametrize("table", t.DERIVED, ids=lambda table: table.name)
SCOPED = [table for table in t.metadata.sorted_tables if table.name != "facts"]
STEPS = list(pairwise(_order(ScriptDirectory.from_config(_scripts()))))
"""Each revision and the next."""


def counts(database):
    """Rows of every table, by its name."""
    with database.read() as conn:
        return {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in t.metadata.sorted_tables
        }


def names(database):
    """The names of the tables there are, Alembic's own left out."""
    return set(inspect(database.engine()).get_table_names()) - {"alembic_version"}


def test_migrations_and_tables_say_the_same(database):
    with database.read() as conn:
        context = MigrationContext.configure(
            conn, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, t.metadata) == []


def test_names_of_constraints_and_indexes_are_those_of_the_tables(database):
    seen = inspect(database.engine())
    for table in t.metadata.sorted_tables:
        assert {index["name"] for index in seen.get_indexes(table.name)} >= {
            str(index.name) for index in table.indexes
        }
        for constraint in table.constraints:
            if isinstance(constraint, PrimaryKeyConstraint):
                assert seen.get_pk_constraint(table.name)["name"] == constraint.name


def test_every_table_is_ledger_derived_or_neither():
    neither = (
        t.api_keys,
        t.kept_answers,
        t.page_links,
        t.sealed_rows,
        t.console_sessions,
        t.evaluations,
        t.reports,
        t.facts,
    )
    assert {table.name for table in (*t.LEDGER, *t.DERIVED, *neither)} == set(t.metadata.tables)


def test_a_filled_database_has_a_row_in_every_table(filled):
    assert all(counts(filled).values())


@each_ledger_table
@pytest.mark.parametrize("verb", ["UPDATE {} SET program_id = program_id", "DELETE FROM {}"])
def test_the_ledger_refuses_to_be_changed(filled, table, verb):
    before = counts(filled)
    with pytest.raises(DatabaseError, match="insert-only"), filled.write() as conn:
        conn.execute(text(verb.format(table.name)))
    assert counts(filled) == before


@each_derived_table
def test_what_is_derived_may_be_dropped(filled, table):
    with filled.write() as conn:
        conn.execute(table.delete())
    assert counts(filled)[table.name] == 0


@pytest.mark.parametrize("table", SCOPED, ids=lambda table: table.name)
def test_every_key_begins_with_the_program(table):
    keys = [
        constraint
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint)
    ]
    begins = [next(iter(key.columns)).name for key in [*keys, *table.indexes]]
    assert begins == ["program_id"] * len(begins)
    for key in keys:
        if isinstance(key, ForeignKeyConstraint):
            assert key.elements[0].column.name == "program_id"


@pytest.mark.parametrize("table", [t.answers, t.outcomes, t.reservations, t.fold_entries, t.visits], ids=str)
def test_a_row_needs_the_decision_it_refers_to(filled, table):
    with filled.read() as conn:
        row = conn.execute(select(table)).first()._asdict()
    row["decision_id"] = "01900000-0000-7000-8000-0000000000ff"
    with pytest.raises(IntegrityError), filled.write() as conn:
        conn.execute(table.insert(), row)


def test_a_migrated_database_is_current(database):
    assert is_current(database)


def test_migrating_a_filled_database_again_keeps_every_row(filled):
    before = counts(filled)
    migrate(filled)
    assert counts(filled) == before


def test_down_and_up_again_leads_to_the_same_schema(filled, fill_program):
    before = counts(filled)
    migrate(filled, "base")
    assert names(filled) == set()
    assert not is_current(filled)
    migrate(filled)
    with filled.read() as conn:
        assert compare_metadata(MigrationContext.configure(conn), t.metadata) == []
    with filled.write() as conn:
        fill_program(conn)
    assert counts(filled) == before


@pytest.mark.parametrize(("older", "newer"), STEPS)
def test_an_older_database_keeps_every_row_on_the_way_up(filled, older, newer):
    """Every table of the older revision has rows; of newer ones a database of that revision has no table."""
    migrate(filled, older)
    before = content(filled)
    assert all(table.rows for table in before.values())
    for revision in (newer, "head"):
        migrate(filled, revision)
        assert changed(before, content(filled, of=before)) == []
    assert is_current(filled)


def test_down_leaves_nothing_of_ours_behind(filled):
    migrate(filled, "base")
    with filled.read() as conn:
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if filled.is_sqlite
            else "SELECT proname FROM pg_proc WHERE proname LIKE '%ledger%'"
        )
        assert conn.execute(text(query)).all() == []


def test_a_table_made_anew_by_a_migration_keeps_the_rows_that_refer_to_it(filled):
    before = counts(filled)
    with _exclusively(filled) as conn:
        operations = Operations(MigrationContext.configure(conn))
        recreate = "always" if filled.is_sqlite else "auto"
        with operations.batch_alter_table("decisions", recreate=recreate) as batch:
            batch.add_column(Column("mood", Integer))
    assert counts(filled) == before
    if filled.is_sqlite:
        with filled.read() as conn:
            assert conn.execute(text("PRAGMA foreign_key_check")).all() == []


def test_a_migration_that_fails_leaves_nothing_of_itself(filled):
    before = names(filled)

    def migrate_half(conn):
        Operations(MigrationContext.configure(conn)).create_table("half", Column("a", Integer))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), _exclusively(filled) as conn:
        migrate_half(conn)
    assert names(filled) == before


def test_a_migration_that_would_leave_orphans_changes_nothing(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path / 'a.db'}")) as database:
        migrate(database)
        with _exclusively(database) as conn:  # as no migration of ours may leave it
            conn.execute(text("INSERT INTO answers VALUES ('aa', 'bb', 1, 'done', NULL, 0, 0)"))
        with pytest.raises(RuntimeError, match="nothing was changed"):
            migrate(database)


def test_indexes_and_triggers_are_there_after_migrating_on_either_database(database):
    if database.is_sqlite:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        expected = {f"{table.name}_no_{verb}" for table in t.LEDGER for verb in ("update", "delete")}
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        expected = {f"{table.name}_insert_only" for table in t.LEDGER}
    with database.read() as conn:
        assert set(conn.execute(text(query)).scalars()) == expected


def migrate_once(url, ready, failures):
    """Waits for the others, then migrates; for a thread or a process."""
    try:
        with closing(Database(url)) as database:
            ready.wait()
            migrate(database)
    except Exception as failure:
        failures.put(repr(failure))
        raise


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path, postgres: Server):
    """The URL of a database nobody has migrated."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    name = f"empty_{tmp_path.name}"[:60].lower()
    yield postgres.create(name)
    postgres.drop(name)


class Failures(list):
    """What went wrong in threads, with the method of a queue."""

    put = list.append


@pytest.mark.parametrize("_again", range(5))
def test_two_threads_that_migrate_at_once_end_with_one_schema(empty_url, _again):
    ready, failures = threading.Barrier(2), Failures()
    threads = [threading.Thread(target=migrate_once, args=(empty_url, ready, failures)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with closing(Database(empty_url)) as database:
        assert is_current(database)
        assert names(database) == set(t.metadata.tables)


def test_two_processes_that_migrate_at_once_end_with_one_schema(empty_url):
    spawning = multiprocessing.get_context("spawn")
    ready, failures = spawning.Barrier(2), spawning.SimpleQueue()
    processes = [spawning.Process(target=migrate_once, args=(empty_url, ready, failures)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert failures.empty(), failures.get()
    assert [process.exitcode for process in processes] == [0, 0]
    with closing(Database(empty_url)) as database:
        assert is_current(database)
        assert names(database) == set(t.metadata.tables)
