"""Every off-policy estimator beside the Open Bandit Pipeline, on the same logs; a difference fails.

`obp` 0.5.5 asks for Python below 3.10 and for PyTorch, and the estimators compared need neither. In an
environment of its own:

    python -m pip install --no-deps --ignore-requires-python obp==0.5.5
    python -m pip install -e . matplotlib mypy_extensions pandas pyyaml scikit-learn seaborn tqdm
    PYTHONPATH=services:tests python benchmarks/off_policy_peers.py

Two logs: twelve rows of small fractions, whose values stand in `tests/estimators/off_policy/test_peers.py`,
and as many drawn at random as `--rows` asks for. Where a threshold is given, both have the same.
"""

import argparse
import importlib
import sys
from fractions import Fraction
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from engagement.estimators.off_policy import (
    AnyOffPolicy,
    ClippedIps,
    DirectMethod,
    DoublyRobust,
    Ips,
    SelfNormalisedDr,
    SelfNormalisedIps,
    ShrinkageDr,
    SwitchDr,
)
from engagement.estimators.sample import Sample
from engagement.randomness import generator
from support.samples import twelve

CLOSE = 1e-12
CUT, SHRINKAGE = 1.5, 2.0


class Pair(NamedTuple):
    """One estimator of ours, and the class and arguments of the same in `obp.ope`."""

    ours: AnyOffPolicy
    theirs: str
    arguments: dict[str, float]


PAIRS = (
    Pair(Ips(), "InverseProbabilityWeighting", {}),
    Pair(SelfNormalisedIps(), "SelfNormalizedInverseProbabilityWeighting", {}),
    Pair(ClippedIps(CUT), "InverseProbabilityWeighting", {"lambda_": CUT}),
    Pair(DirectMethod(), "DirectMethod", {}),
    Pair(DoublyRobust(), "DoublyRobust", {}),
    Pair(SelfNormalisedDr(), "SelfNormalizedDoublyRobust", {}),
    Pair(SwitchDr(CUT), "SwitchDoublyRobust", {"lambda_": CUT}),
    Pair(ShrinkageDr(SHRINKAGE), "DoublyRobustWithShrinkage", {"lambda_": SHRINKAGE}),
)


def at_random(rows: int) -> Sample:
    """A synthetic log of five actions."""
    rng = generator(1, "off-policy peers")
    logged, target = (rng.dirichlet(np.ones(5) * scale, rows) for scale in (2.0, 1.0))
    action = (rng.random(rows)[:, None] > logged.cumsum(axis=1)).sum(axis=1).clip(0, 4)
    drawn = np.take_along_axis(logged, action[:, None], axis=1)[:, 0]
    reward = (rng.random(rows) < 0.2 + 0.1 * action).astype(np.float64)
    return Sample(action, reward, drawn, target, logged > 0, rng.random((rows, 5)), np.arange(rows) % 50)


def value(estimator: AnyOffPolicy, log: Sample) -> float:
    """What ours says."""
    return float(sum(term.value.sum() / term.weight.sum() for term in estimator.terms(log)))


class Empty(type):
    """A class in which every public name leads to another one like it."""

    def __getattr__(cls, name: str) -> "Empty":
        if name.startswith("_"):
            raise AttributeError(name)
        return Empty(name, (), {})


class Placeholder(ModuleType):
    """A module of such classes."""

    def __getattr__(self, name: str) -> Empty:
        if name.startswith("_"):
            raise AttributeError(name)
        return Empty(name, (), {})


def peers() -> Any:
    """`obp.ope`. Other parts of it import PyTorch; where that is absent a placeholder stands there."""
    try:
        importlib.import_module("torch")
    except ModuleNotFoundError:
        for name in ("torch", "torch.nn", "torch.nn.functional", "torch.optim"):
            sys.modules[name] = Placeholder(name)
    return importlib.import_module("obp.ope")


def theirs(ope: Any, pair: Pair, log: Sample) -> float:
    """What the pipeline says of the same log, with the same predictions."""
    found = getattr(ope, pair.theirs)(**pair.arguments).estimate_policy_value(
        reward=log.reward,
        action=log.action,
        pscore=log.logged,
        action_dist=log.target[:, :, None],
        position=np.zeros(len(log.action), int),
        estimated_rewards_by_reg_model=log.predicted[:, :, None],
    )
    return float(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    ope, version = peers(), importlib.import_module("obp").__version__
    logs = {"twelve": twelve(), f"{options.rows:,} at random": at_random(options.rows)}
    worst = 0.0
    for name, log in logs.items():
        print(f"{name}, engagement beside obp {version}")
        for pair in PAIRS:
            own, other = value(pair.ours, log), theirs(ope, pair, log)
            worst = max(worst, abs(own - other))
            near = Fraction(other).limit_denominator(100_000) if name == "twelve" else ""
            print(f"  {pair.theirs:42} {own:.15f} {other:.15f}  {own - other:+.1e}  {near}")
    if worst > CLOSE:
        sys.exit(f"they differ by {worst:.1e}, more than {CLOSE}")
    print(f"All sixteen agree within {CLOSE}.")


if __name__ == "__main__":
    main()
