"""The words of a program as the sheet that a registry of SMS templates wants, and how long they are.

In India no business SMS is delivered that is not, letter by letter, a template registered under a header
(the sender's six letters) and a category, each variable written `{#var#}` and at most 30 characters long.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engagement.actions.catalogue import AnyAction
from engagement.actions.content import BRACES, Content

CATEGORIES = ("service_implicit", "service_explicit", "transactional", "promotional")
DEFAULT_CATEGORY = "service_implicit"
COLUMNS = (
    "header", "template_id", "category", "language", "text", "variables", "parts", "encoding", "action",
    "audience", "channel", "status",
)  # fmt: skip
VARIABLE = "{#var#}"
STARTS_A_FORMULA = ("=", "+", "-", "@")


class Row(NamedTuple):
    """One wording as it is registered; `variables` are the names that stand for each {#var#}, in order."""

    header: str
    template_id: str
    category: str
    language: str
    text: str
    variables: str
    parts: int
    encoding: str
    action: str
    audience: str
    channel: str
    status: str


def registered(text: str) -> str:
    """A text as a registry wants it."""
    return BRACES.sub(VARIABLE, text)


def rows(
    actions: Sequence[AnyAction], header: str, category: str, *, every_channel: bool = False
) -> Iterator[Row]:
    """A row for each wording of each action that is not retired; those for SMS, or all of them."""
    for action, words in _wordings(actions, every_channel=every_channel):
        yield Row(
            header,
            words.template_id or "",
            category,
            words.language,
            registered(words.text),
            " ".join(BRACES.findall(words.text)),
            words.parts,
            words.encoding,
            action.id,
            words.audience,
            words.channel,
            words.status,
        )


def sheet(lines: Sequence[Row]) -> str:
    """The rows as CSV with a first line of names, in the order of `COLUMNS`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([_harmless(str(cell)) for cell in line])
    return out.getvalue()


def in_parts(actions: Sequence[AnyAction], *, every_channel: bool = False) -> list[str]:
    """A table in lines: for each language, how many wordings take one SMS, two, three."""
    counts: dict[str, Counter[int]] = {}
    for _, words in _wordings(actions, every_channel=every_channel):
        counts.setdefault(words.language, Counter())[words.parts] += 1
    most = max((parts for counter in counts.values() for parts in counter), default=1)
    head = "".join(f"{f'{parts} part' + 's' * (parts > 1):>10}" for parts in range(1, most + 1))
    lines = [f"{'language':10}{head}{'wordings':>10}"]
    for language, counter in sorted(counts.items()):
        cells = "".join(f"{counter[parts]:>10}" for parts in range(1, most + 1))
        lines.append(f"{language:10}{cells}{counter.total():>10}")
    return lines


def _wordings(actions: Sequence[AnyAction], *, every_channel: bool) -> Iterator[tuple[AnyAction, Content]]:
    for action in actions:
        for words in action.content:
            if not action.retired and (every_channel or words.channel == "sms"):
                yield action, words


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(STARTS_A_FORMULA) else cell
