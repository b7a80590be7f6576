"""Every command and snippet that a page marks as runnable is run against a real service."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docs.pages import PAGES, ROOT, Block, blocks, name
from docs.shown import same_json, same_text

ENGAGEMENT = (sys.executable, "-m", "engagement.cli")
REMEMBER = "{ export -p; declare -f; } > .variables"
"""A page is one session: what a block sets, the next one has."""


READ_ELSEWHERE = {"picture", "map", "floors"}
"""What `test_readme` reads."""


def runnable(page: Path) -> list[Block]:
    found = [block for block in blocks(page.read_text()) if block.info.partition(" ")[2]]
    return [block for block in found if block.info.partition(" ")[2] not in READ_ELSEWHERE]


NO_SERVICE = {
    ROOT / "docs" / f"{name}.md" for name in ("audit", "erase-a-person", "reports", "studies", "worked-study")
}
"""Pages about what needs none."""
RUNNABLE = [page for page in PAGES if runnable(page)]


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "services"),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ENGAGEMENT_LOG_LEVEL": "warning",
        # what a page shows must not depend on how busy this machine is
        "ENGAGEMENT_DEADLINE_MS": "600000",
    }


def command_of(written: str) -> list[str]:
    """What starts the service, on a free port; `make run` is asked what it would do last."""
    if written.startswith("make"):
        plan = subprocess.run(
            [*shlex.split(written), "--dry-run", "--no-print-directory"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
            capture_output=True,
            text=True,
            check=True,
        )
        written = plan.stdout.splitlines()[-1]
    program, *arguments = shlex.split(written)
    assert Path(program).name == "engagement"
    return [*ENGAGEMENT, *arguments, "--port", "0"]


@contextmanager
def served(written: str, folder: Path) -> Iterator[str]:
    """What the service prints when it is started with a page's own command."""
    log = folder / "service.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command_of(written),
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as service,
    ):
        try:
            greeting = ""
            while not greeting.splitlines()[-1:] or not greeting.splitlines()[-1].startswith("curl"):
                line = service.stdout.readline()
                assert line, f"the service ended: {log.read_text()}"
                greeting += line
            yield greeting
        finally:
            service.terminate()
    assert log.read_text() == ""


def told(greeting: str, before: str) -> str:
    """The word that follows certain words in what the service prints."""
    return greeting.partition(before)[2].split()[0]


def run(block: Block, folder: Path, variables: dict[str, str]) -> str:
    """What a block prints."""
    text = block.text
    if block.info.startswith("python"):
        (folder / ".block.py").write_text(text)
        text = "python3 .block.py"
    script = f"set -a\n[ ! -f .variables ] || . ./.variables\n{text}\n{REMEMBER}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(folder) | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"line {block.line}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def compare(block: Block, printed: str) -> None:
    same = same_json if block.info.startswith("json") else same_text
    assert same(block.text, printed), f"line {block.line} shows what was not printed:\n{printed}"


def step_through(page: list[Block], printed: str, folder: Path, variables: dict[str, str]) -> None:
    """Runs what is to be run, and compares what is shown. printed : before the first block"""
    for block in page:
        language, _, purpose = block.info.partition(" ")
        assert (language, purpose) in {
            ("bash", "run"), ("python", "run"), ("text", "shown"), ("json", "shown"),
        }, f"line {block.line}: nobody knows what to do with ```{block.info}"  # fmt: skip
        if purpose == "run":
            printed = run(block, folder, variables)
        else:
            compare(block, printed)


@pytest.mark.needs("curl")
@pytest.mark.parametrize("page", RUNNABLE, ids=name)
def test_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    first, *others = runnable(page)
    if page in NO_SERVICE:
        step_through([first, *others], "", tmp_path, {})
        return
    assert first.info == "bash service", "a page first says how the service is started"
    with served(first.text, tmp_path) as greeting:
        variables = {"HOST": told(greeting, "Engagement at "), "KEY": told(greeting, "Development key: ")}
        step_through(others, greeting, tmp_path, variables)


def test_there_are_pages_to_run() -> None:
    assert ROOT / "README.md" in RUNNABLE


def test_a_failing_command_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="line 3"):
        run(Block(3, "bash run", "false\ntrue"), tmp_path, {})


def test_a_snippet_has_what_a_command_before_it_set(tmp_path: Path) -> None:
    run(Block(1, "bash run", "GROUP=g1"), tmp_path, {"GROUP": "g9"})
    snippet = Block(5, "python run", "import os; print(os.environ['GROUP'])")
    assert run(snippet, tmp_path, {"GROUP": "g9"}) == "g1\n"


def test_a_block_has_what_the_one_before_it_set(tmp_path: Path) -> None:
    run(Block(1, "bash run", "GROUP=g1\nseat() { echo seat $1 of $GROUP; }"), tmp_path, {})
    assert run(Block(5, "bash run", "seat 4"), tmp_path, {}) == "seat 4 of g1\n"
