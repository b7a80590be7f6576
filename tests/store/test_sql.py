"""Many keys in one statement, and inserts that heed what is there, on both databases."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from engagement.store import tables as t
from engagement.store.sql import among, insert, insert_new, keys_table, upsert

ODD = ["'; DROP TABLE facts --", '"', "\\", "%", "{}", "[1,2]", "é", "गोल", "🙂", "a b", "null", "1", ""]


def stored(conn, names):
    insert(conn, t.facts, [{"name": name, "value": name[::-1]} for name in names])


def found(conn, keys):
    return set(conn.execute(select(t.facts.c.name).where(among(conn, t.facts.c.name, keys))).scalars())


def test_among_no_keys_is_nothing(database):
    with database.write() as conn:
        stored(conn, ["a"])
        assert found(conn, []) == set()


def test_among_one_key_is_that_one(database):
    with database.write() as conn:
        stored(conn, ["a", "b"])
        assert found(conn, ["a"]) == {"a"}


def test_among_a_thousand_keys_are_those_that_exist(database):
    with database.write() as conn:
        stored(conn, [f"n{number}" for number in range(0, 2_000, 2)])
        expected = {f"n{number}" for number in range(0, 1_000, 2)}
        assert found(conn, [f"n{number}" for number in range(1_000)]) == expected


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_key_finds_itself_alone(database, odd):
    with database.write() as conn:
        stored(conn, ODD)
        assert found(conn, [odd]) == {odd}


def test_however_many_the_keys_the_statement_is_the_same(database):
    statements = []
    event.listen(
        database.engine(), "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement)
    )
    with database.write() as conn:
        for count in (0, 1, 1_000):
            found(conn, ["a"] * count)
    assert len({statement for statement in statements if statement.startswith("SELECT")}) == 1


def test_ids_are_found_with_their_hyphens(filled):
    with filled.write() as conn:
        query = select(t.decisions.c.decision_id)
        known = conn.execute(query).scalar_one()
        assert known.count("-") == 4
        assert conn.execute(query.where(among(conn, t.decisions.c.decision_id, [known]))).scalars().all() == [
            known
        ]


@pytest.mark.parametrize("keys", [[], ["a"], ODD, [f"n{number}" for number in range(1_000)]], ids=len)
def test_keys_as_a_table_are_those_given(database, keys):
    with database.read() as conn:
        table = keys_table(conn, keys)
        assert list(conn.execute(select(table.c.value)).scalars()) == keys


def test_an_insert_of_nothing_does_nothing(database):
    with database.write() as conn:
        insert(conn, t.facts, [])
        insert_new(conn, t.facts, [])
        upsert(conn, t.facts, [])
        assert conn.execute(select(t.facts)).all() == []


def test_an_insert_of_a_taken_key_is_the_databases_error(database):
    with database.write() as conn:
        stored(conn, ["a"])
    with pytest.raises(IntegrityError), database.write() as conn:
        stored(conn, ["b", "a"])
    with database.read() as conn:
        assert found(conn, ["a", "b"]) == {"a"}


def rows(conn):
    return {row.name: row.value for row in conn.execute(select(t.facts))}


def test_insert_new_leaves_what_is_there(database):
    with database.write() as conn:
        insert_new(conn, t.facts, [{"name": "a", "value": "old"}])
        insert_new(conn, t.facts, [{"name": "a", "value": "new"}, {"name": "b", "value": "new"}])
        assert rows(conn) == {"a": "old", "b": "new"}


def test_upsert_replaces_what_is_there(database):
    with database.write() as conn:
        insert_new(conn, t.facts, [{"name": "a", "value": "old"}])
        upsert(conn, t.facts, [{"name": "a", "value": "new"}, {"name": "b", "value": "new"}])
        assert rows(conn) == {"a": "new", "b": "new"}
