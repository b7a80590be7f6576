"""What a database holds, beside what callers were told; and whether everything derived agrees."""

from collections import defaultdict
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, column, func, inspect, select, table

from engagement.cli import main
from engagement.store import tables as t
from engagement.store.database import Database
from support.load import Journal


class Stored(NamedTuple):
    """The ledger of a database with one program.

    signals : (source, id)      decisions : (member, decision point) → decision
    answers : decision → what people said became of it, in order; running out of time is nobody's answer
    """

    signals: list[tuple[str, str]]
    decisions: dict[tuple[str, str], str]
    answers: dict[str, list[str]]


def stored(url: str) -> Stored:
    """Reads it from the database itself."""
    s, d, a = t.signals.c, t.decisions.c, t.answers.c
    with closing(Database(url)) as db, db.read() as conn:
        answers: dict[str, list[str]] = defaultdict(list)
        rows = (
            select(a.decision_id, a.status).where(a.status != "expired").order_by(a.decision_id, a.sequence)
        )
        for decision, status in conn.execute(rows):
            answers[decision].append(status)
        return Stored(
            [(source, name) for source, name in conn.execute(select(s.source, s.event_id))],
            {
                (unit, point): name
                for unit, point, name in conn.execute(select(d.unit_id, d.decision_point, d.decision_id))
            },
            dict(answers),
        )


def kept_exactly_once(url: str, journal: Journal) -> bool:
    """Whether what was acknowledged is what is stored: all of it, once, and nothing beside it."""
    held = stored(url)
    assert sorted(held.signals) == sorted(journal.signals)
    assert held.decisions == {key: body["decision_id"] for key, body in journal.decisions.items()}
    assert held.answers == {decision: [status] for decision, status in journal.answers.items()}
    return True


def agrees_with_itself(url: str) -> bool:
    """Whether `rebuild --check` finds nothing and every decision, made again, comes out the same."""
    checked = main(["rebuild", "--check", "--database", url])
    replayed = main(["replay", "--deep", "--database", url])
    return (checked, replayed) == (0, 0)


def size(url: str, of: str) -> int:
    """Rows in a table."""
    with closing(Database(url)) as db, db.read() as conn:
        return conn.execute(select(func.count()).select_from(t.metadata.tables[of])).scalar_one()


class Rows(NamedTuple):
    """A table as the database has it, of whatever revision. rows : sorted, in an order of no meaning"""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


Content = dict[str, Rows]
"""Every row of every table, by its name; Alembic's own left out."""


def content(db: Database, of: Content | None = None) -> Content:
    """What is in a database. of : as much of it as this has, which is of an older revision"""
    with db.read() as conn:
        if of is None:
            seen = inspect(conn)
            names = set(seen.get_table_names()) - {"alembic_version"}
            columns = {name: tuple(str(one["name"]) for one in seen.get_columns(name)) for name in names}
        else:
            columns = {name: rows.columns for name, rows in of.items()}
        held: Content = {}
        for name, some in columns.items():
            wanted: list[ColumnElement[Any]] = [column(one) for one in some]
            rows = conn.execute(select(*wanted).select_from(table(name)))
            held[name] = Rows(some, sorted(map(tuple, rows), key=repr))
    return held


def changed(before: Content, after: Content) -> list[str]:
    """The tables that came, went, or have other columns or rows."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def learned(url: str) -> tuple[int, int]:
    """Rows that entered the beliefs of all published versions, and rows that were taken out again."""
    v = t.versions.c
    with closing(Database(url)) as db, db.read() as conn:
        entered, taken_out = conn.execute(select(func.sum(v.rows_in), func.sum(v.rows_out))).one()
        return int(entered), int(taken_out)
