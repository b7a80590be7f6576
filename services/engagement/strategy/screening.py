"""Screening for positive deviants: who does well against the odds, and could lead a group.

    score = 100 · Σ weight·value / Σ weight        over all seven parts, each from 0 to 1

A part is a share of yes, drawn towards the pool's own mean m (`stats.shrunken`): with few reports it is near
what is usual, so that one good month does not make an adviser. Control is the exception, because it is the
deviance itself: what is looked at is how far the share under control lies above or below what is expected of
people with as much against them,

    value = ½ + ½·(c − e)        e : the pool's share among those with as many odds, drawn towards its mean
                                 c : the person's own share, drawn towards e

*Odds* are the conditions a person has and the barriers they named. Nothing known is exactly ½.

A positive deviant succeeds under the constraints that others fail under (Baxter et al. 2016, BMJ Quality &
Safety 25: 190-201, 10.1136/bmjqs-2015-004386; they found the methods poorly defined in most studies): hence
the comparison with people of the same odds. The parts are those that programs name, the weights guesses.

The score orders people to be asked. It is no measure of anybody's worth, and no decision is made by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec

from engagement.actions.action import Id
from engagement.signals.reading import Counted, together
from engagement.stats.shrunken import Share, shrunken

PartName = Literal["control", "adherence", "attendance", "goals", "willingness", "nearness", "reads"]
PARTS: tuple[PartName, ...] = get_args(PartName)
MOST_ODDS = 3
"""Three and more count alike: few have as many."""
Weight = Annotated[float, msgspec.Meta(ge=0, le=100)]
Bar = Literal[
    "not_now", "no_messages", "handed_over", "not_willing", "not_controlled", "few_reports", "not_above"
]
"""Why somebody is not proposed; the first that holds, a person's own "no" before what is reported of them."""


class ScreeningWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each part of the score weighs against the others; guesses. Raises ValueError where none weighs."""

    control: Weight = 6.0
    adherence: Weight = 3.0
    attendance: Weight = 4.0
    goals: Weight = 2.0
    willingness: Weight = 3.0
    nearness: Weight = 1.0
    reads: Weight = 1.0

    def __post_init__(self) -> None:
        """Refuses a score of nothing."""
        if not any(self.of(name) for name in PARTS):
            raise ValueError("every weight of the screening is 0, so nothing would be screened by")

    def of(self, name: PartName) -> float:
        """The weight of a part."""
        return float(getattr(self, name))


class Screening(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the score is made.

    strength : so many reports the pool's mean counts for      enough : reports before somebody is proposed
    willing, near : names of screening questions (the `chain` of a `screening_answer`) to which yes means that
        the person would lead a group, and that they live near the others
    """

    weights: ScreeningWeights = ScreeningWeights()
    strength: Annotated[float, msgspec.Meta(gt=0, le=100)] = 4.0
    enough: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    willing: tuple[Id, ...] = ("willing",)
    near: tuple[Id, ...] = ("near",)

    def __post_init__(self) -> None:
        """Refuses a question that would count for two things."""
        both = sorted(set(self.willing) & set(self.near))
        if both:
            raise ValueError(f"the question `{both[0]}` is named under `willing` and under `near`")


class Known(NamedTuple):
    """What is known of one person, part by part.

    parts : one for each of `PARTS`, in that order      odds : conditions and barriers, see above
    controlled : whether the latest report of every kind says under control; None where there is none
    willing : the latest answer to whether they would lead; None where nobody has asked
    """

    parts: tuple[Counted, ...]
    odds: int = 0
    controlled: bool | None = None
    willing: bool | None = None

    def part(self, name: PartName) -> Counted:
        """One part."""
        return self.parts[PARTS.index(name)]

    @property
    def reports(self) -> int:
        """How many reports of the disease, of coming and of goals there are; answers and place are none."""
        return sum(part.reports for part in self.parts[: PARTS.index("willingness")])


class Pool(NamedTuple):
    """What is usual. means : of each of `PARTS`      control : by odds, from 0 to `MOST_ODDS`"""

    means: tuple[float, ...]
    control: tuple[float, ...]

    def mean(self, name: PartName, odds: int) -> float:
        """What is expected of somebody with so many odds."""
        return self.control[min(odds, MOST_ODDS)] if name == "control" else self.means[PARTS.index(name)]


