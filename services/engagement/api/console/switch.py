"""The program's switch: pausing recommendations and resuming them, with a reason, after a look."""

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.errors import Mistake
from engagement.store.kept import Kept
from engagement.strategy.setup import Switched
from engagement.workflows.crew import all_names
from engagement.workflows.personal import refusal_of
from engagement.workflows.switch import Switch, Throw, switched, throw

Why = Literal["safety", "data", "staff", "money", "event", "review", "other"]
WHYS: tuple[Why, ...] = get_args(Why)
MOST_EARLIER = 20


class SwitchPage(msgspec.Struct, frozen=True):
    """How the switch stands and stood, the newest first, and to how many groups it matters."""

    switch: Switch
    earlier: tuple[Switch, ...]
    groups: int

    @property
    def whys(self) -> tuple[Why, ...]:
        """The reasons there are."""
        return WHYS


class Asked(msgspec.Struct, frozen=True):
    """What somebody is about to do. note : in their words, "" where they had none"""

    stop: bool
    by: str
    why: Why
    note: str

    @property
    def reason(self) -> str:
        """The reason as it is stored: its code, and the words behind it."""
        return f"{self.why}: {self.note}" if self.note else self.why


class Looked(msgspec.Struct, frozen=True):
    """What came of a form: it is shown to be agreed to, or `done`, how it stands now."""

    asked: Asked
    done: Switch | None = None


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[SwitchPage]:
    """How the switch stands."""
    ((stands, *before),) = switched(conn, kept, program_id, [None], now_ms)
    groups = len(all_names(conn, program_id, "group"))
    return [SwitchPage(stands, tuple(before[:MOST_EARLIER]), groups)] * len(visits)


def take(
    conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int
) -> list[Taken | Mistake]:
    """Shows what would be, or throws the switch; where it stands so already nothing changes."""
    return [_taken(conn, kept, program_id, one, now_ms) for one in sent]


def _taken(conn: Connection, kept: Kept, program_id: str, sent: Sent, now_ms: int) -> Taken | Mistake:
    fields = {"stop": sent.said("stop") == "1", "by": sent.said("by"), "why": sent.said("why")}
    try:
        asked = msgspec.convert(fields | {"note": " ".join(sent.said("note").split())}, Asked)
        told = msgspec.convert({"by": asked.by, "why": asked.reason}, Switched)
    except msgspec.ValidationError as flaw:
        return Taken(trouble="by" if "`$.by`" in str(flaw) else "why")
    if refusal_of(told) is not None:
        return Taken(trouble="person")
    if sent.said("step") != "throw":
        return Taken(told=Looked(asked))
    (stands,) = throw(conn, kept, program_id, [Throw(asked.stop, told)], now_ms)
    return stands if isinstance(stands, Mistake) else Taken(told=Looked(asked, stands))


PAGE = ConsolePage(
    "switch", "/program/switch", read, scope="admin", audience="staff", under="program", take=take
)
