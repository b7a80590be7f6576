"""Habits of the source text that no linter checks for us."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "engagement"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

each_source = pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
each_file_of_ours = pytest.mark.parametrize(
    "file",
    [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))],
    ids=lambda file: str(file.relative_to(ROOT)),
)

PRESENT = {
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for, as a full dotted name."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def uses_of_the_present(source: str) -> Iterator[str]:
    """Each place that names a way to learn what time it is, whatever it was imported as."""
    tree = ast.parse(source)
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = ast.unparse(node).partition(".")
            full = names.get(first, first) + dot + rest
            if full in PRESENT:
                yield f"line {node.lineno}: {full}"


def undocumented(source: str) -> Iterator[str]:
    """Public functions and classes of a module, and the module itself, that lack a docstring."""
    tree = ast.parse(source)
    if ast.get_docstring(tree) is None:
        yield "the module itself"
    for node in tree.body:
        definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if definition and not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield node.name


SUPPRESSION = re.compile(
    r"#\s*(?:noqa\b(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)?|type:\s*ignore\b(?:\[[^\]]*\])?)"
)


def suppressions_without_reason(source: str) -> Iterator[str]:
    """Lines that silence a check and give no reason, in at least two words, behind it."""
    for number, line in enumerate(source.splitlines(), start=1):
        for silenced in SUPPRESSION.finditer(line):
            behind = SUPPRESSION.sub("", line[silenced.end() :])
            if len(re.findall(r"[^\W\d_]+", behind)) < 2:
                yield f"line {number}: {line.strip()}"


def short_names(source: str) -> Iterator[str]:
    """Tests whose names have no room for a subject, a verb and what is said of it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            words = [word for word in node.name.split("_") if word]
            if words[0] == "test" and len(words) < 4:
                yield node.name


@each_source
def test_only_the_clock_knows_what_time_it_is(file: Path) -> None:
    assert file == PACKAGE / "clock.py" or list(uses_of_the_present(file.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as watch\nwatch.time_ns()",
        "from time import time\ntime()",
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\ndt.date.today()",
        "from datetime import datetime as moment, UTC\nmoment.now(UTC)",
        "from datetime import datetime\nfield(default_factory=datetime.utcnow)",
    ],
)
def test_the_present_is_recognised_under_any_name(source: str) -> None:
    assert list(uses_of_the_present(source)) != []


def test_measuring_a_duration_is_no_use_of_the_present() -> None:
    assert list(uses_of_the_present("import time\ntime.perf_counter()\ntime.monotonic()")) == []


@each_source
def test_everything_public_says_what_it_is(file: Path) -> None:
    assert list(undocumented(file.read_text())) == []


def test_a_missing_docstring_would_be_named() -> None:
    assert list(undocumented("class Plan: ...\ndef _hidden(): ...\nasync def ask(): ...")) == [
        "the module itself",
        "Plan",
        "ask",
    ]


@pytest.mark.parametrize(
    "folder", sorted({file.parent for file in SOURCES}), ids=lambda folder: str(folder.relative_to(ROOT))
)
def test_every_package_says_what_the_room_is_for(folder: Path) -> None:
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


@each_file_of_ours
def test_every_silenced_check_carries_its_reason(file: Path) -> None:
    assert list(suppressions_without_reason(file.read_text())) == []


# Written in two halves, so that these lines silence nothing themselves.
@pytest.mark.parametrize(
    "mark", ["no" + "qa", "no" + "qa: E501", "type: " + "ignore[misc]", "type:" + "ignore"]
)
def test_a_silenced_check_without_reason_would_be_seen(mark: str) -> None:
    assert list(suppressions_without_reason(f"x = 1  # {mark}")) == [f"line 1: x = 1  # {mark}"]
    assert list(suppressions_without_reason(f"x = 1  # {mark}  # the wire says so")) == []


@pytest.mark.parametrize("file", TESTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_test_is_named_as_a_fact(file: Path) -> None:
    assert list(short_names(file.read_text())) == []


def test_a_name_without_a_verb_would_be_seen() -> None:
    assert list(short_names("def test_budget(): ...\ndef test_kinds_are_unique(): ...")) == ["test_budget"]
