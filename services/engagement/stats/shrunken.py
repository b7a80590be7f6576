"""A share of which little is known, drawn towards a mean: the mean and the spread of a Beta posterior."""

from math import sqrt
from typing import NamedTuple


class Share(NamedTuple):
    """A share in [0, 1], and the standard deviation of what is not known of it."""

    value: float
    sd: float


def shrunken(yes: float, of: float, mean: float, strength: float) -> Share:
    """The share of yes under the prior Beta(strength·mean, strength·(1 − mean)).

        value = (strength·mean + yes) / (strength + of)      sd² = value·(1 − value) / (strength + of + 1)

    yes, of : in [0, of] and non-negative, whole or weighted      mean : in [0, 1]
    strength : above 0; so many reports the mean counts for
    Gelman et al. 2013, Bayesian Data Analysis, section 2.4. Not an interval for what the next report says.
    """
    value = (strength * mean + yes) / (strength + of)
    return Share(value, sqrt(value * (1 - value) / (strength + of + 1)))
