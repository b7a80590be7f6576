"""The pooled belief equals the dense posterior of its model, and behaves as pooling should."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.pooled import Slope, Spread
from engagement.bandits.posteriors import gathered
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.tree_nodes import GROUPS_AT_ONCE
from engagement.errors import Invalid
from engagement.randomness import generator
from engagement.records import ROOT, Batch, Points
from engagement.strategy.strategy import Strategy
from support.courses import course
from support.dense_pooling import dense

K = 3
COLUMNS = ("intercept", "rain", "harvest")
BELIEF = PooledLinear(
    baseline_mean=0.4, baseline=Spread(0.3, 0.2, 0.25), effect=Spread(0.2, 0.0, 0.15), noise_sd=0.5
)


def some_rows(seed, rows=40, groups=3, members=4):
    """Members m0 … of groups g0 …, each row's reward around its action."""
    rng = generator(seed, "pooled")
    group, member = rng.integers(0, groups, rows), rng.integers(0, members, rows)
    action = rng.integers(0, K, rows)
    return Batch(
        features=np.column_stack([np.ones(rows), rng.normal(size=(rows, 2))]),
        action=action,
        reward=0.4 + 0.2 * action + rng.normal(0, 0.5, rows),
        weight=np.ones(rows),
        probability=rng.dirichlet(np.ones(K), rows),
        groups=tuple(f"g{g}" for g in group),
        members=tuple(f"g{g}-m{m}" for g, m in zip(group, member, strict=True)),
        period=np.sort(rng.integers(0, 12, rows)),
        columns=COLUMNS,
    )


def asking(*pairs):
    groups, members = zip(*pairs, strict=True)
    rng = generator(len(pairs), "asked")
    features = np.column_stack([np.ones(len(pairs)), rng.normal(size=(len(pairs), 2))])
    return Points(features, groups, members, course(*[120.0] * len(pairs)), COLUMNS)


EXPECTING = msgspec.structs.replace(BELIEF, effect_means=(0.1, -0.2))
CENTRED = PooledCentred(
    baseline_mean=0.4,
    baseline=BELIEF.baseline,
    effect=BELIEF.effect,
    noise_sd=0.5,
    effect_means=(0.1, -0.2),
    half_life_weeks=3.0,
)
FADING = msgspec.structs.replace(BELIEF, half_life_weeks=3.0)
SEASONAL = msgspec.structs.replace(EXPECTING, offset=("harvest", "rain"), offset_sd=0.3)
SEASONAL_FADING = msgspec.structs.replace(SEASONAL, half_life_weeks=3.0)
SEASONAL_CENTRED = msgspec.structs.replace(CENTRED, offset=("harvest",))
SLOPES = (Slope(("rain", "harvest"), 0.1, 0.3), Slope(("", "rain"), -0.2, 0.2))
SLOPING, SLOPING_SEASONAL_FADING, SLOPING_CENTRED = (
    msgspec.structs.replace(belief, slopes=SLOPES)
    for belief in (EXPECTING, SEASONAL_FADING, SEASONAL_CENTRED)
)
EVERY_FORM = [
    *(BELIEF, EXPECTING, FADING, CENTRED, SEASONAL, SEASONAL_FADING, SEASONAL_CENTRED),
    *(SLOPING, SLOPING_SEASONAL_FADING, SLOPING_CENTRED),
]


def rows_of(batch, chosen):
    """Some of a batch's rows, in the order chosen."""
    taken = (
        tuple(column[i] for i in chosen) if isinstance(column, tuple) else column[chosen]
        for column in batch[:-1]
    )
    return Batch(*taken, batch.columns)


def in_pieces(belief, batch, size):
    """The nodes after the batch was folded in pieces, each after the one before."""
    nodes, rows = {}, range(len(batch.action))
    for start in rows[::size]:
        nodes = {**nodes, **belief.fold(nodes, rows_of(batch, rows[start : start + size]), K)}
    return nodes


def for_groups(batch):
    """Every third row a decision for the group as a whole."""
    whose = zip(batch.members, itertools.cycle((True, True, False)), strict=False)
    return batch._replace(members=tuple(name if own else "" for name, own in whose))


