"""Draws the figures of docs/beliefs from synthetic results, by seed: `python docs/figures.py`.

Each shows what a belief thinks of one action at a few moments or of a few people, as densities of its score.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, expit

from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.linear_unknown_noise import LinearUnknownNoise
from engagement.bandits.posteriors.logistic import Logistic
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.randomness import generator
from engagement.records import Batch, Floats, Integers, Points, Scores

FOLDER = Path(__file__).parent / "beliefs"
WIDTH, HEIGHT, LEFT, TOP, BASE = 640, 240, 20, 30, 200
COLOURS = ("#8a8a8a", "#0072b2", "#d55e00")  # Okabe & Ito's, which the colour-blind can tell apart
ACTIONS = 2


class Curve(NamedTuple):
    """What is thought of the action at one moment, or of one person."""

    label: str
    scores: Scores


class Figure(NamedTuple):
    """The curves of one belief, what its axis counts, and from where to where."""

    curves: Sequence[Curve]
    axis: str
    low: float
    high: float


def batch(reward: Floats, action: Integers, features: Floats, people: Sequence[tuple[str, str]]) -> Batch:
    """Results of the synthetic people, in pairs of group and member."""
    n = len(reward)
    return Batch(
        features=features,
        action=action,
        reward=reward,
        weight=np.ones(n),
        probability=np.full((n, ACTIONS), 1 / ACTIONS),
        groups=tuple(group for group, _ in people),
        members=tuple(member for _, member in people),
        period=np.zeros(n, np.int64),
    )


def after(belief: AnyPosterior, rows: Batch, features: Sequence[float], who: tuple[str, str]) -> Scores:
    """What a belief that learned these rows thinks of one person."""
    nodes = belief.fold({}, rows, ACTIONS) if len(rows.action) else {}
    return belief.scores(nodes, Points(np.array([features]), (who[0],), (who[1],), np.ones(1)), ACTIONS)


def first(rows: Batch, n: int) -> Batch:
    """The first n of some rows."""
    return Batch(*(part[:n] for part in rows))


def of_one_mean(belief: AnyPosterior, noise_sd: float | None) -> list[Curve]:
    """Before, after 20 and after 200 results; success or not, or around the mean with a noise."""
    rng = generator(7, "figures", "mean")
    action = rng.integers(0, ACTIONS, 200)
    mean = np.where(action == 1, 0.65, 0.5)
    reward = (rng.random(200) < mean).astype(float) if noise_sd is None else rng.normal(mean, noise_sd)
    rows = batch(reward, action, np.ones((200, 1)), [("g", "m")] * 200)
    moments = {"beforehand": 0, "after 20 results": 20, "after 200": 200}
    return [Curve(label, after(belief, first(rows, n), [1.0], ("g", "m"))) for label, n in moments.items()]


def of_two_places(belief: AnyPosterior) -> list[Curve]:
    """In a village, where the action adds little, and in a town, where it adds much, after 600 results."""
    rng = generator(7, "figures", "places")
    action, town = rng.integers(0, ACTIONS, 600), rng.integers(0, 2, 600)
    chance = expit(action * (0.1 + 1.1 * town))
    features = np.column_stack([np.ones(600), town])
    rows = batch((rng.random(600) < chance).astype(float), action, features, [("g", "m")] * 600)
    nothing = first(rows, 0)
    return [
        Curve("beforehand, in a village", after(belief, nothing, [1.0, 0.0], ("g", "m"))),
        Curve("in a village, after 600 results", after(belief, rows, [1.0, 0.0], ("g", "m"))),
        Curve("in a town", after(belief, rows, [1.0, 1.0], ("g", "m"))),
    ]


def of_people(belief: AnyPosterior) -> list[Curve]:
    """Of ten groups of six with twelve results each, one in which the action adds much more."""
    rng = generator(7, "figures", "people")
    people = [(f"g{g}", f"m{g}-{m}") for g in range(10) for m in range(6) for _ in range(12)]
    action = rng.integers(0, ACTIONS, len(people))
    effect = np.array([0.4 if group == "g0" else 0.05 for group, _ in people])
    reward = (rng.random(len(people)) < 0.5 + action * effect).astype(float)
    rows = batch(reward, action, np.ones((len(people), 1)), people)
    asked = {
        "beforehand": (first(rows, 0), ("g1", "m1-0")),
        "somebody in a new group": (rows, ("new", "new")),
        "somebody where it helped": (rows, ("g0", "m0-0")),
    }
    return [Curve(label, after(belief, known, [1.0], who)) for label, (known, who) in asked.items()]


def density(scores: Scores, x: Floats) -> Floats:
    """Of the action's score."""
    mean, sd = float(scores.mean[0, 1]), float(scores.sd[0, 1])
    if scores.family == "beta":
        total = mean * (1 - mean) / sd**2 - 1
        a, b = mean * total, (1 - mean) * total
        inside = np.clip(x, 1e-9, 1 - 1e-9)
        return np.exp((a - 1) * np.log(inside) + (b - 1) * np.log1p(-inside) - betaln(a, b))
    if scores.freedom is not None:
        nu = float(scores.freedom[0, 1])
        scale = sd * np.sqrt((nu - 2) / nu)
        t = (x - mean) / scale
        return np.exp(-betaln(0.5, nu / 2) - np.log(nu) / 2 - (nu + 1) / 2 * np.log1p(t * t / nu)) / scale
    return np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))


