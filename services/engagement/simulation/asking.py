"""A month's decisions of one strategy, made as the service makes them: the same question, the same `decide`.

Units are asked about in the order of their ids, and each finds what those before it have left of money and
minutes. How many are decided together changes no bit of the result, only the time it takes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from engagement.actions.availability import Given, Refusals, Situation, refusals
from engagement.actions.catalogue import AnyAction
from engagement.randomness import uniform
from engagement.records import Bools, Course, Floats, Integers, Nodes, Points, Units
from engagement.simulation.calendar import month_name
from engagement.simulation.setting import Setting, asked_at_ms, today
from engagement.strategy.cadence import calendar, decisions_to_come
from engagement.strategy.decide import Asked, Decided, decide
from engagement.strategy.prices import priced
from engagement.strategy.purse import Resource, drawn_on, limit, purse
from engagement.strategy.quiet import deliver_from
from engagement.strategy.setup import days_to_end, phase
from engagement.strategy.strategy import Strategy
from engagement.strategy.stratum import Stratum

CUT = 256
"""Units decided together where all draw on one limit: once that is short they take turns one by one."""


class Names(NamedTuple):
    """Ids whose order is that of the places: groups, (G,), and their members, (G·M,) seat by seat."""

    groups: tuple[str, ...]
    members: tuple[str, ...]
    seats: int


class Wanted(NamedTuple):
    """About whom a decision is wanted: N units in order, by their place among members or among groups.

    features : (N, d)      made : (N,), decisions of them so far      urban : (N,), None where not known
    """

    rows: Integers
    features: Floats
    made: Integers
    urban: Bools | None


class Chosen(NamedTuple):
    """What was decided of N units, and what is taken of every limit by now.

    action : (N,), 0 for `none`      probability : (N, K)      cost_minor, minutes : (N,) of the picks
    randomised : (N,)
    """

    action: Integers
    probability: Units
    refusals: Refusals
    randomised: Bools
    cost_minor: Integers
    minutes: Integers
    taken: Mapping[Resource, int]


def named(groups: int, seats: int) -> Names:
    """Ids that say nothing but the place."""
    width, seat = len(str(groups)), len(str(seats))
    of_groups = tuple(f"g{number:0{width}}" for number in range(1, groups + 1))
    return Names(of_groups, tuple(f"{g}-{m:0{seat}}" for g in of_groups for m in range(1, seats + 1)), seats)


def choose(
    setting: Setting,
    strategy: Strategy,
    nodes: Nodes,
    names: Names,
    wanted: Wanted,
    given: Sequence[tuple[Given, ...]],
    taken: Mapping[Resource, int],
    month: int,
) -> Chosen:
    """Decides about everybody wanted. given : what each place was given      taken : of limits so far"""
    spent = dict(taken)
    actions = setting.catalogue.offered(strategy)
    decided: list[Decided] = []
    costs: list[Integers] = []
    shared = setting.catalogue.budgets or setting.catalogue.program.staff_minutes is not None
    size = CUT if shared else len(wanted.rows)
    for start in range(0, len(wanted.rows), size):
        lot = _part(wanted, slice(start, start + size))
        one, cost = _lot(setting, strategy, actions, nodes, names, lot, given, spent, month)
        decided.append(one)
        costs.append(cost)
    action = np.concatenate([one.picked for one in decided])
    probability = np.concatenate([one.probability for one in decided])
    cost = np.concatenate(costs)
    share = probability[np.arange(len(action)), action]
    refused = np.concatenate([one.refusals for one in decided])
    broken = np.array([why is not None for one in decided for why in one.fallback], np.bool_)
    certain = np.uint64(1 << 32)
    return Chosen(action, probability, refused, ~broken & (share < certain), cost[:, 0], cost[:, 1], spent)


def _part(wanted: Wanted, rows: slice) -> Wanted:
    urban = None if wanted.urban is None else wanted.urban[rows]
    return Wanted(wanted.rows[rows], wanted.features[rows], wanted.made[rows], urban)


def _lot(
    setting: Setting,
    strategy: Strategy,
    actions: Sequence[AnyAction],
    nodes: Nodes,
    names: Names,
    lot: Wanted,
    given: Sequence[tuple[Given, ...]],
    spent: dict[Resource, int],
    month: int,
) -> tuple[Decided, Integers]:
    """One lot's decisions and what each pick costs, (n, 2); what they take is added to `spent`."""
    day, site = today(setting, month), setting.site
    groups = _groups(strategy, names, lot.rows)
    resources = sorted(drawn_on(setting.catalogue, actions, set(groups), day))
    left = {row: limit(setting.catalogue, row) - spent.get(row, 0) for row in resources}
    ends = [days_to_end(site, day)] * len(groups)
    own = purse(setting.catalogue, actions, groups, day, left, ends)
    asked = _asked(setting, strategy, actions, names, lot, groups, given, month)
    made = decide(strategy, nodes, asked, own)
    rows = np.arange(len(groups))
    account, cost = own.account[rows, made.picked], own.costs[rows, made.picked]
    for row, slot in np.argwhere(account >= 0):
        resource = resources[account[row, slot]]
        spent[resource] = spent.get(resource, 0) + int(cost[row, slot])
    return made, cost


