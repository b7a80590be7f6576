from datetime import UTC, datetime
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import Invalid
from engagement.signals.catalogue import BY_KIND, CATALOGUE
from engagement.signals.features import (
    ADVISER_FEATURES,
    BARRIERS,
    BY_NAME,
    DEFAULT_FEATURES,
    FEATURES,
    GROUP_FEATURES,
    columns,
    described,
    matrix,
)
from engagement.signals.picture import Picture
from engagement.signals.refinements import REFINEMENTS
from engagement.signals.signal import may_see
from engagement.signals.tally import EMPTY, WEEK_MS, Event, merged, of

HELD, ATTENDANCE, GOAL_MET = 1, 2, 4
NOW_MS = 100 * WEEK_MS
BLANK = Picture(EMPTY, EMPTY, "member", "unknown", "running", months_to_end=nan, dose=0.0)


def tally(code, *weeks_ago_and_value):
    return of(
        Event(code, value, NOW_MS - ago * WEEK_MS, "app", f"{number}")
        for number, (ago, value) in enumerate(weeks_ago_and_value)
    )


def value(name, **known):
    return matrix([BLANK._replace(**known)], [name], NOW_MS)[0, 1]


def test_there_is_a_row_a_picture_and_a_column_a_feature():
    assert matrix([BLANK] * 3, DEFAULT_FEATURES, NOW_MS).shape == (3, len(DEFAULT_FEATURES))


def test_nobody_gives_no_rows():
    assert matrix([], ["dose"], NOW_MS).shape == (0, 2)


def test_the_first_column_is_always_one():
    assert matrix([BLANK, BLANK], ["dose"], NOW_MS)[:, 0].tolist() == [1.0, 1.0]


def test_the_intercept_comes_first_wherever_it_is_named():
    assert columns(["dose", "intercept", "urban"]) == ("intercept", "dose", "urban")


def test_columns_keep_the_order_of_their_names():
    pictures = [BLANK._replace(role="adviser", dose=5.0), BLANK]

    assert matrix(pictures, ["dose", "adviser"], NOW_MS).tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("name", "unit", "code"),
    [
        ("attendance", "member", ATTENDANCE),
        ("goals_met", "member", GOAL_MET),
        ("group_attendance", "group", ATTENDANCE),
        ("group_held", "group", HELD),
    ],
)
def test_a_share_is_read_with_its_half_life_and_centred(name, unit, code):
    # Yes now and no one half-life (8 weeks) ago: 1 / (1 + ½) − ½.
    known = tally(code, (0, 1), (8, 0))

    assert value(name, **{unit: known}) == pytest.approx(2 / 3 - 1 / 2, abs=1e-15)


@pytest.mark.parametrize(("weeks", "expected"), [(0, 0.0), (3, 0.25), (12, 1.0), (40, 1.0)])
def test_weeks_since_contact_are_parts_of_twelve(weeks, expected):
    assert value("weeks_since_contact", member=tally(ATTENDANCE, (weeks, 1))) == expected


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("adviser", {"role": "adviser"}, 1.0),
        ("adviser", {"role": "deputy"}, 0.0),
        ("urban", {"setting": "urban"}, 1.0),
        ("urban", {"setting": "rural"}, 0.0),
        ("handover", {"phase": "handover"}, 1.0),
        ("handover", {"phase": "sustaining"}, 0.0),
        ("sustaining", {"phase": "sustaining"}, 1.0),
        ("sustaining", {"phase": "handover"}, 0.0),
        ("months_to_end", {"months_to_end": 3.0}, 0.25),
        ("months_to_end", {"months_to_end": -6.0}, -0.5),
        ("months_to_end", {"months_to_end": 30.0}, 1.0),
        ("months_to_end", {"months_to_end": -30.0}, -1.0),
        ("dose", {"dose": 2.5}, 0.5),
        ("dose", {"dose": 9.0}, 1.0),
        ("burden", {"burden": 3.0}, 0.2),
        ("burden", {"burden": 20.0}, 1.0),
        ("dose.call", {"doses": (("story", 4.0), ("call", 2.5))}, 0.5),
        ("dose.call", {"doses": (("call", 9.0),)}, 1.0),
        ("dose.call", {"doses": (("story", 4.0),)}, 0.0),
        ("context.steps", {"context": (("steps", 0.3),)}, 0.3),
        ("context.steps_missing", {"context": (("steps", 0.3),)}, 0.0),
    ],
)
def test_a_known_value_is_scaled(name, known, expected):
    assert value(name, **known) == expected


