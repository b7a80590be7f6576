"""Whether a person could be found by a text: a phone number, an e-mail address, an Aadhaar number.

Every text that is stored is looked at here, whichever way it came. The rules know the spellings that are
usual in India, and numbers of other countries by their +. They are no wall: a name looks like any word, and a
number can always be written otherwise; docs/threat-model.md says which spellings pass. Ids of real systems
pass: UUIDs, ULIDs, uids of DHIS2, hashes, numbers of records with other than ten to twelve digits, counters
filled up with two zeros or more, days and moments. A number that ends or begins a word of letters is looked
at, one within a longer word is not: there chance makes them.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engagement.errors import Identifying

FEWEST_DIGITS = 7
"""Of whatever is looked for, addresses apart."""
E_MAIL = re.compile(r"[^\s@,;<>]*\w@[^\W\d_][^\s@,;<>]*")
URN = re.compile(r"(?<![A-Za-z0-9])(?:tel|whatsapp):\+?\d{7,15}(?!\d)", re.IGNORECASE)  # RFC 3966, RapidPro
_SIGNS = r"[\s._/()-]"
_APART = rf"(?:{_SIGNS}{{1,4}}(?:[1-9]|(?<=[\s()])0))"
"""What stands between two parts of a number, and the first digit of the next: of parts that a sign joins, one
that begins with 0 is a record's code."""
_BEFORE = r"(?:(?:\+|00)?91[\s.-]?|0)?"
"""Of a mobile number: the country's code, or the 0 of a long-distance call."""
PHONE = re.compile(
    rf"""(?<![A-Za-z0-9])(?<!\d\.)[A-Za-z]{{0,12}}+(?=[+06-9])
    (?: {_BEFORE}[6-9]\d\d            # a mobile number: ten digits, the first 6 to 9
        (?: \d{{7}}
          | \d\d{_APART}\d{{4}}       # 98765 43210
          | {_APART}\d\d{_APART}\d{{3}}
          | \d{_APART}\d\d{_APART}\d\d )
      | (?<!\d[._/-]){_BEFORE}[6-9]\d    # the same in parts that could be a decimal, a year or a month
        (?: \d(?:[\s()]{{1,4}}\d|-[1-9])\d{{6}}
          | \d\d(?:[\s()]{{1,4}}|-(?!0|20\d\d(?:0[1-9]|1[0-2])))\d{{6}}
          | \s{{1,3}}\d{{8}} | \d{{4}}\s{{1,3}}\d{{4}} | \d{{5}}\s{{1,3}}\d{{3}} | \d{{6}}\s{{1,3}}\d\d )
        (?![._/-]\d)
      | (?<!\d\s){_BEFORE}[6-9]\d        # the same in three, but not within a longer row of numbers
        (?: \s\d{{4}}\s\d{{4}} | \d\s\d{{4}}\s\d{{3}} | \d\d\s\d\d\s\d{{4}}
          | \d\d\s\d{{4}}\s\d\d | \d{{3}}\s\d\d\s\d{{3}} | \d{{3}}\s\d{{3}}\s\d\d )
        (?!\s\d)
      | (?:0|(?:00)?91{_SIGNS}{{1,4}}(?=\d{{2,4}}{_SIGNS}))    # a landline: area code and number, ten digits
        (?: [1-9]\d{_SIGNS}{{0,4}}[2-7]\d{{7}}
          | [1-9]\d\d{_SIGNS}{{0,4}}[2-7]\d
            (?: \d{{5}} | \d{_APART}\d{{3}} | \d\d{_APART}\d\d | \s\d\d\s\d{{3}} )
          | [1-9]\d{{3}}{_SIGNS}{{0,4}}[2-7]\d(?:\d{{4}} | \d{_APART}\d\d | \s\d\d\s\d\d)
          | (?:11|2[02]|33|4[04]|79|80){_SIGNS}{{0,4}}[2-7]\d(?:\d\d{_APART}\d{{3}} | (?:\s\d\d){{3}}) )
      | \+[1-9]\d?(?:{_SIGNS}{{0,4}}\d){{7,13}} )    # another country's, written with its +
    [A-Za-z]{{0,12}}(?![A-Za-z0-9])""",
    re.VERBOSE,
)
AADHAAR = re.compile(
    r"""(?<![A-Za-z0-9])[A-Za-z]{0,12}+(?:(?<!\d\.)|(?=\d{4}\D))
    ([2-9]\d{3} (?:(?:[\s_/()-]{0,4}\d{4}){2} | (?:\.\d{4}){2}))
    [A-Za-z]{0,12}(?![A-Za-z0-9])""",
    re.VERBOSE,
)
NOBODY = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      [0-9a-fA-F]{8}(?:[-_][0-9a-fA-F]{4}){3}[-_][0-9a-fA-F]{12}         # drawn by chance
    | (?=\d*[a-fA-F])(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{24}|[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})
    | (?:19|20)\d\d[-/._]?(?:0[1-9]|1[0-2])[-/._]?(?:0[1-9]|[12]\d|3[01])  # a day, a moment
      (?:[Tt\s:_-]?(?:[01]\d|2[0-3])[:.-]?[0-5]\d(?:[:.-]?[0-5]\d(?:[.,]?\d{1,9})?)?)?
      (?:[Zz]|[+-](?:0\d|1[0-4]):?[0-5]\d)?
    | (?:19|20)\d\d(?:[\s/_-](?:19|20)\d\d){2}   # three years
    | [1-9]\d000\s?[-/]\s?[1-9]\d000            # from one amount to another
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
"""What is made of many digits and is nobody's."""

