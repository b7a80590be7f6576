"""What every belief and every exploration rule keeps, alone and in any pair.

To add a belief, write `bandits/posteriors/x.py` with one tagged Struct and name it in that folder's
`AnyPosterior`; to add an exploration rule, do the same in `bandits/allocations` and `AnyAllocation`.
Everything below then runs for it, without a line here. What it must bring along:

- `X()` works: every field has a default, with its unit in the docstring.
- What it keeps is sums over rows, so that pieces fold like the whole and a row can be taken out.
  A belief that must refit from its rows keeps distinct ones with their weights, which are sums as well.
- `half_life_weeks` lets a result of so long ago count half, and what is `expected` never fades.
- What it computes for a row does not depend on the rows beside it, to the last bit. Use einsum, stacked
  matmul and `solve`, and reduce over C-ordered arrays; `X @ W` gives other bits for other N.

Its own mathematics is tested beside it, in tests/bandits: a case worked by hand, and brute force.
"""

from functools import cache
from itertools import product
from typing import get_args

import msgspec
import numpy as np
import pytest
from scipy.special import chdtrc

from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.pooled import Slope
from engagement.bandits.posteriors import AnyPosterior, gathered
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.propensity import bounded, in_units, pick
from engagement.errors import Unusable
from engagement.randomness import uniform
from engagement.records import Batch, Course, Points

ACTIONS = 4
FEATURES = 10
DRAWS = 20_000
COLUMNS = tuple(f"x{number}" for number in range(FEATURES))
HALF_LIFE = 4
LASTING = [
    *(belief() for belief in get_args(AnyPosterior)),
    PooledLinear(offset=COLUMNS[1:4]),
    PooledCentred(offset=COLUMNS[2:3]),
    PooledLinear(slopes=(Slope(COLUMNS[1:ACTIONS]), Slope((COLUMNS[5], "", ""), 0.1))),
    PooledCentred(slopes=(Slope(COLUMNS[1:ACTIONS]),)),
]
FADING = [msgspec.structs.replace(belief, half_life_weeks=HALF_LIFE) for belief in LASTING]
BELIEFS = [*LASTING, *FADING]
"""Each with its defaults, some with an offset or slopes, and all of them with rows that fade."""
RULES = [rule() for rule in get_args(AnyAllocation)]


def named(thing):
    fading = getattr(thing, "half_life_weeks", None)
    moved = getattr(thing, "offset", ())
    told = " with an offset" if moved else " with slopes" if getattr(thing, "slopes", ()) else ""
    return type(thing).__name__ + (" that fades" if fading else "") + told


each_belief = pytest.mark.parametrize("belief", BELIEFS, ids=named)
MOST = {rule: max(n for n in range(2, ACTIONS + 1) if rule.flaw(n) is None) for rule in RULES}
"""Actions that a rule is tried with."""
each_pair = pytest.mark.parametrize(("belief", "rule"), list(product(BELIEFS, RULES)), ids=named)
each_choice = pytest.mark.parametrize(
    ("choice", "union"),
    [(belief, AnyPosterior) for belief in BELIEFS] + [(rule, AnyAllocation) for rule in RULES],
    ids=lambda value: named(value) if isinstance(value, msgspec.Struct) else "",
)


def features(rng, n):
    return np.column_stack([np.ones(n), rng.normal(size=(n, FEATURES - 1))])


def groups(n):
    return tuple(f"group {i % 5}" for i in range(n))


def members(n):
    return tuple(f"member {i % 35}" for i in range(n))


def some_batch(n=120):
    rng = np.random.default_rng(11)
    return Batch(
        features(rng, n),
        rng.integers(0, ACTIONS, n),
        rng.random(n),
        np.ones(n),
        np.full((n, ACTIONS), 1 / ACTIONS),
        groups(n),
        members(n),
        np.arange(n) // 20,
        COLUMNS,
    )


def some_points(n):
    """The first n of always the same points."""
    rng = np.random.default_rng(12)
    return Points(
        features(rng, 1000)[:n],
        groups(n),
        members(n),
        Course(np.arange(n) % 7, np.arange(n) % 30 + 1.0),
        COLUMNS,
    )


def availability(n):
    available = np.random.default_rng(13).random((1000, ACTIONS)) < 0.6
    available[:, 0] = True
    return available[:n]


def rows(batch, chosen):
    ids = [tuple(column[i] for i in chosen) for column in (batch.groups, batch.members)]
    named = set(Batch._fields) - {"groups", "members", "columns"}
    arrays = {name: getattr(batch, name)[chosen] for name in named}
    return Batch(**arrays, groups=ids[0], members=ids[1], columns=batch.columns)


