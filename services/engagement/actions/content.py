"""An action in words: who reads them, over which channel, in which language, and how long they become.

Words may hold a few named variables in braces, such as `{seat}`, which the calling app fills in: they are
the fields of `Values` and no others, so that a wording can be checked before anybody needs it.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

Reader = Literal["group", "member", "adviser", "health_worker", "staff"]
"""Who reads or hears the words: the audiences of signals, and the member alone."""
Channel = Literal["app", "sms", "voice", "paper"]
Reviewer = Literal["speaker", "clinician", "adviser", "staff"]
"""Roles, never names: somebody who speaks the language, a clinician, an adviser, the program's staff."""

LONGEST_VALUE = 30
"""Characters; what registered SMS templates in India allow for one variable."""
MOST_PARTS = 3
"""Of one SMS, the variables at full length."""


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands for the variables of a wording: their names and types, all in this one place.

    seat : the member's number on the group's register     date : of a meeting or a visit
    goal : as the member said it                           question : of the month
    Raises ValueError for a value that is empty, too long (an emoji counts two) or not one line.
    """

    seat: Annotated[int, msgspec.Meta(ge=1, le=9999)] | None = None
    date: dt.date | None = None
    goal: str | None = None
    question: str | None = None

    def __post_init__(self) -> None:
        """Refuses what no registered template takes."""
        for name in self.__struct_fields__:
            written = self.written(name)
            if written is None:
                continue
            if written.splitlines() != [written]:
                raise ValueError(f"`{name}` must be one line, and not empty")
            if len(written.encode("utf-16-le")) > 2 * LONGEST_VALUE:
                raise ValueError(f"`{name}` must have at most {LONGEST_VALUE} characters")

    def written(self, name: str) -> str | None:
        """One value as people read it, dates as day/month/year; None where there is none."""
        value = getattr(self, name)
        if isinstance(value, dt.date):
            return f"{value:%d/%m/%Y}"
        return None if value is None else str(value)


VARIABLES = Values.__struct_fields__
BRACES = re.compile(r"\{([a-z_]+)\}")
WIDEST = Values(seat=9999, date=dt.date(2000, 10, 10), goal=LONGEST_VALUE * "अ", question=LONGEST_VALUE * "అ")
"""The longest values. Words may be in any script, and one Hindi letter makes a whole message UCS-2."""

# 3GPP TS 23.038, 6.2.1: the default alphabet; those behind an escape take two places
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_ESCAPED = frozenset("\f^{}\\[~]|€")
ROOM_GSM_7 = (160, 153)
ROOM_UCS_2 = (70, 67)
"""Places in a message that stands alone, and in one of several, which loses a few to their numbering."""


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action in words, for one language, channel and reader.

    text : with variables in braces, see `Values`
    template_id : under which the text is registered elsewhere; in India no other text goes out as SMS
    reviewed_by, reviewed_on : the reviewer's role and the day, when and only when it is `reviewed`
    """

    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(?!\n)$")]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    status: Literal["draft", "reviewed"] = "draft"
    audience: Reader = "adviser"
    channel: Channel = "app"
    template_id: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}(?!\n)$")] | None = None
    reviewed_by: Reviewer | None = None
    reviewed_on: dt.date | None = None

    def __post_init__(self) -> None:
        """Refuses braces that are no variable, an SMS that is too long, and half a review."""
        _check_braces(self.text)
        if self.channel == "sms" and self.parts > MOST_PARTS:
            raise ValueError(
                f"the SMS in `{self.language}` takes {self.parts} parts with its variables at full length; "
                f"at most {MOST_PARTS} are allowed"
            )
        reviewed = self.status == "reviewed"
        if (self.reviewed_by is not None, self.reviewed_on is not None) != (reviewed, reviewed):
            raise ValueError("`reviewed` needs `reviewed_by` and `reviewed_on`, and a `draft` has neither")

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables in the text, each once, in its order."""
        return tuple(dict.fromkeys(BRACES.findall(self.text)))

    @property
    def parts(self) -> int:
        """Messages it takes as SMS when every variable is as long as it may be."""
        return parts(filled(self.text, WIDEST))

    @property
    def encoding(self) -> Literal["GSM-7", "UCS-2"]:
        """What it is sent in as SMS; words that fill a variable may be in any script."""
        return "GSM-7" if is_gsm_7(filled(self.text, WIDEST)) else "UCS-2"


def filled(text: str, values: Values) -> str:
    """The text with its variables filled in; raises ValueError, naming it, when one has no value."""
    given = {name: values.written(name) for name in BRACES.findall(text)}
    missing = next((name for name, written in given.items() if written is None), None)
    if missing is not None:
        raise ValueError(f"the text needs `{missing}`")
    return BRACES.sub(lambda found: given[found[1]] or "", text)


def is_gsm_7(text: str) -> bool:
    """Whether a text fits the short alphabet; one letter outside it makes the whole message UCS-2."""
    return GSM_7.union(GSM_7_ESCAPED).issuperset(text)


def parts(text: str) -> int:
    """Messages that a text takes as SMS; a character of two places is never split between two.

    Hindi and Telugu are UCS-2, as Indian operators send them, without the shift tables of GSM.
    """
    plain = is_gsm_7(text)
    widths = [1 + (mark in GSM_7_ESCAPED if plain else ord(mark) > 0xFFFF) for mark in text]
    alone, joined = ROOM_GSM_7 if plain else ROOM_UCS_2
    if sum(widths) <= alone:
        return 1
    count, used = 1, 0
    for width in widths:
        count, used = (count + 1, width) if used + width > joined else (count, used + width)
    return count


def chosen(
    rows: Sequence[Content], language: str, reader: Reader, channel: Channel = "app"
) -> Content | None:
    """The wording for somebody: the language first, then the channel, then the reader.

    Where nothing is written for the channel or the reader, what there is; in another language, nothing.
    """
    spoken = (row for row in rows if row.language == language)
    return min(spoken, key=lambda row: (row.channel != channel, row.audience != reader), default=None)


def _check_braces(text: str) -> None:
    unknown = next((name for name in BRACES.findall(text) if name not in VARIABLES), None)
    if unknown is not None:
        raise ValueError(f"there is no variable `{{{unknown}}}`; there are {', '.join(VARIABLES)}")
    if not {"{", "}"}.isdisjoint(BRACES.sub("", text)):
        raise ValueError("a brace belongs to a variable such as `{seat}`, one pair around its name")
