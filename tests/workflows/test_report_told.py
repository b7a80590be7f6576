"""Three sentences, each for what it may say."""

from datetime import date

import msgspec
import pytest

from engagement.estimators.each_action import ActionEffect, Size
from engagement.workflows.effects import ActionsFound
from engagement.workflows.fading import Fading, Reason
from engagement.workflows.gained import ArmGained, Gained
from engagement.workflows.logged import LeftOut
from engagement.workflows.report_told import headline, of_program, of_trial
from engagement.workflows.slices import Sliced
from engagement.workflows.trial_found import Analysis, ArmFound, ComparisonFound, Range

STATES = dict.fromkeys(("new", "thriving", "wavering", "dormant", "silent", "dissolved", "ended"), 0)
NOTHING = Fading((), (), ())
QUARTER = "the quarter of members who came least came to 25 of 100 meetings under learned, to 20 under alone."
END = "after the program's end"
NO_CAUSE = "Nothing was compared by lot here, so this report describes and shows no cause"


def arm(name: str, alive: float, months: float) -> ArmFound:
    blank = dict.fromkeys(ArmFound.__struct_fields__, 0)
    told = {
        "arm": name,
        "groups": 40,
        "alive": Range(alive, 0, 1),
        "months": Range(months, 0, 12),
        "curve": (),
    }
    return ArmFound(**blank | told)


def comparison(verdict: str = "better", **changes: object) -> ComparisonFound:
    made = ComparisonFound(
        "alone", "learned", Range(0.2, 0.05, 0.35), 0.05, verdict, 90, None,
        Range(90_000.0, 70_000.0, 110_000.0), Range(1.5, 0.5, 2.5), 60_000.0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def trial(*rows: ComparisonFound, primary: str = "alive_after_end") -> Analysis:
    return Analysis(
        "which", "Which?", date(2028, 1, 31), "group", primary, 12, "ab", {}, (), (),
        (arm("alone", 0.6, 7.5), arm("learned", 0.8, 9.0)), rows, None,
    )  # fmt: skip


def bought() -> Gained:
    quarters = {"alone": 0.2, "learned": 0.25}
    arms = (
        ArmGained(name, 9, 9.0, 9.0, None, None, None, Range(low, 0, 1), 0) for name, low in quarters.items()
    )
    return Gained(12, 2000, tuple(arms), ())


def test_a_clear_answer_has_its_size_its_range_and_its_price():
    assert of_trial(trial(comparison()), bought(), "INR") == (
        f"Of 100 groups under learned, 80 were alive 12 months {END}; of 100 under alone, 60.",
        "That is a difference of +20 groups of 100 (+5 to +35), which chance alone would rarely make.",
        f"Each further month of a living group cost 600.00 INR more; {QUARTER}",
    )


def test_months_lived_are_told_as_months():
    row = comparison(difference=Range(1.5, -0.5, 3.5))
    first, second, _ = of_trial(trial(row, primary="months_alive"), None, "INR")
    assert first.startswith("A group under learned lived 9.0 of the 12 months after")
    assert "+1.5 months (−0.5 to +3.5)" in second


def test_what_cannot_be_told_apart_says_how_many_groups_would_do():
    _, second, _ = of_trial(trial(comparison("not_enough_data")), bought(), "INR")
    assert second.endswith("that is not enough to tell them apart; about 90 groups in each arm would do.")
    _, second, _ = of_trial(trial(comparison("not_enough_data", clusters_needed=None)), None, "INR")
    assert second.endswith("that is not enough to tell them apart.")


def test_a_difference_too_small_to_matter_is_called_so():
    assert "too little to matter" in of_trial(trial(comparison("no_difference_that_matters")), None, "INR")[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"gain": Range(1.5, -0.5, 3.5)},
            "If the difference is real, each further month of a living group cost 600.00 INR more.",
        ),
        ({"ratio": None}, "learned cost 900.00 INR more a group."),
        ({"ratio": None, "cost": Range(-10.0, -20.0, 0.0)}, "learned cost no more than alone."),
        ({"ratio": -5.0, "cost": Range(-10.0, -20.0, 0.0)}, "learned cost no more than alone."),
        ({"ratio": None, "cost": None}, "What it cost is not known yet."),
    ],
)
def test_a_price_is_told_only_where_there_is_one(changes, words):
    assert of_trial(trial(comparison(**changes)), None, "INR")[2] == words


def test_before_anybody_was_followed_it_is_too_early():
    first, second, third = of_trial(trial(comparison(difference=None)), None, "INR")
    assert second == "Of 80 drawn, 0 are known to have dissolved."
    assert first.startswith(
        "It is too early to say which keeps groups going: no two arms were followed for 12"
    )
    assert third == "Until then no figure here should decide anything."


def test_a_decided_comparison_goes_before_a_larger_one_that_is_open():
    decided = comparison("worse", difference=Range(-0.1, -0.2, -0.01))
    open_one = comparison("not_enough_data", difference=Range(0.4, -0.1, 0.9))
    assert headline([open_one, decided]) is decided
    assert headline([]) is None


def test_without_a_trial_groups_are_counted_and_no_cause_is_claimed():
    states = STATES | {"thriving": 5, "dormant": 1, "silent": 2, "dissolved": 3}
    told = of_program(states, (), Fading((Reason("absence", "time", "urban", "running", 4),), (), ()))
    assert told == (
        "Of 11 groups, 6 are known to be alive, 3 have dissolved, and of 2 nothing is heard.",
        "No action has been tried by chance and followed up yet, so nobody knows what helps.",
        f"{NO_CAUSE}; the reason given most often for staying away or leaving is time.",
    )


def test_actions_that_can_be_told_from_nothing_are_named():
    sizes = {
        "call": Size(0.2, 0.1, 0.3, 0.01),
        "visit": Size(0.3, 0.1, 0.5, 0.01),
        "nag": Size(-0.2, -0.3, -0.1, 0.01),
    }
    rows = tuple(ActionEffect(name, 9, 9, 0, 9, 9, size) for name, size in sizes.items())
    found = ActionsFound(
        "s",
        "S",
        False,
        "difference",
        0.05,
        {},
        False,
        9,
        LeftOut(),
        (),
        rows,
        None,
        Sliced((), 0, None, None),
        (),
    )
    second = of_program(STATES | {"thriving": 1}, (found,), NOTHING)[1]
    assert second == (
        "At the next meeting call and visit earned more than doing nothing and nag earned less than doing "
        "nothing; of every other action that cannot be told."
    )
    open_ones = msgspec.structs.replace(found, effects=rows[:0])
    assert "Of no action can be told yet" in of_program(STATES, (open_ones,), NOTHING)[1]
