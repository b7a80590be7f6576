"""What a declared trial would find: how it is drawn and lived, arithmetic by hand, and what is refused."""

from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engagement.cli import main
from engagement.errors import Invalid, NotFound
from engagement.simulation.peer_group import PeerGroup
from engagement.simulation.registry import WORLDS, World, begin
from engagement.simulation.stress import NoEffect
from engagement.strategy.setup import Site
from engagement.strategy.strategy import Outcome
from engagement.strategy.trial import Protocol, SteppedWedge, Trial, TrialCondition, WaitingList
from engagement.workflows.program import TEMPLATES, Template, template
from engagement.workflows.study_workers import across
from engagement.workflows.trial_found import ComparisonFound, Range
from engagement.workflows.trial_power import (
    PowerQuestion,
    Repeat,
    _alike,
    _power,
    design,
    found,
    in_words,
    powered,
    repeat,
    share,
)

START, END = date(2027, 1, 1), date(2027, 4, 30)
NCD = template("ncd-peer-groups")
LEARNED = next(one for one in NCD.strategies if one.id == "learned")
EVEN = next(one for one in NCD.strategies if one.id == "even")
TRIAL = Trial(
    id="which",
    title="Which?",
    conditions=(
        TrialCondition(id="alone", title="Alone"),
        TrialCondition(id="even", title="Even", strategies=("even",)),
    ),
    starts_on=START,
    protocol=Protocol(horizon_months=3, smallest_difference=0.2),
)
PLAN = msgspec.structs.replace(NCD, sites=(Site(id="s", title="S", ends_on=END),), trials=(TRIAL,))


def declared(**changes: object) -> Template:
    return msgspec.structs.replace(PLAN, trials=(msgspec.structs.replace(TRIAL, **changes),))


def question(plan: Template = PLAN, **changes: object) -> PowerQuestion:
    return PowerQuestion(plan, "which", WORLDS[0], 8, silence=0.0)._replace(**changes)


def compared(value: float, verdict: str, reach: float = 0.2) -> ComparisonFound:
    told = Range(value, value - reach, value + reach)
    return ComparisonFound("alone", "even", told, 0.05, verdict, None, None, None, None, None)


# --- what is declared ---------------------------------------------------------------------------------


def test_the_trial_lasts_from_its_start_to_where_the_horizon_can_be_seen():
    made = design(question())
    assert made.setting.size.months_running == 4
    assert made.setting.size.months_after == 3 + 4


def test_arms_cross_when_the_file_says():
    waiting = declared(design=WaitingList(crosses_on=date(2027, 3, 1)))
    under = design(question(waiting)).under
    assert under["at-once"] == ("even",) * 11
    assert under["waiting"] == ("alone",) * 2 + ("even",) * 9
    stepped = declared(design=SteppedWedge(steps=(date(2027, 2, 1), date(2027, 4, 1)), never=True))
    under = design(question(stepped)).under
    assert [under[arm].count("even") for arm in ("step-1", "step-2", "never")] == [10, 8, 0]


def test_a_trial_that_crosses_over_is_lived_and_analysed():
    waiting = declared(design=WaitingList(crosses_on=date(2027, 3, 1)))
    [row] = found(design(question(waiting)), WORLDS[0], 1)
    assert (row.first, row.second) == ("waiting", "at-once")


def test_whole_catchments_are_drawn():
    made = design(question(declared(unit="catchment"), groups=18, per_unit=4))
    assert (made.units, made.groups) == (4, 16)
    [row] = found(made, WORLDS[0], 1)
    assert row.difference is not None


def test_groups_of_a_unit_are_alike_and_as_far_apart_as_before():
    made = design(question(declared(unit="catchment"), groups=4_000, per_unit=2))
    cluster = np.repeat(np.arange(made.units), 2)
    state = begin(made.world, made.groups, 3, 2, 1)
    leaning = _alike(made, cluster, 1, state).group_leaning
    sd = PeerGroup().sd_group
    # 2,000 pairs: the standard error of a correlation of .5 is .017, that of a standard deviation .003
    assert leaning.std() == pytest.approx(sd, abs=0.012)
    assert np.corrcoef(leaning[::2], leaning[1::2])[0, 1] == pytest.approx(0.5, abs=0.06)


def test_where_nothing_has_an_effect_all_conditions_are_lived_alike():
    # the arms are drawn alike and every world meets the same chances: what is given changes nothing
    null = World(name="null", stress=(NoEffect(),))
    reminders = declared(conditions=(TRIAL.conditions[0], TrialCondition(id="even", title="Nothing")))
    one, other = (found(design(question(plan)), null, 3) for plan in (PLAN, reminders))
    assert [row.difference for row in one] == [row.difference for row in other]