@given(
    st.integers(0, 10_000),
    st.sampled_from(EVERY_FORM),
    st.booleans(),
    st.sampled_from([7, 40]),
)
def test_scores_are_those_of_the_dense_posterior(seed, belief, mixed, size):
    batch = for_groups(some_rows(seed)) if mixed else some_rows(seed)
    asked = asking(
        ("g0", "g0-m1"), ("g2", "g2-m3"), ("g1", "never seen"), ("new group", "new member"), ("g1", "")
    )
    found = belief.scores(in_pieces(belief, batch, size), asked, K)
    mean, sd = dense(belief, batch, asked, K)
    assert found.mean[:, 1:] == pytest.approx(mean, abs=1e-9)
    assert found.sd[:, 1:] == pytest.approx(sd, abs=1e-9)
    assert not found.mean[:, 0].any()
    assert not found.sd[:, 0].any()


@given(st.integers(0, 10_000), st.sampled_from(EVERY_FORM))
def test_the_programs_node_is_the_sum_of_its_groups_messages_however_it_was_folded(seed, belief):
    batch = some_rows(seed)
    nodes, whole = in_pieces(belief, batch, 7), belief.fold({}, batch, K)
    assert nodes[ROOT] == pytest.approx(whole[ROOT], rel=1e-9, abs=1e-12)


