"""Features as a caller sends them, any JSON, read as named numbers. Of the names only digests are kept.

A text, or yes and no, is a feature of its own with the value 1; a number is one feature with that number
as its value; nested objects lengthen the name; null says nothing. A list of numbers is one feature a place,
of texts one feature a text, of objects all of theirs together.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import copysign, isfinite, log
from typing import Any

import numpy as np

from engagement.errors import Invalid
from engagement.records import Named

DEEPEST = 8
NAME_BYTES = 8


def named(items: Sequence[Any], key: bytes, *, space: str, most: int, extra: Sequence[str] = ()) -> Named:
    """What a list of JSON values says, as named numbers, in its order.

    key : up to 64 bytes; under another key the same name has another digest
    space : keeps apart what is said of different things      most : features there may be
    extra : names of features that are simply there

    raises : Invalid for more features than `most`, for numbers that are not finite, and for JSON that is
    nested deeper than eight objects
    """
    found = [(f"{space}!{name}", 1.0) for name in extra]
    for item in items:
        for name, value in _features("", item, 0):
            found.append((f"{space}|{name}", value))
            if len(found) > most:
                raise Invalid(f"there are more than {most} features in one list")
    digests = b"".join(_digest(key, name) for name, _ in found)
    return Named(
        np.frombuffer(digests, "<u8").astype(np.uint64), np.array([value for _, value in found], np.float64)
    )


def _digest(key: bytes, name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=NAME_BYTES).digest()


def _features(path: str, value: Any, depth: int) -> Iterator[tuple[str, float]]:
    if depth > DEEPEST:
        raise Invalid(f"features are nested deeper than {DEEPEST} levels")
    match value:
        case None:
            return
        case bool() | str():
            yield f"{path}={value}", 1.0
        case int() | float():
            yield path, _tamed(value)
        case dict():
            for name in sorted(value):
                yield from _features(f"{path}.{name}", value[name], depth + 1)
        case _:
            for place, item in enumerate(value):
                number = isinstance(item, int | float) and not isinstance(item, bool)
                yield from _features(f"{path}[{place}]" if number else path, item, depth + 1)


def _tamed(value: float) -> float:
    """The number itself up to 1 in size, beyond that 1 and its logarithm: an age must not drown a rating."""
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise Invalid("a feature's number is not a finite one")
    size = abs(number)
    return number if size <= 1 else copysign(1 + log(size), number)
