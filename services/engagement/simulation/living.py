"""One run: a contender lives through all months of one world, by seed.

A month: what is due is learned; health workers choose whom to visit; everybody else is asked about, and what
is decided is carried out; the world moves on; reports come in. A visited group gets nothing else in that
month. Whatever the contender does, the world draws the same numbers at the same places (common random
numbers), so that two contenders of one seed differ by what they did and by nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from engagement.actions.availability import Given
from engagement.randomness import generator
from engagement.records import Bools, Floats, Integers, Units
from engagement.simulation.asking import Chosen, Names, Wanted, choose, named
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
from engagement.simulation.setting import Setting, asked_at_ms, remembered_since_ms, today
from engagement.simulation.virtual_community import VirtualCommunity
from engagement.simulation.visits import Standing, moved_on, unknown, visited
from engagement.strategy.purse import Resource
from engagement.strategy.reward import GOAL_SHARE
from engagement.strategy.setup import days_to_end
from engagement.strategy.strategy import Strategy


class Decided(NamedTuple):
    """The N decisions of a month: their places among members or groups, what was picked and how likely.

    reward : (N,), NaN where nothing will ever be heard      randomised : (N,)
    """

    rows: Integers
    action: Integers
    probability: Units
    reward: Floats
    randomised: Bools


class Lived(NamedTuple):
    """A month as a contender lived it.

    there : (G, M), active when it began      visited, reported : (G,)
    cost_minor, health_worker_minutes : (G,)      regret : (G,), summed over `asked` seats
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


class _Run(NamedTuple):
    """What is the same in every month."""

    setting: Setting
    world: World
    contender: Contender
    names: Names
    effects: Effects
    seed: int

    @property
    def running(self) -> int:
        """Months until the program's end."""
        return self.setting.size.months_running


class _Now(NamedTuple):
    """A month as it begins. there : (G, M)      left : days until the program's end"""

    month: int
    state: Any
    known: Known
    there: Bools
    left: int

    @property
    def alive(self) -> Bools:
        """Whether anybody of each group is there, (G,)."""
        return np.asarray(self.there.any(axis=1))


class _Memory(NamedTuple):
    """What the service would know between two months."""

    learning: Learning | None
    given: tuple[tuple[Given, ...], ...]
    made: Integers
    taken: Mapping[Resource, int]
    standing: Standing
    seen: Seen | None


class _Picks(NamedTuple):
    """What a strategy wants of a month. strategy : as it was declared

    group : (N,), that of each unit      done : (N,), whether it is carried out      act : (G, M)
    """

    strategy: Strategy
    wanted: Wanted
    group: Integers
    chosen: Chosen
    done: Bools
    act: Integers


class Part(NamedTuple):
    """One of several contenders in the same world. mine : (T, G), the groups it is asked about in a month"""

    contender: Contender
    mine: Bools


def lived(setting: Setting, world: World, contender: Contender, seed: int) -> list[Lived]:
    """Every month of one run."""
    groups = world.groups or setting.size.groups
    return lived_in_parts(
        setting, world, (Part(contender, np.ones((setting.size.months, groups), np.bool_)),), seed
    )


def lived_in_parts(
    setting: Setting,
    world: World,
    parts: Sequence[Part],
    seed: int,
    settled: Callable[[Any], Any] = lambda state: state,
) -> list[Lived]:
    """The same where several contenders decide, each about its own groups and learning from them alone.

    settled : the groups on the first day, as they are to be      `decided` is told where there is one part
    """
    setting = _at_home(setting, world)
    groups, seats = world.groups or setting.size.groups, world.seats or setting.size.seats
    effects = world.effects(setting.effects)
    names = named(groups, seats)
    runs = [_Run(setting, world, part.contender, names, effects, seed) for part in parts]
    state: Any = settled(begin(world, groups, seats, effects.dose.size, seed))
    memories = [_begun(part.contender, groups, seats) for part in parts]
    months = []
    for month in range(setting.size.months):
        now = _now(runs[0], state, month)
        memories = [_learned(memory, now) for memory in memories]
        state, memories, one = _month(runs, memories, now, [part.mine[month] for part in parts])
        months.append(one)
    return months


