"""A program goes from one installation to another exactly, whatever database either has, or not at all."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from engagement.errors import Conflict, Invalid
from engagement.store import facts, leaving, moving, setup
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.access import create_key, recognise
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.sealed import MANIFEST, seal_program, unseal_program
from support.databases import postgresql_database, sqlite_database
from support.peer_groups import Here, ask, came, ms, seat_members
from support.postgres import Server


@pytest.fixture
def lived(here: Here) -> Here:
    """A program with two groups that has learned from one meeting."""
    ask(here, *seat_members(here, 9))
    here.run(ingest, [came("m0", 1.0)], day=2)
    here.fold()
    return here


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another installation, of either kind."""
    if request.param == "sqlite":
        url = sqlite_database(request.getfixturevalue("migrated_sqlite"), tmp_path)
        with closing(Database(url)) as db:
            yield db
        return
    server: Server = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_postgresql")
    with postgresql_database(server, template) as url, closing(Database(url)) as db:
        yield db


def seal(here: Here) -> bytes:
    raw = io.BytesIO()
    with here.db.read() as conn, zipfile.ZipFile(raw, "w") as archive:
        seal_program(conn, here.kept, here.id, archive)
    return raw.getvalue()


def unseal(db: Database, content: bytes) -> None:
    with db.write() as conn, zipfile.ZipFile(io.BytesIO(content)) as archive:
        unseal_program(conn, Kept(), archive)


def rows(db: Database, program: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the program, derived ones too. Claims are of the moment; a counter at 0 says nothing."""
    with db.read() as conn:
        found = {
            table.name: sorted(
                (tuple(row) for row in conn.execute(select(table).where(table.c.program_id == program))),
                key=repr,
            )
            for table in leaving.OF_PROGRAMS
            if table is not t.claims
        }
    return found | {"counters": [row for row in found["counters"] if row[-1]]}


def changed(content: bytes, files: Mapping[str, Callable[[bytes], bytes | None]]) -> bytes:
    """An archive with some of its files changed, or without them."""
    raw = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(raw, "w") as new:
        for name in old.namelist():
            made = files.get(name, lambda same: same)(old.read(name))
            if made is not None:
                new.writestr(name, made)
    return raw.getvalue()


def test_every_row_arrives_under_its_own_id_and_what_is_derived_is_made_again(
    lived: Here, elsewhere: Database
) -> None:
    unseal(elsewhere, seal(lived))
    assert rows(elsewhere, lived.id) == rows(lived.db, lived.id)
    assert compare(elsewhere, Kept(), lived.id) == []


def test_its_decisions_replay_there(lived: Here, elsewhere: Database) -> None:
    unseal(elsewhere, seal(lived))
    with elsewhere.read() as conn:
        ids = list(conn.execute(select(t.decisions.c.decision_id)).scalars())
        agree = [row.agrees for row in replay_decisions(conn, Kept(), lived.id, ids, deep=True)]
    assert agree == [True] * 9


def test_it_goes_on_there_with_the_very_same_draws(lived: Here, elsewhere: Database) -> None:
    unseal(elsewhere, seal(lived))
    told = []
    for db in (lived.db, elsewhere):
        with db.write() as conn:
            told += recommend(conn, Kept(), lived.id, [Ask(member="m3")], ms(45))
    here, there = (msgspec.to_builtins(answer) for answer in told)
    for name in ("decision_id",):  # each is minted where it is decided
        assert here.pop(name) != there.pop(name)
    assert here == there


def test_its_keys_open_it_there(lived: Here, elsewhere: Database) -> None:
    with lived.db.write() as conn:
        key = create_key(conn, lived.id, ("read",), "staff", ms(0), None)
    unseal(elsewhere, seal(lived))
    with elsewhere.read() as conn:
        assert recognise(conn, key.text, ms(1)) == key.key


def test_the_same_rows_give_the_same_file(lived: Here) -> None:
    assert seal(lived) == seal(lived)


def test_there_and_back_is_the_same_file(lived: Here, elsewhere: Database) -> None:
    content = seal(lived)
    unseal(elsewhere, content)
    assert seal(Here(elsewhere, Kept(), lived.id)) == content


def test_a_program_is_brought_in_once(lived: Here, elsewhere: Database) -> None:
    content = seal(lived)
    unseal(elsewhere, content)
    before = rows(elsewhere, lived.id)
    with pytest.raises(Conflict, match="is here already"):
        unseal(elsewhere, content)
    assert rows(elsewhere, lived.id) == before


def test_a_simulated_program_does_not_enter_real_time(lived: Here, elsewhere: Database) -> None:
    content = changed(seal(lived), {MANIFEST: lambda told: told.replace(b'"time": null', b'"time": "real"')})
    with elsewhere.write() as conn:
        facts.settle_kind_of_time(conn, "simulated")
    with pytest.raises(Conflict, match="in this database simulated"):
        unseal(elsewhere, content)
    assert not any(rows(elsewhere, lived.id).values())


def first_row(change: Callable[[list[Any]], None]) -> Callable[[bytes], bytes]:
    """Changes the values of a file's first row."""

    def make(content: bytes) -> bytes:
        line, rest = content.split(b"\n", 1)
        row = json.loads(line)
        change(row)
        return json.dumps(row).encode() + b"\n" + rest

    return make


def put(place: int, value: Any) -> Callable[[list[Any]], None]:
    return lambda row: row.__setitem__(place, value)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("signals.jsonl", lambda _: b"", "do not add up to the seal"),
        ("signals.jsonl", lambda told: told + told, "do not add up to the seal"),
        ("decisions.jsonl", first_row(put(8, 1)), "do not add up to the seal"),
        ("decisions.jsonl", first_row(put(8, "much")), "Expected `int`"),
        ("decisions.jsonl", first_row(list.clear), "length 21"),
        ("decisions.jsonl", lambda _: None, "no decisions.jsonl"),
        (MANIFEST, lambda _: None, "no manifest.json"),
        (MANIFEST, lambda _: b"{}", "required field"),
        (MANIFEST, lambda told: told.replace(b'"format": 1', b'"format": 2'), "a later version"),
        (MANIFEST, lambda told: told.replace(b'"draw_secret"', b'"secret"'), "programs has secret"),
        (MANIFEST, lambda told: told.replace(b'"closes_at",\n', b"", 1), "decisions lacks closes_at"),
        (MANIFEST, lambda told: told.replace(b'"merges": {', b'"unions": {'), "unions has all of it"),
    ],
)
def test_an_archive_that_is_not_what_was_written_is_refused_whole(
    lived: Here,
    migrated_sqlite: Path,
    tmp_path: Path,
    file: str,
    change: Callable[[bytes], bytes | None],
    words: str,
) -> None:
    content = changed(seal(lived), {file: change})
    with closing(Database(sqlite_database(migrated_sqlite, tmp_path))) as db:
        with pytest.raises(Invalid, match=words):
            unseal(db, content)
        assert not any(rows(db, lived.id).values())


