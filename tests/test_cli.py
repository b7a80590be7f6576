"""The command line, on a database of its own."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
from openpyxl import load_workbook

from docs.pages import ROOT, blocks
from engagement import cli
from engagement.bandits.featured import features
from engagement.clock import Clock, SimulatedClock, SystemClock
from engagement.commands import serve
from engagement.errors import Invalid
from engagement.records import Named
from engagement.settings import MOST_BYTES
from engagement.store import facts, units
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import migrate
from engagement.workflows.rank import RankAsk, Slot, rank_events
from engagement.workflows.recommend import Ask, recommend
from support.running import ROSTER

EXAMPLES = Path(__file__).parents[1] / "examples"
FOREIGN_LOG = EXAMPLES / "foreign-log"
SERVICES = Path(__file__).parents[1] / "services"
COMMANDS = [
    "serve",
    "migrate",
    "program",
    "stop",
    "resume",
    "key",
    "init",
    "check",
    "content",
    "import-roster",
    "import-register",
    "import-log",
    "export",
    "fold",
    "rebuild",
    "plan",
    "replay",
    "promotion",
    "prior",
    "trial",
    "effects",
    "evaluate",
    "report",
    "digest",
    "handover",
    "goodbye",
    "erase",
    "backup",
    "restore",
    "import-program",
    "audit",
    "doctor",
    "demo",
    "study",
    "size",
    "exporter",
    "self-check",
]


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(database_url: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command on the test's database."""

    def command(*words: str) -> Said:
        capsys.readouterr()
        try:
            code = cli.main([words[0], "--database", database_url, *words[1:]])
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return command


@pytest.fixture
def program(run: Callable[..., Said]) -> str:
    """A program's id."""
    said = run("program", "create", "--title", "Trial run")
    found = re.search(r"Program (\S+)", said.out)
    assert found is not None
    return found[1]


