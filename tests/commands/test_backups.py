"""What the commands for backups, moves and the doctor say, and how they end."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from engagement.cli import main
from support.postgres import bundled_binaries


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    """Runs a command on the test's database, or on another one."""
    monkeypatch.setenv("PGBIN", str(bundled_binaries()))

    def command(*words: str, database: str = database_url) -> Said:
        capsys.readouterr()
        return Said(main([words[0], "--database", database, *words[1:]]), *capsys.readouterr())

    return command


@pytest.fixture
def program(run: Callable[..., Said]) -> str:
    found = re.search(r"Program (\S+)", run("program", "create", "--title", "Groups").out)
    assert found is not None
    return found[1]


@pytest.fixture
def sealed(run: Callable[..., Said], program: str, tmp_path: Path) -> Path:
    file = tmp_path / "program.zip"
    said = run("export", "program", str(file))
    assert said.code == 0
    assert f"Groups ({program}): " in said.out
    assert "keep it as close as the database" in said.out
    return file


@pytest.mark.usefixtures("program")
def test_a_backup_says_what_it_holds_and_where_it_is(run: Callable[..., Said], tmp_path: Path) -> None:
    said = run("backup", str(tmp_path / "b"))
    manifest = json.loads((tmp_path / "b.manifest.json").read_text())
    assert said.code == 0
    assert said.out.startswith(f"{sum(manifest['rows'].values())} rows of {len(manifest['rows'])} tables")
    assert manifest["rows"]["programs"] == 1


def test_nothing_is_restored_over_a_database(run: Callable[..., Said], tmp_path: Path) -> None:
    run("backup", str(tmp_path / "b"))
    said = run("restore", str(tmp_path / "b"))
    assert (said.code, "nothing is written over" in said.err) == (2, True)


def test_a_sealed_program_is_for_its_owner_alone(sealed: Path) -> None:
    assert sealed.stat().st_mode & 0o777 == 0o600


def test_a_sealed_program_is_a_database_that_nothing_changes(
    run: Callable[..., Said], program: str, sealed: Path
) -> None:
    before = sealed.read_bytes()
    archive = f"archive:{sealed}"
    assert program in run("program", "list", database=archive).out
    assert run("replay", database=archive).out == "0 replayed, 0 differ\n"
    assert run("rebuild", "--check", database=archive).code == 0
    for words in (("stop", "--by", "lead", "--why", "flood"), ("key", "create"), ("rebuild",)):
        said = run(*words, database=archive)
        assert (said.code, said.err) == (2, REFUSED)
    assert sealed.read_bytes() == before


REFUSED = (
    "engagement: a sealed program cannot be changed; `engagement import-program` brings it back to life\n"
)


@pytest.mark.parametrize("command", ["migrate", "serve", "backup"])
def test_what_needs_a_database_does_not_take_an_archive_for_one(
    run: Callable[..., Said], sealed: Path, command: str, tmp_path: Path
) -> None:
    more = [str(tmp_path / "b")] if command == "backup" else []
    said = run(command, *more, database=f"archive:{sealed}")
    assert (said.code, "`archive` is no database to write to" in said.err) == (2, True)


def test_a_program_comes_in_where_none_was_and_not_twice(
    run: Callable[..., Said], program: str, sealed: Path, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    assert run("migrate", database=other).code == 0
    said = run("import-program", str(sealed), database=other)
    assert (said.code, said.out.splitlines()[0].endswith("tables, compared.")) == (0, True)
    assert program in run("program", "list", database=other).out
    again = run("import-program", str(sealed), database=other)
    assert again == (2, "", f"engagement: program {program} is here already; nothing was changed\n")


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (b"no zip", "not a zip file")])
def test_a_file_that_is_no_archive_is_one_line(
    run: Callable[..., Said], tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "x.zip"
    if content is not None:
        file.write_bytes(content)
    for said in (run("import-program", str(file)), run("replay", database=f"archive:{file}")):
        assert (said.code, words in said.err, len(said.err.splitlines())) == (2, True, 1)


def test_the_doctor_ends_with_1_for_what_is_wrong_and_strictly_for_what_is_doubtful(
    run: Callable[..., Said], database_url: str
) -> None:
    """There is no program, which is doubtful; the tests' PostgreSQL waits for no disk, which is wrong."""
    wrong = int(not database_url.startswith("sqlite"))
    said = run("doctor")
    assert said.code == wrong
    assert "programs: there is none\n      → `engagement init`" in said.out
    assert re.search(rf"\n\d+ things looked at: {wrong} wrong, \d doubtful\.\n$", said.out)
    assert run("doctor", "--strict").code == 1


def test_the_doctor_speaks_json(run: Callable[..., Said]) -> None:
    told = {one["check"]: one for one in json.loads(run("doctor", "--json").out)}
    assert told["schema"]["state"] == "well"
    assert told["programs"]["remedy"].startswith("`engagement init`")


def test_the_doctor_takes_wrong_settings_for_a_finding(
    run: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGEMENT_QUEUES", "1")
    said = run("doctor")
    assert (said.code, "`queues`" in said.out) == (1, True)
