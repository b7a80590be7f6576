"""An action and `none`: what rules for these two alone have in common."""

import numpy as np
from scipy.special import ndtr

from engagement.records import Bools, Floats, Scores


def only_two(actions: int) -> str | None:
    """Why a rule for two cannot choose among K actions, in words; None where it can.

    actions : K, `none` counted
    """
    if actions == 2:
        return None
    return f"this exploration rule chooses among 2 actions, `none` among them; the strategy has {actions}"


def advantage(scores: Scores) -> tuple[Floats, Floats]:
    """Mean and sd, (N,) each, of the second score above the first, the two being independent.

    raises : ValueError for other than two actions
    """
    if scores.mean.shape[1] != 2:
        raise ValueError("this rule is for one action and `none`")
    return scores.mean[:, 1] - scores.mean[:, 0], np.sqrt(np.square(scores.sd).sum(axis=1))


def chance_of_gain(scores: Scores) -> Floats:
    """The chance, (N,), that the second mean is above the first, as of normals; ½ where both are certain."""
    gain, sd = advantage(scores)
    return np.where(sd > 0, ndtr(gain / np.where(sd > 0, sd, 1.0)), 0.5)


def second_with(chance: Floats, available: Bools) -> Floats:
    """ρ, (N, 2): the second action with this chance, or all for what alone is available.

    chance : (N,) in [0, 1]      available : (N, 2)
    raises : ValueError for a row without an available action
    """
    if not available.any(axis=1).all():
        raise ValueError("every row needs an available action")
    both = available.all(axis=1, keepdims=True)
    rho: Floats = np.where(both, np.column_stack([1 - chance, chance]), available)
    return rho
