"""The probability that each of K independent scores is the largest.

With densities f_k and distribution functions F_k,

    P_k = ∫ f_k(x) Π_{j≠k} F_j(x) dx,                                                           (1)

by Gauss–Legendre quadrature, all actions of all rows in one expression. A *certain* score c (sd 0, as
`none` has where effects are measured against it) is largest with probability Π F_j(c) over the
uncertain ones, whose own integrals then start at c.

Where to integrate. The *reach* [l_j, u_j] of score j holds all of it but 2·10⁻⁷. The largest score
lies above l = max l_j, so (1) runs from l to u = max u_j: one panel of nodes, unless one reach is many
times longer than another. Then the u_j above l part it into K panels. On the panel that ends at u_i
only scores with u_j ≥ u_i still vary, and the reach of each of them is at least as long as the panel
(l_j ≤ l, u_j ≥ u_i). Hence a fixed number of nodes a panel serves, whatever the ratio of the sds.

A Student's t has no such reach: its tails are long, and smooth. There the panels march: each is as long
as the sharpest score near it allows (`_stride`), some ten for scores that are alike.

Each row is computed as if it were alone: its bytes do not depend on the rows beside it.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaln, ndtr, roots_legendre, stdtr, stdtrit

from engagement.records import Bools, Floats, Integers

REACH_SDS = 6.0
"""Half the length of a reach; 2·10⁻⁹ of a normal lies outside."""
NORMAL_REACH_SDS = 5.25
"""Half the length of a normal's own; 2·10⁻⁷ of it lies outside, and the nodes lie closer."""
ONE_PANEL = ((5.0, 96, 1.0),)
"""Up to such a ratio of the longest reach to the shortest, one panel of so many nodes is precise enough."""
ONE_PANEL_NORMALS = ((5.0, 78, 1.0), (10.0, 96, 1.5))
"""The same for normals. Narrow scores that count begin near l, where graded nodes are densest."""
PANEL_NODES = 40
STUDENT_NODES = 16
STUDENT_TAIL = 1e-9
"""Of a t on either side, left out."""
CERTAIN = 1e-9
"""A reach shorter than this share of its row's largest number is a point: float64 cannot resolve it."""
CHUNK_NUMBERS = 2**14
"""Numbers in each temporary array of a chunk of rows: 128 KiB. Beyond, an allocator asks the kernel anew."""


Curves = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]
"""(x, first, second) → (distribution function, density) at x, element by element."""
Panels = tuple[tuple[float, int, float], ...]
"""(ratio, nodes, grade), the smallest ratio first; see `_gauss_legendre`."""


class _Contest(NamedTuple):
    """Rows of K independent scores, on the scale on which they are integrated; each part is (N, K).

    first, second : parameters of the family        low, high : reach, equal where the score is certain
    """

    first: Floats
    second: Floats
    low: Floats
    high: Floats
    available: Bools

    def rows(self, chosen: Integers) -> "_Contest":
        return _Contest(
            self.first[chosen],
            self.second[chosen],
            self.low[chosen],
            self.high[chosen],
            self.available[chosen],
        )


def best_of_normals(mean: Floats, sd: Floats, available: Bools) -> Floats:
    """Probability that each available action's score is the largest, scores ~ N(mean, sd²).

    mean, sd : (N, K), sd ≥ 0; several equal, certain scores share equally
    available : (N, K), at least one a row; an unavailable action gets 0
    returns : (N, K), rows sum to 1, absolute error below 10⁻⁶ for K up to 16
    raises : ValueError for other shapes, a row without an action, numbers that are not finite, sd < 0
    """
    mean, sd, available = _checked(mean, sd, available)
    reach = NORMAL_REACH_SDS * sd
    contest = _Contest(mean, sd, mean - reach, mean + reach, available)
    return _shares(contest, _normal_curves, ONE_PANEL_NORMALS)


def best_of_betas(mean: Floats, sd: Floats, available: Bools) -> Floats:
    """Probability that each available action's score is the largest, scores ~ Beta(a, b).

    mean, sd : (N, K); ν = mean(1 − mean)/sd² − 1, a = mean·ν, b = (1 − mean)·ν, both at least ½;
    else as for normals, and a ValueError where a or b is below ½

    Integrated over the angle θ, x = sin²θ, where log f = (2a − 1) log sin θ + (2b − 1) log cos θ + …
    has its mode at tan²θ = (2a − 1)/(2b − 1) and curves by at least κ = (√(2a − 1) + √(2b − 1))²
    everywhere. On either side of its mode f is therefore a half-normal of variance 1/κ times a
    function that falls: the mode ± REACH_SDS/√κ is a reach, and no quantile is needed. The nodes lie in
    φ, θ = π/2·sin²φ, because sin^(2a − 1) θ has no derivative at 0 for a < 1, which quadrature feels.

    A belief that looks at no features scores all its rows alike: each distinct row is integrated once.
    """
    mean, sd, available = _checked(mean, sd, available)
    rows = np.hstack([mean, sd, available])
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    mean, sd, flags = np.split(distinct, 3, axis=1)
    return _shares(_over_phi(mean, sd, flags.astype(np.bool_)), _beta_curves)[place.reshape(-1)]


