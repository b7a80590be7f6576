"""Facts of the database itself: whether its time is real or simulated, and when its daily line was sent."""

from datetime import date
from typing import Literal

from sqlalchemy import Connection, select

from engagement.store import tables as t
from engagement.store.sql import insert_new, upsert

TIME = "time"
SELF_CHECK_DAY = "self_check_day"
SELF_CHECK_SENT = "self_check_sent"
KindOfTime = Literal["real", "simulated"]


def kind_of_time(conn: Connection) -> KindOfTime | None:
    """Which kind of time this database has seen; None before its first start."""
    found: KindOfTime | None = conn.execute(select(t.facts.c.value).where(t.facts.c.name == TIME)).scalar()
    return found


def is_simulated(conn: Connection) -> bool:
    """Whether time in this database is simulated."""
    return kind_of_time(conn) == "simulated"


def settle_kind_of_time(conn: Connection, kind: KindOfTime) -> KindOfTime:
    """Decides it, once and for ever; of two first starts at once the second learns what the first decided."""
    insert_new(conn, t.facts, [{"name": TIME, "value": kind}])
    settled: KindOfTime = conn.execute(select(t.facts.c.value).where(t.facts.c.name == TIME)).scalar_one()
    return settled


def take_self_check(conn: Connection, day: date) -> bool:
    """Whether the caller is the one to send a day's line: one of all processes is told yes, and once."""
    f, name = t.facts.c, SELF_CHECK_DAY
    insert_new(conn, t.facts, [{"name": name, "value": ""}])
    taken = t.facts.update().where(f.name == name, f.value < day.isoformat()).values(value=day.isoformat())
    return conn.execute(taken).rowcount == 1


def give_back_self_check(conn: Connection, day: date) -> None:
    """A day's line was not sent after all: somebody else may try."""
    f = t.facts.c
    given = t.facts.update().where(f.name == SELF_CHECK_DAY, f.value == day.isoformat()).values(value="")
    conn.execute(given)


def note_self_check(conn: Connection, now_ms: int) -> None:
    """The daily line was sent."""
    upsert(conn, t.facts, [{"name": SELF_CHECK_SENT, "value": str(now_ms)}])


def self_check_sent_ms(conn: Connection) -> int | None:
    """When the daily line was last sent; None before the first."""
    found = conn.execute(select(t.facts.c.value).where(t.facts.c.name == SELF_CHECK_SENT)).scalar()
    return None if found is None else int(found)