def test_the_same_seed_is_the_same_trial():
    made = design(question())
    assert repeat(made, 2) == repeat(made, 2)
    assert repeat(made, 2).found != repeat(made, 3).found


@pytest.mark.slow
def test_several_processes_find_the_same():
    assert powered(question(), 4, across(2)) == powered(question(), 4)


# --- the arithmetic -----------------------------------------------------------------------------------


def test_power_and_sizes_by_hand():
    # differences .1, .3, .1, .3: mean .2, standard deviation √(.04/3) = .11547
    rows = [
        Repeat((compared(value, verdict),), (compared(0.0, null),))
        for value, verdict, null in (
            (0.1, "not_enough_data", "not_enough_data"),
            (0.3, "better", "not_enough_data"),
            (0.1, "better", "worse"),
            (0.3, "better", "not_enough_data"),
        )
    ]
    told = _power(design(question()), ("alone", "even"), 0, rows)
    assert (told.power.value, told.false.value) == (0.75, 0.25)
    assert told.power.error == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert told.difference == pytest.approx(0.2)
    assert told.smallest == pytest.approx((1.95996 + 0.84162) * 0.11547, rel=1e-4)
    # 4 groups an arm find .3235 in four of five, so (.3235/.2)² = 2.617 times as many find .2
    assert told.units_needed == int(np.ceil(4 * 2.6163))
    # .2 is 1.732 standard errors: Φ(1.732 − 1.960)
    assert told.power_of_smallest == pytest.approx(0.4098, abs=1e-3)


def test_a_share_of_nothing_has_an_error_too():
    assert share(np.zeros(50, np.bool_)).error == pytest.approx(np.sqrt(0.01 * 0.99 / 50))


def test_what_is_told_is_told_in_words():
    fragile = next(one for one in WORLDS if one.name == "fragile")
    told = in_words(powered(question(groups=16, world=fragile), 3))
    assert told[0].startswith("even against alone: found in ")
    assert any("What the protocol says would matter" in line for line in told)
    assert "Simulated 3 times each: 16 groups, 11 months" in "\n".join(told)


# --- what cannot be simulated -------------------------------------------------------------------------

TWO = TrialCondition(id="even", title="Two", strategies=("even", "group_learned"))
POSTED = msgspec.structs.replace(EVEN, outcome=Outcome("posted", 35))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (question(groups=2), "too few for 2 arms"),
        (question(groups=None), "--groups"),
        (
            question(msgspec.structs.replace(PLAN, sites=(Site(id="s", title="S"),))),
            "no site that takes part",
        ),
        (question(declared(starts_on=date(2027, 4, 25))), "within a month"),
        (question(declared(conditions=(TRIAL.conditions[0], TWO))), "several levels at once"),
        (question(world=next(one for one in WORLDS if one.name == "virtual")), "virtual"),
        (question(msgspec.structs.replace(PLAN, strategies=())), "does not have"),
        (question(msgspec.structs.replace(PLAN, strategies=(POSTED,))), "an app posts"),
    ],
)
def test_what_cannot_be_simulated_is_said(asked: PowerQuestion, words: str):
    with pytest.raises(Invalid, match=words):
        design(asked)


def test_a_trial_that_is_not_declared_is_said():
    with pytest.raises(NotFound, match="it declares: which"):
        design(question()._replace(trial="other"))


def test_health_workers_visits_are_left_out_and_said():
    plan = declared(
        conditions=(TRIAL.conditions[0], TrialCondition(id="l", title="L", strategies=("learned",)))
    )
    assert "Health workers' visits are left out of `learned`." in design(question(plan)).notes


# --- the command --------------------------------------------------------------------------------------

FILE = """

[[strategies]]
id = "reminders"
title = "A reminder each month"
actions = ["goal_reminder"]
floor = 0.0
allocation = {kind = "fixed_schedule", order = [1]}

[[trials]]
id = "which"
title = "Which?"
starts_on = 2027-01-01
conditions = [{id = "alone", title = "Alone"}, {id = "fixed", title = "Fixed", strategies = ["reminders"]}]
[trials.protocol]
horizon_months = 1
"""


def test_the_command_says_what_a_trial_of_the_file_would_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "ours.toml"
    text = (TEMPLATES / "ncd-peer-groups.toml").read_text()
    file.write_text(text.replace("[[sites]]\n", "[[sites]]\nends_on = 2027-03-31\n", 1) + FILE)
    words = ["size", str(file), "--trial", "which", "--groups", "4", "--repeats", "2"]
    assert main(words) == 0
    assert "fixed against alone: found in" in capsys.readouterr().out
    assert main([*words, "--silence", "1.5"]) == 2
    assert main([*words, "--jobs", "0"]) == 2
