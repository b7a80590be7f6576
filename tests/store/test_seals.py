"""Whatever is done to a row that was sealed is seen, and named: every column of every table of the ledger."""

import json
from contextlib import closing, contextmanager
from datetime import date, timedelta
from hashlib import sha256

import numpy as np
import pytest
from sqlalchemy import Boolean, Date, LargeBinary, String, Uuid, and_, select, text

from engagement.store import beliefs, leaving, seals
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.leaves import KIND, Known, joined, leaf_of, leaves_in, shard
from engagement.strategy.ranking import RANKER
from engagement.workflows.audit import audit
from engagement.workflows.seal import seal, seal_erasure
from support.databases import postgresql_database, sqlite_database

PROGRAM = "01900000-0000-7000-8000-00000000000a"
OTHER_ID = "01900000-0000-7000-8000-0000000000ee"
FIRST_NIGHT, SECOND_NIGHT = 1_772_323_200_000, 1_772_409_600_000  # the midnights into 1 and 2 March 2026
MOST_COLUMNS = max(len(table.c) for table in seals.SEALED)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def sealed(request, tmp_path_factory, module_fill):
    """A program with a row in every table, sealed twice. Nothing that a test changes is ever committed."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("sealed")
        urls = [sqlite_database(request.getfixturevalue("migrated_sqlite"), folder)]
        made = contextmanager(lambda: (yield urls[0]))()
    else:
        server = request.getfixturevalue("postgres")
        made = postgresql_database(server, request.getfixturevalue("migrated_postgresql"))
    with made as url, closing(Database(url)) as db:
        with db.write() as conn:
            module_fill(conn)
            beliefs.publish(conn, PROGRAM, beliefs.Version("s", 2, 0, 0, 0, 10))
            beliefs.publish(conn, PROGRAM, beliefs.Version(RANKER, 1, 0, 0, 0, 10))
        for night in (FIRST_NIGHT, SECOND_NIGHT):
            assert seal(db, PROGRAM, "me", night) is not None
        yield db


@contextmanager
def tampering(db):
    """A transaction past triggers and foreign keys that is rolled back."""
    with db.engine().connect() as conn, conn.begin() as transaction:
        if db.is_sqlite:
            conn.execute(text("PRAGMA defer_foreign_keys=ON"))
            with leaving.unguarded(conn):
                yield conn
        else:
            conn.execute(text("SET LOCAL session_replication_role = replica"))
            yield conn
        transaction.rollback()


def first_row(conn, table):
    return dict(conn.execute(select(table).where(table.c.program_id == PROGRAM)).mappings().first())


def where(table, row):
    return [column == row[column.name] for column in table.primary_key]


def another(column, value):
    """Another value that the column can hold."""
    kind = column.type
    if isinstance(kind, Boolean):
        return not value
    if isinstance(kind, Uuid):
        return OTHER_ID
    if isinstance(kind, LargeBinary):
        return (value or b"") + b"x"
    if isinstance(kind, Date):
        return (value or date(2026, 1, 1)) + timedelta(days=1)
    if isinstance(kind, String):
        return "x" if value is None else value[:-1] + ("y" if value[-1:] == "x" else "x")
    return 1 if value is None else value + 1000


def seal_of(table):
    """The programs' row was sealed by the first seal, everything else by the second."""
    return 1 if table is t.programs else 2


def missed(found, tables):
    """What is not named of what was done to these tables, or is named and was not done."""
    told = {(flaw.table, flaw.number) for flaw in found.flaws}
    due = {(table.name, seal_of(table)) for table in tables}
    return (due - told) | {one for one in told if one[0] not in {table.name for table in tables}}


def named(flaws):
    return [(flaw.table, flaw.number) for flaw in flaws]


def test_what_was_sealed_is_as_it_was_sealed(sealed):
    with sealed.read() as conn:
        found = audit(conn, PROGRAM)
    # a row a table, but four of the set-up, and three versions
    assert found.rows == len(seals.SEALED) + 3 + 2
    assert (found.flaws, found.late, found.fresh, found.erased, found.nights) == ((), (), 0, 0, 3)


@pytest.mark.parametrize("place", range(MOST_COLUMNS))
def test_a_cell_that_is_changed_is_found(sealed, place):
    """One cell of every table at once, so that each of these tests looks at the next column of all."""
    changed = [table for table in seals.SEALED if place < len(table.c)]
    with tampering(sealed) as conn:
        for table in changed:
            row, column = first_row(conn, table), list(table.c)[place]
            new = another(column, row[column.name])
            conn.execute(table.update().where(*where(table, row)).values({column.name: new}))
        assert missed(audit(conn, PROGRAM), changed) == set()


