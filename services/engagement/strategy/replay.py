"""Makes a stored decision again from its evidence, and compares.

A decision of a plan is made again with its whole plan, from the evidence of that.

The pick follows from probabilities and draw, in integers, for ever. The probabilities follow from
the scores, to one unit of 2⁻³² across library versions. A decision of another system, imported with
its log, has neither draw nor scores: nothing of it can be made again.
"""

from typing import NamedTuple

import numpy as np

from engagement.actions.availability import Refusals
from engagement.bandits.propensity import pick
from engagement.bandits.restless.plan import Decided
from engagement.errors import Unusable
from engagement.records import Course, Evidence, Floats, Scores, Units
from engagement.strategy.arms import Arm
from engagement.strategy.decide import CERTAIN, baseline_shares, fixed_choice, shares
from engagement.strategy.strategy import Strategy
from engagement.strategy.week_plan import PlanEvidence, chances_again

IMPORTED = "imported"
"""`fallback` of a decision that another system made."""


class Replayed(NamedTuple):
    """What came out the second time; None for whatever could not be made again.

    action : what the draw picks, None also where the stored probabilities are none
    pick_agrees : exactly    probability_gap : largest difference, in units of 2⁻³²
    score_gap : largest relative difference of scores, None unless the belief was folded again
    """

    action: str | None
    pick_agrees: bool | None
    probability_gap: int | None
    score_gap: float | None

    @property
    def checked(self) -> tuple[str, ...]:
        """What was made again and compared: `pick`, `probability`, `scores`; nothing if imported."""
        named = zip(("pick", "probability", "scores"), self[1:], strict=True)
        return tuple(name for name, compared in named if compared is not None)

    @property
    def agrees(self) -> bool | None:
        """Whether the decision is the same within what is promised; None when nothing was compared."""
        if not self.checked:
            return None
        return (
            self.pick_agrees is not False
            and (self.probability_gap or 0) <= 1
            and (self.score_gap or 0.0) <= 1e-9
        )


NOTHING_TO_REPLAY = Replayed(None, None, None, None)


def refused(evidence: Evidence) -> Refusals:
    """(1, K) reason codes."""
    return np.frombuffer(evidence.refusals, np.uint8)[None, :]


def scored(evidence: Evidence) -> Scores:
    """The K scores as one row each."""
    mean, sd, freedom = (
        np.frombuffer(stored)[None, :] for stored in (evidence.mean, evidence.sd, evidence.freedom)
    )
    return Scores(evidence.family, mean, sd, freedom if evidence.family == "student" else None)


def propensities(evidence: Evidence) -> Units:
    """(1, K) units of 2⁻³²."""
    return np.frombuffer(evidence.probability, np.uint64)[None, :]


def features(evidence: Evidence) -> Floats:
    """(1, d)."""
    return np.frombuffer(evidence.features)[None, :]


def course(evidence: Evidence) -> Course:
    """Where the unit stood in its course, as one row."""
    return Course(np.array([evidence.made]), np.array([evidence.remaining]))


UNKNOWN = "?"
"""Stands for a member of whom a belief is to know nothing of their own. It is nobody's id."""


def member(unit_kind: str, unit_id: str, *, own: bool = True) -> str:
    """Who a belief learns from and is asked about: a person's id, or "" where a group decides as a whole.

    own : whether the member's own results may choose for them; else they are like somebody new to the group
    """
    if unit_kind == "group":
        return ""
    return unit_id if own else UNKNOWN


def beside(evidence: Evidence) -> Units | None:
    """(1, K) units of 2⁻³²: what the belief would have drawn from where it only watched, else None."""
    return np.frombuffer(evidence.beside, np.uint64)[None, :] if evidence.beside else None


def replay(
    strategy: Strategy,
    evidence: Evidence,
    chosen: str,
    fallback: str | None,
    again: Scores | None = None,
    arm: Arm = "learning",
) -> Replayed:
    """Recomputes one decision. `again` are its scores from a belief folded anew, for a deep replay.

    Evidence that cannot be computed with does not agree; it is never an error. In a shadow the gap is the
    larger of two: of what decided, and of what would have.
    """
    if fallback == IMPORTED:
        return NOTHING_TO_REPLAY
    stored, watched = propensities(evidence), beside(evidence)
    action = _drawn(evidence, stored)
    if fallback is not None:
        anew = np.zeros_like(stored)
        anew[0, fixed_choice(strategy, refused(evidence)[0])] = CERTAIN
    elif arm == "learning":
        anew = _shared(strategy, evidence)
    else:
        anew = baseline_shares(strategy, arm, refused(evidence))
    gap = _units_apart(anew, stored)
    if watched is not None:
        gap = max(gap, _units_apart(_shared(strategy, evidence), watched))
    return Replayed(action, action == chosen, gap, None if again is None else _gap(scored(evidence), again))


def _units_apart(one: Units, other: Units) -> int:
    """The largest difference of two rows, in units of 2⁻³²."""
    return int(np.abs(one.astype(np.int64) - other.astype(np.int64)).max())


def replay_planned(
    evidence: Evidence, chosen: str, plan: PlanEvidence, again: Decided | None, unit: str
) -> Replayed:
    """Recomputes a decision of a plan: the unit's π and whether it was drawn.

    plan, again : the plan that the unit is in, and what `made_again` makes of it; None where somebody in
    line was erased: nobody can be drawn again then, and only π is compared
    """
    place = next((n for n, row in enumerate(plan.placed) if row.unit == unit), None)
    chance = chances_again(plan) if again is None else again.probability
    units = 0 if place is None else int(chance[place])
    anew = np.array([CERTAIN - units, units])
    gap = int(np.abs(anew - propensities(evidence)[0].astype(np.int64)).max())
    if again is None and place is not None:
        return Replayed(None, None, gap, None)
    visited = again is not None and place is not None and bool(again.chosen[place])
    action = evidence.actions[int(visited)]
    return Replayed(action, action == chosen, gap, None)


def _drawn(evidence: Evidence, stored: Units) -> str | None:
    """The action that the draw picks from the stored probabilities, if they still are some."""
    try:
        return evidence.actions[int(pick(stored, (evidence.uniform,))[0])]
    except ValueError:
        return None


def _shared(strategy: Strategy, evidence: Evidence) -> Units:
    """The probabilities that follow from the stored scores; all 0 where those are no scores."""
    floor = None if evidence.floor is None else np.array([evidence.floor])
    try:
        return shares(strategy, scored(evidence), refused(evidence), course(evidence), floor)
    except (Unusable, ValueError):
        return np.zeros_like(propensities(evidence))


def _gap(before: Scores, after: Scores) -> float:
    """Largest difference of two sets of scores, relative to the larger of the number and 1."""
    a, b = (
        np.concatenate([part for part in (one.mean, one.sd, one.freedom) if part is not None])
        for one in (before, after)
    )
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(a))))  # nan where either has one