@pytest.fixture
def decided(run: Callable[..., Said], program: str, database_url: str, tmp_path: Path) -> str:
    """The program with five members and one decision, made long enough ago to have closed."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    assert run("import-roster", str(tmp_path / "roster.csv")).code == 0
    long_ago = int(datetime(2026, 1, 10, tzinfo=UTC).timestamp() * 1000)
    with closing(Database(database_url)) as db, db.write() as conn:
        [told] = recommend(conn, Kept(), program, [Ask(member="ben")], long_ago)
    assert getattr(told, "decision_id", None)
    return str(told.decision_id)  # type: ignore[union-attr]  # asserted above


def test_every_command_is_named_with_the_file_it_is_in():
    assert [name for names in cli.FAMILIES.values() for name in names] == COMMANDS


@pytest.mark.usefixtures("program")
def test_a_week_is_told_in_a_few_lines_in_either_language(run: Callable[..., Said]) -> None:
    english, hindi = (run("digest", "--on", "2026-03-10", "--language", name) for name in ("en", "hi"))
    assert (english.code, hindi.code) == (0, 0)
    first, second, *_ = english.out.splitlines()
    assert first == "Trial run: Tuesday 3 March to Monday 9 March"
    assert second == "No safety case waits for an answer."
    assert len(hindi.out.splitlines()) == len(english.out.splitlines()) <= 8
    assert run("digest", "--on", "2026-03-10", "--audience", "adviser").code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert f"usage: engagement {command}" in capsys.readouterr().out


def test_the_list_of_commands_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert re.findall(r"^    ([a-z-]+)\b", capsys.readouterr().out, flags=re.MULTILINE) == COMMANDS


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert re.fullmatch(r"engagement \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["program", "create", "--template", "nothing"], "there is no template `nothing`"),
        (["program", "create", "--file", "nowhere.toml"], "cannot read nowhere.toml"),
        (["key", "create"], "there are 0 programs"),
        (["key", "create", "--program", "nobody"], "there is no program `nobody`"),
        (["import-roster", "nowhere.csv"], "cannot read nowhere.csv"),
        (["import-register", "nowhere.csv"], "cannot read nowhere.csv"),
        (["fold", "--program", "nobody"], "there is no program `nobody`"),
        (["rebuild", "--program", "nobody"], "there is no program `nobody`"),
        (["replay"], "there are 0 programs"),
        (["effects", "--strategy", "learned"], "there are 0 programs"),
        (["serve", "--clock", "yesterday"], "`yesterday` is not a time"),
        (["serve", "--port", "70000"], "65535"),
        (["serve", "--host", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run: Callable[..., Said], words: list[str], said: str) -> None:
    answer = run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("engagement: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_what_a_mistake_quotes_from_several_lines_is_one_line(
    run: Callable[..., Said], tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_text('person,"day\ndid\x85p_text"\n1,2\n')
    mapping = str(FOREIGN_LOG / "synthetic-walks.toml")
    answer = run("import-log", str(tmp_path / "log.csv"), "--mapping", mapping)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert "day did p_text" in answer.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "--database"),
        ("postgresql://nobody:x@127.0.0.1:1/nowhere", "cannot be used"),
        ("sqlite:////nowhere/at/all.db", "cannot be used"),
        ("sqlite://", "in-memory"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(
    url: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["program", "list", "--database", url]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "nobody:x" not in err  # a password is nobody's business


def test_an_empty_database_is_to_be_migrated_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert cli.main(["fold", "--database", url]) == 2
    assert capsys.readouterr().err == "engagement: the database is empty; run `engagement migrate` first\n"
    assert cli.main(["migrate", "--database", url]) == 0
    assert cli.main(["fold", "--database", url]) == 0


def test_a_database_of_another_version_is_to_be_migrated_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    with closing(Database(url)) as db:
        migrate(db, "0001")
    assert cli.main(["fold", "--database", url]) == 2
    said = "engagement: the database has another version's schema; run `engagement migrate` first\n"
    assert capsys.readouterr().err == said


def test_what_init_says_to_do_next_works_on_a_new_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENGAGEMENT_DATABASE", f"sqlite:///{tmp_path / 'new.db'}")
    assert cli.main(["init", str(tmp_path / "ours.toml"), "--yes"]) == 0
    steps = [line.split("#")[0].split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [(words[0], cli.main(words[1:])) for words in steps] == [("engagement", 0)] * 3


def test_an_unknown_setting_is_named(run: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGEMENT_DEDALINE_MS", "100")
    answer = run("program", "list")
    assert (answer.code, "dedaline_ms" in answer.err) == (2, True)


# --- programs and keys ------------------------------------------------------------------------------


def test_a_created_program_is_listed_with_its_title(run: Callable[..., Said], program: str) -> None:
    assert run("program", "list").out == f"{program}  Trial run  0 decisions\n"


def test_a_program_can_come_from_a_file_of_ones_own(run: Callable[..., Said], tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('[program]\nid = "program"\ntitle = "From a file"\n')
    assert run("program", "create", "--file", str(file)).code == 0
    assert "From a file" in run("program", "list").out


def test_a_community_online_is_created_with_its_one_group(run: Callable[..., Said], tmp_path: Path) -> None:
    assert run("program", "create", "--template", "virtual-community").code == 0
    people = tmp_path / "people.csv"
    people.write_text("group,member,seat\ncommunity,first,1\ncommunity,second,2\n")
    assert "2 stored" in run("import-roster", str(people)).out


def test_a_file_that_is_no_set_up_says_where(run: Callable[..., Said], tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('[program]\nid = "program"\ntitle = 5\n')
    answer = run("program", "create", "--file", str(file))
    assert (answer.code, f"{file}:3:1: error: " in answer.err) == (2, True)
    assert run("program", "list").out == ""


def test_a_program_is_stopped_and_resumed_in_one_command_each(run: Callable[..., Said], program: str) -> None:
    told = ("--by", "program-lead", "--why", "a complaint")
    assert "is stopped since" in run("stop", *told).out
    assert "is stopped since" in run("stop", "--program", program, *told).out
    assert "recommends since" in run("resume", *told).out


def test_who_stops_a_program_gives_a_role_and_a_reason(run: Callable[..., Said], program: str) -> None:
    answer = run("stop", "--program", program, "--by", "Mrs. A B", "--why", "a complaint")
    assert (answer.code, "--by is a role" in answer.err) == (2, True)


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(
    run: Callable[..., Said], program: str
) -> None:
    made = run("key", "create", "--scopes", "read, signals", "--audience", "adviser", "--days", "1").out
    found = re.search(r"Key (\w+), shown this once: (eng_\w+_\S+)", made)
    assert found is not None
    listed = run("key", "list").out
    assert re.search(rf"^{found[1]} +live +adviser +read, signals$", listed, flags=re.MULTILINE)
    assert found[2].split("_", 2)[2] not in listed
    assert run("key", "revoke", found[1]).code == 0
    assert re.search(rf"^{found[1]} +ended ", run("key", "list").out, flags=re.MULTILINE)
    again = run("key", "revoke", found[1])
    assert (again.code, f"no live key `{found[1]}`" in again.err) == (2, True)
    assert program.replace("-", "") in found[2]


@pytest.mark.parametrize("scopes", ["everything", "read,wrte", "", ","])
def test_a_key_has_known_scopes(run: Callable[..., Said], program: str, scopes: str) -> None:
    answer = run("key", "create", "--program", program, "--scopes", scopes)
    assert (answer.code, "scopes are recommend" in answer.err) == (2, True)


def test_with_two_programs_one_must_be_named(run: Callable[..., Said], program: str) -> None:
    run("program", "create")
    answer = run("key", "list")
    assert (answer.code, "there are 2 programs; name one" in answer.err) == (2, True)
    assert run("key", "list", "--program", program).code == 0


def test_which_key_to_revoke_must_be_said(run: Callable[..., Said], program: str) -> None:
    assert run("key", "revoke", "--program", program).code == 2


# --- rosters, folding, asking why -------------------------------------------------------------------


def test_a_roster_is_reported_line_by_line(run: Callable[..., Said], program: str, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("group,member,seat,phone\nnorth,ben,2,1\nnorth,cat,x,2\n")
    answer = run("import-roster", str(file), "--program", program)
    assert answer.code == 1  # something was refused
    assert answer.out.splitlines() == [
        "2 lines: 1 stored, 0 unchanged, 1 refused",
        "  C3, seat: `x` is not a whole number",
        "Fix this cell and send the sheet again: C3",
        "  not read, not stored: phone",
    ]


@pytest.fixture
def registered(run: Callable[..., Said], program: str, tmp_path: Path) -> Callable[..., Said]:
    """Imports a register's lines into a program with ben on seat 2 of north since January."""
    (tmp_path / "roster.csv").write_text("group,member,seat,joined_on\nnorth,ben,2,2026-01-05\n")
    assert run("import-roster", str(tmp_path / "roster.csv"), "--program", program).code == 0

    def imported(*lines: str) -> Said:
        (tmp_path / "register.csv").write_text("\n".join(lines))
        return run("import-register", str(tmp_path / "register.csv"), "--program", program)

    return imported


