"""What arms cost and who gained, on groups that can be counted. Everybody is synthetic."""

from datetime import date

import numpy as np
import pytest

from engagement.estimators.cost import Account, Plane
from engagement.estimators.sample import Term, bootstrap
from engagement.store.assignments import Assignment
from engagement.strategy.lifetime import Lifetime, Lived
from engagement.strategy.setup import Group
from engagement.strategy.trial import Protocol, Trial, TrialCondition
from engagement.workflows.gained import gained, round_worths
from engagement.workflows.trial_lives import members_of
from engagement.workflows.trial_rows import GroupRow, Spent

TRIAL = Trial(
    id="which",
    title="Which?",
    conditions=tuple(TrialCondition(id=name, title=name) for name in ("alone", "learned")),
    starts_on=date(2026, 1, 1),
    protocol=Protocol(primary="months_alive", horizon_months=12),
)


def row(number, arm, months, spent, stays=(), attended=(), unit=None):
    """A group that dissolved after so many months, or, with 18, lives on."""
    seen = Lived(float(months), died=months < 18)
    made = Assignment(
        **dict.fromkeys(Assignment._fields, 0)
        | {"trial_id": "which", "group_id": f"g{number}", "unit_id": unit or f"g{number}", "arm": arm}
    )
    life = Lifetime(seen, seen, seen, silent=False)
    return GroupRow(
        made, Group(id=f"g{number}", site="s"), TRIAL.starts_on, date(2026, 6, 30), life, len(stays),
        tuple(attended), 10, 0, Spent(spent, 30), 0, tuple(Lived(float(one), died=one < 18) for one in stays),
    )  # fmt: skip


ROWS = [
    row(0, "alone", 6, 100, (6, 3), (0.8, 0.2)),
    row(1, "alone", 18, 100, (18, 6), (0.6, 0.4)),
    row(2, "alone", 4, 100, (4, 2), (0.5, 0.1)),
    row(3, "learned", 18, 400, (18, 18), (0.9, 0.5)),
    row(4, "learned", 10, 500, (10, 10), (0.7, 0.3)),
    row(5, "learned", 18, 300, (18, 2), (0.8, 0.4)),
]


def arm(found, name):
    return next(one for one in found.arms if one.arm == name)


def test_a_group_month_and_a_member_month_cost_what_division_says():
    found = gained(TRIAL, ROWS)
    alone, learned = arm(found, "alone"), arm(found, "learned")
    assert (alone.group_months, alone.member_months) == pytest.approx(((6 + 12 + 4) / 3, (9 + 18 + 6) / 3))
    assert alone.cost_of_group_month.value == pytest.approx(300 / 22)
    assert learned.cost_of_group_month.value == pytest.approx(1200 / 34)
    assert learned.cost_of_member_month.value == pytest.approx(1200 / (24 + 20 + 14))
    for one in (alone, learned):
        for told in (one.cost_of_group_month, one.cost_of_member_month):
            assert told.low <= told.value <= told.high


def test_the_lower_quarter_and_everybody_stand_side_by_side():
    learned = arm(gained(TRIAL, ROWS), "learned")
    assert learned.everybody.value == pytest.approx(0.6)
    assert learned.quarter.value == pytest.approx(0.3)  # one of six
    assert learned.quarter.low <= 0.3 <= learned.quarter.high


def test_a_plane_is_the_differences_with_their_redraws():
    (plane,) = gained(TRIAL, ROWS).planes
    assert (plane.first, plane.second) == ("alone", "learned")
    assert plane.cost.value == pytest.approx(300)
    assert plane.gain.value == pytest.approx(4)
    assert plane.ratio == pytest.approx(75)
    assert plane.cost.low <= 300 <= plane.cost.high
    assert plane.dominates == 0.0  # every learned group cost more than any alone
    assert all(200 <= cost <= 400 for _, cost in plane.cloud)


def test_net_benefit_is_worth_times_gain_less_cost_and_pays_where_a_month_is_worth_more_than_it_costs():
    (plane,) = gained(TRIAL, ROWS).planes
    assert [one.worth_minor for one in plane.worths] == [50.0, 100.0, 200.0]  # around 75
    for one in plane.worths:
        assert one.net.value == pytest.approx(one.worth_minor * 4 - 300)
        assert one.net.low <= one.net.high
    pays = [one.pays for one in plane.worths]
    assert pays == sorted(pays)
    assert pays[0] < 0.5 < pays[2]


