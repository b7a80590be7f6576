"""One run: a contender lives through all months of one world, by seed.

A month: what is due is learned; health workers choose whom to visit; everybody else is asked about, and what
is decided is carried out; the world moves on; reports come in. A visited group gets nothing else in that
month. Whatever the contender does, the world draws the same numbers at the same places (common random
numbers), so that two contenders of one seed differ by what they did and by nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from engagement.actions.availability import Given
from engagement.randomness import generator
from engagement.records import Bools, Floats, Integers, Units
from engagement.simulation.asking import Chosen, Names, Wanted, choose, named, remembered_since_ms
from engagement.simulation.contender import VISIT, Contender
from engagement.simulation.effects import Effects
from engagement.simulation.learning import Decisions, Learning, beginning, folded
from engagement.simulation.peer_group import FEWEST_PRESENT, Month
from engagement.simulation.registry import Reporting, World, befallen, begin, chances, moved, reporting
from engagement.simulation.seen import (
    Known,
    Seen,
    arrived,
    features,
    heard,
    looks,
    nothing_seen,
)
from engagement.simulation.setting import Setting, asked_at_ms, today
from engagement.simulation.virtual_community import VirtualCommunity
from engagement.simulation.visits import Standing, moved_on, unknown, visited
from engagement.strategy.purse import Resource
from engagement.strategy.reward import GOAL_SHARE
from engagement.strategy.setup import days_to_end
from engagement.strategy.strategy import Strategy


class Decided(NamedTuple):
    """The N decisions of a month: their places among members or groups, what was picked and how likely."""

    rows: Integers
    action: Integers
    probability: Units
    reward: Floats
    randomised: Bools


class Lived(NamedTuple):
    """A month as a contender lived it.

    there : (G, M), active when it began      visited : (G,)      reported : (G,)
    cost_minor, health_worker_minutes : (G,)      regret : (G,), summed over those of `asked` seats
    """

    there: Bools
    happened: Month
    visited: Bools
    reported: Bools
    cost_minor: Integers
    health_worker_minutes: Integers
    regret: Floats
    asked: Integers
    decided: Decided | None


class _Memory(NamedTuple):
    """What the service would know between two months."""

    learning: Learning | None
    given: tuple[tuple[Given, ...], ...]
    made: Integers
    taken: Mapping[Resource, int]
    standing: Standing
    seen: Seen | None


class _Picks(NamedTuple):
    """What a strategy wants of a month. done : (N,), of the rows      act : (G, M)"""

    wanted: Wanted
    chosen: Chosen
    done: Bools
    act: Integers


def lived(setting: Setting, world: World, contender: Contender, seed: int) -> list[Lived]:
    """Every month of one run."""
    setting = _at_home(setting, world)
    groups, seats = _shape(setting, world)
    effects, names = world.effects(setting.effects), named(groups, seats)
    state = begin(world, groups, seats, effects.dose.size, seed)
    memory = _begun(contender, groups, seats)
    months = []
    for month in range(setting.size.months):
        state = befallen(world, state, month, seed)
        known = Known(None, None) if world.minimal else Known(state.urban, state.barriers)
        memory = _learned(memory, month, seats)
        there = state.active & state.alive[:, None]
        going = _visits(setting, world, contender, memory.standing, known, there, month, seed)
        picks = _picks(setting, world, contender, memory, names, known, there, going, month, seed)
        act = np.zeros(there.shape, np.int64) if picks is None else picks.act
        if going.any():
            act = np.where(going[:, None], setting.number(VISIT), act)
        missing = _regret(setting, world, state, act, effects, there & ~going[:, None], month)
        before = state
        state, happened = moved(world, state, act, effects, month, setting.size.months_running, seed)
        reports = reporting(world, groups, month, seed)
        memory, decided = _remembered(
            setting, contender, memory, picks, names, known, there, going, before, happened, reports, month
        )
        months.append(
            Lived(
                there,
                happened,
                going,
                reports.reported,
                *_spent(setting, contender, picks, going, seats),
                *missing,
                decided,
            )
        )
    return months


def any_of(there: Bools) -> Bools:
    """Whether anybody of each group is there, (G,)."""
    found: Bools = there.any(axis=1)
    return found


def _at_home(setting: Setting, world: World) -> Setting:
    """The program as it works in this world: a virtual community needs nobody's minutes, and no visits."""
    if not isinstance(world.people, VirtualCommunity):
        return setting
    actions = {
        name: msgspec.structs.replace(action, carrier="app", minutes=0)
        for name, action in setting.catalogue.actions.items()
    }
    size = msgspec.structs.replace(setting.size, health_worker_hours=0.0)
    return setting._replace(catalogue=setting.catalogue._replace(actions=actions), size=size)


