"""The rule by which a strategy that only watched may decide: written down beforehand, judged once.

It looks at the decisions that closed by a day stated in advance, never at a moment that somebody chose
because the figures were good on it: looking every week until they are would promote by luck far more often
than the stated confidence says.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np

from engagement.bandits.propensity import ONE, pick
from engagement.records import Units
from engagement.stats.weighted_gain import Gain, weighted_gain


class GainWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That the belief's way of choosing would have earned more than the baseline did.

    minimum : by so much a decision, in units of reward      confidence : of the one-sided lower bound
    """

    minimum: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.0
    confidence: Annotated[float, msgspec.Meta(ge=0.5, le=0.999)] = 0.8


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must be so before a belief decides. Without `gain` it asks for safety, not for benefit.

    outcomes : decisions with a known reward      groups : from so many groups
    most_unusable : share of decisions for which the belief gave no usable numbers
    """

    outcomes: Annotated[int, msgspec.Meta(ge=1)] = 200
    groups: Annotated[int, msgspec.Meta(ge=2)] = 10
    most_unusable: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    gain: GainWanted | None = None


class Watched(NamedTuple):
    """One closed decision of a shadow.

    logged : (K,) units of 2⁻³², drawn from      beside : (K,) the belief's own, None where it gave none
    action : index of the pick      draw : its uniform, in [0, 2⁵³)      reward : None where nothing was heard
    """

    group: str
    action: int
    draw: int
    logged: Units
    beside: Units | None
    reward: float | None


ConditionName = Literal["day", "outcomes", "groups", "belief", "gain"]


class Condition(msgspec.Struct, frozen=True):
    """One thing a rule asks for, what was found, and whether that is enough."""

    name: ConditionName
    met: bool
    words: str


class GainFound(msgspec.Struct, frozen=True):
    """The gain as it was measured, a decision, in units of reward.

    baseline, belief : mean reward of each      sd : of their difference, over groups
    effective : equally weighted decisions carrying the same information
    """

    difference: float
    sd: float
    baseline: float
    belief: float
    groups: int
    effective: float


class Judged(msgspec.Struct, frozen=True):
    """What a shadow's closed decisions say, and what the rule makes of it.

    outcomes, groups : decisions with a known reward, and the groups they are of
    unusable : share of decisions for which the belief gave no usable numbers
    agreement : share in which the same draw would have picked the same from the belief, null without one
    gain : null where it was not asked for or cannot be measured
    """

    decisions: int
    outcomes: int
    groups: int
    unusable: float
    agreement: float | None
    gain: GainFound | None
    conditions: tuple[Condition, ...]
    met: bool


def judge(rule: Rule, until: date, today: date, rows: Sequence[Watched]) -> Judged:
    """Judges closed decisions of a shadow by its rule; a gain is computed only where that asks for one."""
    known = [row for row in rows if row.reward is not None]
    believed = [row for row in rows if row.beside is not None]
    groups = len({row.group for row in known})
    unusable = 1 - len(believed) / len(rows) if rows else 0.0
    conditions = [
        _of_day(until, today),
        Condition(
            "outcomes", len(known) >= rule.outcomes, f"{len(known)} outcomes; at least {rule.outcomes} wanted"
        ),
        Condition("groups", groups >= rule.groups, f"from {groups} groups; at least {rule.groups} wanted"),
        Condition(
            "belief",
            unusable <= rule.most_unusable,
            f"no usable belief in {unusable:.1%} of decisions; at most {rule.most_unusable:.1%} allowed",
        ),
    ]
    gain = None
    if rule.gain is not None:
        gain = _gain([row for row in known if row.beside is not None and row.logged.max() < ONE])
        conditions.append(_of_gain(rule.gain, gain))
    return Judged(
        len(rows),
        len(known),
        groups,
        unusable,
        _agreement(believed),
        None if gain is None else GainFound(gain.difference, gain.sd, *gain[:2], *gain[3:]),
        tuple(conditions),
        all(condition.met for condition in conditions),
    )


def _agreement(believed: Sequence[Watched]) -> float | None:
    if not believed:
        return None
    would = pick(np.array([row.beside for row in believed]), [row.draw for row in believed])
    return float(np.mean(would == np.array([row.action for row in believed])))


def _gain(rows: Sequence[Watched]) -> Gain | None:
    """The gain on rows with a belief, a choice and a reward; None where it cannot be measured.

    So it is where the baseline never tries what the belief would: of that nothing was seen.
    """
    if not rows:
        return None
    logged, beside = (np.array([getattr(row, name) for row in rows]) for name in ("logged", "beside"))
    if (beside[logged == 0] > 0).any():
        return None
    at = np.arange(len(rows)), np.array([row.action for row in rows])
    reward = np.array([row.reward for row in rows], np.float64)
    return weighted_gain(beside[at] / logged[at], reward, [row.group for row in rows])


def _of_day(until: date, today: date) -> Condition:
    passed = today > until
    return Condition(
        "day", passed, f"judged after {until}" + (", which has passed" if passed else f"; today is {today}")
    )


def _of_gain(wanted: GainWanted, gain: Gain | None) -> Condition:
    """Not met where the gain cannot be measured, whatever is asked."""
    if gain is None:
        return Condition(
            "gain",
            met=False,
            words="the gain cannot be measured: it takes outcomes of two groups in which chance chose, and "
            "a baseline that tries everything the belief would",
        )
    lower = gain.lower(wanted.confidence)
    return Condition(
        "gain",
        lower >= wanted.minimum,
        f"a gain of {gain.difference:+.4f} a decision, with {wanted.confidence:.1%} confidence at least "
        f"{lower:+.4f}; at least {wanted.minimum:+.4f} wanted",
    )