def best_of_students(mean: Floats, sd: Floats, freedom: Floats, available: Bools) -> Floats:
    """Probability that each available action's score is the largest, scores Student's t around their means.

    mean, sd : (N, K)      freedom : (N, K), ν above 2, so that the scale is s = sd·√((ν − 2)/ν)
    else as for normals, and a ValueError where a ν is no such number

    A belief that looks at no features scores all its rows alike: each distinct row is integrated once.
    """
    mean, sd, available = _checked(mean, sd, available)
    if freedom.shape != mean.shape or not ((freedom > 2) & np.isfinite(freedom)).all():
        raise ValueError("each Student-t score needs a number of degrees of freedom above 2")
    scale = sd * np.sqrt((freedom - 2) / freedom)
    rows = np.hstack([mean, scale, freedom, available])
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    location, scale, freedom, flags = (np.ascontiguousarray(p) for p in np.split(distinct, 4, axis=1))
    reach = scale * -stdtrit(freedom, STUDENT_TAIL)
    contest = _Contest(location, scale, location - reach, location + reach, flags.astype(np.bool_))
    shares = np.empty_like(location)
    for chunk in _chunks(np.arange(len(location)), STUDENT_NODES * location.shape[1]):
        shares[chunk] = _student_shares(contest.rows(chunk), freedom[chunk])
    everybody: Floats = shares[place.reshape(-1)]
    return everybody


def _student_shares(contest: _Contest, freedom: Floats) -> Floats:
    """(N, K): (1) panel by panel, from the largest lower end of a reach to the last upper one."""
    uncertain, start = _uncertain(contest), _start(contest)
    end = np.where(uncertain, contest.high, start).max(axis=1)
    x, integrals = start[:, 0].copy(), np.zeros_like(contest.first)
    while len(rows := np.flatnonzero(x < end)):
        part, sure = contest.rows(rows), ~uncertain[rows]
        stop = np.minimum(x[rows] + _stride(part, sure, x[rows]), end[rows])
        integrals[rows] += _panel(part, freedom[rows], sure, x[rows], stop)
        x[rows] = stop
    at_start, _ = _student_curves(start[:, :, None], contest, freedom)
    certain = _won_by_certain(contest, uncertain, start, at_start[:, :, 0])
    shares = np.where(uncertain, integrals, certain)
    normalised: Floats = shares / shares.sum(axis=1, keepdims=True)
    return normalised


def _stride(contest: _Contest, certain: Bools, x: Floats) -> Floats:
    """(N,): how far a panel may go from x and still be smooth to `STUDENT_NODES` nodes.

    A t of scale s and location m has its singularities at m ± i·√ν·s, √ν > 1.4. From a panel 5·s long they
    keep such a distance that Gauss–Legendre's error falls by ρ² > 2.9 with every node, ρ the sum of the
    half axes of the largest ellipse clear of them (Trefethen, Approximation Theory and Approximation
    Practice, theorem 19.3); from one that goes three quarters of the way to m, or from m + c to m + 4c, by 9.
    """
    ahead = contest.first - x[:, None]
    clear = np.where(ahead > 0, 0.75 * ahead, -3 * ahead)
    stride: Floats = np.where(certain, np.inf, np.maximum(5 * contest.second, clear)).min(axis=1)
    return stride


def _panel(contest: _Contest, freedom: Floats, certain: Bools, start: Floats, stop: Floats) -> Floats:
    """(N, K): what (1) has between two abscissas."""
    place, share = _gauss_legendre(STUDENT_NODES, 1.0)
    length = (stop - start)[:, None]
    x = start[:, None] + length * place
    cdf, density = _student_curves(x[:, None, :], contest, freedom)
    others = _product_of_others(np.where(certain[:, :, None], 1, cdf))
    found: Floats = ((length * share)[:, None, :] * density * others).sum(axis=2)
    return found


