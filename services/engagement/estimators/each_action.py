"""What each action did against `none`, as far as there is enough to say so; where not, why.

Each is told from the decisions at which it and `none` were both available and one of the two was drawn.
All K − 1 share the chance of a false finding (Bonferroni).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from engagement.errors import Invalid
from engagement.estimators.excursion import (
    Effect,
    Effects,
    Excursions,
    against_none,
    difference,
    log_ratio,
)
from engagement.records import Bools, Floats, Integers

FREEDOM = 10
"""Degrees of freedom below which no figure is given; a guess."""
DRAWN_IN = 5
"""Groups in which an action, and in which `none`, must have been drawn for a figure; a guess."""

Scale = Literal["difference", "ratio"]
"""Of mean rewards, or of chances where every reward is 0 or 1."""


class Size(msgspec.Struct, frozen=True):
    """How large an effect is, 0 or a ratio of 1 being none.

    low, high : the interval, as wide as its part of the alpha that was declared
    chance : of a value at least as far from none if there were no effect (two-sided p, not shared out)
    """

    value: float
    low: float
    high: float
    chance: float


class AtLevel(msgspec.Struct, frozen=True):
    """The effect where what it may depend on is at one level."""

    level: str
    size: Size


class ActionEffect(msgspec.Struct, frozen=True):
    """What one action did against `none`.

    decisions : that tell of it; of them `given` with the action      unavailable : where one of both was not
    groups : that those decisions are of      needed : groups that a figure takes, of the same kind
    size : null where there is not enough; with a moderator, by how much the effect differs between levels
    levels : with a moderator, the effect at each      why : there is no figure, in words
    """

    action: str
    decisions: int
    given: int
    unavailable: int
    groups: int
    needed: int
    size: Size | None
    levels: tuple[AtLevel, ...] = ()
    why: str | None = None


class Levels(NamedTuple):
    """Two values of a moderator at which effects are told, with their names."""

    names: tuple[str, str]
    values: tuple[float, float]


def scale_of(reward: Floats) -> Scale:
    """Ratios where there are rewards and every one is 0 or 1."""
    return "ratio" if len(reward) and np.isin(reward, (0, 1)).all() else "difference"


def each_action(
    rows: Excursions,
    available: Bools,
    names: Sequence[str],
    scale: Scale,
    levels: Levels | None = None,
    alpha: float = 0.05,
) -> tuple[ActionEffect, ...]:
    """Every action of `names` but the first against it.

    available : (n, K); an action whose probability is 0 counts as unavailable too
    levels : of the moderator in the last column of `rows.moderators`; None where there is none
    alpha : that all actions share
    """
    drawable = available & (rows.probability > 0)
    share = alpha / (len(names) - 1)
    return tuple(
        _against_none(rows, drawable, name, number, scale, levels, share)
        for number, name in enumerate(names)
        if number
    )


def _against_none(
    rows: Excursions,
    drawable: Bools,
    name: str,
    action: int,
    scale: Scale,
    levels: Levels | None,
    alpha: float,
) -> ActionEffect:
    unavailable = int((~drawable[:, [0, action]].all(axis=1)).sum())
    q, p = rows.controls.shape[1], rows.moderators.shape[1]
    nothing = ActionEffect(name, 0, 0, unavailable, 0, p + q + FREEDOM, None)
    try:
        pair = against_none(rows, action, drawable)
    except Invalid:
        return msgspec.structs.replace(nothing, why="it and `none` were never to be chosen between")
    pair = pair._replace(controls=_varying(pair.controls))
    told = msgspec.structs.replace(
        nothing,
        decisions=len(pair.action),
        given=int(pair.action.sum()),
        groups=int(pair.cluster.max()) + 1,
        needed=p + pair.controls.shape[1] + FREEDOM,
    )
    why = _why_not(pair, told, levels)
    if why is not None:
        return msgspec.structs.replace(told, why=why)
    try:
        found = (log_ratio if scale == "ratio" else difference)(pair)
    except Invalid as flaw:
        return msgspec.structs.replace(told, why=str(flaw))
    return msgspec.structs.replace(
        told,
        size=_size(found.effect(1, p - 1, alpha), scale),
        levels=_at_levels(found, levels, scale, alpha),
    )


def _varying(controls: Floats) -> Floats:
    """The intercept, and the controls that are not the same everywhere."""
    keep = np.ptp(controls, axis=0) > 0
    keep[0] = True
    kept: Floats = controls[:, keep]
    return kept


def _why_not(pair: Excursions, told: ActionEffect, levels: Levels | None) -> str | None:
    if told.groups < told.needed:
        return (
            f"{told.groups} groups, and {told.needed} are needed: {told.needed - FREEDOM} numbers are "
            f"fitted, and {FREEDOM} degrees of freedom are the least that is told"
        )
    if levels is not None and np.ptp(pair.moderators[:, -1]) == 0:
        return "all of its decisions are of one level"
    drawn = _fewest_groups(pair.action, _cells(pair, levels), pair.cluster)
    if drawn < DRAWN_IN:
        where = "" if levels is None else " at one of the levels"
        return f"it, or `none`, was drawn in {drawn} groups only{where}, and {DRAWN_IN} are needed"
    return None


def _cells(pair: Excursions, levels: Levels | None) -> Integers:
    """The level of each decision where there are two; one cell where there are none, or many."""
    seen, cell = np.unique(pair.moderators[:, -1], return_inverse=True)
    return cell if levels is not None and len(seen) == 2 else np.zeros(len(pair.action), np.int64)


def _fewest_groups(action: Integers, cell: Integers, cluster: Integers) -> int:
    """In how many groups the rarer of the two was drawn, at the level where it was rarer."""
    return min(
        len(np.unique(cluster[(action == drawn) & (cell == level)]))
        for drawn in (0, 1)
        for level in np.unique(cell)
    )


def _at_levels(found: Effects, levels: Levels | None, scale: Scale, alpha: float) -> tuple[AtLevel, ...]:
    if levels is None:
        return ()
    return tuple(
        AtLevel(name, _size(found.at(1, np.array([1.0, value]), alpha), scale))
        for name, value in zip(levels.names, levels.values, strict=True)
    )


def _size(effect: Effect, scale: Scale) -> Size:
    sides = effect.value, *effect.interval
    value, low, high = map(float, np.exp(sides) if scale == "ratio" else sides)
    return Size(value, low, high, effect.chance)
