"""Which recorded signals count, once corrections have had their say.

A correction is itself a signal that names the one it replaces. It may arrive before that one, it may
be corrected in turn, and without a value it takes back and puts nothing in the place.
"""

from collections.abc import Iterable
from typing import NamedTuple

from engagement.signals.tally import Event

Key = tuple[str, str]
"""(source, id): the natural key of a recorded signal."""


class Recorded(NamedTuple):
    """A signal as the ledger holds it: an `Event` that may lack a value and may correct another."""

    code: int
    value: int | None
    occurred_at_ms: int
    source: str
    id: str
    corrects: Key | None = None


def effective(signals: Iterable[Recorded]) -> tuple[Event, ...]:
    """The events that count, by (occurred_at_ms, source, id); the order of the input is nothing.

    signals : keys are unique; with a signal come all that correct it, directly or in turn

    From each first report one walks to its correction, that one's correction, and so on; the last
    one counts. A correction whose target has not arrived stands for it. Of several corrections of
    one signal the one with the greatest (source, id) is followed and the others fall, with all that
    corrects them. A ring of corrections has no first report, and nothing in it counts.
    """
    recorded = {(signal.source, signal.id): signal for signal in signals}
    correction: dict[Key, Key] = {}
    for key, signal in recorded.items():
        if signal.corrects is not None:
            correction[signal.corrects] = max(key, correction.get(signal.corrects, key))
    first = {key for key, signal in recorded.items() if signal.corrects is None}
    absent = correction.keys() - recorded.keys()
    last = (recorded[key] for key in (_last(key, correction) for key in first | absent))
    events = [
        Event(signal.code, signal.value, signal.occurred_at_ms, signal.source, signal.id)
        for signal in last
        if signal.value is not None
    ]
    return tuple(sorted(events, key=lambda event: (event.occurred_at_ms, event.source, event.id)))


def _last(key: Key, correction: dict[Key, Key]) -> Key:
    """The end of the chain that starts at `key`, which no correction in it can lead back to."""
    while key in correction:
        key = correction[key]
    return key
