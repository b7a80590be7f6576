"""A small demonstration on a real server, and what it says of itself beside what the ledger says."""

import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, redirect_stdout, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import text

import engagement
from engagement.cli import main
from engagement.store.database import Database
from support.databases import sqlite_database, sqlite_url

COMMAND = (sys.executable, "-m", "engagement.cli")
SMALL = ("demo", "--groups", "3", "--months-running", "3", "--months-after", "2")
SHORT = ("--groups", "2", "--months-running", "1", "--months-after", "1")
LAST_ANSWER = """
    SELECT d.decision_id, d.action_id, (
        SELECT a.status FROM answers a
        WHERE a.decision_id = d.decision_id ORDER BY a.sequence DESC LIMIT 1
    ) AS status FROM decisions d
"""


class Told(NamedTuple):
    """What a demonstration left: its exit code, what it said, and its database."""

    code: int
    said: str
    url: str

    def row(self, start: str) -> list[str]:
        """The numbers in the line that starts with these words, without thousands separators."""
        line = next(line for line in self.said.splitlines() if line.strip().startswith(start))
        return re.findall(r"\d+(?:\.\d+)?", line.strip().removeprefix(start).replace(",", ""))

    def ask(self, query: str) -> Sequence[Sequence[object]]:
        """Rows straight from the ledger."""
        with closing(Database(self.url)) as db, db.read() as conn:
            return conn.execute(text(query)).all()


def demonstrated(url: str, *arguments: str) -> Told:
    said = io.StringIO()
    with redirect_stdout(said):
        code = main([*SMALL, "--keep", url, *arguments])
    return Told(code, said.getvalue(), url)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return demonstrated(sqlite_url(tmp_path_factory.mktemp("demonstration") / "kept.db"))


def test_a_demonstration_ends_well_and_says_that_it_is_no_evidence(told: Told) -> None:
    assert told.code == 0
    assert told.said.rstrip().endswith("Everything here is simulated; no number is evidence.")


def test_no_line_is_wider_than_a_hundred_columns(told: Told) -> None:
    assert max(map(len, told.said.splitlines())) <= 100


@pytest.mark.parametrize(
    "fact",
    [
        "groups alive at its end",
        "attendance, of everyone who joined",
        "Chosen, by phase",
        "What became of proposals",
        "Spent, in INR",
        "Carriers' time",
        "Believed in 2026-03",
        "everything derived agrees with the ledger",
    ],
)
def test_the_summary_tells_every_fact(told: Told, fact: str) -> None:
    assert fact in told.said


def test_the_decisions_told_are_those_of_the_ledger(told: Told) -> None:
    (stored,) = told.ask("SELECT COUNT(*) FROM decisions")[0]
    assert re.search(
        rf"\b{stored} decisions; {stored} replayed down to the folded belief, 0 differ", told.said
    )


def test_what_became_of_proposals_is_what_the_ledger_says(told: Told) -> None:
    query = f"""
        SELECT COUNT(*),
            SUM(status = 'done'), SUM(status = 'not_done'), SUM(status = 'declined'),
            SUM(status IS NULL OR status IN ('accepted', 'expired'))
        FROM ({LAST_ANSWER}) WHERE action_id <> 'none'
    """  # noqa: S608  both halves are ours
    assert told.row("all") == [str(number) for number in told.ask(query)[0]]


def test_the_shares_of_a_phase_are_those_of_the_ledger(told: Told) -> None:
    query = """
        SELECT SUM(action_id = 'win_story'), COUNT(*) FROM decisions WHERE phase = 'sustaining'
    """
    chosen, of = told.ask(query)[0]
    assert abs(float(told.row("win_story")[-2]) - 100 * chosen / of) <= 0.5  # told in whole hundredths


@pytest.mark.parametrize("month", ["2026-01", "2026-02", "2026-03"])
def test_the_money_of_a_month_is_what_the_ledger_says_was_spent(told: Told, month: str) -> None:
    query = f"""
        SELECT COALESCE(SUM(r.amount), 0) FROM reservations r JOIN ({LAST_ANSWER}) l
        ON l.decision_id = r.decision_id
        WHERE l.status = 'done' AND r.period = '{month}' AND r.resource_id = 'program'
    """  # noqa: S608  both halves are ours
    (minor,) = told.ask(query)[0]
    assert told.row(f"program {month}")[0] == f"{float(str(minor)) / 100:.2f}"


def test_nothing_is_paid_after_the_program_has_ended(told: Told) -> None:
    query = """
        SELECT COUNT(*) FROM decisions WHERE phase = 'sustaining'
        AND action_id IN ('recognition', 'transport_token', 'chw_joins')
    """
    assert (told.ask(query)[0][0], told.row("program, after the end")[0]) == (0, "0.00")