@pytest.mark.parametrize(
    ("cost", "gain", "unit"), [(300.0, 4.0, 100.0), (30.0, 10.0, 2.0), (45.0, 10.0, 5.0), (9.0, 1.0, 10.0)]
)
def test_worths_are_round_amounts_near_to_the_price_of_a_month(cost, gain, unit):
    plane = Plane(np.full(3, cost), np.full(3, gain), None, 0.0)
    assert round_worths([plane]) == pytest.approx((unit / 2, unit, unit * 2))


def test_where_nothing_was_spent_or_gained_no_price_is_asked():
    assert round_worths([]) == ()
    assert round_worths([Plane(np.zeros(2), np.ones(2), None, 1.0)]) == ()


def test_an_arm_that_cost_nothing_has_months_for_nothing():
    free = [one._replace(spent=Spent(0, 0)) if one.assigned.arm == "alone" else one for one in ROWS]
    told = arm(gained(TRIAL, free), "alone").cost_of_group_month
    assert (told.value, told.low, told.high) == (0.0, 0.0, 0.0)


def test_before_any_program_has_ended_nothing_is_known_but_attendance():
    early = [one._replace(life=None) for one in ROWS]
    found = gained(TRIAL, early)
    assert found.planes == ()
    assert arm(found, "alone").cost_of_group_month is None
    assert arm(found, "alone").cost_of_member_month is None
    assert arm(found, "alone").everybody.value == pytest.approx(2.6 / 6)


def test_errors_are_by_what_was_drawn():
    """Two catchments an arm, alike inside: redraws take whole catchments, so there are three of each."""
    catchments = {
        "a": ("alone", 4, 10),
        "b": ("alone", 8, 10),
        "c": ("learned", 6, 20),
        "d": ("learned", 12, 20),
    }
    made = [(unit, *told) for unit, told in catchments.items() for _ in range(2)]
    rows = [row(n, arm, months, spent, unit=unit) for n, (unit, arm, months, spent) in enumerate(made)]
    (plane,) = gained(TRIAL, rows).planes
    gains = {round(gain, 9) for gain, _ in plane.cloud}
    assert gains <= {b - a for a in (4, 6, 8) for b in (6, 9, 12)}
    assert len(gains) > 3


def test_a_censored_member_has_the_months_that_are_expected():
    """One gone at 4, one unseen after 6, one there at 12: S is 1, and 2/3 from 4 on: 4 + 8·2/3 months."""
    stays = (Lived(4.0, died=True), Lived(6.0, died=False), Lived(12.0, died=False))
    found = members_of([row(0, "alone", 18, 90)._replace(stays=stays)], 12.0)
    assert found.gain.sum() == pytest.approx(3 * (4 + 8 * 2 / 3))


def test_the_intervals_of_a_member_month_hold_the_truth_as_often_as_they_say():
    """300 trials of 40 groups of 8: hazards that a group shares, members who leave besides, gamma costs."""
    rng = np.random.default_rng(11)

    def groups(count):
        """Months that members of so many groups stayed, (count, 8), and what each group cost."""
        hazard = 0.06 * np.exp(0.3 * rng.normal(size=count))
        lived = rng.exponential(1 / hazard)
        stayed = np.minimum(lived[:, None], rng.exponential(15.0, (count, 8)))
        return stayed, rng.gamma(2.0, 150.0, count)

    months = np.minimum(groups(400_000)[0], 12.0).sum(axis=1).mean()
    truth = 300.0 / months  # the error of the months is .06 %
    held = 0
    for _ in range(300):
        stayed, cost = groups(40)
        account = Account(cost, np.minimum(stayed, 12.0).sum(axis=1), np.arange(40))
        low, high = bootstrap((Term(account.cost, account.gain),), account.cluster, rng)
        held += low <= truth <= high
    # 95 % give or take three standard errors, √(.95·.05/300) = 1.26 %
    assert 0.912 <= held / 300 <= 0.988
