"""A world of synthetic peer-support groups, moved on by months.

A group has M seats and an adviser (who has no seat). All groups are moved at once: G groups × M
seats. A month goes like this.

1. *Adviser.* An active one is lost with a hazard that changes at the program's end; a lost one is
   replaced with probability `adviser_replaced`, from the month after on.
2. *Meeting.* With `share` the share of active members who came to the last meeting held,
       logit P(held) = h(adviser) + h_att·2(share − ½) + h_prog·[running].
3. *Attendance*, of active members, if the meeting is held. With a_i and u the member's and the
   group's own leaning, m_i the member's habit and x_k the stock of doses of action k,
       logit P(comes) = α + a_i + u + ρ·m_i + peer·2(share − ½) + adv·[adviser] + prog·[running]
                        + effect(k)·exp(−η·x_k) of the action k given − λ·Σx
                        + what incentives leave behind after the end.
4. *Goals.* Who comes and has an open goal is asked about it: met or missed, and closed. Who comes
   sets the next one with probability `goal_set`. Sizes are guesses; nothing else depends on goals.
5. *Habit and dose.* m ← .8·m + w·(2·came − 1); x_k ← .8·x_k + dose.
6. *Leaving.* Each active member leaves with hazard base + miss·[two or more missed in a row], times
   `drop_factor_after` after the end.
7. *Dissolution.* After three months in a row not held, or held with fewer than three present, the
   group is dissolved: all its members are gone, and from then on nothing of it moves.

How the model is to be read where a shorter description leaves it open; these are the readings that
reproduce the table below:
- `share` is a share of the members still active, so a group of four loyal ones is not discouraged by
  four who left. Counting the empty seats instead takes 1 to 4 points from survival after the end.
- A meeting not held leaves `share` as it was, and counts as missed by every member: in the run of
  missed meetings and in the habit.
- Leaving never stops while a group lives, and goes by this month's meeting.
- Presence is counted in seats; the adviser does not count towards the three.

At the program's end `prog` and `h_prog` go to 0 and hazards rise. Incentives stop: one chosen
afterwards is not given, and of the effect of those before 2^(−months/3) remains (Mantzari 2015,
PMC4728181: gone some months after removal).

An action is given to seats, and only to active ones. Those of its effects that concern the group
(meeting at all, the adviser) act as soon as one active seat is given it.

Calibration without any action, 8 seats, 12 months running and 12 after. "Attendance" is per enrolled
member, and a dissolved group counts as not held, with nobody there and all gone.

|                              | LASTING | DEFAULT | FRAGILE | held against                       |
|------------------------------|---------|---------|---------|------------------------------------|
| attendance while running     |   .56   |   .55   |   .48   | 8 of 15 sessions, K-DPP            |
| meetings held while running  |   .97   |   .97   |   .93   | 29 of 30 groups, K-DPP             |
| alive at the end             |   .93   |   .93   |   .81   | about .97                          |
| of those, alive 12 months on |   .85   |   .68   |   .41   | .80, Sondaal 2019; others guessed  |
| members gone by month 24     |   .33   |   .47   |   .75   | .47, Hanrahan; .20, Baland 2007     |

Sources: K-DPP, 10.1186/s13012-018-0791-0. Sondaal 2019, 10.1093/cdj/bsy017 (80 % of groups active 12
to 17 months after the organisation left). Hanrahan 2019, PLoS Med 1002808 (adherence clubs). Baland,
Somanathan, Vandewalle 2007 (self-help groups). Wear-off: HeartSteps V1, 10.1093/abm/kay067. Sabotage:
Mayberry & Osborn 2012, 10.2337/dc11-2103. The model's form is ours and its parameters are fitted to
those few figures: many other worlds would fit as well.
"""

from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from scipy.special import expit

from engagement.errors import Invalid
from engagement.records import Bools, Floats, Integers
from engagement.simulation.barriers import SABOTAGE, BarrierRates, draw_barriers
from engagement.simulation.effects import ACTION_EFFECTS, Effects

KEPT_A_MONTH = 0.8
"""Share of habit and of dose that is left after a month."""

