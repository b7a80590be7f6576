"""Where an adviser stands. Days count from the first Monday of 1970."""

import pytest

from engagement.signals.adviser import ADVISER_STEP, REFRESHER_DUE, TRAINING_DONE
from engagement.signals.advising import advising
from engagement.signals.tally import DAY_MS, EMPTY, Event, of

MONDAY_MS = 4 * DAY_MS


def known(*rows):
    """The state after (signal, day, value) reports."""
    return advising(
        of(
            Event(signal.code, signal.number(value), MONDAY_MS + day * DAY_MS, "app", f"{number}")
            for number, (signal, day, value) in enumerate(rows)
        )
    )


def test_of_whom_nothing_was_reported_nothing_is_known():
    assert advising(EMPTY) == (None, False, None, None, None)
    assert not advising(EMPTY).untrained


@pytest.mark.parametrize("step", ADVISER_STEP.choices)
def test_the_last_step_reported_is_where_somebody_stands(step):
    assert known((ADVISER_STEP, 1, "screened"), (ADVISER_STEP, 2, step)).step == step


@pytest.mark.parametrize(
    ("step", "trained"),
    [("screened", False), ("trained", True), ("active", True), ("tired", True), ("stepped_down", False)],
)
def test_steps_that_come_after_training_say_that_there_was_one(step, trained):
    assert known((ADVISER_STEP, 1, step)).trained == trained


def test_a_module_after_the_screening_is_a_step():
    assert known((ADVISER_STEP, 1, "screened"), (TRAINING_DONE, 2, "disease"))[:2] == ("trained", True)


def test_a_module_before_any_step_is_a_step():
    assert known((TRAINING_DONE, 2, "disease")).step == "trained"


def test_a_module_changes_nothing_for_who_is_tired():
    assert known((ADVISER_STEP, 1, "tired"), (TRAINING_DONE, 2, "refresher")).step == "tired"


def test_a_refresher_is_due_so_many_days_after_the_report():
    assert known((REFRESHER_DUE, 10, 180)).refresher_due_ms == MONDAY_MS + 190 * DAY_MS


@pytest.mark.parametrize(
    ("module", "day", "due"),
    [("refresher", 11, False), ("refresher", 9, True), ("disease", 11, True)],
)
def test_a_refresher_is_due_until_one_was_had(module, day, due):
    state = known((REFRESHER_DUE, 10, 180), (TRAINING_DONE, day, module))
    assert (state.refresher_due_ms is not None) == due


# --- who is untrained, and the usual refresher ----------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "untrained"),
    [
        ([], False),  # where nothing is reported nobody is called untrained
        ([(ADVISER_STEP, 1, "screened")], True),
        ([(ADVISER_STEP, 1, "active")], False),
        ([(ADVISER_STEP, 1, "stepped_down")], False),
        ([(ADVISER_STEP, 1, "screened"), (TRAINING_DONE, 2, "disease")], False),
        ([(TRAINING_DONE, 1, "disease"), (ADVISER_STEP, 2, "screened")], False),
        ([(REFRESHER_DUE, 1, 30)], False),
    ],
)
def test_only_who_was_screened_and_nothing_more_is_untrained(rows, untrained):
    assert known(*rows).untrained == untrained


@pytest.mark.parametrize(
    ("rows", "day"),
    [
        ([], None),
        ([(ADVISER_STEP, 1, "active")], None),
        ([(ADVISER_STEP, 3, "trained")], 3 + 365),
        ([(TRAINING_DONE, 4, "disease"), (ADVISER_STEP, 3, "trained")], 4 + 365),
        ([(TRAINING_DONE, 4, "disease"), (REFRESHER_DUE, 5, 90)], 5 + 90),
        ([(REFRESHER_DUE, 5, 90), (TRAINING_DONE, 6, "refresher")], 6 + 365),
    ],
)
def test_a_refresher_is_due_on_the_day_told_or_a_usual_time_after_the_last_training(rows, day):
    due_ms = None if day is None else MONDAY_MS + day * DAY_MS
    assert known(*rows).refresher_ms(365) == due_ms


@pytest.mark.parametrize(("step", "over"), [("tired", False), ("stepped_down", True), ("succeeded", True)])
def test_who_stepped_down_or_was_succeeded_has_handed_it_over(step, over):
    assert known((ADVISER_STEP, 1, step)).over == over
