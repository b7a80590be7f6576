"""What is compared on the tasks of others: this project's beliefs and rules, and its peers.

Peers run with the defaults that their documentation gives. What is not installed is named in the table with
the reason, not left out.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np

from bandit_tasks import Task
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.propensity import bounded, in_units, pick
from engagement.randomness import generator
from engagement.records import Batch, Course, Floats, Integers, Nodes, Points


class Contender(Protocol):
    """Chooses for contexts, and learns what came of it."""

    def choose(self, contexts: Floats, left: Floats) -> Integers:
        """(N,) actions. left : (N,) decisions still to come."""
        ...

    def learn(self, contexts: Floats, action: Integers, reward: Floats) -> None:
        """What N choices earned."""
        ...


class Shape(NamedTuple):
    """Of one run of a task."""

    actions: int
    features: int
    seed: int


class Engagement:
    """A belief and a rule, through the functions the service calls; floor 0, as the peers have none."""

    def __init__(self, posterior: AnyPosterior, allocation: AnyAllocation, shape: Shape) -> None:
        self.posterior, self.allocation, self.shape = posterior, allocation, shape
        self.nodes: Nodes = {}
        self.rng = generator(shape.seed, "draws")
        self.week = 0

    def choose(self, contexts: Floats, left: Floats) -> Integers:
        """Scores, probabilities, units, pick."""
        count, actions = len(contexts), self.shape.actions
        course = Course(np.zeros(count, np.int64), left)
        points = Points(contexts, ("g",) * count, ("m",) * count, course)
        scores = self.posterior.scores(self.nodes, points, actions)
        available = np.ones((count, actions), bool)
        shares = bounded(self.allocation.probabilities(scores, available, course), available, 0.0)
        return pick(in_units(shares), self.rng.integers(0, 2**53, count))

    def learn(self, contexts: Floats, action: Integers, reward: Floats) -> None:
        """Fold; each call is a week of its own to a belief that forgets."""
        count = len(action)
        batch = Batch(
            features=contexts,
            action=action,
            reward=reward,
            weight=np.ones(count),
            probability=np.full((count, self.shape.actions), 1 / self.shape.actions),
            groups=("g",) * count,
            members=("m",) * count,
            period=np.full(count, self.week),
        )
        self.week += 1
        self.nodes = {**self.nodes, **self.posterior.fold(self.nodes, batch, self.shape.actions)}


class MabWiser:
    """MABWiser: a learning policy with its defaults; it must be fitted once before it predicts."""

    def __init__(self, policy: str, contextual: bool, shape: Shape) -> None:
        found = import_module("mabwiser.mab")
        self.contextual, self.rng, self.actions = contextual, generator(shape.seed, "first"), shape.actions
        self.mab = found.MAB(
            list(range(shape.actions)), getattr(found.LearningPolicy, policy)(), seed=shape.seed
        )
        self.started = False

    def choose(self, contexts: Floats, left: Floats) -> Integers:  # noqa: ARG002  it knows no horizon
        """Its prediction; by chance before the first fit."""
        if not self.started:
            return self.rng.integers(0, self.actions, len(contexts))
        if self.contextual:
            return np.atleast_1d(np.array(self.mab.predict(contexts)))
        return np.array([self.mab.predict() for _ in contexts])

    def learn(self, contexts: Floats, action: Integers, reward: Floats) -> None:
        """One (partial) fit."""
        fit = self.mab.partial_fit if self.started else self.mab.fit
        fit(action, reward, *([contexts] if self.contextual else []))
        self.started = True


class VowpalWabbit:
    """Vowpal Wabbit's contextual bandit: cost −reward, sampled from the probabilities it predicts."""

    def __init__(self, options: str, shape: Shape) -> None:
        found = import_module("vowpalwabbit")
        self.workspace = found.Workspace(
            f"--cb_explore {shape.actions} {options} --quiet --random_seed {shape.seed + 1}"
        )
        self.rng = generator(shape.seed, "draws")
        self.probability: list[float] = []

    def choose(self, contexts: Floats, left: Floats) -> Integers:  # noqa: ARG002  it knows no horizon
        """A draw from each prediction."""
        chosen, self.probability = [], []
        for row in contexts:
            shares = np.array(self.workspace.predict(_example(row)))
            action = int(self.rng.choice(len(shares), p=shares / shares.sum()))
            chosen.append(action)
            self.probability.append(float(shares[action]))
        return np.array(chosen)

    def learn(self, contexts: Floats, action: Integers, reward: Floats) -> None:
        """Example by example, with the probability of the draw."""
        for row, taken, earned, chance in zip(contexts, action, reward, self.probability, strict=True):
            self.workspace.learn(f"{taken + 1}:{-earned}:{chance} {_example(row)}")


