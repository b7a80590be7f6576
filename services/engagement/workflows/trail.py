"""What was changed, when and by whom: read from the ledger, the newest first.

By whom is what the row's act says, which the row itself names: whose key, which page of the console, which
command. Of the program's switch the role and the reason are kept as well, and of an amendment its reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Forbidden, Mistake
from engagement.signals.signal import Audience, may_see
from engagement.store import trail as rows
from engagement.store.acts import Way
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun, noun_of
from engagement.store.trail import Count, KeyStep, Revision, Span
from engagement.strategy.setup import Program
from engagement.strategy.trial import Trial
from engagement.workflows.tell import moment

READER: Audience = "staff"
SHORT = 60
NAMED = 5
"""Of new things of one noun at one moment so many are named, and all are counted."""
NEAR_MS = 60_000
"""Parts of one register are stored so close to each other."""
MUTED = frozenset({"stopped", "switched", "amendments"})
"""Fields that an entry of their own tells of."""
Did = Literal[
    "new", "changed", "stopped", "resumed", "amended", "promoted", "seated", "linked", "merged", "register",
    "visits_moved", "planned", "key_made", "key_revoked", "erased", "exported", "imported",
    "restored",
]  # fmt: skip


COUNTED: Mapping[str, tuple[Did, str]] = MappingProxyType(
    {
        "membership": ("seated", "member"),
        "link": ("linked", "link"),
        "merge": ("merged", "member"),
        "register": ("register", "report"),
        "visits": ("visits_moved", "visit"),
        "plan": ("planned", "plan"),
    }
)
"""What was done, and of what, by what is counted."""
NOUN_OF: Mapping[Did, str] = MappingProxyType(
    {"erased": "member", "exported": "sheet", "imported": "program", "restored": "program"}
)
"""Of what, by what acts alone tell."""


class Field(msgspec.Struct, frozen=True):
    """A field that was changed. was, now : as JSON where both are short, else null"""

    name: str
    was: str | None = None
    now: str | None = None


class Who(msgspec.Struct, frozen=True):
    """Who did something: with which key, or none at the command line, and by which way.

    operation : of the API its name, of the console the page's, of a command its words
    """

    way: Way
    key: str | None
    operation: str


class Entry(msgspec.Struct, frozen=True):
    """One thing that was done.

    noun : of what, as in the set-up      ids : of which, the first of `count`
    how : the reason of seats, the relation of links, the week of a plan, the scopes of a key
    by, why : of the switch the role and the reason, of an amendment the reason; null where none is kept
    who : null where it is not kept, as of all that was done before it was, and of what nobody asked for
    """

    at: datetime
    did: Did
    noun: str
    count: int = 1
    ids: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    how: str = ""
    by: str | None = None
    why: str | None = None
    who: Who | None = None


class Trail(msgspec.Struct, frozen=True):
    """A part of the trail, the newest first. before : go on with what was before this; null at the end"""

    entries: tuple[Entry, ...]
    before: datetime | None


class TrailWanted(NamedTuple):
    """Which part. before_ms : what was earlier than this      moments : so many transactions at most"""

    audience: Audience
    before_ms: int
    moments: int = 50


def trails(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[TrailWanted], _now_ms: int
) -> list[Trail | Mistake]:
    """The part of the trail that each asks for; it is for staff. A constant number of statements."""
    return [_trail(conn, program_id, one) for one in wanted]


def _trail(conn: Connection, program_id: str, wanted: TrailWanted) -> Trail | Mistake:
    if not may_see(wanted.audience, READER):
        return Forbidden("the audit trail is for staff")
    found = rows.moments(conn, program_id, wanted.before_ms, wanted.moments + 1)
    shown = found[: wanted.moments]
    if not shown:
        return Trail((), None)
    span = Span(shown[-1], shown[0] + 1)
    revisions, counts = rows.revisions(conn, program_id, span), rows.counts(conn, program_id, span)
    steps, deeds = rows.key_steps(conn, program_id, span), rows.deeds(conn, program_id, span)
    acts = {
        row.act_id for some in (revisions, counts, steps, deeds) for row in some if row.act_id is not None
    }
    who = {act_id: Who(*by) for act_id, by in rows.who(conn, program_id, acts).items()}
    told = [
        *_of_revisions(revisions, rows.promoted(conn, program_id, span)),
        *((count.act_id, _of_count(count)) for count in counts),
        *((step.act_id, _of_step(step)) for step in steps),
        *((deed.act_id, Entry(moment(deed.at), deed.did, NOUN_OF[deed.did])) for deed in deeds),
    ]
    entries = [msgspec.structs.replace(entry, who=who.get(act_id or "")) for act_id, entry in told]
    newest_first = sorted(entries, key=lambda entry: entry.at, reverse=True)
    return Trail(tuple(_joined(newest_first)), moment(span.from_ms) if len(found) > len(shown) else None)


def _of_step(step: KeyStep) -> Entry:
    did: Did = "key_made" if step.step == "made" else "key_revoked"
    return Entry(moment(step.at), did, "key", 1, (step.key_id,), how=f"{step.scopes}, {step.audience}")


def _of_revisions(
    found: Iterable[Revision], promoted: set[tuple[str, int]]
) -> Iterator[tuple[str | None, Entry]]:
    """Entries of the set-up with their acts; new things of one noun and act together: a file brings many."""
    alike = groupby(found, key=lambda row: (row.at, row.act_id, row.noun, row.before is None))
    for (at_ms, act_id, noun, new), some in alike:
        same = list(some)
        at = moment(at_ms)
        if new:
            yield act_id, Entry(at, "new", noun, len(same), tuple(row.id for row in same[:NAMED]))
        for row in same:
            if row.before is not None and noun == "strategy" and (row.id, row.revision) in promoted:
                yield act_id, Entry(at, "promoted", noun, 1, (row.id,))
            elif row.before is not None:
                yield from ((act_id, entry) for entry in _of_change(at, row, row.before))


def _of_change(at: datetime, row: Revision, before: AnyNoun) -> Iterator[Entry]:
    thing = row.thing
    if isinstance(thing, Program) and isinstance(before, Program) and thing.stopped != before.stopped:
        told = thing.switched
        by, why = (None, None) if told is None else (told.by, told.why)
        yield Entry(at, "stopped" if thing.stopped else "resumed", "program", by=by, why=why)
    if isinstance(thing, Trial) and isinstance(before, Trial):
        for added in thing.amendments[len(before.amendments) :]:
            yield Entry(at, "amended", "trial", 1, (row.id,), why=added.why)
    fields = tuple(differences(before, thing))
    if fields:
        yield Entry(at, "changed", row.noun, 1, (row.id,), fields)


def differences(before: AnyNoun, after: AnyNoun) -> Iterator[Field]:
    """The fields in which two revisions of a thing differ, in their order."""
    if type(before) is not type(after):
        yield Field("kind", noun_of(before), noun_of(after))
        return
    for name in after.__struct_fields__:
        was, now = getattr(before, name), getattr(after, name)
        if was != now and name not in MUTED:
            told = [msgspec.json.encode(value).decode() for value in (was, now)]
            yield Field(name, *told) if sum(map(len, told)) <= 2 * SHORT else Field(name)


def _of_count(found: Count) -> Entry:
    at, what, how = moment(found.at), found.what, found.how
    if what in rows.OF_MANY:
        return Entry(at, "new" if how == "new" else "changed", what, found.many)
    did, noun = COUNTED[what]
    return Entry(at, did, noun, found.many, how=how)


def _joined(newest_first: Iterable[Entry]) -> Iterator[Entry]:
    """Parts of one register by one hand as one entry, under the moment of the last of them."""
    waiting: Entry | None = None
    for entry in newest_first:
        if waiting is not None and entry.did == "register" and _near(waiting, entry):
            waiting = msgspec.structs.replace(waiting, count=waiting.count + entry.count)
            continue
        if waiting is not None:
            yield waiting
        waiting = entry if entry.did == "register" else None
        if waiting is None:
            yield entry
    if waiting is not None:
        yield waiting


def _near(later: Entry, earlier: Entry) -> bool:
    return later.who == earlier.who and (later.at - earlier.at).total_seconds() * 1000 <= NEAR_MS
