"""Prices: what each action's score loses, by hand, and what is refused."""

import numpy as np
import pytest

from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.actions.taper import Step
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.records import Scores
from engagement.strategy.prices import Prices, less, priced
from engagement.strategy.strategy import Strategy

CALL = Nudge(id="call", title="A call", burden=2, minutes=10)
TOKEN = Incentive(
    id="token",
    title="A token",
    burden=0,
    cost_minor=400,
    payer="fund",
    taper=(Step(days_before_end=0, cost_minor=100),),
)


def test_each_price_counts_what_it_is_of():
    prices = Prices(burden=0.01, minute=0.002, cost_minor=0.0001)
    # 2·0.01 + 10·0.002 and 400·0.0001; after the end 100·0.0001
    expected = [[0, 0.04, 0.04], [0, 0.04, 0.01]]
    assert priced(prices, [CALL, TOKEN], [30, -1]) == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    ("days_to_end", "price"), [(300, 0), (200, 0), (150, 0.025), (50, 0.075), (0, 0.1), (-90, 0.1), (None, 0)]
)
def test_the_price_of_support_rises_evenly_to_the_programs_end(days_to_end, price):
    assert Prices(support=0.1, support_days=200).of(TOKEN, days_to_end) == pytest.approx(price)


def test_nothing_has_a_price_unless_it_is_said():
    assert not Prices().any
    assert priced(Prices(), [CALL, TOKEN], [0, None]).tolist() == [[0, 0, 0]] * 2


def test_a_price_is_taken_off_the_mean_and_leaves_the_doubt():
    scores = Scores("normal", np.array([[0.0, 0.3]]), np.array([[0.0, 0.1]]))
    left = less(scores, np.array([[0.0, 0.1]]))
    assert left.mean == pytest.approx(np.array([[0, 0.2]]))
    assert left.sd is scores.sd


def test_success_rates_have_no_prices():
    with pytest.raises(ValueError, match="need another belief"):
        Strategy(id="s", title="S", actions=("a",), posterior=BetaBernoulli(), prices=Prices(burden=0.1))


def test_a_price_may_change_under_what_was_learned():
    plain = Strategy(id="s", title="S", actions=("a",))
    dear = Strategy(id="s", title="S", actions=("a",), prices=Prices(burden=0.1))
    assert dear.learns_like(plain)
