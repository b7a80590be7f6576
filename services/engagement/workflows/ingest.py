"""Signals arrive: checked, stored once, and in the same transaction brought into the tallies.

A replayed (source, id) with the same content is acknowledged and changes nothing; with other
content it is an error for that signal alone. Late signals revise the outcomes they bear on.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.signals import tally
from engagement.signals.catalogue import BY_KIND, admitted
from engagement.signals.corrections import Key
from engagement.signals.leaving import DIED, LEFT, MOVED, STOPPED_MESSAGES
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.signal import Level, Reporter
from engagement.signals.tally import Event
from engagement.store import decisions, merges, setup, signals, units
from engagement.store.kept import Kept
from engagement.store.merges import Merged
from engagement.store.setup import Seated
from engagement.store.signals import Recorded
from engagement.store.units import Unit
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Member, Membership
from engagement.workflows.mature import revise_outcomes
from engagement.workflows.personal import refusal
from engagement.workflows.tallies import event, key, kin, retally, target

AHEAD_MS = 10 * 60 * 1000
"""How far ahead of the service's clock a signal's time may be."""
EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

SILENCING = frozenset({STOPPED_MESSAGES.kind, DIED.kind})
"""Reports after which a member gets no messages."""
ENDING: dict[str, Literal["left", "moved", "died"]] = {
    LEFT.kind: "left",
    MOVED.kind: "moved",
    DIED.kind: "died",
}
"""Reports that end a membership → the reason it is stored with."""

EventId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,128}(?!\n)$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Number = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,31}(?!\n)$")]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something observed about one member or one group.

    source, id : together name the report for ever; sending it again changes nothing
    value : as the catalogue says for the kind, a choice by its word or its number; null only to take back
    what `corrects` names
    chain : the caller's id of the one goal, topic or case that several reports are about
    corrects : id of the report this one replaces, of the same source unless `corrects_source` is given
    """

    source: Id
    id: EventId
    kind: str
    member: Id | None = None
    group: Id | None = None
    value: Number | Word | None = 1
    occurred_at: Moment
    reported_by: Reporter = "system"
    chain: Id | None = None
    corrects: EventId | None = None
    corrects_source: Id | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What became of a signal: `stored`, or `repeated` when it was known already."""

    source: str
    id: str
    status: Literal["stored", "repeated"]


def ingest(
    conn: Connection, kept: Kept, program_id: str, reports: Sequence[Signal], now_ms: int
) -> list[Receipt | Mistake]:
    """Stores signals; each gets its receipt or its own error, and one error harms no other."""
    answers: list[Receipt | Mistake | None] = [flaw_of(report, now_ms) for report in reports]
    sound = [report for report, flaw in zip(reports, answers, strict=True) if flaw is None]
    if not sound:
        return [answer for answer in answers if answer is not None]
    zone = _zone(conn, kept, program_id)
    members = sorted({report.member for report in sound if report.member is not None})
    held = units.lock_tallies(conn, program_id, "member", members)
    persons = merges.merged(conn, program_id, members)
    keeping = sorted({persons[name].into for name in members if name in persons}.difference(members))
    if keeping:  # known only under the lock of who was merged into them
        held |= units.lock_tallies(conn, program_id, "member", keeping)
    seats = setup.memberships_of(conn, program_id, [*members, *keeping])
    rows = [_row(report, persons, _place(report, persons, seats, zone), now_ms) for report in sound]
    known = _kin(conn, program_id, rows)
    groups = sorted({row.group_id for row in [*rows, *known.values()] if row.group_id is not None})
    held_groups = units.lock_tallies(conn, program_id, "group", groups)
    if any(row.unit_kind == "group" for row in rows):
        known = _kin(conn, program_id, rows)  # a group's signals stand still only under its own lock
    corrections: dict[Key | None, list[Recorded]] = defaultdict(list)
    for row in known.values():
        corrections[target(row)].append(row)
    fresh: list[Recorded] = []
    as_told: list[Recorded] = []  # under the ids that were named
    settled = zip(sound, rows, strict=True)
    for place, flaw in enumerate(answers):
        if flaw is not None:
            continue
        report, row = next(settled)
        present = row.unit_id in (held if row.unit_kind == "member" else held_groups)
        answer = answers[place] = _settle(row, known, corrections, present=present)
        if isinstance(answer, Receipt) and answer.status == "stored":
            known[key(row)] = row
            corrections[target(row)].append(row)
            fresh.append(row)
            as_told.append(row._replace(unit_id=report.member or row.unit_id))
    signals.insert_signals(conn, program_id, sorted(as_told, key=key))
    _bring_up_to_date(conn, program_id, fresh, known, {"member": held, "group": held_groups})
    _heed(conn, program_id, fresh, seats, zone, now_ms)
    _revise_late(conn, kept, program_id, fresh, known, persons, now_ms)
    return [answer for answer in answers if answer is not None]


def flaw_of(report: Signal, now_ms: int) -> Mistake | None:
    """What is wrong with a report on its own."""
    amiss = _contradiction(report) or _out_of_time(report.occurred_at, now_ms)
    if amiss is not None:
        return Invalid(amiss)
    identifying = (
        refusal("source", report.source) or refusal("id", report.id) or refusal("chain", report.chain)
    )
    if identifying is not None:
        return identifying
    try:
        signal = BY_KIND.get(report.kind)
        taken_back = signal is not None and report.value is None
        value = signal.low if signal is not None and taken_back else report.value or 0
        level: Level = "group" if report.member is None else "member"
        admitted(report.kind, level, value, report.reported_by, chained=report.chain is not None)
    except Invalid as flaw:
        return flaw
    return None


def _contradiction(report: Signal) -> str | None:
    """Which of a report's fields do not go together."""
    if (report.member is None) == (report.group is None):
        return "a signal is about one member or one group: give `member` or `group`"
    if report.corrects is not None:
        itself = report.corrects == report.id and report.corrects_source in (None, report.source)
        return "a report cannot correct itself" if itself else None
    if report.value is None:
        return "`value` may be null only when `corrects` names the report to take back"
    if report.corrects_source is not None:
        return "`corrects_source` needs `corrects`"
    return None