def _student_curves(x: Floats, contest: _Contest, freedom: Floats) -> tuple[Floats, Floats]:
    """Distribution function and density, (N, K, …), of scores of positive scale; 1 stands in for 0."""
    scale = np.where(contest.second > 0, contest.second, 1)[:, :, None]
    nu = freedom[:, :, None]
    t = (x - contest.first[:, :, None]) / scale
    log_density = -betaln(0.5, nu / 2) - 0.5 * np.log(nu) - (nu + 1) / 2 * np.log1p(t * t / nu)
    return np.asarray(stdtr(nu, t), dtype=np.float64), np.exp(log_density) / scale


def _checked(mean: Floats, sd: Floats, available: Bools) -> tuple[Floats, Floats, Bools]:
    """The same numbers in C order, on which alone a row's sums are independent of the batch."""
    if mean.ndim != 2 or not mean.shape == sd.shape == available.shape:
        raise ValueError(
            f"mean, sd and available must be (N, K): {mean.shape}, {sd.shape}, {available.shape}"
        )
    if not available.any(axis=1).all():
        raise ValueError("every row needs an available action")
    if not (np.isfinite(mean).all() and np.isfinite(sd).all() and (sd >= 0).all()):
        raise ValueError("mean and sd must be finite, and sd not negative")
    return np.ascontiguousarray(mean), np.ascontiguousarray(sd), np.ascontiguousarray(available)


