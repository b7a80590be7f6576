"""Numbers and figures as the console writes and draws them."""

import re

import pytest

from engagement.api.console import numbers
from engagement.api.console.charts.draw import draw
from engagement.api.console.charts.rows import Axis, Interval, axis_of, chance, gap, interval
from engagement.api.console.charts.spark import Bar, spark
from engagement.api.console.charts.survival import WIDE, Arm, survival
from engagement.api.console.charts.svg import text


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (1234567, 0, "1\u202f234\u202f567"),
        (-0.5, 1, "−0.5"),
        (-0.04, 1, "0.0"),
        (0, 0, "0"),
        (12.345, 2, "12.35"),
    ],
)
def test_a_number_has_thin_spaces_and_a_true_minus(value: float, places: int, written: str) -> None:
    assert numbers.number(value, places) == written


@pytest.mark.parametrize(("value", "written"), [(3, "+3"), (-3, "−3"), (0, "±0"), (0.04, "±0")])
def test_a_difference_has_its_sign(value: float, written: str) -> None:
    assert numbers.signed(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0.00"), (0.001, "<0.01"), (0.5, "0.50"), (0.999, ">0.99"), (1.0, "1.00")]
)
def test_a_chance_is_none_or_certain_only_where_it_is(value: float, written: str) -> None:
    assert numbers.chance(value) == written


def test_a_hyphen_before_a_number_becomes_a_minus_and_no_other() -> None:
    assert (
        numbers.true_minus("(-165 to +265), 2026-10, well-being -1")
        == "(−165 to +265), 2026-10, well-being −1"
    )


@pytest.mark.parametrize("values", [[0.3], [-12, 19], [1e-6], [0, 0], [], [-0.002, 0.001], [1234]])
def test_an_axis_holds_all_values_between_round_ticks(values: list[float]) -> None:
    scale = axis_of(values)
    assert scale.low < min([0, *values]) <= max([0, *values]) < scale.high
    assert 2 <= len(scale.ticks) <= 8
    steps = {round(b - a, 9) for a, b in zip(scale.ticks, scale.ticks[1:], strict=False)}
    assert len(steps) == 1
    assert f"{steps.pop():.0e}"[0] in "125"


def test_what_lies_beyond_an_axis_stands_at_its_end() -> None:
    assert (Axis(0, 1, (0, 1)).at(-3), Axis(0, 1, (0, 1)).at(7)) == (0.0, 1.0)


def test_an_interval_stands_where_its_figures_are() -> None:
    drawn = interval(Interval(50, 25, 75, 0, 100), Axis(0, 100, (0, 100)), "half")
    assert 'cx="50%"' in drawn
    assert ('x1="25%"' in drawn, 'x2="75%"' in drawn, 'x1="0%"' in drawn, 'x2="100%"' in drawn) == (True,) * 4


def test_a_probability_is_a_bar_with_its_floor() -> None:
    drawn = chance(0.3, 0.6, "three in ten", 0.06)
    assert 'width="50%"' in drawn
    assert 'x1="10%"' in drawn
    assert 'aria-label="three in ten"' in drawn


def test_a_gap_outside_its_limit_is_orange() -> None:
    assert "c-verm" in gap(4.1, 4, "")
    assert "c-verm" not in gap(3.9, 4, "")


def test_the_number_stands_in_the_part_that_was_drawn() -> None:
    drawn = draw([("nothing", 0.25), ("call", 0.75)], 0.5, "call", "u fell into call")
    assert 'x1="50%"' in drawn
    assert re.search(r'c-blue"><rect x="25%"', drawn)


def test_a_failed_meeting_is_a_short_orange_bar_and_an_unheard_one_none() -> None:
    months = [Bar(8, True, False), Bar(0, False, False), Bar(2, True, True), Bar(None, False, True)]
    drawn = spark(months, "a group")
    assert re.findall(r'd="([^"]+)" class="f (c-\w+)"', drawn) == [
        ("M0 5.8h19.6v19.2h-19.6z", "c-grey"),
        ("M28 27h19.6v3h-19.6zM56 27h19.6v3h-19.6z", "c-verm"),
    ]
    assert 'class="end"' in drawn


def test_arms_that_end_alike_are_named_apart() -> None:
    arms = [Arm("one", [(0, 1.0), (3, 0.5)], "half"), Arm("two", [(0, 1.0), (4, 0.5)], "half")]
    drawn = survival(arms, 12.0, "two arms", "months", "12 months", WIDE)
    places = [float(y) for y in re.findall(r'y="([\d.]+)" class="f ts">(?:one|two)', drawn)]
    assert abs(places[0] - places[1]) >= 28


def test_words_in_a_figure_are_escaped() -> None:
    assert text(0, 0, "<b>&", "t") == '<text x="0" y="0" class="t">&lt;b&gt;&amp;</text>'
