"""Each thing that goes wrong with a deployment is done to a real one, and the doctor names it."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from engagement.clock import SystemClock
from engagement.settings import Settings
from engagement.store import facts
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.keys import revoke
from engagement.store.migrate import migrate
from engagement.strategy.setup import Membership, Switched
from engagement.workflows import doctor
from engagement.workflows.access import create_key
from engagement.workflows.doctor import Finding, examine, worst
from engagement.workflows.fold import fold_program
from engagement.workflows.revise import revise
from engagement.workflows.seal import seal
from engagement.workflows.seat import seat
from engagement.workflows.switch import Throw, throw
from support.peer_groups import PLAN, Here, a_program, ask, ms, seat_members
from support.wall import behind_the_wall

DAY = 40.0
"""All that was decided at the start has closed five days before."""


class Ward:
    """A deployment with one program, and what is found of it on a day."""

    def __init__(self, here: Here, url: str) -> None:
        self.here, self.url = here, url

    def findings(self, day: float = DAY) -> list[Finding]:
        return examine(Settings(database=self.url), ms(day), SystemClock())

    def about(self, check: str, day: float = DAY) -> Finding:
        (found,) = (finding for finding in self.findings(day) if finding.check == check)
        return found

    def sql(self, *statements: str) -> None:
        with self.here.db.write() as conn:
            for statement in statements:
                conn.execute(text(statement))


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    """A deployment that is well; a file's rights, and the tests' superuser, aside."""
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).chmod(0o600)
    with closing(Database(database_url)) as db:
        here = a_program(db)
        with db.write() as conn:
            create_key(conn, here.id, ("read",), "staff", ms(0), ms(365))
        ask(here, *seat_members(here, 2))
        here.fold(DAY)
        seal(db, here.id, "me", ms(DAY))
        yield Ward(here, database_url)


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def file(ward: Ward) -> Path:
    return Path(ward.url.removeprefix("sqlite:///"))


def test_what_is_well_is_said_to_be(ward: Ward) -> None:
    """But for the tests' own PostgreSQL: its user may do everything, and it does not wait for its disk."""
    doubtful = {finding.check for finding in ward.findings() if finding.state != "well"}
    assert doubtful == (set() if ward.here.db.is_sqlite else {"rights", "durability"})
    looked_at = {finding.check for finding in ward.findings()}
    assert looked_at >= {"version", "memory", "schema", "durability", "ledger", "folding", "keys", "seals"}
    assert looked_at >= ({"file", "disk", "pages"} if ward.here.db.is_sqlite else {"database", "clock"})


def test_everything_that_is_not_well_has_a_remedy(ward: Ward) -> None:
    ward.sql("DELETE FROM api_keys")
    bad = [finding for finding in ward.findings() if finding.state != "well"]
    assert bad
    assert all(finding.remedy for finding in bad)
    assert worst(bad) == "wrong"


def test_outcomes_that_nobody_learned_from_are_counted(ward: Ward) -> None:
    ask(ward.here, "m0", "m1", day=DAY, strategy="counted")
    found = ward.about("folding", day=DAY + 60)
    assert found.state == "wrong"
    assert "2 decisions closed" in found.found
    fold_program(ward.here.db, Kept(), ward.here.id, "x", ms(DAY + 60))
    assert ward.about("folding", day=DAY + 60).state == "well"


def test_a_key_is_named_thirty_days_before_it_ends_and_its_absence_is_wrong(ward: Ward) -> None:
    assert ward.about("keys", day=334.9).state == "well"
    soon = ward.about("keys", day=335.1)
    assert (soon.state, "ends in 30 days" in soon.found) == ("doubtful", True)
    with ward.here.db.write() as conn:
        for (key,) in conn.execute(t.api_keys.select().with_only_columns(t.api_keys.c.key_id)).all():
            revoke(conn, ward.here.id, key, ms(1))
    assert ward.about("keys").found.endswith("no key is live; nobody can call")


def test_a_ledger_that_was_not_sealed_for_two_days_is_doubtful(ward: Ward) -> None:
    assert ward.about("seals", day=DAY + 1.9).state == "well"
    late = ward.about("seals", day=DAY + 2.1)
    assert (late.state, "was not sealed for 2 days" in late.found) == ("doubtful", True)


