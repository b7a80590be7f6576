"""A program as one archive: every row of its ledger, and what each column means.

A table is a file: CSV where it holds plain values alone, else JSON lines. Bodies stand in them as JSON with
their fields' names; arrays of a decision as numbers, others in base64, little-endian. Left out are secrets,
keys, and whatever is made again from the ledger.
"""

import csv
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, LargeBinary, Table

from engagement.actions.availability import Reason
from engagement.bandits.propensity import ONE
from engagement.records import Evidence
from engagement.store import leaving
from engagement.store.codec import evidence_of
from engagement.store.leaving import Part
from engagement.store.tables import LEDGER
from engagement.strategy.ranking import RankEvidence
from engagement.strategy.replay import features, propensities, scored
from engagement.strategy.week_plan import PlanEvidence

DICTIONARY = Path(__file__).parent / "data-dictionary.md"
MADE = (1980, 1, 1, 0, 0, 0)
"""The moment that every file in an archive bears: the same rows give the same archive."""
README = """\
Every row of one program, exported for whoever keeps it next.

A file is a table; data-dictionary.md explains each table, column, signal and word. Moments are milliseconds
since 1970-01-01 UTC, days are dates, money is in the currency's minor unit. Files that end in .csv hold plain
values, an empty cell is null; in files that end in .jsonl each line is one row. People are pseudonyms: their
names are on the groups' own registers, if anywhere. Not here: keys, secrets, and what is made again from
these rows.
"""


class EvidenceTold(msgspec.Struct, frozen=True, kw_only=True):
    """A decision's evidence with its arrays as numbers. probability : of each action; refusals : in words"""

    actions: tuple[str, ...]
    features: list[float]
    refusals: tuple[str, ...]
    family: str
    mean: list[float]
    sd: list[float]
    freedom: list[float] | None
    probability: list[float]
    uniform: int
    remaining: float
    made: int
    days_to_end: int | None
    floor: float | None


def export_all(conn: Connection, program_id: str, archive: zipfile.ZipFile) -> tuple[Part, ...]:
    """Writes every table of the ledger into an archive; how many rows of each that has any."""
    with archive.open(entry("README.txt"), "w") as file:
        file.write(README.encode())
    with archive.open(entry(DICTIONARY.name), "w") as file:
        file.write(DICTIONARY.read_bytes())
    found = [Part(table.name, _written(conn, program_id, table, archive)) for table in LEDGER]
    return tuple(part for part in found if part.rows)


def entry(name: str) -> zipfile.ZipInfo:
    """A file of an archive: compressed, and without a moment of its own."""
    entry = zipfile.ZipInfo(name, MADE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _written(conn: Connection, program_id: str, table: Table, archive: zipfile.ZipFile) -> int:
    """How many rows there are. A table without any has its file all the same."""
    rows = leaving.told(conn, program_id, table)
    names = [column.name for column in table.c if column not in leaving.SECRET]
    bodies = [name for name in names if isinstance(table.c[name].type, LargeBinary)]
    suffix = "jsonl" if bodies else "csv"
    with (
        archive.open(entry(f"{table.name}.{suffix}"), "w", force_zip64=True) as file,
        TextIOWrapper(file, "utf-8", newline="") as text,
    ):
        return _as_lines(rows, table.name, bodies, text) if bodies else _as_csv(rows, names, text)


def _as_csv(rows: Iterable[Mapping[str, Any]], names: list[str], text: TextIOWrapper) -> int:
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


def _as_lines(rows: Iterable[Mapping[str, Any]], table: str, bodies: list[str], text: TextIOWrapper) -> int:
    count = 0
    for row in rows:
        opened = {name: BODIES[table, name](row[name]) for name in bodies}
        text.write(msgspec.json.encode({**row, **opened}).decode() + "\n")
        count += 1
    return count


def _decision(stored: bytes) -> EvidenceTold:
    evidence: Evidence = evidence_of(stored)
    scores = scored(evidence)
    return EvidenceTold(
        actions=evidence.actions,
        features=features(evidence)[0].tolist(),
        refusals=tuple(Reason(code).name.lower() for code in evidence.refusals),
        family=scores.family,
        mean=scores.mean[0].tolist(),
        sd=scores.sd[0].tolist(),
        freedom=None if scores.freedom is None else scores.freedom[0].tolist(),
        probability=(propensities(evidence)[0] / ONE).tolist(),
        uniform=evidence.uniform,
        remaining=evidence.remaining,
        made=evidence.made,
        days_to_end=evidence.days_to_end,
        floor=evidence.floor,
    )


def _named(thing: Any) -> Any:
    """A stored Struct, which keeps its fields by their place, with their names."""
    if isinstance(thing, msgspec.Struct):
        return {name: _named(getattr(thing, name)) for name in thing.__struct_fields__}
    return [_named(part) for part in thing] if isinstance(thing, tuple | list) else thing


def _plan(stored: bytes) -> Any:
    return _named(msgspec.msgpack.decode(stored, type=PlanEvidence))


def _rank(stored: bytes) -> Any:
    return _named(msgspec.msgpack.decode(stored, type=RankEvidence))


BODIES: Mapping[tuple[str, str], Callable[[bytes], Any]] = {
    ("revisions", "body"): json.loads,
    ("hyperparameters", "body"): json.loads,
    ("promotions", "body"): json.loads,
    ("decisions", "evidence"): _decision,
    ("plans", "evidence"): _plan,
    ("events", "digest"): bytes.hex,
    ("events", "evidence"): _rank,
    ("seals", "body"): json.loads,
    ("seals", "digest"): bytes.hex,
}
"""How each column of bytes is told."""