def _normal_curves(x: Floats, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    z = x - mean
    z *= 1 / sd
    cdf: Floats = np.asarray(ndtr(z), dtype=np.float64)
    z *= z  # in place from here: passes through memory are what the rest costs
    z *= -0.5
    density: Floats = np.exp(z, out=z)
    density *= 1 / (sd * np.sqrt(2 * np.pi))
    return cdf, density


def _beta_curves(phi: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    phi = np.maximum(phi, np.finfo(np.float64).tiny ** 0.25)  # an empty panel may lie at 0: log sin 0 = −∞
    theta = np.pi / 2 * np.sin(phi) ** 2
    sine, cosine = np.sin(theta), np.sin(np.pi / 2 * np.cos(phi) ** 2)
    log_density = (2 * a - 1) * np.log(sine) + (2 * b - 1) * np.log(cosine) - betaln(a, b)
    cdf: Floats = np.asarray(betainc(a, b, sine * sine), dtype=np.float64)
    return cdf, np.pi * np.sin(2 * phi) * np.exp(log_density)


def _over_phi(mean: Floats, sd: Floats, available: Bools) -> _Contest:
    """Beta scores with their reaches in φ; a certain score keeps a = b = 1, which nobody reads."""
    certain = sd == 0
    total = mean * (1 - mean) / np.where(certain, 1, sd) ** 2 - 1
    a, b = (np.where(certain, 1, share * total) for share in (mean, 1 - mean))
    # ½ comes back from a mean and an sd with the rounding error of 1 − mean, times a + b
    if not (np.minimum(a, b) >= 0.5 - 1e-12 * (1 + total)).all() or not ((mean >= 0) & (mean <= 1)).all():
        raise ValueError("a beta score needs a mean in [0, 1] and both its parameters at least 1/2")
    left, right = np.sqrt(np.maximum(2 * a - 1, 0)), np.sqrt(np.maximum(2 * b - 1, 0))
    mode = np.where(certain, np.arcsin(np.sqrt(mean)), np.arctan2(left, right))
    # with κ below 1 the reach is the whole quarter of the circle in any case
    reach = np.where(certain, 0, REACH_SDS / np.maximum(left + right, 1))
    low, high = (np.clip(mode + side * reach, 0, np.pi / 2) for side in (-1, 1))
    return _Contest(a, b, _phi(low), _phi(high), available)


def _phi(theta: Floats) -> Floats:
    return np.asarray(np.arcsin(np.sqrt(2 / np.pi * theta)))


def _shares(contest: _Contest, curves: Curves, one_panel: Panels = ONE_PANEL) -> Floats:
    """(N, K) probabilities of being the largest; a chunk of rows at a time keeps memory modest."""
    length = contest.high - contest.low
    uncertain, start = _uncertain(contest), _start(contest)
    # a score whose reach ends below the start has no chance and bends nothing on the panels
    bends = uncertain & (contest.high > start)
    longest, shortest = np.where(bends, length, 0).max(axis=1), np.where(bends, length, np.inf).min(axis=1)
    # graded nodes are for integrands that begin at 0, as those do not that a certain score cuts off
    begins_at_0 = (uncertain & (contest.low == start)).any(axis=1)
    actions = length.shape[1]
    shares, done = np.empty_like(length), np.zeros(len(length), np.bool_)
    one = ((ratio, nodes, grade, 1) for ratio, nodes, grade in one_panel)
    for ratio, nodes, grade, panels in (*one, (np.inf, PANEL_NODES, 1.0, actions)):
        fits = (longest <= ratio * shortest) & (begins_at_0 | (grade == 1))
        rows = ~done if panels == actions else ~done & fits
        done |= rows
        for chunk in _chunks(np.flatnonzero(rows), nodes * panels * actions):
            part = contest.rows(chunk)
            x, weight = _nodes(
                start[chunk], part.high, uncertain[chunk], _gauss_legendre(nodes, grade), panels
            )
            shares[chunk] = _integrals(part, curves, uncertain[chunk], start[chunk], x, weight)
    normalised: Floats = shares / shares.sum(axis=1, keepdims=True)
    return normalised


def _uncertain(contest: _Contest) -> Bools:
    """(N, K): available, and more than a point."""
    farthest = np.maximum(np.abs(contest.low), np.abs(contest.high))
    scale = np.where(contest.available, farthest, 0).max(axis=1, keepdims=True)
    uncertain: Bools = contest.available & (contest.high - contest.low > CERTAIN * scale)
    return uncertain


def _start(contest: _Contest) -> Floats:
    """(N, 1): below it the largest score does not lie."""
    start: Floats = np.where(contest.available, contest.low, -np.inf).max(axis=1, keepdims=True)
    return start


def _won_by_certain(contest: _Contest, uncertain: Bools, start: Floats, at_start: Floats) -> Floats:
    """(N, K): the chance that no uncertain score exceeds the start, shared by the certain ones there.

    at_start : (N, K), distribution functions at the start
    """
    chance = np.where(uncertain, at_start, 1).prod(axis=1, keepdims=True)
    leading = contest.available & ~uncertain & (contest.low == start)
    shared: Floats = leading * chance / np.maximum(leading.sum(axis=1, keepdims=True), 1)
    return shared


def _chunks(rows: Integers, numbers_a_row: int) -> Iterator[Integers]:
    step = max(1, CHUNK_NUMBERS // numbers_a_row)
    return (rows[first : first + step] for first in range(0, len(rows), step))


def _nodes(
    start: Floats, high: Floats, uncertain: Bools, rule: tuple[Floats, Floats], panels: int
) -> tuple[Floats, Floats]:
    """Abscissas and weights, (N, panels·nodes), from the start to the end of the last reach.

    One panel, or K that end where the reaches do: empty ones for reaches that end before the start.
    """
    ends = np.sort(np.where(uncertain, np.maximum(high, start), start), axis=1)[:, -panels:]
    begins = np.hstack([start, ends[:, :-1]])
    place, share = rule
    length = (ends - begins)[:, :, None]
    x, weight = begins[:, :, None] + length * place, length * share
    return x.reshape(len(x), -1), weight.reshape(len(x), -1)


@cache
def _gauss_legendre(nodes: int, grade: float) -> tuple[Floats, Floats]:
    """Abscissas x = t^grade and weights on [0, 1], t the rule's own: a grade above 1 draws them towards 0."""
    place, share = roots_legendre(nodes)
    t = (place + 1) / 2
    return t**grade, share / 2 * grade * t ** (grade - 1)


def _integrals(
    contest: _Contest, curves: Curves, uncertain: Bools, start: Floats, x: Floats, weight: Floats
) -> Floats:
    """(1) by quadrature for the uncertain scores, and the product at the start for the certain ones."""
    first, second = (np.where(uncertain, part, 1)[:, :, None] for part in (contest.first, contest.second))
    cdf, density = curves(x[:, None, :], first, second)
    cdf[~uncertain] = 1
    density *= weight[:, None, :]
    density *= _product_of_others(cdf)
    integrals = density.sum(axis=2)

    at_start, _ = curves(start[:, :, None], first, second)
    return np.where(uncertain, integrals, _won_by_certain(contest, uncertain, start, at_start[:, :, 0]))


def _product_of_others(cdf: Floats) -> Floats:
    """Π_{j≠k} F_j along axis 1, without dividing by an F_k that may be 0."""
    others = np.ones_like(cdf)
    before, after = np.ones_like(cdf[:, 0]), np.ones_like(cdf[:, 0])
    for k in range(1, cdf.shape[1]):  # few actions, long rows: faster than cumprod along the short axis
        before *= cdf[:, k - 1]
        after *= cdf[:, -k]
        others[:, k] *= before
        others[:, -k - 1] *= after
    return others