def needed(belief, nodes, points):
    """Of the nodes those that a decision reads, step by step."""
    return gathered(
        belief, points.groups, points.members, lambda keys: {k: nodes[k] for k in keys if k in nodes}
    )


def learned(belief, nodes, batch):
    return {**nodes, **belief.fold(nodes, batch, ACTIONS)}


def assert_same_belief(nodes, expected):
    """To 10⁻⁹ of each node's largest number: a sum that cancels to 0 keeps the rounding of its terms."""
    assert nodes.keys() == expected.keys()
    for key, node in expected.items():
        np.testing.assert_allclose(nodes[key], node, rtol=1e-9, atol=1e-9 * np.abs(node).max())


@cache
def learned_nodes(belief):
    return learned(belief, {}, some_batch())


def believed(belief, rule, n):
    """Scores at n points, of as many actions as the rule takes."""
    scores = belief.scores(learned_nodes(belief), some_points(n), ACTIONS)
    few = slice(0, MOST[rule])
    freedom = None if scores.freedom is None else scores.freedom[:, few]
    return scores._replace(mean=scores.mean[:, few], sd=scores.sd[:, few], freedom=freedom)


def available_to(rule, n):
    return availability(n)[:, : MOST[rule]]


def propensities(belief, rule, n):
    return rule.probabilities(believed(belief, rule, n), available_to(rule, n), some_points(n).course)


# --- beliefs


@each_belief
def test_pieces_fold_like_the_whole(belief):
    batch = some_batch()
    nodes = {}
    for piece in np.split(np.arange(120), [1, 8, 71]):
        nodes = learned(belief, nodes, rows(batch, piece))
    assert_same_belief(nodes, learned_nodes(belief))


@each_belief
def test_the_order_of_rows_is_irrelevant(belief):
    shuffled = np.random.default_rng(14).permutation(120)
    assert_same_belief(learned(belief, {}, rows(some_batch(), shuffled)), learned_nodes(belief))


@each_belief
def test_a_row_taken_out_leaves_the_belief_as_it_was(belief):
    more = some_batch(7)._replace(reward=np.full(7, 0.3))
    out = more._replace(weight=-more.weight)
    back = learned(belief, learned(belief, learned_nodes(belief), more), out)
    assert_same_belief(back, learned_nodes(belief))


@pytest.mark.parametrize(("lasting", "fading"), list(zip(LASTING, FADING, strict=True)), ids=named)
def test_rows_that_fade_count_as_much_as_their_age_in_weeks_leaves(lasting, fading):
    batch = some_batch()
    weight = 0.5 ** ((batch.period.max() - batch.period) / HALF_LIFE)
    expected = lasting.scores(learned(lasting, {}, batch._replace(weight=weight)), some_points(5), ACTIONS)
    found = fading.scores(learned_nodes(fading), some_points(5), ACTIONS)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.sd, expected.sd, rtol=1e-9)


@each_belief
def test_a_row_changes_the_belief(belief):
    after = learned(belief, learned_nodes(belief), some_batch(1))
    assert any(after[key].tobytes() != node.tobytes() for key, node in learned_nodes(belief).items())


@each_belief
def test_an_empty_batch_changes_nothing(belief):
    assert belief.fold(learned_nodes(belief), rows(some_batch(), np.arange(0)), ACTIONS) == {}


@each_belief
def test_folding_leaves_the_former_nodes_alone(belief):
    before = {key: node.tobytes() for key, node in learned_nodes(belief).items()}
    belief.fold(learned_nodes(belief), some_batch(), ACTIONS)
    assert {key: node.tobytes() for key, node in learned_nodes(belief).items()} == before


@each_belief
def test_only_nodes_asked_for_by_key_are_changed(belief):
    batch = some_batch(2)
    assert belief.fold({}, batch, ACTIONS).keys() <= set(belief.keys(batch.groups, batch.members, {}))


@each_belief
def test_decisions_read_only_the_nodes_asked_for_by_key(belief):
    points = some_points(3)
    nodes = learned_nodes(belief)
    fewer, all_nodes = (belief.scores(n, points, ACTIONS) for n in (needed(belief, nodes, points), nodes))
    assert fewer.mean.tobytes() == all_nodes.mean.tobytes()


@each_belief
def test_each_key_is_named_once(belief):
    keys = belief.keys(["a", "b", "a"], ["m", "n", "o"], {})
    assert len(keys) == len(set(keys))


@each_belief
def test_nodes_are_flat_arrays_of_float64(belief):
    kinds = {(node.ndim, node.dtype.str, node.flags.c_contiguous) for node in learned_nodes(belief).values()}
    assert kinds == {(1, "<f8", True)}


