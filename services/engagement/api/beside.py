"""Readings that take longer than a lane allows: made beside the lanes, one after the other."""

import asyncio
from typing import Any

from sqlalchemy.exc import OperationalError

from engagement.api.desk import Work
from engagement.clock import Clock
from engagement.errors import EngagementError, Overloaded, Unavailable
from engagement.store.database import Database
from engagement.store.kept import Kept

MOST_WAITING = 8
"""Who comes later is asked to come again."""


class Beside:
    """Reads with a connection of its own, in a thread that the lanes do without."""

    def __init__(self, db: Database, kept: Kept, clock: Clock) -> None:
        self._db = db
        self._kept = kept
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def ask(self, work: Work, item: Any) -> Any:
        """The result of a workflow that only reads; raises it when it is an error."""
        if self._waiting >= MOST_WAITING:
            raise Overloaded("others are being answered first")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._read, work, item)
        except OperationalError as error:
            raise Unavailable(Unavailable.title()) from error
        finally:
            self._waiting -= 1

    def _read(self, work: Work, item: Any) -> Any:
        with self._db.read(work.program_id) as conn:
            [result] = work.workflow(conn, self._kept, work.program_id, [item], self._clock.now_ms())
        if isinstance(result, EngagementError):
            raise result
        return result