def test_what_is_kept_longer_than_the_program_says_is_named(ward: Ward) -> None:
    assert "retention" not in {finding.check for finding in ward.findings()}
    program = msgspec.structs.replace(PLAN.program, retention_months=2)
    ward.here.run(revise, [program], day=DAY)
    assert ward.about("retention").state == "well"
    ward.here.run(seat, [Membership(member="m1", starts_on=date(2026, 4, 1), reason="left")], day=DAY)
    found = ward.about("retention", day=DAY + 60)
    assert (found.state, found.found.split(": ")[1]) == ("doubtful", "1 left more than 2 months ago")
    site = msgspec.structs.replace(PLAN.sites[0], ends_on=date(2026, 4, 30))
    ward.here.run(revise, [site], day=DAY)
    assert "erase --left-before" in ward.about("retention", day=DAY + 60).remedy
    over = ward.about("retention", day=DAY + 90)
    assert (over.state, "kept until 2026-06-30" in over.found) == ("doubtful", True)


def test_a_ledger_without_its_triggers_is_named_table_by_table(ward: Ward) -> None:
    drop = "DROP TRIGGER signals_no_delete"
    ward.sql(drop if ward.here.db.is_sqlite else "ALTER TABLE signals DISABLE TRIGGER signals_insert_only")
    found = ward.about("ledger")
    assert found.state == "wrong"
    assert "tables signals can be changed" in found.found


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
def test_whether_the_second_wall_stands_is_said_for_who_asks(ward: Ward) -> None:
    """One program needs none; with two it matters that the owner sees both; a user of its own does not."""
    assert ward.about("wall").state == "well"
    a_program(ward.here.db)
    found = ward.about("wall")
    assert (found.state, "docs/operations.md" in found.remedy) == ("doubtful", True)
    held = Ward(ward.here, behind_the_wall(ward.url))
    assert held.about("wall").state == "well"
    assert "no other's rows" in held.about("wall").found
    doubtful = {finding.check for finding in held.findings() if finding.state != "well"}
    # no longer `rights`; the other program has no key, and neither was ever sealed
    assert doubtful == {"durability", "keys", "seals"}
    ward.sql("ALTER TABLE tallies DISABLE ROW LEVEL SECURITY")
    for one in (ward, held):
        found = one.about("wall")
        assert (found.state, "gone from tallies" in found.found) == ("wrong", True)


@on_sqlite
def test_on_sqlite_nothing_is_said_of_a_second_wall(ward: Ward) -> None:
    assert "wall" not in {finding.check for finding in ward.findings()}


def test_a_schema_of_another_version_is_named(ward: Ward) -> None:
    ward.sql("UPDATE alembic_version SET version_num = '9999'")
    assert ward.about("schema").state == "doubtful"
    ward.sql("INSERT INTO facts VALUES ('runs_from', '9998')")
    assert ward.about("schema").state == "wrong"


def test_an_empty_database_is_named(ward: Ward) -> None:
    migrate(ward.here.db, "base")
    assert ward.about("schema").found == "the database is empty"


def test_a_moment_still_to_come_in_the_ledger_is_a_wrong_clock(ward: Ward) -> None:
    said = [finding.found for finding in ward.findings(day=-2) if finding.state == "wrong"]
    assert any(words.startswith("something was recorded 2 days from now") for words in said)


def test_simulated_time_is_no_wrong_clock(ward: Ward) -> None:
    with ward.here.db.write() as conn:
        facts.settle_kind_of_time(conn, "simulated")
    found = [finding for finding in ward.findings(day=-2) if finding.check in ("clock", "keys", "folding")]
    assert {finding.state for finding in found} == {"well"}


def test_a_stopped_program_is_no_surprise(ward: Ward) -> None:
    with ward.here.db.write() as conn:
        throw(
            conn,
            Kept(),
            ward.here.id,
            [Throw(stopped=True, switched=Switched(by="lead", why="flood"))],
            ms(1),
        )
    assert ward.about("stop switch").state == "doubtful"


# --- SQLite ---------------------------------------------------------------------------------------


