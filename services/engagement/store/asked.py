"""What is asked for and computed beside the lanes: evaluations of other strategies, and reports.

What is wanted and what was answered are the bytes that a workflow makes of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, select

from engagement.store import tables as t
from engagement.store.sql import among, insert


class Asked(NamedTuple):
    """One thing that was asked for. answer : None until it is computed"""

    name: str
    wanted: bytes
    asked_at: int
    answer: bytes | None


class Shelf:
    """Where one kind of it is kept. name, wanted : the columns of its id and of what is wanted"""

    def __init__(self, table: Table, name: Column[str], wanted: Column[bytes]) -> None:
        self._table = table
        self._name = name
        self._columns = (name, wanted, table.c.asked_at, table.c.answer)

    def insert(self, conn: Connection, program_id: str, rows: Sequence[Asked]) -> None:
        """Stores what is wanted."""
        names = [column.name for column in self._columns]
        insert(conn, self._table, [dict(zip(names, row, strict=True), program_id=program_id) for row in rows])

    def by_id(self, conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, Asked]:
        """By id; unknown ids are left out."""
        mine = self._table.c.program_id == program_id
        query = select(*self._columns).where(mine, among(conn, self._name, ids))
        return {row[0]: Asked(*row) for row in conn.execute(query)}

    def after(self, conn: Connection, program_id: str, last: str, limit: int) -> list[Asked]:
        """In order of id. last : the id to begin behind"""
        mine = self._table.c.program_id == program_id
        query = select(*self._columns).where(mine, self._name > last).order_by(self._name).limit(limit)
        return [Asked(*row) for row in conn.execute(query)]

    def answer(
        self, conn: Connection, program_id: str, name: str, body: bytes, page: bytes | None = None
    ) -> None:
        """Stores the answer of what has none yet. page : the same to be read, where this kind has pages"""
        told = {"answer": body} if page is None else {"answer": body, "page": page}
        conn.execute(
            self._table.update()
            .where(
                self._table.c.program_id == program_id,
                self._name == name,
                self._table.c.answer.is_(None),
            )
            .values(told)
        )


EVALUATIONS = Shelf(t.evaluations, t.evaluations.c.evaluation_id, t.evaluations.c.question)
REPORTS = Shelf(t.reports, t.reports.c.report_id, t.reports.c.wanted)


def page_of(conn: Connection, program_id: str, name: str) -> bytes | None:
    """The page of a report, None where there is none."""
    r = t.reports.c
    return conn.execute(
        select(r.page).where(r.program_id == program_id, r.report_id == name)
    ).scalar_one_or_none()
