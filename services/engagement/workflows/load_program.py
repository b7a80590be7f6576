"""A program file is loaded: a new program, or revisions of one where the file says something else.

Loading it again changes nothing. What the file no longer has stays, and is named with how to end it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import EngagementError, Invalid, Mistake
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun, noun_of
from engagement.store.wall import enter
from engagement.strategy.setup import Link
from engagement.workflows.link import Linking, link
from engagement.workflows.program import Template, create_program
from engagement.workflows.program_file import Linked, ProgramFile
from engagement.workflows.revise import revise

MOST = 100_000
SHORT = 40
RETIRING: Mapping[str, str] = {
    "site": "give it an `ends_on`",
    "budget": "give it `limit_minor = 0`, or its payer's actions a `payer_until`",
    "action": "write `retired = true`",
    "strategy": "write `paused = true`",
    "health_worker": "write `hours_a_week = 0.0`",
    "trial": "write `ended = true`",
}
"""How each noun that a file may leave out is ended; nothing is ever deleted."""


class Change(NamedTuple):
    """One thing that the file creates or changes. fields : what they were and are, empty for a new thing"""

    noun: str
    id: str
    new: bool
    fields: tuple[str, ...] = ()

    def told(self) -> str:
        """One line."""
        name = f"{self.noun.replace('_', ' ')} `{self.id}`"
        return f"new      {name}" if self.new else f"changed  {name}: {'; '.join(self.fields)}"


class Gone(NamedTuple):
    """Something that the program has and the file has not."""

    noun: str
    id: str

    def told(self) -> str:
        """One line, with what ends it."""
        name = f"{self.noun.replace('_', ' ')} `{self.id}`"
        return f"kept     {name} is not in the file; to end it, {RETIRING[self.noun]}"


class Loaded(NamedTuple):
    """What loading did, or would do."""

    program_id: str
    created: bool
    changes: tuple[Change, ...]
    gone: tuple[Gone, ...]
    unchanged: int


def load_program(
    conn: Connection, kept: Kept, file: ProgramFile, now_ms: int, *, program_id: str | None = None
) -> Loaded:
    """Brings a program to what a sound file says, all of it or, raising the mistake, nothing.

    program_id : which program; when absent the one whose set-up has the id of the file's, or a new one
    """
    plan = file.plan
    if plan is None:
        raise Invalid("the program file has mistakes")
    known = program_id or _known_as(conn, kept, plan.program.id)
    if known is None:
        made = create_program(conn, kept, plan, now_ms)
        links = _link(conn, kept, made, file.links, now_ms)
        new = [Change(noun_of(thing), thing.id, new=True) for thing in plan.things()]
        return Loaded(made, created=True, changes=(*new, *links), gone=(), unchanged=0)
    enter(conn, known)
    plan = _still_stopped(conn, kept, known, plan)
    things = plan.things()
    before = _before(conn, known, things)
    different = [thing for thing in things if before.get((noun_of(thing), thing.id)) != thing]
    for result in revise(conn, kept, known, different, now_ms):
        if isinstance(result, EngagementError):
            raise result
    links = _link(conn, kept, known, file.links, now_ms)
    changes = [_change(thing, before.get((noun_of(thing), thing.id))) for thing in different]
    gone = _gone(conn, kept, known, plan)
    return Loaded(
        known, created=False, changes=(*changes, *links), gone=gone, unchanged=len(things) - len(different)
    )


def _known_as(conn: Connection, kept: Kept, name: str) -> str | None:
    """The program whose set-up goes by this id."""
    found = []
    for program_id in setup.program_ids(conn):
        enter(conn, program_id)
        program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
        if program.id == name:
            found.append(program_id)
    if len(found) > 1:
        raise Invalid(
            f"{len(found)} programs go by the id `{name}`; say which one with --program "
            "(see `engagement program list`)"
        )
    return found[0] if found else None


def _still_stopped(conn: Connection, kept: Kept, program_id: str, plan: Template) -> Template:
    """A file does not throw the program's switch."""
    now = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    program = msgspec.structs.replace(plan.program, stopped=now.stopped, switched=now.switched)
    return msgspec.structs.replace(plan, program=program)


def _before(conn: Connection, program_id: str, things: Sequence[AnyNoun]) -> dict[tuple[str, str], AnyNoun]:
    names: dict[str, list[str]] = {}
    for thing in things:
        names.setdefault(noun_of(thing), []).append(thing.id)
    return {
        (noun, name): revised.thing
        for noun, ids in names.items()
        for name, revised in setup.newest(conn, program_id, noun, ids).items()
    }


def _link(
    conn: Connection, kept: Kept, program_id: str, links: Sequence[Linked], now_ms: int
) -> list[Change]:
    asked = [
        Linking(
            "health_worker",
            one.health_worker,
            Link(relation="catchment", starts_on=one.starts_on, to=one.catchment),
        )
        for one in links
    ]
    out: list[Change] = []
    for one, seen in zip(links, link(conn, kept, program_id, asked, now_ms), strict=True):
        if isinstance(seen, Mistake):
            raise seen
        if seen.changed:
            said = f"works in `{one.catchment}` from {one.starts_on} on"
            out.append(Change("health_worker", one.health_worker, new=False, fields=(said,)))
    return out


def _change(thing: AnyNoun, before: AnyNoun | None) -> Change:
    if before is None:
        return Change(noun_of(thing), thing.id, new=True)
    if type(before) is not type(thing):
        return Change(noun_of(thing), thing.id, new=False, fields=("kind",))
    pairs = ((name, getattr(before, name), getattr(thing, name)) for name in thing.__struct_fields__)
    fields = tuple(_difference(*pair) for pair in pairs if pair[1] != pair[2])
    return Change(noun_of(thing), thing.id, new=False, fields=fields)


def _difference(name: str, was: object, is_now: object) -> str:
    """A field with what it was and is, where that is short."""
    before, after = (msgspec.json.encode(value).decode() for value in (was, is_now))
    return f"{name} {before} → {after}" if len(before) + len(after) <= 2 * SHORT else name


def _gone(conn: Connection, kept: Kept, program_id: str, plan: Template) -> tuple[Gone, ...]:
    """What the program has and the file has not, where only files and programmers make it."""
    here = {(noun_of(thing), thing.id) for thing in plan.things()}
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    workers = setup.page(conn, program_id, "health_worker", "", MOST) if plan.health_workers else []
    there = [
        *(("site", name) for name, site in catalogue.sites.items() if site.ends_on is None),
        *(("budget", name) for name, budget in catalogue.budgets.items() if budget.limit_minor),
        *(("action", name) for name, action in catalogue.actions.items() if not action.retired),
        *(("strategy", name) for name, strategy in catalogue.strategies.items() if not strategy.paused),
        *(("trial", name) for name, trial in catalogue.trials.items() if not trial.ended),
        *(("health_worker", row.thing.id) for row in workers if getattr(row.thing, "hours_a_week", 0)),
    ]
    return tuple(Gone(*key) for key in there if key not in here)
