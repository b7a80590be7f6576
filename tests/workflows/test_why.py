"""Ranges of beliefs, against tables; and a decision action by action, against its story."""

import numpy as np
import pytest

from engagement.errors import NotFound
from engagement.records import Scores
from engagement.workflows.story import story
from engagement.workflows.why import WeighedWanted, quantiles, weighed
from support.peer_groups import Here, a_program, decided, ms, seat_members


def one(family: str, mean: float, sd: float, freedom: float | None = None) -> Scores:
    more = None if freedom is None else np.array([[freedom]])
    return Scores(family, np.array([[mean]]), np.array([[sd]]), more)


def test_the_ranges_of_a_normal_belief_are_those_of_the_table():
    """1.959964 and 1.281552, of any table of the normal distribution."""
    found = quantiles(one("normal", 1.0, 2.0))[:, 0]
    assert found == pytest.approx([1 - 2 * 1.959964, 1 - 2 * 1.281552, 1 + 2 * 1.281552, 1 + 2 * 1.959964])


def test_the_ranges_of_a_uniform_belief_are_its_levels():
    """Beta(1, 1): mean ½, variance 1/12."""
    found = quantiles(one("beta", 0.5, np.sqrt(1 / 12)))[:, 0]
    assert found == pytest.approx([0.025, 0.1, 0.9, 0.975])


def test_the_ranges_of_a_student_belief_are_those_of_the_table():
    """t of 10 degrees at 0.975 is 2.228139, at 0.9 it is 1.372184; its variance is 10/8."""
    found = quantiles(one("student", 0.0, np.sqrt(10 / 8), 10.0))[:, 0]
    assert found == pytest.approx([-2.228139, -1.372184, 1.372184, 2.228139], abs=1e-6)


@pytest.mark.parametrize("family", ["normal", "beta"])
def test_what_is_known_exactly_has_no_range(family):
    assert quantiles(one(family, 0.25, 0.0))[:, 0] == pytest.approx([0.25] * 4)


@pytest.fixture
def decision(here: Here) -> str:
    seat_members(here, 8)
    return decided(here, "m0")[0]


def told(here: Here, name: str, audience: str = "staff"):
    with here.db.read() as conn:
        return weighed(conn, here.kept, here.id, WeighedWanted(name, audience, simulated=True), ms(1))


def test_a_decision_is_told_action_by_action_with_the_storys_figures(here, decision):
    found = told(here, decision)
    with here.db.read() as conn:
        plain = story(conn, here.kept, here.id, decision, "staff", ms(1), simulated=True)
    assert found.story == plain
    assert {row.action: row.probability for row in found.actions} == {
        row.action: row.probability for row in plain.recommendation.chances
    }
    assert {row.action: row.belief.mean for row in found.actions} == {
        row.action: row.mean for row in plain.beliefs
    }
    assert [row.action for row in found.actions if row.drawn] == [plain.recommendation.action.id]
    assert sum(share for _, share in found.laid) == pytest.approx(1.0, abs=1e-6)
    assert found.seat == 1


def test_no_probability_lies_below_its_floor(here, decision):
    for row in told(here, decision).actions:
        assert row.least == pytest.approx(0.02)
        assert row.probability >= row.least - 1e-9


def test_beliefs_and_floors_are_for_staff(here, decision):
    found = told(here, decision, "health_worker")
    assert {row.belief for row in found.actions} == {row.least for row in found.actions} == {None}
    assert found.story.uniform is None


def test_a_decision_of_another_program_is_not_there(db, decision):
    with pytest.raises(NotFound):
        told(a_program(db), decision)
