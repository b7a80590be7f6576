"""An incentive that gives less and less: its cost on each day, and what is refused."""

import pytest

from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.actions.taper import Step, next_step

HALF = Step(days_before_end=90, cost_minor=50)
NOTHING = Step(days_before_end=-10, cost_minor=0)


def stipend(*steps, cost_minor=100):
    return Incentive(id="stipend", title="A stipend", cost_minor=cost_minor, payer="fund", taper=steps)


@pytest.mark.parametrize(
    ("days_to_end", "cost"),
    [(91, 100), (90, 50), (0, 50), (-9, 50), (-10, 0), (-400, 0), (None, 100)],
)
def test_each_step_begins_on_its_day_and_lasts_to_the_next(days_to_end, cost):
    assert stipend(HALF, NOTHING).cost_on(days_to_end) == cost


def test_what_does_not_taper_costs_the_same_on_every_day():
    assert {stipend().cost_on(days) for days in (400, 0, -400, None)} == {100}
    assert {Nudge(id="n", title="N", cost_minor=7, payer="fund").cost_on(days) for days in (9, None)} == {7}


@pytest.mark.parametrize(
    ("days_to_end", "step"), [(91, HALF), (90, NOTHING), (-9, NOTHING), (-10, None), (None, None)]
)
def test_the_next_step_is_the_first_that_has_not_begun(days_to_end, step):
    assert next_step((HALF, NOTHING), days_to_end) == step


def test_a_step_up_is_refused():
    with pytest.raises(ValueError, match="costs less than the one before"):
        stipend(HALF, cost_minor=50)


def test_steps_out_of_order_are_refused():
    with pytest.raises(ValueError, match="in the order of their days"):
        stipend(HALF, Step(days_before_end=90, cost_minor=20))


def test_what_costs_nothing_has_nothing_to_taper():
    with pytest.raises(ValueError, match="less than `cost_minor`"):
        Incentive(id="thanks", title="Thanks", taper=(NOTHING,))
