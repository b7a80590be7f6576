"""Reports that were asked for, and what they say; both as the bytes that the workflow makes of them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from engagement.store import tables as t
from engagement.store.sql import among, insert


class Asked(NamedTuple):
    """One report. answer : None until it is computed"""

    report_id: str
    wanted: bytes
    asked_at: int
    answer: bytes | None


_columns = [t.reports.c[name] for name in Asked._fields]


def insert_reports(conn: Connection, program_id: str, rows: Sequence[Asked]) -> None:
    """Stores what is wanted."""
    insert(conn, t.reports, [row._asdict() | {"program_id": program_id, "page": None} for row in rows])


def by_id(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, Asked]:
    """Reports by id; unknown ids are left out."""
    r = t.reports.c
    query = select(*_columns).where(r.program_id == program_id, among(conn, r.report_id, ids))
    return {row.report_id: Asked(*row) for row in conn.execute(query)}


def after(conn: Connection, program_id: str, last: str, limit: int) -> list[Asked]:
    """Reports in order of id, without what they say. last : the id to begin behind"""
    r = t.reports.c
    query = (
        select(*_columns)
        .where(r.program_id == program_id, r.report_id > last)
        .order_by(r.report_id)
        .limit(limit)
    )
    return [Asked(*row) for row in conn.execute(query)]


def answer(conn: Connection, program_id: str, report_id: str, body: bytes, page: bytes | None) -> None:
    """Stores what a report says, and the same as a page, where it says nothing yet."""
    r = t.reports.c
    conn.execute(
        t.reports.update()
        .where(r.program_id == program_id, r.report_id == report_id, r.answer.is_(None))
        .values(answer=body, page=page)
    )


def page_of(conn: Connection, program_id: str, report_id: str) -> bytes | None:
    """The page of a report, None where there is none."""
    r = t.reports.c
    return conn.execute(
        select(r.page).where(r.program_id == program_id, r.report_id == report_id)
    ).scalar_one_or_none()
