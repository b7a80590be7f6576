"""A world of virtual communities, moved on by months: a few write nearly all, and all notice if they go.

Of a community's members one in a hundred is a *super-user*, nine *contribute* now and then, ninety mostly
read. With `buzz` what was posted in the last month, as a share of what is to be expected of a full community,

    logit P(writes) = level(kind) + a_i + pull·2(buzz − 1) + effect(k)·exp(−η·x_k) − λ·Σx
                      − shock·(share of the super-users lost in this month),
    P(new questions are answered) = expit(answer + answer_buzz·2(buzz − ½)).

A community is alive in a month in which at least `peer_k` members write and questions are answered; after
three months in a row in which it is not, it is dissolved. The program's end means nothing here but that
incentives stop. The record of a month is that of `peer_group`: `held` says alive, `attended` says wrote,
`adviser_active` says that a super-user is left; goals are not spoken of.

`posts` reproduces that the top 1 % write 75 % of the posts (van Mierlo 2014, JMIR e33); every
other number is a guess. Synthetic throughout.
"""

from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from scipy.special import expit

from engagement.records import Bools, Floats, Integers
from engagement.simulation.barriers import BarrierRates, draw_barriers
from engagement.simulation.effects import ACTION_EFFECTS, Effects
from engagement.simulation.peer_group import KEPT_A_MONTH, MONTHS_TO_DISSOLVE, Month, Rate, Size

SUPER_USER = 0
"""The first of the three kinds; then who contributes, then who reads."""


class VirtualCommunity(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="virtual"
):
    """A virtual community; every default that no source is named for above is a guess.

    shares : of super-users and of contributors; the others read
    level : logit of writing at all in a month, by kind      posts : in a month of writing, by kind
    drop : hazard of leaving in a month      peer_k : so many must write for the community to be alive
    """

    shares: tuple[Rate, Rate] = (0.01, 0.09)
    level: tuple[float, float, float] = (3.0, 0.0, -3.5)
    posts: tuple[Size, Size, Size] = (37.0, 2.0, 1.0)
    pull: float = 0.4
    shock: float = 1.0
    sd_member: Size = 0.3
    answer: float = 1.5
    answer_buzz: float = 2.5
    drop: Rate = 0.02
    peer_k: Annotated[int, msgspec.Meta(ge=1)] = 10
    wear_off: Size = 0.5
    burden: Size = 0.01
    urban: Rate = 0.5
    barriers: BarrierRates = BarrierRates()


class Community(NamedTuple):
    """What is true of G communities of M members at the end of a month.

    kind : (G, M) in 0, 1, 2      leaning : (G, M)      urban : (G,)      barriers : (G, M, 5)
    dose : (G, M, K)      active : (G, M)      buzz : (G,)      super_users : (G,), how many there were
    failed : (G,) months in a row      alive : (G,)
    """

    kind: Integers
    leaning: Floats
    urban: Bools
    barriers: Bools
    dose: Floats
    active: Bools
    buzz: Floats
    super_users: Integers
    failed: Integers
    alive: Bools


def start(
    world: VirtualCommunity,
    groups: int,
    seats: int,
    rng: np.random.Generator,
    actions: int = len(ACTION_EFFECTS),
) -> Community:
    """G communities of M; the kinds are dealt in exact shares, at least one super-user in each."""
    urban = rng.random(groups) < world.urban
    first = max(1, round(seats * world.shares[0]))
    second = first + round(seats * world.shares[1])
    kind = np.digitize(rng.random((groups, seats)).argsort(axis=1), [first, second])
    return Community(
        kind=kind,
        leaning=rng.normal(0.0, world.sd_member, (groups, seats)),
        urban=urban,
        barriers=draw_barriers(world.barriers, urban, seats, rng),
        dose=np.zeros((groups, seats, actions)),
        active=np.ones((groups, seats), np.bool_),
        buzz=np.ones(groups),
        super_users=(kind == SUPER_USER).sum(axis=1),
        failed=np.zeros(groups, np.int64),
        alive=np.ones(groups, np.bool_),
    )


