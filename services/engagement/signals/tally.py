"""The tally of one unit, a member or a group: all that a recommendation reads of its history.

Theory of operation. A tally is a function of the *set* of the unit's events, in four mergeable pieces
for each kind of signal and nothing else:

- integer sums: how many reports and their total, by week, for as many weeks as the kind's record says,
  at most 26, that end with the kind's newest week; one sum for everything older. Since that newest week
  only ever moves forward, what has once become older stays older, whatever arrives later;
- a maximum: when it last happened, that is, was reported with a value above 0;
- the latest value;
- the latest six values, for the kinds whose record says so. Both are kept in one list, newest first.

Sums, maxima and "the first k of a total order" are commutative and associative, so any order, any
grouping and any delay give the same tally; and since each is held in one canonical form, sorted and
without zeros, the same bytes. What follows from the latest report is not stored beside it: the newest
week is its week, and the maximum is held as its distance from it, which mostly is 0. Repetition is
*not* harmless: the ledger's unique key excludes it. Nothing can be taken out either: after a correction
a tally is made anew, `of(effective(signals))`.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from engagement.signals.catalogue import CATALOGUE

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
WEEKS = 26
RECENT = 6

_MONDAY_MS = -3 * DAY_MS  # 1969-12-29, the Monday of the week in which 1970 began
_KEEPS_RECENT = frozenset(signal.code for signal in CATALOGUE if signal.keeps_recent)
_WEEKS_KEPT = {signal.code: signal.weeks for signal in CATALOGUE}


class Event(NamedTuple):
    """A signal that counts. `source` and `id` together are unique."""

    code: int
    value: int
    occurred_at_ms: int
    source: str
    id: str


class Week(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was reported in one week: `age` weeks before the kind's newest."""

    age: int
    count: int
    total: int


class Report(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A value and when it was so. The order of the fields is the order of reports."""

    occurred_at_ms: int
    tie: int
    value: int


class KindTally(msgspec.Struct, frozen=True, array_like=True):
    """The four pieces of one kind.

    weeks : by age before the newest with a report, without empty ones; as many as the signal keeps
    older_count, older_total : all that is not in them
    quiet_ms : how long before the latest report it last happened (value above 0); None if never
    latest : newest first; six where the signal keeps recent values, else one
    """

    code: int
    weeks: tuple[Week, ...]
    older_count: int
    older_total: int
    quiet_ms: int | None
    latest: tuple[Report, ...]

    @property
    def newest(self) -> int:
        """Number of the newest week with a report, see `week_of`."""
        return week_of(self.latest[0].occurred_at_ms)

    @property
    def last_ms(self) -> int | None:
        """When it last happened, that is, was reported with a value above 0; None if never."""
        return None if self.quiet_ms is None else self.latest[0].occurred_at_ms - self.quiet_ms


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one unit, by the code of the signal."""

    kinds: tuple[KindTally, ...]


EMPTY = Tally(())

_decoder = msgspec.msgpack.Decoder(Tally)
_encoder = msgspec.msgpack.Encoder()


def week_of(time_ms: int) -> int:
    """Number of the week in which a time lies; week 0 starts on Monday 1969-12-29, 00:00 UTC."""
    return (time_ms - _MONDAY_MS) // WEEK_MS


def of(events: Iterable[Event]) -> Tally:
    """The tally of exactly these events, each given once."""
    return added(EMPTY, events)


def added(tally: Tally, events: Iterable[Event]) -> Tally:
    """The tally with further events in it, none of which it held before."""
    return _with(tally, map(_single, events))


def merged(a: Tally, b: Tally) -> Tally:
    """The tally of the events of both, none of which is in both."""
    return _with(a, b.kinds)


def _with(tally: Tally, further: Iterable[KindTally]) -> Tally:
    kinds = {kind.code: kind for kind in tally.kinds}
    for kind in further:
        other = kinds.get(kind.code)
        kinds[kind.code] = kind if other is None else _merged_kind(other, kind)
    return Tally(tuple(kinds[code] for code in sorted(kinds)))


def encoded(tally: Tally) -> bytes:
    """The tally as it is stored (MessagePack): equal tallies, and only they, give equal bytes."""
    return _encoder.encode(tally)


def decoded(stored: bytes) -> Tally:
    """The tally that `encoded` stored. Raises msgspec.DecodeError for any other bytes."""
    return _decoder.decode(stored)


def kind_of(tally: Tally, code: int) -> KindTally | None:
    """What the tally holds of one kind; None when nothing was ever reported."""
    for kind in tally.kinds:
        if kind.code == code:
            return kind
    return None


def _single(event: Event) -> KindTally:
    """What one event alone comes to, from which all tallies are merged."""
    by_week = _WEEKS_KEPT[event.code] > 0
    return KindTally(
        code=event.code,
        weeks=(Week(0, 1, event.value),) if by_week else (),
        older_count=0 if by_week else 1,
        older_total=0 if by_week else event.value,
        quiet_ms=0 if event.value > 0 else None,
        latest=(Report(event.occurred_at_ms, _tie(event.source, event.id), event.value),),
    )


def _tie(source: str, id: str) -> int:  # noqa: A002 - the ledger's name for it
    """Settles which of two reports of the same millisecond is later, always in the same way.

    16 bits of a digest in the place of (source, id), so that the size of a tally does not depend on
    how long callers' ids are. Where two digests meet, the order of `Report` goes on to the value.
    """
    digest = blake2b(f"{len(source)}:{source}{id}".encode(), digest_size=2)
    return int.from_bytes(digest.digest(), "big")


def _merged_kind(a: KindTally, b: KindTally) -> KindTally:
    """The pieces of one kind, each merged by its own rule."""
    newest_a, newest_b = a.newest, b.newest
    newest = max(newest_a, newest_b)
    weeks_kept = _WEEKS_KEPT[a.code]
    counts: dict[int, int] = {}
    totals: dict[int, int] = {}
    older_count = a.older_count + b.older_count
    older_total = a.older_total + b.older_total
    for weeks, later in ((a.weeks, newest - newest_a), (b.weeks, newest - newest_b)):
        for week in weeks:
            age = later + week.age
            if age < weeks_kept:
                counts[age] = counts.get(age, 0) + week.count
                totals[age] = totals.get(age, 0) + week.total
            else:
                older_count += week.count
                older_total += week.total
    kept = RECENT if a.code in _KEEPS_RECENT else 1
    latest = tuple(sorted(a.latest + b.latest, reverse=True)[:kept])
    last_ms = _later(a.last_ms, b.last_ms)
    return KindTally(
        code=a.code,
        weeks=tuple(Week(age, counts[age], totals[age]) for age in sorted(counts)),
        older_count=older_count,
        older_total=older_total,
        quiet_ms=None if last_ms is None else latest[0].occurred_at_ms - last_ms,
        latest=latest,
    )


def _later(a: int | None, b: int | None) -> int | None:
    """The greater of two times, of which either may never have been."""
    if a is None or b is None:
        return b if a is None else a
    return max(a, b)
