"""Personalised, or chance? Scores of how a belief told units apart, and how chance alone would score.

Δ_{t,k} is the *standardised advantage* of action k at one decision: the belief's mean of what it adds to
`none`, divided by its standard deviation. A *contrast* of Δ says what is asked:

    anything    Δ itself: does the belief hold that the action helps, or harms, this unit
    people      Δ less the mean Δ of all units decided about in the same period
    a feature   Δ where it is 1 less the mean Δ where it is 0 in the same period (and the other way round)

Of each unit and action, over its *determined* decisions (something was learned before, the action was
available, and at least two units stand on each side): the *share* above 0, and the *lean*, the mean
contrast. A unit is *interesting* where enough of its decisions are determined and |share − ½| ≥ .4 (Ghosh et
al. 2024, 10.1007/s10994-024-06526-x: their score 1 for `anything`, score 2 for a feature, δ1 = .75, δ2 = .4).
*Strength* is the root mean square of all leans.

Both are compared with what they are when the same strategy decides, learns and draws again in a world in
which what is asked for does not matter: p = (1 + resamples at least as large)/(1 + resamples).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engagement.errors import Invalid
from engagement.records import Bools, Floats, Integers

UNDETERMINED_AT_MOST = 0.75
"""Share of a unit's decisions that may say nothing for it to be called interesting: δ1."""
ONE_SIDED = 0.4
"""How far the share above 0 lies from one half in an interesting unit: δ2."""
A_SIDE = 2
"""Units on each side that a comparison in one period takes."""


class Interest(NamedTuple):
    """What one course of decisions scores, over U units and J actions.

    strength : of all      by_action : (J,)      by_unit : (U,), NaN where nothing is determined
    interesting : (J,), units      determined : (U, J), decisions
    """

    strength: float
    by_action: Floats
    by_unit: Floats
    interesting: Integers
    determined: Integers


class AgainstChance(NamedTuple):
    """What was observed beside what chance makes. p of values at least as large, of each thing.

    expected, most : mean and 95 % quantile of the strength by chance
    interesting_expected, interesting_most : of the number of interesting units and actions
    """

    resamples: int
    strength: float
    expected: float
    most: float
    chance: float
    interesting: int
    interesting_expected: float
    interesting_most: float
    interesting_chance: float
    by_action: Floats
    by_unit: Floats


def against_others(advantage: Floats, period: Integers) -> Floats:
    """Contrast for `people`: less the mean of all with one in the same period, (N, J).

    advantage : (N, J), NaN where undetermined      period : (N,)
    """
    known = np.isfinite(advantage)
    place, total, count = _sums(advantage, known, period)
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count >= 2 * A_SIDE)
    return np.where(known, advantage - mean[place], np.nan)


def against_other_level(advantage: Floats, period: Integers, level: Floats) -> Floats:
    """Contrast for a feature, (N, J). level : (N,) of 0 and 1, NaN where it is not known"""
    contrast = np.full_like(advantage, np.nan)
    means = []
    for side in (0.0, 1.0):
        known = np.isfinite(advantage) & (level == side)[:, None]
        place, total, count = _sums(advantage, known, period)
        mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count >= A_SIDE)
        means.append(mean[place])
    low, high = level == 0.0, level == 1.0
    determined = np.isfinite(means[0]) & np.isfinite(means[1])
    contrast[high] = np.where(determined[high], advantage[high] - means[0][high], np.nan)
    contrast[low] = np.where(determined[low], means[1][low] - advantage[low], np.nan)
    return contrast


def _sums(advantage: Floats, known: Bools, period: Integers) -> tuple[Integers, Floats, Floats]:
    """Each row's place among the periods, and sums and counts by period, (P, J)."""
    _, place = np.unique(period, return_inverse=True)
    total = np.zeros((place.max(initial=-1) + 1, advantage.shape[1]))
    count = np.zeros_like(total)
    np.add.at(total, place, np.where(known, advantage, 0.0))
    np.add.at(count, place, known)
    return place.astype(np.int64), total, count


def interest(contrast: Floats, unit: Integers) -> Interest:
    """The scores of one course of decisions. contrast : (N, J)      unit : (N,), numbered from 0"""
    units, actions = int(unit.max(initial=-1)) + 1, contrast.shape[1]
    known = np.isfinite(contrast)
    determined, above, total, asked = (np.zeros((units, actions)) for _ in range(4))
    np.add.at(determined, unit, known)
    np.add.at(above, unit, np.where(known, contrast, 0.0) > 0)
    np.add.at(total, unit, np.where(known, contrast, 0.0))
    np.add.at(asked, unit, 1.0)
    there = determined > 0
    lean = np.divide(total, determined, out=np.full_like(total, np.nan), where=there)
    share = np.divide(above, determined, out=np.full_like(total, 0.5), where=there)
    enough = there & (1 - determined / np.maximum(asked, 1) <= UNDETERMINED_AT_MOST)
    one_sided = enough & (np.abs(share - 0.5) >= ONE_SIDED - 1e-12)
    return Interest(
        float(_rms(lean, None)),
        _rms(lean, 0),
        _rms(lean, 1),
        one_sided.sum(axis=0).astype(np.int64),
        determined.astype(np.int64),
    )


def _rms(lean: Floats, axis: int | None) -> Floats:
    known = np.isfinite(lean)
    total, count = np.where(known, lean**2, 0.0).sum(axis=axis), known.sum(axis=axis)
    found: Floats = np.sqrt(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return found


def against_chance(observed: Interest, resampled: Sequence[Interest]) -> AgainstChance:
    """What was observed, beside the same in resampled worlds. raises : Invalid without any"""
    if not resampled:
        raise Invalid("nothing was resampled, so there is nothing to compare with")
    strength = np.array([one.strength for one in resampled])
    count = np.array([one.interesting.sum() for one in resampled])
    return AgainstChance(
        len(resampled),
        observed.strength,
        float(strength.mean()),
        float(np.quantile(strength, 0.95)),
        float(at_least(observed.strength, strength)),
        int(observed.interesting.sum()),
        float(count.mean()),
        float(np.quantile(count, 0.95)),
        float(at_least(np.float64(observed.interesting.sum()), count)),
        at_least(observed.by_action, np.array([one.by_action for one in resampled])),
        at_least(observed.by_unit, np.array([one.by_unit for one in resampled])),
    )


def at_least(observed: Floats | float, resampled: Floats) -> Floats:
    """Chance of a value at least as large by chance; the observed one counts as one more resample.

    observed : (…)      resampled : (B, …)      returns : (…), NaN where nothing was observed
    """
    slack = 1e-9 * np.maximum(1.0, np.abs(observed))
    chance: Floats = (1 + (resampled >= observed - slack).sum(axis=0)) / (1 + len(resampled))
    return np.where(np.isfinite(observed), chance, np.nan)


def common_effects(reward: Floats, action: Integers, probability: Floats) -> Floats:
    """What each action adds to `none` on average over all decisions, (K,), the first 0.

    reward : (N,)      action : (N,)      probability : (N, K), of what could be drawn

    Least squares of the reward on 1[A = k] − π_k and an intercept: right for whatever the reward is without
    an action, because π is known (Boruvka et al. 2018). 0 for what was never drawn by chance.
    """
    actions = probability.shape[1]
    centred = (action[:, None] == np.arange(actions)) - probability
    design = np.concatenate([np.ones((len(reward), 1)), centred[:, 1:]], axis=1)
    solved = np.linalg.lstsq(design, reward, rcond=None)[0] if len(reward) else np.zeros(actions)
    return np.concatenate([[0.0], solved[1:]])
