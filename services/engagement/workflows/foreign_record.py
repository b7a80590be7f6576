"""A record of another system, sent again until it is heard and whenever it changes, becomes reports.

What a record says now stands in the place of what it said before. Its report of a kind names the anchor
`record/kind` in `corrects`; no report has that id, and of all that correct it the one with the greatest
id counts. The id ends in the record's own version, so any order of arrival and any repetition leave the
same. A version older than one that was heard says nothing any more; a sender without versions is taken at
its last word.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.signals.catalogue import BY_KIND
from engagement.signals.signal import Audience, Reporter, may_see
from engagement.store import decisions, merges, units
from engagement.store.kept import Kept
from engagement.store.units import Unit
from engagement.strategy.life import Status
from engagement.workflows.answer import DecisionId, Reply, answer
from engagement.workflows.ingest import Receipt, Signal, flaw_of, ingest, milliseconds
from engagement.workflows.tallies import kin, target

MOST_UNITS = 3
"""How many members or groups a record may have been about, one after the other."""
PLACES = range(MOST_UNITS)
NAME = re.compile(r"~(\d{16})\.(\d{3})")
"""How a report's id goes on behind its anchor: the record's version, and how often that was told anew."""
MOST_TIMES = 999


class Said(NamedTuple):
    """What a record says of its unit: a value as the catalogue knows it, of one thing or of none."""

    kind: str
    value: int | str
    chain: Id | None = None


class Answered(NamedTuple):
    """What a record says became of a decision."""

    decision_id: DecisionId
    reply: Reply


class Record(NamedTuple):
    """One record of another system as it stands now.

    source, id : together name it for ever
    version : grows with each change; None where the sender has none
    unit : whom it is about, None where it only answers      at : of what it reports
    kinds : all that it could say; what it does not say now, it said no more
    audience : of the key that sent it
    """

    source: str
    id: str
    version: int | None
    unit: Unit | None
    at: datetime
    reported_by: Reporter
    kinds: tuple[str, ...]
    said: tuple[Said, ...]
    answered: Answered | None
    audience: Audience


class Heard(msgspec.Struct, frozen=True):
    """What became of a record.

    stored : reports that are new      corrected : reports in the place of earlier ones, or taking them back
    outdated : a newer version was heard before, so this one changed nothing
    decision_status : where the decision stands that the record answers, null where it answers none
    wrong : seats of a meeting that could not be read; the rest is stored
    """

    record: str
    stored: int
    corrected: int
    outdated: bool
    decision_status: Status | None
    wrong: tuple[str, ...] = ()


class _Plan(NamedTuple):
    """The reports that bring what is stored in line with a record. stored, corrected : how many are news"""

    signals: tuple[Signal, ...]
    stored: int
    corrected: int
    outdated: bool


Outcome = Heard | Mistake
Rank = tuple[int, int]
"""(version, how often it was told anew): of a record's reports of one kind the greatest counts."""
Anchor = tuple[str, str]
"""(source, id) that all reports of a record's kind correct, and that none of them has."""


class _Telling(NamedTuple):
    """A report of a record's kind as it is known. A value of None says that there is nothing."""

    rank: Rank
    unit: Unit
    value: int | None
    at_ms: int
    chain: str | None


_Known = dict[Anchor, list[_Telling]]