@pytest.mark.parametrize("part", [MANIFEST, "signals.jsonl"])
def test_an_archive_with_damaged_bytes_is_refused_whole(lived: Here, elsewhere: Database, part: str) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(seal(lived))) as old, zipfile.ZipFile(raw, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED)
    content = raw.getvalue()
    begins = content.index(part.encode())
    for at in (begins - 30, begins + len(part) + 12):  # its header, its bytes
        with pytest.raises(Invalid, match="damaged"):
            unseal(elsewhere, content[:at] + b"\xf7" * 4 + content[at + 4 :])
    with elsewhere.read() as conn:
        assert setup.program_ids(conn) == []


def test_an_archive_of_a_version_without_a_column_comes_in_with_nothing_in_it(
    lived: Here, migrated_sqlite: Path, tmp_path: Path
) -> None:
    """As if `act_id` of a signal, which may be empty, had not been thought of then."""
    sealing = moving.Sealing()

    def shorter(content: bytes) -> bytes:
        cut = [msgspec.json.encode(json.loads(line)[:-1]) for line in content.splitlines()]
        return b"".join(sealing.add(line) + b"\n" for line in cut)

    def manifest(content: bytes) -> bytes:
        told = json.loads(content)
        table = told["tables"]["signals"]
        assert table["columns"].pop() == "act_id"
        table["digest"] = sealing.seal.digest
        return json.dumps(told).encode()

    content = changed(changed(seal(lived), {"signals.jsonl": shorter}), {MANIFEST: manifest})
    with closing(Database(sqlite_database(migrated_sqlite, tmp_path))) as db:
        unseal(db, content)
        assert rows(db, lived.id) == rows(lived.db, lived.id)
