"""The task this project exists for: 200 groups of 8 decide together, 12 or 120 times, among 4 actions.

Synthetic: a baseline and the effects of three actions beside `none` (0) are drawn program → group → member,
and a reward is baseline + effect + N(0, 1). Four worlds say where people differ. What is compared is regret:
the mean, over members and decisions, of Σ_k π_k·(best effect − effect of k).

The configuration of the service is told the noise and the spreads of no world; its belief refits them when a
tenth more has been learned, as the service does. The references are told them. What a floor L costs a
rule is K·L·(regret of uniform − regret of the rule).

The belief's sums are kept here in one array a level instead of nodes by group, which saves a run the reading
and writing of 200 nodes a decision; messages, fit and rules are the service's own functions, and
`check_arrays` compares the scores with those of `PooledLinear`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.epsilon_greedy import EpsilonGreedy
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.empirical_bayes import Fitted, Observed, fit, precision_form, variances
from engagement.bandits.pooled import Spread
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.propensity import bounded, in_units, pick
from engagement.randomness import generator
from engagement.records import Batch, Course, Floats, Integers, Nodes, Points, Scores
from engagement.stats.tree_pooling import Likelihood, Normal, added, at_root, below, through
from engagement.strategy.refit import has_grown

GROUPS = 200
SIZE = 8
ACTIONS = 4
FLOOR = 0.01
WORLDS: dict[str, Spread] = {
    "mostly shared": Spread(0.5, 0.3, 0.2),
    "mostly by group": Spread(0.2, 0.5, 0.1),
    "mostly individual": Spread(0.2, 0.1, 0.6),
    "hardly any": Spread(0.3, 0.02, 0.02),
}
UNTOLD = PooledLinear(baseline_mean=0.0, noise_sd=1.0)
"""One prior for all four worlds: the defaults, but that a reward is 0 ± 1 beforehand instead of .5 ± .45."""


def told(spread: Spread) -> PooledLinear:
    """The belief of who knows how far people of this world lie apart, and the noise."""
    return PooledLinear(baseline_mean=0.0, baseline=spread, effect=spread, noise_sd=1.0, refit=False)


class Rule(NamedTuple):
    """What is compared."""

    belief: PooledLinear
    allocation: AnyAllocation
    floor: float


def rules(spread: Spread, floor: float = FLOOR) -> dict[str, Rule]:
    """The service's configuration and the references of a world."""
    return {
        "engagement": Rule(UNTOLD, HorizonThompson(), floor),
        "Thompson, untold": Rule(UNTOLD, Thompson(), floor),
        "greedy, told": Rule(told(spread), EpsilonGreedy(0.0), 0.0),
        "Thompson, told": Rule(told(spread), Thompson(), 0.0),
        "uniform": Rule(told(spread), Uniform(), 0.0),
    }


class World(NamedTuple):
    """People of one seed: place, (M,), the group of each; w, (M, K), baseline and effects."""

    place: Integers
    w: Floats

    @property
    def gain(self) -> Floats:
        """(M, K): what each action adds to doing nothing."""
        return np.hstack([np.zeros((len(self.w), 1)), self.w[:, 1:]])


def world(spread: Spread, seed: int, groups: int) -> World:
    """Members in groups, drawn from their spreads."""
    rng, place = generator(seed, "program task"), np.repeat(np.arange(groups), SIZE)
    program = spread.program * rng.normal(size=ACTIONS)
    group = spread.group * rng.normal(size=(groups, ACTIONS))
    return World(place, program + group[place] + spread.member * rng.normal(size=(len(place), ACTIONS)))


class Sums(NamedTuple):
    """What members showed. tried, total : (M, K), rewards by action, and their sums      square : Σr²"""

    tried: Floats
    total: Floats
    square: float


def scores(belief: Fitted, sums: Sums, place: Integers) -> Scores:
    """Mean and sd of every member's effects, by the messages of `stats.tree_pooling`."""
    prior = variances(belief, ACTIONS)
    seen = precision_form(sums.tried, sums.total, belief.noise)
    groups = added(through(seen, prior.member), place, int(place[-1]) + 1)
    sent = through(groups, prior.group)
    program = at_root(Likelihood(sent.Q.sum(0), sent.h.sum(0)), prior.program)
    of_group = below(program, groups, prior.group)
    found = below(Normal(of_group.mean[place], of_group.cov[place]), seen, prior.member)
    sd = np.sqrt(np.maximum(np.diagonal(found.cov, axis1=1, axis2=2), 0))
    mean, sd = found.mean.copy(), sd.copy()
    mean[:, 0] = sd[:, 0] = 0
    return Scores("normal", mean, sd)