def test_a_cell_that_is_emptied_is_found(sealed):
    with tampering(sealed) as conn:
        emptied = {}
        for table in seals.SEALED:
            row = first_row(conn, table)
            filled = [column for column in table.c if column.nullable and row[column.name] is not None]
            for column in filled[:1]:
                emptied[table] = column
                conn.execute(table.update().where(*where(table, row)).values({column.name: None}))
        assert len(emptied) == 10
        assert missed(audit(conn, PROGRAM), emptied) == set()


def test_a_row_that_is_deleted_is_found(sealed):
    with tampering(sealed) as conn:
        for table in reversed(seals.SEALED):
            conn.execute(table.delete().where(*where(table, first_row(conn, table))))
        assert missed(audit(conn, PROGRAM), seals.SEALED) == set()


def test_a_row_that_is_slipped_in_under_an_earlier_moment_is_found(sealed):
    more = [table for table in seals.SEALED if table is not t.programs]  # whose key is the program itself
    with tampering(sealed) as conn:
        for table in more:
            row = first_row(conn, table)
            *_, key = table.primary_key
            row |= {"strategy_id": "other"} if table in (t.decisions, t.plans) else {}
            row |= {"catalogue": None} if table is t.revisions else {}
            if table is t.hyperparameters:
                row["version"] = 2  # which was published before, and has none
            elif table is t.erasures:
                row["erasure_id"] = OTHER_ID
            else:
                row[key.name] = another(key, row[key.name])
            conn.execute(table.insert(), row)
        found = {flaw.table: (flaw.number, flaw.words) for flaw in audit(conn, PROGRAM).flaws}
    assert found.keys() == {table.name for table in more}
    assert {number for number, _ in found.values()} == {3}
    assert found["answers"][1].startswith("1 row of this table in no seal, recorded before")


def test_a_row_of_a_program_that_is_not_asked_about_changes_nothing(sealed, module_fill):
    with tampering(sealed) as conn:
        module_fill(conn, "01900000-0000-7000-8000-00000000000b")
        assert audit(conn, PROGRAM).flaws == ()


@pytest.mark.parametrize("column", [column for column in t.seals.c if column.name != "program_id"], ids=str)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_seal_that_is_changed_is_found(sealed, column, number):
    with tampering(sealed) as conn:
        here = (t.seals.c.program_id == PROGRAM) & (t.seals.c.number == number)
        row = dict(conn.execute(select(t.seals).where(here)).mappings().one())
        new = {
            "kind": "erasure",
            "number": 9,
            "body": b'{"erasure":"x"}',
        }.get(column.name) or another(column, row[column.name])
        conn.execute(t.seals.update().where(here).values({column.name: new}))
        assert any(flaw.number in (number, number + 1) for flaw in audit(conn, PROGRAM).flaws)


@pytest.mark.parametrize(
    "column", [column for column in t.sealed_rows.c if column.name != "program_id"], ids=str
)
def test_what_a_seal_holds_cannot_be_changed_either(sealed, column):
    with tampering(sealed) as conn:
        here = (t.sealed_rows.c.program_id == PROGRAM) & (t.sealed_rows.c.number == 1)
        row = dict(conn.execute(select(t.sealed_rows).where(here)).mappings().one())
        new = {"leaves": bytes(16), "table_name": "links"}.get(column.name) or another(
            column, row[column.name]
        )
        conn.execute(t.sealed_rows.update().where(here).values({column.name: new}))
        assert audit(conn, PROGRAM).flaws


def test_the_middle_of_the_chain_cannot_be_taken_out(sealed):
    with tampering(sealed) as conn:
        for table in (t.sealed_rows, t.seals):
            conn.execute(table.delete().where(table.c.program_id == PROGRAM, table.c.number == 2))
        assert ("", 2) in named(audit(conn, PROGRAM).flaws)


def test_a_row_and_its_leaf_changed_together_are_found(sealed):
    """Whoever knows how seals are made still has to change the seal, and then every one behind it."""
    with tampering(sealed) as conn:
        row = first_row(conn, t.outcomes)
        conn.execute(t.outcomes.update().where(*where(t.outcomes, row)).values(reward=1.0))
        [leaf] = seals.leaves_where(conn, t.outcomes, t.outcomes.c.program_id == PROGRAM)
        [(_, stored)] = seals.parts_of(t.outcomes, leaf)
        here = (t.sealed_rows.c.program_id == PROGRAM) & (t.sealed_rows.c.table_name == "outcomes")
        conn.execute(t.sealed_rows.update().where(here).values(stored))
        assert named(audit(conn, PROGRAM).flaws) == [("outcomes", 2)]