@given(st.permutations(range(6)), st.sampled_from([1, 2, 6]))
def test_what_is_folded_late_counts_as_if_it_had_been_folded_in_time(weeks, at_once):
    batch = some_rows(8, rows=60)
    order = [row for week in weeks for row in np.flatnonzero(batch.period // 2 == week)]
    shuffled = rows_of(batch, order)
    size = -(-len(order) // 6) * at_once
    asked = asking(("g0", "g0-m1"), ("g1", "g1-m0"))
    late, whole = (
        FADING.scores(nodes, asked, K)
        for nodes in (in_pieces(FADING, shuffled, size), FADING.fold({}, batch, K))
    )
    assert late.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-12)
    assert late.sd == pytest.approx(whole.sd, rel=1e-9, abs=1e-12)


def test_only_the_newest_week_turns_a_fading_belief():
    batch = some_rows(9)._replace(period=np.full(40, 5))
    nodes = FADING.fold({}, batch, K)
    turned = [FADING.turns(nodes, batch._replace(period=np.full(40, week))) for week in (4, 5, 6)]
    assert turned == [False, False, True]
    assert not BELIEF.turns(nodes, batch._replace(period=np.full(40, 6)))


def test_a_correction_of_a_row_with_an_offset_leaves_the_dense_posterior_of_what_is_so():
    batch = some_rows(21)
    wrong = batch._replace(reward=np.where(np.arange(40) % 5, batch.reward, 0.9))
    nodes = in_pieces(SEASONAL, wrong, 7)
    nodes = {**nodes, **SEASONAL.fold(nodes, wrong._replace(weight=-wrong.weight), K)}
    nodes = {**nodes, **SEASONAL.fold(nodes, batch, K)}
    asked = asking(("g0", "g0-m1"), ("g1", "never seen"))
    mean, sd = dense(SEASONAL, batch, asked, K)
    found = SEASONAL.scores(nodes, asked, K)
    assert found.mean[:, 1:] == pytest.approx(mean, abs=1e-9)
    assert found.sd[:, 1:] == pytest.approx(sd, abs=1e-9)


def test_one_row_is_shared_out_between_baseline_offset_and_effect_by_their_variances():
    # r = α + x·δ + β + ε with x = 2: variances .25 + 4·.09 + .04 + .25 = .9, and r = .9 is that much above
    # the mean expected, so β's mean is .04/.9·.9 = .04 and its variance .04 − .04²/.9
    belief = PooledLinear(
        baseline_mean=0.0,
        baseline=Spread(0.5, 0, 0),
        effect=Spread(0.2, 0, 0),
        noise_sd=0.5,
        offset=("rain",),
        offset_sd=0.3,
    )
    row = rows_of(some_rows(1), [0])._replace(
        features=np.array([[1.0, 2.0, 7.0]]), action=np.array([1]), reward=np.array([0.9])
    )
    found = belief.scores(belief.fold({}, row, 2), asking(("g", "m")), 2)
    assert found.mean[0] == pytest.approx([0, 0.04])
    assert found.sd[0, 1] ** 2 == pytest.approx(0.04 - 0.04**2 / 0.9)


def test_a_season_that_everybody_shares_is_not_taken_for_an_effect():
    # synthetic: the action is tried in the good season only, and does nothing; 2,000 rows without noise
    rain = np.sin(np.arange(2000) / 50)
    batch = some_rows(2, rows=2000)._replace(
        features=np.column_stack([np.ones(2000), rain, rain]),
        action=(rain > 0).astype(np.int64),
        reward=0.5 + 0.3 * rain,
    )
    plain, seasonal = (
        belief.scores(belief.fold({}, batch, K), asking(("new", "new")), K).mean[0, 1]
        for belief in (BELIEF, msgspec.structs.replace(BELIEF, offset=("rain",)))
    )
    # |sin| is 2/π on average on either side: .3·2·2/π = .38 between the seasons
    assert plain > 0.3
    assert abs(seasonal) < 0.05


def test_one_row_is_shared_out_between_effect_and_slope_by_their_variances():
    # r = α + β + z·η + ε with z = 2: variances .25 + .04 + 4·.09 + .25 = .9, and r − 2·.1 = .7 above the mean
    # expected, so with z = 1 the effect is β + η = .1 + (.04 + 2·.09)/.9·.7, its variance .13 − (.22)²/.9
    belief = PooledLinear(
        baseline_mean=0.0,
        baseline=Spread(0.5, 0, 0),
        effect=Spread(0.2, 0, 0),
        noise_sd=0.5,
        slopes=(Slope(("rain",), mean=0.1, sd=0.3),),
    )
    row = rows_of(some_rows(1), [0])._replace(
        features=np.array([[1.0, 2.0, 7.0]]), action=np.array([1]), reward=np.array([0.9])
    )
    asked = asking(("g", "m"))._replace(features=np.array([[1.0, 1.0, 7.0]]))
    found = belief.scores(belief.fold({}, row, 2), asked, 2)
    assert found.mean[0] == pytest.approx([0, 0.1 + 0.22 / 0.9 * 0.7])
    assert found.sd[0, 1] ** 2 == pytest.approx(0.13 - 0.22**2 / 0.9)


def test_a_slope_tells_of_an_action_that_was_never_tried():
    # synthetic: only the first action was tried, and helps where it rains; the second one shares the slope
    batch = some_rows(5, rows=400)
    wet = (np.arange(400) % 2).astype(float)
    batch = batch._replace(
        features=np.column_stack([np.ones(400), wet, wet]), action=np.arange(400) // 2 % 2, reward=np.where(
            np.arange(400) // 2 % 2 == 1, 0.4 + 0.3 * wet, 0.4
        ),
    )  # fmt: skip
    belief = msgspec.structs.replace(BELIEF, slopes=(Slope(("rain", "rain"), sd=0.3),))
    asked = asking(("new", "new"), ("new", "new"))._replace(features=np.array([[1.0, 1, 0], [1.0, 0, 0]]))
    mean = belief.scores(belief.fold({}, batch, K), asked, K).mean
    assert mean[0, 2] - mean[1, 2] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("features", "mean", "sd"), [(("", ""), 0.0, 0.1), (("rain",), np.nan, 0.1), (("rain",), 0.0, 0.0)]
)
def test_a_slope_of_nothing_or_without_a_spread_is_refused(features, mean, sd):
    with pytest.raises(ValueError, match="slope"):
        Slope(features, mean, sd)


def test_a_slope_has_a_feature_of_every_action_or_is_none_of_the_strategys():
    belief = PooledLinear(slopes=(Slope(("dose.a", "dose.b")),))
    with pytest.raises(ValueError, match="a slope has features of 2 actions, the strategy has 1"):
        Strategy(id="s", title="S", actions=("a",), posterior=belief, features=("dose.a", "dose.b"))
    with pytest.raises(ValueError, match=r"looks at `dose\.b`"):
        Strategy(id="s", title="S", actions=("a", "b"), posterior=belief, features=("dose.a",))


