"""All signals there are, gathered from their families' files.

A new signal is a record in its family's file; a new family is a file with `SIGNALS` and its name in
`FAMILIES`. Nothing else changes: validation, tallies and stored rows follow.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from engagement.errors import Invalid
from engagement.signals import contact, goals, leaving, meetings
from engagement.signals.signal import Level, Signal

FAMILIES = (meetings, goals, leaving, contact)

CATALOGUE: tuple[Signal, ...] = tuple(signal for family in FAMILIES for signal in family.SIGNALS)
BY_KIND: Mapping[str, Signal] = MappingProxyType({signal.kind: signal for signal in CATALOGUE})
BY_CODE: Mapping[int, Signal] = MappingProxyType({signal.code: signal for signal in CATALOGUE})


def admitted(kind: str, level: Level, value: int) -> Signal:
    """The signal of this kind, when it may be said of such a unit with such a value.

    raises Invalid, in words for whoever sent it
    """
    signal = BY_KIND.get(kind)
    if signal is None:
        near = get_close_matches(kind, BY_KIND, n=3) or sorted(BY_KIND)
        raise Invalid(f"there is no signal {kind!r}; did you mean {', '.join(near)}?")
    if level != signal.level:
        raise Invalid(f"{kind} is said of a {signal.level}, not of a {level}")
    if not signal.low <= value <= signal.high:
        raise Invalid(f"{kind} is {value}; it must be from {signal.low} to {signal.high}")
    return signal
