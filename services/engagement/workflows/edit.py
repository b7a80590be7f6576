"""Changes to the set-up that hold only while a thing stands as its author has read it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from engagement.errors import Mistake, PreconditionFailed
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun, Revised
from engagement.workflows.revise import revise

Revisions = frozenset[int] | Literal["any"]
"""Numbers of revisions, or whichever there is."""


class Condition(NamedTuple):
    """What must be so for a change to be made. None: it does not matter.

    among : the newest revision is one of these      not_among : it is none of these, or there is none yet
    """

    among: Revisions | None = None
    not_among: Revisions | None = None

    def flaw(self, revision: int | None) -> str | None:
        """Why the condition is not met by the newest revision, None for none yet; None when it is met."""
        stands = "it does not exist yet" if revision is None else f"it stands at revision {revision}"
        if self.among is not None and not _one_of(revision, self.among):
            return f"{stands}, which is not what `If-Match` asks for"
        if self.not_among is not None and _one_of(revision, self.not_among):
            return f"{stands}, which `If-None-Match` rules out"
        return None


def _one_of(revision: int | None, named: Revisions) -> bool:
    return revision is not None and (named == "any" or revision in named)


class Edit(NamedTuple):
    """A thing as it is to be, and on which condition."""

    thing: AnyNoun
    condition: Condition


def edit(
    conn: Connection, kept: Kept, program_id: str, edits: Sequence[Edit], now_ms: int
) -> list[Revised | Mistake]:
    """Stores changes in the order given; each gets its revision or its own error."""
    if all(one.condition == Condition() for one in edits):
        return revise(conn, kept, program_id, [one.thing for one in edits], now_ms)
    # One after the other: of two who have read the same revision only the first may prevail. What stands
    # between two of them is not committed yet, so nothing of it may be remembered.
    memory = kept if len(edits) == 1 else Kept()
    return [_edited(conn, memory, program_id, one, now_ms) for one in edits]


def _edited(conn: Connection, kept: Kept, program_id: str, one: Edit, now_ms: int) -> Revised | Mistake:
    noun, name = setup.noun_of(one.thing), one.thing.id
    newest = setup.newest(conn, program_id, noun, [name]).get(name)
    flaw = one.condition.flaw(newest.revision if newest else None)
    if flaw is not None:
        return PreconditionFailed(f"{noun.replace('_', ' ')} `{name}` was not changed: {flaw}")
    return revise(conn, kept, program_id, [one.thing], now_ms)[0]
