"""The pooled belief equals the dense posterior of its model, and behaves as pooling should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.posteriors.pooled_linear import PooledLinear, Spread
from engagement.randomness import generator
from engagement.records import ROOT, Batch, Points

K = 3
BELIEF = PooledLinear(
    baseline_mean=0.4, baseline=Spread(0.3, 0.2, 0.25), effect=Spread(0.2, 0.0, 0.15), noise_sd=0.5
)


def some_rows(seed, rows=40, groups=3, members=4):
    """Members m0 … of groups g0 …, each row's reward around its action."""
    rng = generator(seed, "pooled")
    group, member = rng.integers(0, groups, rows), rng.integers(0, members, rows)
    action = rng.integers(0, K, rows)
    return Batch(
        features=np.ones((rows, 1)),
        action=action,
        reward=0.4 + 0.2 * action + rng.normal(0, 0.5, rows),
        weight=np.ones(rows),
        probability=np.full((rows, K), 1 / K),
        groups=tuple(f"g{g}" for g in group),
        members=tuple(f"g{g}-m{m}" for g, m in zip(group, member, strict=True)),
    )


def asking(*pairs):
    groups, members = zip(*pairs, strict=True)
    return Points(np.ones((len(pairs), 1)), groups, members, np.full(len(pairs), 120.0))


def dense(belief, batch, asked):
    """Mean and sd of β for who is asked about, from the joint normal of rewards and effects."""

    def covariance(a, b):
        """Cov of w between two (group, member), each a vector over (α, β_1, …)."""
        shares = np.array([1.0, a[0] == b[0], a == b])
        spreads = (belief.baseline, *[belief.effect] * (K - 1))
        squares = np.array([[s.program**2, s.group**2, s.member**2] for s in spreads])
        return np.diag(squares @ shares)

    def design(action):
        row = np.zeros(K)
        row[0] = 1
        if action:
            row[action] = 1
        return row

    who = list(zip(batch.groups, batch.members, strict=True))
    phi = [design(action) for action in batch.action]
    n = len(who)
    C = np.array([[phi[i] @ covariance(who[i], who[j]) @ phi[j] for j in range(n)] for i in range(n)])
    weight = np.linalg.inv(C + belief.noise_sd**2 * np.eye(n))
    mean, sd = [], []
    for pair in zip(asked.groups, asked.members, strict=True):
        cross = np.array([covariance(pair, who[j]) @ phi[j] for j in range(n)])
        posterior = covariance(pair, pair) - cross.T @ weight @ cross
        mean.append((cross.T @ weight @ (batch.reward - belief.baseline_mean))[1:])
        sd.append(np.sqrt(np.diagonal(posterior)[1:]))
    return np.array(mean), np.array(sd)


@given(st.integers(0, 10_000))
def test_scores_are_those_of_the_dense_posterior(seed):
    batch = some_rows(seed)
    asked = asking(("g0", "g0-m1"), ("g2", "g2-m3"), ("g1", "never seen"), ("new group", "new member"))
    found = BELIEF.scores(BELIEF.fold({}, batch, K), asked, K)
    mean, sd = dense(BELIEF, batch, asked)
    assert found.mean[:, 1:] == pytest.approx(mean, abs=1e-9)
    assert found.sd[:, 1:] == pytest.approx(sd, abs=1e-9)
    assert not found.mean[:, 0].any()
    assert not found.sd[:, 0].any()


@given(st.integers(0, 10_000))
def test_the_programs_node_is_the_sum_of_its_groups_messages_however_it_was_folded(seed):
    batch = some_rows(seed)
    whole = BELIEF.fold({}, batch, K)
    nodes = {}
    for start in range(0, 40, 7):
        part = slice(start, start + 7)
        piece = Batch(*(column[part] for column in batch))
        nodes = {**nodes, **BELIEF.fold(nodes, piece, K)}
    assert nodes[ROOT] == pytest.approx(whole[ROOT], rel=1e-9, abs=1e-12)


def test_a_belief_that_knows_nothing_scores_by_its_prior():
    found = BELIEF.scores({}, asking(("g", "m")), K)
    # β = program's + group's + member's own part: variances add, .2² + 0 + .15² = .0625
    assert found.sd[0, 1:] == pytest.approx([0.25, 0.25])
    assert found.mean[0] == pytest.approx([0, 0, 0])


def test_what_one_group_shows_moves_a_new_group_less_than_itself():
    batch = some_rows(5, rows=60, groups=1)
    belief = PooledLinear(effect=Spread(0.2, 0.2, 0.1))
    nodes = belief.fold({}, batch._replace(reward=batch.action / 2), K)
    own, new = belief.scores(nodes, asking(("g0", "g0-m0"), ("other", "o")), K).mean[:, 2]
    assert 0.05 < new < own


def test_without_spread_between_groups_and_members_everybody_is_told_the_same():
    belief = PooledLinear(baseline=Spread(0.3, 0, 0), effect=Spread(0.2, 0, 0))
    found = belief.scores(belief.fold({}, some_rows(6), K), asking(("g0", "g0-m0"), ("x", "y")), K)
    assert found.mean[0] == pytest.approx(found.mean[1])
    assert found.sd[0] == pytest.approx(found.sd[1])


def test_members_of_one_name_in_two_groups_are_two_people():
    batch = some_rows(7, rows=20, groups=2)._replace(members=("same",) * 20)
    nodes = BELIEF.fold({}, batch, K)
    assert {key: len(node) // (2 * K + 2) for key, node in nodes.items() if key != ROOT} == {"g0": 1, "g1": 1}


def test_refitting_finds_the_noise_and_that_groups_differ():
    rng = generator(11, "refit")
    groups, members, each = 60, 4, 20
    effect = 0.3 * rng.normal(size=groups)
    group = np.repeat(np.arange(groups), members * each)
    action = rng.integers(0, K, len(group))
    reward = 0.4 + np.where(action == 1, effect[group], 0.0) + rng.normal(0, 0.2, len(group))
    batch = some_rows(0, rows=len(group))._replace(
        action=action,
        reward=reward,
        groups=tuple(f"g{g}" for g in group),
        members=tuple(f"m{row // each}" for row in range(len(group))),
    )
    found = BELIEF.refitted(BELIEF.fold({}, batch, K), K)
    # one of the two effects differs between groups with sd .3, the other not at all: shared, √(.09/2)
    assert found.effect.group == pytest.approx(0.21, rel=0.25)
    assert found.noise_sd == pytest.approx(0.2, rel=0.05)
    assert found.effect.member < 0.05


def test_refitting_nothing_changes_nothing():
    assert BELIEF.refitted({}, K) == BELIEF


def test_a_spread_below_zero_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Spread(0.1, -0.1, 0.1)