def _out_of_time(moment: datetime, now_ms: int) -> str | None:
    if moment < EARLIEST:
        return "`occurred_at` lies before the year 2000"
    if milliseconds(moment) > now_ms + AHEAD_MS:
        return "`occurred_at` lies more than ten minutes ahead of the service's clock"
    return None


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """An aware moment as milliseconds since the epoch, without a detour through floats."""
    return (moment - EPOCH) // MILLISECOND


def _zone(conn: Connection, kept: Kept, program_id: str) -> str:
    revision = setup.catalogue_revision(conn, program_id)
    return setup.catalogue(conn, kept, program_id, revision).program.time_zone


def _place(
    report: Signal, persons: Mapping[str, Merged], seats: dict[str, list[Seated]], zone: str
) -> str | None:
    """The group a report belongs to: named, or the one the member sat in last on that day.

    Who was merged into another sat in their own group until then, and where the other sits from then on.

    Who comes after having left counts where they last sat, so that it does not matter which is heard first.
    """
    if report.member is None:
        return report.group
    day = local_date(milliseconds(report.occurred_at), zone)
    merge = persons.get(report.member)
    name = report.member if merge is None or day < merge.starts_on else merge.into
    past = [seat.group for seat in seats.get(name, ()) if seat.group and seat.starts_on <= day]
    return past[-1] if past else None


def _row(report: Signal, persons: Mapping[str, Merged], group: str | None, now_ms: int) -> Recorded:
    """A report as it counts: for the member kept."""
    merge = None if report.member is None else persons.get(report.member)
    return Recorded(
        report.source,
        report.id,
        "group" if report.member is None else "member",
        (report.group or report.member or "") if merge is None else merge.into,
        group,
        report.kind,
        None if report.value is None else BY_KIND[report.kind].number(report.value),
        milliseconds(report.occurred_at),
        report.reported_by,
        None if report.corrects is None else report.corrects_source or report.source,
        report.corrects,
        now_ms,
        report.chain,
    )


def _kin(conn: Connection, program_id: str, rows: Sequence[Recorded]) -> dict[Key, Recorded]:
    """What is stored of these reports, and of all that corrections join to them."""
    return kin(conn, program_id, [name for row in rows for name in (key(row), target(row))])


def _content(row: Recorded) -> Recorded:
    """What must be equal when a report is sent again: all but when it came and where it was counted."""
    return row._replace(recorded_at=0, group_id=None)


def _settle(
    row: Recorded,
    known: dict[Key, Recorded],
    corrections: dict[Key | None, list[Recorded]],
    *,
    present: bool,
) -> Receipt | Mistake:
    """Whether a report is new, a repetition, or an error.

    corrections : those known, by the name of what they correct
    """
    if not present:
        return NotFound(f"there is no {row.unit_kind} `{row.unit_id}` in this program")
    before = known.get(key(row))
    if before is not None:
        if _content(before) == _content(row):
            return Receipt(row.source, row.event_id, "repeated")
        return Conflict(
            f"`{row.event_id}` of `{row.source}` is stored with other content; to change it, send a new id "
            "that names this one in `corrects`"
        )
    corrected = target(row)
    related = [*corrections.get(key(row), ())]
    if corrected is not None:
        related += [*corrections.get(corrected, ()), *filter(None, [known.get(corrected)])]
    if any((other.unit_kind, other.unit_id, other.kind) != (*_unit(row), row.kind) for other in related):
        return Invalid(
            "a correction speaks of the same unit and kind; take back the one and report the other"
        )
    return Receipt(row.source, row.event_id, "stored")


def _unit(row: Recorded) -> Unit:
    """The unit a row is about."""
    return Unit(row.unit_kind, row.unit_id)


def _person(member: str, persons: Mapping[str, Merged]) -> Unit:
    """A member under the id that they are kept under."""
    return Unit("member", persons[member].into if member in persons else member)


