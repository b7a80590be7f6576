"""What the pooled belief is worth and what it costs, side by side.

Everything is synthetic: members, groups and rewards are drawn from the belief's own model, so that the
regrets are those of a program about which the prior is right. In process, pure functions, no database.

    python benchmarks/pooling.py
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from engagement.actions.availability import Reason
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.epsilon_greedy import EpsilonGreedy
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.pooled import Pooled
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.propensity import bounded, in_units, pick
from engagement.randomness import generator
from engagement.records import Batch, Course, Floats, Integers, Nodes, Points, Scores
from engagement.strategy.decide import Asked, decide
from engagement.strategy.purse import unlimited
from engagement.strategy.strategy import Strategy
from support.dense_pooling import dense

SIZE = 8
"""Members of a group."""
DECISIONS = 12
RULES: dict[str, AnyAllocation] = {
    "horizon_thompson": HorizonThompson(),
    "thompson": Thompson(),
    "greedy": EpsilonGreedy(0.0),
    "uniform": Uniform(),
}
FEATURES = 14
PRIOR = PooledLinear()
HARMONICS = ("season_cos", "season_sin")
BELIEFS: dict[str, Pooled] = {
    "pooled_linear": PRIOR,
    "with offset": PooledLinear(offset=HARMONICS),
    "half-life 12 weeks": PooledLinear(half_life_weeks=12.0),
    "pooled_centred": PooledCentred(),
    "centred with offset": PooledCentred(offset=HARMONICS),
}
MONTH = np.arange(DECISIONS)
SEASONS: dict[str, Floats] = {
    "none": np.zeros(DECISIONS),
    "wave of ± 0.2": 0.2 * np.cos(2 * np.pi * MONTH / 12),
    "3 months of − 0.4": np.where(MONTH // 3 == 2, -0.4, 0.0),
}
"""What the months add to everybody's baseline: nothing, what two harmonics follow, and what they do not."""


def names(groups: Integers) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Groups and members of people numbered from 0."""
    return tuple(f"g{g}" for g in groups), tuple(f"m{n}" for n in range(len(groups)))


def batch_of(groups: Integers, action: Integers, reward: Floats, actions: int, week: int = 0) -> Batch:
    """One decision of everybody."""
    count = len(action)
    return Batch(
        features=np.ones((count, 1)),
        action=action,
        reward=reward,
        weight=np.ones(count),
        probability=np.full((count, actions), 1 / actions),
        groups=names(groups)[0],
        members=names(groups)[1],
        period=np.full(count, week),
    )


def spreads(belief: PooledLinear, actions: int) -> Floats:
    """(3, K): sds of the program's, a group's and a member's part of baseline and effects."""
    each = [belief.baseline, *[belief.effect] * (actions - 1)]
    return np.array([[s.program, s.group, s.member] for s in each]).T


class Parts(NamedTuple):
    """What baseline and effects are made of. program : (K,)      group : (G, K)      member : (N, K)"""

    program: Floats
    group: Floats
    member: Floats


def parts(belief: PooledLinear, groups: Integers, actions: int, seed: int) -> Parts:
    """The true parts, drawn from the prior."""
    rng, sd = generator(seed, "effects", str(actions)), spreads(belief, actions)
    return Parts(
        rng.normal(size=actions) * sd[0],
        rng.normal(size=(groups.max() + 1, actions)) * sd[1],
        rng.normal(size=(len(groups), actions)) * sd[2],
    )


def effects(belief: PooledLinear, groups: Integers, actions: int, seed: int) -> Floats:
    """(N, K): baseline and true effects of everybody, drawn from the prior."""
    program, group, member = parts(belief, groups, actions, seed)
    return program + group[groups] + member


