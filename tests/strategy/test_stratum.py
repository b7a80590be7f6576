"""Strata: who belongs, and which floor holds for them."""

import pytest

from engagement.strategy.strategy import Strategy
from engagement.strategy.stratum import Stratum, StratumFloor

WOMAN = Stratum(setting="rural", role="member", phone="shared", sex="female", can_read=False)


@pytest.mark.parametrize(
    ("where", "belongs"),
    [
        (Stratum(setting="rural"), True),
        (Stratum(setting="urban"), False),
        (Stratum(setting="rural", sex="female", can_read=False), True),
        (Stratum(setting="rural", sex="male"), False),
        (Stratum(age_band="70+"), False),  # not known of her
    ],
)
def test_whoever_has_all_that_is_asked_for_belongs(where, belongs):
    assert where.has(WOMAN) == belongs


def with_floors(*floors, floor=0.02):
    rows = tuple(StratumFloor(where=where, floor=least) for where, least in floors)
    return Strategy(id="s", title="S", actions=("a",), floor=floor, floors=rows)


@pytest.mark.parametrize(
    ("unit", "floor"),
    [
        (WOMAN, 0.1),
        (Stratum(setting="rural"), 0.05),
        (Stratum(setting="urban", phone="shared"), 0.1),
        (Stratum(setting="urban"), 0.02),
    ],
)
def test_of_several_floors_the_highest_holds(unit, floor):
    plan = with_floors((Stratum(setting="rural"), 0.05), (Stratum(phone="shared"), 0.1))
    assert plan.floor_for(unit) == floor


def test_a_floor_below_the_strategys_own_is_refused():
    with pytest.raises(ValueError, match="below the strategy's own"):
        with_floors((Stratum(sex="female"), 0.01))


def test_a_stratum_of_everybody_is_refused():
    with pytest.raises(ValueError, match="names no fact"):
        StratumFloor(where=Stratum(), floor=0.1)
