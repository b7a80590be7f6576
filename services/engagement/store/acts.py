"""Who did what: the acts that rows were stored under.

A transaction says who acts, as it says whose program it is (`store.wall`). From then on every row that
`sql.insert` stores into a table with a column `act_id` names the act, and the act is stored before the first
of them: where nothing is stored, because the request was refused or is so already, there is no act.
A transaction that says nothing, such as one of recommendations or of what apps report, stores none.

An act names no person, and nobody's device: whose key is known by the key's id, whom it was about by the
rows that refer to it, which go when a person is erased.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from engagement.store import tables as t
from engagement.store.identifiers import uuid7
from engagement.store.sql import ACTING, Row, insert, insert_new

Way = Literal["key", "console", "command"]
"""How it was done: by a request with a key, in a session of the console, at the command line."""
Did = Literal["erased", "exported", "imported", "restored"]
"""What no row tells by itself."""


class By(NamedTuple):
    """Who does it, and what it is called.

    key_id : of the key, or of the one that the session was opened with; None at the command line
    operation : of the API its name, of the console the page's, of a command its words
    """

    way: Way
    key_id: str | None
    operation: str


class Act(NamedTuple):
    """An act that is stored with the first row that needs it."""

    by: By
    act_id: str
    now_ms: int

    def __call__(self, conn: Connection, program_id: str) -> str:
        """The act's id. It is stored by now, once, whatever was taken back meanwhile."""
        insert_new(conn, t.acts, [self._row(program_id, self.act_id, None)])
        return self.act_id

    def note(self, conn: Connection, program_id: str, did: Did) -> None:
        """Stores an act of its own for what no row tells."""
        insert(conn, t.acts, [self._row(program_id, uuid7(self.now_ms), did)])

    def _row(self, program_id: str, act_id: str, did: Did | None) -> Row:
        row = {"program_id": program_id, "act_id": act_id, "recorded_at": self.now_ms, "did": did}
        return row | self.by._asdict()


def act_of(by: By, now_ms: int) -> Act:
    """A new act."""
    return Act(by, uuid7(now_ms), now_ms)


@contextmanager
def under(conn: Connection, act: Act | None) -> Iterator[None]:
    """Meanwhile rows are stored under this act; under none where it is None."""
    before = conn.get_execution_options().get(ACTING)
    conn.execution_options(**{ACTING: act})
    try:
        yield
    finally:
        conn.execution_options(**{ACTING: before})


def note(conn: Connection, program_id: str, did: Did) -> None:
    """Stores what no row tells, where the transaction says who acts."""
    act: Act | None = conn.get_execution_options().get(ACTING)
    if act is not None:
        act.note(conn, program_id, did)


def current(conn: Connection, program_id: str) -> str | None:
    """The id of the act that goes on, which is stored by now; None where nobody is said to act."""
    act: Act | None = conn.get_execution_options().get(ACTING)
    return None if act is None else act(conn, program_id)