@pytest.mark.parametrize("table", seals.SEALED, ids=lambda table: table.name)
def test_what_goes_behind_an_erasure_with_its_leaf_is_no_part_of_that_erasure(sealed, table):
    """The seal behind an erasure says what was left of every table: whatever goes later is missed."""
    with tampering(sealed) as conn:
        seal_erasure(conn, PROGRAM, OTHER_ID, SECOND_NIGHT + 1)
        behind = seals.newest(conn, PROGRAM).number
        assert audit(conn, PROGRAM).flaws == ()
        this = and_(*where(table, first_row(conn, table)))
        seals.take_out(conn, PROGRAM, {table: dict.fromkeys(seals.leaves_where(conn, table, this))})
        conn.execute(table.delete().where(this))
        assert {("", behind), (table.name, seal_of(table))} <= set(named(audit(conn, PROGRAM).flaws))


def test_every_table_is_sealed_or_has_a_reason_not_to_be():
    assert {*seals.SEALED, *seals.UNSEALED} == set(t.metadata.sorted_tables)
    assert len(seals.SEALED) + len(seals.UNSEALED) == len(t.metadata.sorted_tables)
    assert {table for table in t.LEDGER if table in seals.UNSEALED} == {t.seals}


def test_every_sealed_table_says_when_its_rows_came():
    by_another_column = {t.fold_entries, t.event_entries, t.hyperparameters, t.reservations, t.erasures}
    assert by_another_column | set(seals.RECORDED) == set(seals.SEALED)


def test_a_leaf_is_the_beginning_of_a_sha_256_that_anybody_can_compute():
    """The encoding never changes: written out by hand, with the columns in the order of their names."""
    told = {
        "decision_id": "01900000-0000-7000-8000-0000000000ff",
        "occurred_at": 7,
        "program_id": PROGRAM,
        "recorded_at": 8,
        "sequence": 1,
        "status": "done",
    }  # `reason` is empty
    line = json.dumps(["answers", told], separators=(",", ":")).encode()
    row = (told["decision_id"], 7, PROGRAM, None, 8, 1, "done")
    assert leaf_of(t.answers)(row) == sha256(line).digest()[:16]


def test_leaves_are_the_same_on_both_databases(filled):
    """These come from one run; what differs by database would show in one of the two."""
    with filled.read() as conn:
        found = {
            table.name: [
                leaf.hex() for leaf in seals.leaves_where(conn, table, table.c.program_id == PROGRAM)
            ]
            for table in (t.programs, t.signals, t.memberships, t.merges, t.links, t.versions, t.promotions)
        }
    as_one = json.dumps(found, sort_keys=True).encode()
    assert sha256(as_one).hexdigest() == "1907bd5832d36242c14893ed1722e03fe92aa8c8be0ccc4a2e32424aa6f838cc"


def leaf(number):
    return number.to_bytes(16, "big")


def test_known_leaves_are_found_and_the_others_stay_unmet():
    known = Known(joined(map(leaf, [5, 1, 9, 256])), np.array([0, 0, 1, 1], np.int32))
    assert known.look_up(joined(map(leaf, [9, 2, 256, 0, 9]))).tolist() == [True, False, True, False, True]
    assert known.unmet(3).tolist() == [2, 0, 0]


def test_nothing_is_known_where_nothing_was_sealed():
    known = Known(np.zeros(0, KIND), np.zeros(0, np.int32))
    assert known.look_up(joined([leaf(1)])).tolist() == [False]
    assert known.unmet(0).tolist() == []


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_leaf_is_in_one_share(of):
    leaves = leaves_in(np.random.default_rng(1).bytes(16 * 1000))
    shares = np.array([shard(leaves, number, of) for number in range(of)])
    assert (shares.sum(axis=0) == 1).all()
    assert shares.sum(axis=1).min() > 1000 / of / 2


def test_looked_at_in_shares_it_is_the_same(sealed, monkeypatch):
    monkeypatch.setattr(seals, "SHARE", 1)
    with tampering(sealed) as conn:
        assert audit(conn, PROGRAM).flaws == ()
        row = first_row(conn, t.revisions)
        conn.execute(t.revisions.update().where(*where(t.revisions, row)).values(recorded_at=77))
        assert named(audit(conn, PROGRAM).flaws) == [("revisions", 2), ("revisions", 3)]


def test_a_table_is_cut_into_parts(monkeypatch):
    monkeypatch.setattr(seals, "PART", 3)
    found = b"".join(map(leaf, [7, 3, 5, 1]))
    first, second = seals.parts_of(t.signals, found)
    assert (first[0].part, first[0].rows, second[0].part, second[0].rows) == (0, 3, 1, 1)
    assert first[1]["leaves"] == b"".join(map(leaf, [3, 5, 7]))
    assert first[0].digest == sha256(first[1]["salt"] + first[1]["leaves"]).hexdigest()
