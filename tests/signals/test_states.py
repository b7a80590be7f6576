"""How a group stands: each state by hand, and what silence can and cannot do.

A life is written in letters, one a month: H held, F failed (not held), f held with two present,
P postponed, U unreported, E still expected.
"""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.expected import Meeting
from engagement.signals.states import ALIVE, Life, Mood, life, standing

STATUS = {"H": "held", "F": "not_held", "f": "held", "P": "postponed", "U": "unreported", "E": "expected"}
STEADY = Mood(80.0, "steady")
lives = st.text("HFfPU", max_size=14)


def day(month):
    return date(2026 + month // 12, month % 12 + 1, 10)


def lived(letters):
    return [
        Meeting(
            day(month),
            STATUS[letter],
            {"H": 3, "f": 2}.get(letter),
            day(month) if letter in "HFfP" else None,
        )
        for month, letter in enumerate(letters)
    ]


def stands(letters, mood=STEADY, **more):
    return standing(lived(letters), mood, **more)


@pytest.mark.parametrize(
    ("letters", "state", "since"),
    [
        ("", "new", None),
        ("E", "new", None),
        ("U", "new", None),
        ("P", "new", None),
        ("H", "thriving", 0),
        ("FHH", "thriving", 1),
        ("HUH", "thriving", 0),
        ("HE", "thriving", 0),
        ("HHF", "wavering", 2),
        ("HHf", "wavering", 2),
        ("HFU", "wavering", 1),
        ("HFF", "dormant", 1),
        ("HFPf", "dormant", 1),
        ("HFFF", "dissolved", 1),
        ("HfFf", "dissolved", 1),
        ("HFPFUF", "dissolved", 1),
        ("HFFFFF", "dissolved", 1),
        ("HFFFUUU", "dissolved", 1),
        ("FFFH", "thriving", 3),
        ("UU", "silent", 0),
        ("HUUE", "silent", 1),
        ("HFFUU", "silent", 3),
        ("HUUUUUU", "silent", 1),
        ("HUUP", "thriving", 0),
        ("HUP", "thriving", 0),
    ],
)
def test_the_state_is_that_of_the_runs_at_the_end(letters, state, since):
    found = stands(letters)
    assert (found.state, found.since) == (state, None if since is None else day(since))


@pytest.mark.parametrize(
    ("mood", "state"),
    [
        (Mood(80.0, "rising"), "thriving"),
        (Mood(None, "unknown"), "thriving"),
        (Mood(50.0, "steady"), "thriving"),
        (Mood(49.9, "steady"), "wavering"),
        (Mood(80.0, "falling"), "wavering"),
    ],
)
def test_a_group_that_meets_wavers_when_its_index_is_low_or_falling(mood, state):
    assert stands("HH", mood).state == state


@pytest.mark.parametrize(("letters", "state"), [("HH", "ended"), ("HUU", "ended"), ("FFF", "dissolved")])
def test_a_group_the_program_ended_has_ended_unless_it_had_dissolved(letters, state):
    assert stands(letters, ended=True).state == state


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", Life(None, None, None, within=False)),
        ("HHUU", Life(day(0), day(1), None, within=False)),
        ("HFFF", Life(day(0), day(0), day(1), within=False)),
        ("HUUFFF", Life(day(0), day(0), day(3), within=True)),
        ("HPFFF", Life(day(0), day(0), day(2), within=False)),
        ("FFF", Life(day(0), None, day(0), within=False)),
    ],
)
def test_survival_sees_a_death_a_censoring_or_an_interval(letters, expected):
    assert life(lived(letters)) == expected


@given(lives)
def test_a_group_is_dissolved_by_three_known_failures_and_by_nothing_else(letters):
    known = letters.replace("U", "").replace("P", "")
    assert (stands(letters).state == "dissolved") == (known[-3:].upper() == "FFF")


@given(lives, st.integers(0, 14))
def test_an_unreported_meeting_never_moves_a_group_towards_dissolved(letters, place):
    assert stands(letters[:place] + "U" + letters[place:]).missed == stands(letters).missed


@given(st.text("HPUE", max_size=14))
def test_no_amount_of_silence_dissolves_a_group_that_never_failed(letters):
    assert stands(letters).state != "dissolved"
    assert life(lived(letters)).dissolved_on is None


@given(lives)
def test_a_group_is_alive_exactly_when_heard_of_and_not_dissolved(letters):
    found = stands(letters)
    heard_of = found.known_on is not None and found.unheard < 2
    assert (found.state in ALIVE) == (heard_of and found.missed < 3)


@given(lives)
def test_survival_and_state_agree_on_who_has_dissolved_and_when(letters):
    found = stands(letters)
    died = found.since if found.state == "dissolved" else None
    assert life(lived(letters)).dissolved_on == died