def _counted_in(row: Recorded) -> list[Unit]:
    """The units in whose tallies a row counts."""
    if row.unit_kind == "member" and row.group_id is not None and BY_KIND[row.kind].in_group:
        return [_unit(row), Unit("group", row.group_id)]
    return [_unit(row)]


def _bring_up_to_date(
    conn: Connection,
    program_id: str,
    fresh: Sequence[Recorded],
    known: dict[Key, Recorded],
    held: dict[str, dict[str, bytes]],
) -> None:
    """Adds new signals to the tallies; where a correction is involved, makes the tallies anew.

    held : the locked tallies, by kind of unit and id
    """
    corrected = Counter(target(row) for row in known.values())
    passed: dict[Unit, set[Unit]] = defaultdict(set)
    for row in known.values():
        passed[_unit(row)].update(_counted_in(row))
    anew: set[Unit] = set()
    added: dict[Unit, list[Event]] = defaultdict(list)
    for row in fresh:
        if key(row) in corrected or _replaces(row, known, corrected):
            anew |= passed[_unit(row)]
        for unit in _counted_in(row):
            added[unit].append(event(row))
    grown = [
        (unit.kind, unit.id, tally.encoded(tally.added(tally.decoded(held[unit.kind][unit.id]), events)))
        for unit, events in added.items()
        if unit not in anew
    ]
    units.write_tallies(conn, program_id, grown)
    if anew:
        retally(
            conn,
            program_id,
            sorted(unit.id for unit in anew if unit.kind == "member"),
            sorted(unit.id for unit in anew if unit.kind == "group"),
        )


def _replaces(row: Recorded, known: dict[Key, Recorded], corrected: Counter[Key | None]) -> bool:
    """Whether something else counts no more. A correction alone, without what it corrects, is just added."""
    named = target(row)
    return named is not None and (row.value is None or named in known or corrected[named] > 1)


def _heed(
    conn: Connection,
    program_id: str,
    fresh: Sequence[Recorded],
    seats: dict[str, list[Seated]],
    zone: str,
    now_ms: int,
) -> None:
    """A member who stopped messages has withdrawn that consent; who left sits in no group from the next day.

    Who moved away sits in none either; who died gets no messages from now on. Taking such a report back
    gives nothing back: consent and a seat are given by people, in the set-up.
    """
    stopped = sorted({row.unit_id for row in fresh if row.kind in SILENCING and row.value})
    if stopped:
        found = setup.newest(conn, program_id, "member", stopped)
        people = [row.thing for row in found.values() if isinstance(row.thing, Member)]
        silent = [
            msgspec.structs.replace(person, consent=msgspec.structs.replace(person.consent, messages=False))
            for person in people
        ]
        setup.revise(conn, program_id, silent, now_ms)
    left = {
        (row.unit_id, local_date(row.occurred_at, zone) + timedelta(days=1)): row.kind
        for row in sorted(fresh, key=key)
        if row.kind in ENDING and row.value
    }
    ended = [
        Membership(member=name, starts_on=day, reason=ENDING[kind])
        for (name, day), kind in sorted(left.items())
        if _sits_until(seats[name], day)
    ]
    if ended:
        setup.add_memberships(conn, program_id, ended, now_ms)


def _sits_until(seats: Sequence[Seated], day: date) -> bool:
    """Whether a member who left before this day still sits somewhere on it, and did not sit down anew."""
    past = [seat for seat in seats if seat.starts_on <= day]
    return bool(past) and past[-1].group is not None and past[-1].starts_on < day


def _revise_late(
    conn: Connection,
    kept: Kept,
    program_id: str,
    fresh: Sequence[Recorded],
    known: dict[Key, Recorded],
    persons: Mapping[str, Merged],
    now_ms: int,
) -> None:
    """Revises outcomes already stored in whose windows lies a new signal, or one that it replaces.

    persons : every id that was merged into another, of the people whom the signals are about
    """
    if not fresh:
        return
    concerned = {_unit(row) for row in fresh}
    times: dict[Unit, list[int]] = defaultdict(list)
    for row in known.values():
        if _unit(row) in concerned:
            times[_unit(row)].append(row.occurred_at)
            if row.kind == ATTENDANCE.kind and row.group_id is not None:  # an outcome of the group as well
                times[Unit("group", row.group_id)].append(row.occurred_at)
    around = decisions.matured_around(
        conn,
        program_id,
        sorted({unit.id for unit in times if unit.kind == "member"}.union(persons)),
        sorted(unit.id for unit in times if unit.kind == "group"),
        min(map(min, times.values())),
        max(map(max, times.values())),
    )
    touched = [
        decision
        for decision in around
        for unit in [_person(decision.unit_id, persons), Unit("group", decision.group_id)]
        if any(decision.decided_at < time <= decision.closes_at for time in times.get(unit, ()))
    ]
    distinct = {decision.decision_id: decision for decision in touched}
    revise_outcomes(conn, kept, program_id, list(distinct.values()), now_ms)
