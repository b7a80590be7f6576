"""Signals arrive: checked, stored once, and in the same transaction brought into the tallies.

A replayed (source, id) with the same content is acknowledged and changes nothing; with other
content it is an error for that signal alone. Late signals revise the outcomes they bear on.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.signals import tally
from engagement.signals.catalogue import BY_KIND, admitted
from engagement.signals.tally import Event
from engagement.store import decisions, setup, signals, units
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Member, Membership
from engagement.workflows.mature import revise_outcomes
from engagement.workflows.tallies import event, retally

AHEAD_MS = 10 * 60 * 1000
"""How far ahead of the service's clock a signal's time may be."""
EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

EventId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,128}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something observed about one member or one group.

    source, id : together name the report for ever; sending it again changes nothing
    value : as the catalogue says for the kind; null only to take back what `corrects` names
    corrects : id of the report this one replaces, of the same source unless `corrects_source` is given
    """

    source: Id
    id: EventId
    kind: str
    member: Id | None = None
    group: Id | None = None
    value: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None = 1
    occurred_at: Moment
    reported_by: Literal["self", "adviser", "health_worker", "staff", "system"] = "system"
    corrects: EventId | None = None
    corrects_source: Id | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What became of a signal: `stored`, or `repeated` when it was known already."""

    source: str
    id: str
    status: Literal["stored", "repeated"]


class _Unit(NamedTuple):
    kind: Literal["member", "group"]
    id: str


def ingest(
    conn: Connection, kept: Kept, program_id: str, reports: Sequence[Signal], now_ms: int
) -> list[Receipt | Mistake]:
    """Stores signals; each gets its receipt or its own error, and one error harms no other."""
    answers: list[Receipt | Mistake | None] = [_flaw(report, now_ms) for report in reports]
    sound = [report for report, flaw in zip(reports, answers, strict=True) if flaw is None]
    if not sound:
        return [answer for answer in answers if answer is not None]
    zone = _zone(conn, kept, program_id)
    members = sorted({report.member for report in sound if report.member is not None})
    seats = setup.memberships_of(conn, program_id, members)
    held = units.lock_tallies(conn, program_id, "member", members)
    places = [_place(report, seats, zone) for report in sound]
    groups = sorted({place for place in places if place is not None})
    held_groups = units.lock_tallies(conn, program_id, "group", groups)
    rows = [_row(report, place, now_ms) for report, place in zip(sound, places, strict=True)]
    known = _known(conn, program_id, rows)
    fresh: list[Recorded] = []
    settled = iter(rows)
    for place, flaw in enumerate(answers):
        if flaw is not None:
            continue
        row = next(settled)
        present = row.unit_id in (held if row.unit_kind == "member" else held_groups)
        answers[place] = _settle(row, known, present=present)
        answer = answers[place]
        if isinstance(answer, Receipt) and answer.status == "stored":
            known[row.source, row.event_id] = row
            fresh.append(row)
    signals.insert_signals(conn, program_id, fresh)
    _bring_up_to_date(conn, program_id, fresh, known, held, held_groups)
    _heed(conn, program_id, fresh, zone, now_ms)
    _revise_late(conn, kept, program_id, fresh, now_ms)
    return [answer for answer in answers if answer is not None]


def _flaw(report: Signal, now_ms: int) -> Mistake | None:
    """What is wrong with a report on its own."""
    flaws = (
        (
            (report.member is None) == (report.group is None),
            "a signal is about one member or one group: give `member` or `group`",
        ),
        (
            report.value is None and report.corrects is None,
            "`value` may be null only when `corrects` names the report to take back",
        ),
        (
            report.corrects_source is not None and report.corrects is None,
            "`corrects_source` needs `corrects`",
        ),
        (report.occurred_at < EARLIEST, "`occurred_at` lies before the year 2000"),
        (
            milliseconds(report.occurred_at) > now_ms + AHEAD_MS,
            "`occurred_at` lies more than ten minutes ahead of the service's clock",
        ),
    )
    found = next((words for wrong, words in flaws if wrong), None)
    if found is not None:
        return Invalid(found)
    try:
        signal = BY_KIND.get(report.kind)
        taken_back = signal is not None and report.value is None
        value = signal.low if signal is not None and taken_back else report.value or 0
        admitted(report.kind, "group" if report.member is None else "member", value)
    except Invalid as flaw:
        return flaw
    return None


def milliseconds(moment: datetime) -> int:
    """An aware moment as milliseconds since the epoch, without a detour through floats."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _zone(conn: Connection, kept: Kept, program_id: str) -> str:
    revision = setup.catalogue_revision(conn, program_id)
    return setup.catalogue(conn, kept, program_id, revision).program.time_zone


def _place(report: Signal, seats: dict[str, list[Seated]], zone: str) -> str | None:
    """The group a report belongs to: named, or the member's on that day."""
    if report.member is None:
        return report.group
    day = local_date(milliseconds(report.occurred_at), zone)
    past = [seat for seat in seats.get(report.member, ()) if seat.starts_on <= day]
    return past[-1].group if past else None