def test_a_register_is_reported_line_by_line(registered: Callable[..., Said]) -> None:
    answer = registered("group,date,held,came", "north,12/01/2026,yes,2 9", "north,13/01/2026,postponed,")
    assert answer.code == 1  # something was refused
    assert answer.out.splitlines() == [
        "2 lines: 2 stored, 0 unchanged; 3 new reports, 0 of them corrections",
        "  D2, came: `north` has no seat 9; it has 2",
        "Fix this cell and send the sheet again: D2",
    ]


def test_a_refused_sheet_is_written_again_with_its_wrong_cells_marked(
    run: Callable[..., Said], program: str, tmp_path: Path
) -> None:
    file, marked = tmp_path / "roster.csv", tmp_path / "to-fix.xlsx"
    file.write_bytes("group\tmember\tseat\nnorth\tben\tx\n".encode("utf-16"))
    answer = run("import-roster", str(file), "--marked", str(marked), "--program", program)
    assert (answer.code, answer.out.splitlines()[-1]) == (1, f"Written: {marked}")
    assert "whole number" in load_workbook(marked)["Sheet"]["C2"].comment.text
    marked.unlink()
    file.write_text("group,member,seat\nnorth,ben,2\n")
    assert run("import-roster", str(file), "--marked", str(marked), "--program", program).code == 0
    assert not marked.exists()


def test_a_file_that_is_too_large_is_refused_unread(
    run: Callable[..., Said], program: str, tmp_path: Path
) -> None:
    file = tmp_path / "roster.csv"
    file.write_bytes(b"x" * (MOST_BYTES + 1))
    answer = run("import-roster", str(file), "--program", program)
    assert (answer.code, "larger than 4 MiB" in answer.err) == (2, True)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("what", ["roster", "register"])