def _shape(setting: Setting, world: World) -> tuple[int, int]:
    return world.groups or setting.size.groups, world.seats or setting.size.seats


def _begun(contender: Contender, groups: int, seats: int) -> _Memory:
    strategy = contender.strategy
    units = groups if strategy is not None and strategy.level == "group" else groups * seats
    return _Memory(
        None if strategy is None else beginning(strategy),
        ((),) * units,
        np.zeros(units, np.int64),
        {},
        unknown(groups),
        nothing_seen(groups, seats) if strategy is not None and looks(strategy) else None,
    )


def _learned(memory: _Memory, month: int, seats: int) -> _Memory:
    """With what is due and what has arrived by the time decisions are made."""
    learning = None if memory.learning is None else folded(memory.learning, asked_at_ms(month))
    seen = None if memory.seen is None else arrived(memory.seen, month, seats)
    return memory._replace(learning=learning, seen=seen)


def _visits(
    setting: Setting,
    world: World,
    contender: Contender,
    standing: Standing,
    known: Known,
    there: Bools,
    month: int,
    seed: int,
) -> Bools:
    if contender.visits is None:
        return np.zeros(len(there), np.bool_)
    count = setting.size.visits(world.hours(month))
    left = days_to_end(setting.site, today(setting, month)) or 0
    return visited(contender.visits, standing, known, any_of(there), count, month, left, seed)