@each_belief
def test_renewing_what_was_folded_changes_nothing(belief):
    nodes = learned_nodes(belief)
    assert_same_belief({**nodes, **belief.renewed(nodes, ACTIONS)}, nodes)


@each_belief
def test_a_refitted_belief_is_one_that_can_be_declared(belief):
    refitted = belief.refitted(learned_nodes(belief), ACTIONS) or belief
    assert msgspec.json.decode(msgspec.json.encode(refitted), type=AnyPosterior) == refitted


@each_belief
def test_nothing_is_fitted_where_nothing_was_learned(belief):
    assert belief.refitted({}, ACTIONS) is None


@each_belief
def test_a_first_batch_needs_no_other_nodes(belief):
    assert not belief.turns({}, some_batch())


@each_belief
def test_a_large_group_is_learned_in_pieces_as_at_once(belief):
    batch = some_batch(600)._replace(
        groups=("community",) * 600, members=tuple(f"m{i % 150}" for i in range(600))
    )
    nodes = {}
    for piece in np.split(np.arange(600), [30, 70, 200]):
        nodes = learned(belief, nodes, rows(batch, piece))
    assert_same_belief(nodes, learned(belief, {}, batch))


@each_belief
def test_a_decision_in_a_large_group_reads_the_nodes_it_names_and_no_others(belief):
    batch = some_batch(600)._replace(
        groups=("community",) * 600, members=tuple(f"m{i % 150}" for i in range(600))
    )
    nodes = learned(belief, {}, batch)
    points = some_points(3)._replace(groups=("community",) * 3, members=("m1", "m77", "never seen"))
    fewer, all_nodes = (belief.scores(n, points, ACTIONS) for n in (needed(belief, nodes, points), nodes))
    assert fewer.mean.tobytes() == all_nodes.mean.tobytes()


@each_belief
@pytest.mark.parametrize("learn", [True, False])
def test_what_is_settled_of_groups_beforehand_changes_no_byte(belief, learn):
    points = some_points(40)
    nodes = learned_nodes(belief) if learn else {}
    beforehand = dict(nodes)
    for group in sorted(set(points.groups))[1:]:  # one by one, and one not at all
        only = points._replace(groups=(group,), members=("somebody",))
        beforehand |= belief.settled(needed(belief, nodes, only), [group], ACTIONS)
    fresh, settled = (belief.scores(known, points, ACTIONS) for known in (nodes, beforehand))
    assert (fresh.mean.tobytes(), fresh.sd.tobytes()) == (settled.mean.tobytes(), settled.sd.tobytes())


@each_belief
def test_an_empty_belief_gives_finite_scores(belief):
    scores = belief.scores({}, some_points(5), ACTIONS)
    assert np.isfinite([scores.mean, scores.sd]).all()


@each_belief
def test_scores_have_a_row_for_each_point_and_a_column_for_each_action(belief):
    scores = belief.scores(learned_nodes(belief), some_points(5), ACTIONS)
    assert (scores.mean.shape, scores.sd.shape) == ((5, ACTIONS), (5, ACTIONS))


@each_belief
@pytest.mark.parametrize("n", [1, 7, 64])
@pytest.mark.parametrize("order", "CF")
def test_scores_have_the_same_bytes_in_any_batch(belief, n, order):
    few, many = some_points(n), some_points(1000)
    few = few._replace(features=np.array(few.features, order=order))
    few, many = (belief.scores(learned_nodes(belief), points, ACTIONS) for points in (few, many))
    assert [few.mean.tobytes(), few.sd.tobytes()] == [many.mean[:n].tobytes(), many.sd[:n].tobytes()]


@each_belief
def test_a_node_of_the_wrong_shape_is_unusable(belief):
    broken = {key: node[:-1] for key, node in learned_nodes(belief).items()}
    with pytest.raises(Unusable, match="shape"):
        belief.scores(broken, some_points(1), ACTIONS)


@each_belief
def test_nothing_is_learned_into_a_node_of_the_wrong_shape(belief):
    broken = {key: node[:-1] for key, node in learned_nodes(belief).items()}
    with pytest.raises(Unusable, match="shape"):
        belief.fold(broken, some_batch(), ACTIONS)


@each_belief
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_a_node_that_is_not_finite_or_overflows_is_unusable(belief, value):
    broken = {key: np.full_like(node, value) for key, node in learned_nodes(belief).items()}
    with pytest.raises(Unusable):
        belief.scores(broken, some_points(1), ACTIONS)


# --- pairs


@each_pair
def test_rows_of_probabilities_sum_to_one(belief, rule):
    # a rounding of 2⁻⁵³ for each of the K actions
    np.testing.assert_allclose(propensities(belief, rule, 1000).sum(axis=1), 1, rtol=0, atol=ACTIONS * 2**-53)


