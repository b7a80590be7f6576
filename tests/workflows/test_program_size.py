"""Whether a program is large enough: the arithmetic by hand, the words, and a small program simulated."""

from datetime import date

import msgspec
import numpy as np
import pytest

from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.errors import Invalid
from engagement.simulation.registry import World
from engagement.simulation.stress import NoEffect
from engagement.simulation.virtual_community import VirtualCommunity
from engagement.strategy.setup import Site
from engagement.strategy.strategy import Outcome
from engagement.workflows.program import Template, template
from engagement.workflows.program_size import Compared, Question, Sized, compared, in_words, sized, verdict

PLAN = template("ncd-peer-groups")
TODAY = date(2026, 1, 1)
SHORT = msgspec.structs.replace(PLAN, sites=(Site(id="s", title="S", ends_on=date(2026, 3, 31)),))


def question(plan: Template = SHORT, *, groups: int | None = 3, world: World | None = None) -> Question:
    return Question(plan, world or World(name="w"), groups, TODAY, months_after=1)


def difference(mean: float, reach: float, spread: float = 0.1) -> Compared:
    return Compared(np.full(5, mean), mean, mean - reach, mean + reach, spread)


def answer(gain: Compared, variety: Compared) -> Sized:
    return Sized(5, 40, 8, 24, "learned", "call", gain, variety, difference(0.0, 0.1), (0.5, 0.5), None)


# --- the arithmetic -----------------------------------------------------------------------------------


def test_how_many_groups_a_trial_takes():
    # δ = .1, s = .1: n = 4·(2.8·.1/.1)² = 31.36
    assert difference(0.1, 0.01).groups(0.1) == pytest.approx(31.36)
    assert difference(0.1, 0.01).groups(0.0) == np.inf


