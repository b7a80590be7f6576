"""The page of a work list: what waits to be done, with buttons to say what became of each thing."""

from collections.abc import Sequence
from typing import get_args

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.api.pages.page import Opened, Page, Sent, Shown, Taken, spoken
from engagement.errors import Mistake, NotFound
from engagement.store import decisions, setup
from engagement.store.kept import Kept
from engagement.workflows.answer import Reply, answer
from engagement.workflows.worklist import WorkItem, WorkWanted, work_lists

MOST = 200
CARRIERS: tuple[str, ...] = get_args(Carrier)


class Things(msgspec.Struct, frozen=True):
    """What stands on the page."""

    items: tuple[WorkItem, ...]
    more: bool


class Answer(Reply, frozen=True, kw_only=True):
    """What a form says became of one thing."""

    decision_id: str


def may(_conn: Connection, _kept: Kept, _program_id: str, subject: str, _now_ms: int) -> None:
    """Raises NotFound where nobody has such a list."""
    if subject not in CARRIERS:
        raise NotFound(f"there is no work list for `{subject}`; there are {', '.join(CARRIERS)}")


def show(
    conn: Connection, kept: Kept, program_id: str, opened: Sequence[Opened], now_ms: int
) -> list[Shown | Mistake]:
    """The page of each link."""
    return [_shown(conn, kept, program_id, one, now_ms) for one in opened]


def _shown(conn: Connection, kept: Kept, program_id: str, opened: Opened, now_ms: int) -> Shown | Mistake:
    carrier = msgspec.convert(opened.link.subject, Carrier)
    wanted = WorkWanted("open", carrier, None, None, "", MOST, opened.link.audience)
    found = work_lists(conn, kept, program_id, [wanted], now_ms)[0]
    if isinstance(found, Mistake):
        return found
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    content = Things(found.items, found.next is not None)
    return Shown("worklist.html", spoken(opened.language, program.language), program, content)


def take(
    conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int
) -> list[Taken | Mistake]:
    """Stores what each form says became of a thing, if that stands on the link's list."""
    return [_taken(conn, kept, program_id, one, now_ms) for one in sent]


def _taken(conn: Connection, kept: Kept, program_id: str, sent: Sent, now_ms: int) -> Taken:
    first = {name: values[0] for name, values in sent.form.items() if values[0]}
    try:
        said = msgspec.convert(first, Answer)
    except msgspec.ValidationError:
        return Taken("not_understood")
    found = decisions.by_id(conn, program_id, [said.decision_id]).get(said.decision_id)
    if found is None or not _listed(conn, kept, program_id, found, sent.link.subject):
        return Taken("not_here")
    reply = Reply(said.status, said.reason)
    stood = answer(conn, kept, program_id, [(said.decision_id, reply)], now_ms)[0]
    return Taken("already") if isinstance(stood, Mistake) else Taken(place=f"d-{said.decision_id}")


def _listed(
    conn: Connection, kept: Kept, program_id: str, decision: decisions.Decision, subject: str
) -> bool:
    action = setup.catalogue(conn, kept, program_id, decision.catalogue).actions.get(decision.action_id)
    return action is not None and action.carrier == subject


PAGE = Page(scope="recommend", may=may, show=show, take=take)
