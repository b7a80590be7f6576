"""How long groups live: curves, restricted means and hazard ratios, with errors by cluster.

n  groups      G  clusters of them that were randomised together (the group itself, a catchment)
T  times at which some group died, in order      p  covariates

Time is in months from one moment on that all groups share, such as the end of the program. Who died
before it has died at 0. What is censored is said by the caller: a silent group where it was last known.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, stdtr, stdtrit

from engagement.errors import Invalid
from engagement.estimators.sample import Estimate, Interval
from engagement.records import Bools, Floats, Integers

STEPS = 50
CLOSE = 1e-10


class Lives(NamedTuple):
    """What is known of n groups' lives.

    time : (n,) months, ≥ 0, to death or, without one, to the last moment the group was known alive
    died : (n,)      cluster : (n,) in [0, G)
    """

    time: Floats
    died: Bools
    cluster: Integers


class Curve(NamedTuple):
    """A Kaplan–Meier curve. time, at_risk, deaths : (T,)      alive : (T,), the share from each time on"""

    time: Floats
    at_risk: Integers
    deaths: Integers
    alive: Floats


def curve(lives: Lives) -> Curve:
    """The Kaplan–Meier curve (1958); 1 before the first time. Who is censored at a death outlives it."""
    _checked(lives)
    time = np.unique(lives.time[lives.died])
    at_risk = (lives.time[:, None] >= time).sum(axis=0)
    deaths = ((lives.time[:, None] == time) & lives.died[:, None]).sum(axis=0)
    return Curve(time, at_risk, deaths, np.cumprod(1 - deaths / at_risk))


def at_risk(lives: Lives, times: Floats) -> Integers:
    """How many were known alive just before each time: the table below a curve."""
    counts: Integers = (lives.time[:, None] >= times).sum(axis=0)
    return counts


def alive_at(lives: Lives, time: float) -> Estimate:
    """The share alive after so many months.

    raises : Invalid when nobody was followed for so long, or there are fewer than two clusters
    """
    found, influence = _influences(lives, time)
    before = found.time <= time
    value = float(found.alive[before][-1]) if before.any() else 1.0
    each = influence[:, before][:, -1] if before.any() else np.zeros(len(lives.time))
    return _estimate(value, each, lives.cluster)


def band(lives: Lives, times: Floats, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Low and high of the curve at each time, pointwise and by cluster; nan with one cluster."""
    found, influence = _influences(lives, 0.0)
    clusters = int(lives.cluster.max()) + 1
    places = np.searchsorted(found.time, times, side="right")
    alive = np.concatenate([[1.0], found.alive])[places]
    if clusters < 2:
        return np.full(len(times), np.nan), np.full(len(times), np.nan)
    sums = np.zeros((clusters, len(found.time)))
    np.add.at(sums, lives.cluster, influence)
    sd = np.sqrt(clusters / (clusters - 1) * np.square(sums).sum(axis=0))
    half = float(stdtrit(clusters - 1, 1 - alpha / 2)) * np.concatenate([[0.0], sd])[places]
    return np.maximum(alive - half, 0.0), np.minimum(alive + half, 1.0)


def restricted_mean(lives: Lives, horizon: float) -> Estimate:
    """Mean months lived up to the horizon: the area below the curve; who died at 0 has none.

    raises : Invalid when nobody was followed up to the horizon, or there are fewer than two clusters
    """
    value, each = _restricted(lives, horizon)
    return _estimate(value, each, lives.cluster)


def months_each(lives: Lives, horizon: float) -> Floats:
    """Months lived up to the horizon, group by group, (n,), as pseudo-observations (Andersen et al. 2004).

    Their mean is the restricted mean. Of a group that was followed while nobody was censored it is what it
    lived; one that was censored has what is expected of it, so that they may be averaged, or drawn again.
    raises : Invalid when nobody was followed up to the horizon
    """
    value, each = _restricted(lives, horizon)
    months: Floats = value + len(each) * each
    return months


def _restricted(lives: Lives, horizon: float) -> tuple[float, Floats]:
    """The restricted mean, and each group's part in its error, (n,)."""
    found, influence = _influences(lives, horizon)
    inside = found.time < horizon
    times = np.concatenate([[0.0], found.time[inside], [horizon]])
    widths = np.diff(times)
    value = float(widths @ np.concatenate([[1.0], found.alive[inside]]))
    return value, influence[:, inside] @ widths[1:]


def contrast(one: Estimate, other: Estimate) -> Estimate:
    """The first less the second, of two arms that share no cluster. Freedom: both arms' together."""
    return Estimate(
        one.value - other.value,
        float(np.hypot(one.sd, other.sd)),
        one.freedom + other.freedom,
        np.concatenate([one.influence, -other.influence]),
    )


def _influences(lives: Lives, time: float) -> tuple[Curve, Floats]:
    """The curve, and each group's part in the error of its values, (n, T).

    ψ_i(t) = −S(t)·Σ_{s ≤ t}(1[i dies at s] − 1[i at risk at s]·d_s/r_s)/(r_s − d_s), the derivative of S(t)
    by the weight of i, where d_s of r_s at risk die at s. Σψ_i(t)² over groups is Greenwood's variance.
    """
    found = curve(lives)
    all_dead = len(found.alive) > 0 and found.alive[-1] == 0  # then nobody need be followed any longer
    if lives.time.max() < time and not all_dead:
        raise Invalid(
            f"nobody was followed for {time:g} months; the longest was followed for {lives.time.max():g}"
        )
    risk, deaths = found.at_risk.astype(np.float64), found.deaths.astype(np.float64)
    dies = (lives.time[:, None] == found.time) & lives.died[:, None]
    there = lives.time[:, None] >= found.time
    left = risk - deaths
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = (dies - there * (deaths / risk)) / left
    steps = np.where(left > 0, steps, 0.0)  # at the last death of all the curve is 0, and stays there
    return found, -found.alive * np.cumsum(steps, axis=1)


