"""The program's stop switch: one call, and nothing is recommended to anybody; signals are taken as ever.

Who threw it, why and when stands in the program's revisions. A change of the set-up may stop a program but
never switch it on, because whoever sends one may have read the program before it was stopped.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id, Text
from engagement.errors import Mistake
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.setup import Program, Switched
from engagement.workflows.personal import refusal_of
from engagement.workflows.tell import moment


class Throw(NamedTuple):
    """A wish to have the switch so. stopped : nothing more is to be recommended"""

    stopped: bool
    switched: Switched


class Switch(msgspec.Struct, frozen=True):
    """How the switch was thrown, and when.

    by, why : null where the set-up stopped the program, or the program began so
    """

    stopped: bool
    by: Id | None
    why: Text | None
    at: datetime


def throw(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Throw], now_ms: int
) -> list[Switch | Mistake]:
    """Throws the switch in the order given, and says how it stands; where it stood so already, since when."""
    out: list[Switch | Mistake] = []
    for wish in wanted:
        identifying = refusal_of(wish.switched)
        if identifying is not None:
            out.append(identifying)
            continue
        program = _program(conn, kept, program_id)
        if program.stopped != wish.stopped:
            thrown = msgspec.structs.replace(program, stopped=wish.stopped, switched=wish.switched)
            setup.revise(conn, program_id, [thrown], now_ms)
        out.append(_thrown(conn, kept, program_id)[-1])
    return out


def switched(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[None], _now_ms: int
) -> list[tuple[Switch, ...]]:
    """How the switch stands, and how it stood before, the newest first."""
    return [tuple(reversed(_thrown(conn, kept, program_id))) for _ in wanted]


def _program(conn: Connection, kept: Kept, program_id: str) -> Program:
    return setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program


def _thrown(conn: Connection, kept: Kept, program_id: str) -> list[Switch]:
    """How the program began, and each time its switch was thrown, in order."""
    name = _program(conn, kept, program_id).id
    out: list[Switch] = []
    for program, at_ms in setup.history(conn, program_id, "program", [name])[name]:
        if isinstance(program, Program) and (not out or out[-1].stopped != program.stopped):
            told = program.switched
            by, why = (None, None) if told is None else (told.by, told.why)
            out.append(Switch(program.stopped, by, why, moment(at_ms)))
    return out
