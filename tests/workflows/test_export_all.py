"""A whole program as one archive: every row, no secret, and what the columns mean."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from engagement.store import decisions, leaving
from engagement.store.tables import LEDGER
from engagement.strategy.replay import propensities
from engagement.workflows.access import create_key
from engagement.workflows.export_all import BODIES, export_all
from engagement.workflows.ingest import ingest
from support.peer_groups import Here, ask, came, ms, seat_members


@pytest.fixture
def here(here: Here) -> Here:
    """Two groups, each member decided for; one came."""
    members = seat_members(here, 9)
    ask(here, *members)
    here.run(ingest, [came("m0", 1.0)], day=2)
    here.fold()
    return here


def archive(here: Here) -> tuple[dict[str, bytes], tuple[leaving.Part, ...], bytes]:
    raw = io.BytesIO()
    with here.db.read() as conn, zipfile.ZipFile(raw, "w") as made:
        parts = export_all(conn, here.id, made)
    with zipfile.ZipFile(raw) as made:
        return {name: made.read(name) for name in made.namelist()}, parts, raw.getvalue()


def lines(files: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    if f"{table}.csv" in files:
        return list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode())))
    return [json.loads(line) for line in files[f"{table}.jsonl"].splitlines()]


def test_every_row_of_the_ledger_is_in_it(here: Here) -> None:
    files, parts, _ = archive(here)
    with here.db.read() as conn:
        ledger = {table.name for table in LEDGER}
        held = tuple(part for part in leaving.counted(conn, here.id) if part.table in ledger)
    assert set(parts) == set(held)
    assert {part.table: len(lines(files, part.table)) for part in parts} == {p.table: p.rows for p in parts}
    assert len(files) == len(LEDGER) + 2


def test_the_columns_are_explained_beside_them(here: Here) -> None:
    files, *_ = archive(here)
    dictionary = files["data-dictionary.md"].decode()
    for table in LEDGER:
        assert f"### `{table.name}`" in dictionary
    assert b"pseudonyms" in files["README.txt"]


def test_every_column_of_bytes_is_told_or_secret() -> None:
    held = {
        (table.name, column.name)
        for table in LEDGER
        for column in table.c
        if isinstance(column.type, LargeBinary) and column not in leaving.SECRET
    }
    assert held == set(BODIES)


def test_no_secret_is_in_it(here: Here) -> None:
    with here.db.write() as conn:
        key = create_key(conn, here.id, ("read",), "staff", ms(0), None)
    files, *_ = archive(here)
    whole = b"".join(files.values())
    assert key.text.encode() not in whole
    assert key.key.key_id.encode() not in whole
    assert [*lines(files, "programs")[0]] == ["program_id", "created_at"]


def test_a_decision_is_told_with_its_probabilities(here: Here) -> None:
    files, *_ = archive(here)
    told = lines(files, "decisions")
    stored = here.read(decisions.by_id, [str(row["decision_id"]) for row in told])
    assert len(told) == len(stored) == 9
    for row in told:
        evidence = stored[str(row["decision_id"])].evidence
        assert row["evidence"]["actions"] == list(evidence.actions)
        assert row["evidence"]["probability"] == (propensities(evidence)[0] / 2**32).tolist()


def test_the_same_rows_give_the_same_archive(here: Here) -> None:
    assert archive(here)[2] == archive(here)[2]
