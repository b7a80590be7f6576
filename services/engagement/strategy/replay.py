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
from engagement.records import Evidence, Floats, Scores, Units
from engagement.strategy.decide import CERTAIN, fixed_choice, shares
from engagement.strategy.strategy import Strategy
from engagement.strategy.week_plan import PlanEvidence

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
        return bool(self.pick_agrees) and (self.probability_gap or 0) <= 1 and (self.score_gap or 0.0) <= 1e-9


NOTHING_TO_REPLAY = Replayed(None, None, None, None)


def refused(evidence: Evidence) -> Refusals:
    """(1, K) reason codes."""
    return np.frombuffer(evidence.refusals, np.uint8)[None, :]


def scored(evidence: Evidence) -> Scores:
    """The K scores as one row each."""
    return Scores(evidence.family, np.frombuffer(evidence.mean)[None, :], np.frombuffer(evidence.sd)[None, :])


def propensities(evidence: Evidence) -> Units:
    """(1, K) units of 2⁻³²."""
    return np.frombuffer(evidence.probability, np.uint64)[None, :]


def features(evidence: Evidence) -> Floats:
    """(1, d)."""
    return np.frombuffer(evidence.features)[None, :]


def member(unit_kind: str, unit_id: str) -> str:
    """Who a belief learns from and is asked about: a person's id, or "" where a group decides as a whole."""
    return "" if unit_kind == "group" else unit_id


def replay(
    strategy: Strategy, evidence: Evidence, chosen: str, fallback: str | None, again: Scores | None = None
) -> Replayed:
    """Recomputes one decision. `again` are its scores from a belief folded anew, for a deep replay.

    Evidence that cannot be computed with does not agree; it is never an error.
    """
    if fallback == IMPORTED:
        return NOTHING_TO_REPLAY
    stored = propensities(evidence)
    action = _drawn(evidence, stored)
    if fallback is None:
        anew = _shared(strategy, evidence)
    else:
        anew = np.zeros_like(stored)
        anew[0, fixed_choice(strategy, refused(evidence)[0])] = CERTAIN
    gap = int(np.abs(anew.astype(np.int64) - stored.astype(np.int64)).max())
    return Replayed(action, action == chosen, gap, None if again is None else _gap(scored(evidence), again))


def replay_planned(
    evidence: Evidence, chosen: str, plan: PlanEvidence, again: Decided, group: str
) -> Replayed:
    """Recomputes a decision of a plan: the group's π and whether it was drawn.

    plan, again : the plan that the group is in, and what `made_again` makes of it
    """
    place = next((n for n, row in enumerate(plan.placed) if row.group == group), None)
    units, visited = (
        (0, False) if place is None else (int(again.probability[place]), bool(again.chosen[place]))
    )
    anew = np.array([CERTAIN - units, units])
    gap = int(np.abs(anew - propensities(evidence)[0].astype(np.int64)).max())
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
    remaining = np.array([evidence.remaining])
    try:
        return shares(strategy.allocation, strategy.floor, scored(evidence), refused(evidence), remaining)
    except (Unusable, ValueError):
        return np.zeros_like(propensities(evidence))


def _gap(before: Scores, after: Scores) -> float:
    """Largest difference of two sets of scores, relative to the larger of the number and 1."""
    a, b = np.concatenate([before.mean, before.sd]), np.concatenate([after.mean, after.sd])
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(a))))  # nan where either has one