def regret(
    rule: AnyAllocation,
    actions: int,
    floor: float,
    programs: int,
    belief: Pooled = PRIOR,
    season: Floats = SEASONS["none"],
) -> Floats:
    """(programs,): what is lost a decision against the best action of each member, on the same worlds.

    season : (DECISIONS,), what the months add to everybody's baseline
    """
    groups = np.repeat(np.arange(5), SIZE)
    lost = np.zeros(programs)
    for seed in range(programs):
        w, rng = effects(PRIOR, groups, actions, seed), generator(seed, "rewards", str(actions))
        gain = np.hstack([np.zeros((len(w), 1)), w[:, 1:]])
        nodes: Nodes = {}
        for step in range(DECISIONS):
            course = Course(np.full(len(w), step), np.full(len(w), float(DECISIONS - step)))
            points = Points(np.ones((len(w), 1)), *names(groups), course)
            scores, available = belief.scores(nodes, points, actions), np.ones((len(w), actions), bool)
            shares = bounded(rule.probabilities(scores, available, course), available, floor)
            action = pick(in_units(shares), rng.integers(0, 2**53, len(w)))
            baseline = PRIOR.baseline_mean + w[:, 0] + season[step]
            noise = PRIOR.noise_sd * rng.normal(size=len(w))
            reward = baseline + gain[np.arange(len(w)), action] + noise
            angle = 2 * np.pi * step / 12
            batch = batch_of(groups, action, reward, actions, 4 * step)._replace(
                features=np.tile([1.0, np.cos(angle), np.sin(angle)], (len(w), 1)),
                probability=shares,
                columns=("intercept", *HARMONICS),
            )
            nodes = {**nodes, **belief.fold(nodes, batch, actions)}
            lost[seed] += np.mean(gain.max(axis=1) - gain[np.arange(len(w)), action]) / DECISIONS
    return lost


def print_regrets(programs: int) -> None:
    """Every rule beside plain Thompson."""
    print(f"Regret a decision: 5 groups of {SIZE}, {DECISIONS} decisions each, {programs} programs")
    print(f"{'actions':>8}{'floor':>7}  {'rule':<18}{'regret':>8}{'± se':>8}{'against thompson':>18}")
    for actions in (4, 7):
        for floor in (0.0, 0.02):
            found = {name: regret(rule, actions, floor, programs) for name, rule in RULES.items()}
            for name, lost in found.items():
                gap = (lost - found["thompson"]) / found["thompson"].mean()
                against = f"{gap.mean():+.1%} ± {_se(gap):.1%}"
                print(f"{actions:>8}{floor:>7}  {name:<18}{lost.mean():>8.4f}{_se(lost):>8.4f}{against:>18}")


def print_seasons(programs: int) -> None:
    """Beliefs beside each other where everybody's baseline moves with the months."""
    print(f"Regret a decision by belief: horizon_thompson, 4 actions, floor 0.02, {programs} programs")
    print(f"{'season':<18}  {'belief':<20}{'regret':>8}{'against pooled_linear without season':>40}")
    base = regret(HorizonThompson(), 4, 0.02, programs)
    for word, season in SEASONS.items():
        for name, belief in BELIEFS.items():
            lost = regret(HorizonThompson(), 4, 0.02, programs, belief, season)
            gap = (lost - base) / base.mean()
            print(f"{word:<18}  {name:<20}{lost.mean():>8.4f}{gap.mean():>+32.1%} ± {_se(gap):.1%}")


