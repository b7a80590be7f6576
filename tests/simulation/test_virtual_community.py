"""A virtual community: a few write nearly everything, and their going shocks all."""

import numpy as np
import pytest

from engagement.randomness import generator
from engagement.simulation.effects import ACTION_EFFECTS, tabulate
from engagement.simulation.registry import World, befallen, begin
from engagement.simulation.stress import LeadersLeave
from engagement.simulation.virtual_community import (
    SUPER_USER,
    Community,
    VirtualCommunity,
    chance_of_coming,
    month,
    posts,
    start,
)

WORLD, EFFECTS = VirtualCommunity(), tabulate(ACTION_EFFECTS)
PEOPLE = 1200


def community(world: VirtualCommunity = WORLD, groups: int = 1) -> Community:
    return start(world, groups, PEOPLE, generator(1, "start"))


def nothing(state: Community) -> np.ndarray:
    return np.zeros(state.active.shape, np.int64)


def test_one_in_a_hundred_is_a_super_user_and_nine_contribute():
    assert [(community().kind == kind).sum() for kind in range(3)] == [12, 108, 1080]


def test_the_top_hundredth_write_three_quarters_of_the_posts():
    # expected posts 12·.953·37 + 108·.5·2 + 1080·.029 = 562 against 12·.953·37 = 423: .752
    state = community(groups=40)
    _, happened = month(WORLD, state, nothing(state), EFFECTS, True, 0, generator(1, "month"))
    written = posts(WORLD, state, happened.attended)
    share = written[state.kind == SUPER_USER].sum() / written.sum()
    assert share == pytest.approx(0.75, abs=0.03)


def test_everybody_writes_less_in_the_month_in_which_a_super_user_goes():
    state = community()
    going = np.flatnonzero(state.kind[0] == SUPER_USER)[:1]
    active = state.active.copy()
    active[0, going] = False
    shocked = state._replace(active=active)
    before, after = (
        chance_of_coming(WORLD, one, nothing(one), EFFECTS, True, 0)[0] for one in (state, shocked)
    )
    stays = active[0]
    assert (after[stays] < before[stays]).all()


def test_super_users_leave_and_nobody_else_does():
    world = World(name="left", people=WORLD, stress=(LeadersLeave(month=0, share=1.0),))
    state = begin(world, 1, PEOPLE, len(ACTION_EFFECTS), 1)
    left = befallen(world, state, 0, 1)
    assert (left.active == (left.kind != SUPER_USER)).all()
    assert (befallen(world, state, 1, 1).active == state.active).all()


def test_a_community_in_which_too_few_write_is_dissolved_after_three_months():
    world = VirtualCommunity(level=(-30.0, -30.0, -30.0))
    state, alive = community(world), []
    for number in range(4):
        state, happened = month(
            world, state, nothing(state), EFFECTS, True, 0, generator(1, "month", str(number))
        )
        alive.append((bool(happened.alive[0]), bool(happened.dissolved[0])))
    assert alive == [(True, False), (True, False), (False, True), (False, False)]
    assert not state.active.any()


def test_whatever_is_done_the_same_numbers_are_drawn():
    state = community()
    told = np.full(state.active.shape, 1)
    first, second = generator(1, "x"), generator(1, "x")
    month(WORLD, state, nothing(state), EFFECTS, True, 0, first)
    month(WORLD, state, told, EFFECTS, True, 0, second)
    assert first.random() == second.random()


def test_an_incentive_ends_with_the_program():
    state = community()
    token = np.full(state.active.shape, [effect.action for effect in ACTION_EFFECTS].index("transport_token"))
    running, after, none = (
        chance_of_coming(WORLD, state, act, EFFECTS, runs, 1)
        for act, runs in ((token, True), (token, False), (nothing(state), False))
    )
    assert (after == none).all()
    assert (running > none).any()
