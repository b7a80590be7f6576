"""Connections: who may write, what is kept, and in which order writers take their turn."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from engagement.errors import Invalid
from engagement.store import tables as t
from engagement.store.database import Database, FairLock

ENOUGH_SECONDS = 30.0
"""How long another thread may take before a test counts as hung; no test waits for it to pass."""


@pytest.fixture
def sqlite(tmp_path: Path, migrated_sqlite: Path):
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(migrated_sqlite)) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
    with closing(Database(f"sqlite:///{file}")) as opened:
        yield opened


def add_fact(conn, name):
    conn.execute(t.facts.insert(), {"name": name, "value": "v"})


def add_and_fail(conn):
    add_fact(conn, "a")
    raise ZeroDivisionError


def facts(database):
    with database.read() as conn:
        return list(conn.execute(select(t.facts.c.name).order_by(t.facts.c.name)).scalars())


def test_what_was_written_is_there_for_readers(database):
    with database.write() as conn:
        add_fact(conn, "a")
    assert facts(database) == ["a"]


def test_an_error_takes_back_everything_of_its_transaction(database):
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        add_and_fail(conn)
    assert facts(database) == []


def test_after_an_error_others_can_write(database):
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        add_and_fail(conn)
    with database.write() as conn:
        add_fact(conn, "b")
    assert facts(database) == ["b"]


def test_readers_do_not_see_what_is_not_committed(database):
    with database.write() as conn:
        add_fact(conn, "a")
        assert facts(database) == []


def test_a_reader_sees_one_moment_of_sqlite(sqlite):
    count = select(func.count()).select_from(t.facts)
    with sqlite.read() as reading:
        assert reading.execute(count).scalar() == 0
        with sqlite.write() as conn:
            add_fact(conn, "a")
        assert reading.execute(count).scalar() == 0


def test_a_reader_of_sqlite_cannot_write(sqlite):
    with pytest.raises(DatabaseError, match="readonly"), sqlite.read() as conn:
        add_fact(conn, "a")


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 5000)]
)
@pytest.mark.parametrize("way", ["write", "read"])
def test_every_connection_to_sqlite_is_durable(sqlite, way, pragma, value):
    with getattr(sqlite, way)() as conn:  # 2 is FULL
        assert conn.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_writers_of_sqlite_heed_foreign_keys(sqlite):
    with sqlite.write() as conn:
        assert conn.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_write_transaction_of_sqlite_holds_the_writers_lock_from_its_start(sqlite):
    file = sqlite.url.database
    with (
        sqlite.write(),
        closing(sqlite3.connect(file, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url):
    with pytest.raises(Invalid, match="cannot keep"):
        Database(url)


def test_writers_in_threads_lose_no_update(database):
    with database.write() as conn:
        conn.execute(t.facts.insert(), {"name": "count", "value": "0"})

    def add_ten():
        for _ in range(10):
            with database.write() as conn:
                query = select(t.facts.c.value).where(t.facts.c.name == "count").with_for_update()
                value = int(conn.execute(query).scalar_one())
                conn.execute(t.facts.update().values(value=str(value + 1)))

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as conn:
        assert conn.execute(select(t.facts.c.value)).scalar() == "40"


def until(condition):
    """Waits, as long as a hung test may, for something another thread does."""
    pause = threading.Event()
    for _ in range(int(ENOUGH_SECONDS / 0.001)):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError("the other thread did not get there")


def test_a_fair_lock_serves_its_waiters_in_the_order_they_came():
    lock, served = FairLock(), []

    def take(number):
        with lock:
            served.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with lock:
        for number, thread in enumerate(threads, start=1):
            thread.start()
            until(lambda count=number: len(lock._waiting) == count)
        assert served == []
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2, 3, 4]


def test_a_fair_lock_lets_in_one_at_a_time():
    lock, inside, most = FairLock(), [], []

    def take():
        for _ in range(200):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 800


def test_a_fair_lock_is_free_again_after_an_error():
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    taken = threading.Thread(target=lock.__enter__)
    taken.start()
    taken.join(ENOUGH_SECONDS)
    assert not taken.is_alive()