@on_sqlite
def test_a_file_that_others_can_read_is_doubtful(ward: Ward, file: Path) -> None:
    file.chmod(0o644)
    assert "(644)" in ward.about("file").found


@on_sqlite
def test_a_damaged_file_is_found(ward: Ward, file: Path) -> None:
    ward.here.db.close()
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        index = "SELECT rootpage FROM sqlite_master WHERE name LIKE 'ix_decisions%'"
        (page,) = conn.execute(index).fetchone()
        (size,) = conn.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as content:
        content.seek((page - 1) * size)
        content.write(b"\xff" * size)
    found = ward.about("pages")
    assert found.state == "wrong"
    assert "the file is damaged" in found.found


@on_sqlite
def test_a_disk_that_fills_is_named_before_it_is_full(
    ward: Ward, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is as it is; what counts as little is moved around it."""
    free = shutil.disk_usage(file.parent).free
    monkeypatch.setattr(doctor, "DISK_BYTES", (2 * free, free // 2))
    assert ward.about("disk").state == "doubtful"
    monkeypatch.setattr(doctor, "DISK_BYTES", (4 * free, 2 * free))
    assert ward.about("disk").state == "wrong"


@on_sqlite
def test_a_file_system_without_locks_is_wrong(
    ward: Ward, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/x {file.resolve().parent} nfs4 rw 0 0\n")
    monkeypatch.setattr(doctor, "HERE", mounts)
    assert "nfs4" in ward.about("file system").found


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    found = examine(Settings(database=f"sqlite:///{file}"), 0, SystemClock())
    assert (found[-1].state, found[-1].found) == ("wrong", f"there is no file {file}")
    assert not file.exists()


# --- the machine, and addresses -------------------------------------------------------------------


def test_little_memory_is_doubtful(ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(f"{100 * 1024**2}\n")
    monkeypatch.setattr(doctor, "LIMIT", limit)
    assert ward.about("memory").found == "100 MiB of memory to be had"
    limit.write_text("max\n")
    assert ward.about("memory").state == "well"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "it does not answer"),
        ("mysql://host/name", "`mysql` is no database to write to"),
        ("sqlite://", "in-memory"),
    ],
)
def test_an_address_that_leads_nowhere_is_explained(url: str, words: str) -> None:
    found = examine(Settings(database=url), 0, SystemClock())[-1]
    assert (found.check, found.state) == ("database", "wrong")
    assert words in found.found


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture
def other_user(fresh_database: Callable[[], str]) -> Iterator[str]:
    """The address of a migrated database for a user who may read and nothing else."""
    url = fresh_database()
    with closing(Database(url)) as db, db.write() as conn:
        conn.execute(text("DROP ROLE IF EXISTS reader"))
        conn.execute(text("CREATE ROLE reader LOGIN PASSWORD 'reader'"))
        conn.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
        host = db.url.set(username="reader", password="reader")  # noqa: S106  of this test's own server
    yield host.render_as_string(hide_password=False)
    with closing(Database(url)) as db, db.write() as conn:
        conn.execute(text("DROP OWNED BY reader"))
        conn.execute(text("DROP ROLE reader"))


def test_rights_that_are_missing_are_named(other_user: str) -> None:
    found = [
        finding
        for finding in examine(Settings(database=other_user), 0, SystemClock())
        if finding.check == "rights"
    ]
    assert found[0].state == "wrong"
    assert "signals" in found[0].found


def test_a_server_that_may_lose_commits_is_wrong(fresh_database: Callable[[], str]) -> None:
    """The tests' own server runs without fsync, which is just that."""
    url = fresh_database()
    found = [
        finding
        for finding in examine(Settings(database=url), 0, SystemClock())
        if finding.check == "durability"
    ]
    assert [finding.found.split(":")[0] for finding in found] == ["fsync is off"]


@pytest.mark.parametrize(("skew", "state"), [(0.2, "well"), (-5.0, "doubtful"), (60.0, "wrong")])
def test_two_clocks_are_told_apart(skew: float, state: str) -> None:
    found = doctor._skew(skew)
    assert found.state == state
    assert ("behind" in found.found) == (skew < 0)
