"""One run of a contender in a world: common random numbers, and a law for each case of stress."""

from typing import Any

import msgspec
import numpy as np
import pytest

from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.restless.plan import Rule
from engagement.simulation.contender import VISIT, Contender, InTurn, Planned, Schedule, WorstFirst
from engagement.simulation.effects import TEMPLATE_EFFECTS, tabulate
from engagement.simulation.examples import CONTENDERS, MENU, UNIFORM, UNSEEING, always
from engagement.simulation.figures import Figures, told
from engagement.simulation.living import Lived, lived
from engagement.simulation.registry import WORLDS, World, begin, chances
from engagement.simulation.setting import Setting, Size
from engagement.simulation.stress import (
    HarmfulOnceStopped,
    HoursCut,
    LeadersLeave,
    Misleading,
    NoEffect,
    OppositeInRural,
    ReportedLate,
    Unreported,
)
from engagement.strategy.planning import REWARD
from engagement.strategy.setup import Budget, Catalogue
from engagement.workflows.program import template

PLAN = template("ncd-peer-groups")
SMALL = Size(groups=5, seats=4, months_running=4, months_after=2, health_worker_hours=1.5)
FEW_DRAWS = Planned(rule=Rule(reward=REWARD, draws=200))
NOTHING = Contender(name="nothing", title="Nothing")
EVEN = Contender(name="even", title="Even", strategy=UNIFORM)
LEARNS = Contender(name="learns", title="Learns of outcomes alone", strategy=UNSEEING)


def setting(size: Size = SMALL, *budgets: Budget) -> Setting:
    catalogue = Catalogue(
        0,
        PLAN.program,
        {},
        {budget.id: budget for budget in budgets},
        {action.id: action for action in PLAN.actions},
        {strategy.id: strategy for strategy in PLAN.strategies},
        {},
    )
    return Setting(catalogue, TEMPLATE_EFFECTS, size, "study", bytes(32), MENU)


def run(world: World, contender: Contender, size: Size = SMALL, seed: int = 1) -> list[Lived]:
    return lived(setting(size), world, contender, seed)


def figures(months: list[Lived], size: Size = SMALL) -> Figures:
    return told(months, size.months_running, [True] * len(months[0].there)).figures


def happened(months: list[Lived]) -> list[Any]:
    return [np.stack([getattr(month.happened, name) for month in months]) for name in ("held", "attended")]


# --- common random numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("contender", CONTENDERS, ids=[one.name for one in CONTENDERS])
def test_where_nothing_has_an_effect_every_strategy_lives_in_the_same_world(contender: Contender):
    world = World(name="null", stress=(NoEffect(),))
    alone, beside = happened(run(world, NOTHING)), happened(run(world, contender))
    assert all((one == other).all() for one, other in zip(alone, beside, strict=True))


def test_another_seed_is_another_world():
    first, second = (happened(run(World(name="w"), NOTHING, seed=seed)) for seed in (1, 2))
    assert (first[1] != second[1]).any()