def month(
    world: VirtualCommunity,
    state: Community,
    act: Integers,
    effects: Effects,
    running: bool | Bools,
    months_after_end: int | Integers,
    rng: np.random.Generator,
) -> tuple[Community, Month]:
    """One month of every community; see `peer_group.month`. Takes G + 2·G·M uniforms, whatever is done."""
    groups, seat = state.alive.shape, state.active.shape
    answers, writes, leaves = rng.random(groups), rng.random(seat), rng.random(seat)
    there = state.alive[:, None] & state.active
    wrote = there & (writes < chance_of_coming(world, state, act, effects, running, months_after_end))
    answered = answers < expit(world.answer + world.answer_buzz * 2.0 * (state.buzz - 0.5))
    held = state.alive & answered & (wrote.sum(axis=1) >= world.peer_k)
    failed = np.where(held, 0, state.failed + 1)
    alive = state.alive & (failed < MONTHS_TO_DISSOLVE)
    active = there & (leaves >= world.drop) & alive[:, None]
    given = _given(state, act, effects, running)
    nothing = np.zeros(seat, np.bool_)
    after = state._replace(
        dose=KEPT_A_MONTH * state.dose + effects.dose * (given[:, :, None] == np.arange(effects.dose.size)),
        active=active,
        buzz=_buzz(world, state, wrote),
        super_users=_super_users(state),
        failed=np.where(state.alive, failed, state.failed),
        alive=alive,
    )
    return after, Month(
        held=held,
        attended=wrote,
        goal_set=nothing,
        goal_met=nothing,
        left=state.active & ~active,
        adviser_active=alive & (_super_users(after) > 0),
        alive=alive,
        dissolved=state.alive & ~alive,
    )


def chance_of_coming(
    world: VirtualCommunity,
    state: Community,
    act: Integers,
    effects: Effects,
    running: bool | Bools,
    months_after_end: int | Integers,  # noqa: ARG001  nothing here fades with the time since the end
) -> Floats:
    """Probability that each member writes in the coming month, (G, M); 0 for who is gone."""
    given = _given(state, act, effects, running)
    matches = effects.everyone[given] | (effects.speaks_to[given] & state.barriers).any(axis=-1)
    stock = np.take_along_axis(state.dose, given[:, :, None], axis=2)[:, :, 0]
    where = np.where(state.urban[:, None], 1.0, effects.rural[given])
    effect = np.where(matches, effects.matching[given], effects.otherwise[given]) * where
    lost = 1.0 - _super_users(state) / np.maximum(state.super_users, 1)
    of_community = world.pull * 2.0 * (state.buzz - 1.0) - world.shock * lost
    logit = (
        np.array(world.level)[state.kind]
        + state.leaning
        + of_community[:, None]
        + effect * np.exp(-world.wear_off * stock)
        - world.burden * state.dose.sum(axis=2)
    )
    return np.where(state.active, expit(logit), 0.0)


def posts(world: VirtualCommunity, state: Community, wrote: Bools) -> Floats:
    """What each member posted in a month, (G, M)."""
    written: Floats = np.array(world.posts)[state.kind] * wrote
    return written


def _given(state: Community, act: Integers, effects: Effects, running: bool | Bools) -> Integers:
    """Actions that reach someone; incentives end with the program."""
    runs = np.broadcast_to(np.asarray(running, np.bool_), state.alive.shape)[:, None]
    return np.where(state.active & (runs | ~effects.incentive[act]), act, 0)


def _super_users(state: Community) -> Integers:
    found: Integers = ((state.kind == SUPER_USER) & state.active).sum(axis=1)
    return found


def _buzz(world: VirtualCommunity, state: Community, wrote: Bools) -> Floats:
    """Posts of the month as a share, at most 1, of what a full community is expected to post."""
    usual = (np.array(world.posts) * expit(np.array(world.level)))[state.kind].sum(axis=1)
    buzz: Floats = np.minimum(posts(world, state, wrote).sum(axis=1) / usual, 1.0)
    return buzz
