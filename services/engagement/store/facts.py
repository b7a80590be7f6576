"""Facts of the database itself: whether its time is real or simulated, and what code runs on its schema."""

from typing import Literal, cast

from sqlalchemy import Connection, select

from engagement.store import tables as t
from engagement.store.sql import insert_new, upsert

TIME = "time"
RUNS_FROM = "runs_from"
KindOfTime = Literal["real", "simulated"]


def kind_of_time(conn: Connection) -> KindOfTime | None:
    """Which kind of time this database has seen; None before its first start."""
    return cast("KindOfTime | None", stated(conn, TIME))


def stated(conn: Connection, name: str) -> str | None:
    """A fact by its name."""
    found: str | None = conn.execute(select(t.facts.c.value).where(t.facts.c.name == name)).scalar()
    return found


def state(conn: Connection, name: str, value: str) -> None:
    """Writes a fact, whatever it was before."""
    upsert(conn, t.facts, [{"name": name, "value": value}])


def is_simulated(conn: Connection) -> bool:
    """Whether time in this database is simulated."""
    return kind_of_time(conn) == "simulated"


def settle_kind_of_time(conn: Connection, kind: KindOfTime) -> KindOfTime:
    """Decides it, once and for ever; of two first starts at once the second learns what the first decided."""
    insert_new(conn, t.facts, [{"name": TIME, "value": kind}])
    settled: KindOfTime = conn.execute(select(t.facts.c.value).where(t.facts.c.name == TIME)).scalar_one()
    return settled
