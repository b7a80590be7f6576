"""Changes in somebody's name: what they store names the act, and the act names whoever did it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from engagement.store.acts import By, Did, act_of, note, under
from engagement.store.kept import Kept
from engagement.workflows.once import Workflow


class Deed(NamedTuple):
    """What somebody asks for. workflow : carries out these items"""

    by: By
    workflow: Workflow
    items: Sequence[Any]


def acted(
    conn: Connection, kept: Kept, program_id: str, deeds: Sequence[Deed], now_ms: int
) -> list[Sequence[Any]]:
    """The results of each, in order; each that stores anything is an act of its own."""
    # what stands between two of them is not committed yet, so nothing of it may be remembered
    memory = kept if len(deeds) == 1 else Kept()
    out = []
    for deed in deeds:
        with under(conn, act_of(deed.by, now_ms)):
            out.append(deed.workflow(conn, memory, program_id, deed.items, now_ms))
    return out


def noted(conn: Connection, _kept: Kept, program_id: str, done: Sequence[Did], _now_ms: int) -> list[None]:
    """Keeps what was done that stores nothing itself."""
    for did in done:
        note(conn, program_id, did)
    return [None] * len(done)
