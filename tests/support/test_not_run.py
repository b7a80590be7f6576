"""What could not run is named at the end, with the way to get it."""

import subprocess
import sys
from pathlib import Path

import pytest

from support import programs
from support.programs import asked_for, missing_packages

TESTS = Path(__file__).parents[1]


def run_tests(folder: Path, source: str) -> str:
    """What pytest prints about one file of tests on a machine without any program."""
    (folder / "test_page.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "support.not_run", "-p", "no:cacheprovider", "."]
    environment = {"PYTHONPATH": str(TESTS), "PATH": str(folder / "nothing")}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return run.stdout


NEEDS_BUILDAH = """
import pytest
@pytest.mark.needs("buildah")
def test_the_image_builds(): raise AssertionError
def test_one_is_one(): assert True
"""


def test_a_test_without_its_program_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    said = run_tests(tmp_path, NEEDS_BUILDAH)
    assert "buildah is absent; to get it: apt-get install buildah\n    test_page.py::test_the_image" in said


def test_a_tool_of_ours_comes_with_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "TOOLS_FOLDER", tmp_path)
    assert programs.how_to_get("hadolint") == "make tools"
    assert programs.find("hadolint") is None
    (tmp_path / "hadolint").touch(mode=0o755)
    assert programs.find("hadolint") == str(tmp_path / "hadolint")


def test_the_tests_beside_it_still_run(tmp_path: Path) -> None:
    assert "1 passed, 1 skipped" in run_tests(tmp_path, NEEDS_BUILDAH)


def test_any_other_skip_is_named_as_well(tmp_path: Path) -> None:
    said = run_tests(tmp_path, "import pytest\ndef test_waits(): pytest.skip('no moon tonight')\n")
    assert "no moon tonight\n    test_page.py::test_waits" in said


def test_nothing_is_said_when_everything_ran(tmp_path: Path) -> None:
    assert "did not run" not in run_tests(tmp_path, "def test_one_is_one(): assert True\n")


def test_a_program_nobody_knows_how_to_get_stops_the_run(tmp_path: Path) -> None:
    source = NEEDS_BUILDAH.replace("buildah", "crystal-ball")
    assert "needs crystal-ball" in run_tests(tmp_path, source)
    assert "1 passed, 1 skipped" not in run_tests(tmp_path, source)


def test_the_gate_reads_which_programs_the_tests_ask_for() -> None:
    source = 'pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.slow]'
    assert list(asked_for(source)) == ["prometheus", "promtool"]


def test_the_gate_asks_for_each_missing_package_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_scrape.py").write_text('pytestmark = pytest.mark.needs("prometheus", "promtool")')
    monkeypatch.setenv("PATH", "")
    assert missing_packages(tmp_path) == ["prometheus"]


def test_the_gate_asks_for_nothing_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "promtool"
    program.touch(mode=0o755)
    (tmp_path / "test_scrape.py").write_text('pytestmark = pytest.mark.needs("promtool")')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_packages(tmp_path) == []
