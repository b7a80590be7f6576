import importlib
import pkgutil

import pytest

from engagement import signals
from engagement.errors import Invalid
from engagement.signals.catalogue import CATALOGUE, FAMILIES, admitted
from engagement.signals.goals import GOAL_MET
from engagement.signals.signal import Signal

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
        "meeting_postponed": 9,
    }


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_the_range_is_that_of_the_unit(signal):
    allowed = {"yes_no": (0, 1), "event": (1, 1), "count": (0, signal.high)}

    assert (signal.low, signal.high) == allowed[signal.unit]


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_only_a_members_signal_is_added_to_the_group(signal):
    assert signal.level == "member" or not signal.in_group


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
