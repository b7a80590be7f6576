"""What a request or a fold reads goes through an index, from the keys it is given to the rows."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event

from engagement.store import (
    beliefs,
    decisions,
    hyperparameters,
    keys,
    links,
    merges,
    promotions,
    resources,
    setup,
    signals,
    units,
)
from engagement.store.beliefs import Entry
from engagement.store.database import Database
from engagement.store.units import Unit

P = "01900000-0000-7000-8000-00000000000a"
DAY = date(2026, 1, 1)
UNIT = "program_id=? AND unit_kind=? AND unit_id=?"
PERSON = {"merges": "program_id=? AND member_id=?"}
PERSONS = PERSON | {"merged": "program_id=? AND into_id=?"}
DECISION = "program_id=? AND decision_id=?"
STRATEGY = "program_id=? AND strategy_id=?"

READS = {  # each read, and for each table the columns by which it must be searched
    "lock_tallies": (lambda conn: units.lock_tallies(conn, P, "member", ["a"]), {"tallies": UNIT}),
    "members": (
        lambda conn: units.members(conn, P, ["a"], DAY),
        {
            "revisions": "program_id=? AND noun=? AND id=?",
            "revisions_1": "program_id=? AND noun=? AND id=? AND revision=?",
            "memberships": "program_id=? AND member_id=?",
            "memberships_1": "program_id=? AND member_id=? AND starts_on=? AND revision=?",
        },
    ),
    "groups": (
        lambda conn: units.groups(conn, P, ["a"]),
        {
            "revisions": "program_id=? AND noun=? AND id=?",
            "revisions_1": "program_id=? AND noun=? AND id=? AND revision=?",
            "tallies": UNIT,
        },
    ),
    "recent": (
        lambda conn: decisions.recent(conn, P, [Unit("member", "a")], 5),
        {"decisions": UNIT + " AND decided_at>?", "answers": DECISION},
    ),
    "counted": (
        lambda conn: decisions.counted(conn, P, ["s"], [Unit("member", "a")]),
        {"decisions": f"{STRATEGY} AND unit_kind=? AND unit_id=?"},
    ),
    "existing": (
        lambda conn: decisions.existing(conn, P, [P], ["a"], ["s member a p"]),
        {"decisions": DECISION, "inner_decisions": f"({DECISION}|{UNIT})"},
    ),
    "by_id": (lambda conn: decisions.by_id(conn, P, [P]), {"decisions": DECISION}),
    "answers": (lambda conn: decisions.answers(conn, P, [P]), {"answers": DECISION}),
    "outcomes": (lambda conn: decisions.outcomes(conn, P, [P]), {"outcomes": DECISION}),
    "closed_without_outcome": (
        lambda conn: decisions.closed_without_outcome(conn, P, "s", 5, 9),
        {"decisions": STRATEGY + " AND closes_at<?", "outcomes": DECISION},
    ),
    "watched": (
        lambda conn: decisions.watched(conn, P, "s", since_revision=1, before_ms=5, limit=9),
        {"decisions": STRATEGY + " AND closes_at<?", "outcomes": DECISION},
    ),
    "newest_promotion": (lambda conn: promotions.newest_promotion(conn, P, "s"), {"promotions": STRATEGY}),
    "matured_around": (
        lambda conn: decisions.matured_around(conn, P, ["a"], ["g"], 1, 5),
        {
            "decisions": DECISION,
            "inner_decisions": f"({UNIT}|program_id=? AND group_id=?) AND decided_at>? AND decided_at<?",
            "outcomes": DECISION,
        },
    ),
    "pointers": (lambda conn: beliefs.pointers(conn, P, ["s"]), {"versions": STRATEGY}),
    "read_nodes": (
        lambda conn: beliefs.read_nodes(conn, P, "s", ["", "g"], 3),
        {
            "nodes": STRATEGY + " AND node=? AND version<?",
            "nodes_1": STRATEGY + " AND node=? AND version=?",
        },
    ),
    "read_all_nodes": (
        lambda conn: beliefs.read_all_nodes(conn, P, "s", 3),
        {"nodes": STRATEGY, "later": STRATEGY + " AND node=? AND version>?"},
    ),
    "rows_learned": (
        lambda conn: beliefs.rows_learned(conn, P, "s", 3),
        {"erasures": STRATEGY, "versions": STRATEGY + " AND version>? AND version<?"},
    ),
    "newest_hyperparameters": (
        lambda conn: hyperparameters.newest(conn, P, "s", 3),
        {"hyperparameters": STRATEGY + " AND version<?"},
    ),
    "unfolded": (
        lambda conn: beliefs.unfolded(conn, P, "s", 1, 5, 9),
        {
            "outcomes": STRATEGY,
            "fold_entries": DECISION + " AND outcome_revision=?",
            "later": DECISION + " AND revision>?",
            "decisions": DECISION,
        },
    ),
    "entries_of_version": (
        lambda conn: beliefs.entries_of_version(conn, P, "s", 1),
        {"erasures": STRATEGY, "fold_entries": STRATEGY + " AND version>? AND version<?"},
    ),
    "replaced_by": (
        lambda conn: beliefs.replaced_by(conn, P, [Entry(P, 2, 1, None)]),
        {"fold_entries": DECISION},
    ),
    "naming": (
        lambda conn: signals.naming(conn, P, [("app", "e")]),
        PERSON
        | {"signals": "program_id=? AND (source=? AND event_id=?|corrects_source=? AND corrects_event=?)"},
    ),
    "in_window": (
        lambda conn: signals.in_window(conn, P, ["a"], ["g"], ["h"], 1, 5),
        PERSON | {"signals": f"({UNIT}|program_id=? AND group_id=?) AND occurred_at>? AND occurred_at<?"},
    ),
    "of_kinds": (
        lambda conn: signals.of_kinds(conn, P, ["k"], ["g"]),
        PERSON | {"signals": "program_id=? AND (group_id=?|corrects_source>?)"},
    ),
    "history": (
        lambda conn: setup.history(conn, P, "group", ["g"]),
        {"revisions": "program_id=? AND noun=? AND id=?"},
    ),
    "links_of": (lambda conn: links.links_of(conn, P, "group", ["g"]), {"links": UNIT}),
    "merged": (
        lambda conn: merges.merged(conn, P, ["a"]),
        {"merges": "program_id=? AND into_id=?", "own": "program_id=? AND member_id=?"},
    ),
    "of_members": (lambda conn: signals.of_members(conn, P, ["a"]), PERSONS | {"signals": UNIT}),
    "of_groups": (
        lambda conn: signals.of_groups(conn, P, ["g"]),
        PERSON | {"signals": "program_id=? AND group_id=?"},
    ),
    "of_safety": (lambda conn: signals.of_safety(conn, P), PERSON | {"signals": "program_id=?"}),
    "of_safety_of_members": (
        lambda conn: signals.of_safety(conn, P, ["a"]),
        PERSONS | {"signals": "program_id=? AND unit_id=?"},
    ),
    "lock_counters": (
        lambda conn: resources.lock_counters(conn, P, [("fund", "2026")]),
        {"counters": "program_id=? AND resource_id=?"},
    ),
    "reservations_of": (lambda conn: resources.reservations_of(conn, P, [P]), {"reservations": DECISION}),
    "expired_holders": (
        lambda conn: resources.expired_holders(conn, P, 5, 1),
        {
            "reservations": "program_id=? AND expires_at>? AND expires_at<?",
            "answers": DECISION + " AND sequence=?",
            "inner_answers": DECISION,
        },
    ),
    "catalogue_revision": (lambda conn: setup.catalogue_revision(conn, P), {"revisions": "program_id=?"}),
    "newest": (
        lambda conn: setup.newest(conn, P, "member", ["a"]),
        {
            "revisions": "program_id=? AND noun=? AND id=?",
            "newest": "program_id=? AND noun=? AND id=? AND revision=?",
        },
    ),
    "memberships_on": (
        lambda conn: setup.memberships_on(conn, P, ["a"], DAY),
        {
            "memberships": "program_id=? AND member_id=? AND starts_on<?",
            "latest": "program_id=? AND member_id=? AND starts_on=? AND revision=?",
        },
    ),
    "memberships_of": (
        lambda conn: setup.memberships_of(conn, P, ["a"]),
        {"memberships": "program_id=? AND member_id=?"},
    ),
    "memberships_of_groups": (
        lambda conn: setup.memberships_of_groups(conn, P, ["g"]),
        {"memberships": "program_id=? AND group_id=?"},
    ),
    "by_digest": (lambda conn: keys.by_digest(conn, P, b"d"), {"api_keys": "program_id=? AND digest=?"}),
}


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("plans") / "a.db"
    with closing(sqlite3.connect(migrated_sqlite)) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
    with closing(Database(f"sqlite:///{file}")) as opened:
        yield opened


def steps(database, read):
    """SQLite's plan of each query that a read sends, line by line."""
    sent = []

    def note(_conn, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    event.listen(database.engine(), "before_cursor_execute", note)
    try:
        with database.write() as conn:
            read(conn)
    finally:
        event.remove(database.engine(), "before_cursor_execute", note)
    with database.write() as conn:
        plans = [conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values) for query, values in sent]
        return [row[3] for plan in plans for row in plan]


@pytest.mark.parametrize("name", READS)
def test_a_read_finds_its_rows_by_their_key(sqlite, name):
    read, expected = READS[name]
    plan = steps(sqlite, read)
    searched = [re.fullmatch(r"SEARCH (\w+) .*?\((.*)\).*", line) for line in plan]
    found = [(match[1], match[2]) for match in searched if match is not None]
    assert {table for table, _ in found} == set(expected)
    for table, columns in found:
        pattern = expected[table].replace("?", r"\?")
        assert re.match(pattern, columns), f"{table} is searched by {columns} only"


@pytest.mark.parametrize("name", READS)
def test_a_read_scans_nothing_but_the_keys_it_was_given(sqlite, name):
    scans = [line for line in steps(sqlite, READS[name][0]) if line.startswith("SCAN")]
    assert [line for line in scans if "VIRTUAL TABLE" not in line] == []


@pytest.mark.parametrize("name", ["of_safety", "of_safety_of_members"])
def test_safety_reports_are_read_from_an_index_of_their_own(sqlite, name):
    searched = [line for line in steps(sqlite, READS[name][0]) if line.startswith("SEARCH signals")]
    assert searched
    assert all("USING INDEX ix_signals_safety" in line for line in searched)
