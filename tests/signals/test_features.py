from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import Invalid
from engagement.signals.features import (
    BARRIERS,
    BY_NAME,
    DEFAULT_FEATURES,
    FEATURES,
    columns,
    described,
    matrix,
)
from engagement.signals.picture import Picture
from engagement.signals.signal import may_see
from engagement.signals.tally import EMPTY, WEEK_MS, Event, of

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
        ("context.steps", {"context": (("steps", 0.3),)}, 0.3),
        ("context.steps_missing", {"context": (("steps", 0.3),)}, 0.0),
    ],
)
def test_a_known_value_is_scaled(name, known, expected):
    assert value(name, **known) == expected


MISSING = {
    "attendance": "attendance_missing",
    "goals_met": "goals_met_missing",
    "weeks_since_contact": "weeks_since_contact_missing",
    "group_attendance": "group_attendance_missing",
    "group_held": "group_held_missing",
    "urban": "setting_missing",
    "months_to_end": "months_to_end_missing",
    "context.steps": "context.steps_missing",
}


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
    "name", ["atendance", "context.", "context._missing", "my.context.steps", "mood_missing"]
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


def test_every_default_feature_is_in_the_catalogue():
    assert set(DEFAULT_FEATURES) <= set(BY_NAME)


reports = st.lists(st.tuples(st.integers(-4, 60), st.integers(0, 1)), max_size=12)
pictures = st.builds(
    Picture,
    member=st.builds(lambda rows: tally(ATTENDANCE, *rows), reports),
    group=st.builds(lambda rows: tally(HELD, *rows), reports),
    role=st.sampled_from(["member", "adviser", "deputy"]),
    setting=st.sampled_from(["urban", "rural", "unknown"]),
    phase=st.sampled_from(["running", "handover", "sustaining"]),
    months_to_end=st.floats(allow_nan=True, allow_infinity=True),
    dose=st.floats(0, 1e6),
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
