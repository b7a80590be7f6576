"""What a database says about how it is run: durability, guards, its clock, and what waits to be learned."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, exists, func, select, text

from engagement.clock import Clock
from engagement.store import tables as t

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""Of PostgreSQL: with anything else, what was acknowledged may be lost with the power."""


class Waiting(NamedTuple):
    """A program's decisions that closed before some moment and have no outcome yet. closed_at : the oldest"""

    decisions: int
    closed_at: int | None


def pragma(conn: Connection, name: str) -> Any:
    """What SQLite says of one of its settings."""
    return conn.exec_driver_sql(f"PRAGMA {name}").scalar()


def lossy(conn: Connection) -> dict[str, str]:
    """The settings of PostgreSQL by which a commit may be lost, as they are. Stricter ones are none."""
    rows = conn.execute(
        text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": list(DURABLE)}
    )
    return {name: value for name, value in rows if value in {"off", "local"}}


def encoding(conn: Connection) -> str:
    """How PostgreSQL stores text."""
    return str(conn.execute(text("SHOW server_encoding")).scalar_one())


def room(conn: Connection) -> tuple[int, int]:
    """How many connections PostgreSQL takes, and how many there are."""
    query = "SELECT current_setting('max_connections')::int, (SELECT count(*) FROM pg_stat_activity)"
    most, now = conn.execute(text(query)).one()
    return most, now


def is_superuser(conn: Connection) -> bool:
    """Whether PostgreSQL refuses us nothing."""
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    return bool(conn.execute(text(query)).scalar())


def pooled(conn: Connection) -> bool:
    """Whether a pooler stands between us and PostgreSQL: it gives a process id of its own."""
    driver: Any = conn.connection.driver_connection
    return bool(driver.info.backend_pid != conn.execute(text("SELECT pg_backend_pid()")).scalar_one())


def ahead_s(conn: Connection, clock: Clock) -> float:
    """By how many seconds PostgreSQL's clock is ahead of ours, within half of what asking takes."""
    before = clock.now_ms()
    theirs = float(conn.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return theirs - (before + clock.now_ms()) / 2000


def newest_ms(conn: Connection, program_id: str) -> int | None:
    """The latest moment at which anything of a program was recorded."""
    times = {t.signals: "recorded_at", t.decisions: "decided_at", t.revisions: "recorded_at"}
    latest = [
        conn.execute(select(func.max(table.c[name])).where(table.c.program_id == program_id)).scalar()
        for table, name in times.items()
    ]
    return max((moment for moment in latest if moment is not None), default=None)


def waiting(conn: Connection, program_id: str, before_ms: int) -> Waiting:
    """What closed before a moment and was not looked at since: a round of folding leaves none."""
    d, o = t.decisions.c, t.outcomes.c
    heard = exists().where(o.program_id == d.program_id, o.decision_id == d.decision_id)
    query = select(func.count(), func.min(d.closes_at)).where(
        d.program_id == program_id, d.closes_at <= before_ms, ~heard
    )
    return Waiting(*conn.execute(query).one())


def unguarded_tables(conn: Connection) -> list[str]:
    """Tables of the ledger that could be changed: their triggers are gone or switched off."""
    if conn.dialect.name == "sqlite":
        rows = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
        there = set(rows)
        wanted = {table.name: {f"{table.name}_no_update", f"{table.name}_no_delete"} for table in t.LEDGER}
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        there = set(conn.execute(text(query)).scalars())
        wanted = {table.name: {f"{table.name}_insert_only"} for table in t.LEDGER}
    return sorted(name for name, triggers in wanted.items() if not triggers <= there)


def without_policy(conn: Connection) -> list[str]:
    """Of PostgreSQL: tables with rows of programs, on which no policy holds whoever does not own them."""
    query = (
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid "
        "WHERE relrowsecurity AND relnamespace = CAST(current_schema() AS regnamespace) "
        "AND polname = 'of_program'"
    )
    held = set(conn.execute(text(query)).scalars())
    wanted = {table.name for table in t.metadata.sorted_tables if "program_id" in table.c}
    return sorted(wanted - held)


def behind_the_wall(conn: Connection) -> bool:
    """Of PostgreSQL: whether policies hold this user, who then sees one program a transaction."""
    return bool(conn.execute(text("SELECT row_security_active(to_regclass('programs'))")).scalar())


def may_not(conn: Connection, tables: tuple[Table, ...]) -> list[str]:
    """Of PostgreSQL: the tables that this user may not insert into."""
    query = text("SELECT has_table_privilege(current_user, CAST(:name AS text), 'INSERT')")
    return [table.name for table in tables if not conn.execute(query, {"name": table.name}).scalar_one()]
