"""Commands for one program work for a user whom PostgreSQL shows one program a transaction."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engagement.cli import main
from engagement.store.database import Database
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from support.backup import Rows, rows
from support.service import Program, new_program, roster
from support.wall import behind_the_wall


class Place:
    """Two programs, and the command line behind the wall."""

    def __init__(self, owners: str) -> None:
        self.owners = owners
        self.url = behind_the_wall(owners)
        self.mine, self.theirs = (new_program(owners, roster(1)) for _ in range(2))

    def run(self, *command: str) -> int:
        return main([*command, "--database", self.url])

    def rows(self, program: Program) -> Rows:
        with closing(Database(self.owners)) as db:
            return rows(db, program.program_id)


@pytest.fixture
def place(fresh_database: Callable[[], str]) -> Place:
    return Place(fresh_database())


def test_they_see_every_program_and_change_the_one_they_are_told(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = place.mine.program_id
    assert place.run("migrate") == 0
    assert place.run("fold") == 0  # of all programs, and seals each
    before = place.rows(place.theirs)
    assert place.run("program", "list") == 0
    listed = capsys.readouterr().out
    assert mine in listed
    assert place.theirs.program_id in listed
    for command in (
        ("fold", "--program", mine),
        ("audit", "verify"),
        ("rebuild", "--check"),
        ("doctor",),
        ("self-check",),
        ("key", "create", "--program", mine),
        ("export", "all", str(tmp_path / "all.zip"), "--program", mine),
        ("export", "program", str(tmp_path / "sealed.zip"), "--program", mine),
        ("goodbye", mine),
    ):
        assert place.run(*command) in (0, 1), (command, capsys.readouterr())
    assert place.rows(place.theirs) == before
    assert place.rows(place.mine) != before


def test_a_program_begins_ends_and_comes_back_there(place: Place, tmp_path: Path) -> None:
    before, mine = place.rows(place.theirs), place.mine.program_id
    sealed = tmp_path / "sealed.zip"
    assert place.run("export", "program", str(sealed), "--program", mine) == 0
    kept = place.rows(place.mine)
    title = template(DEFAULT_TEMPLATE).program.title
    assert place.run("goodbye", mine, "--out", str(tmp_path), "--delete", "--yes", title) == 0
    assert not any(place.rows(place.mine).values())
    assert place.run("import-program", str(sealed)) == 0
    back = place.rows(place.mine)
    (act,) = back["acts"] - kept["acts"]
    assert act[-1] == "imported"  # the one row that was not there
    assert {name for name in kept if back[name] - {act} != kept[name]} == set()
    assert place.run("program", "create", "--title", "A third") == 0
    assert place.rows(place.theirs) == before


def test_a_backup_there_would_miss_what_is_not_seen_and_is_refused(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run("backup", str(tmp_path / "monday")) == 2
    assert "back up as the owner of the tables" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