def test_features_outside_the_offset_change_nothing():
    batch = some_rows(3)
    other = batch._replace(features=batch.features * [1.0, 1.0, -7.0])
    belief = msgspec.structs.replace(BELIEF, offset=("rain",))
    nodes, changed = belief.fold({}, batch, K), belief.fold({}, other, K)
    assert {key: node.tobytes() for key, node in nodes.items()} == {
        key: node.tobytes() for key, node in changed.items()
    }


def test_rows_without_the_offsets_feature_are_refused():
    with pytest.raises(Invalid, match="`harvest`"):
        SEASONAL.fold({}, some_rows(4)._replace(columns=("intercept", "rain", "sun")), K)


def test_a_feature_that_is_no_number_is_refused():
    batch = some_rows(4)
    with pytest.raises(Invalid, match="finite"):
        SEASONAL.fold({}, batch._replace(features=batch.features * np.nan), K)


@pytest.mark.parametrize(("names", "sd"), [(("rain",), 0.0), (("rain",), np.inf), (("rain", "rain"), 0.1)])
def test_an_offset_without_a_spread_or_named_twice_is_refused(names, sd):
    with pytest.raises(ValueError, match="offset"):
        PooledLinear(offset=names, offset_sd=sd)


@pytest.mark.parametrize("name", ["harvest", "intercept"])
def test_a_strategy_whose_offset_names_what_it_does_not_look_at_is_refused(name):
    belief = PooledLinear(offset=("season_cos", name))
    with pytest.raises(ValueError, match=f"looks at `{name}`, which is not"):
        Strategy(id="s", title="S", actions=("a",), posterior=belief, features=("season_cos",))


def test_a_strategy_whose_offset_is_among_its_features_is_one():
    belief = PooledLinear(offset=("season_cos",))
    assert Strategy(id="s", title="S", actions=("a",), posterior=belief, features=("dose", "season_cos"))


def community(belief, members=100, rows=400):
    """One group so large that its members stand in blocks, a small one beside it, and all their rows."""
    rng = generator(12, "community")
    who = rng.integers(0, members, rows)
    batch = some_rows(12, rows=rows)._replace(
        groups=tuple("large" if name else "small" for name in who),
        members=tuple(f"m{name}" for name in who),
    )
    return batch, in_pieces(belief, batch, 90)


each_keeping = pytest.mark.parametrize(
    "belief", [BELIEF, FADING, SEASONAL], ids=["keeps", "fades", "with an offset"]
)


@each_keeping
def test_members_in_blocks_have_the_dense_posterior(belief):
    batch, nodes = community(belief)
    asked = asking(("large", "m1"), ("large", "m99"), ("large", "never seen"), ("large", ""), ("small", "m0"))
    found = belief.scores(nodes, asked, K)
    mean, sd = dense(belief, batch, asked, K)
    assert found.mean[:, 1:] == pytest.approx(mean, abs=1e-9)
    assert found.sd[:, 1:] == pytest.approx(sd, abs=1e-9)


def test_a_decision_in_a_community_of_1200_reads_some_40_members():
    batch, nodes = community(BELIEF, members=1200, rows=6000)
    assert len(set(batch.members)) > 1150
    keys = gathered(BELIEF, ["large"], ["m7"], lambda keys: {key: nodes[key] for key in keys if key in nodes})
    members = sum(len(nodes[key]) for key in keys if "#" in key) / (2 * K + 2)
    # 1,200 dealt to 32 blocks: 37.5 with an sd of √37.5 = 6.1
    assert 37.5 - 4 * 6.1 < members < 37.5 + 4 * 6.1
    assert len(keys) == 3


def test_a_group_is_dealt_into_blocks_beyond_64_members():
    many = some_rows(13, rows=65)._replace(groups=("g",) * 65, members=tuple(f"m{n}" for n in range(65)))
    few = rows_of(many, range(64))
    assert BELIEF.fold({}, few, K).keys() == {ROOT, "g"}
    assert len(BELIEF.fold({}, many, K)) > 2 + 20


