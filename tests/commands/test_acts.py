"""What was done at the command line is kept as that, once for each transaction that changed anything."""

from contextlib import closing

import pytest
from sqlalchemy import select

from engagement import cli
from engagement.store import tables as t
from engagement.store.database import Database
from support.databases import sqlite_database

ROSTER = "group,member,seat,joined_on\nnorth,fay,9,2026-01-01\n"
REGISTER = "group,date,seat,came\nnorth,2026-02-10,9,yes\n"


@pytest.fixture
def url(migrated_sqlite, tmp_path, monkeypatch):
    made = sqlite_database(migrated_sqlite, tmp_path)
    monkeypatch.setenv("ENGAGEMENT_DATABASE", made)
    return made


@pytest.fixture
def run(url, capsys):
    """Runs a command and gives the acts that it added: operation, and what no row tells."""

    def acts():
        a = t.acts.c
        with closing(Database(url)) as db, db.read() as conn:
            query = select(a.way, a.key_id, a.operation, a.did, a.act_id).order_by(a.recorded_at, a.act_id)
            return conn.execute(query).all()

    def command(*words, code=0):
        before = len(acts())
        assert cli.main(words) == code, capsys.readouterr()
        fresh = acts()[before:]
        assert {(row.way, row.key_id) for row in fresh} <= {("command", None)}
        return [(row.operation, row.did) for row in fresh]

    return command


@pytest.fixture
def program_file(tmp_path, run):
    file = tmp_path / "ours.toml"
    assert run("init", str(file), "--yes", "--site", "north") == []
    return file


def test_a_program_is_loaded_once_and_loaded_again_is_no_act(run, program_file):
    assert run("program", "load", str(program_file), "--dry-run") == []
    assert run("program", "load", str(program_file)) == [("program load", None)]
    assert run("program", "load", str(program_file)) == []


@pytest.fixture
def loaded(run, program_file):
    run("program", "load", str(program_file))
    return run


def test_each_command_that_changes_something_is_an_act_and_its_repetition_none(loaded, tmp_path):
    for name, content in (("roster.csv", ROSTER), ("register.csv", REGISTER)):
        (tmp_path / name).write_text(content)
    switch = ("--by", "program-lead", "--why", "A flood")
    for words, operation in (
        (("import-roster", str(tmp_path / "roster.csv")), "import-roster"),
        (("import-register", str(tmp_path / "register.csv")), "import-register"),
        (("stop", *switch), "stop"),
        (("resume", *switch), "resume"),
    ):
        assert loaded(*words) == [(operation, None)]
        assert loaded(*words) == []


def test_keys_are_acts_when_they_are_made_and_when_they_end(loaded, url):
    assert loaded("key", "create", "--scopes", "read") == [("key create", None)]
    with closing(Database(url)) as db, db.read() as conn:
        k = t.api_keys.c
        made = conn.execute(select(k.key_id, k.act_id, k.revoked_act_id).where(k.scopes == "read")).one()
        assert (made.act_id is None, made.revoked_act_id) == (False, None)
    assert loaded("key", "revoke", made.key_id) == [("key revoke", None)]
    assert loaded("key", "revoke", made.key_id, code=2) == []
    assert loaded("key", "list") == []


def test_an_erasure_is_an_act_that_no_row_names(loaded, tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER)
    loaded("import-roster", str(tmp_path / "roster.csv"))
    assert loaded("erase", "fay", "--yes") == [("erase", "erased")]
    assert loaded("erase", "fay", "--yes") == []


def test_what_only_reads_and_what_folds_and_seals_is_none(loaded, tmp_path):
    for words in (("fold",), ("audit", "seal"), ("audit", "verify"), ("rebuild",), ("doctor",)):
        assert loaded(*words) == []
    assert loaded("export", "all", str(tmp_path / "all.zip")) == []


def test_a_restored_backup_and_a_program_that_is_brought_in_say_so(loaded, tmp_path, monkeypatch, capsys):
    loaded("backup", str(tmp_path / "a.backup"))
    loaded("export", "program", str(tmp_path / "program.zip"))
    there = f"sqlite:///{tmp_path / 'there.db'}"
    monkeypatch.setenv("ENGAGEMENT_DATABASE", there)
    assert cli.main(["restore", str(tmp_path / "a.backup")]) == 0
    assert told(there) == [("program load", None), ("restore", "restored")]
    other = f"sqlite:///{tmp_path / 'other.db'}"
    monkeypatch.setenv("ENGAGEMENT_DATABASE", other)
    assert cli.main(["migrate"]) == 0
    assert cli.main(["import-program", str(tmp_path / "program.zip")]) == 0
    assert told(other) == [("program load", None), ("import-program", "imported")]
    capsys.readouterr()
    assert cli.main(["audit", "verify"]) == 0


def told(url):
    """Every act that a database keeps."""
    a = t.acts.c
    with closing(Database(url)) as db, db.read() as conn:
        return [tuple(row) for row in conn.execute(select(a.operation, a.did).order_by(a.recorded_at))]
