"""What a decision earned. Its window here is (100, 200]."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.strategy.reward import (
    Seen,
    came_to_next_meeting,
    next_meeting_held,
    next_meeting_with_three,
)


def reward(*seen):
    """The reward of signals given as (kind, value, moment)."""
    return came_to_next_meeting([Seen(*row) for row in seen], 100, 200)


def came(moment):
    return ("attendance", 1, moment)


def missed(moment):
    return ("attendance", 0, moment)


def goal(value, moment):
    return ("goal_met", value, moment)


def test_when_nothing_is_heard_the_reward_is_missing():
    assert reward() is None


def test_coming_without_a_goal_earns_two_thirds():
    assert reward(came(150)) == pytest.approx(2 / 3)


def test_coming_and_meeting_the_goal_earns_one():
    assert reward(came(150), goal(1, 150)) == 1.0


def test_coming_and_not_meeting_the_goal_earns_two_thirds():
    assert reward(came(150), goal(0, 150)) == pytest.approx(2 / 3)


def test_not_coming_earns_nothing_though_the_goal_was_met():
    assert reward(missed(150), goal(1, 150)) == 0.0


def test_a_goal_followed_up_before_the_meeting_does_not_count():
    assert reward(goal(1, 149), came(150)) == pytest.approx(2 / 3)


def test_the_first_follow_up_at_or_after_the_meeting_counts():
    assert reward(came(150), goal(0, 160), goal(1, 170)) == pytest.approx(2 / 3)


def test_a_follow_up_beyond_the_window_does_not_count():
    assert reward(came(150), goal(1, 201)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("first", "then", "earned"), [(missed, came, 0.0), (came, missed, 2 / 3)])
def test_only_the_first_meeting_counts(first, then, earned):
    assert reward(first(150), then(180)) == pytest.approx(earned)


def test_a_meeting_not_held_was_missed_by_all():
    assert reward(("meeting_held", 0, 150), came(180)) == 0.0


def test_a_meeting_held_says_nothing_of_one_member():
    assert reward(("meeting_held", 1, 150)) is None


@pytest.mark.parametrize("leaving", ["left", "stopped_messages"])
def test_leaving_before_a_meeting_earns_nothing(leaving):
    assert reward((leaving, 1, 120), came(150)) == 0.0


@pytest.mark.parametrize("leaving", ["left", "stopped_messages"])
def test_leaving_after_the_meeting_takes_nothing_back(leaving):
    assert reward(came(150), (leaving, 1, 160)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("other", ["left", "stopped_messages", "meeting_held", "attendance"])
def test_having_come_is_believed_against_anything_said_of_the_same_moment(other):
    assert reward((other, 0 if other in ("attendance", "meeting_held") else 1, 150), came(150)) > 0


def test_a_goal_met_is_believed_against_one_missed_at_the_same_moment():
    assert reward(came(150), goal(0, 160), goal(1, 160)) == 1.0


@pytest.mark.parametrize("kind", ["goal_set", "reminder_passed_on", "goal_met", "health_worker_contact"])
def test_other_signals_say_nothing_of_a_meeting(kind):
    assert reward((kind, 1, 150)) is None


@pytest.mark.parametrize(
    ("moment", "known"), [(99, False), (100, False), (101, True), (200, True), (201, False)]
)
def test_the_window_excludes_its_start_and_includes_its_end(moment, known):
    assert (reward(came(moment)) is not None) == known


KINDS = ["attendance", "meeting_held", "left", "stopped_messages", "goal_met", "goal_set", "moved", "died"]
signals = st.lists(
    st.builds(
        Seen,
        st.sampled_from(KINDS),
        st.sampled_from([0, 1]),
        st.sampled_from([100, 101, 150, 151, 200, 201]),
    ),
    max_size=8,
)


@given(signals.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))))
def test_the_order_of_the_rows_is_nothing(orders):
    one, other = orders
    assert came_to_next_meeting(one, 100, 200) == came_to_next_meeting(other, 100, 200)


@given(signals)
def test_a_reward_is_missing_or_one_of_three_numbers(seen):
    found = came_to_next_meeting(seen, 100, 200)
    assert found in (None, 0.0, pytest.approx(2 / 3), 1.0)


@given(signals)
def test_what_lies_outside_the_window_changes_nothing(seen):
    inside = [row for row in seen if 100 < row.occurred_at_ms <= 200]
    assert came_to_next_meeting(seen, 100, 200) == came_to_next_meeting(inside, 100, 200)


@pytest.mark.parametrize("censoring", ["moved", "died"])
def test_what_would_have_been_without_a_move_or_a_death_is_not_known(censoring):
    assert reward((censoring, 1, 120)) is None


@pytest.mark.parametrize("censoring", ["moved", "died"])
@pytest.mark.parametrize("then", [missed(150), ("meeting_held", 0, 150), ("left", 1, 150)])
def test_after_a_move_or_a_death_staying_away_says_nothing(censoring, then):
    assert reward((censoring, 1, 120), then) is None


@pytest.mark.parametrize("censoring", ["moved", "died"])
def test_a_move_or_a_death_explains_what_is_said_of_the_same_moment(censoring):
    assert reward(missed(150), ("left", 1, 150), (censoring, 1, 150)) is None


@pytest.mark.parametrize("censoring", ["moved", "died"])
@pytest.mark.parametrize(
    ("first", "earned"), [(came(110), 2 / 3), (missed(110), 0.0), (("left", 1, 110), 0.0)]
)
def test_what_was_known_before_a_move_or_a_death_stays(censoring, first, earned):
    assert reward(first, (censoring, 1, 120)) == pytest.approx(earned)


@pytest.mark.parametrize("censoring", ["moved", "died"])
def test_a_move_or_a_death_beyond_the_window_says_nothing(censoring):
    assert reward((censoring, 1, 201), came(150)) == pytest.approx(2 / 3)


def test_a_meeting_put_off_is_not_a_meeting_missed():
    assert reward(("meeting_postponed", 1, 150)) is None
    assert reward(("meeting_postponed", 1, 150), came(170)) == pytest.approx(2 / 3)


# --- outcomes of a whole group --------------------------------------------------------------------

DAY = 86_400_000


def of_group(outcome, *seen):
    """The outcome in a window of a hundred days, of signals as (kind, value, day, member)."""
    rows = [Seen(kind, value, int(day * DAY), member) for kind, value, day, member in seen]
    return outcome(rows, 0, 100 * DAY)


def together(day, *came):
    """Who came on a day, and who did not: names with a minus."""
    return [("attendance", int(name[0] != "-"), day, name.lstrip("-")) for name in came]


HELD, NOT_HELD = ("meeting_held", 1, 9, "g"), ("meeting_held", 0, 9, "g")


@pytest.mark.parametrize(
    ("seen", "earned"),
    [
        ([], None),
        ([HELD], 1),
        ([NOT_HELD], 0),
        (together(9, "a"), 1),  # somebody came, so it was held
        (together(9, "-a"), None),  # one who stayed away says nothing of the others
        ([NOT_HELD, ("meeting_held", 1, 40, "g")], 0),  # the next one counts, and no later one
        ([("meeting_held", 1, 101, "g")], None),
        ([("meeting_held", 1, 0, "g")], None),
    ],
)
def test_an_adviser_earns_the_next_meeting_that_is_held_and_reported(seen, earned):
    assert of_group(next_meeting_held, *seen) == earned


@pytest.mark.parametrize(
    ("seen", "earned"),
    [
        ([], None),
        ([HELD], None),  # held, and nobody said who came
        ([NOT_HELD], 0),
        ([HELD, *together(9, "a", "b", "c")], 1),
        (together(9, "a", "b", "c"), 1),
        ([HELD, *together(9, "a", "b", "-c")], 0),
        ([HELD, *together(9, "a", "a", "a")], 0),  # one person three times is one person
        ([HELD, *together(9, "a", "b"), *together(9.9, "c")], 1),  # reported in the evening
        ([HELD, *together(9, "a", "b"), *together(10.1, "c")], 0),  # another day's meeting
    ],
)
def test_a_group_earns_the_next_meeting_to_which_three_come(seen, earned):
    assert of_group(next_meeting_with_three, *seen) == earned


@given(st.permutations([HELD, *together(9, "a", "b", "c"), *together(40, "-a"), NOT_HELD]))
def test_a_group_outcome_does_not_depend_on_the_order_of_reports(seen):
    assert of_group(next_meeting_with_three, *seen) == 1
    assert of_group(next_meeting_held, *seen) == 1
