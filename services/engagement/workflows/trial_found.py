"""What a trial has found, as it is told: arms, comparisons, and the answer in plain words."""

from collections.abc import Sequence
from datetime import date

import msgspec

from engagement.estimators.arms import Verdict
from engagement.strategy.trial import Amendment, Trial, UnitOfTrial


class Range(msgspec.Struct, frozen=True):
    """A value with its 95 % interval; null where it cannot be told."""

    value: float
    low: float | None
    high: float | None


class CurvePoint(msgspec.Struct, frozen=True):
    """Of a survival curve: the share alive from these months after the end on, and how many are watched.

    low, high : 95 % at that moment, by what was drawn; null with fewer than two of it
    """

    months: float
    alive: float
    at_risk: int
    low: float | None = None
    high: float | None = None


class ArmFound(msgspec.Struct, frozen=True):
    """One arm.

    ended : groups at whose site the program has ended      no_end : at whose site no end is set
    before_end : groups that dissolved before it      silent : of which nothing was known at last
    alive, months : at the horizon, of all groups at whose site the program has ended
    alive_best, alive_worst : if every silent group went on, or ended where it was last heard of
    attendance : share of meetings, of those who sat there when their group was assigned
    lower_quarter : the same of the quarter who came least
    icc, design_effect : how alike attendance is within a group
    unreported : share of meetings of which nothing was heard
    cost_minor, minutes : a group, of what was carried out      cost_of_month : for each month lived
    """

    arm: str
    groups: int
    units: int
    ended: int
    no_end: int
    before_end: int
    dissolved: int
    silent: int
    members: int
    alive: Range | None
    alive_best: float | None
    alive_worst: float | None
    months: Range | None
    attendance: Range | None
    lower_quarter: float | None
    icc: float | None
    design_effect: float | None
    unreported: float | None
    cost_minor: float
    minutes: float
    cost_of_month: Range | None
    harms: int
    curve: tuple[CurvePoint, ...]


class ComparisonFound(msgspec.Struct, frozen=True):
    """The second arm less the first, in the primary outcome.

    alpha : this comparison's part
    clusters_needed : an arm, for the difference that would matter; null where none was named or known
    hazard_ratio : of the second to the first, errors by what was drawn
    cost, gain : more spent and more months lived a group; ratio : of the two, where something was gained
    """

    first: str
    second: str
    difference: Range | None
    alpha: float
    verdict: Verdict
    clusters_needed: int | None
    hazard_ratio: Range | None
    cost: Range | None
    gain: Range | None
    ratio: float | None


class Analysis(msgspec.Struct, frozen=True):
    """What a trial has found on a day. sentences : the answer in plain words

    protocols : hash → groups that were assigned under it; more than one where it was amended
    log_rank : p of no difference between arms, null where whole catchments were drawn
    """

    trial: str
    title: str
    on: date
    unit: str
    primary: str
    horizon_months: int
    protocol: str
    protocols: dict[str, int]
    amendments: tuple[Amendment, ...]
    sentences: tuple[str, ...]
    arms: tuple[ArmFound, ...]
    comparisons: tuple[ComparisonFound, ...]
    log_rank: float | None


PLURAL: dict[UnitOfTrial, str] = {
    "group": "groups",
    "catchment": "catchments",
    "health_worker": "health workers",
}
WORDS: dict[Verdict, str] = {
    "better": "kept more groups alive than",
    "worse": "kept fewer groups alive than",
    "no_difference_that_matters": "made no difference that would matter to",
    "not_enough_data": "cannot be told from",
}


def sentences(trial: Trial, arms: Sequence[ArmFound], found: Sequence[ComparisonFound]) -> list[str]:
    """The answer in plain words: one for each comparison, and one on silence."""
    months, out = trial.protocol.horizon_months, []
    for row in found:
        words = f"{row.second} {WORDS[row.verdict]} {row.first} {months} months after the end"
        if row.difference is None:
            words += ": nobody was followed for so long yet"
        elif trial.protocol.primary == "alive_after_end":
            low, high = (100 * (side or 0) for side in (row.difference.low, row.difference.high))
            words += f": {100 * row.difference.value:+.0f} groups of 100 ({low:+.0f} to {high:+.0f})"
        else:
            low, high = row.difference.low or 0, row.difference.high or 0
            words += f": {row.difference.value:+.1f} months ({low:+.1f} to {high:+.1f})"
        if row.verdict == "not_enough_data" and row.clusters_needed is not None:
            words += f"; about {row.clusters_needed} {PLURAL[trial.unit]} in each arm would do"
        out.append(words + ".")
    silent = {arm.arm: arm.silent for arm in arms if arm.silent}
    if silent:
        told = ", ".join(f"{count} in {name}" for name, count in silent.items())
        out.append(f"Nothing is known of the last meetings of some groups: {told}; see the bounds.")
    return out