def _row(report: Signal, group: str | None, now_ms: int) -> Recorded:
    unit = _Unit("group", report.group or "") if report.member is None else _Unit("member", report.member)
    corrects_source = None if report.corrects is None else report.corrects_source or report.source
    return Recorded(
        report.source,
        report.id,
        unit.kind,
        unit.id,
        group,
        report.kind,
        report.value,
        milliseconds(report.occurred_at),
        report.reported_by,
        corrects_source,
        report.corrects,
        now_ms,
    )


def _known(conn: Connection, program_id: str, rows: Sequence[Recorded]) -> dict[tuple[str, str], Recorded]:
    """Stored signals that are these, that correct these, or that these correct."""
    keys = [(row.source, row.event_id) for row in rows]
    keys += [(row.corrects_source or row.source, row.corrects_event) for row in rows if row.corrects_event]
    return {(row.source, row.event_id): row for row in signals.naming(conn, program_id, keys)}


def _content(row: Recorded) -> Recorded:
    """What must be equal when a report is sent again: all but when it came and where it was counted."""
    return row._replace(recorded_at=0, group_id=None)


def _settle(row: Recorded, known: dict[tuple[str, str], Recorded], *, present: bool) -> Receipt | Mistake:
    """Whether a report is new, a repetition, or an error."""
    if not present:
        return NotFound(f"there is no {row.unit_kind} `{row.unit_id}` in this program")
    before = known.get((row.source, row.event_id))
    if before is not None:
        if _content(before) == _content(row):
            return Receipt(row.source, row.event_id, "repeated")
        return Conflict(
            f"`{row.event_id}` of `{row.source}` is stored with other content; to change it, send a new id "
            "that names this one in `corrects`"
        )
    for other in known.values():
        related = _names(row, other) or _names(other, row)
        if related and (row.unit_kind, row.unit_id, row.kind) != (other.unit_kind, other.unit_id, other.kind):
            return Invalid(
                "a correction speaks of the same unit and kind; take back the one and report the other"
            )
    return Receipt(row.source, row.event_id, "stored")


def _names(row: Recorded, other: Recorded) -> bool:
    """Whether a row corrects another."""
    return (row.corrects_source, row.corrects_event) == (other.source, other.event_id)


def _bring_up_to_date(
    conn: Connection,
    program_id: str,
    fresh: Sequence[Recorded],
    known: dict[tuple[str, str], Recorded],
    held: dict[str, bytes],
    held_groups: dict[str, bytes],
) -> None:
    """Adds new signals to the tallies; where a correction is involved, makes the tallies anew."""
    corrected = {(row.corrects_source, row.corrects_event) for row in known.values() if row.corrects_event}
    anew: set[_Unit] = set()
    added: dict[_Unit, list[Event]] = defaultdict(list)
    for row in fresh:
        concerned = [_Unit("member" if row.unit_kind == "member" else "group", row.unit_id)]
        if row.unit_kind == "member" and row.group_id and BY_KIND[row.kind].in_group:
            concerned.append(_Unit("group", row.group_id))
        if row.corrects_event is not None or (row.source, row.event_id) in corrected:
            anew.update(concerned)
            target = known.get((row.corrects_source or "", row.corrects_event or ""))
            if target is not None and target.group_id in held_groups:
                anew.add(_Unit("group", target.group_id or ""))
        for unit in concerned:
            added[unit].append(event(row))
    old = {"member": held, "group": held_groups}
    units.write_tallies(
        conn,
        program_id,
        [
            (unit.kind, unit.id, tally.encoded(tally.added(tally.decoded(old[unit.kind][unit.id]), events)))
            for unit, events in added.items()
            if unit not in anew and unit.id in old[unit.kind]
        ],
    )
    if anew:
        retally(
            conn,
            program_id,
            sorted(unit.id for unit in anew if unit.kind == "member"),
            sorted(unit.id for unit in anew if unit.kind == "group"),
        )


def _heed(conn: Connection, program_id: str, fresh: Sequence[Recorded], zone: str, now_ms: int) -> None:
    """A member who stopped messages has withdrawn that consent; who left sits in no group from that day."""
    stopped = sorted({row.unit_id for row in fresh if row.kind == "stopped_messages" and row.value})
    if stopped:
        found = setup.newest(conn, program_id, "member", stopped)
        people = [row.thing for row in found.values() if isinstance(row.thing, Member)]
        silent = [
            msgspec.structs.replace(person, consent=msgspec.structs.replace(person.consent, messages=False))
            for person in people
        ]
        setup.revise(conn, program_id, silent, now_ms)
    left = {row.unit_id: row for row in fresh if row.kind == "left" and row.value}
    ended = [
        Membership(
            member=name, starts_on=local_date(row.occurred_at, zone) + timedelta(days=1), reason="left"
        )
        for name, row in sorted(left.items())
    ]
    if ended:
        setup.add_memberships(conn, program_id, ended, now_ms)


def _revise_late(
    conn: Connection, kept: Kept, program_id: str, fresh: Sequence[Recorded], now_ms: int
) -> None:
    """Revises outcomes already stored whose windows the new signals lie in."""
    if not fresh:
        return
    touched = decisions.matured_around(
        conn,
        program_id,
        sorted({row.unit_id for row in fresh if row.unit_kind == "member"}),
        sorted({row.unit_id for row in fresh if row.unit_kind == "group"}),
        min(row.occurred_at for row in fresh),
        max(row.occurred_at for row in fresh),
    )
    revise_outcomes(conn, kept, program_id, touched, now_ms)
