"""A trial's groups as survival and cost see them: arrays of those whose program has ended."""

from collections.abc import Callable, Sequence

import numpy as np

from engagement.errors import Invalid
from engagement.estimators.cost import Account
from engagement.estimators.sample import numbered
from engagement.estimators.survival import Lives, months_each
from engagement.strategy.lifetime import Lifetime, Lived
from engagement.workflows.trial_rows import GroupRow


def followed(rows: Sequence[GroupRow]) -> list[tuple[GroupRow, Lifetime]]:
    """Those at whose site the program has ended, each with its life."""
    return [(row, row.life) for row in rows if row.life is not None]


def seen(life: Lifetime) -> Lived:
    """What is known of it."""
    return life.seen


def lives_of(rows: Sequence[GroupRow], which: Callable[[Lifetime], Lived] = seen) -> Lives:
    """Their lives, clusters numbered from 0."""
    some = followed(rows)
    return Lives(
        np.array([which(life).months for _, life in some], np.float64),
        np.array([which(life).died for _, life in some], np.bool_),
        numbered([row.assigned.unit_id for row, _ in some]),
    )


def account_of(rows: Sequence[GroupRow], horizon: float) -> Account:
    """Costs, and months lived up to the horizon; of who was censored those that are expected.

    raises : Invalid when nobody was followed for so long
    """
    lives = lives_of(rows)
    if not len(lives.time):
        raise Invalid("at no site the program has ended")
    spent = np.array([row.spent.cost_minor for row, _ in followed(rows)], np.float64)
    return Account(spent, months_each(lives, horizon), lives.cluster)


def members_of(rows: Sequence[GroupRow], horizon: float) -> Account:
    """The same groups' costs, and months that their members stayed up to the horizon, together.

    A censored member has the months that are expected of one. A group without a known member gains none.
    raises : Invalid when no member was followed for so long
    """
    some = followed(rows)
    stays = [(stay, number) for number, (row, _) in enumerate(some) for stay in row.stays]
    if not stays:
        raise Invalid("nothing is known of members")
    lives = Lives(
        np.array([stay.months for stay, _ in stays], np.float64),
        np.array([stay.died for stay, _ in stays], np.bool_),
        np.array([number for _, number in stays], np.int64),
    )
    months = np.bincount(lives.cluster, months_each(lives, horizon), len(some)).astype(np.float64)
    spent = np.array([row.spent.cost_minor for row, _ in some], np.float64)
    return Account(spent, months, numbered([row.assigned.unit_id for row, _ in some]))