@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_an_exported_sheet_imported_again_changes_nothing(
    run: Callable[..., Said],
    program: str,
    tmp_path: Path,
    what: str,
    ending: str,
) -> None:
    file = str(tmp_path / f"sheet.{ending}")
    assert run("export", what, file, "--program", program).out == f"Written: {file}\n"
    answer = run(f"import-{what}", file, "--program", program)
    assert (answer.code, "1 lines: 0 stored, 1 unchanged" in answer.out) == (0, True)


def test_counts_for_dhis2_are_written_with_the_uids_of_a_map(
    registered: Callable[..., Said], run: Callable[..., Said], program: str, tmp_path: Path
) -> None:
    assert registered("group,date,held,came", "north,12/01/2026,yes,2").code == 0
    uids = tmp_path / "map.toml"
    uids.write_text('[org_units]\nsite-1 = "DiszpKrYNg8"\n[data_elements]\nattendances = "f7n9E0hX8qk"\n')
    file = tmp_path / "values.json"
    answer = run("export", "dhis2", str(file), "--month", "2026-01", "--map", str(uids), "--program", program)
    assert answer.out.splitlines() == ["1 values of 2026-01", f"Written: {file}"]
    assert json.loads(file.read_text()) == {
        "dataValues": [
            {"dataElement": "f7n9E0hX8qk", "period": "202601", "orgUnit": "DiszpKrYNg8", "value": "1"}
        ]
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["roster", "sheet.doc"], "must end in .xlsx or .csv"),
        (["register", "sheet.csv", "--month", "March"], "write it like 202603"),
        (["roster", "sheet.csv", "--site", "nowhere"], "there is no site `nowhere`"),
        (["dhis2", "values.json", "--map", "nowhere.toml"], "cannot read nowhere.toml"),
        (["roster", "nowhere/sheet.csv"], "cannot write nowhere/sheet.csv"),
    ],
)
def test_an_export_that_cannot_be_is_one_line(
    run: Callable[..., Said], program: str, words: list[str], told: str
) -> None:
    answer = run("export", *words, "--program", program)
    assert (answer.code, told in answer.err) == (2, True)


def test_a_register_that_is_too_long_is_refused(registered: Callable[..., Said]) -> None:
    answer = registered("group,date,held,came", *[" " * 1_000] * 250)
    assert (answer.code, "at most 250,000 characters" in answer.err) == (2, True)


IMPACT = [str(EXAMPLES / "impact" / f"synthetic-{name}.csv") for name in ("baseline", "endline")]


@pytest.mark.usefixtures("program")
def test_two_surveys_are_told_as_their_page_shows(run: Callable[..., Said], tmp_path: Path) -> None:
    page, tables = tmp_path / "report.html", tmp_path / "tables"
    answer = run("report", "--impact", *IMPACT, "--out", str(page), "--tables", str(tables))
    [shown] = [block for block in blocks((ROOT / "docs" / "impact.md").read_text()) if block.info == "text"]
    assert answer.code == 0
    assert answer.out.startswith(shown.text + "\nWritten: ")
    assert "<h1>Compared, not drawn by lot:" in page.read_text()
    assert "--impact synthetic-baseline.csv synthetic-endline.csv" in page.read_text()
    with (tables / "impact-changes.csv").open() as rows:
        changes = {row["outcome"]: row for row in csv.DictReader(rows)}
    assert (changes["walks_daily"]["change"], changes["hba1c"]["change_low"]) == ("0.462", "-0.961")
    assert {file.name for file in tables.glob("impact-*")} == {
        f"impact-{name}.{ending}"
        for name in ("answers", "changes", "losses")
        for ending in ("csv", "parquet")
    }


@pytest.mark.usefixtures("program")
def test_a_wrong_cell_of_a_survey_is_named_and_ends_with_1(run: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "first.csv").write_text("group;score\na;1\na;98765 43210\n")
    (tmp_path / "second.csv").write_text("group;score\na;2\n")
    out = str(tmp_path / "report.html")
    files = (str(tmp_path / "first.csv"), str(tmp_path / "second.csv"))
    answer = run("report", "--impact", *files, "--out", out)
    assert answer.code == 1
    assert "baseline, B3: looks like a phone number" in answer.out


def test_what_has_closed_is_folded_once(run: Callable[..., Said], decided: str) -> None:
    assert decided
    assert run("fold").out.startswith("learned: version 1; 0 outcomes in, 0 out, 1 without a report")
    assert "nothing new to learn" in run("fold").out


