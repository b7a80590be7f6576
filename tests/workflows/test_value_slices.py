"""For whom another strategy is worth more, on logs whose truth is known. Everybody is synthetic."""

import numpy as np
import pytest

from engagement.strategy.stratum import Stratum
from engagement.workflows.evaluation_told import slices_in_words
from engagement.workflows.strata import Known
from engagement.workflows.value_slices import FEW_GROUPS, LITTLE_COVER, lower_quarter, value_slices
from support.samples import sample

UNITS, TIMES, GROUPS = 240, 8, 30
UNIT = np.tile(np.arange(UNITS), TIMES)
GROUP = UNIT % GROUPS
URBAN = GROUP % 2 == 1
"""A call earns .8 in the country and .2 in town, nothing .5 everywhere: always calling helps the one only."""


def log(seed: int = 4):
    rng = np.random.default_rng(seed)
    action = rng.integers(0, 2, len(UNIT))
    reward = np.where(action == 1, np.where(URBAN, 0.2, 0.8), 0.5) + rng.uniform(-0.05, 0.05, len(UNIT))
    call = np.tile([0.0, 1.0], (len(UNIT), 1))
    return sample(action, reward, np.full(len(UNIT), 0.5), call, cluster=GROUP)


def known() -> list[Known]:
    """Setting by group; the first 60 units have too little time, the others were not asked."""
    towns = ["urban" if one else "rural" for one in URBAN]
    return [
        Known(Stratum(setting=town), frozenset({"time"}) if u < 60 else None)
        for town, u in zip(towns, UNIT, strict=True)
    ]


@pytest.fixture(scope="module")
def told():
    return value_slices(log(), known(), UNIT)


def row(told, name):
    return next(one for one in told.slices if one.name == name)


def test_the_value_of_each_kind_is_that_of_its_own_decisions_and_the_worst_is_named(told):
    here = log()
    for name, inside in (("urban", URBAN), ("rural", ~URBAN)):
        called = (here.action == 1) & inside
        assert row(told, name).value.value == pytest.approx(here.reward[called].mean())
        assert row(told, name).earned == pytest.approx(here.reward[inside].mean())
    assert (told.worst.fact, told.worst.name) == ("setting", "urban")


def test_whom_it_would_harm_is_named_and_whom_it_would_help_is_not(told):
    assert told.loses == ("setting urban", "the lower quarter")  # who were called most, in town
    gain = row(told, "rural").gain
    assert 0 < gain.low < 0.15 < gain.high  # (.8 − .5)/2


def test_a_barrier_is_a_kind_of_its_own(told):
    time = row(told, "time")
    assert (time.fact, time.units, time.decisions, time.groups) == ("barrier", 60, 480, 30)


def test_intervals_share_the_chance_of_a_miss(told):
    shown = len(told.slices) + 1  # and the lower quarter
    assert shown == 4
    assert told.shared == pytest.approx(0.05 / 4)
    alone = value_slices(log(), [Known(Stratum()) for _ in UNIT], UNIT)
    assert alone.shared == 0.05
    assert "98.75 %" in " ".join(slices_in_words(told))


def test_a_kind_of_few_groups_is_not_told_and_neither_is_one_the_log_does_not_cover():
    few = [
        one._replace(stratum=Stratum(sex="female" if g < 4 else "male"))
        for one, g in zip(known(), GROUP, strict=True)
    ]
    told = value_slices(log(), few, UNIT)
    assert [(one.name, one.why) for one in told.untold] == [("female", FEW_GROUPS)]
    thin = [Known(Stratum(age_band="70+" if u < 16 else "60-69")) for u in UNIT]  # some 64 of 128 called
    told = value_slices(log(), thin, UNIT)
    assert [(one.name, one.why) for one in told.untold] == [("70+", LITTLE_COVER)]
    assert "Not told: age band 70+, for the log says too little of this strategy there." in slices_in_words(
        told
    )


def test_the_lower_quarter_is_chosen_by_first_halves_and_holds_second_halves():
    # units 0…3 with rewards in order of time; 3 has one decision only
    units = np.array([0, 1, 2, 0, 1, 2, 0, 1, 3, 2, 0, 1])
    reward = [0.0, 1.0, 0.5, 0.2, 1.0, 0.5, 9.0, 0.0, 0.0, 0.5, 9.0, 0.0]
    # first halves: unit 0 → 0, .2; unit 1 → 1, 1; unit 2 → .5; the lowest of three is unit 0
    assert np.flatnonzero(lower_quarter(reward, units)).tolist() == [6, 10]


def test_where_nobody_has_two_decisions_there_is_no_lower_quarter_and_it_says_so():
    once = log()
    rows = np.arange(UNITS)
    first = once._replace(**{name: getattr(once, name)[rows] for name in once._fields})
    told = value_slices(first, known()[:UNITS], UNIT[:UNITS])
    assert told.quarter is None
    assert told.untold[-1].why == "nobody has two decisions that count"


def test_nobody_known_gives_no_worst():
    told = value_slices(log(), [Known(Stratum()) for _ in UNIT], UNIT)
    assert (told.slices, told.worst) == ((), None)
    assert told.quarter.units == UNITS // 4