FEWEST_PRESENT = 3
MONTHS_TO_DISSOLVE = 3
MISSED_IN_A_ROW = 2
INCENTIVE_HALF_LIFE_MONTHS = 3.0
FUND_MONTHS = 3.0
"""A seeded fund grows to its full effect within these."""

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Size = Annotated[float, msgspec.Meta(ge=0)]


class PeerGroup(msgspec.Struct, frozen=True, tag="peer_group", forbid_unknown_fields=True):
    """The parameters of this world; left as they are, the default profile.

    On coming (logits): attend α, attend_program prog, attend_adviser adv, attend_habit ρ,
    attend_peers peer, sabotage; sd_member and sd_group are the standard deviations of a and u.
    On meeting (logits): hold_adviser and hold_alone h, hold_attendance h_att, hold_program h_prog.
    Per month: the adviser's hazards and replacement, drop base, drop_missed miss, drop_factor_after.
    habit_step w, wear_off η, burden λ (guess), goal_set and goal_met (a logit; guesses),
    urban : share of urban groups (guess).
    """

    attend: float = -0.53
    attend_program: float = 0.20
    attend_adviser: float = 0.64
    attend_habit: float = 0.53
    attend_peers: float = 0.30  # guessed in every profile
    habit_step: float = 0.16
    sd_member: Size = 0.88
    sd_group: Size = 0.30  # guessed in every profile
    hold_program: float = 3.2
    hold_adviser: float = 2.2
    hold_alone: float = 0.74
    hold_attendance: float = 1.6
    adviser_lost_running: Rate = 0.006
    adviser_lost_after: Rate = 0.022
    adviser_replaced: Rate = 0.12
    drop: Rate = 0.002
    drop_missed: Rate = 0.016
    drop_factor_after: Size = 1.8
    wear_off: Size = 0.5
    burden: Size = 0.01
    sabotage: float = -0.3
    goal_set: Rate = 0.8
    goal_met: float = 0.0
    urban: Rate = 0.5
    barriers: BarrierRates = BarrierRates()


DEFAULT = PeerGroup()

LASTING = PeerGroup(
    attend=-0.25,
    attend_program=0.20,
    attend_adviser=0.37,
    attend_habit=0.80,
    attend_peers=0.30,
    habit_step=0.20,
    sd_member=1.1,
    sd_group=0.31,
    hold_program=4.2,
    hold_adviser=3.7,
    hold_alone=1.2,
    adviser_lost_after=0.010,
    adviser_replaced=0.25,
    drop=0.001,
    drop_missed=0.013,
    drop_factor_after=2.3,
)
"""Groups that last: with a leader who is replaced when lost, and a meeting worth coming to."""

FRAGILE = PeerGroup(
    attend=-0.96,
    attend_program=0.45,
    attend_adviser=0.64,
    attend_habit=0.72,
    attend_peers=0.33,
    habit_step=0.18,
    sd_member=0.60,
    sd_group=0.30,
    hold_program=4.7,
    hold_adviser=3.1,
    hold_alone=0.64,
    adviser_lost_after=0.014,
    adviser_replaced=0.055,
    drop=0.006,
    drop_missed=0.040,
    drop_factor_after=1.0,
)
"""Groups carried by the program, most of which do not survive its end by a year."""


class State(NamedTuple):
    """Everything that is true of G groups with M seats at the end of a month.

    leaning : (G, M) a_i, sabotage included      group_leaning : (G,) u      urban : (G,)
    barriers : (G, M, 5)      habit : (G, M) m      dose : (G, M, K) x
    given : (G, M) the action given last      afterglow : (G, M) logit of the incentives received lately
    goal_open, active : (G, M)      missed : (G, M) meetings missed in a row
    adviser : (G,)      share : (G,) of the last meeting held      failed : (G,) months failed in a row
    fund_full, fund : (G,) logit the seeded fund will give, and gives by now      alive : (G,)
    """

    leaning: Floats
    group_leaning: Floats
    urban: Bools
    barriers: Bools
    habit: Floats
    dose: Floats
    given: Integers
    afterglow: Floats
    goal_open: Bools
    active: Bools
    missed: Integers
    adviser: Bools
    share: Floats
    failed: Integers
    fund_full: Floats
    fund: Floats
    alive: Bools