def declared(belief: PooledLinear) -> Fitted:
    """Variances of a belief as it was declared."""
    squares = (np.square([one.program, one.group, one.member]) for one in (belief.baseline, belief.effect))
    return Fitted(belief.noise_sd**2, *squares)


def refitted(belief: PooledLinear, sums: Sums, place: Integers) -> Fitted | None:
    """The most plausible variances of what was seen, as `PooledLinear.refitted`."""
    seen = precision_form(sums.tried, sums.total, 1.0)
    everybody = np.ones(len(place), bool)
    return fit(Observed(seen, float(sums.tried.sum()), sums.square, place, everybody), declared(belief))


def floor_cost(floor: float, uniform: Floats, rule: Floats) -> Floats:
    """K·L·(regret of uniform − regret of the rule): what a floor L adds to a rule that has none."""
    return ACTIONS * floor * (uniform - rule)


def shares(
    rule: Rule, spread: Spread, decisions: int, seed: int, groups: int = GROUPS
) -> Iterator[tuple[Floats, Floats]]:
    """π and the true gain of everybody's actions, (M, K) each, decision by decision of one program."""
    place, w = people = world(spread, seed, groups)
    gain, rng, members = people.gain, generator(seed, "rewards and draws"), np.arange(len(place))
    sums = Sums(np.zeros_like(w), np.zeros_like(w), 0.0)
    belief, fitted_to = declared(rule.belief), 0.0
    available = np.ones(w.shape, bool)
    for step in range(decisions):
        if rule.belief.refit and has_grown(int(sums.tried.sum()), int(fitted_to)):
            belief = refitted(rule.belief, sums, place) or belief
            fitted_to = float(sums.tried.sum())
        course = Course(np.full(len(place), step), np.full(len(place), float(decisions - step)))
        found = scores(belief, sums, place)
        share = bounded(rule.allocation.probabilities(found, available, course), available, rule.floor)
        yield share, gain
        action = pick(in_units(share), rng.integers(0, 2**53, len(place)))
        reward = w[:, 0] + gain[members, action] + rng.normal(size=len(place))
        sums.tried[members, action] += 1
        sums.total[members, action] += reward
        sums = sums._replace(square=sums.square + float(reward @ reward))


def regret(rule: Rule, spread: Spread, decisions: int, seed: int) -> float:
    """Mean regret of a decision in one synthetic program."""
    each = [gain.max(axis=1) - (pi * gain).sum(axis=1) for pi, gain in shares(rule, spread, decisions, seed)]
    return float(np.mean(each))


def worth(rule: Rule, spread: Spread, decisions: int, seed: int) -> float:
    """Share of a log's decisions that count when another strategy is judged by it, in [0, 1].

    For one that takes every action equally often: Kish's effective sample size over the decisions logged,
    1/E[w²] with w = (1/K)/π, so that E[w²] = Σ_k (1/K)²/π_k; 0 where an action could not have been taken.
    """
    least = np.finfo(np.float64).tiny
    squares = [
        np.sum(ACTIONS**-2 / np.maximum(pi, least), axis=1) for pi, _ in shares(rule, spread, decisions, seed)
    ]
    return 1 / float(np.mean(squares))


def check_arrays() -> float:
    """Largest difference between these scores and those of `PooledLinear` on its own nodes."""
    place, _ = world(WORLDS["mostly by group"], 0, 5)
    rng, names = generator(0, "check"), tuple(f"m{n}" for n in range(len(place)))
    groups = tuple(f"g{g}" for g in place)
    nodes: Nodes = {}
    sums = Sums(np.zeros((len(place), ACTIONS)), np.zeros((len(place), ACTIONS)), 0.0)
    for _ in range(6):
        action, reward = rng.integers(0, ACTIONS, len(place)), rng.normal(size=len(place))
        np.add.at(sums.tried, (np.arange(len(place)), action), 1.0)
        np.add.at(sums.total, (np.arange(len(place)), action), reward)
        ones = np.ones((len(place), 1))
        batch = Batch(ones, action, reward, ones[:, 0], np.tile(ones / 4, 4), groups, names, action * 0)
        nodes = {**nodes, **UNTOLD.fold(nodes, batch, ACTIONS)}
    theirs = UNTOLD.scores(nodes, Points(ones, groups, names, Course(action * 0, ones[:, 0])), ACTIONS)
    ours = scores(declared(UNTOLD), sums, place)
    return float(max(np.abs(ours.mean - theirs.mean).max(), np.abs(ours.sd - theirs.sd).max()))
