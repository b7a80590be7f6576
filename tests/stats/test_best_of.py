"""Probabilities of being the largest, against cases worked by hand and an independent quadrature."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from scipy.integrate import quad
from scipy.special import betainc, betaln, ndtr, stdtr

from engagement.stats.best_of import best_of_betas, best_of_normals, best_of_students

PRECISION = 1e-6


def one_row(rule, mean, sd, available=None):
    mean, sd = np.array([mean], float), np.array([sd], float)
    mask = np.ones(mean.shape, bool) if available is None else np.array([available])
    return rule(mean, sd, mask)[0]


def by_adaptive_quadrature(density, cdf, low, high, breaks):
    """(1) action by action with QUADPACK, told where each density bends."""
    inside = sorted({point for point in breaks if low < point < high})
    edges = [low, *inside, high]

    def probability(k):
        def integrand(x):
            return density(x)[k] * np.prod(np.delete(cdf(x), k))

        return sum(quad(integrand, a, b, epsabs=1e-11, epsrel=1e-9, limit=200)[0] for a, b in pairwise(edges))

    return np.array([probability(k) for k in range(len(cdf(low)))])


def normals_by_quadrature(mean, sd):
    def density(x):
        return np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))

    # 9 sds hold all but 10⁻¹⁹ of a normal
    bends = [m + c * s for m, s in zip(mean, sd, strict=True) for c in (-9, -3, 0, 3, 9)]
    return by_adaptive_quadrature(density, lambda x: ndtr((x - mean) / sd), min(bends), max(bends), bends)


def normals_by_panels(mean, sd):
    """(1) from the largest certain score, by 20 nodes on each panel of two smallest sds.

    Nothing bends within a panel, so that this errs by rounding only. A certain score has the product
    of the others' distribution functions there; the smaller of two has nothing.
    """
    certain = sd == 0
    start = mean[certain].max(initial=-np.inf)
    m, s = mean[~certain], sd[~certain]
    low, high = max(start, (m - 9 * s).min()), max(start, (m + 9 * s).max())
    edges = np.linspace(low, high, 2 + int((high - low) / (2 * s.min())))
    nodes, weight = leggauss(20)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1, None] + half * (1 + nodes)).ravel()
    z = (x - m[:, None]) / s[:, None]
    density, cdf = np.exp(-z * z / 2) / (s[:, None] * np.sqrt(2 * np.pi)), ndtr(z)
    others = np.array([np.prod(np.delete(cdf, k, axis=0), axis=0) for k in range(len(m))])
    shares = np.zeros(len(mean))
    shares[~certain] = (density * others * (half * weight).ravel()).sum(axis=1)
    if certain.any():
        shares[int(np.argmax(np.where(certain, mean, -np.inf)))] = ndtr((start - m) / s).prod()
    return shares


def betas_by_quadrature(a, b):
    """On the logit scale, where the code under test is not."""

    def x_of(t):
        return 1 / (1 + np.exp(-t))

    def density(t):
        return np.exp(-a * np.logaddexp(0, -t) - b * np.logaddexp(0, t) - betaln(a, b))

    # below −60 and above 60 a Beta(½, ½) has e⁻³⁰
    bends = [c * 2.0 - 60 for c in range(61)]
    return by_adaptive_quadrature(density, lambda t: betainc(a, b, x_of(t)), -60.0, 60.0, bends)


def students_by_quadrature(location, scale, freedom):
    """Over y, x = S·sinh y with S the smallest scale, where the code under test is not."""
    smallest = scale.min()

    def t_of(y):
        return (smallest * np.sinh(y) - location) / scale

    def density(y):
        log = -betaln(0.5, freedom / 2) - np.log(freedom) / 2
        log -= (freedom + 1) / 2 * np.log1p(t_of(y) ** 2 / freedom)
        return np.exp(log) / scale * smallest * np.cosh(y)

    # beyond 10⁵ scales a t of 2.1 degrees of freedom has 10⁻¹⁰
    far = [c * 10.0**p for p in range(6) for c in (-3, -1, 1, 3)]
    bends = [
        float(np.arcsinh((m + c * s) / smallest))
        for m, s in zip(location, scale, strict=True)
        for c in (0, *far)
    ]
    return by_adaptive_quadrature(density, lambda y: stdtr(freedom, t_of(y)), min(bends), max(bends), bends)


def one_row_of_students(mean, sd, freedom, available=None):
    mask = None if available is None else np.array([available])
    parts = [np.array([part], float) for part in (mean, sd, freedom)]
    return best_of_students(*parts, np.ones(parts[0].shape, bool) if mask is None else mask)[0]


def mean_and_sd(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    mean = a / (a + b)
    return mean, np.sqrt(mean * (1 - mean) / (a + b + 1))


def test_two_normals_are_ordered_as_their_difference_is():
    # s_0 − s_1 ~ N(1, 3² + 4²): P(s_0 > s_1) = Φ(1/5) = .5792597
    assert one_row(best_of_normals, [1, 0], [3, 4])[0] == pytest.approx(0.5792597, abs=PRECISION)


def test_three_equal_normals_share_equally():
    assert one_row(best_of_normals, [2, 2, 2], [5, 5, 5]) == pytest.approx([1 / 3] * 3, abs=PRECISION)


def test_a_certain_score_wins_when_all_others_are_below_it():
    # P(none) = Φ(−0)·Φ(−1) = .5 · .1586553
    none = one_row(best_of_normals, [0, 0, 2], [0, 1, 2])[0]
    assert none == pytest.approx(0.5 * 0.1586553, abs=PRECISION)


def test_the_uncertain_scores_are_integrated_from_the_certain_one():
    # both above 0 (¼): half each; only one above 0 (¼): that one; so ¼·½ + ¼ each, and ¼ for none
    shares = one_row(best_of_normals, [0, 0, 0], [0, 1, 1])
    assert shares == pytest.approx([0.25, 0.375, 0.375], abs=PRECISION)


def test_equal_certain_scores_share_equally():
    shares = one_row(best_of_normals, [0, 0, 0], [0, 0, 1])
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=PRECISION)


def test_the_smaller_of_two_certain_scores_has_no_chance():
    assert one_row(best_of_normals, [0, -1, 0], [0, 0, 1])[1] == 0


def test_among_certain_scores_the_largest_has_it_all():
    assert one_row(best_of_normals, [0, 3, 2], [0, 0, 0]).tolist() == [0, 1, 0]


def test_an_unavailable_action_leaves_its_chance_to_the_others():
    shares = one_row(best_of_normals, [0, 0, 9], [1, 1, 1], [True, True, False])
    assert shares == pytest.approx([0.5, 0.5, 0], abs=PRECISION)


def test_an_unavailable_action_gets_exactly_nothing():
    assert one_row(best_of_normals, [0, 0, 9], [1, 1, 1], [True, True, False])[2] == 0


@pytest.mark.parametrize("sd", [0.0, 1.0])
def test_the_only_available_action_has_it_all(sd):
    assert one_row(best_of_normals, [0, 5], [sd, 1], [True, False]).tolist() == [1, 0]


def test_a_uniform_and_a_triangular_beta_are_ordered_as_by_hand():
    # X ~ Beta(1, 1), Y ~ Beta(2, 1) with F(y) = y²: P(X > Y) = ∫ x² dx = ⅓
    mean, sd = mean_and_sd([1, 2], [1, 1])
    assert one_row(best_of_betas, mean, sd)[0] == pytest.approx(1 / 3, abs=PRECISION)


def test_a_certain_rate_beats_a_uniform_one_as_often_as_its_value_says():
    mean, sd = mean_and_sd([1], [1])
    shares = one_row(best_of_betas, [0.3, *mean], [0, *sd])
    assert shares == pytest.approx([0.3, 0.7], abs=PRECISION)


@pytest.mark.parametrize("actions", [2, 5, 16])
@pytest.mark.parametrize("ratio", [1.0, 4.99, 5.01, 9.99, 10.01, 100.0, 10_000.0])
def test_normals_agree_with_adaptive_quadrature(actions, ratio):
    rng = np.random.default_rng([actions, int(ratio)])
    sd = np.where(rng.random(actions) < 0.7, 1, ratio) * rng.uniform(0.99, 1, actions)
    sd[:2] = 1, ratio
    mean = rng.normal(0, sd)
    expected = normals_by_quadrature(mean, sd)
    assert one_row(best_of_normals, mean, sd) == pytest.approx(expected, abs=PRECISION)


@pytest.mark.parametrize("ratio", [1.0, 3.0, 10.0, 30.0, 100.0])
@pytest.mark.parametrize(
    ("actions", "certain"),
    [
        (actions, certain)
        for actions in (2, 4, 8, 12, 16)
        for certain in ((), (0,), (1,), (0, 1))
        if len(certain) < actions
    ],
)
def test_normals_agree_with_high_precision_quadrature(actions, ratio, certain):
    rng = np.random.default_rng([actions, int(ratio), *certain])
    sd = np.exp(rng.uniform(0, np.log(ratio), (4, actions)))
    sd[:, [-2, -1]] = 1, ratio
    mean = rng.normal(0, rng.choice([0.3, 1, 3], (4, 1)) * sd)
    mean[:, list(certain)] = rng.normal(0, 1, (4, len(certain)))
    sd[:, list(certain)] = 0
    found = best_of_normals(mean, sd, np.ones(mean.shape, bool))
    expected = np.array([normals_by_panels(*row) for row in zip(mean, sd, strict=True)])
    assert found == pytest.approx(expected, abs=PRECISION)


def test_the_panels_and_quadpack_agree():
    mean, sd = np.array([0.2, -1.0, 3.0, 0.5]), np.array([1.0, 10.0, 2.0, 0.1])
    assert normals_by_panels(mean, sd) == pytest.approx(normals_by_quadrature(mean, sd), abs=1e-9)


@pytest.mark.parametrize("actions", [4, 12, 16])
@pytest.mark.parametrize("ratio", [5.0, 10.0])
def test_the_hardest_of_many_normals_on_one_panel_is_precise(actions, ratio):
    rng = np.random.default_rng([actions, int(ratio)])
    sd = np.where(rng.random((300, actions)) < rng.random((300, 1)), 1, ratio)
    mean = rng.normal(size=(300, actions)) * ratio * np.exp(rng.uniform(-3, 1, (300, 1)))
    found = best_of_normals(mean, sd, np.ones(mean.shape, bool))
    assert np.abs(found - normals_by_trapezoids(mean, sd)).max() < PRECISION


def normals_by_trapezoids(mean, sd, step=0.2):
    """(1) on an even grid; with a step of h sds of the narrowest, errors fall as e^(−2π²/h²)."""
    out = np.empty_like(mean)
    for row, (m, s) in enumerate(zip(mean, sd, strict=True)):
        x = np.arange((m - 8 * s).max(), (m + 8 * s).max(), step * s.min())
        z = (x[:, None] - m) / s
        cdf, density = ndtr(z), np.exp(-z * z / 2) / (s * np.sqrt(2 * np.pi))
        others = [np.delete(cdf, k, axis=1).prod(axis=1) for k in range(len(m))]
        out[row] = step * s.min() * (density * np.transpose(others)).sum(axis=0)
    return out


@pytest.mark.parametrize("actions", [2, 5, 16])
@pytest.mark.parametrize("most", [0.8, 3.0, 300.0])
def test_betas_agree_with_adaptive_quadrature(actions, most):
    rng = np.random.default_rng([actions, int(10 * most)])
    a, b = np.exp(rng.uniform(np.log(0.5), np.log(most), (2, actions)))
    expected = betas_by_quadrature(a, b)
    assert one_row(best_of_betas, *mean_and_sd(a, b)) == pytest.approx(expected, abs=PRECISION)


@pytest.mark.parametrize("actions", [2, 5, pytest.param(16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("ratio", [1.0, 5.0, 100.0, 10_000.0])
@pytest.mark.parametrize("most", [4.0, 300.0, 1e7])
def test_students_agree_with_adaptive_quadrature(actions, ratio, most):
    rng = np.random.default_rng([actions, int(ratio), int(most)])
    freedom = np.exp(rng.uniform(np.log(2.1), np.log(most), actions))
    scale = np.where(rng.random(actions) < 0.7, 1, ratio) * rng.uniform(0.3, 1, actions)
    location = rng.normal(0, scale)
    shares = one_row_of_students(location, scale * np.sqrt(freedom / (freedom - 2)), freedom)
    assert shares == pytest.approx(students_by_quadrature(location, scale, freedom), abs=PRECISION)


def test_a_student_of_four_exceeds_a_certain_score_as_its_closed_form_says():
    # F(t) = ½ + ⅜·u·(1 − u²/12) with u = t/√(1 + t²/4): at t = 1, u = .8944272, F = .8130495
    shares = one_row_of_students([0, -1], [0, np.sqrt(2)], [4, 4])
    assert shares == pytest.approx([0.8130495, 0.1869505], abs=PRECISION)


def test_two_equal_students_of_unequal_tails_share_equally():
    assert one_row_of_students([1, 1], [2, 3], [3, 30]) == pytest.approx([0.5, 0.5], abs=PRECISION)


def test_an_unavailable_student_gets_exactly_nothing():
    shares = one_row_of_students([0, 0, 9], [1, 1, 1], [5, 5, 5], [True, True, False])
    assert shares == pytest.approx([0.5, 0.5, 0], abs=PRECISION)


def test_among_certain_students_the_largest_has_it_all():
    assert one_row_of_students([0, 3, 2], [0, 0, 0], [5, 5, 5]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("freedom", [2.0, np.inf, np.nan])
def test_degrees_of_freedom_without_an_sd_are_refused(freedom):
    with pytest.raises(ValueError, match="degrees of freedom"):
        one_row_of_students([0, 0], [1, 1], [5, freedom])


def test_one_row_of_degrees_of_freedom_for_two_rows_is_refused():
    with pytest.raises(ValueError, match="degrees of freedom"):
        best_of_students(np.zeros((2, 2)), np.ones((2, 2)), np.full((1, 2), 5.0), np.ones((2, 2), bool))


def some_rows(rows, actions):
    rng = np.random.default_rng(7)
    mean = rng.uniform(0.2, 0.8, (rows, actions))
    sd = np.sqrt(mean * (1 - mean) / np.exp(rng.uniform(2, 9, (rows, actions))))
    sd[::3, 0] = 0
    available = rng.random((rows, actions)) < 0.7
    available[:, 0] = True
    return mean, sd, available


def best_of_some_students(mean, sd, available):
    """Of 2.2 to 18 degrees of freedom, the same for the same row."""
    return best_of_students(mean, sd, 2.2 + np.abs(mean) * 20 % 16, available)


RULES = pytest.mark.parametrize("rule", [best_of_normals, best_of_betas, best_of_some_students])


@RULES
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_a_row_has_the_same_bytes_in_any_batch(rule, rows):
    # at 6 actions a chunk has 45 or 113 rows, so the chunks end elsewhere too
    parts = some_rows(1000, 6)
    alone = rule(*(part[:rows] for part in parts))
    assert alone.tobytes() == rule(*parts)[:rows].tobytes()


@RULES
def test_a_row_has_the_same_bytes_whatever_the_memory_order(rule):
    parts = some_rows(50, 9)
    assert rule(*map(np.asfortranarray, parts)).tobytes() == rule(*parts).tobytes()


@RULES
def test_rows_sum_to_one(rule):
    # K rounding errors of 2⁻⁵³ each
    assert rule(*some_rows(200, 6)).sum(axis=1) == pytest.approx(np.ones(200), abs=6 * 2**-53)


scores = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(0, 100, allow_subnormal=False)), min_size=1, max_size=8
)


@given(scores)
def test_any_finite_normals_give_probabilities(pairs):
    shares = one_row(best_of_normals, *zip(*pairs, strict=True))
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1)


@given(scores, st.floats(0.01, 100))
def test_the_scale_of_the_scores_does_not_matter(pairs, scale):
    mean, sd = np.array(pairs).T
    # scaling rounds the means, so nearly equal certain scores might change places: have none
    sd = np.maximum(sd, 0.01)
    scaled = one_row(best_of_normals, scale * mean, scale * sd)
    assert scaled == pytest.approx(one_row(best_of_normals, mean, sd), abs=PRECISION)


@given(scores, st.integers(0, 7), st.floats(0.1, 10))
def test_a_higher_mean_never_lowers_an_actions_chance(pairs, which, more):
    mean, sd = np.array(pairs).T
    which %= len(mean)
    raised = mean.copy()
    raised[which] += more
    before, after = (one_row(best_of_normals, m, sd)[which] for m in (mean, raised))
    assert after >= before - PRECISION


@pytest.mark.parametrize(
    ("mean", "sd", "available"),
    [
        ([[0.5, 0.5]], [[0.1]], [[True, True]]),
        ([[0.5, 0.5]], [[0.1, 0.1]], [[False, False]]),
        ([[0.5, np.nan]], [[0.1, 0.1]], [[True, True]]),
        ([[0.5, 0.5]], [[0.1, -0.1]], [[True, True]]),
        ([[0.5, 0.5]], [[0.1, np.inf]], [[True, True]]),
    ],
    ids=["shapes", "nothing available", "mean not a number", "negative sd", "infinite sd"],
)
@RULES
def test_what_is_no_score_is_refused(rule, mean, sd, available):
    with pytest.raises(ValueError, match=r"mean|available"):
        rule(np.array(mean), np.array(sd), np.array(available))


@pytest.mark.parametrize(
    ("mean", "sd"),
    [(1.2, 0.1), (0.5, 0.6), (0.1, 0.2), (-0.1, 0)],
    ids=["mean above 1", "sd above any beta's", "a below a half", "certain and below 0"],
)
def test_what_is_no_smooth_beta_is_refused(mean, sd):
    with pytest.raises(ValueError, match="beta"):
        one_row(best_of_betas, [0.5, mean], [0.1, sd])


def test_a_rate_seen_to_succeed_ten_million_times_is_still_a_beta():
    mean, sd = mean_and_sd([1e7, 1], [0.5, 1])
    assert one_row(best_of_betas, mean, sd)[0] == pytest.approx(1, abs=PRECISION)