@pytest.mark.parametrize("year", [1970, 2026, 2028, 2099])
@pytest.mark.parametrize(("month", "expected"), [(1, (1, 0)), (4, (0, 1)), (7, (-1, 0)), (10, (0, -1))])
def test_the_season_goes_round_with_the_calendar(year, month, expected):
    at_ms = int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
    (season,) = matrix([BLANK], ["season_cos", "season_sin"], at_ms)[:, 1:]
    # quarters of the calendar are 90 to 92 days long, its years a day off the mean: within 3 days of 365
    assert season == pytest.approx(expected, abs=2 * np.pi * 3 / 365)


MISSING = {
    "attendance": "attendance_missing",
    "goals_met": "goals_met_missing",
    "weeks_since_contact": "weeks_since_contact_missing",
    "group_attendance": "group_attendance_missing",
    "group_held": "group_held_missing",
    "urban": "setting_missing",
    "months_to_end": "months_to_end_missing",
    "context.steps": "context.steps_missing",
} | {feature.name: f"{feature.name}_missing" for feature, _ in REFINEMENTS}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_known_is_a_neutral_zero(name):
    assert value(name) == 0.0


@pytest.mark.parametrize("name", MISSING.values())
def test_its_companion_says_that_it_is_not_known(name):
    assert value(name) == 1.0


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("attendance_missing", {"member": tally(ATTENDANCE, (0, 0))}),
        ("goals_met_missing", {"member": tally(GOAL_MET, (0, 0))}),
        ("weeks_since_contact_missing", {"member": tally(ATTENDANCE, (0, 1))}),
        ("group_attendance_missing", {"group": tally(ATTENDANCE, (0, 0))}),
        ("group_held_missing", {"group": tally(HELD, (0, 0))}),
        ("setting_missing", {"setting": "rural"}),
        ("months_to_end_missing", {"months_to_end": 0.0}),
    ],
)
def test_the_companion_of_a_known_value_is_zero(name, known):
    assert value(name, **known) == 0.0


def test_attendance_of_half_a_year_ago_is_not_known_any_more():
    assert value("attendance_missing", member=tally(ATTENDANCE, (26, 1))) == 1.0


@pytest.mark.parametrize(
    "name", ["atendance", "context.", "dose.", "context._missing", "my.context.steps", "mood_missing"]
)
def test_an_unknown_name_is_refused(name):
    with pytest.raises(Invalid, match="there is no feature"):
        columns([name])


def test_an_unknown_name_is_answered_with_its_near_matches():
    with pytest.raises(Invalid, match="did you mean attendance"):
        columns(["atendance"])


def test_a_name_given_twice_is_refused():
    with pytest.raises(Invalid, match="named twice: dose"):
        columns(["dose", "urban", "dose"])


def test_an_infinite_number_is_refused_by_name():
    with pytest.raises(Invalid, match=r"context\.steps"):
        matrix([BLANK._replace(context=(("steps", inf),))], ["context.steps"], NOW_MS)


def test_what_the_app_sends_is_for_the_staff():
    assert described("context.steps").audience == "staff"


@pytest.mark.parametrize("names", [DEFAULT_FEATURES, ADVISER_FEATURES, GROUP_FEATURES])
def test_every_default_feature_is_in_the_catalogue_once(names):
    assert columns(names) == names


def test_the_features_of_members_stay_those_that_beliefs_have_learned():
    assert DEFAULT_FEATURES == (
        "intercept",
        "attendance",
        "attendance_missing",
        "goals_met",
        "goals_met_missing",
        "weeks_since_contact",
        "weeks_since_contact_missing",
        "group_attendance",
        "group_attendance_missing",
        "adviser",
        "urban",
        "setting_missing",
        "sustaining",
        "dose",
    )


@pytest.mark.parametrize(
    "names", [DEFAULT_FEATURES, ADVISER_FEATURES, GROUP_FEATURES], ids=["member", "adviser", "group"]
)
def test_the_minimal_month_is_enough_for_every_default(names):
    # Every feature is there, and of what the minimal month does not say the companion is 1.
    month = merged(tally(HELD, (0, 1)), tally(ATTENDANCE, (0, 1)))
    made = matrix([BLANK._replace(member=month, group=month)], names, NOW_MS)[0]
    unknown = {name for name, number in zip(names, made, strict=True) if name.endswith("_missing") and number}

    assert np.isfinite(made).all()
    assert not unknown & {"attendance_missing", "group_attendance_missing", "group_held_missing"}


