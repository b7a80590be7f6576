"""Which groups are alike, and what is believed of them from what was seen."""

import numpy as np
import pytest

from engagement.strategy.clusters import GUESSES, Change, Cluster, Stand, believed, stand

TOWN = Cluster("urban", after=False, barrier="")
VILLAGE = Cluster("rural", after=False, barrier="")
GUESS = GUESSES["group"]
DORMANT, WAVERING, THRIVING = 1, 2, 3


def change(cluster=TOWN, before="thriving", after="wavering", *, visited=False, planned=False):
    return Change(cluster, before, visited, after, planned)


def concentration(changes, cluster=TOWN):
    """(2, S, S) of one cluster in whose program no end is in sight."""
    belief, place = believed(changes, [Stand(cluster, np.inf)])
    return belief.concentration[place[0]]


def mean(changes, cluster=TOWN):
    rows = concentration(changes, cluster)
    return rows / rows.sum(axis=-1, keepdims=True)


def test_beforehand_it_is_the_guess():
    assert mean([]) == pytest.approx(GUESS / GUESS.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("level", GUESSES)
def test_the_guess_says_that_no_visit_makes_any_state_worse_and_no_better_state_has_worse_next_ones(level):
    tails = np.cumsum(GUESSES[level][..., ::-1], axis=-1)
    assert (tails[1] >= tails[0] - 1e-9).all()
    assert (np.diff(tails, axis=1) >= -1e-9).all()


def test_members_have_states_of_their_own():
    seen = [Change(TOWN, "active", False, "gone", planned=False)] * 9
    belief, place = believed(seen, [Stand(TOWN, np.inf)], "member")
    rows = belief.concentration[place[0]][0]
    assert rows[3, 0] / rows[3].sum() > 0.2
    assert (rows[0, 1:] == 0).all()


def test_a_group_that_has_dissolved_stays_so():
    assert mean([])[:, 0].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]


def test_a_step_that_was_seen_adds_one():
    more = concentration([change()])[0, THRIVING] - concentration([])[0, THRIVING]
    assert more.sum() > 0.9


def test_what_was_seen_makes_it_likelier():
    assert mean([change()] * 5)[0, THRIVING, WAVERING] > mean([])[0, THRIVING, WAVERING]


def test_steps_that_begin_with_a_decision_count_a_quarter():
    """They begin every week and last four: four of them say as much as one step of its own."""
    planned = mean([change(planned=True)] * 4)
    assert planned == pytest.approx(mean([change()]))


@pytest.mark.parametrize("ends", [{"before": None}, {"after": None}, {"after": "silent"}, {"before": "new"}])
def test_a_step_with_an_end_that_nobody_knows_shows_nothing(ends):
    assert concentration([change(**ends)] * 9) == pytest.approx(concentration([]))


def test_what_a_visit_changed_in_one_cluster_is_believed_a_little_of_the_other():
    seen = [change(VILLAGE, "dormant", "thriving", visited=True, planned=True)] * 40
    alone = believed([], [Stand(TOWN, np.inf), Stand(VILLAGE, np.inf)])[0].concentration
    after = believed(seen, [Stand(TOWN, np.inf), Stand(VILLAGE, np.inf)])
    town = after[0].concentration[after[1][0]][1, DORMANT]
    assert town[THRIVING] / town.sum() > alone[0, 1, DORMANT, THRIVING] / alone[0, 1, DORMANT].sum()


def test_after_the_end_a_cluster_is_what_it_was_before_worth_a_few_steps_however_much_was_seen():
    after = TOWN._replace(after=True)
    seen = [change()] * 400
    assert mean(seen, after) == pytest.approx(mean(seen), rel=1e-4)
    assert concentration(seen, after)[0, THRIVING].sum() == pytest.approx(8, rel=1e-4)


def test_what_the_end_changes_in_one_cluster_is_believed_of_the_other():
    seen = [change(VILLAGE._replace(after=True), after="dormant")] * 200
    moved, still = (mean(rows, TOWN._replace(after=True))[0, THRIVING, DORMANT] for rows in (seen, []))
    assert moved > still


def test_what_was_seen_after_the_end_is_not_believed_of_before():
    assert mean([change(TOWN._replace(after=True))] * 50) == pytest.approx(mean([]))


def test_the_end_is_counted_in_steps_the_last_one_among_them():
    assert [stand(TOWN, days).left for days in (0, 27, 28, 55)] == [1, 1, 2, 2]


def test_an_end_beyond_two_years_is_out_of_sight():
    assert stand(TOWN, 24 * 28).left == np.inf


def test_after_the_end_there_is_none_to_come():
    assert stand(TOWN._replace(after=True), -10).left == np.inf


def test_units_whose_program_ends_at_different_times_are_apart_and_turn_into_the_same_afterwards():
    soon, later = Stand(TOWN, 2.0), Stand(TOWN, 5.0)
    belief, place = believed([], [soon, later, soon])
    assert place[0] == place[2] != place[1]
    assert belief.phases.left[place].tolist() == [2, 5, 2]
    assert belief.phases.afterwards[place[0]] == belief.phases.afterwards[place[1]]
    assert belief.phases.left[belief.phases.afterwards[place[0]]] == np.inf