def test_a_rebuild_finds_mends_and_reports_what_differs(
    run: Callable[..., Said], decided: str, database_url: str
) -> None:
    assert decided
    assert run("rebuild", "--check") == Said(0, "Everything derived agrees with the ledger.\n", "")
    with closing(Database(database_url)) as db, db.write() as conn:
        [program] = conn.execute(t.programs.select().with_only_columns(t.programs.c.program_id)).scalars()
        units.write_tallies(conn, program, [("member", "ben", b"spoiled")])
    found = run("rebuild", "--check")
    assert found.code == 1
    assert re.search(r"differs from the ledger: \S+ .*ben", found.out)
    assert run("rebuild").out.endswith("Made again; 1 had differed from the ledger.\n")
    assert run("rebuild", "--check").code == 0


@pytest.mark.usefixtures("decided")
def test_groups_that_no_plan_reaches_are_counted(run: Callable[..., Said]) -> None:
    said = run("plan")
    assert (said.code, said.out) == (0, "In no plan: 2 whose group is linked to no catchment\n")


@pytest.mark.usefixtures("decided")
def test_a_week_that_is_none_is_one_line(run: Callable[..., Said]) -> None:
    said = run("plan", "--period", "soon")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_a_decision_is_replayed_and_agrees(run: Callable[..., Said], decided: str) -> None:
    answer = run("replay", decided)
    assert answer.code == 0
    assert f"{decided}: agrees" in answer.out
    assert "1 replayed, 0 differ" in answer.out


def test_all_decisions_are_replayed_when_none_is_named(run: Callable[..., Said], decided: str) -> None:
    assert decided
    assert run("replay").out == "1 replayed, 0 differ\n"


def test_a_deep_replay_folds_again_and_agrees(run: Callable[..., Said], decided: str) -> None:
    run("fold")
    answer = run("replay", decided, "--deep")
    assert (answer.code, "agrees" in answer.out) == (0, True)


def test_what_was_learned_is_printed_as_a_prior(run: Callable[..., Said], tmp_path: Path) -> None:
    mapping = (FOREIGN_LOG / "synthetic-walks.toml").read_text().replace("linear_gaussian", "beta_bernoulli")
    (tmp_path / "mapping.toml").write_text(mapping)
    log = str(FOREIGN_LOG / "synthetic-walks.csv")
    run("import-log", log, "--mapping", str(tmp_path / "mapping.toml"))
    run("fold")
    said = run("prior", "walks", "--worth-at-most", "2")
    # 5, 15 and 0 of 60 minutes: a third of an hour in three lines
    assert re.search(
        r'^    \{ action = "none", mean = 0\.11111\d*, worth = 2\.0 \},$', said.out, re.MULTILINE
    )


def test_a_prior_that_cannot_be_written_is_one_line(run: Callable[..., Said], program: str) -> None:
    assert program
    assert "believes more than a mean" in run("prior", "learned").err


def test_an_unknown_decision_is_counted_as_such(run: Callable[..., Said], decided: str) -> None:
    answer = run("replay", decided, "00000000-0000-7000-8000-000000000000")
    assert (answer.code, answer.out.splitlines()[-1]) == (1, "1 replayed, 0 differ, 1 unknown")


def test_an_event_of_a_rank_is_replayed_by_its_id_or_with_all_others(
    run: Callable[..., Said], decided: str, program: str, database_url: str
) -> None:
    moment = Named(np.array([5], np.uint64), np.ones(1))
    phi = np.stack([features(moment, moment), features(moment, moment._replace(values=np.zeros(1)))])
    slot = Slot("", ("a", "b"), (False, False), 0, moment, (moment, moment._replace(values=np.zeros(1))), phi)
    with closing(Database(database_url)) as db, db.write() as conn:
        rank_events(conn, Kept(), program, [RankAsk("event 1", b"d", False, (slot,))], 0)
    answer = run("replay", "event 1", decided)
    assert "event 1: agrees; pick " in answer.out
    assert answer.out.splitlines()[-1] == "2 replayed, 0 differ"
    assert run("replay").out == "2 replayed, 0 differ\n"
    assert "@ranks: version 1; 1 outcomes in" in run("fold").out


def test_commands_do_not_meddle_with_simulated_time(run: Callable[..., Said], database_url: str) -> None:
    with closing(Database(database_url)) as db, db.write() as conn:
        facts.settle_kind_of_time(conn, "simulated")
    answer = run("program", "create")
    assert (answer.code, "time in this database is simulated" in answer.err) == (2, True)


