import importlib
import pkgutil

import pytest

from engagement import signals
from engagement.errors import Invalid
from engagement.signals.catalogue import BY_KIND, CATALOGUE, FAMILIES, admitted
from engagement.signals.goals import GOAL_MET, GOAL_SET
from engagement.signals.signal import Signal, may_see
from engagement.signals.tally import WEEKS

FILES = sorted(module.name for module in pkgutil.iter_modules(signals.__path__))


@pytest.mark.parametrize("file", FILES)
def test_every_signal_written_in_a_file_is_gathered(file):
    module = importlib.import_module(f"{signals.__name__}.{file}")
    written = {thing.kind for thing in vars(module).values() if isinstance(thing, Signal)}

    assert written - {signal.kind for signal in CATALOGUE} == set()


def test_the_families_are_among_the_files_walked():
    assert {family.__name__.rpartition(".")[2] for family in FAMILIES} <= set(FILES)


def test_kinds_are_unique():
    assert len({signal.kind for signal in CATALOGUE}) == len(CATALOGUE)


def test_codes_are_never_changed():
    assert {signal.kind: signal.code for signal in CATALOGUE} == {
        "meeting_held": 1,
        "attendance": 2,
        "goal_set": 3,
        "goal_met": 4,
        "stopped_messages": 5,
        "left": 6,
        "reminder_passed_on": 7,
        "health_worker_contact": 8,
        "meeting_expected": 9,
        "meeting_postponed": 10,
        "topic_suggested": 11,
        "topic_agreed": 12,
        "topic_changed": 13,
        "goal_partly_met": 14,
        "goal_not_followed_up": 15,
        "goal_dropped": 16,
        "clinic_follow_up": 17,
        "medicine_taken": 18,
        "pressure_controlled": 19,
        "glucose_controlled": 20,
        "message_delivered": 21,
        "message_read": 22,
        "message_replied": 23,
        "post_written": 24,
        "question_asked": 25,
        "question_answered": 26,
        "emotional_support": 27,
        "informational_support": 28,
        "super_user_lost": 29,
        "win_shared": 30,
        "motivation": 31,
        "family_support": 32,
        "family_sabotage": 33,
        "screening_answer": 34,
        "adviser_step": 35,
        "training_done": 36,
        "refresher_due": 37,
        "fund_contribution": 38,
        "absence_reason": 39,
        "ending_reason": 40,
        "moved": 41,
        "died": 42,
        "red_flag": 43,
        "distress": 44,
        "not_safe_at_home": 45,
        "complaint": 46,
        "harm": 47,
        "referral_answered": 48,
    }


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_the_range_is_that_of_the_unit(signal):
    first = 1 if signal.unit in {"event", "choice", "scale"} else 0
    last = {"yes_no": 1, "event": 1, "choice": len(signal.choices)}.get(signal.unit, signal.high)

    assert (signal.low, signal.high) == (first, last)


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_only_a_members_signal_is_added_to_the_group(signal):
    assert signal.level == "member" or not signal.in_group


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_words_are_the_values_of_a_choice_and_of_nothing_else(signal):
    assert bool(signal.choices) == (signal.unit == "choice")
    assert len(set(signal.choices)) == len(signal.choices)


def test_the_places_of_choices_are_stored_and_never_change():
    assert {signal.kind: signal.choices for signal in CATALOGUE if signal.choices} == {
        "goal_set": ("other", "food", "activity", "medicine", "doctor"),
        "topic_suggested": ("members", "adviser", "health_worker", "staff"),
        "topic_changed": ("members", "adviser", "health_worker", "staff"),
        "absence_reason": ("time", "place", "ill", "family", "money", "work", "forgot", "other"),
        "ending_reason": ("time", "place", "ill", "family", "money", "work", "forgot", "other"),
        "adviser_step": ("screened", "trained", "active", "tired", "stepped_down", "succeeded"),
        "training_done": ("disease", "own_practice", "leading_a_group", "refresher", "other"),
    }


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_no_more_weeks_are_kept_apart_than_are_read(signal):
    assert 0 <= signal.weeks <= WEEKS


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_somebody_can_know_of_it(signal):
    assert signal.reported_by


@pytest.mark.parametrize(
    "kind",
    [
        "family_sabotage",
        "family_support",
        "motivation",
        "pressure_controlled",
        "glucose_controlled",
        "clinic_follow_up",
        "medicine_taken",
        "absence_reason",
        "ending_reason",
        "red_flag",
        "distress",
        "not_safe_at_home",
        "complaint",
        "harm",
        "referral_answered",
    ],
)
def test_what_a_neighbour_must_not_learn_is_not_for_the_adviser_and_not_in_the_groups_sums(kind):
    assert not may_see("adviser", BY_KIND[kind].audience)
    assert not BY_KIND[kind].in_group


def test_a_fitting_signal_is_admitted():
    assert admitted("goal_met", "member", 0) is GOAL_MET


def test_an_unknown_kind_is_answered_with_its_near_matches():
    with pytest.raises(Invalid, match="attendance"):
        admitted("atendance", "member", 1)


def test_a_members_signal_is_not_admitted_for_a_group():
    with pytest.raises(Invalid, match="said of a member"):
        admitted("attendance", "group", 1)


@pytest.mark.parametrize(("kind", "value"), [("attendance", 2), ("attendance", -1), ("left", 0)])
def test_a_value_out_of_range_is_not_admitted(kind, value):
    with pytest.raises(Invalid, match="must be from"):
        admitted(kind, "member", value)


def test_a_choice_is_admitted_by_its_word():
    assert admitted("goal_set", "member", "medicine").number("medicine") == 4


def test_a_stored_choice_has_its_word_again():
    assert [GOAL_SET.word(GOAL_SET.number(word)) for word in GOAL_SET.choices] == list(GOAL_SET.choices)


def test_a_goal_of_which_only_the_fact_is_told_is_of_the_category_other():
    assert GOAL_SET.word(1) == "other"


@pytest.mark.parametrize(
    ("kind", "word"), [("goal_set", "sugar"), ("attendance", "yes"), ("motivation", "low")]
)
def test_a_word_that_is_no_choice_is_answered_with_what_it_can_be(kind, word):
    with pytest.raises(Invalid, match=r"it can be (other, food|a whole number)"):
        admitted(kind, "member", word)


def test_a_reporter_who_cannot_know_is_told_who_can():
    with pytest.raises(Invalid, match="cannot be known by adviser; it can by self, system"):
        admitted("motivation", "member", 3, "adviser")


def test_what_is_about_no_single_thing_takes_no_chain():
    with pytest.raises(Invalid, match="takes no `chain`"):
        admitted("attendance", "member", 1, chained=True)


def test_a_topic_needs_its_name():
    with pytest.raises(Invalid, match="needs a `chain`"):
        admitted("topic_agreed", "group", 1)


def test_a_goal_may_be_named_or_not():
    assert admitted("goal_met", "member", 1, chained=True) is admitted("goal_met", "member", 1)