class Month(NamedTuple):
    """What happened in a month.

    held, adviser_active, dissolved : (G,), the last true in the month it happens only
    alive : (G,) at the month's end
    attended, goal_set, goal_met : (G, M)
    left : (G, M) newly gone, by leaving or with the dissolved group
    """

    held: Bools
    attended: Bools
    goal_set: Bools
    goal_met: Bools
    left: Bools
    adviser_active: Bools
    alive: Bools
    dissolved: Bools


class _Draws(NamedTuple):
    """A month's uniforms: 2 a group and 4 a seat, whatever is done, so that worlds can be paired."""

    adviser: Floats
    held: Floats
    comes: Floats
    meets_goal: Floats
    sets_goal: Floats
    leaves: Floats


class _Given(NamedTuple):
    """What the actions given do this month.

    action, logit, lift : (G, M)      group_lift, hold_alone, adviser_hazard : (G,)
    """

    action: Integers
    logit: Floats
    lift: Floats
    group_lift: Floats
    hold_alone: Floats
    adviser_hazard: Floats


def start(
    world: PeerGroup, groups: int, seats: int, rng: np.random.Generator, actions: int = len(ACTION_EFFECTS)
) -> State:
    """G new groups with every seat taken, an adviser, no habit and half of the members coming.

    actions : K, `none` among them

    Sabotage moves leanings around their mean, so that the profiles keep their attendance.
    """
    urban = rng.random(groups) < world.urban
    barriers = draw_barriers(world.barriers, urban, seats, rng)
    held_back = barriers[:, :, SABOTAGE] - world.barriers.sabotage
    seat = (groups, seats)
    return State(
        leaning=rng.normal(0.0, world.sd_member, seat) + world.sabotage * held_back,
        group_leaning=rng.normal(0.0, world.sd_group, groups),
        urban=urban,
        barriers=barriers,
        habit=np.zeros(seat),
        dose=np.zeros((*seat, actions)),
        given=np.zeros(seat, dtype=np.int64),
        afterglow=np.zeros(seat),
        goal_open=np.zeros(seat, dtype=np.bool_),
        active=np.ones(seat, dtype=np.bool_),
        missed=np.zeros(seat, dtype=np.int64),
        adviser=np.ones(groups, dtype=np.bool_),
        share=np.full(groups, 0.5),
        failed=np.zeros(groups, dtype=np.int64),
        fund_full=np.zeros(groups),
        fund=np.zeros(groups),
        alive=np.ones(groups, dtype=np.bool_),
    )


def month(
    world: PeerGroup,
    state: State,
    act: Integers,
    effects: Effects,
    running: bool | Bools,
    months_after_end: int | Integers,
    rng: np.random.Generator,
) -> tuple[State, Month]:
    """One month of every group: the state after it, and what happened.

    act : (G, M) in [0, K), the action chosen for each seat
    running : for all groups, or (G,)
    months_after_end : likewise; 1 in the first month after the end, without meaning while running

    Takes 2·G + 4·G·M uniforms from `rng`, whatever is done: two worlds given equal generators meet
    equal chances (common random numbers). Raises `Invalid` on other shapes or an unknown action.
    """
    _check(state, act, effects)
    draws = _draw(state, rng)
    runs = np.broadcast_to(np.asarray(running, dtype=np.bool_), state.alive.shape)
    given = _give(world, state, act, effects, runs)
    before = state._replace(
        adviser=_adviser(world, state, given.adviser_hazard, runs, draws.adviser),
        habit=_habit_after_stopping(state, given, effects),
        fund_full=np.maximum(state.fund_full, given.hold_alone),
    )
    held = state.alive & (draws.held < _hold(world, before, given, runs))
    comes = _come(world, before, given, runs, months_after_end)
    attended = held[:, None] & state.active & (draws.comes < comes)
    goal_met = attended & state.goal_open & (draws.meets_goal < _meet_goal(world, before, given))
    goal_set = attended & (draws.sets_goal < world.goal_set)

    missed = np.where(attended, 0, before.missed + 1)
    stays = state.active & (draws.leaves >= _leave(world, missed, runs))
    failed = np.where(held & (attended.sum(axis=1) >= FEWEST_PRESENT), 0, before.failed + 1)
    alive = state.alive & (failed < MONTHS_TO_DISSOLVE)
    moved = before._replace(
        habit=KEPT_A_MONTH * before.habit + world.habit_step * (2.0 * attended - 1.0),
        dose=_add_dose(before.dose, given.action, effects),
        given=given.action,
        afterglow=_afterglow(before, given, effects, runs),
        goal_open=np.where(attended, goal_set, before.goal_open),
        active=stays & alive[:, None],
        missed=missed,
        share=np.where(held, _share(attended, before.active), before.share),
        failed=failed,
        fund=np.minimum(before.fund_full, before.fund + before.fund_full / FUND_MONTHS),
        alive=alive,
    )
    after = _where_alive(state.alive, moved, state)
    return after, Month(
        held=held,
        attended=attended,
        goal_set=goal_set,
        goal_met=goal_met,
        left=state.active & ~after.active,
        adviser_active=state.alive & after.adviser,
        alive=after.alive,
        dissolved=state.alive & ~after.alive,
    )


