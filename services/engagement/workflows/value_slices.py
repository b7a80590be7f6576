"""For whom another strategy would be better, and for whom worse: its value kind by kind of member.

Kinds overlap and were not drawn, so that they differ is described. What the other strategy would bring one
kind more than the log did is an effect within it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from engagement.estimators.off_policy.self_normalised_dr import SelfNormalisedDr
from engagement.estimators.overlap import overlap
from engagement.estimators.sample import Sample, estimate, mean, paired
from engagement.estimators.value import ALPHA
from engagement.records import Bools, Integers
from engagement.workflows.slices import FEWEST_GROUPS, Fact, kinds
from engagement.workflows.strata import Known
from engagement.workflows.trial_found import Range

FEW_GROUPS = f"fewer than {FEWEST_GROUPS} groups have such members"
LITTLE_COVER = "the log says too little of this strategy there"
NOBODY_TWICE = "nobody has two decisions that count"


class ValueSlice(msgspec.Struct, frozen=True):
    """One kind of member. units : members, or groups decided for as such

    earned : what the log earned there, a decision      value : what the strategy asked about would have
    gain : the second less the first      value and gain by self-normalised DR, errors by group
    """

    fact: Fact | None
    name: str
    groups: int
    units: int
    decisions: int
    earned: float
    value: Range
    gain: Range


class Untold(msgspec.Struct, frozen=True):
    """A kind of which no figure is told, and why."""

    fact: Fact | None
    name: str
    why: str


class ValueSliced(msgspec.Struct, frozen=True):
    """Every kind of member, and the quarter of members who had earned least.

    alpha : chance that any of all these intervals of a kind misses; shared : the part of each
    worst : the lowest value      loses : names of kinds whose interval of the gain lies below 0
    quarter : chosen by the first half of each unit's decisions and valued by the second, for whoever is
        chosen by an outcome must not be judged by it; null where it is among `untold`
    """

    alpha: float
    shared: float
    slices: tuple[ValueSlice, ...]
    quarter: ValueSlice | None
    worst: ValueSlice | None
    loses: tuple[str, ...]
    untold: tuple[Untold, ...]


class _Kind(NamedTuple):
    fact: Fact | None
    name: str
    here: Bools


def value_slices(sample: Sample, known: Sequence[Known], units: Integers) -> ValueSliced:
    """What a sample says of each kind. rows in order of time      known, units : (n,)"""
    every = [_Kind(*row) for row in kinds(known)]
    every.append(_Kind(None, "the lower quarter", lower_quarter(sample.reward, units)))
    why = [_why_not(sample, kind) for kind in every]
    told = [kind for kind, reason in zip(every, why, strict=True) if reason is None]
    shared = ALPHA / max(len(told), 1)
    rows = [_slice(sample, kind, units, shared) for kind in told]
    slices = tuple(row for row in rows if row.fact is not None)
    return ValueSliced(
        ALPHA,
        shared,
        slices,
        next((row for row in rows if row.fact is None), None),
        min(slices, key=lambda row: row.value.value, default=None),
        tuple(_loses(rows)),
        tuple(
            Untold(kind.fact, kind.name, reason)
            for kind, reason in zip(every, why, strict=True)
            if reason is not None
        ),
    )


def lower_quarter(reward: Sequence[float] | np.ndarray, units: Integers) -> Bools:
    """The later decisions of the quarter of units that earned least by their earlier ones, (n,).

    A unit's first half is rounded down; one with a single decision is left out. rows in order of time
    """
    order = np.argsort(units, kind="stable")
    many = np.bincount(units)
    nth = np.empty(len(units), np.int64)
    nth[order] = np.arange(len(units)) - np.repeat(np.cumsum(many) - many, many)
    early = nth < many[units] // 2
    seen = np.bincount(units[early], minlength=len(many))
    twice = np.flatnonzero(seen)
    earned = np.bincount(units[early], np.asarray(reward)[early], len(many))[twice] / seen[twice]
    lowest = twice[np.argsort(earned, kind="stable")[: max(1, len(twice) // 4)]]
    inside: Bools = np.isin(units, lowest) & ~early
    return inside


def _why_not(sample: Sample, kind: _Kind) -> str | None:
    if kind.fact is None and not kind.here.any():
        return NOBODY_TWICE
    some = _within(sample, kind.here)
    if some.clusters < FEWEST_GROUPS:
        return FEW_GROUPS
    return None if overlap(some).enough else LITTLE_COVER


def _within(sample: Sample, here: Bools) -> Sample:
    """The rows of one kind, its clusters numbered again."""
    return Sample(
        sample.action[here],
        sample.reward[here],
        sample.logged[here],
        sample.target[here],
        sample.possible[here],
        sample.predicted[here],
        np.unique(sample.cluster[here], return_inverse=True)[1].astype(np.int64),
    )


def _slice(sample: Sample, kind: _Kind, units: Integers, alpha: float) -> ValueSlice:
    some = _within(sample, kind.here)
    logged = estimate(mean(some.reward), some.cluster)
    found = estimate(SelfNormalisedDr().terms(some), some.cluster)
    gain = paired(found, logged)
    return ValueSlice(
        kind.fact,
        kind.name,
        some.clusters,
        len(np.unique(units[kind.here])),
        len(some.reward),
        logged.value,
        Range(found.value, *found.interval(alpha)),
        Range(gain.value, *gain.interval(alpha)),
    )


def _loses(rows: Iterable[ValueSlice]) -> Iterable[str]:
    for row in rows:
        if row.gain.high is not None and row.gain.high < 0:
            yield row.name if row.fact is None else f"{row.fact.replace('_', ' ')} {row.name}"