def test_a_belief_that_knows_nothing_scores_by_its_prior():
    found = BELIEF.scores({}, asking(("g", "m")), K)
    # β = program's + group's + member's own part: variances add, .2² + 0 + .15² = .0625
    assert found.sd[0, 1:] == pytest.approx([0.25, 0.25])
    assert found.mean[0] == pytest.approx([0, 0, 0])


def test_a_belief_that_expects_something_begins_with_it():
    found = EXPECTING.scores({}, asking(("g", "m")), K)
    assert found.mean[0] == pytest.approx([0, 0.1, -0.2])


def test_a_strategy_whose_prior_expects_something_of_other_actions_is_refused():
    with pytest.raises(ValueError, match="names 2 actions, the strategy has 1"):
        Strategy(id="s", title="S", actions=("a",), posterior=EXPECTING)
    assert Strategy(id="s", title="S", actions=("a", "b"), posterior=EXPECTING)


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
    # two numbers at its head, then a row for each member
    assert {key: len(node) for key, node in nodes.items() if key != ROOT} == {
        "g0": 2 + 2 * K + 2,
        "g1": 2 + 2 * K + 2,
    }


@pytest.mark.parametrize(
    "belief", [BELIEF, FADING, CENTRED, SEASONAL], ids=["keeps", "fades", "centred", "with an offset"]
)
def test_refitting_finds_the_noise_and_that_groups_differ(belief):
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
        period=np.arange(len(group)) // 100,
    )
    belief = msgspec.structs.replace(belief, effect=Spread(0.2, 0.1, 0.15))
    found = belief.refitted(belief.fold({}, batch, K), K)
    # one of the two effects differs between groups with sd .3, the other not at all: shared, √(.09/2)
    assert found.effect.group == pytest.approx(0.21, rel=0.25)
    assert found.noise_sd == pytest.approx(0.2, rel=0.05)
    assert found.effect.member < 0.1


def test_what_was_folded_in_pieces_is_refitted_like_the_whole():
    batch = some_rows(14, rows=200)
    pieces, whole = (
        FADING.refitted(nodes, K) for nodes in (in_pieces(FADING, batch, 31), FADING.fold({}, batch, K))
    )
    assert pieces.noise_sd == pytest.approx(whole.noise_sd, rel=1e-6)
    assert pieces.baseline.group == pytest.approx(whole.baseline.group, rel=1e-4)


def test_fading_does_not_touch_what_is_refitted():
    batch = some_rows(14, rows=200)
    fading, keeping = (belief.refitted(belief.fold({}, batch, K), K) for belief in (FADING, BELIEF))
    assert fading == msgspec.structs.replace(keeping, half_life_weeks=3.0)


def test_spreads_declared_for_good_are_not_refitted():
    belief = msgspec.structs.replace(BELIEF, refit=False)
    assert belief.refitted(belief.fold({}, some_rows(15), K), K) is None


@each_keeping
def test_new_spreads_renew_the_nodes_to_those_they_would_have_folded(belief):
    batch, nodes = community(belief)
    other = msgspec.structs.replace(belief, effect=Spread(0.3, 0.1, 0.05), noise_sd=0.3)
    renewed, folded = {**nodes, **other.renewed(nodes, K)}, in_pieces(other, batch, 90)
    assert renewed.keys() == folded.keys()
    for key, node in folded.items():
        assert renewed[key] == pytest.approx(node, rel=1e-9, abs=1e-9)


def test_more_groups_than_are_summed_at_once_lose_none():
    groups = GROUPS_AT_ONCE + 3
    batch = some_rows(16, rows=groups)._replace(groups=tuple(f"g{n}" for n in range(groups)))
    nodes = BELIEF.fold({}, batch, K)
    assert BELIEF.renewed(nodes, K)[ROOT] == pytest.approx(nodes[ROOT], rel=1e-9)


@pytest.mark.parametrize("weeks", [0.0, 0.5, -3.0, np.inf, np.nan])
def test_a_half_life_of_less_than_a_week_is_refused(weeks):
    with pytest.raises(ValueError, match="at least one week"):
        PooledLinear(half_life_weeks=weeks)


def test_a_spread_below_zero_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Spread(0.1, -0.1, 0.1)
