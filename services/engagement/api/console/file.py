"""The program file: checked line by line, told as the changes it makes, loaded by one button."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.api.console.uploaded import MOST_BYTES, MOST_FORM, opener, told
from engagement.errors import Invalid
from engagement.store.kept import Kept
from engagement.workflows.program_file import ProgramFile, read_program
from engagement.workflows.uploads import upload_programs


class FilePage(msgspec.Struct, frozen=True):
    """How large a file may be."""

    most_kib: int


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[FilePage]:
    """The same for everybody."""
    return [FilePage(MOST_BYTES // 1024)] * len(visits)


def opened(content: bytes) -> ProgramFile:
    """A program file from its bytes."""
    try:
        return read_program(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid("the file is no text in UTF-8; a program file is") from None


def take(conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int) -> list[Taken]:
    """What each file does, or did."""
    return [
        told(
            one,
            lambda upload: upload_programs(conn, kept, program_id, [upload], now_ms)[0],
            lambda found: found.tried is not None and found.tried.stored,
        )
        for one in sent
    ]


PAGE = ConsolePage(
    "file",
    "/program/file",
    read,
    scope="admin",
    audience="staff",
    under="program",
    take=take,
    most_bytes=MOST_FORM,
    prepare=opener(opened),
)
