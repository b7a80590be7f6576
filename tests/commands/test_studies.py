"""`engagement study` and `engagement size`: on the screen, and interrupted."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

import engagement
from engagement.cli import main

TINY = """
name = "tiny"
worlds = ["default", "no_effect"]
strategies = ["adviser_alone", "uniform"]
seeds = 2
[size]
groups = 2
seats = 3
months_running = 2
months_after = 1
"""
LONG = TINY.replace("seeds = 2", "seeds = 60").replace("months_running = 2", "months_running = 3")
COMMAND = (sys.executable, "-m", "engagement.cli", "study", "run")
LATEST_S = 60


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    return file


def test_a_study_is_run_and_told(tiny: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["study", "run", str(tiny), "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert "8 runs, 0 of them from before. Every figure is simulated." in said.out
    assert "no_effect            uniform" in said.out
    assert said.err == ""
    assert (tiny.parent / "tiny" / "summary.json").exists()
    assert main(["study", "run", str(tiny), "--jobs", "1", "--seeds", "3"]) == 0
    assert "12 runs, 8 of them from before" in capsys.readouterr().out


def test_a_mistake_is_shown_where_it_stands(tiny: Path, capsys: pytest.CaptureFixture[str]):
    tiny.write_text(TINY.replace("uniform", "unifrom"))
    assert main(["study", "run", str(tiny)]) == 2
    said = capsys.readouterr()
    assert f"{tiny}:4:" in said.out
    assert "did you mean `uniform`" in said.out
    assert "nothing was run" in said.err


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "FILE", "--seeds", "0"], ["run", "FILE", "--jobs", "0"]]
)
def test_what_makes_no_sense_is_refused(tiny: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(["study", *(str(tiny) if one == "FILE" else one for one in arguments)]) == 2
    assert capsys.readouterr().err.startswith("engagement: ")
    assert not (tiny.parent / "tiny").exists()


def test_what_a_study_can_name_is_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["study", "list"]) == 0
    said = capsys.readouterr().out
    assert "minimal_month" in said
    assert "pooled_planned" in said


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_an_interrupted_study_goes_on_where_it_stopped(tmp_path: Path, how: signal.Signals):
    file = tmp_path / "long.toml"
    file.write_text(LONG)
    out, whole = tmp_path / "out", tmp_path / "whole"
    environment = {**os.environ, "PYTHONPATH": str(Path(engagement.__file__).parents[1])}
    mine, theirs = pty.openpty()  # somebody watches
    os.set_blocking(mine, False)
    termios.tcsetwinsize(theirs, (24, 100))
    command = [*COMMAND, str(file), "--out", str(out), "--jobs", "1"]
    study = subprocess.Popen(command, env=environment, stderr=theirs)
    there = interrupted(study, out, how, mine)
    assert study.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert 0 < len(there) < 240
    assert not (out / "runs.csv").exists()
    for folder in (out, whole):
        assert main(["study", "run", str(file), "--out", str(folder), "--jobs", "1", "--seeds", "2"]) == 0
    assert there.items() <= {path.name: path.stat().st_mtime_ns for path in out.glob("runs/*")}.items()
    for table in ("runs.csv", "groups.csv", "summary.csv", "summary.json"):
        assert (out / table).read_bytes() == (whole / table).read_bytes()


PROGRESS = re.compile(rb"runs: .* [1-9]\d*/240 \[\d\d:\d\d<\d\d:\d\d")
"""So many of all, the time taken, and the time that is left."""


def interrupted(
    study: subprocess.Popen[bytes], out: Path, how: signal.Signals, watched: int
) -> dict[str, int]:
    """The results that were there when a study was stopped, with the time of each.

    watched : where its bar is seen; it is stopped once that has said how much time is left
    """
    seen, until = b"", time.monotonic() + LATEST_S
    while len(list(out.glob("runs/*.json"))) < 3 or not PROGRESS.search(seen):
        assert study.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
        with suppress(BlockingIOError):
            seen += os.read(watched, 100_000)
    study.send_signal(how)
    study.wait(LATEST_S)
    return {path.name: path.stat().st_mtime_ns for path in out.glob("runs/*.json")}


def test_a_program_is_sized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("engagement.commands.studies.QUICK_S", 0.0)  # the fewest programs
    file, ends_on = tmp_path / "program.toml", date.today() + timedelta(days=61)
    site = f'[[sites]]\nid = "s"\ntitle = "S"\nends_on = {ends_on}\n'
    file.write_text(f'template = "ncd-peer-groups"\n[program]\nid = "ours"\n{site}')
    assert main(["size", str(file), "--groups", "2", "--quick", "--months-after", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("Simulated 4 times, 2 groups of 8 for 3 months")
    assert said.out.count("\n") == 5
    assert main(["size", str(file)]) == 2
    assert "--groups" in capsys.readouterr().err
