"""A backup is what the database held at one moment; restored, it is the same to the byte, or nothing is."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, text

from engagement.errors import Conflict, Fault, Invalid, NotFound
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import migrate, standing
from engagement.workflows.backup import backup, manifest_of, restore
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare
from engagement.workflows.replay import replay_decisions
from support.peer_groups import Here, a_program, ask, came, seat_members
from support.postgres import Server, bundled_binaries

NOON = 1_773_124_200_000


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, of the version of the tests' server."""
    monkeypatch.setenv("PGBIN", str(bundled_binaries()))


@pytest.fixture
def lived(database_url: str) -> Iterator[Here]:
    """A database alone, with a program that has learned."""
    with closing(Database(database_url)) as db:
        here = a_program(db)
        ask(here, *seat_members(here, 12))
        here.run(ingest, [came("m0", 1.0), came("m5", 1.0)], day=2)
        here.fold()
        yield here


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, lived: Here, tmp_path: Path) -> Iterator[Database]:
    """Where nothing is yet, of the same kind."""
    url = f"sqlite:///{tmp_path}/restored.db"
    if not lived.db.is_sqlite:
        server: Server = request.getfixturevalue("postgres")
        url = server.create(f"restored_{tmp_path.name}")
    with closing(Database(url)) as db:
        yield db


def everything(db: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in order of the key."""
    with db.read() as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key)).all()]
            for table in t.metadata.sorted_tables
        }


def test_a_restored_database_is_the_same_row_by_row(lived: Here, elsewhere: Database, tmp_path: Path) -> None:
    made = backup(lived.db, tmp_path / "backup", NOON)
    restored = restore(elsewhere, tmp_path / "backup")
    assert everything(elsewhere) == everything(lived.db)
    assert restored == made
    assert made.rows == {name: len(rows) for name, rows in everything(lived.db).items()} | {
        "alembic_version": 1
    }


def test_what_was_restored_agrees_with_its_ledger_and_replays(
    lived: Here, elsewhere: Database, tmp_path: Path
) -> None:
    backup(lived.db, tmp_path / "backup", NOON)
    restore(elsewhere, tmp_path / "backup")
    assert standing(elsewhere) == "current"
    assert compare(elsewhere, Kept(), lived.id) == []
    with elsewhere.read() as conn:
        ids = list(conn.execute(select(t.decisions.c.decision_id)).scalars())
        verdicts = list(replay_decisions(conn, Kept(), lived.id, ids, deep=True))
    assert [verdict.agrees for verdict in verdicts] == [True] * 12


def test_the_ledger_is_insert_only_there_as_well(lived: Here, elsewhere: Database, tmp_path: Path) -> None:
    backup(lived.db, tmp_path / "backup", NOON)
    restore(elsewhere, tmp_path / "backup")
    with pytest.raises(Exception, match="insert-only"), elsewhere.write() as conn:
        conn.execute(text("DELETE FROM decisions"))


def test_a_backup_is_for_its_owner_alone(lived: Here, tmp_path: Path) -> None:
    backup(lived.db, tmp_path / "backup", NOON)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_over(lived: Here, elsewhere: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    backup(lived.db, file, NOON)
    with pytest.raises(Conflict, match="is there already"):
        backup(lived.db, file, NOON)
    with pytest.raises(Conflict, match="nothing is written over"):
        restore(lived.db, file)
    restore(elsewhere, file)
    before = everything(elsewhere)
    with pytest.raises(Conflict):
        restore(elsewhere, file)
    assert everything(elsewhere) == before


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def turn(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("harm", [cut, turn])
def test_a_backup_that_was_changed_is_refused_and_nothing_is_restored(
    lived: Here, elsewhere: Database, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    file = tmp_path / "backup"
    backup(lived.db, file, NOON)
    harm(file)
    with pytest.raises(Invalid, match="SHA-256"):
        restore(elsewhere, file)
    assert standing(elsewhere) == "empty"


def test_rows_that_are_missing_are_named(lived: Here, elsewhere: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    made = backup(lived.db, file, NOON)
    more = msgspec.structs.replace(made, rows=made.rows | {"signals": made.rows["signals"] + 1})
    manifest_of(file).write_bytes(msgspec.json.encode(more))
    with pytest.raises(Fault, match=r"in signals$"):
        restore(elsewhere, file)
    if elsewhere.is_sqlite:
        assert standing(elsewhere) == "empty"


def test_a_backup_without_its_manifest_is_refused(lived: Here, elsewhere: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    backup(lived.db, file, NOON)
    manifest_of(file).unlink()
    with pytest.raises(NotFound, match="keep them together"):
        restore(elsewhere, file)
    manifest_of(file).write_text("{}")
    with pytest.raises(Invalid, match="no manifest"):
        restore(elsewhere, file)


def test_a_backup_is_restored_to_its_own_kind_of_database(lived: Here, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    made = backup(lived.db, file, NOON)
    other = msgspec.structs.replace(made, kind="postgresql" if lived.db.is_sqlite else "sqlite")
    manifest_of(file).write_bytes(msgspec.json.encode(other))
    with closing(Database(f"sqlite:///{tmp_path}/x.db")) as db:
        target = lived.db if not lived.db.is_sqlite else db
        with pytest.raises(Invalid, match="import-program"):
            restore(target, file)


def test_a_folder_that_is_not_there_is_one_line(lived: Here, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot write"):
        backup(lived.db, tmp_path / "nowhere" / "backup", NOON)


def test_without_postgresqls_programs_the_error_says_how_to_get_them(
    fresh_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGBIN", str(tmp_path))
    with closing(Database(fresh_database())) as db, pytest.raises(NotFound, match="postgresql-client"):
        backup(db, tmp_path / "backup", NOON)
    assert list(tmp_path.iterdir()) == []


def test_what_postgresqls_program_says_is_passed_on(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    url = fresh_database()
    with closing(Database(url)) as db:
        made = backup(db, file, NOON)
        cut(file)
        from hashlib import sha256

        found = msgspec.structs.replace(made, sha256=sha256(file.read_bytes()).hexdigest())
        manifest_of(file).write_bytes(msgspec.json.encode(found))
        migrate(db, "base")
        with db.write() as conn:
            conn.execute(text("DROP TABLE alembic_version"))
        with pytest.raises(Fault, match="pg_restore ended with 1"):
            restore(db, file)
        assert standing(db) == "empty"