def said(*kind_ago_value):
    """A tally of (kind, weeks ago, value); a choice by its word."""
    return of(
        Event(BY_KIND[kind].code, BY_KIND[kind].number(value), NOW_MS - ago * WEEK_MS, "app", f"{number}")
        for number, (kind, ago, value) in enumerate(kind_ago_value)
    )


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        # Asked about now: 2 of 3; the one eight weeks ago is in nobody's eight weeks any more.
        (
            "goal_follow_up",
            [("goal_met", 0, 0), ("goal_partly_met", 0, 1), ("goal_not_followed_up", 0, 1)],
            1 / 6,
        ),
        ("goal_follow_up", [("goal_met", 0, 1), ("goal_not_followed_up", 8, 1)], 0.5),
        ("goal_follow_up", [("goal_met", 8, 1), ("goal_not_followed_up", 0, 1)], -0.5),
        # Taken now, not taken a half-life of four weeks ago: 1 / (1 + ½) − ½.
        ("medicine_taken", [("medicine_taken", 0, 1), ("medicine_taken", 4, 0)], 1 / 6),
        # Kept thirteen weeks ago, a half-life; missed now: ½ / (1 + ½) − ½.
        ("clinic_kept", [("clinic_follow_up", 13, 1), ("clinic_follow_up", 0, 0)], -1 / 6),
        ("messages_read", [("message_read", 0, 0)], -0.5),
        ("messages_replied", [("message_replied", 0, 1)], 0.5),
        ("pressure_controlled", [("pressure_controlled", 9, 1), ("pressure_controlled", 2, 0)], 0.0),
        ("glucose_controlled", [("glucose_controlled", 2, 1)], 1.0),
        ("motivation", [("motivation", 1, 4)], 0.25),
        ("motivation", [("motivation", 1, 1)], -0.5),
        ("family_support", [("family_support", 1, 1)], 1.0),
        ("sabotage", [("family_sabotage", 25, 1)], 1.0),
        ("win_shared", [("win_shared", 8, 1)], 0.5),
        ("community_active", [("post_written", 8, 1), ("question_answered", 4, 1)], 0.5),
        ("adviser_trained", [("adviser_step", 3, "screened"), ("training_done", 1, "disease")], 1.0),
        ("adviser_trained", [("adviser_step", 3, "screened")], 0.0),
        ("adviser_tired", [("adviser_step", 3, "active"), ("adviser_step", 1, "tired")], 1.0),
        ("refresher_due", [("refresher_due", 4, 28)], 1.0),
        ("refresher_due", [("refresher_due", 4, 29)], 0.0),
        ("group_goals_met", [("goal_met", 0, 1)], 0.5),
        ("group_goal_follow_up", [("goal_not_followed_up", 0, 1)], -0.5),
        ("group_agenda", [("topic_agreed", 8, 1)], 0.5),
        ("group_reminded", [("reminder_passed_on", 0, 0)], -0.5),
        ("group_wins", [("win_shared", 0, 1)], 1.0),
        ("group_fund", [("fund_contribution", 8, 5000), ("fund_contribution", 0, 0)], 0.5),
        ("group_adviser", [("adviser_step", 8, "tired")], 1.0),
        ("group_adviser", [("adviser_step", 8, "active"), ("adviser_step", 1, "stepped_down")], 0.0),
        ("group_adviser_tired", [("adviser_step", 8, "tired")], 1.0),
        (
            "group_activity",
            [("post_written", 0, 1), ("emotional_support", 4, 1), ("post_written", 5, 1)],
            0.02,
        ),
        (
            "group_answered",
            [("question_asked", 0, 1), ("question_asked", 1, 1), ("question_answered", 1, 1)],
            0.5,
        ),
        ("group_answered", [("question_asked", 0, 1)], 0.0),
        ("super_user_lost", [("super_user_lost", 13, 1)], 0.5),
        # Held 1 and came 0, with weights .4 and .4; goals are not known: 50 of 100.
        ("group_health", [("meeting_held", 0, 1), ("attendance", 0, 0)], 0.0),
        ("group_health", [("meeting_held", 0, 1)], 0.5),
    ],
)
def test_a_refinement_is_read_from_its_signals(name, rows, expected):
    unit = "group" if name.startswith("group_") or name == "super_user_lost" else "member"

    assert value(name, **{unit: said(*rows)}) == pytest.approx(expected, abs=1e-12)
    assert value(f"{name}_missing", **{unit: said(*rows)}) == 0.0


