"""Laws that hold in every world, whatever is done in it."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.randomness import generator
from engagement.records import Integers
from engagement.simulation.effects import (
    ACTION_EFFECTS,
    NONE,
    TRANSPORT_TOKEN,
    Effect,
    Effects,
    tabulate,
    without_effects,
)
from engagement.simulation.peer_group import (
    DEFAULT,
    FRAGILE,
    LASTING,
    Month,
    PeerGroup,
    State,
    chance_of_coming,
    month,
    start,
)

GROUPS, SEATS = 30, 8
TABLE = tabulate(ACTION_EFFECTS)
NULL = tabulate(without_effects(ACTION_EFFECTS))
PROFILES = st.sampled_from([DEFAULT, FRAGILE, LASTING])
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=30, deadline=None)


def chosen(seed: int, number: int) -> Integers:
    return generator(seed, "chosen", str(number)).integers(0, len(ACTION_EFFECTS), (GROUPS, SEATS))


def nothing() -> Integers:
    return np.zeros((GROUPS, SEATS), dtype=np.int64)


def live(
    world: PeerGroup,
    seed: int,
    months: int,
    act: Callable[[int, int], Integers] = chosen,
    table: Effects = TABLE,
) -> list[tuple[State, Month]]:
    """`months` months, the first twelve running; a state with the month that led to it."""
    rng = generator(seed, "life")
    state, lived = start(world, GROUPS, SEATS, rng), []
    for number in range(1, months + 1):
        state, happened = month(world, state, act(seed, number), table, number <= 12, number - 12, rng)
        lived.append((state, happened))
    return lived


def same(one: State | Month, other: State | Month) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@few
@given(PROFILES, SEEDS)
def test_a_month_takes_as_many_uniforms_whatever_is_done(world: PeerGroup, seed: int) -> None:
    one, other = generator(seed), generator(seed)
    state = start(world, GROUPS, SEATS, generator(seed, "start"))
    month(world, state, chosen(seed, 1), TABLE, True, 0, one)
    month(world, state, nothing(), TABLE, False, 1, other)
    assert one.random() == other.random()


@few
@given(PROFILES, SEEDS)
def test_the_same_seed_lives_the_same_life(world: PeerGroup, seed: int) -> None:
    for (state, happened), (again, likewise) in zip(
        live(world, seed, 15), live(world, seed, 15), strict=True
    ):
        assert same(state, again)
        assert same(happened, likewise)


@few
@given(PROFILES, SEEDS)
def test_in_the_null_world_nothing_depends_on_what_is_done(world: PeerGroup, seed: int) -> None:
    idle = live(world, seed, 18, act=lambda *_: nothing(), table=NULL)
    for (_, happened), (_, without) in zip(live(world, seed, 18, table=NULL), idle, strict=True):
        assert same(happened, without)


@few
@given(SEEDS, st.floats(-2, 2), st.floats(0, 2))
def test_a_larger_effect_never_lowers_the_chance_of_coming(seed: int, small: float, more: float) -> None:
    state = start(DEFAULT, GROUPS, SEATS, generator(seed), actions=2)
    weak, strong = (
        tabulate([NONE, Effect(action="tried", logit_matching=size)]) for size in (small, small + more)
    )
    act = nothing() + 1
    assert (
        chance_of_coming(DEFAULT, state, act, strong, True, 0)
        >= chance_of_coming(DEFAULT, state, act, weak, True, 0)
    ).all()


@few
@given(PROFILES, SEEDS)
def test_with_equal_draws_a_helpful_action_keeps_nobody_away(world: PeerGroup, seed: int) -> None:
    table = tabulate([NONE, Effect(action="tried", logit_matching=0.5)])
    state = start(world, GROUPS, SEATS, generator(seed), actions=2)
    _, idle = month(world, state, nothing(), table, True, 0, generator(seed, "month"))
    _, helped = month(world, state, nothing() + 1, table, True, 0, generator(seed, "month"))
    assert (helped.attended >= idle.attended).all()


@few
@given(PROFILES, SEEDS)
def test_after_dissolution_everything_stays_still(world: PeerGroup, seed: int) -> None:
    lived = live(world, seed, 30)
    for (before, _), (after, happened) in pairwise(lived):
        over = ~before.alive
        assert all(np.array_equal(a[over], b[over]) for a, b in zip(before, after, strict=True))
        assert not any(fact[over].any() for fact in happened)


@few
@given(PROFILES, SEEDS)
def test_who_left_is_exactly_who_is_no_longer_active(world: PeerGroup, seed: int) -> None:
    lived = live(world, seed, 20)
    ever_left = np.sum([happened.left for _, happened in lived], axis=0)
    assert np.array_equal(ever_left, ~lived[-1][0].active)


@few
@given(PROFILES, SEEDS)
def test_only_active_members_of_a_held_meeting_attend(world: PeerGroup, seed: int) -> None:
    lived = live(world, seed, 20)
    for (before, _), (_, happened) in pairwise(lived):
        assert not (happened.attended & ~before.active).any()
        assert not (happened.attended & ~happened.held[:, None]).any()


def test_a_years_tokens_bring_members_who_lack_money_more_often() -> None:
    """A token adds .45 log-odds wearing off to .04 within the year, .1 on average: about 2 points.

    2,000 groups with 2.8 such members each live twelve months in paired worlds; even unpaired the standard
    error over groups is below √(2 · .06/2,000) = .008 with .06 a generous variance of a group's share.
    """
    groups, table = 2_000, tabulate([NONE, TRANSPORT_TOKEN])
    shares = []
    for action in (0, 1):
        rng = generator(5, "tokens")
        state = start(DEFAULT, groups, SEATS, rng, actions=2)
        poor = state.barriers[:, :, 0]
        act, came = np.where(poor, action, 0), 0.0
        for _ in range(12):
            state, happened = month(DEFAULT, state, act, table, True, 0, rng)
            came += happened.attended[poor].mean() / 12
        shares.append(came)
    assert shares[1] > shares[0]


def test_sabotage_leaves_the_mean_leaning_where_it_was() -> None:
    """A mean of 80,000 leanings with sd .9 has a standard error of .0032; four of them are allowed."""
    state = start(DEFAULT, 10_000, SEATS, generator(6))
    assert state.leaning.mean() == pytest.approx(0.0, abs=0.013)


def test_saboteurs_cost_a_member_three_tenths_of_leaning() -> None:
    """20,000 members with and 60,000 without: standard error .9·√(1/20,000 + 1/60,000) = .0073."""
    state = start(DEFAULT, 10_000, SEATS, generator(6))
    held_back = state.barriers[:, :, 4]
    gap = state.leaning[held_back].mean() - state.leaning[~held_back].mean()
    assert gap == pytest.approx(-0.3, abs=0.03)
