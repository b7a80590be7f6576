"""Noise that is learned: a first guess, worth a number of results, and what results say of it.

    σ² ~ ν₀s₀²/χ²(ν₀)   ⇒   σ² | y ~ νs²/χ²(ν),   ν = ν₀ + n,   νs² = ν₀s₀² + (what y leaves unexplained)

(Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.3.) A mean known to σ·c given σ is then known as
s·c·t(ν), whose sd is s·c·√(ν/(ν − 2)).
"""

from math import inf
from typing import NamedTuple

import numpy as np

from engagement.records import Floats

LEAST_WORTH = 3.0
"""Results that a first guess stands for: with 2 or fewer, a score has no sd."""


class Noise(NamedTuple):
    """sd : s·√(ν/(ν − 2)), what an sd given σ is multiplied by      freedom : ν"""

    sd: Floats
    freedom: Floats


def check_worth(noise_worth: float) -> None:
    """Refuses a first guess that is worth too little. raises : ValueError"""
    if not LEAST_WORTH <= noise_worth < inf:
        raise ValueError(f"noise_worth is a number of results, at least {LEAST_WORTH:.0f}, not {noise_worth}")


def spread(guess: float, worth: float, rows: Floats, misfit: Floats) -> Noise:
    """The noise after results.

    guess, worth : s₀ and ν₀      rows : n
    misfit : what is left unexplained, a sum of squares; below 0 it is a rounding error
    """
    freedom = worth + np.maximum(rows, 0)
    square = worth * guess**2 + np.maximum(misfit, 0)
    return Noise(np.sqrt(square / (freedom - 2)), freedom)