def test_a_trial_of_that_size_finds_the_difference_four_times_in_five():
    # 2,000 trials: a share of .8 has the standard error √(.16/2000) = .009; three of them
    rng = np.random.default_rng(1)
    n = 2 * round(difference(0.1, 0).groups(0.1) * 4 / 2)  # for half the difference four times as many
    arms = rng.normal([[[0.05]], [[0.0]]], 0.1, (2, 2000, n // 2))
    z = (arms[0].mean(axis=1) - arms[1].mean(axis=1)) / (0.1 * np.sqrt(4 / n))
    assert np.mean(z > 1.96) == pytest.approx(0.8, abs=0.03)


def test_programs_are_compared_in_pairs_and_groups_spread_within_them():
    # differences .1 and .3: mean .2, sd .1414, error .1; t with 1 degree of freedom leaves 2.5 % above 12.706
    one = [np.array([0.2, 0.4]), np.array([0.5, 0.5])]
    other = [np.array([0.1, 0.3]), np.array([0.2, 0.2])]
    found = compared(one, other)
    assert found.mean == pytest.approx(0.2)
    assert found.high == pytest.approx(0.2 + 12.706 * 0.1, abs=1e-3)
    assert found.spread == pytest.approx(np.sqrt((0.02 + 0 + 0.02 + 0) / 4))


@pytest.mark.parametrize(
    ("gain", "variety", "words"),
    [
        (difference(0.03, 0.01), difference(0.01, 0.005), "Learning pays"),
        (difference(0.03, 0.01), difference(0.01, 0.02), "even chance"),
        (difference(0.03, 0.04), difference(0.01, 0.005), "learning will not pay at this size"),
        (difference(0.005, 0.001), difference(0.005, 0.001), "learning will not pay at this size"),
    ],
)
def test_the_last_line_says_what_to_do(gain: Compared, variety: Compared, words: str):
    assert words in verdict(answer(gain, variety))


# --- a program ----------------------------------------------------------------------------------------


def test_a_program_is_answered_in_five_lines():
    lines = in_words(sized(question(), [1, 2]))
    assert len(lines) == 5
    assert lines[0].startswith("Simulated 2 times, 3 groups of 8 for 4 months: learning (`learned`)")
    assert "`goal_reminder`" in lines[0]


def test_where_nothing_has_an_effect_a_fixed_strategy_is_advised():
    found = sized(question(world=World(name="null", stress=(NoEffect(),))), [1, 2])
    assert found.attendance.mean == found.survival.mean == 0
    assert in_words(found)[3].count("no number is enough") == 6
    assert in_words(found)[4] == "Use a fixed strategy, learning will not pay at this size."


def test_the_same_program_is_answered_alike():
    one, other = (sized(question(groups=1), [1]) for _ in range(2))
    assert (one.attendance.each == other.attendance.each).all()
    assert one.alive == other.alive


def test_health_workers_visits_are_left_to_plans():
    visits = next(strategy for strategy in PLAN.strategies if strategy.id == "learned")
    only = msgspec.structs.replace(
        visits, actions=("chw_joins",), posterior=PooledLinear(), fallback=type(visits.fallback)()
    )
    plan = msgspec.structs.replace(SHORT, strategies=(only,))
    with pytest.raises(Invalid, match="visits only"):
        sized(question(plan), [1])


def test_an_action_of_the_programs_own_is_simulated_as_a_guess():
    own = next(action for action in PLAN.actions if action.id == "goal_reminder")
    renamed = msgspec.structs.replace(own, id="song", title="A song")
    learned = next(strategy for strategy in PLAN.strategies if strategy.id == "learned")
    sings = msgspec.structs.replace(
        learned, actions=("song",), posterior=PooledLinear(), fallback=type(learned.fallback)()
    )
    plan = msgspec.structs.replace(SHORT, actions=(*PLAN.actions, renamed), strategies=(sings,))
    assert sized(question(plan), [1]).fixed == "song"


@pytest.mark.parametrize(
    ("plan", "groups", "words"),
    [
        (SHORT, None, "--groups"),
        (msgspec.structs.replace(SHORT, strategies=()), 3, "no default strategy"),
        (
            msgspec.structs.replace(PLAN, sites=(Site(id="s", title="S", ends_on=date(2026, 1, 5)),)),
            3,
            "within the month",
        ),
    ],
)
def test_what_cannot_be_simulated_is_said(plan: Template, groups: int | None, words: str):
    with pytest.raises(Invalid, match=words):
        sized(question(plan, groups=groups), [1])


# --- what is asked otherwise than it is declared ------------------------------------------------------


def only_default(name: str, **changes: object) -> Template:
    """The short program with one strategy, which is its default at its level."""
    own = next(one for one in PLAN.strategies if one.id == name)
    own = msgspec.structs.replace(own, **changes)
    program = msgspec.structs.replace(
        PLAN.program,
        default_strategy=own.id if own.level == "member" else None,
        default_adviser_strategy=own.id if own.level == "adviser" else None,
        default_group_strategy=None,
    )
    return msgspec.structs.replace(SHORT, program=program, strategies=(own,))


def test_a_strategy_for_advisers_is_asked_about_their_groups():
    told = in_words(sized(question(only_default("adviser_learned")), [1, 2]))
    assert "learning (`adviser_learned`)" in told[0]
    assert any("decides for advisers: here once a month for each group" in line for line in told)


def test_a_weekly_strategy_is_asked_once_a_month():
    told = in_words(sized(question(only_default("learned", cadence="week")), [1]))
    assert any("decides once a week: here once a month" in line for line in told)


def test_what_only_an_app_can_tell_is_refused():
    plan = only_default("learned", outcome=Outcome("posted", 35))
    with pytest.raises(Invalid, match="outcomes that an app posts"):
        sized(question(plan), [1])


def test_a_strategy_can_be_named():
    asked = question()._replace(strategy="group_learned")
    assert sized(asked, [1]).learned == "group_learned"
    with pytest.raises(Invalid, match="no strategy `nobody`"):
        sized(question()._replace(strategy="nobody"), [1])


def test_a_virtual_community_is_sized_by_who_writes_and_says_what_one_cannot_tell():
    world = World(name="v", people=VirtualCommunity(), groups=1, seats=60)
    told = in_words(sized(question(groups=None, world=world), [1, 2]))
    assert told[0].startswith("Simulated 2 times, 1 communities of 60 for 4 months")
    assert "points of members who write in a month" in told[0]
    assert told[1].startswith("Communities still alive")
    assert told[2] == "With so few communities no trial could decide it: any two differ anyway."
    assert "cannot be told from 1" in told[3]
    assert told[-1].startswith("A virtual community:")