def _estimate(value: float, each: Floats, cluster: Integers) -> Estimate:
    """Value with the error of summed influences, corrected for few clusters as everywhere."""
    clusters = int(cluster.max()) + 1
    if clusters < 2:
        raise Invalid("an error by cluster needs at least two clusters")
    sums = np.bincount(cluster, each, clusters).astype(np.float64)
    sd = float(np.sqrt(clusters / (clusters - 1) * (sums @ sums)))
    return Estimate(value, sd, clusters - 1, sums)


class LogRank(NamedTuple):
    """Whether arms differ. statistic : chi-squared with arms − 1 degrees of freedom      chance : its p"""

    statistic: float
    freedom: int
    chance: float


def log_rank(lives: Lives, arm: Integers) -> LogRank:
    """Whether groups of A arms die alike (Mantel 1966), for arms randomised group by group.

    arm : (n,) in [0, A). Where whole clusters were randomised, use `cox`, whose error knows of them.
    """
    _checked(lives)
    found = curve(lives)
    arms = int(arm.max()) + 1
    of_arm = np.eye(arms)[arm]
    risk = of_arm.T @ (lives.time[:, None] >= found.time)
    dies = of_arm.T @ ((lives.time[:, None] == found.time) & lives.died[:, None])
    total, deaths = risk.sum(axis=0), dies.sum(axis=0)
    gap = (dies - risk * deaths / total).sum(axis=1)
    scale = np.where(total > 1, deaths * (total - deaths) / np.maximum(total - 1, 1), 0.0)
    share = risk / total
    spread = np.diag(share @ scale) - (share * scale) @ share.T
    statistic = float(gap[1:] @ np.linalg.lstsq(spread[1:, 1:], gap[1:], rcond=None)[0])
    return LogRank(statistic, arms - 1, float(chdtrc(arms - 1, statistic)))


class Hazards(NamedTuple):
    """Logarithms of hazard ratios, (p,), with their covariance by cluster, (p, p)."""

    coefficient: Floats
    covariance: Floats
    freedom: int

    def ratio(self, column: int) -> tuple[float, Interval, float]:
        """A hazard ratio, its 95 % t interval, and its two-sided p."""
        value, sd = float(self.coefficient[column]), float(np.sqrt(self.covariance[column, column]))
        half = float(stdtrit(self.freedom, 0.975)) * sd
        interval = Interval(float(np.exp(value - half)), float(np.exp(value + half)))
        chance = 2 * float(stdtr(self.freedom, -abs(value) / sd)) if sd else 1.0  # all died at once
        return float(np.exp(value)), interval, chance


def cox(lives: Lives, covariates: Floats) -> Hazards:
    """Cox's proportional hazards (1972), ties as Breslow has them, errors by cluster (Lin & Wei 1989).

    covariates : (n, p), without an intercept      freedom : G − p
    raises : Invalid for too few clusters, without a death, or where a covariate parts the dead from the
        living perfectly
    """
    _checked(lives)
    if not lives.died.any():
        raise Invalid("nobody died, so there are no hazards to compare")
    p = covariates.shape[1]
    clusters = int(lives.cluster.max()) + 1
    if clusters - p < 1:
        raise Invalid(f"{clusters} clusters are too few for {p} hazard ratios")
    centred = covariates - covariates.mean(axis=0)
    time = np.unique(lives.time[lives.died])
    there = lives.time[:, None] >= time
    dies = (lives.time[:, None] == time) & lives.died[:, None]
    deaths = dies.sum(axis=0)
    beta = np.zeros(p)

    def moments(at: Floats) -> tuple[Floats, Floats, Floats]:
        """Hazards, (n,); their sums over those at risk, (T,), and the means of the covariates, (T, p)."""
        hazard = np.exp(centred @ at)
        total = hazard @ there
        return hazard, total, (there * hazard[:, None]).T @ centred / total[:, None]

    for _ in range(STEPS):
        hazard, total, mean = moments(beta)
        score = dies.sum(axis=1) @ centred - deaths @ mean
        square = np.einsum("n,nt,np,nq->tpq", hazard, there, centred, centred) / total[:, None, None]
        information = np.einsum("t,tpq->pq", deaths, square - mean[:, :, None] * mean[:, None, :])
        if np.linalg.cond(information) > 1 / CLOSE:
            raise Invalid("the hazard ratios cannot be told: a covariate parts the dead from the living")
        step = np.linalg.solve(information, score)
        beta = beta + step
        if np.abs(step).max() < CLOSE:
            break
    else:
        raise Invalid("the hazard ratios cannot be told: a covariate parts the dead from the living")
    hazard, total, mean = moments(beta)
    # a group's part in the score: its own death, less what was expected of it at every death it lived to see
    excess = dies - there * hazard[:, None] * (deaths / total)
    parts = np.einsum("nt,ntp->np", excess, centred[:, None, :] - mean[None])
    sums = np.zeros((clusters, p))
    np.add.at(sums, lives.cluster, parts)
    bread = np.linalg.inv(information)
    covariance = bread @ (sums.T @ sums) @ bread * clusters / (clusters - 1)
    return Hazards(beta, covariance, clusters - p)


def _checked(lives: Lives) -> None:
    if not len(lives.time):
        raise Invalid("there are no groups")
    if not (np.isfinite(lives.time) & (lives.time >= 0)).all():
        raise Invalid("a life's length is a number of months, 0 or more")
