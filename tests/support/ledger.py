"""What a database holds, beside what callers were told; and whether everything derived agrees."""

from collections import defaultdict
from contextlib import closing
from typing import NamedTuple

from sqlalchemy import func, select

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


def size(url: str, table: str) -> int:
    """Rows in a table."""
    with closing(Database(url)) as db, db.read() as conn:
        return conn.execute(select(func.count()).select_from(t.metadata.tables[table])).scalar_one()


def learned(url: str) -> tuple[int, int]:
    """Rows that entered the beliefs of all published versions, and rows that were taken out again."""
    v = t.versions.c
    with closing(Database(url)) as db, db.read() as conn:
        entered, taken_out = conn.execute(select(func.sum(v.rows_in), func.sum(v.rows_out))).one()
        return int(entered), int(taken_out)
