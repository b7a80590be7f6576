"""Mutated files: a command says in one line what is wrong, never how it failed, and nothing is half done."""

import io
import random
import re
import sqlite3
from collections import Counter
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from engagement.cli import main
from support.databases import sqlite_database
from support.files import Given, given
from support.fuzzing import MOST_WORK_S, worked
from support.mutated import Mutations

NAMES = (
    "roster.csv", "roster.xlsx", "register.csv", "register.xlsx", "imported.csv", "imported.toml",
    "valued.csv", "valued.toml", "checked.toml", "own.toml", "loaded.toml", "counted.toml", "created.toml",
    "dhis2.toml", "sealed.zip", "looked-into.zip", "manifest.json",
)  # fmt: skip
TEXTS = tuple(name for name in NAMES if name.endswith((".csv", ".toml")))
WORD = re.compile(r"[\w.-]{2,40}")
PLACE = st.integers(0, 9_999)
ROW = st.lists(PLACE | st.text(max_size=12), max_size=9)


@pytest.fixture(scope="module")
def files(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Given]:
    folder = tmp_path_factory.mktemp("files")
    return {one.name: one for one in given(sqlite_database(migrated_sqlite, folder), folder)}


def held(file: Path | None) -> str:
    """All that is in a database."""
    if file is None or not file.exists():
        return ""
    with closing(sqlite3.connect(file)) as conn:
        return "\n".join(conn.iterdump())


def test_every_file_that_is_mutated_is_named(files: dict[str, Given]) -> None:
    assert tuple(files) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [4, pytest.param(1500, marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_mutated_file_is_refused_in_a_line_or_taken(
    files: dict[str, Given], tmp_path: Path, name: str, count: int
) -> None:
    one = files[name]
    words = sorted(set(WORD.findall(one.content.decode("utf-8", "replace"))))[:500]
    codes: Counter[int] = Counter()
    for number in range(count):
        made = Mutations(random.Random(f"{name} {number}"), words)
        content = made.of(one.content) if number else one.content
        code, said = given_to(one, tmp_path / f"{number}-{name}", content)
        codes[code] += 1
        assert number or code < 2, said
    assert count == 4 or codes[2]


@pytest.mark.parametrize("name", TEXTS)
@whatever(rows=st.lists(PLACE | ROW, max_size=20), headed=st.booleans())
def test_whatever_lines_are_in_a_file_it_is_refused_in_a_line_or_taken(
    files: dict[str, Given],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    rows: list[int | list[int | str]],
    headed: bool,
) -> None:
    """Lines of the file in any order and number, its cells in others' places, any text among them."""
    one = files[name]
    lines = one.content.decode("utf-8-sig").splitlines()
    cells = sorted({cell for line in lines for cell in re.split(r"[,=]", line)})
    apart = "," if name.endswith(".csv") else " = "

    def picked(of: list[str], drawn: int | str) -> str:
        return of[drawn % len(of)] if isinstance(drawn, int) else drawn

    made = [lines[0]] if headed else []
    for row in rows:
        line = row if isinstance(row, int) else apart.join(picked(cells, cell) for cell in row)
        made.append(picked(lines, line))
    given_to(one, tmp_path_factory.mktemp("lines") / name, "\n".join(made).encode("utf-8", "replace"))


@pytest.mark.parametrize("name", TEXTS)
@whatever(content=st.binary(max_size=200))
def test_whatever_bytes_are_in_a_file_it_is_refused_in_a_line_or_taken(
    files: dict[str, Given], tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    given_to(files[name], tmp_path_factory.mktemp("bytes") / name, content)


def given_to(one: Given, file: Path, content: bytes) -> tuple[int, str]:
    """How the command ended that was given such a file, and what it said; the file is gone afterwards."""
    file.write_bytes(content)
    argv = one.argv(file)  # of a command that fills an empty database it makes a new one
    before = held(one.into)
    heard = io.StringIO()
    work = worked()
    with redirect_stderr(heard), redirect_stdout(io.StringIO()):
        code = main(argv)
    said = heard.getvalue()
    assert work() < MOST_WORK_S, file
    assert code in (0, 1, 2), file
    if code == 2:
        assert said.startswith("engagement: "), (file, said)
        assert len(said.splitlines()) == 1, (file, said)
        assert held(one.into) == before, (file, said)
    file.unlink()
    return code, said
