"""Facts of the database itself: whether the time in it is real or simulated."""

from typing import Literal

from sqlalchemy import Connection, select

from engagement.store import tables as t
from engagement.store.sql import insert_new

TIME = "time"
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
