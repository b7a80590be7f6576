"""What planning few visits is worth: rules that choose whom to visit, side by side in the same worlds.

Everything is synthetic. A world has groups in clusters whose members share a chain; its chains are drawn
with a visit never making things worse and a better state never having a worse next one. All rules live
through the same worlds with the same random numbers, so that a group treated alike moves alike. Ours
begins knowing nothing but which groups belong together, and learns from all that it sees.

    python benchmarks/planning.py
    python benchmarks/planning.py --worlds 5 --groups 200     a first look
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.optimize import linprog
from scipy.sparse import coo_array

from engagement.bandits.restless.assignment import Places
from engagement.bandits.restless.chains import counted, followed, learned
from engagement.bandits.restless.index import Phases, worth
from engagement.bandits.restless.pivotal import Draws
from engagement.bandits.restless.plan import Belief, Considered, Pool, Rule, decided, shares
from engagement.randomness import generator
from engagement.records import Bools, Floats, Integers
from engagement.strategy.promise import NEVER, promised

DISCOUNT = 0.95
GUESS = 1.0
"""Transitions a row, all next states alike, before any data; 4 gave the same within errors."""
LEARNING = 12
"""Periods after which ours is compared with knowing the chains."""
NAMES = ("nobody", "random", "round-robin", "worst-first", "myopic", "Whittle, known", "ours")
CAPACITIES = (0.025, 0.05, 0.1, 0.2)
WAITS = (None, 40, 20, 12, 8, 6)
"""Longest waits in periods; with a fifth visited, five is the shortest that can be kept at all."""
EPSILONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)


class World(NamedTuple):
    """before, after : (C, 2, S, S), chains while the program runs, and after its end in period `end`

    cluster : (N,), whose chain a group has      told : (N,), the cluster ours is told
    start : (N,), the first states               chance : (T, N), the numbers by which groups move
    """

    before: Floats
    after: Floats
    end: int
    cluster: Integers
    told: Integers
    start: Integers
    chance: Floats

    def chain(self, period: int) -> Floats:
        """Those of the period."""
        return self.before if period < self.end else self.after

    @property
    def states(self) -> int:
        """S."""
        return self.before.shape[-1]

    @property
    def reward(self) -> Floats:
        """From 0 to 1 in equal steps."""
        return np.arange(self.states) / (self.states - 1)


class Size(NamedTuple):
    """Of every world."""

    groups: int
    clusters: int
    periods: int


def chains(rng: Generator, clusters: int, states: int) -> Floats:
    """(C, 2, S, S): P(next ≥ k | s) rises with s, and with a visit by a part of what is left of 1."""
    base = np.sort(rng.beta(2, 2, (clusters, states, states - 1)), axis=1)
    unvisited = -np.sort(-base, axis=-1)
    help_of_state = rng.beta(1, 2, (clusters, states, 1))
    # where a visit helps a worse state so much that it overtakes a better one, the better gains as much
    visited = np.maximum.accumulate(unvisited + help_of_state * (1 - unvisited), axis=1)
    tails = np.stack([unvisited, visited], axis=1)
    edges = [np.ones_like(tails[..., :1]), tails, np.zeros_like(tails[..., :1])]
    return -np.diff(np.concatenate(edges, axis=-1), axis=-1)


def weakened(chain: Floats, drift: float) -> Floats:
    """The chain with every P(next ≥ k) smaller by this part."""
    tails = np.cumsum(chain[..., ::-1], axis=-1)[..., -2::-1] * (1 - drift)
    edges = [np.ones_like(tails[..., :1]), tails, np.zeros_like(tails[..., :1])]
    return -np.diff(np.concatenate(edges, axis=-1), axis=-1)


def world(seed: int, size: "Size", states: int, drift: float, spread: float) -> World:
    """A world by its number.

    drift : the part of every chance of a good next state that ends with the program, at half-time
    spread : the part of every group's chain that is its own, which ours is not told
    """
    rng = generator(seed, "world", str(states), str(drift), str(spread))
    before = chains(rng, size.clusters, states)
    told = rng.integers(0, size.clusters, size.groups)
    cluster = told
    if spread:
        before = (1 - spread) * before[told] + spread * chains(rng, size.groups, states)
        cluster = np.arange(size.groups)
    start = rng.integers(0, states, size.groups)
    end = size.periods // 2 if drift else size.periods
    chance = rng.random((size.periods, size.groups))
    return World(before, weakened(before, drift), end, cluster, told, start, chance)


Choose = Callable[[int, Integers, list[tuple[Integers, Bools, Integers]]], Bools]
"""(period, state, what was seen: state, visited, next state) → visited."""


def lived(place: World, choose: Choose) -> Floats:
    """(T,): mean reward a group at the end of each period."""
    state, seen, earned = place.start, [], np.empty(len(place.chance))
    for period, chance in enumerate(place.chance):
        visited = choose(period, state, seen)
        rows = place.chain(period)[place.cluster, visited.astype(np.int64), state]
        after = (np.cumsum(rows, axis=1)[:, :-1] <= chance[:, None]).sum(axis=1)
        seen.append((state, visited, after))
        earned[period], state = place.reward[after].mean(), after
    return earned


def first(score: Floats, visits: int, rng: Generator) -> Bools:
    """The B with the largest score, equal ones at random."""
    visited = np.zeros(len(score), np.bool_)
    visited[np.lexsort((rng.random(len(score)), -score))[:visits]] = True
    return visited


def endless(clusters: int) -> Phases:
    return Phases(np.full(clusters, np.inf), np.zeros(clusters, np.int64))


def known_rules(place: World, visits: int, seed: int) -> dict[str, Choose]:
    """Everybody but ours; only `myopic` and `Whittle, known` are told the chains."""
    rng, groups = generator(seed, "ties"), len(place.cluster)
    turn = generator(seed, "turn").permutation(groups)
    index = {
        part: worth(chain[None], place.reward, DISCOUNT, endless(len(chain))).value[0]
        for part, chain in (("before", place.before), ("after", place.after))
    }

    def robin(period: int) -> Bools:
        visited = np.zeros(groups, np.bool_)
        visited[turn[np.arange(period * visits, (period + 1) * visits) % groups]] = True
        return visited

    def gain(period: int, state: Integers) -> Floats:
        chain = place.chain(period)
        return ((chain[:, 1] - chain[:, 0]) @ place.reward)[place.cluster, state]

    def known(period: int, state: Integers) -> Floats:
        return index["before" if period < place.end else "after"][place.cluster, state]

    return {
        "nobody": lambda period, state, seen: np.zeros(groups, np.bool_),  # noqa: ARG005  as every rule
        "random": lambda period, state, seen: first(np.zeros(groups), visits, rng),  # noqa: ARG005  as every rule
        "round-robin": lambda period, state, seen: robin(period),  # noqa: ARG005  as every rule
        "worst-first": lambda period, state, seen: first(-state, visits, rng),  # noqa: ARG005  as every rule
        "myopic": lambda period, state, seen: first(gain(period, state), visits, rng),  # noqa: ARG005  as every rule
        "Whittle, known": lambda period, state, seen: first(known(period, state), visits, rng),  # noqa: ARG005  as every rule
    }


class Ours:
    """The plan of every period, with what was seen until then.

    wait : the longest that a group waits for a visit, None where nothing is promised
    It remembers the smallest π of any group, and how many visits were certain.
    """

    def __init__(self, place: World, visits: int, rule: Rule, seed: int, wait: int | None = None) -> None:
        self.place, self.visits, self.rule, self.wait = place, visits, rule, wait
        self.rng = generator(seed, "ours")
        self.least, self.certain = 1.0, 0
        self.last = np.full(len(place.told), -1)

    def __call__(self, period: int, state: Integers, seen: list[tuple[Integers, Bools, Integers]]) -> Bools:
        """Who is visited in the period."""
        place = self.place
        groups, states, clusters = len(state), place.states, int(place.told.max()) + 1
        guess = np.full((2, states, states), GUESS / states)
        counts = np.zeros((2, clusters, 2, states, states))
        for when, (before, visited, after) in enumerate(seen):
            cells = place.told, before, visited.astype(np.int64), after
            counts[int(when >= place.end)] += counted(*cells, clusters, states)
        running, ended = counts
        concentration = learned(running, np.zeros(clusters, np.int64), guess)
        if period >= place.end:
            concentration = followed(concentration, running, ended, guess)
        belief = Belief(concentration, endless(clusters))
        nowhere = Places(("",) * groups, ("",) * groups, ("",) * groups)
        none, always = np.zeros(groups, np.int64), np.full(groups, np.inf)
        pool = Pool(nowhere, place.told, state, none, always)
        share, _ = shares(pool, belief, self.rule, self.visits, self.rng)
        numbers = Draws(*self.rng.integers(0, 2**53, (3, groups)))
        due = np.full(groups, NEVER) if self.wait is None else self.wait + self.last + 1 - period
        kept = promised(due, self.visits, self.rule.epsilon, numbers.order)
        made = decided(Considered(share, kept.due, self.visits, kept.epsilon), numbers)
        self.least = min(self.least, float(made.probability.min()) / 2**32)
        self.certain += kept.forced
        self.last[made.chosen] = period
        return made.chosen


def bound(place: World, visits: int) -> float:
    """The mean reward a group and period that no rule can exceed, by linear programming.

    Only the expected number of visits of a period is limited (Whittle's relaxation), and a cluster's
    groups are a fluid: x[t, c, s, a] ≥ 0 groups, Σ_c,s x[t, c, s, 1] ≤ B, Σ_a x[t + 1, c, j, a] =
    Σ_s,a P_c(j | s, a)·x[t, c, s, a].
    """
    periods, groups = place.chance.shape
    clusters, states = len(place.before), place.states
    x = np.arange(periods * clusters * states * 2).reshape(periods, clusters, states, 2)
    flow: list[tuple[int, int, float]] = []
    fixed = np.zeros((periods, clusters, states))
    np.add.at(fixed[0], (place.cluster, place.start), 1.0)
    gain = np.zeros(x.shape)
    row = np.arange(periods * clusters * states).reshape(periods, clusters, states)
    for t in range(periods):
        chain = place.chain(t)
        gain[t] = (chain @ place.reward).transpose(0, 2, 1)
        for c, s, a in np.ndindex(clusters, states, 2):
            flow.append((row[t, c, s], x[t, c, s, a], 1.0))
            if t + 1 < periods:
                flow += [(row[t + 1, c, j], x[t, c, s, a], -chain[c, a, s, j]) for j in range(states)]
    rows, columns, numbers = (np.array(part) for part in zip(*flow, strict=True))
    visiting = x[..., 1].reshape(periods, -1)
    limit = coo_array(
        (np.ones(visiting.size), (np.repeat(np.arange(periods), visiting.shape[1]), visiting.ravel())),
        shape=(periods, x.size),
    )
    found = linprog(
        -gain.ravel(),
        A_ub=limit.tocsr(),
        b_ub=np.full(periods, visits),
        A_eq=coo_array((numbers, (rows, columns)), shape=(row.size, x.size)).tocsr(),
        b_eq=fixed.ravel(),
    )
    return -float(found.fun) / (periods * groups)


def kept(ours: Floats, known: Floats, robin: Floats) -> str:
    """The share of the gain of knowing over round-robin that ours keeps, with its standard error."""
    gain, best = ours - robin, known - robin
    share = gain.mean() / best.mean()
    error = np.std(gain - share * best, ddof=1) / np.sqrt(len(gain)) / best.mean()
    return f"{share:.1%} ± {error:.1%}"


class Setting(NamedTuple):
    """One kind of world."""

    states: int
    capacity: float
    drift: float = 0.0
    spread: float = 0.0

    def visits(self, size: Size) -> int:
        """B."""
        return max(1, round(self.capacity * size.groups))

    def rule(self, epsilon: float) -> Rule:
        """Ours."""
        return Rule(
            reward=tuple(np.arange(self.states) / (self.states - 1)), discount=DISCOUNT, epsilon=epsilon
        )


def compared(setting: Setting, size: Size, worlds: int, epsilon: float) -> None:
    """One row: every rule in every world."""
    visits = setting.visits(size)
    earned = {name: np.empty((worlds, size.periods)) for name in NAMES}
    bounds, least = np.full(worlds, np.nan), 1.0
    for seed in range(worlds):
        place = world(seed, size, setting.states, setting.drift, setting.spread)
        ours = Ours(place, visits, setting.rule(epsilon), seed)
        for name, choose in {**known_rules(place, visits, seed), "ours": ours}.items():
            earned[name][seed] = lived(place, choose)
        if not setting.spread:
            bounds[seed] = bound(place, visits)
        least = min(least, ours.least)
    means = "".join(f"{earned[name].mean():>16.4f}" for name in NAMES)
    parts = (slice(0, LEARNING), slice(LEARNING, None))
    shares = "".join(f"{kept(*_means(earned, part)):>16}" for part in parts)
    head = f"{setting.states:>6}{setting.capacity:>8.1%}{setting.drift:>7.1f}{setting.spread:>7.1f}"
    print(f"{head}{means}{bounds.mean():>10.4f}{shares}{least:>9.5f}", flush=True)


def priced(setting: Setting, size: Size, worlds: int) -> None:
    """The price of the floor: what ours keeps as ε grows."""
    visits = setting.visits(size)
    places = [world(seed, size, setting.states, setting.drift, setting.spread) for seed in range(worlds)]
    rules = [known_rules(place, visits, seed) for seed, place in enumerate(places)]
    told = {
        name: np.array([lived(place, rule[name]) for place, rule in zip(places, rules, strict=True)])
        for name in ("Whittle, known", "round-robin")
    }
    for epsilon in EPSILONS:
        rule = setting.rule(epsilon)
        ours = np.array([lived(place, Ours(place, visits, rule, seed)) for seed, place in enumerate(places)])
        share = kept(*_means({**told, "ours": ours}, slice(LEARNING, None)))
        print(
            f"{setting.states:>6}{epsilon:>6.2f}{epsilon * visits / size.groups:>10.5f}{share:>18}",
            flush=True,
        )


def near_the_end(setting: Setting, size: Size, worlds: int, stays: float) -> None:
    """What the index of the periods left gains where a program, and its visits with it, ends at half-time.

    Both rules are told the chains, and that nobody is visited after the end; only one is told when it comes.
    stays : the chance of a group to stay as it is whatever is done, so that what a visit does lasts longer
    """
    visits, end = setting.visits(size), size.periods // 2
    earned: dict[str, list[Floats]] = {"nobody": [], "endless": [], "of the periods left": []}
    for seed in range(worlds):
        place = world(seed, size, setting.states, setting.drift, setting.spread)
        slower = (stays * np.eye(place.states) + (1 - stays) * chain for chain in (place.before, place.after))
        place = World(*slower, end, *place[3:])
        clusters = len(place.before)
        both = np.concatenate([place.before, place.after])[None]
        after = np.arange(clusters, 2 * clusters)
        rules = {
            "endless": [endless(2 * clusters)] * end,
            "of the periods left": [
                Phases(
                    np.repeat([end - period, np.inf], clusters),
                    np.concatenate([after, after]),
                )
                for period in range(end)
            ],
        }
        earned["nobody"].append(lived(place, known_rules(place, visits, seed)["nobody"]))
        for name, phases in rules.items():
            index = [worth(both, place.reward, DISCOUNT, one).value[0, :clusters] for one in phases]
            earned[name].append(lived(place, until(place, index, visits, seed)))
    nobody, plain, told = (np.array(rows) for rows in earned.values())
    for words, part in (("all periods", slice(None)), ("the last three", slice(end - 3, end))):
        gain, more = ((rows - base)[:, part].mean(axis=1) for rows, base in ((plain, nobody), (told, plain)))
        share = more.mean() / gain.mean()
        error = np.std(more - share * gain, ddof=1) / np.sqrt(worlds) / gain.mean()
        head = f"{setting.states:>6}{setting.capacity:>8.1%}{setting.drift:>7.1f}{stays:>7.1f}  {words:<16}"
        print(f"{head}{gain.mean():>10.4f}{more.mean():>10.5f}{share:>+8.1%} ± {error:.1%}", flush=True)


def until(place: World, index: list[Floats], visits: int, seed: int) -> Choose:
    """Visits by these indices, (C, S) a period, and nobody after the last of them."""
    rng, groups = generator(seed, "ties"), len(place.cluster)

    def choose(period: int, state: Integers, seen: list[tuple[Integers, Bools, Integers]]) -> Bools:  # noqa: ARG001  as every rule
        if period >= len(index):
            return np.zeros(groups, np.bool_)
        return first(index[period][place.cluster, state], visits, rng)

    return choose


def _means(earned: dict[str, Floats], part: slice) -> list[Floats]:
    """Of these periods, a world: ours, known, round-robin."""
    return [earned[name][:, part].mean(axis=1) for name in ("ours", "Whittle, known", "round-robin")]


def served(setting: Setting, size: Size, worlds: int, epsilon: float) -> None:
    """The price of a minimum service: what ours keeps as the longest wait becomes shorter."""
    visits, rule = setting.visits(size), setting.rule(epsilon)
    places = [world(seed, size, setting.states, setting.drift, setting.spread) for seed in range(worlds)]
    rules = [known_rules(place, visits, seed) for seed, place in enumerate(places)]
    told = {
        name: np.array([lived(place, one[name]) for place, one in zip(places, rules, strict=True)])
        for name in ("Whittle, known", "round-robin")
    }
    for wait in WAITS:
        plans = [Ours(place, visits, rule, seed, wait) for seed, place in enumerate(places)]
        ours = np.array([lived(place, plan) for place, plan in zip(places, plans, strict=True)])
        share = kept(*_means({**told, "ours": ours}, slice(LEARNING, None)))
        certain = np.mean([plan.certain for plan in plans]) / (visits * size.periods)
        words = "none" if wait is None else str(wait)
        print(f"{setting.states:>6}{words:>8}{share:>18}{certain:>10.1%}", flush=True)


TABLES = ("rules", "floor", "service", "end")


def main() -> None:
    """All four tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=30)
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--epsilon", type=float, default=0.02)
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=TABLES, help="all of them by default")
    args = parser.parse_args()
    size = Size(args.groups, clusters=8, periods=24)
    print(f"{args.worlds} worlds of {size}, ε = {args.epsilon}; mean reward a group and period")
    if "rules" in args.tables:
        print(
            f"{'states':>6}{'visits':>8}{'drift':>7}{'spread':>7}"
            + "".join(f"{name:>16}" for name in NAMES)
            + f"{'bound':>10}{'kept, to 12':>16}{'kept, from 13':>16}{'least π':>9}"
        )
        for states in (2, 3):
            for setting in (
                *(Setting(states, capacity) for capacity in CAPACITIES),
                Setting(states, 0.1, drift=0.3),
                Setting(states, 0.1, spread=0.3),
            ):
                compared(setting, size, args.worlds, args.epsilon)
    if "floor" in args.tables:
        print("\nThe price of the floor, 10 % visited: what is kept of the gain from period 13 on")
        print(f"{'states':>6}{'ε':>6}{'floor':>10}{'kept':>18}")
        for states in (2, 3):
            priced(Setting(states, 0.1), size, args.worlds)
    if "service" in args.tables:
        print(
            "\nThe price of a minimum service, 20 % visited: the same, and the part of visits that is certain"
        )
        print(f"{'states':>6}{'longest':>8}{'kept':>18}{'certain':>10}")
        for states in (2, 3):
            served(Setting(states, 0.2), size, args.worlds, args.epsilon)
    if "end" in args.tables:
        print("\nProgram and visits end in period 12: what the index of the periods left gains")
        print(f"{'states':>6}{'visits':>8}{'drift':>7}{'stays':>7}  {'of':<16}{'gain':>10}{'more':>10}")
        for states in (2, 3):
            for stays in (0.0, 0.7, 0.9):
                near_the_end(Setting(states, 0.1, drift=0.3), size, args.worlds, stays)


if __name__ == "__main__":
    main()
