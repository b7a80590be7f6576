"""Tasks that others have published or ship, as bandits: contexts and rewards drawn beforehand by seed.

All are synthetic except scikit-learn's bundled classification sets, whose labels become rewards: 1 for the
right class, else 0. Every contender sees the same contexts and, for the same choice, the same reward. Regret
is the mean, over steps, of what the best action of a step earns in expectation and the chosen one does not.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from engagement.randomness import generator
from engagement.records import Floats


class Rounds(NamedTuple):
    """One seed of a task. contexts : (T, d), the constant 1 first      mean, reward : (T, K)."""

    contexts: Floats
    mean: Floats
    reward: Floats


class Task(NamedTuple):
    """A task: its rounds by seed, how many steps are decided before their rewards are learned, and its kind.

    contextual : whether contexts say anything      drifts : whether means change with time
    """

    rounds: Callable[[int], Rounds]
    delay: int = 1
    contextual: bool = False
    drifts: bool = False


def bernoulli(actions: int, gap: float, steps: int, seed: int) -> Rounds:
    """One action succeeds half of the time, the others less often by a gap (Chapelle & Li 2011, 2)."""
    rng = generator(seed, "bernoulli", str(actions), str(gap))
    mean = np.full(actions, 0.5 - gap)
    mean[rng.integers(actions)] = 0.5
    means = np.broadcast_to(mean, (steps, actions))
    return Rounds(np.ones((steps, 1)), means, (rng.random((steps, actions)) < means).astype(float))


def linear(actions: int, features: int, steps: int, seed: int) -> Rounds:
    """Each action's mean reward is linear in normal contexts; coefficients have sd .3, the noise .5."""
    rng = generator(seed, "linear")
    contexts = np.hstack([np.ones((steps, 1)), rng.normal(size=(steps, features))])
    mean = contexts @ rng.normal(0, 0.3, (features + 1, actions))
    return Rounds(contexts, mean, mean + rng.normal(0, 0.5, mean.shape))


def drifting(actions: int, steps: int, seed: int) -> Rounds:
    """Success rates whose logits walk by .05 a step from a start of sd 1."""
    rng = generator(seed, "drifting")
    walk = np.cumsum(np.vstack([rng.normal(size=actions), rng.normal(0, 0.05, (steps - 1, actions))]), axis=0)
    mean = expit(walk)
    return Rounds(np.ones((steps, 1)), mean, (rng.random(mean.shape) < mean).astype(float))


@cache
def labelled(name: str) -> tuple[Floats, Floats]:
    """A bundled set: standardised features with the constant 1 before them, and the labels one-hot."""
    from sklearn import datasets  # noqa: PLC0415  the tasks above do without it

    data = getattr(datasets, f"load_{name}")()
    spread = data.data.std(axis=0)
    features = (data.data - data.data.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return np.hstack([np.ones((len(features), 1)), features]), np.eye(data.target.max() + 1)[data.target]


def classification(name: str, seed: int) -> Rounds:
    """The cases of a bundled set, each once, in an order of the seed."""
    contexts, reward = labelled(name)
    order = generator(seed, "classification", name).permutation(len(contexts))
    return Rounds(contexts[order], reward[order], reward[order])


TASKS: dict[str, Task] = {
    "Bernoulli, 10 actions, gap .1, 1,000 steps": Task(partial(bernoulli, 10, 0.1, 1_000)),
    "Bernoulli, 10 actions, gap .02, 1,000 steps": Task(partial(bernoulli, 10, 0.02, 1_000)),
    **{
        f"Bernoulli, 10 actions, gap {gap}, 10,000 steps, learned every {delay}": Task(
            partial(bernoulli, 10, gap, 10_000), delay=delay
        )
        for gap, delay in ((0.1, 10), (0.02, 10), (0.1, 100), (0.1, 1_000))
    },
    "linear, 5 actions, 10 features, 1,000 steps": Task(partial(linear, 5, 10, 1_000), contextual=True),
    "drifting, 5 actions, 2,000 steps": Task(partial(drifting, 5, 2_000), drifts=True),
    **{
        f"scikit-learn's {name}": Task(partial(classification, name), contextual=True)
        for name in ("iris", "wine", "breast_cancer")
    },
    "scikit-learn's digits, learned every 20": Task(
        partial(classification, "digits"), delay=20, contextual=True
    ),
}
"""Learned every δ steps: the delayed feedback of Chapelle & Li's table 1, on the rates of their section 2."""