class ScreenedPart(NamedTuple):
    """One part of a score. share : of yes, drawn towards `mean`      value : what enters the score"""

    name: PartName
    weight: float
    share: Share
    mean: float
    value: float
    counted: Counted

    @property
    def usual(self) -> float:
        """What would enter the score where nothing is known."""
        return 0.5 if self.name == "control" else self.mean


class Screened(NamedTuple):
    """A score from 0 to 100, with the standard deviation of what is not known of it.

    usual : the score of somebody of whom nothing is known
    bar : why this person is not proposed, None where they are
    """

    score: float
    sd: float
    parts: tuple[ScreenedPart, ...]
    reports: int
    usual: float
    bar: Bar | None


def pool_of(people: Iterable[Known], strength: float) -> Pool:
    """What is usual among people; ½ where nothing is known of anybody.

    A mean is itself drawn towards ½ as by two reports; control by odds is drawn towards that of all.
    """
    people = list(people)
    means = tuple(_mean(person.parts[place] for person in people) for place in range(len(PARTS)))
    overall = means[PARTS.index("control")]
    by_odds: Mapping[int, list[Counted]] = {odds: [] for odds in range(MOST_ODDS + 1)}
    for person in people:
        by_odds[min(person.odds, MOST_ODDS)].append(person.part("control"))
    found = map(together, by_odds.values())
    return Pool(means, tuple(shrunken(one.yes, one.of, overall, strength).value for one in found))


def _mean(parts: Iterable[Counted]) -> float:
    """Beta(1, 1) is the prior."""
    found = together(parts)
    return shrunken(found.yes, found.of, 0.5, 2.0).value


def screened(
    known: Known,
    pool: Pool,
    rules: Screening,
    *,
    not_now: bool = False,
    no_messages: bool = False,
    handed_over: bool = False,
) -> Screened:
    """The score of one person.

    not_now : a safety case is open      no_messages : does not agree to be asked anything
    handed_over : stepped down, was succeeded, or is tired of it
    """
    parts = tuple(_part(name, known, pool, rules) for name in PARTS)
    weights = sum(part.weight for part in parts)
    score = sum(part.weight * part.value for part in parts) / weights
    spread = sqrt(sum((part.weight * _slope(part.name) * part.share.sd) ** 2 for part in parts)) / weights
    usual = sum(part.weight * part.usual for part in parts) / weights
    bar = _bar(known, rules, not_now=not_now, no_messages=no_messages, handed_over=handed_over)
    if bar is None and score <= usual:
        bar = "not_above"
    return Screened(100 * score, 100 * spread, parts, known.reports, 100 * usual, bar)


def _slope(name: PartName) -> float:
    """How much of a share's change the value of its part follows."""
    return 0.5 if name == "control" else 1.0


def _part(name: PartName, known: Known, pool: Pool, rules: Screening) -> ScreenedPart:
    counted, mean = known.part(name), pool.mean(name, known.odds)
    share = shrunken(counted.yes, counted.of, mean, rules.strength)
    value = 0.5 + 0.5 * (share.value - mean) if name == "control" else share.value
    return ScreenedPart(name, rules.weights.of(name), share, mean, value, counted)


def _bar(
    known: Known, rules: Screening, *, not_now: bool, no_messages: bool, handed_over: bool
) -> Bar | None:
    if not_now:
        return "not_now"
    if no_messages:
        return "no_messages"
    if handed_over:
        return "handed_over"
    if known.willing is False:
        return "not_willing"
    if known.controlled is False:
        return "not_controlled"
    return "few_reports" if known.reports < rules.enough else None


class Ranked(NamedTuple):
    """Somebody who could lead, as far as their place depends on it."""

    seat: int
    deputy: bool
    found: Screened

    @property
    def proposed(self) -> bool:
        """Whether to ask this person. A deputy was chosen before, so only their own bars stand in the way."""
        own = ("not_now", "no_messages", "handed_over", "not_willing")
        return self.found.bar not in own if self.deputy else self.found.bar is None


def in_order(people: Sequence[Ranked]) -> list[int]:
    """Places of people in the order in which to ask: whoever is proposed, deputies first, then by score."""

    def key(place: int) -> tuple[bool, bool, float, int]:
        one = people[place]
        return not one.proposed, not one.deputy, -one.found.score, one.seat

    return sorted(range(len(people)), key=key)
