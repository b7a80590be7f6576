"""The restore drill: a backup is taken under load, put back elsewhere, and compared row by row.

`make slow` runs it at a size that says something about time, and prints what it took.
"""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from engagement.store import tables as t
from engagement.store.database import Database
from support.ledger import agrees_with_itself
from support.load import loaded
from support.postgres import bundled_binaries
from support.service import client_of, members, new_program, on_day, ran, roster, running_service

GROUPS = 4
LOADS = [(80, 40), pytest.param(4_000, 200, marks=pytest.mark.slow)]
"""Signals before the backup, and after it."""


def rows(url: str, table: str) -> set[tuple[object, ...]]:
    """Every row of a table."""
    with closing(Database(url)) as db, db.read() as conn:
        return {tuple(row) for row in conn.execute(select(t.metadata.tables[table]))}


@pytest.mark.parametrize(("before", "after"), LOADS)
def test_what_was_acknowledged_before_a_backup_is_in_it_to_the_last_row(
    database_url: str,
    elsewhere: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: int,
    after: int,
) -> None:
    """The callers go on meanwhile: the copy is of one moment, and each row in it is one of the original."""
    monkeypatch.setenv("PGBIN", str(bundled_binaries()))
    program = new_program(database_url, roster(GROUPS))
    file = str(tmp_path / "backup")
    with running_service(database_url, tmp_path, on_day(0)) as service:
        with loaded(service, program.key, members(GROUPS)) as load:
            load.grow(before)
            acknowledged = {signal for journal in load.journals for signal in list(journal.signals)}
            out = ran(tmp_path, "backup", file, "--database", database_url)
            load.grow(after)
            load.finish()
        with client_of(service, program.key, timeout_s=600) as client:
            client.move_clock(on_day(40))
            client.insist("/v1/folds")
        assert service.stop() == 0
    back = ran(tmp_path, "restore", file, "--database", elsewhere)
    compared = 0
    for table in t.LEDGER:
        copied = rows(elsewhere, table.name)
        more = copied - rows(database_url, table.name)
        # that it was restored is an act in the copy alone
        assert [row[-1] for row in more] == (["restored"] if table is t.acts else []), table.name
        compared += len(copied)
    stored = {(row[1], row[2]) for row in rows(elsewhere, "signals")}
    assert acknowledged <= stored
    assert len(stored) < len(rows(database_url, "signals"))
    assert agrees_with_itself(elsewhere)
    with capsys.disabled():
        if before > 1_000:
            print(f"\n{compared} rows compared; backup {out:.1f} s, restore {back:.1f} s")  # noqa: T201  to be reported