# --- serve ------------------------------------------------------------------------------------------


class Serving(NamedTuple):
    """A process that serves, and what it said first."""

    process: "subprocess.Popen[str]"
    said: list[str]

    @property
    def address(self) -> str:
        found = re.search(r"http://[\w.:\[\]]+", self.said[0])
        assert found is not None
        return found[0]


@contextmanager
def serving(folder: Path, lines: int, *words: str) -> Iterator[Serving]:
    """`engagement serve` on a free port and a new database, once it has said so many lines."""
    url = f"sqlite:///{folder / 'served.db'}"
    command = [sys.executable, "-m", "engagement.cli", "serve", "--port", "0", "--database", url, *words]
    # A deadline that a busy machine keeps: what is asked here is whether, not how soon.
    environment = {**os.environ, "PYTHONPATH": str(SERVICES), "ENGAGEMENT_DEADLINE_MS": "20000"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield Serving(process, [process.stdout.readline() for _ in range(lines)])
        finally:
            process.kill()


@pytest.mark.needs("curl")
def test_the_line_to_paste_really_asks_what_to_try_next(tmp_path: Path) -> None:
    with serving(tmp_path, 4, "--example") as served:
        assert re.search(r"Development key: eng_[0-9a-f]{32}_\S+", served.said[1])
        answer = subprocess.run(["bash", "-c", served.said[3]], capture_output=True, text=True, check=True)
    told = json.loads(answer.stdout)
    assert (told["member"], told["simulated"]) == ("g1-m1", False)
    assert told["decision_id"]


def test_a_simulated_service_says_so_first_and_in_every_answer(tmp_path: Path) -> None:
    with serving(tmp_path, 2, "--clock", "2026-01-01T06:00Z") as served:
        assert "Time is simulated" in served.said[1]
        assert httpx.get(f"{served.address}/health/live").headers["engagement-simulated"] == "true"


def test_sigterm_ends_the_service_in_order(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as served:
        assert httpx.get(f"{served.address}/health/ready").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(timeout=30)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{served.address}/health/live")
    assert not (tmp_path / "served.db-wal").exists()  # SQLite removes it when the last connection is closed


CLOCKS: list[Clock] = [SystemClock(), SimulatedClock(0)]


@pytest.mark.parametrize(("first", "second"), [CLOCKS, CLOCKS[::-1]], ids=["real", "simulated"])
def test_a_database_of_one_kind_of_time_refuses_the_other(
    database_url: str, first: Clock, second: Clock
) -> None:
    with closing(Database(database_url)) as db:
        serve._settle_time(db, first)
        serve._settle_time(db, first)  # the same kind again is fine
        with pytest.raises(Invalid, match=r"cannot be started with the other kind"):
            serve._settle_time(db, second)


def test_a_time_that_is_none_decides_nothing_for_the_database(
    database_url: str, run: Callable[..., Said]
) -> None:
    assert run("serve", "--port", "0", "--clock", "yesterday").code == 2
    with closing(Database(database_url)) as db, db.read() as conn:
        assert facts.kind_of_time(conn) is None


def test_a_port_in_use_is_one_line(run: Callable[..., Said]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        answer = run("serve", "--port", str(port))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert f"cannot listen on 127.0.0.1, port {port}" in answer.err


def test_the_listening_socket_hands_its_haste_on() -> None:
    with closing(serve._listening("127.0.0.1", 0)) as line:
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_report_gives_the_effects_of_each_strategy_as_a_table(
    run: Callable[..., Said], decided: str, tmp_path: Path
) -> None:
    assert decided
    said = run("report", "--out", str(tmp_path / "report.html"), "--tables", str(tmp_path / "tables"))
    assert said.code == 0
    [table] = (tmp_path / "tables").glob("effects-*.csv")
    head, *rows = table.read_text().splitlines()
    assert head.startswith("action,decisions,given,unavailable,groups,needed,size")
    assert rows
    names = {file.name for file in (tmp_path / "tables").iterdir()}
    assert {"report.json", "states.csv", "provenance.csv", "learning-learned.csv"} <= names
    assert all(name.replace(".csv", ".parquet") in names for name in names)
    assert "What the actions did" in (tmp_path / "report.html").read_text()