def _month(
    runs: Sequence[_Run], memories: Sequence[_Memory], now: _Now, mine: Sequence[Bools]
) -> tuple[Any, list[_Memory], Lived]:
    """The state of the groups and what is known after a month, and the month."""
    act, visits, choices = np.zeros(now.there.shape, np.int64), [], []
    taken = memories[0].taken
    for run, memory, groups in zip(runs, memories, mine, strict=True):
        own = now._replace(there=now.there & groups[:, None])
        going = _visits(run, memory.standing, own, float(groups.mean()))
        picks = _picks(run, memory._replace(taken=taken), own, going)
        if picks is not None:
            act, taken = np.maximum(act, picks.act), picks.chosen.taken
        visits.append(going)
        choices.append(picks)
    going = np.any(visits, axis=0)
    run = runs[0]
    if going.any():
        act = np.where(going[:, None], run.setting.number(VISIT), act)
    state, happened = moved(run.world, now.state, act, run.effects, now.month, run.running, run.seed)
    reports = reporting(run.world, len(going), now.month, run.seed)
    decided = [None if picks is None else _decided(picks, happened, reports) for picks in choices]
    after = [
        _remembered(one, memory, now, picks, made, visited, happened, reports)._replace(taken=taken)
        for one, memory, picks, made, visited in zip(runs, memories, choices, decided, visits, strict=True)
    ]
    cost, minutes = np.sum(
        [_spent(run, picks, visited) for picks, visited in zip(choices, visits, strict=True)], axis=0
    )
    missed = _regret(run, now, act, now.there & ~going[:, None])
    told = decided[0] if len(decided) == 1 else None
    return state, after, Lived(now.there, happened, going, reports.reported, cost, minutes, *missed, told)


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


def _now(run: _Run, before: Any, month: int) -> _Now:
    state = befallen(run.world, before, month, run.seed)
    known = Known(None, None) if run.world.minimal else Known(state.urban, state.barriers)
    left = days_to_end(run.setting.site, today(run.setting, month)) or 0
    return _Now(month, state, known, state.active & state.alive[:, None], left)


def _learned(memory: _Memory, now: _Now) -> _Memory:
    """With what is due and what has arrived by the time decisions are made."""
    learning = None if memory.learning is None else folded(memory.learning, asked_at_ms(now.month))
    seen = None if memory.seen is None else arrived(memory.seen, now.month, now.there.shape[1])
    return memory._replace(learning=learning, seen=seen)


def _visits(run: _Run, standing: Standing, now: _Now, share: float) -> Bools:
    """Which groups are visited, (G,). share : of all groups that this contender is asked about"""
    if run.contender.visits is None:
        return np.zeros(len(now.there), np.bool_)
    count = run.setting.size.visits(run.world.hours(now.month) * share)
    return visited(run.contender.visits, standing, now.known, now.alive, count, now.month, now.left, run.seed)


def _picks(run: _Run, memory: _Memory, now: _Now, going: Bools) -> _Picks | None:
    """What the strategy decides about everybody whose turn it is and whom nobody visits."""
    if memory.learning is None:
        return None
    strategy, (groups, seats) = memory.learning.strategy, now.there.shape
    by_group = strategy.level == "group"
    open_to = now.there & (run.contender.schedule.asks(now.month, groups) & ~going)[:, None]
    rows = np.flatnonzero(open_to.any(axis=1) if by_group else open_to)
    if not len(rows):
        return None
    group = rows if by_group else rows // seats
    wanted = Wanted(
        rows,
        _features(run, memory, now, strategy, rows),
        memory.made[rows] if strategy.counts else np.zeros(len(rows), np.int64),
        None if now.known.urban is None else now.known.urban[group],
    )
    nodes = memory.learning.nodes
    chosen = choose(run.setting, strategy, nodes, run.names, wanted, memory.given, memory.taken, now.month)
    draws = generator(run.seed, "carried out", str(now.month)).random(now.there.size)
    done = draws[rows * seats if by_group else rows] < run.setting.size.carried_out
    act = np.zeros(groups if by_group else now.there.size, np.int64)
    act[rows] = np.where(done, np.array(run.setting.numbers(strategy.actions))[chosen.action], 0)
    spread = np.repeat(act[:, None], seats, axis=1) if by_group else act.reshape(groups, seats)
    return _Picks(memory.learning.declared, wanted, group, chosen, done, spread)


def _features(run: _Run, memory: _Memory, now: _Now, strategy: Strategy, rows: Integers) -> Floats:
    """(N, d); beliefs that look at nothing but the intercept are shown nothing else."""
    if memory.seen is None:
        plain = np.zeros((len(rows), len(strategy.columns)))
        plain[:, 0] = 1.0
        return plain
    shown = rows
    if run.world.misleads:
        shown = generator(run.seed, "somebody else").permutation(len(memory.given))[rows]
    return features(run.setting, strategy, memory.seen, rows, shown, memory.given, now.known, now.month)


def _decided(picks: _Picks, happened: Month, reports: Reporting) -> Decided:
    """A month's decisions with what they earned."""
    rows, chosen = picks.wanted.rows, picks.chosen
    earned = _earned(picks.strategy, happened, rows, picks.group)
    reward = np.where(reports.reported[picks.group], earned, np.nan)
    return Decided(rows, chosen.action, chosen.probability, reward, chosen.randomised)


