"""What somebody expects of an action before the program has tried it: "as good as 20 results say 60 %".

An expectation is *imagined rows*: `worth` results of an action that average `mean`, seen where nothing is
remarkable, every feature but the constant being 0. They stand beside the belief's own prior, whatever
belief it is, and like a prior they never fade. So the same two numbers mean the same in every belief, and
what a former log has taught (`learned`) is written down in the same two.
"""

from collections.abc import Sequence
from math import inf

import msgspec
import numpy as np

from engagement.records import Batch, Floats


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one action is expected to earn, and how many results would say as much.

    action : its id, or `none`      mean : in units of the reward; a rate where that is success or not
    worth : number of results, 0 or more; 0 says nothing
    """

    action: str
    mean: float = 0.0
    worth: float = 0.0

    def __post_init__(self) -> None:
        if not -inf < self.mean < inf:
            raise ValueError(f"what is expected of `{self.action}` must be a finite number, not {self.mean}")
        if not 0 <= self.worth < inf:
            raise ValueError(
                f"what is expected of `{self.action}` is worth 0 or more results, not {self.worth}"
            )


def in_order(expected: Sequence[Expected], actions: Sequence[str]) -> tuple[Expected, ...]:
    """One expectation for each action, in their order: what is not named is worth nothing.

    actions : K ids, `none` first      returns : K, or none at all where nothing is expected
    raises : ValueError for an action that is not among them, or named twice
    """
    if not expected:
        return ()
    named = [one.action for one in expected]
    strange = sorted(set(named) - set(actions))
    if strange:
        raise ValueError(f"something is expected of `{strange[0]}`, which is not among the actions")
    if len(set(named)) < len(named):
        raise ValueError("something is expected of one action twice; name each once")
    by_action = {one.action: one for one in expected}
    return tuple(by_action.get(action, Expected(action)) for action in actions)


def imagined(expected: Sequence[Expected], features: int) -> Batch:
    """The rows that expectations stand for, one of each action's mean with its worth as weight.

    expected : of each action in order      features : d, the constant first
    """
    n = len(expected)
    return Batch(
        features=np.eye(1, features).repeat(n, axis=0),
        action=np.arange(n),
        reward=np.array([one.mean for one in expected]),
        weight=np.array([one.worth for one in expected]),
        probability=np.zeros((n, n)),
        groups=("",) * n,
        members=("",) * n,
        period=np.zeros(n, np.int64),
    )


def learned(actions: Sequence[str], count: Floats, total: Floats, most: float) -> tuple[Expected, ...]:
    """What results have taught of each action, to be expected elsewhere.

    count, total : (K,), Σw and Σw·r      most : results that an action's expectation is worth at most
    """
    seen = np.maximum(count, 0)
    mean = np.where(seen > 0, total / np.where(seen > 0, seen, 1), 0)
    return tuple(
        Expected(action, float(m), float(min(n, most)))
        for action, m, n in zip(actions, mean, seen, strict=True)
    )
