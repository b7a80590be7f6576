"""Draws against their probabilities, counted by hand."""

import numpy as np
import pytest

from engagement.bandits.propensity import ONE
from engagement.store import decisions
from engagement.workflows.diagnostics import DrawCheck, draw_checks
from engagement.workflows.logged import Reports
from support.peer_groups import a_program, decided, seat_members

MEMBERS = 240


@pytest.fixture(scope="module")
def drawn(db):
    here = a_program(db)
    ids = decided(here, *seat_members(here, MEMBERS))
    rows = here.read(decisions.by_id, ids)
    return [rows[name] for name in ids]


def names(rows):
    return rows[0].evidence.actions


def test_what_is_drawn_from_its_probabilities_is_not_strange(drawn):
    checks = draw_checks(drawn, names(drawn), ())
    table = np.array([np.frombuffer(row.evidence.probability, np.uint64) for row in drawn]) / ONE
    assert sum(one.observed for one in checks) == MEMBERS
    for number, one in enumerate(checks):
        assert one.observed == sum(row.action_id == one.action for row in drawn)
        assert one.expected == pytest.approx(table[:, number].sum())
        assert one.sd == pytest.approx(np.sqrt((table[:, number] * (1 - table[:, number])).sum()))
    assert not any(one.strange for one in checks)


def test_what_is_always_picked_whatever_its_probability_is_strange(drawn):
    most = max(names(drawn), key=lambda name: sum(row.action_id == name for row in drawn))
    stuck = [row._replace(action_id=most) for row in drawn]
    by_name = {one.action: one for one in draw_checks(stuck, names(drawn), ())}
    assert by_name[most].strange
    assert by_name[most].gap > 4


def test_missing_reports_stand_beside_their_action(drawn):
    _first, second = names(drawn)[:2]
    checks = draw_checks(drawn, names(drawn), [Reports(second, 40, 10)])
    assert [(one.closed, one.unreported) for one in checks[:2]] == [(0, 0), (40, 10)]


def test_what_was_certain_has_no_gap_and_without_chance_there_is_nothing_to_check(drawn):
    assert DrawCheck("none", 5, 5.0, 0.0, 0, 0).gap == 0.0
    assert not DrawCheck("none", 5, 5.0, 0.0, 0, 0).strange
    assert DrawCheck("none", 6, 5.0, 0.0, 0, 0).strange
    assert draw_checks([row._replace(randomised=False) for row in drawn], names(drawn), ()) == ()
