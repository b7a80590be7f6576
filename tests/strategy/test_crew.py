"""How much time a health worker has in a week, and who fills a visit that nobody makes."""

from datetime import date

import pytest

from engagement.bandits.restless.assignment import Places, Worker
from engagement.strategy.crew import away_in, fillers, minutes_in
from engagement.strategy.setup import HealthWorker, Leave

MONDAY = date(2026, 3, 9)


def worker(*leave):
    """Five hours a week, away on these days of March."""
    days = tuple(Leave(starts_on=date(2026, 3, a), ends_on=date(2026, 3, b)) for a, b in leave)
    return HealthWorker(id="asha", hours_a_week=5.0, leave=days)


@pytest.mark.parametrize(
    ("leave", "minutes"),
    [((), 300), (((9, 9),), 240), (((9, 13),), 0), (((14, 15),), 300), (((1, 10), (12, 12)), 120)],
    ids=str,
)
def test_each_working_day_on_leave_takes_a_fifth_of_the_hours(leave, minutes):
    assert minutes_in(worker(*leave), MONDAY) == minutes


def test_she_is_away_when_she_is_on_leave_on_every_working_day():
    assert [away_in(worker(days), MONDAY) for days in ((9, 13), (9, 12))] == [True, False]


def test_who_works_here_no_more_has_no_time_and_is_away():
    ended = HealthWorker(id="asha", hours_a_week=5.0, ended=True)
    assert (minutes_in(ended, MONDAY), away_in(ended, MONDAY)) == (0, True)


def able(name, minutes=45, languages=("hi",)):
    return Worker(name, frozenset({"hill"}), frozenset(languages), minutes, 45)


def line(*languages):
    return Places(tuple(f"g{n}" for n in range(len(languages))), ("hill",) * len(languages), tuple(languages))


def test_the_first_in_line_goes_first():
    assert fillers(line("hi", "hi"), [able("asha")]) == [(0, "asha")]


def test_whom_she_cannot_speak_with_is_passed_over():
    assert fillers(line("te", "hi"), [able("asha")]) == [(1, "asha")]


def test_time_for_two_visits_makes_two():
    assert fillers(line("hi", "hi", "hi"), [able("asha", minutes=90)]) == [(0, "asha"), (1, "asha")]


def test_nobody_is_filled_in_twice():
    assert fillers(line("hi"), [able("asha"), able("bina")]) == [(0, "asha")]


def test_without_time_nobody_goes():
    assert fillers(line("hi"), [able("asha", minutes=44)]) == []
