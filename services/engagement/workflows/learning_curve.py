"""Whether a strategy gets better as it learns: rewards, and how sure its draws were, month by month.

A curve that rises does not show that learning made it rise: seasons, and who is still there, move it, too.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import msgspec
import numpy as np

from engagement.bandits.propensity import ONE
from engagement.estimators.sample import estimate, mean, numbered
from engagement.records import Floats
from engagement.store.decisions import Decision
from engagement.strategy.cadence import local_date
from engagement.strategy.replay import propensities
from engagement.workflows.trial_found import Range


class LearningMonth(msgspec.Struct, frozen=True):
    """The decisions by chance of a month, such as 2027-03.

    first_version, last_version : of the belief that drew      decisions : open ones among them
    rewarded : how many of them count as learned from, with their mean `reward`, null where none does
    chosen : mean probability of the action that was drawn      best : of the likeliest action
    """

    month: str
    first_version: int
    last_version: int
    decisions: int
    rewarded: int
    reward: Range | None
    chosen: Range
    best: Range


def learning_curve(
    decided: Sequence[Decision],
    rewards: Mapping[str, float],
    clusters: Mapping[str, Hashable],
    time_zone: str,
) -> tuple[LearningMonth, ...]:
    """Every month in which chance drew, in order.

    rewards : by decision, of those that count      clusters : by group, where it is not the group itself
    """
    by_month: dict[str, list[Decision]] = defaultdict(list)
    for row in decided:
        if row.randomised:
            by_month[f"{local_date(row.decided_at, time_zone):%Y-%m}"].append(row)
    return tuple(_month(month, rows, rewards, clusters) for month, rows in sorted(by_month.items()))


def _month(
    month: str, rows: Sequence[Decision], rewards: Mapping[str, float], clusters: Mapping[str, Hashable]
) -> LearningMonth:
    known = [row for row in rows if row.decision_id in rewards]
    versions = [row.version for row in rows]
    chosen = np.array([row.probability for row in rows], np.float64) / ONE
    best = np.array([float(propensities(row.evidence).max()) for row in rows]) / ONE
    of_rows = [clusters.get(row.group_id, row.group_id) for row in rows]
    of_known = [clusters.get(row.group_id, row.group_id) for row in known]
    earned = np.array([rewards[row.decision_id] for row in known], np.float64)
    return LearningMonth(
        month,
        min(versions),
        max(versions),
        len(rows),
        len(known),
        _mean(earned, of_known) if known else None,
        _mean(chosen, of_rows),
        _mean(best, of_rows),
    )


def _mean(values: Floats, clusters: Sequence[Hashable]) -> Range:
    """A mean with its 95 % interval by cluster."""
    cluster = numbered(clusters)
    if cluster.max() < 1:
        return Range(float(values.mean()), None, None)
    found = estimate(mean(values), cluster)
    return Range(found.value, *found.interval())
