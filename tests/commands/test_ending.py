"""The end of a program at a terminal: handed over, exported, said goodbye to, deleted."""

import json
import re
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from engagement import cli
from engagement.store import facts, leaving
from engagement.store.database import Database
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from support.databases import sqlite_database
from support.service import new_program, roster

TITLE = template(DEFAULT_TEMPLATE).program.title


@pytest.fixture
def url(migrated_sqlite, tmp_path, monkeypatch):
    made = sqlite_database(migrated_sqlite, tmp_path)
    monkeypatch.setenv("ENGAGEMENT_DATABASE", made)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    return made


@pytest.fixture
def program(url):
    return new_program(url, roster(2)).program_id


@pytest.fixture
def run(capsys):
    def command(*words):
        capsys.readouterr()
        return (cli.main(words), *capsys.readouterr())

    return command


def rows(url, program):
    with closing(Database(url)) as db, db.read() as conn:
        return leaving.counted(conn, program)


@pytest.mark.usefixtures("program")
def test_a_site_is_handed_over_as_a_page_or_as_json(run, tmp_path):
    assert run("handover", "site-1", "--on", "2026-04-01")[0] == 0
    page = (tmp_path / "out" / "handover-site-1.html").read_text()
    assert page.count("<article") == 3
    assert run("handover", "site-1", "--on", "2026-04-01", "--json", "--out", "told.json")[0] == 0
    told = json.loads((tmp_path / "out" / "told.json").read_text())
    assert [group["group"] for group in told["groups"]] == ["g1", "g2"]
    assert told["keeper"]["members"] == 16


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(("words", "name"), [((), "hh.html"), (("--json",), "hh.json")])
def test_a_file_named_without_an_ending_gets_one(run, words, name):
    assert run("handover", "site-1", "--on", "2026-04-01", "--out", "hh", *words)[1] == f"Written: {name}\n"
    assert [file.name for file in Path().iterdir()] == [name]


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("handover", "site-1", "--out", "no/x.html"), "cannot write no/x.html: No such file or directory"),
        (("export", "all", "no/x.zip"), "cannot write no/x.zip: No such file or directory"),
        (("goodbye", "--out", "taken"), "cannot write into taken: File exists"),
        (("program", "load", "no/x.toml"), "cannot read no/x.toml: No such file or directory"),
        (("import-roster", "no/x.csv"), "cannot read no/x.csv: No such file or directory"),
        (("import-register", "no/x.csv"), "cannot read no/x.csv: No such file or directory"),
        (("report", "--out", "taken/x"), "cannot write taken/x: Not a directory"),
    ],
)
def test_a_path_that_cannot_be_used_is_named_once(run, words, said):
    Path("taken").touch()
    code, _, err = run(*words)
    assert (code, err) == (2, f"engagement: {said}\n")


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "--on", "2026-04-01"), "there is no site `nowhere`"),
        (("site-1", "--on", "soon"), "`soon` is not a day"),
        (("site-1", "--program", "x"), "there is no program `x`"),
    ],
)
def test_what_cannot_be_handed_over_is_one_line(run, words, said):
    code, _, err = run("handover", *words)
    assert (code, said in err, err.count("\n")) == (2, True, 1), err


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("words", [("handover", "site-1"), ("goodbye", "--out", "fw")])
def test_where_time_is_simulated_a_day_is_asked_for(run, url, words):
    with closing(Database(url)) as db, db.write() as conn:
        facts.settle_kind_of_time(conn, "simulated")
    assert run(*words)[::2] == (2, "engagement: time in this database is simulated; give a day with --on\n")
    assert not Path("fw").exists()
    assert run(*words, "--on", "2026-04-01")[0] == 0


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("wrong", [("--site", "nowhere", "--on", "2026-04-01"), ("--on", "soon")])
def test_a_goodbye_that_cannot_be_said_leaves_no_folder(run, wrong):
    assert run("goodbye", *wrong, "--out", "fw")[0] == 2
    assert not Path("fw").exists()


def test_goodbye_takes_its_program_by_place_and_says_so(run, url):
    assert run("goodbye")[::2] == (
        2,
        "engagement: there are 0 programs; `engagement init` writes the file of one\n",
    )
    first, _ = (new_program(url, roster(1)).program_id for _ in range(2))
    said = "engagement: there are 2 programs; name one after `goodbye` (see `engagement program list`)\n"
    assert run("goodbye")[::2] == (2, said)
    assert run("goodbye", first)[0] == 0


@pytest.mark.usefixtures("program")
def test_everything_is_exported_as_one_archive(run, tmp_path):
    code, out, _ = run("export", "all", "all.zip")
    assert code == 0
    with zipfile.ZipFile(tmp_path / "out" / "all.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("memberships.csv").count(b"\n") == 17
    assert out.splitlines()[-1] == "Written: all.zip"
    assert run("export", "all", "all.csv")[0] == 2


def test_goodbye_alone_says_what_it_would_do_and_changes_nothing(run, url, program, tmp_path):
    before = rows(url, program)
    code, out, _ = run("goodbye")
    assert code == 0
    assert {(name, int(count)) for count, name in re.findall(r"^ +(\d+) (\w+)$", out, re.MULTILINE)} == {
        (part.table, part.rows) for part in before
    }
    assert f'--delete --yes "{TITLE}"' in out
    assert not list((tmp_path / "out").iterdir())
    assert rows(url, program) == before


def test_with_a_folder_it_writes_pages_and_export_and_deletes_nothing(run, url, program, tmp_path):
    before = rows(url, program)
    assert run("goodbye", "--out", ".", "--on", "2026-07-01")[0] == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        f"export-{program}.zip", "goodbye-site-1.html",
    ]  # fmt: skip
    assert rows(url, program) == before
    assert run("goodbye", "--site", "site-1", "--out", ".", "--on", "2026-07-01")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--delete",), "nothing is deleted before it is exported"),
        (("--delete", "--out", "."), f'add --yes "{TITLE}"'),
        (("--delete", "--out", ".", "--yes", "yes"), f'add --yes "{TITLE}"'),
        (("--delete", "--out", ".", "--site", "site-1", "--yes", TITLE), "a site alone cannot be deleted"),
        (("--delete", "--out", "taken", "--on", "2026-07-01", "--yes", TITLE), "cannot write into taken"),
    ],
)
def test_nothing_is_deleted_by_a_slip(run, url, program, words, said):
    Path("taken").touch()
    before = rows(url, program)
    code, _, err = run("goodbye", *words)
    assert (code, said in err, err.count("\n")) == (2, True, 1), err
    assert rows(url, program) == before


def test_deleted_it_is_gone_and_exported_and_another_program_is_there(run, url, program, tmp_path):
    other = new_program(url, roster(1)).program_id
    before, beside = rows(url, program), rows(url, other)
    asked = ("goodbye", program, "--out", ".", "--on", "2026-07-01", "--delete", "--yes", TITLE)
    code, out, _ = run(*asked)
    assert code == 0
    assert f"Deleted: {sum(part.rows for part in before)} rows of {len(before)} tables." in out
    assert (rows(url, program), rows(url, other)) == ((), beside)
    assert program.replace("-", "").encode() not in b"".join(
        file.read_bytes() for file in tmp_path.iterdir() if file.is_file()
    )
    with zipfile.ZipFile(tmp_path / "out" / f"export-{program}.zip") as archive:
        assert archive.read("memberships.csv").count(b"\n") == 17
    code, out, _ = run(*asked)
    assert (code, out.splitlines()[0]) == (0, f"There is no program {program} here.")
    assert rows(url, other) == beside
