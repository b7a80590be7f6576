"""How the console writes numbers: a true minus, thin spaces in thousands, a per cent that never breaks."""

import re
from collections.abc import Callable, Mapping
from typing import Any

NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")
MINUS, THIN, HARD = "\u2212", "\u202f", "\u00a0"


def number(value: float, places: int = 0) -> str:
    """A number with so many decimal places."""
    text = f"{abs(value):,.{places}f}".replace(",", THIN)
    negative = value < 0 and any(letter in "123456789" for letter in text)
    return f"{MINUS}{text}" if negative else text


def signed(value: float, places: int = 0) -> str:
    """A difference: with its sign, and ±0 for none."""
    text = number(value, places)
    if text[0] == MINUS:
        return text
    return f"+{text}" if any(letter in "123456789" for letter in text) else f"±{text}"


def percent(share: float) -> str:
    """A share in whole per cent."""
    return f"{number(100 * share)}{HARD}%"


def chance(probability: float) -> str:
    """A probability with two decimal places; never told as none or as certain when it is neither."""
    if 0 < probability < 0.005:
        return "<0.01"
    if 0.995 <= probability < 1:
        return ">0.99"
    return f"{probability:.2f}"


def true_minus(words: str) -> str:
    """A sentence whose negative numbers were written with a hyphen."""
    return NEGATIVE.sub(MINUS, words)


def without_stop(words: str) -> str:
    """A sentence as a heading."""
    return words.removesuffix(".")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "signed": signed,
    "percent": percent,
    "chance": chance,
    "true_minus": true_minus,
    "without_stop": without_stop,
}
