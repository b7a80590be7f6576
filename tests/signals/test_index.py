import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.index import of_adviser, of_group, of_member
from engagement.signals.signal import Audience
from engagement.signals.tally import EMPTY, WEEK_MS, Event, of

HELD, ATTENDANCE, GOAL_SET, GOAL_MET, REMINDED, VISIT, IGNORED = 1, 2, 3, 4, 7, 8, 15
NOW_MS = 100 * WEEK_MS


def tally(*code_ago_value):
    return of(
        Event(code, value, NOW_MS - ago * WEEK_MS, "app", f"{number}")
        for number, (code, ago, value) in enumerate(code_ago_value)
    )


def run(code, values, every=4):
    """Values at meetings a month apart, the newest first."""
    return [(code, every * number, value) for number, value in enumerate(values)]


def part(index, name):
    return next(part for part in index.parts if part.name == name)


def said(of_unit, name, *code_ago_value):
    return part(of_unit(tally(*code_ago_value), NOW_MS), name).sentence


@pytest.mark.parametrize("of_unit", [of_member, of_group, of_adviser])
def test_nothing_known_is_no_index(of_unit):
    assert of_unit(EMPTY, NOW_MS).value is None


@pytest.mark.parametrize("of_unit", [of_member, of_group, of_adviser])
def test_nothing_known_makes_every_part_missing(of_unit):
    assert all(part.missing for part in of_unit(EMPTY, NOW_MS).parts)


def test_a_member_who_does_everything_now_is_at_100():
    assert of_member(tally((ATTENDANCE, 0, 1), (GOAL_MET, 0, 1)), NOW_MS).value == 100.0


def test_a_member_who_stayed_away_and_missed_the_goal_is_at_0():
    assert of_member(tally((ATTENDANCE, 0, 0), (GOAL_MET, 0, 0)), NOW_MS).value == 0.0


def test_an_advisers_index_is_the_weighted_mean_of_its_parts():
    # Held, the reminder not passed on, one of two goals asked about: ½·1 + ¼·0 + ¼·½.
    known = tally((HELD, 0, 1), (REMINDED, 0, 0), (GOAL_MET, 0, 0), (IGNORED, 0, 1))

    assert of_adviser(known, NOW_MS).value == pytest.approx(62.5, abs=1e-12)


def test_a_goal_missed_is_no_failure_of_the_adviser_who_asked_about_it():
    assert of_adviser(tally((GOAL_MET, 0, 0)), NOW_MS).value == 100.0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "Nothing is known of reminders in the last 26 weeks"),
        ([(REMINDED, 4, 0), (REMINDED, 0, 1)], "Passed the last reminder on"),
        ([(REMINDED, 0, 0)], "The last reminder was not passed on"),
        ([(REMINDED, 26, 1)], "Nothing is known of reminders in the last 26 weeks"),
    ],
)
def test_a_sentence_says_whether_the_last_reminder_was_passed_on(rows, words):
    assert said(of_adviser, "reminded", *rows) == words


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "No goal is known to have been due in the last eight weeks"),
        (
            [(GOAL_MET, 0, 0), (IGNORED, 0, 1), (IGNORED, 0, 1), (GOAL_MET, 0, 1)],
            "Asked about 50 in 100 goals lately",
        ),
        ([(GOAL_MET, 8, 1)], "No goal is known to have been due in the last eight weeks"),
    ],
)
def test_a_sentence_says_how_many_goals_were_asked_about(rows, words):
    assert said(of_adviser, "asked", *rows) == words


def test_a_members_index_is_the_weighted_mean_of_its_parts():
    # Came once of one, one half-life (8 weeks) ago, the goal missed today, a contact of ½:
    # (½·1 + ¼·0 + ¼·½) / 1.
    known = tally((ATTENDANCE, 8, 1), (GOAL_MET, 0, 0))

    assert of_member(known, NOW_MS).value == pytest.approx(62.5, abs=1e-12)


def test_a_missing_part_takes_its_weight_with_it():
    # Without goals: (½·1 + ¼·½) / ¾ = 5/6.
    assert of_member(tally((ATTENDANCE, 8, 1)), NOW_MS).value == pytest.approx(100 * 5 / 6, abs=1e-12)


def test_a_groups_index_is_the_weighted_mean_of_its_parts():
    # Held, one of two came, none of one goal met: (0.4·1 + 0.4·½ + 0.2·0) / 1.
    known = tally((HELD, 0, 1), (ATTENDANCE, 0, 1), (ATTENDANCE, 0, 0), (GOAL_MET, 0, 0))

    assert of_group(known, NOW_MS).value == pytest.approx(60.0, abs=1e-12)


@pytest.mark.parametrize("of_unit", [of_member, of_group])
def test_the_minimal_month_leaves_no_part_missing(of_unit):
    known = tally((HELD, 0, 1), (ATTENDANCE, 0, 1), (GOAL_MET, 0, 1))

    assert not any(part.missing for part in of_unit(known, NOW_MS).parts)


def test_contact_is_as_fresh_as_the_freshest_kind():
    known = tally((ATTENDANCE, 16, 1), (VISIT, 8, 1))

    assert part(of_member(known, NOW_MS), "contact").value == 0.5


def test_staying_away_makes_contact_none_and_not_missing():
    assert part(of_member(tally((ATTENDANCE, 0, 0)), NOW_MS), "contact").value == 0.0


