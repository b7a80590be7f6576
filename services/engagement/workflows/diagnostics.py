"""Whether what was drawn is what the stored probabilities say, and after which action reports are missing.

Of draws that were made from their probabilities, Σπ(1 − π) is the variance of how often an action comes out,
whatever was learned in between: each draw is by itself, given what stood before it.
"""

from collections import Counter
from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np

from engagement.bandits.propensity import ONE
from engagement.store.decisions import Decision
from engagement.strategy.replay import propensities
from engagement.workflows.logged import Reports

FAR_SDS = 4.0
"""So many standard deviations off, a count is called strange: by chance once in 16,000."""


class DrawCheck(msgspec.Struct, frozen=True):
    """One action among the decisions by chance.

    observed : how often it was picked      expected, sd : Σπ and √Σπ(1 − π)
    closed, unreported : decisions whose window has passed, and of how many of them nothing was heard
    """

    action: str
    observed: int
    expected: float
    sd: float
    closed: int
    unreported: int

    @property
    def gap(self) -> float:
        """Observed less expected, in standard deviations; 0 where it could not come out otherwise."""
        return (self.observed - self.expected) / self.sd if self.sd > 0 else 0.0

    @property
    def strange(self) -> bool:
        """Whether chance would hardly make it so."""
        return abs(self.gap) > FAR_SDS or (
            self.sd == 0 and abs(self.observed - self.expected) > FAR_SDS / ONE
        )


def draw_checks(
    decided: Sequence[Decision], names: Sequence[str], reports: Sequence[Reports]
) -> tuple[DrawCheck, ...]:
    """Each action. names : the K actions, `none` first"""
    rows = [row for row in decided if row.randomised]
    if not rows:
        return ()
    chance = np.concatenate([propensities(row.evidence) for row in rows]) / ONE
    picked, told = Counter(row.action_id for row in rows), {row.action: row for row in reports}
    expected, variance = chance.sum(axis=0), (chance * (1 - chance)).sum(axis=0)
    out = []
    for number, name in enumerate(names):
        known = told.get(name, Reports(name, 0, 0))
        sd = sqrt(float(variance[number]))
        out.append(
            DrawCheck(name, picked[name], float(expected[number]), sd, known.decisions, known.unreported)
        )
    return tuple(out)