def chance_of_coming(
    world: PeerGroup,
    state: State,
    act: Integers,
    effects: Effects,
    running: bool | Bools,
    months_after_end: int | Integers,
) -> Floats:
    """Probability that each seat comes to the coming meeting if it is held, (G, M); 0 for who is gone.

    The truth a study measures regret against, for the adviser as she is in `state`: it knows neither
    whether she will be lost nor whether the meeting will be held.
    """
    _check(state, act, effects)
    runs = np.broadcast_to(np.asarray(running, dtype=np.bool_), state.alive.shape)
    given = _give(world, state, act, effects, runs)
    before = state._replace(habit=_habit_after_stopping(state, given, effects))
    return np.where(state.active, _come(world, before, given, runs, months_after_end), 0.0)


def _check(state: State, act: Integers, effects: Effects) -> None:
    actions = effects.dose.size
    if act.shape != state.active.shape:
        raise Invalid(f"one action a seat: expected {state.active.shape}, got {act.shape}")
    if state.dose.shape[-1] != actions:
        raise Invalid(f"the groups started with {state.dose.shape[-1]} actions; {actions} have effects")
    if act.size and not (act.min() >= 0 and act.max() < actions):
        raise Invalid(f"an action must lie in [0, {actions})")


def _draw(state: State, rng: np.random.Generator) -> _Draws:
    groups, seat = state.alive.shape, state.active.shape
    return _Draws(*(rng.random(shape) for shape in (groups, groups, seat, seat, seat, seat)))


def _give(world: PeerGroup, state: State, act: Integers, effects: Effects, runs: Bools) -> _Given:
    """Actions that reach someone, and their worn-off effects; incentives end with the program."""
    reached = state.active & (runs[:, None] | ~effects.incentive[act])
    action = np.where(reached, act, 0)
    matches = effects.everyone[action] | (effects.speaks_to[action] & state.barriers).any(axis=-1)
    stock = np.take_along_axis(state.dose, action[:, :, None], axis=2)[:, :, 0]
    fresh = np.exp(-world.wear_off * stock)
    where = np.where(state.urban[:, None], 1.0, effects.rural[action])
    lift = effects.lift[action] * fresh * where
    return _Given(
        action=action,
        logit=np.where(matches, effects.matching[action], effects.otherwise[action]) * fresh * where,
        lift=np.where(matches, lift, 0.0),
        group_lift=_farthest_from_zero(lift),
        hold_alone=effects.hold_alone[action].max(axis=1),
        adviser_hazard=effects.adviser_hazard[action].min(axis=1),
    )


def _farthest_from_zero(value: Floats) -> Floats:
    """Value of largest size in each row, with its sign, (G,)."""
    place = np.abs(value).argmax(axis=1)
    return np.take_along_axis(value, place[:, None], axis=1)[:, 0]