def drawn(figure: Figure, title: str) -> str:
    """The figure as SVG, on white so that it can be read on any page."""
    x = np.linspace(figure.low, figure.high, 201)
    heights = [density(curve.scores, x) for curve in figure.curves]
    across = LEFT + (x - figure.low) / (figure.high - figure.low) * (WIDTH - 2 * LEFT)
    highest = max(float(height.max()) for height in heights)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<style>text { font: 12px sans-serif }</style>",
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<line x1="{LEFT}" y1="{BASE}" x2="{WIDTH - LEFT}" y2="{BASE}" stroke="#444444"/>',
    ]
    for tick in np.linspace(figure.low, figure.high, 6):
        at = LEFT + (tick - figure.low) / (figure.high - figure.low) * (WIDTH - 2 * LEFT)
        lines.append(
            f'<text x="{at:.0f}" y="{BASE + 16}" text-anchor="middle">{round(tick, 1) + 0.0:.1f}</text>'
        )
    for place, (curve, height, colour) in enumerate(zip(figure.curves, heights, COLOURS, strict=True)):
        up = BASE - height / highest * (BASE - TOP)
        path = " ".join(f"{one:.1f},{other:.1f}" for one, other in zip(across, up, strict=True))
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{LEFT + 200 * place}" y="18" fill="{colour}">{curve.label}</text>')
    lines.append(f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{figure.axis}</text>')
    return "\n".join([*lines, "</svg>", ""])


RATE, MEAN = "success rate of the action", "mean result of the action"
EFFECT, ODDS = "what the action adds to doing nothing", "what the action adds to the log-odds"
FIGURES = {
    "beta_bernoulli": Figure(of_one_mean(BetaBernoulli(), None), RATE, 0, 1),
    "gaussian": Figure(of_one_mean(Gaussian(noise_sd=0.2), 0.2), MEAN, 0, 1),
    "gaussian_unknown_noise": Figure(of_one_mean(GaussianUnknownNoise(), 0.2), MEAN, 0, 1),
    "linear_gaussian": Figure(of_two_places(LinearGaussian()), EFFECT, -0.4, 0.6),
    "linear_unknown_noise": Figure(of_two_places(LinearUnknownNoise()), EFFECT, -0.4, 0.6),
    "logistic": Figure(of_two_places(Logistic()), ODDS, -1, 1.5),
    "pooled_linear": Figure(of_people(PooledLinear()), EFFECT, -0.4, 0.6),
    "pooled_centred": Figure(of_people(PooledCentred()), EFFECT, -0.4, 0.6),
}


def main() -> None:
    """Writes every figure."""
    for name, figure in FIGURES.items():
        (FOLDER / f"{name}.svg").write_text(drawn(figure, f"{name}: {figure.axis}, synthetic results"))


if __name__ == "__main__":
    main()
