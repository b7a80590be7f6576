"""The first page: which groups are fading, and why."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.store.kept import Kept
from engagement.workflows.states import CUT, GroupState, look


class Standing(msgspec.Struct, frozen=True):
    """A group and how it stands."""

    group: str
    state: GroupState


class Groups(msgspec.Struct, frozen=True):
    """The groups of a program."""

    groups: tuple[Standing, ...]


def read(conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int) -> list[Groups]:
    """How the groups stand."""
    found = look(conn, kept, program_id, "", CUT, "any", now_ms).found
    seen = Groups(tuple(Standing(row.thing.id, state) for row, state in found))
    return [seen] * len(visits)


PAGE = ConsolePage("groups", "", read, menu=True)