def _habit_after_stopping(state: State, given: _Given, effects: Effects) -> Floats:
    """Habit with what it costs, (G, M), that last month's action is not given again."""
    return state.habit + np.where(given.action != state.given, effects.habit_after[state.given], 0.0)


def _adviser(world: PeerGroup, state: State, factor: Floats, runs: Bools, uniform: Floats) -> Bools:
    """Is there an active adviser this month? One step of a chain with two states."""
    hazard = factor * np.where(runs, world.adviser_lost_running, world.adviser_lost_after)
    return np.where(state.adviser, uniform >= hazard, uniform < world.adviser_replaced)


def _hold(world: PeerGroup, state: State, given: _Given, runs: Bools) -> Floats:
    """P(the meeting is held), (G,); a group whose last month failed wavers, and can be lifted."""
    own = np.where(state.adviser, world.hold_adviser, world.hold_alone + state.fund)
    logit = own + world.hold_attendance * 2.0 * (state.share - 0.5) + world.hold_program * runs
    chance: Floats = np.clip(expit(logit) + given.group_lift * (state.failed > 0), 0.0, 1.0)
    return chance


def _come(
    world: PeerGroup, state: State, given: _Given, runs: Bools, months_after_end: int | Integers
) -> Floats:
    """P(comes, if the meeting is held), (G, M); who missed the last one wavers, and can be lifted."""
    of_group = (
        world.attend
        + state.group_leaning
        + world.attend_peers * 2.0 * (state.share - 0.5)
        + world.attend_adviser * state.adviser
        + world.attend_program * runs
    )
    left_over = np.where(runs, 0.0, 0.5 ** (np.asarray(months_after_end) / INCENTIVE_HALF_LIFE_MONTHS))
    logit = (
        of_group[:, None]
        + state.leaning
        + world.attend_habit * state.habit
        + given.logit
        - world.burden * state.dose.sum(axis=2)
        + left_over[:, None] * state.afterglow
    )
    chance: Floats = np.clip(expit(logit) + given.lift * (state.missed > 0), 0.0, 1.0)
    return chance


def _meet_goal(world: PeerGroup, state: State, given: _Given) -> Floats:
    """P(the open goal was met, if its owner comes), (G, M). A guess: habit and action help here too."""
    chance: Floats = expit(world.goal_met + world.attend_habit * state.habit + given.logit)
    return chance


def _leave(world: PeerGroup, missed: Integers, runs: Bools) -> Floats:
    """Hazard of leaving this month, (G, M)."""
    running = world.drop + world.drop_missed * (missed >= MISSED_IN_A_ROW)
    hazard: Floats = np.minimum(running * np.where(runs, 1.0, world.drop_factor_after)[:, None], 1.0)
    return hazard


def _share(attended: Bools, active: Bools) -> Floats:
    """Share of the active members who came, (G,); 0 where none is left."""
    share: Floats = attended.sum(axis=1) / np.maximum(active.sum(axis=1), 1)
    return share


def _add_dose(dose: Floats, action: Integers, effects: Effects) -> Floats:
    given = action[:, :, None] == np.arange(effects.dose.size)
    stock: Floats = KEPT_A_MONTH * dose + effects.dose * given
    return stock


def _afterglow(state: State, given: _Given, effects: Effects, runs: Bools) -> Floats:
    """Logit that incentives have led a member to expect, (G, M): the last one's, fading between two.

    After the end it is kept as it was then; `_come` fades it by the months since.
    """
    faded = state.afterglow * 0.5 ** (1.0 / INCENTIVE_HALF_LIFE_MONTHS)
    lately = np.where(effects.incentive[given.action], given.logit, faded)
    return np.where(runs[:, None], lately, state.afterglow)


def _where_alive(alive: Bools, moved: State, still: State) -> State:
    """State moved for groups alive before the month, and as it was for dissolved ones."""
    return State(
        *(
            np.where(alive.reshape(-1, *[1] * (new.ndim - 1)), new, old)
            for new, old in zip(moved, still, strict=True)
        )
    )
