"""The paper register: a sheet of meetings, looked at line by line before it is stored."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.api.console.uploaded import MOST_BYTES, MOST_FORM, opener, told
from engagement.store.kept import Kept
from engagement.workflows.register import COLUMNS, NEEDED, Layout
from engagement.workflows.sheet_file import opened
from engagement.workflows.uploads import MOST_REPORTS, upload_registers


class RegisterPage(msgspec.Struct, frozen=True):
    """What a register may hold, by layout."""

    columns: Mapping[Layout, Mapping[str, str]]
    needed: Mapping[Layout, tuple[str, ...]]
    most_kib: int
    most_reports: int


SHOWN = RegisterPage(COLUMNS, NEEDED, MOST_BYTES // 1024, MOST_REPORTS)


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[RegisterPage]:
    """The same for everybody."""
    return [SHOWN] * len(visits)


def take(conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int) -> list[Taken]:
    """What each register tells, or told."""
    return [
        told(
            one,
            lambda upload: upload_registers(conn, kept, program_id, [upload], now_ms)[0],
            lambda tried: tried.stored,
        )
        for one in sent
    ]


PAGE = ConsolePage(
    "register",
    "/program/register",
    read,
    scope="signals",
    audience="staff",
    under="program",
    take=take,
    most_bytes=MOST_FORM,
    prepare=opener(opened),
)
