"""Mutated files: a command says in one line what is wrong, never how it failed, and nothing is half done."""

import random
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

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
WORD = re.compile(r"[\w.-]{2,40}")


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
    files: dict[str, Given], tmp_path: Path, name: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    one = files[name]
    words = sorted(set(WORD.findall(one.content.decode("utf-8", "replace"))))[:500]
    codes: Counter[int] = Counter()
    for number in range(count):
        made = Mutations(random.Random(f"{name} {number}"), words)
        file = tmp_path / f"{number}-{name}"
        file.write_bytes(made.of(one.content) if number else one.content)
        argv = one.argv(file)
        before = held(one.into)
        capsys.readouterr()
        work = worked()
        code = main(argv)
        codes[code] += 1
        said = capsys.readouterr().err
        assert work() < MOST_WORK_S, file
        assert code in (0, 1, 2), file
        if code == 2:
            assert said.startswith("engagement: "), (file, said)
            assert len(said.splitlines()) == 1, (file, said)
            assert held(one.into) == before, (file, said)
        if not number:
            assert code < 2, said
        file.unlink()
    assert count == 4 or codes[2]
