"""Whether a person could be found by what somebody typed: a phone number, an address, an Aadhaar number.

Exact rules for what is written in India, and international numbers with their +. A rule that guesses
would refuse dates, seats and ids; one that misses a number is no wall, for ids and words of choice are
all that is stored of a sheet in any case.
"""

import re

E_MAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\W\d_]{2,}")
PHONE = re.compile(
    r"""(?<![\d.])(?:
    (?:(?:\+|00)?91[\s.-]?|0)?        # country code, or the 0 of a long-distance call
    (?: [6-9]\d{9}                    # ten digits, the first 6 to 9: a mobile number
      | [6-9]\d{4}[\s.-]\d{5}
      | [6-9]\d{2}[\s.-]\d{3}[\s.-]\d{4}
      | [6-9]\d{3}[\s.-]\d{3}[\s.-]\d{3} )
    | 0(?: \d{2}[\s.-]\d{8} | \d{3}[\s.-]\d{7} | \d{4}[\s.-]\d{6} )   # area code and number: eleven digits
    | \+[1-9]\d?(?:[\s().-]{0,2}\d){7,13}                          # another country's, written with its +
    )(?!\d)""",
    re.VERBOSE,
)
AADHAAR = re.compile(r"(?<!\d)[2-9]\d{3}[\s-]?\d{4}[\s-]?\d{4}(?!\d)")
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
"""Drawn by chance, and of several hundred one looks as if it held a number."""

# Verhoeff's scheme: products in the symmetries of a pentagon, a permutation for each place
_TURNS = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def personal(text: str) -> str | None:
    """What a text seems to hold by which a person could be found, with its article; None where nothing."""
    text = UUID.sub(" ", text)
    if E_MAIL.search(text):
        return "an e-mail address"
    if any(checks(re.sub(r"\D", "", number)) for number in AADHAAR.findall(text)):
        return "an Aadhaar number"
    return "a phone number" if PHONE.search(text) else None


def checks(digits: str) -> bool:
    """Whether the last digit of a number is its check digit by Verhoeff's scheme."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        turned = digit
        for _ in range(place % 8):
            turned = _TURNS[turned]
        total = _product(total, turned)
    return total == 0


def _product(one: int, other: int) -> int:
    """Of two of the ten symmetries of a pentagon: 0 to 4 turn it, 5 to 9 also turn it over."""
    if one < 5:
        return (one + other) % 5 + (5 if other >= 5 else 0)
    return (one - other) % 5 + (0 if other >= 5 else 5)
