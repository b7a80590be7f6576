"""What a log says another strategy earns: every estimator with its intervals, or that it says too little."""

from functools import partial
from math import isinf
from typing import NamedTuple, get_args

import msgspec
import numpy as np

from engagement.estimators.looking import confidence_sequence, spent
from engagement.estimators.off_policy import AnyOffPolicy
from engagement.estimators.overlap import overlap
from engagement.estimators.sample import (
    Estimate,
    Interval,
    Sample,
    bootstraps,
    checked,
    estimate,
    mean,
    paired,
)
from engagement.records import Integers

ALPHA = 0.05
MOST_DRAWN = 20_000
"""Groups that a bootstrap draws; of more, some are drawn together, which takes nothing from independence."""
Span = tuple[float, float]
"""From low to high."""


class Cover(msgspec.Struct, frozen=True):
    """How well the log covers the strategy: see `Overlap`, which says what each number is.

    further : decisions like these that would still be needed, 0 for none; null when none would help
    """

    decisions: int
    groups: int
    effective: float
    effective_groups: float
    largest: float
    heaviest: float
    unsupported: float
    further: int | None


class Estimated(msgspec.Struct, frozen=True):
    """One estimator's answer, in units of reward a decision.

    interval : 95 %, for groups like these, when it is looked at once
    bootstrap : the same, by drawing whole groups again
    weekly : 95 % for every weekly look together, at this one
    gain, gain_interval : what that is more than the log itself earned, when it is looked at once
    """

    estimator: str
    value: float
    sd: float
    interval: Span
    bootstrap: Span
    weekly: Span
    gain: float
    gain_interval: Span


class Value(msgspec.Struct, frozen=True):
    """What a log says of a strategy's value.

    enough : whether it says enough; without, `estimates` is empty and `these` null
    earned : the log's own mean reward, with its interval by group where there are two groups or more
    look : how many weekly looks there have been, of which this is the last
    these : 95 % bounds, whenever one looks, for *these* groups at *these* decision points, by inverse
        propensity scores; null where the log tells no weeks, or its rewards lie outside [0, 1]
    """

    enough: bool
    cover: Cover
    earned: float
    earned_interval: Span | None
    look: int
    estimates: tuple[Estimated, ...] = ()
    these: Span | None = None


class Weeks(NamedTuple):
    """When decisions closed. of : (n,), the week of each      window : weeks that a reward's window covers"""

    of: Integers
    window: int


def value(
    sample: Sample, rng: np.random.Generator, *, weeks: Weeks | None = None, look: int | None = None
) -> Value:
    """Every estimator's answer, where the log covers the strategy well enough.

    look : counted from 1; the weeks from the first to the last when absent, 1 where the log tells none
    raises : Invalid for arrays that are no sample
    """
    cover, nth = overlap(checked(sample)), look or _looks(weeks)
    several = sample.clusters > 1
    logged = estimate(mean(sample.reward), sample.cluster) if several else None
    found = Value(
        cover.enough and several,
        Cover(*cover, further=None if isinf(cover.further) else int(cover.further)),
        float(sample.reward.mean()),
        None if logged is None else _span(logged.interval(ALPHA)),
        nth,
    )
    if logged is None or not found.enough:
        return found
    kinds: list[AnyOffPolicy] = [kind() for kind in get_args(AnyOffPolicy)]
    terms = [kind.terms(sample) for kind in kinds]
    drawn = bootstraps(terms, sample.cluster % MOST_DRAWN, rng, alpha=ALPHA)
    told = [estimate(one, sample.cluster) for one in terms]
    return msgspec.structs.replace(
        found,
        estimates=tuple(map(partial(_estimated, logged, nth), kinds, told, drawn)),
        these=_these(sample, weeks),
    )


def _looks(weeks: Weeks | None) -> int:
    return 1 if weeks is None else int(weeks.of.max() - weeks.of.min()) + 1


def _estimated(
    logged: Estimate, look: int, estimator: AnyOffPolicy, found: Estimate, drawn: Interval
) -> Estimated:
    gain = paired(found, logged)
    return Estimated(
        str(estimator.__struct_config__.tag),
        found.value,
        found.sd,
        _span(found.interval(ALPHA)),
        _span(drawn),
        _span(spent(found, look, ALPHA)),
        gain.value,
        _span(gain.interval(ALPHA)),
    )


def _these(sample: Sample, weeks: Weeks | None) -> Span | None:
    if weeks is None or not ((sample.reward >= 0) & (sample.reward <= 1)).all():
        return None
    _, week, count = np.unique(weeks.of, return_inverse=True, return_counts=True)
    earned = np.bincount(week, sample.weight * sample.reward) / count
    lost = np.bincount(week, sample.weight * (1 - sample.reward)) / count
    running = confidence_sequence(earned, lost, alpha=ALPHA, overlap=weeks.window)
    return float(running.low[-1]), float(running.high[-1])


def _span(interval: Interval) -> Span:
    return interval[0], interval[1]