@pytest.mark.parametrize(
    ("name", "known"), [("adviser_tired", "tired"), ("group_adviser_tired", "leader_tired")]
)
def test_who_refuses_too_much_is_tired_whatever_was_said(name, known):
    assert (value(name, **{known: True}), value(f"{name}_missing", **{known: True})) == (1.0, 0.0)
    unit = "group" if name.startswith("group_") else "member"
    assert value(name, **{known: True, unit: said(("adviser_step", 1, "active"))}) == 1.0
    assert value(f"{name}_missing") == 1.0


@pytest.mark.parametrize("name", ["pressure_controlled", "motivation", "sabotage", "medicine_taken"])
def test_what_was_said_half_a_year_ago_is_not_known_any_more(name):
    kind = "family_sabotage" if name == "sabotage" else name

    assert value(f"{name}_missing", member=said((kind, 26, 1))) == 1.0


@pytest.mark.parametrize("name", ["sabotage", "family_support", "motivation", "pressure_controlled"])
@pytest.mark.parametrize("companion", ["", "_missing"])
def test_what_a_neighbour_must_not_learn_is_no_feature_for_the_adviser(name, companion):
    assert not may_see("adviser", described(name + companion).audience)


@pytest.mark.parametrize("name", [name for name in GROUP_FEATURES if name != "intercept"])
def test_a_group_is_seen_without_any_member(name):
    heard = of(
        Event(signal.code, signal.high, NOW_MS - WEEK_MS, "app", signal.kind)
        for signal in CATALOGUE
        if signal.level == "member"
    )

    assert value(name, member=heard) == value(name)


reports = st.sampled_from(CATALOGUE).flatmap(
    lambda signal: st.tuples(
        st.just(signal.kind), st.integers(-4, 60), st.integers(signal.low, min(signal.high, 10**9))
    )
)
tallies = st.lists(reports, max_size=24).map(lambda rows: said(*rows))
pictures = st.builds(
    Picture,
    member=tallies,
    group=tallies,
    role=st.sampled_from(["member", "adviser", "deputy"]),
    setting=st.sampled_from(["urban", "rural", "unknown"]),
    phase=st.sampled_from(["running", "handover", "sustaining"]),
    months_to_end=st.floats(allow_nan=True, allow_infinity=True),
    dose=st.floats(0, 1e6),
    burden=st.floats(0, 1e6),
)


@given(st.lists(pictures, max_size=4))
def test_every_feature_stays_in_its_range(seen):
    made = matrix(seen, tuple(BY_NAME), NOW_MS)

    assert (made >= [feature.low for feature in FEATURES]).all()
    assert (made <= [feature.high for feature in FEATURES]).all()


@given(st.lists(pictures, min_size=1, max_size=4))
def test_a_row_does_not_depend_on_its_batch(seen):
    together = matrix(seen, tuple(BY_NAME), NOW_MS)
    alone = np.vstack([matrix([picture], tuple(BY_NAME), NOW_MS) for picture in seen])

    assert (together == alone).all()


@pytest.mark.parametrize(
    ("barriers", "expected", "missing"),
    [
        ((("money", True),), 1.0, 0.0),
        ((("money", False),), 0.0, 0.0),
        ((("time", True),), 0.0, 1.0),
        ((), 0.0, 1.0),
    ],
)
def test_a_barrier_that_is_not_known_is_no_barrier_denied(barriers, expected, missing):
    assert value("barrier_money", barriers=barriers) == expected
    assert value("barrier_money_missing", barriers=barriers) == missing


@pytest.mark.parametrize("name", BARRIERS)
@pytest.mark.parametrize("reader", ["group", "adviser"])
def test_no_neighbour_sees_a_barrier(name, reader):
    for feature in (f"barrier_{name}", f"barrier_{name}_missing"):
        assert not may_see(reader, BY_NAME[feature].audience)