def hear(
    conn: Connection, kept: Kept, program_id: str, records: Sequence[Record], now_ms: int
) -> list[Outcome]:
    """Brings what is stored in line with records; each gets what became of it, or its own error.

    Of a record in which anything is wrong nothing is stored.
    """
    wanted = {record.unit for record in records if record.unit is not None}
    held = units.lock(conn, program_id, wanted)
    members = sorted(unit.id for unit in wanted if unit.kind == "member")
    into = {name: row.into for name, row in merges.merged(conn, program_id, members).items()}
    known = _known(conn, program_id, records)
    out: list[_Plan | Mistake] = []
    for record in records:
        try:
            if record.unit is not None and record.unit not in held:
                raise NotFound(f"there is no {record.unit.kind} `{record.unit.id}` in this program")
            out.append(_planned(record, into, known, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    statuses = _answers(conn, kept, program_id, records, out, now_ms)
    signals = [one for row in out if isinstance(row, _Plan) for one in row.signals]
    told = iter(ingest(conn, kept, program_id, signals, now_ms))
    return [
        row if isinstance(row, Mistake) else _heard(record, row, [next(told) for _ in row.signals], status)
        for record, row, status in zip(records, out, statuses, strict=True)
    ]


def anchor(record: Record, kind: str, place: int) -> Anchor:
    """What a record's reports of a kind correct. place : 0 for the first unit that it was about"""
    return record.source, f"{record.id}/{kind}" + (f"+{place + 1}" if place else "")


def _known(conn: Connection, program_id: str, records: Sequence[Record]) -> _Known:
    """What is stored under each anchor."""
    anchors = {anchor(record, kind, place) for record in records for kind in record.kinds for place in PLACES}
    out: _Known = defaultdict(list)
    for row in kin(conn, program_id, anchors).values():
        named = target(row)
        if named not in anchors or named is None or row.source != named[0]:
            continue
        rank = NAME.fullmatch(row.event_id.removeprefix(named[1]))
        if rank is not None:
            at = (int(rank[1]), int(rank[2]))
            unit = Unit(row.unit_kind, row.unit_id)
            out[named].append(_Telling(at, unit, row.value, row.occurred_at, row.chain))
    return out


def _planned(record: Record, into: dict[str, str], known: _Known, now_ms: int) -> _Plan:
    """The reports to store, which `known` then knows. Raises Mistake."""
    if record.unit is None:
        return _Plan((), 0, 0, outdated=False)
    unit = Unit(record.unit.kind, into.get(record.unit.id, record.unit.id))
    before = {kind: [known[anchor(record, kind, place)] for place in PLACES] for kind in record.kinds}
    versions = [told.rank[0] for places in before.values() for one in places for told in one]
    newest = max(versions, default=None)
    if newest is not None and record.version is not None and record.version < newest:
        return _Plan((), 0, 0, outdated=True)
    version = (newest or 0) if record.version is None else record.version
    said = {row.kind: row for row in record.said}
    signals = [
        report
        for kind, places in before.items()
        for report in _of_kind(record, unit, said.get(kind), kind, places, version)
    ]
    if not signals and record.version is not None and (newest is None or version > newest):
        # nothing new, and still it must be known that this version was heard: an older one may be on its way
        signals = list(_heard_of(record, unit, before, version))
    flaw = next(filter(None, (flaw_of(report, now_ms) for report in signals)), None)
    if flaw is not None:
        raise flaw
    stored = corrected = 0
    for report in signals:
        told = known[report.source, report.corrects or ""]
        stored += not told and report.value is not None
        corrected += bool(told) and _changes(report, told)
        told.append(_as_told(report))
    return _Plan(tuple(signals), stored, corrected, outdated=False)


def _of_kind(
    record: Record,
    unit: Unit,
    said: Said | None,
    kind: str,
    places: Sequence[Sequence[_Telling]],
    version: int,
) -> Iterator[Signal]:
    """What is to be reported of one kind: of the unit, and of units that the record is about no more."""
    own = next((place for place, told in enumerate(places) if not told or told[0].unit == unit), None)
    if own is None and said is not None:
        raise Conflict(f"`{record.id}` was about {MOST_UNITS} others before; send it under an id of its own")
    for place, told in enumerate(places):
        last, wanted = max(told, default=None), said if place == own else None
        if _is_news(last, wanted, kind, record.at):
            changes = last is not None and last.value is not None
            if changes and not may_see(record.audience, BY_KIND[kind].audience):
                raise Invalid(f"this key may report {kind}, and not correct it")
            about = unit if last is None else last.unit
            chain = None if last is None else last.chain
            yield _signal(record, about, wanted, kind, place, _following(last, version), chain)


def _is_news(last: _Telling | None, wanted: Said | None, kind: str, at: datetime) -> bool:
    """Whether a record says something else than it did when it was heard last."""
    if wanted is None:
        return last is not None and last.value is not None
    if last is None:
        return True
    now = BY_KIND[kind].number(wanted.value), milliseconds(at), wanted.chain
    return now != (last.value, last.at_ms, last.chain)


def _changes(report: Signal, told: Sequence[_Telling]) -> bool:
    """Whether a report says something else than the last."""
    last, now = max(told), _as_told(report)
    return (last.value, last.at_ms, last.chain) != (now.value, now.at_ms, now.chain) and (
        last.value is not None or now.value is not None
    )


def _following(last: _Telling | None, version: int) -> Rank:
    """The rank of what is told next."""
    if last is None or last.rank[0] < version:
        return version, 0
    if last.rank[1] == MOST_TIMES:
        raise Conflict("the record was changed too often; send it under an id of its own")
    return version, last.rank[1] + 1


def _heard_of(
    record: Record, unit: Unit, before: Mapping[str, Sequence[Sequence[_Telling]]], version: int
) -> Iterator[Signal]:
    """A report that changes nothing, under a new version: what is said once more, or that nothing is."""
    for said in record.said:
        own = next(place for place, told in enumerate(before[said.kind]) if told and told[0].unit == unit)
        yield _signal(record, unit, said, said.kind, own, (version, 0))
        return
    kind = next((kind for kind in record.kinds if _says(kind, unit, record.reported_by)), None)
    if kind is not None:
        told = before[kind][0]
        yield _signal(record, told[0].unit if told else unit, None, kind, 0, (version, 0))


def _says(kind: str, unit: Unit, reporter: Reporter) -> bool:
    """Whether a kind can be said of a unit by a reporter, without naming what it is about."""
    signal = BY_KIND[kind]
    return signal.level == unit.kind and reporter in signal.reported_by and signal.chain != "must"


def _signal(
    record: Record,
    about: Unit,
    wanted: Said | None,
    kind: str,
    place: int,
    rank: Rank,
    chain: str | None = None,
) -> Signal:
    """A report; one that takes back is about the `chain` that the one before it was about."""
    source, named = anchor(record, kind, place)
    return Signal(
        source=source,
        id=f"{named}~{rank[0]:016}.{rank[1]:03}",
        kind=kind,
        member=about.id if about.kind == "member" else None,
        group=about.id if about.kind == "group" else None,
        value=None if wanted is None else wanted.value,
        occurred_at=record.at,
        reported_by=record.reported_by,
        chain=chain if wanted is None else wanted.chain,
        corrects=named,
    )


def _as_told(report: Signal) -> _Telling:
    """A report that is about to be stored, as if it was."""
    rank = NAME.fullmatch(report.id.removeprefix(report.corrects or ""))
    assert rank is not None  # noqa: S101  # as `_signal` names it
    unit = Unit("group", report.group) if report.member is None else Unit("member", report.member)  # type: ignore[arg-type]  # one of the two is there
    value = None if report.value is None else BY_KIND[report.kind].number(report.value)
    return _Telling((int(rank[1]), int(rank[2])), unit, value, milliseconds(report.occurred_at), report.chain)


def _answers(
    conn: Connection,
    kept: Kept,
    program_id: str,
    records: Sequence[Record],
    out: list[_Plan | Mistake],
    now_ms: int,
) -> list[Status | None]:
    """Says what became of decisions; where that cannot be, the reason takes the place of the record's plan.

    A reply that was given before, whatever came after it, is a repetition.
    """
    statuses: list[Status | None] = [None] * len(records)
    wanted = {
        place: record.answered
        for place, record in enumerate(records)
        if record.answered is not None and (row := out[place]) and isinstance(row, _Plan) and not row.outdated
    }
    lives = decisions.answers(conn, program_id, sorted({row.decision_id for row in wanted.values()}))
    fresh: dict[int, Answered] = {}
    for place, answered in wanted.items():
        life = lives[answered.decision_id]
        if any(step.status == answered.reply.status for step in life):
            statuses[place] = life[-1].status
        else:
            fresh[place] = answered
    told = answer(conn, kept, program_id, [(row.decision_id, row.reply) for row in fresh.values()], now_ms)
    for place, standing in zip(fresh, told, strict=True):
        if isinstance(standing, Mistake):
            out[place] = standing
        else:
            statuses[place] = standing.status
    return statuses


def _heard(record: Record, plan: _Plan, told: Sequence[Receipt | Mistake], status: Status | None) -> Outcome:
    """What is answered of a record."""
    flaw = next((row for row in told if isinstance(row, Mistake)), None)
    if flaw is not None:
        return flaw
    return Heard(record.id, plan.stored, plan.corrected, plan.outdated, status)