def movers_regret(programs: int, actions: int, *, carried: bool) -> Floats:
    """(programs,): what who moved loses a decision in their second year, the first spent in another group.

    One of each group moves into the next. The belief is one joint normal of every part, by which both can be
    had: a mover's own part goes along (`carried`), or they begin anew, as in the service.
    """
    home = np.repeat(np.arange(5), SIZE)
    own, movers = np.arange(len(home)), np.arange(0, len(home), SIZE)
    there, anew = home.copy(), own.copy()
    there[movers], anew[movers] = (home[movers] + 1) % 5, len(own) + np.arange(5)
    sd = spreads(PRIOR, actions)
    precisions = 1 / np.square(np.vstack([sd[:1], *[sd[1:2]] * 5, *[sd[2:]] * (len(own) + 5)])).ravel()
    lost = np.zeros(programs)
    for seed in range(programs):
        truth, rng = parts(PRIOR, home, actions, seed), generator(seed, "moves", str(actions))
        precision, pull = np.diag(precisions), np.zeros(len(precisions))
        for step in range(2 * DECISIONS):
            settled = step < DECISIONS
            group, leaf = (home, own) if settled else (there, own if carried else anew)
            node = np.stack([0 * group, 1 + group, 6 + leaf], axis=1)
            place = actions * node[:, :, None] + np.arange(actions)
            scores = _joint_scores(precision, pull, place)
            left = np.full(len(own), 2.0 * DECISIONS - step)
            available = np.ones((len(own), actions), bool)
            shares = bounded(HorizonThompson().probabilities(scores, available, left), available, 0.02)
            action = pick(in_units(shares), rng.integers(0, 2**53, len(own)))
            w, phi = truth.program + truth.group[group] + truth.member, np.eye(actions)[action]
            phi[:, 0] = 1
            reward = np.einsum("nk,nk->n", phi, w) + PRIOR.noise_sd * rng.normal(size=len(own))
            z = np.zeros((len(own), len(pull)))
            z[own[:, None, None], place] = phi[:, None, :]
            precision, pull = precision + z.T @ z / PRIOR.noise_sd**2, pull + reward @ z / PRIOR.noise_sd**2
            gain = np.hstack([np.zeros((len(own), 1)), w[:, 1:]])
            regrets = gain.max(axis=1) - gain[own, action]
            lost[seed] += 0.0 if settled else regrets[movers].mean() / DECISIONS
    return lost


def _joint_scores(precision: Floats, pull: Floats, place: Integers) -> Scores:
    """Of everybody, from the joint normal of all parts. place : (N, 3, K), where theirs stand in it"""
    cov = np.linalg.inv(precision)
    mean = (cov @ pull)[place].sum(axis=1)
    variance = cov[place[:, :, None, :], place[:, None, :, :]].sum(axis=(1, 2))
    mean[:, 0], variance[:, 0] = 0.0, 0.0
    return Scores("normal", mean, np.sqrt(variance))


def print_moves(programs: int) -> None:
    """What it costs whoever moves that they are told from the new group alone."""
    print(f"Regret a decision of who moved, in {DECISIONS} decisions after as many elsewhere, 4 actions")
    known, anew = (movers_regret(programs, 4, carried=carried) for carried in (True, False))
    gap = (anew - known) / known.mean()
    print(f"own part goes along {known.mean():.4f}, begins anew {anew.mean():.4f}: ", end="")
    print(f"{gap.mean():+.1%} ± {_se(gap):.1%}")