@each_pair
def test_no_probability_is_negative(belief, rule):
    assert (propensities(belief, rule, 1000) >= 0).all()


@each_pair
def test_an_unavailable_action_has_no_probability(belief, rule):
    assert not propensities(belief, rule, 1000)[~available_to(rule, 1000)].any()


@each_pair
def test_an_action_that_alone_is_available_has_all_of_it(belief, rule):
    only = np.eye(1, MOST[rule], dtype=bool)
    rho = rule.probabilities(believed(belief, rule, 1), only, some_points(1).course)
    assert rho.tolist() == only.astype(float).tolist()


@each_pair
def test_rows_in_another_order_have_the_same_bytes(belief, rule):
    scores, available, course = believed(belief, rule, 200), available_to(rule, 200), some_points(200).course
    order = np.random.default_rng(15).permutation(200)
    moved = rule.probabilities(
        scores._replace(mean=scores.mean[order], sd=scores.sd[order]),
        available[order],
        Course(course.made[order], course.remaining[order]),
    )
    assert moved.tobytes() == rule.probabilities(scores, available, course)[order].tobytes()


@each_pair
@pytest.mark.parametrize("name", ["scores", "made", "remaining"])
def test_a_rule_uses_what_it_says_and_nothing_else(belief, rule, name):
    scores, available, course = believed(belief, rule, 200), available_to(rule, 200), some_points(200).course
    freedom = None if scores.freedom is None else scores.freedom[:, ::-1]
    others = scores._replace(mean=scores.mean[:, ::-1], sd=scores.sd[:, ::-1], freedom=freedom)
    inputs = {
        "scores": (others, course),
        "made": (scores, course._replace(made=course.made + 1)),
        "remaining": (scores, course._replace(remaining=10 * course.remaining)),
    }
    before = rule.probabilities(scores, available, course)
    after = rule.probabilities(inputs[name][0], available, inputs[name][1])
    assert (before.tobytes() != after.tobytes()) == (name in rule.USES)


@each_pair
@pytest.mark.parametrize("n", [1, 7, 64])
def test_a_rows_probabilities_have_the_same_bytes_in_any_batch(belief, rule, n):
    assert propensities(belief, rule, n).tobytes() == propensities(belief, rule, 1000)[:n].tobytes()


@each_pair
def test_a_rows_units_have_the_same_bytes_in_any_batch(belief, rule):
    n = 64
    few, many = (
        in_units(bounded(propensities(belief, rule, m), available_to(rule, m), 0.05)) for m in (n, 1000)
    )
    assert few.tobytes() == many[:n].tobytes()


@cache
def keyed_draws():
    """The uniforms of 20,000 decision points: the same in every run, so the test below never wavers."""
    secret = bytes(range(32))
    return np.array([uniform(secret, "program", "strategy", "unit", str(i)) for i in range(DRAWS)])


@each_pair
def test_actions_are_drawn_as_often_as_their_stored_propensity_says(belief, rule):
    available = np.array([[True, True, False, True]])[:, : MOST[rule]]
    rho = rule.probabilities(believed(belief, rule, 1), available, some_points(1).course)
    units = in_units(bounded(rho, available, 0.05))
    drawn = pick(np.repeat(units, DRAWS, axis=0), keyed_draws())
    expected = DRAWS * units[0] / 2**32
    seen = np.bincount(drawn, minlength=MOST[rule])
    chi_squared = ((seen - expected)[available[0]] ** 2 / expected[available[0]]).sum()
    # a degree of freedom less than actions; one set of draws in a million is as odd as this
    assert not seen[~available[0]].any()
    assert chdtrc(available.sum() - 1, chi_squared) > 1e-6


# --- as choices in a request, a study or a stored revision


@each_choice
def test_a_choice_survives_json(choice, union):
    assert msgspec.json.decode(msgspec.json.encode(choice), type=union) == choice


@each_choice
def test_an_unknown_field_is_refused(choice, union):
    document = msgspec.to_builtins(choice) | {"learning_rate": 1}
    with pytest.raises(msgspec.ValidationError, match="learning_rate"):
        msgspec.convert(document, type=union)


@each_choice
def test_an_unknown_kind_is_refused(choice, union):
    document = msgspec.to_builtins(choice) | {"kind": "oracle"}
    with pytest.raises(msgspec.ValidationError, match="oracle"):
        msgspec.convert(document, type=union)


@each_choice
def test_a_choice_is_immutable(choice, union):  # noqa: ARG001  one list of choices for all these tests
    field = next(iter(choice.__struct_fields__), "any")
    with pytest.raises(AttributeError):
        setattr(choice, field, 1.0)
