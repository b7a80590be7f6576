"""The score of who could lead a group, by hand. Weights add up to 20."""

from math import sqrt

import msgspec
import pytest

from engagement.signals.reading import Counted
from engagement.strategy.screening import (
    PARTS,
    Known,
    Ranked,
    Screened,
    Screening,
    ScreeningWeights,
    in_order,
    pool_of,
    screened,
)

RULES = Screening()
NOBODY = pool_of([], RULES.strength)


def of(yes: int, reports: int) -> Counted:
    """Reports of today, which weigh 1 each."""
    return Counted(yes, reports, yes, reports)


def known(
    odds: int = 0, controlled: bool | None = None, willing: bool | None = None, **parts: Counted
) -> Known:
    return Known(tuple(parts.get(name, Counted()) for name in PARTS), odds, controlled, willing)


def test_of_whom_nothing_is_known_the_score_is_the_middle_and_says_how_little_that_is():
    found = screened(known(), NOBODY, RULES)
    assert found.score == 50
    # each share has the sd √(¼/5); weights 6 · ½, 3, 4, 2, 3, 1, 1: their squares add up to 49
    assert found.sd == pytest.approx(100 * sqrt(49) * sqrt(0.25 / 5) / 20)


def test_coming_six_times_of_six_counts_as_eight_of_ten():
    found = screened(known(attendance=of(6, 6)), NOBODY, RULES)
    # (4 · ½ + 6) / 10 = 0.8 in place of ½, with a weight of 4 of 20
    assert found.score == pytest.approx(100 * (10 + 4 * 0.3) / 20)
    assert found.reports == 6


def test_one_good_month_does_not_beat_half_a_year_of_them():
    once, often = (screened(known(attendance=of(n, n)), NOBODY, RULES).score for n in (1, 6))
    steady = screened(known(attendance=of(5, 6)), NOBODY, RULES).score
    assert once < steady < often


def test_the_usual_score_is_that_of_the_pool_with_control_in_the_middle():
    pool = pool_of([known(attendance=of(8, 8), control=of(8, 8))], RULES.strength)
    # attendance 9 / 10 with a weight of 4 of 20, all else ½
    found = screened(known(), pool, RULES)
    assert found.score == found.usual == pytest.approx(100 * (10 + 4 * 0.4) / 20)


def test_more_reports_are_more_certain():
    few, many = (screened(known(attendance=of(n, 2 * n)), NOBODY, RULES).sd for n in (1, 10))
    assert many < few


def test_the_pool_says_what_is_usual():
    pool = pool_of([known(attendance=of(1, 4)), known(attendance=of(2, 4))], RULES.strength)
    # Beta(1, 1) and 3 of 8
    assert pool.mean("attendance", 0) == pytest.approx(4 / 10)
    assert pool.mean("goals", 0) == 0.5


def test_under_control_against_the_odds_counts_for_more_than_with_nothing_against_one():
    pool = pool_of([known(0, control=of(8, 8)), known(2, control=of(0, 8))], RULES.strength)
    # all together ½; by odds (4 · ½ + 8) / 12 and (4 · ½ + 0) / 12
    assert (pool.mean("control", 0), pool.mean("control", 2)) == pytest.approx((10 / 12, 2 / 12))
    easy, hard = (screened(known(odds, control=of(3, 3)), pool, RULES).parts[0] for odds in (0, 2))
    # c = (4e + 3) / 7, value = ½ + ½ (c − e)
    assert easy.value == pytest.approx(0.5 + 0.5 * ((4 * 10 / 12 + 3) / 7 - 10 / 12))
    assert hard.value == pytest.approx(0.5 + 0.5 * ((4 * 2 / 12 + 3) / 7 - 2 / 12))
    assert hard.value > easy.value > 0.5


def test_three_odds_and_more_count_alike():
    pool = pool_of([known(3, control=of(8, 8))], RULES.strength)
    assert pool.mean("control", 3) == pool.mean("control", 9) > pool.mean("control", 2)


def test_not_under_control_is_below_the_middle():
    assert screened(known(control=of(0, 3)), NOBODY, RULES).parts[0].value < 0.5


def test_weights_are_the_program_s():
    only = ScreeningWeights(**dict.fromkeys(PARTS, 0.0) | {"goals": 2.0})
    rules = msgspec.structs.replace(RULES, weights=only)
    assert screened(known(goals=of(6, 6), attendance=of(0, 9)), NOBODY, rules).score == pytest.approx(80)


def test_a_score_of_nothing_is_refused():
    with pytest.raises(ValueError, match="every weight"):
        ScreeningWeights(**dict.fromkeys(PARTS, 0.0))


def test_a_question_counts_for_one_thing():
    with pytest.raises(ValueError, match="`lives_near`"):
        Screening(willing=("lives_near",), near=("lives_near",))


# --- who is proposed ------------------------------------------------------------------------------

ENOUGH = {"attendance": of(4, 4)}


@pytest.mark.parametrize(
    ("person", "more", "bar"),
    [
        (known(**ENOUGH), {}, None),
        (known(True, **ENOUGH), {}, None),
        (known(attendance=of(2, 4)), {}, "not_above"),
        (known(attendance=of(3, 3)), {}, "few_reports"),
        (known(willingness=of(9, 9), nearness=of(9, 9)), {}, "few_reports"),
        (known(controlled=False, **ENOUGH), {}, "not_controlled"),
        (known(willing=False, controlled=False, **ENOUGH), {}, "not_willing"),
        (known(willing=False, **ENOUGH), {"handed_over": True}, "handed_over"),
        (known(**ENOUGH), {"not_now": True, "no_messages": True, "handed_over": True}, "not_now"),
        (known(**ENOUGH), {"no_messages": True, "handed_over": True}, "no_messages"),
    ],
)
def test_what_stands_against_asking_somebody(person, more, bar):
    assert screened(person, NOBODY, RULES, **more).bar == bar


def ranked(seat: int, score: float, bar: str | None = None, *, deputy: bool = False) -> Ranked:
    return Ranked(seat, deputy, Screened(score, 1.0, (), 9, 50.0, bar))


def test_a_deputy_is_asked_first_then_who_scores_highest_and_of_equals_the_lower_seat():
    people = [
        ranked(2, 60),
        ranked(3, 90, "not_controlled"),
        ranked(4, 70),
        ranked(5, 40, "few_reports", deputy=True),
        ranked(6, 70),
    ]
    assert [people[place].seat for place in in_order(people)] == [5, 4, 6, 2, 3]


@pytest.mark.parametrize("bar", ["not_now", "no_messages", "handed_over", "not_willing"])
def test_a_deputy_s_own_no_is_heard(bar):
    people = [ranked(2, 60), ranked(5, 90, bar, deputy=True)]
    assert [people[place].seat for place in in_order(people)] == [2, 5]
    assert not people[1].proposed
