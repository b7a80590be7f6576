"""Who gained least: mean rewards and effects slice by slice, and the quarter of units with the lowest mean.

A better mean can hide a worse quarter, so both stand beside it always.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np

from engagement.estimators.each_action import ActionEffect, Scale, each_action
from engagement.estimators.excursion import Excursions
from engagement.estimators.redrawn import average, least, redrawn
from engagement.estimators.sample import estimate, mean, numbered
from engagement.randomness import generator
from engagement.records import Batch, Bools, Integers
from engagement.workflows.logged import Rows
from engagement.workflows.strata import Known
from engagement.workflows.trial_found import Range

OfStratum = Literal["setting", "role", "sex", "language", "age_band"]
Fact = Literal[OfStratum, "barrier"]
OF_STRATUM: tuple[OfStratum, ...] = get_args(OfStratum)
NO_BARRIER = "none named"
FEWEST_GROUPS = 5
"""Groups below which a slice is not told: few people could be recognised in it, and chance says most."""
QUARTER_REDRAWS = 500
ANY = ("none", "any")
"""Doing anything against doing nothing: a slice is too small for each action by itself."""


class Slice(msgspec.Struct, frozen=True):
    """The units of which one fact is the same; a member with two barriers is in both of their slices.

    units : members, or groups decided for as such      mean : reward a decision, 95 % by cluster
    acting : what any action did there against `none`, with whatever is lacking for a figure
    """

    fact: Fact
    value: str
    groups: int
    units: int
    decisions: int
    mean: Range
    acting: ActionEffect


class Share(msgspec.Struct, frozen=True):
    """How much of what was done is one action: in the lowest quarter, and for everybody."""

    action: str
    quarter: float
    everybody: float


class Quarter(msgspec.Struct, frozen=True):
    """The quarter of units whose mean reward is lowest, beside everybody.

    units : in the quarter      mean, everybody : means of the units' means
    decisions : of each unit, on the mean; with few of them chance alone makes a low quarter
    span, everybody_span : 95 % of the two means by drawing clusters again; null with fewer than two of them
    """

    units: int
    mean: float
    everybody: float
    decisions: float
    shares: tuple[Share, ...]
    span: tuple[float, float] | None = None
    everybody_span: tuple[float, float] | None = None


class Sliced(msgspec.Struct, frozen=True):
    """Slices with enough groups, and who gained least.

    small : how many slices have fewer      worst : the lowest mean reward, null where no slice is told
    """

    slices: tuple[Slice, ...]
    small: int
    worst: Slice | None
    quarter: Quarter | None


class Lot(NamedTuple):
    """The decisions that count, as arrays, and what is known of their units."""

    rows: Rows
    excursions: Excursions
    scale: Scale
    known: Sequence[Known]


def sliced(lot: Lot, names: Sequence[str]) -> Sliced:
    """Every slice, the worst and the lowest quarter. names : the K actions, `none` first"""
    units = units_of(lot.rows.batch)
    found = [_slice(lot, fact, value, here, units) for fact, value, here in kinds(lot.known)]
    told = tuple(row for row in found if row is not None)
    worst = min(told, key=lambda row: row.mean.value, default=None)
    return Sliced(told, len(found) - len(told), worst, _quarter(lot, units, names))


def units_of(batch: Batch) -> Integers:
    """The unit of each decision, numbered from 0, (n,): a member, or a group decided for as such."""
    return numbered([who or group for who, group in zip(batch.members, batch.groups, strict=True)])


def kinds(known: Sequence[Known]) -> list[tuple[Fact, str, Bools]]:
    """Every fact with each value that is known of somebody, and the rows where it is so, (n,)."""
    out: list[tuple[Fact, str, Bools]] = []
    for fact in OF_STRATUM:
        column = [getattr(one.stratum, fact) for one in known]
        out += [
            (fact, value, np.array([one == value for one in column], np.bool_))
            for value in sorted({one for one in column if one not in (None, "unknown")})
        ]
    named = [_named(one) for one in known]
    return out + [
        ("barrier", value, np.array([value in one for one in named], np.bool_))
        for value in sorted({name for one in named for name in one})
    ]


def _named(known: Known) -> frozenset[str]:
    """The barriers of a unit, or that it has none; empty where nobody asked."""
    if known.barriers is None:
        return frozenset()
    return known.barriers or frozenset({NO_BARRIER})


def _slice(lot: Lot, fact: Fact, value: str, here: Bools, units: Integers) -> Slice | None:
    groups = {group for group, inside in zip(lot.rows.batch.groups, here, strict=True) if inside}
    cluster = np.unique(lot.excursions.cluster[here], return_inverse=True)[1].astype(np.int64)
    if len(groups) < FEWEST_GROUPS or cluster.max() < 1:
        return None
    found = estimate(mean(lot.excursions.outcome[here]), cluster)
    low, high = found.interval()
    told = Range(found.value, low, high)
    count = int(here.sum())
    return Slice(
        fact, value, len(groups), len(np.unique(units[here])), count, told, _acting(lot, here, cluster)
    )


def _acting(lot: Lot, here: Bools, cluster: Integers) -> ActionEffect:
    """`none` against all the rest, at whatever could be drawn besides."""
    none = lot.excursions.probability[here][:, :1]
    pair = Excursions(
        lot.excursions.outcome[here],
        (lot.excursions.action[here] > 0).astype(np.int64),
        np.concatenate([none, 1 - none], axis=1),
        np.full((int(here.sum()), 2), 0.5),
        lot.excursions.controls[here],
        lot.excursions.moderators[here][:, :1],
        cluster,
    )
    [told] = each_action(pair, np.ones((len(none), 2), np.bool_), ANY, lot.scale)
    return told


def _quarter(lot: Lot, units: Integers, names: Sequence[str]) -> Quarter | None:
    if not len(units):
        return None
    many = np.bincount(units)
    means = np.bincount(units, lot.excursions.outcome) / many
    lowest = np.argsort(means, kind="stable")[: max(1, len(means) // 4)]
    inside = np.isin(units, lowest)
    every, own = (
        np.bincount(lot.excursions.action[rows], minlength=len(names)) / rows.sum()
        for rows in (np.ones(len(units), np.bool_), inside)
    )
    shares = tuple(Share(*row) for row in zip(names, own.tolist(), every.tolist(), strict=True))
    own_cluster = lot.excursions.cluster[np.unique(units, return_index=True)[1]]
    rng = generator(0, "lower quarter")
    return Quarter(
        len(lowest),
        least(means),
        float(means.mean()),
        float(many.mean()),
        shares,
        *(redrawn(means, own_cluster, what, rng, QUARTER_REDRAWS) for what in (least, average)),
    )
