"""The ledger is verified at a terminal: said in a line a program, and the exit code says the same."""

from contextlib import closing

import pytest
from sqlalchemy import select

from engagement import cli
from engagement.store import leaving
from engagement.store import tables as t
from engagement.store.database import Database
from support.databases import sqlite_database
from support.service import new_program, roster


@pytest.fixture
def url(migrated_sqlite, tmp_path, monkeypatch):
    made = sqlite_database(migrated_sqlite, tmp_path)
    monkeypatch.setenv("ENGAGEMENT_DATABASE", made)
    return made


@pytest.fixture
def programs(url):
    return sorted(new_program(url, roster(1)).program_id for _ in range(2))


@pytest.fixture
def run(capsys):
    def command(*words):
        capsys.readouterr()
        return (cli.main(words), *capsys.readouterr())

    return command


def tamper(url, program):
    with closing(Database(url)) as db, db.write() as conn, leaving.unguarded(conn):
        conn.execute(t.memberships.update().where(t.memberships.c.program_id == program).values(seat=77))


def digests(said):
    return [line.split()[-1] for line in said.splitlines() if line.startswith("  ")]


def test_every_program_is_sealed_and_verified_in_a_line_each(run, programs):
    code, said, _ = run("audit", "verify")
    assert (code, said.count("not sealed yet, ")) == (0, 2)
    code, made, _ = run("audit", "seal")
    assert (code, [line.split(":")[0] for line in made.splitlines()[::2]]) == (0, programs)
    code, said, _ = run("audit", "verify")
    assert (code, said.count("as it was sealed; 1 night, ")) == (0, 2)
    assert digests(said) == digests(made)


def test_what_was_changed_is_told_of_its_program_alone(run, url, programs):
    run("audit", "seal")
    tamper(url, programs[1])
    code, said, _ = run("audit", "verify")
    assert code == 1
    good, _, bad, *flaws = said.splitlines()
    assert programs[0] in good
    assert ": as it was sealed" in good
    assert programs[1] in bad
    assert ": NOT as it was sealed" in bad
    assert flaws[0].startswith("  ! seal 1, memberships: ")
    assert run("audit", "verify", "--program", programs[0])[0] == 0
    assert run("audit", "verify", "--program", programs[1])[0] == 1


def test_a_digest_that_was_written_down_is_looked_for_in_the_chains(run, programs, tmp_path):
    assert programs
    run("audit", "seal")
    _, said, _ = run("audit", "verify")
    run("audit", "seal")
    written = tmp_path / "written.txt"
    written.write_text(said)
    code, told, _ = run("audit", "verify", "--against", str(written))
    assert (code, told.splitlines()[-1]) == (0, "2 written down: in the chain")
    code, told, _ = run("audit", "verify", "--against", digests(said)[0])
    assert (code, told.splitlines()[-1]) == (0, "What was written down is in it.")
    code, told, _ = run("audit", "verify", "--against", "0" * 64)
    assert code == 1
    assert f"! {'0' * 64} is in no chain" in told


@pytest.mark.parametrize("content", [None, "nothing\n"])
def test_what_holds_no_digest_is_one_line(run, programs, tmp_path, content):
    assert programs
    file = tmp_path / "written.txt"
    if content is not None:
        file.write_text(content)
    code, said, wrong = run("audit", "verify", "--against", str(file))
    assert (code, said, len(wrong.splitlines())) == (2, "", 1)


def test_the_daily_fold_seals_once(run, url, programs):
    """The programs are of today, and no seal is made before a midnight has passed."""
    with closing(Database(url)) as db, db.write() as conn, leaving.unguarded(conn):
        conn.execute(t.programs.update().values(created_at=0))
    _, said, _ = run("fold")
    assert said.count(": seal 1 of the ledger, ") == 2
    _, said, _ = run("fold")
    assert "seal" not in said
    with closing(Database(url)) as db, db.read() as conn:
        assert sorted(conn.execute(select(t.seals.c.program_id)).scalars()) == programs
