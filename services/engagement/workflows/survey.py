"""Two surveys, before and after, from sheets with a respondent a line: who answered, and which outcomes.

A column is an outcome where all that is written in it, in both, is a number, or is yes or no. Everything
else is named and left out. What stands in a cell is never repeated: it may be about a person.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from engagement.errors import Invalid
from engagement.workflows.sheet import (
    YES_NO,
    Cells,
    FlawError,
    Refused,
    Sheet,
    addressed,
    header,
    must_say,
    not_read,
    pseudonym,
    read_lines,
    yes_no,
)

MOST_RESPONDENTS = 20_000
LONGEST = 30
FACTS = {
    "group": "the group's id, required",
    "member": "the member's id (a pseudonym); in both surveys where the same people were asked",
    "arm": "where nobody was drawn by lot: a word for what the respondent's group had",
    "compared": "instead: yes for who is compared with, no for who had what is assessed",
}
"""Columns that say who answered. All others may be outcomes."""
COMPARED = {True: "others", False: "program"}
"""What the two arms are called where `compared` tells them apart."""
NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,20})?|\.\d{1,20})([eE]-\d{1,2})?")


class Surveys(NamedTuple):
    """The two sheets."""

    baseline: Sheet
    endline: Sheet


class Respondent(NamedTuple):
    """Who answered. arm : as the sheet itself has it      cells : with the answers"""

    line: int
    group: str
    member: str | None
    arm: str | None
    cells: Cells


class Survey(NamedTuple):
    """A survey as it was read. name : baseline or endline"""

    name: str
    sheet: Sheet
    respondents: tuple[Respondent, ...]
    refused: tuple[Refused, ...]


class Outcome(NamedTuple):
    """A column that both surveys answer. yes_no : else numbers"""

    name: str
    yes_no: bool

    def of(self, who: Respondent) -> float | None:
        """The answer, yes as 1 and no as 0; None where it is missing."""
        cell = who.cells[self.name].lower()
        if not cell:
            return None
        return float(YES_NO[cell]) if self.yes_no else float(cell)


class LeftOut(msgspec.Struct, frozen=True):
    """A column that is not an outcome, and why."""

    column: str
    why: str


def read_survey(sheet: Sheet, name: str) -> Survey:
    """A survey from its sheet.

    raises : Invalid for one without respondents, or whose columns cannot be told apart
    """
    header(sheet, FACTS, ("group",))
    if {"arm", "compared"} <= set(sheet.names):
        raise Invalid(f"the {name} has `arm` and `compared`; give one of them")
    if len(sheet.rows) > MOST_RESPONDENTS:
        raise Invalid(f"the {name} has more than {MOST_RESPONDENTS} lines, which are not read at once")
    _, sound, refused = read_lines(sheet, f"the {name}", FACTS, _respondent, MOST_RESPONDENTS)
    kept, again = _once(sound)
    return Survey(name, sheet, tuple(kept), addressed(sheet, [*refused, *again]))


def _once(respondents: Sequence[Respondent]) -> tuple[list[Respondent], list[Refused]]:
    """Everybody once, and the lines of a member that stands above already."""
    first: dict[str, int] = {}
    kept, again = [], []
    for who in respondents:
        line = who.line if who.member is None else first.setdefault(who.member, who.line)
        if line == who.line:
            kept.append(who)
        else:
            again.append(Refused(who.line, "member", f"the member stands in line {line} already"))
    return kept, again


def _respondent(cells: Cells, number: int) -> Respondent:
    must_say(cells, [name for name in FACTS if name in cells])
    member = pseudonym(cells, "member") if "member" in cells else None
    return Respondent(number, pseudonym(cells, "group"), member, _arm(cells), cells)


def _arm(cells: Cells) -> str | None:
    if "compared" in cells:
        return COMPARED[yes_no(cells, "compared")]
    if "arm" in cells and len(cells["arm"]) > LONGEST:
        raise FlawError("arm", f"is longer than {LONGEST} characters; a word for each arm will do")
    return pseudonym(cells, "arm") if "arm" in cells else None


def outcomes(baseline: Survey, endline: Survey) -> tuple[list[Outcome], list[LeftOut]]:
    """The outcomes that both surveys have, and the other columns."""
    both, found, left_out = (baseline, endline), [], []
    names = dict.fromkeys(name for survey in both for name in survey.sheet.names)
    for name in names:
        if name and name not in FACTS:
            why = _why_not(name, both)
            if why is None:
                found.append(Outcome(name, all(cell.lower() in YES_NO for _, _, cell in _said(name, both))))
            else:
                left_out.append(LeftOut(name, why))
    nameless = {name: survey.name for survey in both for name in not_read(survey.sheet, survey.sheet.names)}
    left_out += [LeftOut(name, f"has no name in the {where}") for name, where in nameless.items()]
    return found, left_out


def _said(name: str, surveys: Sequence[Survey]) -> Iterator[tuple[Survey, Respondent, str]]:
    """All that is written in a column."""
    for survey in surveys:
        for who in survey.respondents:
            if who.cells[name]:
                yield survey, who, who.cells[name]


def _why_not(name: str, surveys: Sequence[Survey]) -> str | None:
    """Why a column is no outcome."""
    for survey in surveys:
        stands = survey.sheet.names.count(name)
        if stands != 1:
            return f"stands twice in the {survey.name}" if stands else f"is missing in the {survey.name}"
        if not any(who.cells[name] for who in survey.respondents):
            return f"is empty in the {survey.name}"
    said = list(_said(name, surveys))
    words = [cell.lower() in YES_NO for _, _, cell in said]
    numbers = [NUMBER.fullmatch(cell) is not None for _, _, cell in said]
    if all(words) or all(numbers):
        return None
    neither = [not word and not number for word, number in zip(words, numbers, strict=True)]
    if any(neither):
        return f"{_cell(name, said[neither.index(True)])} is neither a number nor yes or no"
    return f"{_cell(name, said[numbers.index(False)])} is no number, as others of the column are"


def _cell(name: str, at: tuple[Survey, Respondent, str]) -> str:
    """Where something stands."""
    survey, who, _ = at
    (flaw,) = addressed(survey.sheet, [Refused(who.line, name, "")])
    return f"cell {flaw.cell} of the {survey.name}"