def test_phases_run_to_the_end_and_beyond(told: Told) -> None:
    rows = told.ask("SELECT DISTINCT phase, decision_point FROM decisions ORDER BY decision_point")
    assert [tuple(row) for row in rows] == [
        ("handover", "2026-01"),  # the handover lasts 92 days, the program 90
        ("handover", "2026-02"),
        ("handover", "2026-03"),
        ("sustaining", "2026-04"),
        ("sustaining", "2026-05"),
    ]


def test_the_versions_told_are_those_published(told: Told) -> None:
    query = "SELECT COUNT(*), SUM(rows_in), SUM(rows_out), SUM(rows_missing) FROM versions"
    versions, rows_in, rows_out, missing = told.ask(query)[0]
    assert f" {versions} versions of `learned` published\n" in told.said
    assert f" {rows_in} outcomes in, {rows_out} out again; {missing} closed before" in told.said


def test_the_signals_told_are_those_stored(told: Told) -> None:
    (stored,) = told.ask("SELECT COUNT(*) FROM signals")[0]
    assert f" {stored} signals stored, " in told.said


def test_every_decision_has_an_outcome_at_the_end(told: Told) -> None:
    query = "SELECT COUNT(*) FROM decisions WHERE decision_id NOT IN (SELECT decision_id FROM outcomes)"
    assert told.ask(query)[0][0] == 0


def test_time_in_the_database_stays_simulated(told: Told) -> None:
    assert [tuple(row) for row in told.ask("SELECT name, value FROM facts")] == [("time", "simulated")]


def groups_and_attendance(told: Told) -> str:
    return told.said.partition("Groups and attendance")[2].partition("\n\n")[0]


def test_one_seed_gives_one_world(tmp_path: Path) -> None:
    first, again = (
        groups_and_attendance(demonstrated(sqlite_url(tmp_path / f"{name}.db"), *SHORT, "--strategy", "none"))
        for name in ("first", "again")
    )
    assert first == again


@pytest.mark.parametrize("strategy", ["counted", "even"])
def test_every_strategy_of_the_template_can_be_shown(tmp_path: Path, strategy: str) -> None:
    told = demonstrated(sqlite_url(tmp_path / "kept.db"), *SHORT, "--strategy", strategy)
    assert (told.code, f"versions of `{strategy}` published" in told.said) == (0, True)


def test_a_database_in_use_is_refused_and_left_as_it_was(
    migrated_sqlite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = sqlite_database(migrated_sqlite, tmp_path)
    assert main(["program", "create", "--database", url]) == 0
    assert main([*SMALL, "--database", url]) == 2
    assert "needs a database of its own" in capsys.readouterr().err
    with closing(Database(url)) as db, db.read() as conn:
        assert conn.execute(text("SELECT COUNT(*) FROM programs")).scalar_one() == 1


@pytest.mark.parametrize("wrong", [("--groups", "0"), ("--months-running", "0"), ("--seed", "-1")])
def test_a_size_that_makes_no_sense_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *wrong]) == 2
    assert wrong[0].removeprefix("--").replace("-", "_") in capsys.readouterr().err


@pytest.fixture
def apart(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary files lie where the test can see them."""
    (tmp_path / "temporary").mkdir()
    services = Path(engagement.__file__).parents[1]
    return {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": str(services)}


def test_a_failure_says_where_the_servers_log_is(apart: dict[str, str]) -> None:
    broken = {**apart, "ENGAGEMENT_QUEUE": "none"}
    run = subprocess.run([*COMMAND, *SMALL], env=broken, capture_output=True, text=True, check=False)
    found = re.search(r"The server's log is (\S+)", run.stderr)
    assert (run.returncode, found is not None) == (2, True)
    assert "queue" in Path(found[1] if found else "").read_text()


def decisions_in(folder: Path) -> int:
    """How many decisions the database below a folder holds so far; 0 while there is none."""
    files = list(folder.rglob("demonstration.db"))
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(files[0])) as db:
        found: int = db.execute("SELECT COUNT(*) FROM decisions").fetchone()[0]
        return found
    return 0


@pytest.mark.parametrize(("sent", "decided", "code"), [(signal.SIGINT, 0, 130), (signal.SIGTERM, 1, 143)])
def test_an_interrupted_demonstration_leaves_neither_server_nor_files(
    apart: dict[str, str], sent: signal.Signals, decided: int, code: int
) -> None:
    run = subprocess.Popen([*COMMAND, "demo"], env=apart)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    wait_until(lambda: children.read_text() != "" and decisions_in(Path(apart["TMPDIR"])) >= decided)
    server = children.read_text().split()[0]
    run.send_signal(sent)
    assert run.wait(60) == code
    assert list(Path(apart["TMPDIR"]).iterdir()) == []
    wait_until(lambda: not Path(f"/proc/{server}").exists())  # whoever inherits a process takes its time


def wait_until(so: Callable[[], bool]) -> None:
    """Waits for what is bound to happen; a test that waits in vain is ended from outside."""
    while not so():
        time.sleep(0.05)
