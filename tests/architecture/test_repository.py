"""What the repository's files hold, whatever their kind."""

import fnmatch
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "a machine's path": re.compile(
        r"(?<![\w.}/-])/(?:home|Users|root|work|workspace|builds|mnt)/\w|[A-Z]:\\Users"
    ),
    "a package index": re.compile(
        r"(?:index|registry)[-_]url[\s=]+\S*://|find[-_]links[\s=]+\S*/|://[\w.@:-]+/(?:simple|pypi|npm)\b"
        r"|pypi\.org/simple|files\.pythonhosted|registry\.(?:npmjs|yarnpkg)"
    ),
    "an unfinished thought": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
}


def files_of_the_repository() -> list[Path]:
    """What git tracks or would track; in a copy without its history, what .gitignore does not name."""
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        run = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
        return sorted(file for name in run.stdout.split("\0") if name and (file := ROOT / name).is_file())
    except (FileNotFoundError, subprocess.CalledProcessError):
        return sorted(walked(ROOT))


def walked(folder: Path) -> list[Path]:
    """Files below a folder of which no part matches a line of .gitignore."""
    ignored = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())]
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not any(fnmatch.fnmatch(name, line) for line in ignored)]
        found += [Path(place, name) for name in names if not any(fnmatch.fnmatch(name, i) for i in ignored)]
    return found


def ours(file: Path) -> bool:
    """Whether we wrote it, rather than copied it in with a VENDORED.toml or made it with a tool."""
    return not (file.parent / "VENDORED.toml").exists() or file.name == "VENDORED.toml"


def findings(text: str, what: str) -> list[str]:
    """The lines of a text that hold what no file should."""
    return [line.strip()[:200] for line in text.splitlines() if FORBIDDEN[what].search(line)]


def text_of(file: Path) -> str:
    """A file as text; empty for pictures and other bytes."""
    data = file.read_bytes()
    return "" if b"\0" in data else data.decode(errors="replace")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds_what_belongs_elsewhere(what: str) -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for file in files_of_the_repository()
        if ours(file) and (lines := findings(text_of(file), what))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a machine's path", "see /ho" + "me/ada/engagement"),
        ("a machine's path", "PATH=/wor" + "k/engagement/bin"),
        ("a machine's path", "C:" + "\\Users\\ada"),
        ("a package index", "--index" + "-url https://example.org/x"),
        ("a package index", "https://mirror.example.org:8080/sim" + "ple"),
        ("an unfinished thought", "# TO" + "DO: later"),
    ],
)
def test_what_belongs_elsewhere_would_be_seen(what: str, line: str) -> None:
    assert findings(line, what) == [line]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_ordinary_text_raises_no_alarm(what: str) -> None:
    text = (
        "GET /v1/work/orders\nRUN useradd --home /srv app\n/usr/bin/chromium\nhttps://example.org/home/page"
    )
    assert findings(text, what) == []


def test_the_walk_finds_what_git_finds() -> None:
    assert Path(__file__) in files_of_the_repository()
    assert set(files_of_the_repository()) <= set(walked(ROOT))
