"""Values as other systems write them, read as ours: times, yes and no, numbers, words.

A form's answers come as texts, a document's as numbers or truths; what is empty was not said. Pure.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from engagement.errors import Invalid
from engagement.signals.catalogue import BY_KIND
from engagement.signals.signal import Signal

NOON = time(12)
"""When something of a day without a time counts as having been, as in a register."""
YES = frozenset({"yes", "y", "true", "1", "1.0"})
NO = frozenset({"no", "n", "false", "0", "0.0"})
FIRST_YEAR, LAST_YEAR = 1990, 2990
LONGEST = 64
"""Characters of an answer that can mean something here; whatever is longer is prose."""


def words_of(raw: object) -> str | None:
    """An answer as a text without blanks around it; None where nothing was said.

    raises Invalid for what is no single answer
    """
    if raw is None:
        return None
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, str | int | float):
        return str(raw).strip() or None
    raise Invalid("is no single answer")


def meant(raw: object, values: Mapping[str, str]) -> str | None:
    """An answer in our words: `values` translates those that it names, and others stay as they are."""
    said = words_of(raw)
    return None if said is None else values.get(said, said) or None


def moment_of(raw: object, time_zone: str) -> datetime:
    """A time: milliseconds since 1970, ISO 8601, or a day, which counts from its noon.

    time_zone : of days, and of times that name none      raises Invalid
    """
    said = words_of(raw)
    if said is None:
        raise Invalid("is empty, and a report needs its time")
    found = _since_1970(said) if said.isdecimal() and len(said) > 8 else _written(said, time_zone)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:  # beyond, a change of zone could leave the calendar
        raise Invalid(f"`{said[:40]}` lies before the year {FIRST_YEAR} or after {LAST_YEAR}")
    return found


def _written(said: str, time_zone: str) -> datetime:
    try:
        if len(said) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(said), NOON, ZoneInfo(time_zone))
        found = datetime.fromisoformat(said)
    except ValueError:
        raise Invalid(f"`{said[:40]}` is no time; send 2026-01-31, or 2026-01-31T10:30:00+05:30") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(time_zone))


def _since_1970(digits: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(digits) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid(f"`{digits[:40]}` are no milliseconds since 1970") from None


def value_of(kind: str, raw: object, values: Mapping[str, str]) -> int | str | None:
    """What an answer says of a kind of signal; None where it says nothing, or that nothing happened.

    values : the form's words → ours      raises Invalid, in words that the field's path can stand before
    """
    said = meant(raw, values)
    if said is None:
        return None
    if len(said) > LONGEST:
        raise Invalid(f"is a text of {len(said)} characters; texts about people are not taken")
    signal = BY_KIND[kind]
    if signal.unit in ("yes_no", "event"):
        return _yes_no(signal, said)
    return _number(said) if signal.unit != "choice" or said[0].isdigit() else said


def _yes_no(signal: Signal, said: str) -> int | None:
    truth = 1 if said.lower() in YES else 0 if said.lower() in NO else None
    if truth is None:
        raise Invalid(f"`{said}` is neither yes nor no; say in `values` what it means")
    return truth if truth or signal.unit == "yes_no" else None


def _number(said: str) -> int:
    try:
        number = float(said)
    except ValueError:
        number = 0.5
    if not number.is_integer():
        raise Invalid(f"`{said}` is no whole number")
    return int(number)
