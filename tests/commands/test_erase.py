"""Erasing a person at a terminal: said before, meant, done, and done again without harm."""

import io
from contextlib import closing
from datetime import date

import pytest

from engagement import cli
from engagement.errors import Mistake
from engagement.store import erasures
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.setup import Membership
from engagement.workflows.seat import seat
from support import backup
from support.databases import sqlite_database
from support.service import new_program, roster

HER = "g1-m2"


@pytest.fixture
def url(migrated_sqlite, tmp_path, monkeypatch):
    made = sqlite_database(migrated_sqlite, tmp_path)
    monkeypatch.setenv("ENGAGEMENT_DATABASE", made)
    return made


@pytest.fixture
def program(url):
    return new_program(url, roster(1)).program_id


@pytest.fixture
def run(capsys, monkeypatch):
    def command(*words, typed=""):
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return (cli.main(words), *capsys.readouterr())

    return command


def rows(url, program):
    with closing(Database(url)) as db:
        return backup.rows(db, program)


def naming(url, program, name):
    return {table for table, text in backup.told(rows(url, program)).items() if name in text}


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "g1-m3\n"])
def test_nothing_is_erased_that_was_not_meant(run, url, program, typed):
    before = rows(url, program)
    code, said, wrong = run("erase", HER, typed=typed)
    assert (code, rows(url, program)) == (2, before)
    assert said.startswith(f"Of {HER} there are\n")
    assert "nothing was erased" in wrong


@pytest.mark.parametrize(("words", "typed"), [((), f"{HER}\n"), (("--yes",), "")])
def test_who_types_the_id_once_more_or_says_yes_erases(run, url, program, words, typed):
    code, said, _ = run("erase", HER, *words, typed=typed)
    assert code == 0
    assert "Tombstone: " in said
    assert naming(url, program, HER) == set()
    with closing(Database(url)) as db, db.read() as conn:
        [stone] = erasures.tombstones(conn, program)
    assert stone.erasure_id in said
    code, said, _ = run("erase", HER, *words)
    assert code == 0
    assert said.splitlines()[0] == (
        f"Nothing of `{HER}` is here: no such member was ever enrolled, or they were erased already."
    )


@pytest.mark.parametrize("words", [("program", "list"), ("export", "roster", "roster.csv"), ("fold",)])
def test_a_command_tells_nothing_of_whom_a_restored_backup_brought_back(
    run, url, program, tmp_path, monkeypatch, words
):
    monkeypatch.chdir(tmp_path)
    before = rows(url, program)
    run("erase", HER, "--yes")
    with closing(Database(url)) as db:
        backup.restore(db, program, before)
    code, said, _ = run(*words)
    assert code == 0
    assert said.startswith("Erased again, as the erasure list says: 1 of a restored database\n")
    assert naming(url, program, HER) == set()
    assert not [file.name for file in tmp_path.iterdir() if HER.encode() in file.read_bytes()]
    assert "Erased again" not in run(*words)[1]


@pytest.mark.usefixtures("program")
def test_without_its_list_no_command_works_on_a_database_that_somebody_was_erased_from(
    run, monkeypatch, tmp_path
):
    run("erase", HER, "--yes")
    monkeypatch.setenv("ENGAGEMENT_ERASURES", str(tmp_path / "lost"))
    code, _, wrong = run("rebuild", "--check")
    assert code == 2
    assert f"the list of them, {tmp_path / 'lost'}, is not there" in wrong
    (tmp_path / "lost").touch()
    assert run("rebuild", "--check")[0] == 0


def left(url, program, *names):
    with closing(Database(url)) as db, db.write() as conn:
        gone = [Membership(member=name, starts_on=date(2026, 9, 1), reason="left") for name in names]
        refused = [
            one for one in seat(conn, Kept(), program, gone, 2_000_000_000_000) if isinstance(one, Mistake)
        ]
    assert refused == []


def test_everybody_who_left_before_a_day_is_erased_when_that_is_meant(run, url, program):
    left(url, program, "g1-m2", "g1-m3")
    code, said, wrong = run("erase", "--left-before", "2026-09-02", typed="3\n")
    assert (code, "Members who left before 2026-09-02: 2" in said) == (2, True)
    assert "that is not the number, so nothing was erased" in wrong
    assert naming(url, program, "g1-m3")
    code, said, _ = run("erase", "--left-before", "2026-09-02", typed="2\n")
    assert (code, "Erased: 2\n" in said) == (0, True)
    assert naming(url, program, "g1-m2") == naming(url, program, "g1-m3") == set()
    assert naming(url, program, "g1-m4")
    code, said, _ = run("erase", "--left-before", "2026-09-02", "--yes")
    assert (code, said.splitlines()[0]) == (0, "Nobody left before 2026-09-02, or they were erased already.")


@pytest.mark.parametrize("words", [(), ("m", "--left-before", "2026-01-01"), ("--left-before", "May")])
def test_who_is_meant_has_to_be_clear(run, program, words):
    assert program
    code, said, wrong = run("erase", *words)
    assert (code, said, len(wrong.splitlines())) == (2, "", 1)