def _example(row: Floats) -> str:
    """A context in its text format; it adds a constant by itself."""
    return "| " + " ".join(f"f{place}:{value:.6g}" for place, value in enumerate(row[1:]))


class River:
    """River's policies, reward by reward."""

    def __init__(self, policy: Callable[[Any, int], Any], contextual: bool, shape: Shape) -> None:
        self.policy, self.contextual = policy(import_module("river.bandit"), shape.seed), contextual
        self.arms = list(range(shape.actions))

    def choose(self, contexts: Floats, left: Floats) -> Integers:  # noqa: ARG002  it knows no horizon
        """One pull a context."""
        return np.array([self.policy.pull(self.arms, **self._context(row)) for row in contexts])

    def learn(self, contexts: Floats, action: Integers, reward: Floats) -> None:
        """One update a reward."""
        for row, taken, earned in zip(contexts, action, reward, strict=True):
            if self.contextual:
                self.policy.update(int(taken), dict(enumerate(row)), float(earned))
            else:
                self.policy.update(int(taken), float(earned))

    def _context(self, row: Floats) -> dict[str, dict[int, float]]:
        return {"context": dict(enumerate(row))} if self.contextual else {}


class ContextualBandits:
    """contextualbandits' online policies with closed-form updates; they add a constant by themselves."""

    def __init__(self, policy: str, shape: Shape) -> None:
        found = getattr(import_module("contextualbandits.online"), policy)
        self.policy = found(nchoices=shape.actions, random_state=shape.seed + 1)
        self.rng, self.actions, self.started = generator(shape.seed, "first"), shape.actions, False

    def choose(self, contexts: Floats, left: Floats) -> Integers:  # noqa: ARG002  it knows no horizon
        """Its prediction; by chance before the first update."""
        if not self.started:
            return self.rng.integers(0, self.actions, len(contexts))
        return np.asarray(self.policy.predict(contexts[:, 1:])).astype(int).reshape(-1)

    def learn(self, contexts: Floats, action: Integers, reward: Floats) -> None:
        """One partial fit."""
        self.policy.partial_fit(contexts[:, 1:], action, reward)
        self.started = True


Factory = Callable[[Shape], Contender]


def engagement_contenders(task: Task) -> dict[str, Factory]:
    """The service's rule, and plain Thompson beside it, with the belief one would declare for such a task."""
    belief: AnyPosterior = LinearGaussian() if task.contextual else BetaBernoulli()
    found: dict[str, Factory] = {
        "engagement": lambda shape: Engagement(belief, HorizonThompson(), shape),
        "engagement, plain Thompson": lambda shape: Engagement(belief, Thompson(), shape),
    }
    if task.drifts:
        found["engagement, forgetting"] = lambda shape: Engagement(FORGETTING, HorizonThompson(), shape)
    return found


FORGETTING = PooledLinear(half_life_weeks=200)
"""For means that drift: what was learned 200 steps ago counts half."""


def peers(task: Task) -> dict[str, Factory]:
    """What else there is on the package index, with documented defaults."""
    found: dict[str, Factory] = {
        "Vowpal Wabbit, epsilon .05": lambda shape: VowpalWabbit("", shape),
        "Vowpal Wabbit, SquareCB": lambda shape: VowpalWabbit("--squarecb", shape),
    }
    if task.contextual:
        return found | {
            "MABWiser, LinUCB": lambda shape: MabWiser("LinUCB", True, shape),
            "MABWiser, LinTS": lambda shape: MabWiser("LinTS", True, shape),
            "River, LinUCBDisjoint": lambda shape: River(lambda r, _: r.LinUCBDisjoint(), True, shape),
            "contextualbandits, LinUCB": lambda shape: ContextualBandits("LinUCB", shape),
            "contextualbandits, LinTS": lambda shape: ContextualBandits("LinTS", shape),
        }
    return found | {
        "MABWiser, ThompsonSampling": lambda shape: MabWiser("ThompsonSampling", False, shape),
        "MABWiser, UCB1": lambda shape: MabWiser("UCB1", False, shape),
        "River, ThompsonSampling": lambda shape: River(_river_thompson, False, shape),
        "River, UCB": lambda shape: River(lambda r, seed: r.UCB(delta=1, seed=seed), False, shape),
    }


def _river_thompson(river: Any, seed: int) -> Any:
    return river.ThompsonSampling(import_module("river.proba").Beta(), seed=seed)
