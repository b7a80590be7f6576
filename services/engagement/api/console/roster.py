"""The roster: a sheet of groups, members and seats, looked at line by line before it is stored."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.api.console.uploaded import MOST_BYTES, MOST_FORM, opener, told
from engagement.store.kept import Kept
from engagement.workflows.roster import COLUMNS, NEEDED
from engagement.workflows.sheet_file import opened
from engagement.workflows.uploads import upload_rosters


class RosterPage(msgspec.Struct, frozen=True):
    """What a roster may hold."""

    columns: Mapping[str, str]
    needed: tuple[str, ...]
    most_kib: int


SHOWN = RosterPage(COLUMNS, NEEDED, MOST_BYTES // 1024)


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[RosterPage]:
    """The same for everybody."""
    return [SHOWN] * len(visits)


def take(conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int) -> list[Taken]:
    """What each roster does, or did."""
    return [
        told(
            one,
            lambda upload: upload_rosters(conn, kept, program_id, [upload], now_ms)[0],
            lambda tried: tried.stored,
        )
        for one in sent
    ]


PAGE = ConsolePage(
    "roster",
    "/program/roster",
    read,
    scope="admin",
    audience="staff",
    under="program",
    take=take,
    most_bytes=MOST_FORM,
    prepare=opener(opened),
)