def _groups(strategy: Strategy, names: Names, rows: Integers) -> tuple[str, ...]:
    if strategy.level == "group":
        return tuple(names.groups[row] for row in rows.tolist())
    return tuple(names.groups[row // names.seats] for row in rows.tolist())


def _asked(
    setting: Setting,
    strategy: Strategy,
    actions: Sequence[AnyAction],
    names: Names,
    lot: Wanted,
    groups: tuple[str, ...],
    given: Sequence[tuple[Given, ...]],
    month: int,
) -> Asked:
    """The pure question, as `workflows.recommend` puts it."""
    day, site = today(setting, month), setting.site
    kind = "group" if strategy.level == "group" else "member"
    of_kind = names.groups if kind == "group" else names.members
    units = tuple(of_kind[row] for row in lot.rows.tolist())
    to_come = decisions_to_come(day, site.ends_on, strategy.cadence)
    course = Course(lot.made, np.full(len(units), to_come))
    point = month_name(month)
    draws = tuple(
        uniform(setting.secret, setting.program_id, strategy.id, f"{kind}:{unit}", point) for unit in units
    )
    days = [days_to_end(site, day)] * len(units)
    watched = strategy.control is not None or strategy.shadow is not None
    return Asked(
        Points(
            lot.features, groups, units if kind == "member" else ("",) * len(units), course, strategy.columns
        ),
        refusals(actions, _situations(setting, [given[row] for row in lot.rows.tolist()], month)),
        draws,
        (False,) * len(units),
        priced(strategy.prices, actions, days) if strategy.prices.any else None,
        _floors(strategy, lot) if strategy.floors else None,
        tuple(strategy.arm(setting.secret, setting.program_id, group) for group in groups) if watched else (),
    )


def _floors(strategy: Strategy, lot: Wanted) -> Floats:
    if lot.urban is None:
        return np.full(len(lot.rows), strategy.floor_for(Stratum(role="member")))
    known = {
        urban: strategy.floor_for(Stratum(setting="urban" if urban else "rural", role="member"))
        for urban in (False, True)
    }
    return np.array([known[urban] for urban in lot.urban.tolist()])


def _situations(setting: Setting, given: Sequence[tuple[Given, ...]], month: int) -> list[Situation]:
    """Everybody agreed to all but contacting their family, and speaks the program's language."""
    program, now_ms, site = setting.catalogue.program, asked_at_ms(month), setting.site
    found = calendar(now_ms, program.time_zone, "month")
    plain = Situation(
        phase(site, found.today),
        found.today,
        now_ms,
        True,
        (program.language,),
        (),
        in_time=deliver_from(program.quiet_hours, now_ms, program.time_zone) < found.ends_ms,
        contacts=program.contacts,
        days_to_end=days_to_end(site, found.today),
        planned=setting.catalogue.planned(None),
    )
    return [plain._replace(given=row) if row else plain for row in given]