ADVICE = (
    "People have pseudonyms here: send the id that your own app gave them, such as a case id, or a number "
    "drawn for them, and keep numbers and addresses with you"
)

# Verhoeff's scheme: products in the symmetries of a pentagon, a permutation for each place
_TURNS = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
_WITHOUT_DIGITS = dict.fromkeys(map(ord, "0123456789"))


def personal(text: str) -> str | None:
    """What a text seems to hold by which a person could be found, with its article; None where nothing."""
    if not text.isascii():
        text = _in_ascii(text)
    if "@" in text and E_MAIL.search(text):
        return "an e-mail address"
    if len(text) < FEWEST_DIGITS or _digits(text) < FEWEST_DIGITS:
        return None
    text = NOBODY.sub(" ; ", text)
    digits = _digits(text)
    if digits < FEWEST_DIGITS:
        return None
    if digits >= 12 and any(checks(re.sub(r"\D", "", number)) for number in AADHAAR.findall(text)):
        return "an Aadhaar number"
    if ((digits >= 10 or "+" in text) and PHONE.search(text)) or (":" in text and URN.search(text)):
        return "a phone number"
    return None


def _digits(text: str) -> int:
    return len(text) - len(text.translate(_WITHOUT_DIGITS))


def refusal(field: str, text: str | None) -> Identifying | None:
    """Why a text cannot be stored; None where it can. The error names the field and never the text."""
    what = None if text is None else personal(text)
    return None if what is None else Identifying(f"`{field}` looks like {what}. {ADVICE}", field, what)


def refusal_of(thing: Any) -> Identifying | None:
    """Why something cannot be stored, by the first of all its texts by which a person could be found."""
    return next((found for path, text in texts(thing) if (found := refusal(path, text))), None)


def texts(thing: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text within something and where it stands, such as `content[0].text`."""
    if isinstance(thing, str):
        yield path, thing
    elif isinstance(thing, msgspec.Struct):
        yield from texts(msgspec.structs.asdict(thing), path)
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from texts(value, f"{path}.{key}".removeprefix("."))
    elif isinstance(thing, list | tuple):
        for place, value in enumerate(thing):
            yield from texts(value, f"{path}[{place}]")


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


def _in_ascii(text: str) -> str:
    """A text whose digits, dashes, blanks and @ are those of ASCII, without signs that nobody sees."""
    out = []
    for sign in unicodedata.normalize("NFKC", text):
        kind = unicodedata.category(sign)
        if kind == "Nd":
            out.append(str(unicodedata.decimal(sign)))
        elif kind != "Cf":
            out.append({"Pd": "-", "Zs": " "}.get(kind, sign))
    return "".join(out)