@pytest.mark.parametrize(
    ("values", "trend"),
    [
        ([1, 1, 1, 1, 1], "steady"),
        ([0, 0, 1, 1, 1], "falling"),
        ([1, 1, 0, 0, 0], "rising"),
        ([1, 1], "unknown"),  # nothing was reported eight weeks ago
    ],
)
def test_the_trend_compares_with_eight_weeks_ago(values, trend):
    assert of_member(tally(*run(ATTENDANCE, values)), NOW_MS).trend == trend


def test_the_trend_leaves_out_what_was_not_known_before():
    # Goals are new and all missed; attendance, the only thing known both times, is as it was.
    known = tally(*run(ATTENDANCE, [1, 1, 1, 1, 1]), (GOAL_MET, 0, 0))

    assert of_member(known, NOW_MS).trend == "steady"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, 0, 1, 1], "Came to 3 of the last 4 meetings"),
        ([1, 1, 1, 1, 0], "Came to all of the last 4 meetings"),
        ([0, 0], "Stayed away from the last 2 meetings"),
        ([1], "Came to the last meeting"),
        ([0], "Stayed away from the last meeting"),
        ([], "No meeting is known to have been expected in the last 26 weeks"),
    ],
)
def test_attendance_is_said_in_meetings(values, sentence):
    assert said(of_member, "attendance", *run(ATTENDANCE, values)) == sentence


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, 0, 1], "Met 2 of the last 3 goals"),
        ([1, 1], "Met all of the last 2 goals"),
        ([0, 0, 0], "None of the last 3 goals was met"),
        ([1], "Met the last goal"),
        ([0], "The last goal was not met"),
        ([], "No goal was followed up in the last 26 weeks"),
    ],
)
def test_goals_are_said_one_by_one(values, sentence):
    assert said(of_member, "goals", *run(GOAL_MET, values)) == sentence


@pytest.mark.parametrize(
    ("reports", "sentence"),
    [
        ([(ATTENDANCE, 0, 1)], "Heard from this week"),
        ([(VISIT, 1, 1), (ATTENDANCE, 9, 1)], "Heard from last week"),
        ([(GOAL_SET, 5, 1), (ATTENDANCE, 0, 0)], "Last heard from 5 weeks ago"),
        ([(VISIT, 0, 0)], "Not heard from in the last 26 weeks"),
        ([], "Nothing is known of any contact"),
    ],
)
def test_contact_is_said_in_weeks(reports, sentence):
    assert said(of_member, "contact", *reports) == sentence


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, 0, 1], "Held 2 of the last 3 meetings"),
        ([1, 1], "Held all of the last 2 meetings"),
        ([0, 0], "None of the last 2 meetings was held"),
        ([1], "The last meeting was held"),
        ([0], "The last meeting was not held"),
        ([], "No meeting was reported in the last 26 weeks"),
    ],
)
def test_meetings_held_are_said_one_by_one(values, sentence):
    assert said(of_group, "held", *run(HELD, values)) == sentence


def test_a_group_says_how_many_came():
    reports = [(ATTENDANCE, 2, value) for value in (1, 1, 0)] + [(ATTENDANCE, 6, 1)]

    assert said(of_group, "came", *reports) == "2 of 3 came in the latest week with a meeting"


def test_a_group_says_how_many_goals_were_met():
    reports = [(GOAL_MET, 2, value) for value in (1, 0, 0)]

    assert said(of_group, "goals", *reports) == "1 of 3 goals met in the latest week with a follow-up"


def test_a_meeting_of_more_than_26_weeks_ago_is_not_spoken_of():
    assert (
        said(of_member, "attendance", (ATTENDANCE, 0, 1), (ATTENDANCE, 26, 0)) == "Came to the last meeting"
    )


def test_a_meeting_ahead_is_not_spoken_of():
    assert (
        said(of_member, "attendance", (ATTENDANCE, 0, 1), (ATTENDANCE, -1, 0)) == "Came to the last meeting"
    )


def test_a_visit_is_not_shown_to_the_neighbours():
    assert part(of_member(EMPTY, NOW_MS), "contact").audience not in {"group", "adviser"}


reported = st.lists(
    st.tuples(st.sampled_from([HELD, ATTENDANCE, GOAL_MET, VISIT]), st.integers(-4, 60), st.integers(0, 1)),
    max_size=30,
)
UNSAID = re.compile(r"%|fail|default|complian|absent|algorithm", re.IGNORECASE)


@pytest.mark.parametrize("of_unit", [of_member, of_group])
@given(reports=reported)
def test_an_index_is_from_0_to_100_or_none(of_unit, reports):
    value = of_unit(tally(*reports), NOW_MS).value

    assert value is None or 0.0 <= value <= 100.0 + 1e-9  # a weighted mean, to rounding


@pytest.mark.parametrize("of_unit", [of_member, of_group])
@given(reports=reported)
def test_no_sentence_speaks_in_percentages_or_reproaches(of_unit, reports):
    assert not any(UNSAID.search(part.sentence) for part in of_unit(tally(*reports), NOW_MS).parts)


@pytest.mark.parametrize("of_unit", [of_member, of_group])
def test_every_part_names_its_audience(of_unit):
    assert {part.audience for part in of_unit(EMPTY, NOW_MS).parts} <= set(get_args(Audience))


@pytest.mark.parametrize("of_unit", [of_member, of_group, of_adviser])
def test_the_weights_of_the_parts_sum_to_one(of_unit):
    assert sum(part.weight for part in of_unit(EMPTY, NOW_MS).parts) == pytest.approx(1.0, abs=1e-15)