def test_a_run_is_the_same_when_it_is_run_again():
    size = msgspec.structs.replace(SMALL, months_running=3, months_after=0)
    first, second = (run(World(name="w"), LEARNS, size) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.decided is not None
        assert other.decided is not None
        assert (one.decided.probability == other.decided.probability).all()


def test_how_many_are_decided_together_changes_nothing():
    # a budget nobody can use up decides in lots of 256; without one, all 320 at once
    size = Size(groups=40, seats=8, months_running=2, months_after=0)
    rich = setting(size, Budget(id="program", limit_minor=10**12))
    for one, other in zip(
        lived(rich, World(name="w"), EVEN, 1), run(World(name="w"), EVEN, size), strict=True
    ):
        assert one.decided is not None
        assert other.decided is not None
        assert (one.decided.probability == other.decided.probability).all()
        assert (one.decided.action == other.decided.action).all()


# --- cases of stress --------------------------------------------------------------------------------


def test_without_effects_nobody_regrets_anything():
    assert figures(run(World(name="null", stress=(NoEffect(),)), EVEN)).regret == 0


def test_with_effects_doing_nothing_is_regretted():
    assert figures(run(World(name="w"), NOTHING)).regret > 0.01


def test_what_helps_in_town_harms_as_much_in_the_country():
    world = World(name="opposite", stress=(OppositeInRural(),))
    state: Any = begin(world, 50, 4, len(TEMPLATE_EFFECTS), 1)
    effects, nothing = world.effects(TEMPLATE_EFFECTS), np.zeros((50, 4), np.int64)
    reminded = np.full((50, 4), setting().number("goal_reminder"))
    gain = chances(world, state, reminded, effects, 0, 12) - chances(world, state, nothing, effects, 0, 12)
    assert (gain[state.urban] > 0).all()
    assert (gain[~state.urban] < 0).all()


def test_an_incentive_that_stops_costs_what_was_asked():
    effects = World(name="harm", stress=(HarmfulOnceStopped(habit_after=-0.7),)).effects(TEMPLATE_EFFECTS)
    assert set(effects.habit_after[effects.incentive]) == {-0.7}
    assert (effects.habit_after[~effects.incentive] == 0).all()


def test_as_many_outcomes_are_missing_as_was_asked():
    # 400 groups × 3 months, each unreported with probability .2: sd √(.16/1200) = .0115, four of them
    size = msgspec.structs.replace(SMALL, groups=400, months_running=3, months_after=0)
    months = run(World(name="m", stress=(Unreported(share=0.2),)), NOTHING, size)
    assert np.mean([month.reported for month in months]) == pytest.approx(0.8, abs=0.046)


def test_what_is_not_reported_is_never_learned():
    lost = run(World(name="m", stress=(Unreported(share=1.0),)), LEARNS)
    assert figures(lost).reported == 0
    shares = {tuple(row) for month in lost for row in _first_choice(month)}
    assert len(shares) == 1  # of everybody who could get anything, in every month


def _first_choice(month: Lived) -> Any:
    """Probabilities, in billionths, of whoever could get everything."""
    assert month.decided is not None
    share = month.decided.probability
    return np.round(share[(share > 0).all(axis=1)] / 2**32, 2)


def test_what_comes_late_is_learned_late():
    size = msgspec.structs.replace(SMALL, months_running=6, months_after=0)
    in_time = run(World(name="w"), LEARNS, size)
    late = run(World(name="l", stress=(ReportedLate(share=1.0, months=2),)), LEARNS, size)
    told_in_time, told_late = ([_ranges(month) for month in months] for months in (in_time, late))
    assert told_in_time[2] > 0  # the first month's outcomes, closed after the second month began
    assert told_late[:3] == [0, 0, 0]
    assert told_late[3] > 0


def _ranges(month: Lived) -> int:
    """In how many ways probabilities differ between people to whom the same is open."""
    assert month.decided is not None
    share = month.decided.probability
    return len(np.unique(share, axis=0)) - len(np.unique(share > 0, axis=0))


def test_advisers_leave_in_the_month_in_which_they_were_to():
    world = World(name="a", stress=(LeadersLeave(month=2, share=1.0),))
    before, then = run(world, NOTHING)[1:3]
    assert before.happened.adviser_active.any()
    assert not then.happened.adviser_active.any()


@pytest.mark.parametrize("visits", [InTurn(), WorstFirst(), FEW_DRAWS])
def test_half_the_hours_are_half_the_visits(visits: Any):
    visiting = Contender(name="v", title="Visits", visits=visits)
    whole = run(World(name="w"), visiting)
    halved = run(World(name="h", stress=(HoursCut(month=1, factor=0.5),)), visiting)
    assert [month.visited.sum() for month in whole[:4]] == [2, 2, 2, 2]  # 90 minutes, 45 a visit
    assert [month.visited.sum() for month in halved[:4]] == [2, 1, 1, 1]


def test_misleading_features_are_somebody_elses():
    looks = msgspec.structs.replace(UNSEEING, id="looks", posterior=LinearGaussian(), features=("urban",))
    contender = Contender(name="looks", title="Looks", strategy=looks)
    size = msgspec.structs.replace(SMALL, groups=20)
    true, false = (
        run(World(name="w", stress=stress), contender, size)[2] for stress in ((), (Misleading(),))
    )
    urban: Any = begin(World(name="w"), 20, 4, len(TEMPLATE_EFFECTS), 1)
    assert _by_setting(true, urban.urban) == 1
    assert _by_setting(false, urban.urban) > 1


def _by_setting(month: Lived, urban: Any) -> int:
    """Into how many ways of being treated the town's members fall, to whom everything is open."""
    assert month.decided is not None
    share, group = month.decided.probability, month.decided.rows // 4
    chosen = (share > 0).all(axis=1) & urban[group]
    return len(np.unique(share[chosen], axis=0))


def test_every_world_that_can_be_named_can_be_lived_in():
    size = msgspec.structs.replace(SMALL, groups=2, months_running=1, months_after=1)
    for world in WORLDS:
        small = msgspec.structs.replace(world, groups=None, seats=30 if world.name == "virtual" else None)
        assert len(run(small, LEARNS, size)) == 2


# --- what contenders do -----------------------------------------------------------------------------


def test_what_is_stopped_is_asked_no_more():
    stopped = Contender(name="s", title="S", strategy=always("goal_reminder"), schedule=Schedule(months=2))
    assert [month.decided is not None for month in run(World(name="w"), stopped)] == [True] * 2 + [False] * 4


def test_what_is_tapered_becomes_rarer_group_by_group():
    schedule = Schedule(months=9, taper=True)
    asked = np.array([schedule.asks(month, 6) for month in range(10)])
    assert asked[:3].all()
    assert (asked[3:6].sum(axis=1) == 3).all()
    assert (asked[6:9].sum(axis=0) == 1).all()
    assert not asked[9].any()


def test_visits_in_turn_reach_everybody_before_anybody_twice():
    months = run(World(name="w"), Contender(name="v", title="V", visits=InTurn()))
    visited = np.array([month.visited for month in months[:4]])
    assert visited[:2].sum() == 4
    assert visited[:2].sum(axis=0).max() == 1
    assert (visited[:3].sum(axis=0) >= 1).all()


def test_a_visit_costs_money_and_minutes_and_a_visited_group_gets_nothing_else():
    months = run(World(name="w"), Contender(name="v", title="V", strategy=UNIFORM, visits=InTurn()))
    first = months[0]
    assert first.decided is not None
    groups = first.decided.rows // SMALL.seats
    assert not first.visited[groups].any()
    cost = next(action.cost_minor for action in PLAN.actions if action.id == VISIT)
    assert set(first.cost_minor[first.visited]) == {cost}
    assert set(first.health_worker_minutes[first.visited]) == {45}
    assert first.health_worker_minutes.sum() == 90


def test_money_is_not_spent_beyond_its_limit():
    # a token costs 5000 and is all there is to choose: three fit into 15,000 a month
    strategy = always("transport_token")
    poor = setting(SMALL, Budget(id="program", limit_minor=15_000))
    months = lived(poor, World(name="w"), Contender(name="t", title="T", strategy=strategy), 1)
    assert [int(month.cost_minor.sum()) for month in months[:4]] == [15_000] * 4


def test_what_is_not_carried_out_costs_nothing_and_counts_for_no_cool_down():
    size = msgspec.structs.replace(SMALL, carried_out=0.0)
    months = run(World(name="w"), Contender(name="t", title="T", strategy=always("move_meeting")), size)
    assert sum(int(month.cost_minor.sum()) for month in months) == 0
    assert all(month.decided is not None and month.decided.action.any() for month in months[:4])


def test_a_group_that_is_gone_counts_as_nobody_there():
    size = Size(groups=2, seats=4, months_running=1, months_after=1)
    months = run(World(name="w"), NOTHING, size)
    nobody = np.zeros((2, 4), np.bool_)
    gone = months[1].happened._replace(attended=nobody, alive=np.array([True, False]))
    all_came = months[0].happened._replace(attended=~nobody, alive=np.ones(2, np.bool_))
    both = told([months[0]._replace(happened=all_came), months[1]._replace(happened=gone)], 1, [True, False])
    assert [one.months_alive for one in both.groups] == [2, 1]
    assert (both.figures.attendance, both.figures.alive_at_end, both.figures.alive_at_last) == (0.5, 1, 0.5)
    assert both.figures.months_alive == 1.5


def test_the_lower_quarter_is_of_those_who_came_least():
    size = Size(groups=1, seats=4, months_running=2, months_after=0)
    months = run(World(name="w"), NOTHING, size)
    came = [np.array([[True, True, True, False]]), np.array([[True, True, False, False]])]
    seen = [
        month._replace(happened=month.happened._replace(attended=row))
        for month, row in zip(months, came, strict=True)
    ]
    assert told(seen, 2, [True]).figures.lower_quarter == 0
    assert told(seen, 2, [True]).figures.attendance == 5 / 8


def test_effects_are_known_of_every_action_that_an_example_names():
    named = {effect.action for effect in TEMPLATE_EFFECTS}
    wanted = {action for one in CONTENDERS if one.strategy for action in one.strategy.actions}
    assert wanted | {VISIT} <= named
    assert len(tabulate(TEMPLATE_EFFECTS).dose) == len(named)
