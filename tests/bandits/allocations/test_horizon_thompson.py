"""Thompson's probabilities of beliefs made narrower where few decisions are left."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.thompson import Thompson
from engagement.records import Scores
from support.courses import course

BOTH = np.array([[True, True]])
ONE_BETTER = Scores("normal", np.array([[0, 1.0]]), np.array([[0, 2.0]]))


@pytest.mark.parametrize(
    ("remaining", "share"),
    [
        (1, 0.952209648),  # c = .3 up to h = 10^1.2 = 15.8: Φ(1/(2·.3)) = Φ(5/3)
        (12, 0.952209648),
        (100, 0.841344746),  # c = ½: Φ(1)
        (10_000, 0.691462461),  # c = 1: Φ(.5)
        (10**9, 0.691462461),
    ],
)
def test_the_share_of_the_better_action_by_what_is_left(remaining, share):
    rho = HorizonThompson().probabilities(ONE_BETTER, BOTH, course(remaining))
    assert rho[0, 1] == pytest.approx(share, abs=1e-6)


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_the_fewer_decisions_are_left_the_more_often_the_better_looking_is_taken(one, other):
    few, many = (
        HorizonThompson().probabilities(ONE_BETTER, BOTH, course(h))[0, 1] for h in sorted((one, other))
    )
    assert few >= many - 1e-9


def test_rates_stay_betas_with_narrower_sds():
    mean = np.array([[1 / 2, 2 / 3]])
    sd = np.sqrt(np.array([[1 / 12, 1 / 18]]))
    rho = HorizonThompson().probabilities(Scores("beta", mean, sd), BOTH, course(100))
    expected = Thompson().probabilities(Scores("beta", mean, sd / 2), BOTH, course(100))
    assert rho == pytest.approx(expected)


def test_each_row_has_its_own_horizon():
    rows = Scores("normal", np.repeat(ONE_BETTER.mean, 2, axis=0), np.repeat(ONE_BETTER.sd, 2, axis=0))
    rho = HorizonThompson().probabilities(rows, np.repeat(BOTH, 2, axis=0), course(12, 1e4))
    assert rho[:, 1] == pytest.approx([0.952209648, 0.691462461], abs=1e-6)
