"""All signals there are, gathered from their families' files.

A new signal is a record in its family's file; a new family is a file with `SIGNALS` and its name in
`FAMILIES`. Nothing else changes: validation, tallies and stored rows follow.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from engagement.errors import Invalid
from engagement.signals import (
    adviser,
    agenda,
    clinic,
    community,
    contact,
    family,
    fund,
    goals,
    leaving,
    meetings,
    messages,
    reasons,
    safety,
    self_report,
)
from engagement.signals.signal import Level, Reporter, Signal

FAMILIES = (
    meetings,
    goals,
    agenda,
    leaving,
    reasons,
    contact,
    messages,
    clinic,
    self_report,
    family,
    adviser,
    fund,
    community,
    safety,
)

CATALOGUE: tuple[Signal, ...] = tuple(signal for family in FAMILIES for signal in family.SIGNALS)
BY_KIND: Mapping[str, Signal] = MappingProxyType({signal.kind: signal for signal in CATALOGUE})
BY_CODE: Mapping[int, Signal] = MappingProxyType({signal.code: signal for signal in CATALOGUE})


def admitted(
    kind: str,
    level: Level,
    value: int | str,
    reporter: Reporter = "system",
    *,
    chained: bool = False,
) -> Signal:
    """The signal of this kind, when this reporter may say it of such a unit with such a value.

    chained : whether the report names the thing it is about
    raises Invalid, in words for whoever sent it
    """
    signal = BY_KIND.get(kind)
    if signal is None:
        near = get_close_matches(kind, BY_KIND, n=3) or sorted(BY_KIND)
        raise Invalid(f"there is no signal {kind!r}; did you mean {', '.join(near)}?")
    if level != signal.level:
        raise Invalid(f"{kind} is said of a {signal.level}, not of a {level}")
    if not signal.low <= signal.number(value) <= signal.high:
        raise Invalid(f"{kind} is {value}; it must be from {signal.low} to {signal.high}")
    if reporter not in signal.reported_by:
        raise Invalid(f"{kind} cannot be known by {reporter}; it can by {', '.join(signal.reported_by)}")
    if chained and signal.chain == "never":
        raise Invalid(f"{kind} is about no single thing, so it takes no `chain`")
    if not chained and signal.chain == "must":
        raise Invalid(f"{kind} needs a `chain`: the id of the one thing it is about")
    return signal