def _se(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def print_exactness(cases: int) -> None:
    """How far messages on the tree are from one joint normal."""
    worst = 0.0
    for seed in range(cases):
        rng = generator(seed, "exactness")
        groups, actions = np.tile(np.repeat(np.arange(4), 4), 3), 4
        belief = PooledLinear(half_life_weeks=[None, 3.0][seed % 2])
        batch = batch_of(groups, rng.integers(0, actions, 48), rng.random(48), actions)
        batch = batch._replace(members=batch.members[:16] * 3, period=np.repeat([1, 2, 5], 16))
        nodes: Nodes = {}
        for start in (0, 16, 32):
            piece = Batch(*(column[start : start + 16] for column in batch[:-1]))
            nodes = {**nodes, **belief.fold(nodes, piece, actions)}
        asked = Points(
            np.ones((3, 1)),
            ("g0", "g3", "new"),
            ("m1", "never", "never"),
            Course(np.zeros(3, np.int64), np.ones(3)),
        )
        mean, sd = dense(belief, batch, asked, actions)
        found = belief.scores(nodes, asked, actions)
        worst = max(worst, np.abs(found.mean[:, 1:] - mean).max(), np.abs(found.sd[:, 1:] - sd).max())
    print(f"Largest difference to the dense posterior in {cases} cases of 48 rows: {worst:.1e}")


def nodes_of(groups: int, actions: int) -> Nodes:
    """Groups of eight in which each member has some twelve rows, as they would be stored."""
    rng = generator(1, "nodes", str(groups))
    count = rng.poisson(12 / actions, (groups * SIZE, actions)).astype(float)
    total = 0.5 * count + rng.normal(size=count.shape) * 0.45 * np.sqrt(count)
    ids = np.sort(rng.integers(0, 2**52, (groups, SIZE)).astype(float), axis=1).reshape(-1, 1)
    rows = np.hstack([ids, count, total, 0.45 * count.sum(axis=1, keepdims=True)]).reshape(groups, -1)
    head = np.zeros(2)
    d = actions
    found = {f"g{number}": np.concatenate([head, row]) for number, row in enumerate(rows)}
    return {"": np.zeros(2 + d * d + d), **found}


def print_refresh(sizes: Sequence[int]) -> None:
    """All messages made again, as when a week turns or the spreads are refitted."""
    print(f"All messages made again, 7 actions, groups of {SIZE}")
    print(f"{'members':>10}{'seconds':>9}{'µs a member':>13}{'nodes MB':>10}{'extra peak MB':>15}")
    belief = PooledLinear()
    for members in sizes:
        nodes = nodes_of(members // SIZE, 7)
        held = sum(node.nbytes for node in nodes.values()) / 1e6
        seconds = timed(partial(belief.renewed, nodes, 7), 1)
        tracemalloc.start()
        belief.renewed(nodes, 7)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        print(f"{members:>10}{seconds:>9.2f}{1e6 * seconds / members:>13.2f}{held:>10.0f}{peak:>15.0f}")


def print_refit(sizes: Sequence[int]) -> None:
    """The fit of seven variances from all sums."""
    print("Spreads refitted, 7 actions")
    for members in sizes:
        nodes = nodes_of(members // SIZE, 7)
        seconds = timed(partial(PooledLinear().refitted, nodes, 7), 1)
        print(f"{members:>10} members {seconds:.2f} s")


def timed(work: Callable[[], object], times: int) -> float:
    """Seconds of processor time a call, the least of three rounds."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - start) / times)
    return best


def print_decisions(units: Sequence[int]) -> None:
    """Processor time of the pure decision, belief beside belief."""
    print("Deciding, 7 actions, milliseconds of one processor: the scores alone, and the whole decision")
    print(f"{'units':>7}{'belief':>18}{'scores':>9}{'decision':>10}")
    rng = generator(1, "decisions")
    actions = tuple("abcdef")
    for count in units:
        groups = np.arange(count) // SIZE
        points = Points(
            rng.normal(size=(count, FEATURES)),
            *names(groups),
            Course(np.zeros(count, np.int64), np.full(count, 12.0)),
        )
        question = Asked(
            points,
            np.full((count, 7), Reason.AVAILABLE, np.uint8),
            tuple(map(int, rng.integers(0, 2**53, count))),
            (False,) * count,
        )
        purse = unlimited(count, 7)
        beliefs: dict[str, AnyPosterior] = {
            "linear_gaussian": LinearGaussian(),
            "pooled_linear": PooledLinear(),
        }
        for name, belief in beliefs.items():
            batch = batch_of(groups, rng.integers(0, 7, count), rng.random(count), 7)
            nodes = belief.fold({}, batch._replace(features=points.features), 7)
            plan = Strategy(id="s", title="S", actions=actions, posterior=belief)
            scores = timed(partial(belief.scores, nodes, points, 7), 20)
            whole = timed(partial(decide, plan, nodes, question, purse), 20)
            print(f"{count:>7}{name:>18}{1e3 * scores:>9.2f}{1e3 * whole:>10.2f}")


def main() -> None:
    """All tables."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--programs", type=int, default=400, help="simulated, for the regrets")
    parser.add_argument("--members", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    given = parser.parse_args()
    print_exactness(20)
    print_decisions((64, 256))
    print_refit((1_000, 16_000))
    print_refresh(given.members)
    print_regrets(given.programs)
    print_seasons(given.programs)
    print_moves(given.programs)


if __name__ == "__main__":
    main()
