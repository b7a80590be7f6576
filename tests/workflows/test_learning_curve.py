"""How a strategy learned month by month, on decisions that can be counted."""

import msgspec
import numpy as np
import pytest

from engagement.bandits.propensity import ONE
from engagement.store import decisions
from engagement.workflows.learning_curve import learning_curve
from support.peer_groups import a_program, decided, seat_members

MEMBERS = 24


@pytest.fixture(scope="module")
def drawn(db):
    """24 members of three groups, decided for once in one month."""
    here = a_program(db)
    ids = decided(here, *seat_members(here, MEMBERS))
    rows = here.read(decisions.by_id, ids)
    return [rows[name] for name in ids]


def test_a_month_has_the_mean_chance_of_what_was_drawn_and_of_the_likeliest(drawn):
    (month,) = learning_curve(drawn, {}, {}, "UTC")
    tables = [np.frombuffer(row.evidence.probability, np.uint64) / ONE for row in drawn]
    assert (month.decisions, month.rewarded, month.reward) == (MEMBERS, 0, None)
    assert month.best.value == pytest.approx(np.mean([one.max() for one in tables]))
    assert month.chosen.value == pytest.approx(np.mean([row.probability / ONE for row in drawn]))
    assert month.chosen.low <= month.chosen.value <= month.chosen.high
    assert (month.first_version, month.last_version) == (0, 0)


def test_rewards_are_of_those_that_count_with_errors_by_cluster(drawn):
    by_group: dict[str, float] = {}
    for row in drawn:
        by_group.setdefault(row.group_id, float(len(by_group)))
    rewards = {row.decision_id: by_group[row.group_id] for row in drawn}
    (month,) = learning_curve(drawn, rewards, {}, "UTC")
    values = sorted(by_group.values())
    assert month.reward.value == pytest.approx(np.mean(values))
    half = 4.302653 * np.std(values, ddof=1) / np.sqrt(3)  # Student's t with two degrees of freedom
    assert month.reward.high - month.reward.value == pytest.approx(half, rel=1e-6)
    (together,) = learning_curve(drawn, rewards, dict.fromkeys(by_group, "one catchment"), "UTC")
    assert (together.reward.value, together.reward.low) == (pytest.approx(np.mean(values)), None)


def test_what_was_not_drawn_by_chance_is_left_out_and_months_are_local(drawn):
    later = [row._replace(decided_at=row.decided_at + 40 * 86_400_000, version=3) for row in drawn]
    fixed = [row._replace(randomised=False) for row in drawn]
    found = learning_curve([*drawn, *later, *fixed], {}, {}, "UTC")
    assert [one.decisions for one in found] == [MEMBERS, MEMBERS]
    assert found[1].first_version == found[1].last_version == 3
    assert learning_curve(fixed, {}, {}, "UTC") == ()
    assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[type(found[0]), ...]) == found
