"""What two surveys show, as it is told: what the design permits first, then means, changes and losses."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from engagement.workflows.sheet import Refused
from engagement.workflows.survey import LeftOut, Outcome
from engagement.workflows.trial_found import Range

Design = Literal["randomised", "compared", "before_after"]
PERMITS: Mapping[Design, str] = {
    "randomised": "Randomised: what differs between arms beyond chance is an effect.",
    "compared": "Compared, not drawn by lot: what differs between arms is an association, cause not shown.",
    "before_after": "Before and after only: the change is described, cause not shown.",
}
"""What may be said at all. The word of the first stands in no sentence of the other two."""
FEWEST = 5
"""Of fewer people in a cell nothing is told."""
DIGITS = 3
TOO_FEW = f"fewer than {FEWEST}"


class Mean(msgspec.Struct, frozen=True):
    """Of the people of one arm at one time; all null where they are fewer than `FEWEST`."""

    people: int | None
    mean: float | None
    sd: float | None


class Answers(msgspec.Struct, frozen=True):
    """One outcome in one arm. yes_no : means are shares of 1

    baseline : all who answered it then, by whom arms can be seen to have begun alike
    before, after : those who are compared: in a panel who answered both times, else everybody
    """

    outcome: str
    yes_no: bool
    arm: str
    baseline: Mean
    before: Mean
    after: Mean


class Changed(msgspec.Struct, frozen=True):
    """The second arm less the first, or where `first` is null the change of everybody.

    change : with an interval that misses with the probability `alpha`
    clusters : of what was drawn, or groups, by which that interval is
    why : there is no change to be told, or no interval
    """

    outcome: str
    yes_no: bool
    first: str | None
    second: str
    change: Range | None
    alpha: float
    clusters: int | None
    why: str | None
    sentence: str


class Loss(msgspec.Struct, frozen=True):
    """Of the people asked at baseline, how many were found again; null where they are fewer than `FEWEST`.

    lost : the share of 1 that was not
    """

    arm: str
    asked: int | None
    found: int | None
    lost: float | None


class Impact(msgspec.Struct, frozen=True):
    """What two surveys show. permits : the first thing to be said

    panel : the same people were asked twice      unit : by which errors are: group, or what was drawn
    method : how changes were reckoned, in words      notes : what a reader has to know besides
    """

    design: Design
    permits: str
    panel: bool
    trial: str | None
    unit: str
    method: str
    answers: tuple[Answers, ...]
    changes: tuple[Changed, ...]
    losses: tuple[Loss, ...]
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    refused_baseline: tuple[Refused, ...]
    refused_endline: tuple[Refused, ...]


def counted(people: int) -> str:
    """How many people, as it is told."""
    return TOO_FEW if people < FEWEST else str(people)


def rounded(value: float) -> float:
    """With as many decimals as are told."""
    return round(value, DIGITS) + 0.0  # no −0.0


def sentence(design: Design, outcome: Outcome, pair: tuple[str | None, str], change: Range) -> str:
    """A change in plain words; who reads no more than this must not be misled."""
    first, second = pair
    told = f"{outcome.name}: {in_words(change, yes_no=outcome.yes_no)}"
    known = change.low is not None and change.high is not None
    if design == "before_after":
        chance = ", which may be chance" if known and holds_nothing(change) else ""
        return f"{told} from baseline to endline{chance}; described."
    if not known or holds_nothing(change):
        return f"{told} in {second} against {first}, which may be chance."
    called = "an effect" if design == "randomised" else "an association"
    return f"{told} in {second} against {first}, {called}."


def holds_nothing(change: Range) -> bool:
    """Whether no change at all lies in the range."""
    return (change.low or 0.0) <= 0 <= (change.high or 0.0)


def in_words(change: Range, *, yes_no: bool) -> str:
    """A change and its range, with their signs; of yes and no in people of 100."""
    digits, times = (DIGITS - 2, 100) if yes_no else (DIGITS, 1)

    def signed(value: float | None) -> str:
        plain = f"{times * (value or 0.0):+.{digits}f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain

    words = signed(change.value) + (" of 100" if yes_no else "")
    if change.low is None or change.high is None:
        return words
    return f"{words} ({signed(change.low)} to {signed(change.high)})"


def refusals(found: Impact) -> list[tuple[str, Sequence[Refused]]]:
    """What could not be read, by survey, where there is any."""
    both = [("baseline", found.refused_baseline), ("endline", found.refused_endline)]
    return [(name, refused) for name, refused in both if refused]