def _picks(
    setting: Setting,
    world: World,
    contender: Contender,
    memory: _Memory,
    names: Names,
    known: Known,
    there: Bools,
    going: Bools,
    month: int,
    seed: int,
) -> _Picks | None:
    """What the strategy decides about everybody whose turn it is and whom nobody visits."""
    if memory.learning is None:
        return None
    strategy, seats = memory.learning.strategy, there.shape[1]
    open_to = there & (contender.schedule.asks(month, len(there)) & ~going)[:, None]
    by_group = strategy.level == "group"
    rows = np.flatnonzero(open_to.any(axis=1) if by_group else open_to)
    if not len(rows):
        return None
    wanted = Wanted(
        rows,
        _features(setting, world, strategy, memory, known, rows, month, seed),
        memory.made[rows] if strategy.counts else np.zeros(len(rows), np.int64),
        None if known.urban is None else known.urban[rows if by_group else rows // seats],
    )
    chosen = choose(
        setting, strategy, memory.learning.nodes, names, wanted, memory.given, memory.taken, month
    )
    draws = generator(seed, "carried out", str(month)).random(there.size)
    done = draws[rows * seats if by_group else rows] < setting.size.carried_out
    numbers = np.array(setting.numbers(strategy.actions))
    act = np.zeros(there.size if not by_group else len(there), np.int64)
    act[rows] = np.where(done, numbers[chosen.action], 0)
    spread = np.repeat(act[:, None], seats, axis=1) if by_group else act.reshape(there.shape)
    return _Picks(wanted, chosen, done, spread)


def _features(
    setting: Setting,
    world: World,
    strategy: Strategy,
    memory: _Memory,
    known: Known,
    rows: Integers,
    month: int,
    seed: int,
) -> Floats:
    """(N, d); beliefs that look at nothing but the intercept are shown nothing else."""
    if memory.seen is None:
        plain = np.zeros((len(rows), len(strategy.columns)))
        plain[:, 0] = 1.0
        return plain
    shown = rows
    if world.misleads:
        shown = generator(seed, "somebody else").permutation(len(memory.given))[rows]
    return features(setting, strategy, memory.seen, rows, shown, memory.given, known, month)


def _regret(
    setting: Setting, world: World, state: Any, act: Integers, effects: Effects, asked: Bools, month: int
) -> tuple[Floats, Integers]:
    """What the best of the menu would add to the chance of coming, summed by group, and over how many."""
    running = setting.size.months_running
    if month >= running or not setting.menu:
        return np.zeros(len(act)), np.zeros(len(act), np.int64)
    best = np.max(
        [
            chances(world, state, np.full(act.shape, number), effects, month, running)
            for number in setting.numbers(setting.menu)
        ],
        axis=0,
    )
    missed = np.where(asked, best - chances(world, state, act, effects, month, running), 0.0)
    return missed.sum(axis=1), asked.sum(axis=1)


def _remembered(
    setting: Setting,
    contender: Contender,
    memory: _Memory,
    picks: _Picks | None,
    names: Names,
    known: Known,
    there: Bools,
    going: Bools,
    before: Any,
    happened: Month,
    reports: Reporting,
    month: int,
) -> tuple[_Memory, Decided | None]:
    """What is known after a month, and its decisions with what they earned."""
    now = reports.reported & (reports.delay == 0)
    met = happened.held & (happened.attended.sum(axis=1) >= FEWEST_PRESENT)
    left = days_to_end(setting.site, today(setting, month)) or 0
    if contender.visits is not None:
        standing = moved_on(memory.standing, known, any_of(there), now, met, going, month, left)
        memory = memory._replace(standing=standing)
    if memory.seen is not None:
        goal_open = getattr(before, "goal_open", np.zeros_like(there))
        more = heard(month, there, goal_open, happened, reports.reported, reports.delay)
        memory = memory._replace(seen=memory.seen._replace(waiting=memory.seen.waiting + more))
    if picks is None or memory.learning is None:
        return memory, None
    strategy, rows = memory.learning.declared, picks.wanted.rows
    group = rows if strategy.level == "group" else rows // there.shape[1]
    reward = np.where(reports.reported[group], _earned(strategy, happened, met, rows, group), np.nan)
    known_ms = np.array([asked_at_ms(month + 1 + int(late)) for late in range(int(reports.delay.max()) + 1)])
    made = Decisions(
        asked_at_ms(month),
        picks.wanted.features,
        picks.chosen.action,
        picks.chosen.probability,
        tuple(names.groups[row] for row in group.tolist()),
        ("",) * len(rows)
        if strategy.level == "group"
        else tuple(names.members[row] for row in rows.tolist()),
        reward,
        known_ms[reports.delay[group]],
    )
    counted = memory.made.copy()
    counted[rows] += 1
    memory = memory._replace(
        learning=memory.learning._replace(waiting=(*memory.learning.waiting, made)),
        given=_given(setting, strategy, memory.given, picks, month),
        made=counted,
        taken=picks.chosen.taken,
    )
    decided = Decided(rows, picks.chosen.action, picks.chosen.probability, reward, picks.chosen.randomised)
    return memory, decided


def _earned(strategy: Strategy, happened: Month, met: Bools, rows: Integers, group: Integers) -> Floats:
    """(N,), by the strategy's outcome; as `strategy.reward` reads it from reports that are complete."""
    kind = strategy.outcome.kind
    if kind == "came_to_next_meeting":
        came, goal = happened.attended.ravel()[rows], happened.goal_met.ravel()[rows]
        earned: Floats = np.where(came, (1 - GOAL_SHARE) + GOAL_SHARE * goal, 0.0)
        return earned
    return (happened.held if kind == "next_meeting_held" else met)[group].astype(np.float64)


def _given(
    setting: Setting,
    strategy: Strategy,
    given: Sequence[tuple[Given, ...]],
    picks: _Picks,
    month: int,
) -> tuple[tuple[Given, ...], ...]:
    """What each place was given by now; what was not carried out was not given."""
    out, at_ms, since_ms = list(given), asked_at_ms(month), remembered_since_ms(setting, month)
    acted = picks.done & (picks.chosen.action > 0)
    for row, action in zip(
        picks.wanted.rows[acted].tolist(), picks.chosen.action[acted].tolist(), strict=True
    ):
        kept = (one for one in out[row] if one.at_ms >= since_ms)
        out[row] = (*kept, Given(strategy.actions[action - 1], at_ms))
    return tuple(out)


def _spent(
    setting: Setting, contender: Contender, picks: _Picks | None, going: Bools, seats: int
) -> tuple[Integers, Integers]:
    """Money and health workers' minutes of a month by group, of what was carried out."""
    cost, minutes = np.zeros(len(going), np.int64), np.zeros(len(going), np.int64)
    if going.any():
        cost += going * setting.catalogue.actions[VISIT].cost_minor
        minutes += going * setting.size.minutes_a_visit
    if picks is not None and contender.strategy is not None:
        by_group = contender.strategy.level == "group"
        group = picks.wanted.rows if by_group else picks.wanted.rows // seats
        offered = setting.catalogue.offered(contender.strategy)
        hers = np.array([False, *(action.carrier == "health_worker" for action in offered)])
        chosen = picks.chosen
        np.add.at(cost, group, chosen.cost_minor * picks.done)
        np.add.at(minutes, group, chosen.minutes * picks.done * hers[chosen.action])
    return cost, minutes