def _earned(strategy: Strategy, happened: Month, rows: Integers, group: Integers) -> Floats:
    """(N,), by the strategy's outcome; as `strategy.reward` reads it from reports that are complete."""
    kind = strategy.outcome.kind
    if kind == "came_to_next_meeting":
        came, goal = happened.attended.ravel()[rows], happened.goal_met.ravel()[rows]
        earned: Floats = np.where(came, (1 - GOAL_SHARE) + GOAL_SHARE * goal, 0.0)
        return earned
    return (happened.held if kind == "next_meeting_held" else _met(happened))[group].astype(np.float64)


def _met(happened: Month) -> Bools:
    """Whether each group met with enough present, (G,)."""
    met: Bools = happened.held & (happened.attended.sum(axis=1) >= FEWEST_PRESENT)
    return met


def _remembered(
    run: _Run,
    memory: _Memory,
    now: _Now,
    picks: _Picks | None,
    decided: Decided | None,
    going: Bools,
    happened: Month,
    reports: Reporting,
) -> _Memory:
    """What is known after a month; a late report is not there when visits are planned, and so is none."""
    if run.contender.visits is not None:
        heard_now = reports.reported & (reports.delay == 0)
        standing = moved_on(
            memory.standing, now.known, now.alive, heard_now, _met(happened), going, now.month, now.left
        )
        memory = memory._replace(standing=standing)
    if memory.seen is not None:
        goal_open = getattr(now.state, "goal_open", np.zeros_like(now.there))
        more = heard(now.month, now.there, goal_open, happened, *reports)
        memory = memory._replace(seen=memory.seen._replace(waiting=memory.seen.waiting + more))
    if picks is None or decided is None or memory.learning is None:
        return memory
    made = memory.made.copy()
    made[decided.rows] += 1
    waiting = _waiting(run, picks, decided, reports, now.month)
    return memory._replace(
        learning=memory.learning._replace(waiting=(*memory.learning.waiting, waiting)),
        given=_given(run, memory, picks, now.month),
        made=made,
        taken=picks.chosen.taken,
    )


def _waiting(run: _Run, picks: _Picks, decided: Decided, reports: Reporting, month: int) -> Decisions:
    """The decisions until they are folded: a month's report is there when the next month's are made."""
    names, rows = run.names, decided.rows.tolist()
    arrives = [asked_at_ms(month + 1 + late) for late in range(int(reports.delay.max()) + 1)]
    return Decisions(
        asked_at_ms(month),
        picks.wanted.features,
        decided.action,
        decided.probability,
        tuple(names.groups[row] for row in picks.group.tolist()),
        ("",) * len(rows) if picks.strategy.level == "group" else tuple(names.members[row] for row in rows),
        decided.reward,
        np.array(arrives)[reports.delay[picks.group]],
    )


def _given(run: _Run, memory: _Memory, picks: _Picks, month: int) -> tuple[tuple[Given, ...], ...]:
    """What each place was given by now; what was not carried out was not given."""
    out, at_ms, since_ms = list(memory.given), asked_at_ms(month), remembered_since_ms(run.setting, month)
    acted = picks.done & (picks.chosen.action > 0)
    rows, actions = picks.wanted.rows[acted].tolist(), picks.chosen.action[acted].tolist()
    for row, action in zip(rows, actions, strict=True):
        kept = (one for one in out[row] if one.at_ms > since_ms)
        out[row] = (*kept, Given(picks.strategy.actions[action - 1], at_ms))
    return tuple(out)


def _regret(run: _Run, now: _Now, act: Integers, asked: Bools) -> tuple[Floats, Integers]:
    """What the best of the menu would add to the chance of coming, summed by group, and over how many."""
    setting, groups = run.setting, len(act)
    if now.month >= run.running or not setting.menu:
        return np.zeros(groups), np.zeros(groups, np.int64)

    def chance(act: Integers) -> Floats:
        return chances(run.world, now.state, act, run.effects, now.month, run.running)

    best = np.max([chance(np.full(act.shape, number)) for number in setting.numbers(setting.menu)], axis=0)
    missed = np.where(asked, best - chance(act), 0.0)
    return missed.sum(axis=1), asked.sum(axis=1)


def _spent(run: _Run, picks: _Picks | None, going: Bools) -> tuple[Integers, Integers]:
    """Money and health workers' minutes of a month by group, of what was carried out."""
    cost, minutes = np.zeros(len(going), np.int64), np.zeros(len(going), np.int64)
    catalogue = run.setting.catalogue
    if going.any():
        cost += going * catalogue.actions[VISIT].cost_minor
        minutes += going * run.setting.size.minutes_a_visit
    if picks is not None:
        offered = catalogue.offered(picks.strategy)
        hers = np.array([False, *(one.carrier == "health_worker" for one in offered)])[picks.chosen.action]
        np.add.at(cost, picks.group, picks.chosen.cost_minor * picks.done)
        np.add.at(minutes, picks.group, picks.chosen.minutes * picks.done * hers)
    return cost, minutes
