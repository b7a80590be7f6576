"""What actions draw on: a payer's money, and the time of who carries them out. Both have limits.

An action takes money from its payer's budget of the period, and minutes from its carrier: an adviser
has so many a month for each group beyond the meeting, fewer while tired of it, all staff together so many a
month. A payer without a budget and any other carrier have no limit here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from engagement.actions.action import Carrier
from engagement.actions.availability import Reason, Refusals
from engagement.actions.catalogue import AnyAction
from engagement.records import Integers
from engagement.strategy.cadence import budget_period
from engagement.strategy.setup import Catalogue

ADVISER = "adviser/"
"""In front of a group: the resource of its adviser."""
STAFF = "staff/"
"""The resource of all staff together."""
REASONS = (Reason.BUDGET, Reason.MINUTES)
"""Why an action is refused when too little is left of its money, or of its carrier's time."""


class Resource(NamedTuple):
    """One limit in one period: a payer's id, `adviser/` and a group's, or `staff/`; no payer has a slash."""

    id: str
    period: str


class Purse(NamedTuple):
    """What the actions draw on at N decision points, and what is left of it.

    account : (N, K, 2) index into `left` of the money and of the minutes, −1 for no limit
    cost : (K, 2) or (N, K, 2), minor units and minutes    left : (A,) of each account
    """

    account: Integers
    cost: Integers
    left: Integers

    @property
    def costs(self) -> Integers:
        """(N, K, 2), row by row: an incentive's cost may depend on where the unit is."""
        return np.broadcast_to(self.cost, self.account.shape)


def drawn_on(
    catalogue: Catalogue, actions: Sequence[AnyAction], groups: Iterable[str], today: date
) -> set[Resource]:
    """Every resource that these actions could draw on in these groups."""
    found = {_money(catalogue, action, today) for action in actions}
    month = budget_period(today, "month")
    here = set(groups)
    for carrier in _carriers(actions):
        found |= {_minutes(catalogue, carrier, group, month) for group in here}
    return {resource for resource in found if resource is not None}


def limit(catalogue: Catalogue, resource: Resource, tired: Collection[str] = ()) -> int:
    """How much there is of a resource in its period. tired : groups whose adviser is"""
    program = catalogue.program
    if resource.id == STAFF:
        return program.staff_minutes or 0
    budget = catalogue.budgets.get(resource.id)
    if budget is not None:
        return budget.limit_minor
    return program.advisers.minutes(program.adviser_minutes, tired=resource.id.removeprefix(ADVISER) in tired)


def purse(
    catalogue: Catalogue,
    actions: Sequence[AnyAction],
    groups: Sequence[str],
    today: date,
    left: Mapping[Resource, int],
    days_to_end: Sequence[int | None] = (),
) -> Purse:
    """The purse of N decision points in these groups.

    days_to_end : until the program's end where each group is, or nothing where no end is set anywhere
    left : of every resource that they could draw on, maybe of others too; the accounts, in its order
    """
    place: dict[Resource | None, int] = {resource: index for index, resource in enumerate(left)}
    month = budget_period(today, "month")
    time_of = {
        carrier: [place.get(_minutes(catalogue, carrier, group, month), -1) for group in groups]
        for carrier in _carriers(actions)
    }
    account = np.full((len(groups), 1 + len(actions), 2), -1)
    cost = np.zeros(account.shape, np.int64)
    for column, action in enumerate(actions, start=1):
        account[:, column, 0] = place.get(_money(catalogue, action, today), -1)
        if action.minutes:
            account[:, column, 1] = time_of[action.carrier]
        cost[:, column] = action.cost_minor, action.minutes
        if days_to_end:
            cost[:, column, 0] = [action.cost_on(days) for days in days_to_end]
    return Purse(account, cost, np.array([*left.values()], np.int64))


def _money(catalogue: Catalogue, action: AnyAction, today: date) -> Resource | None:
    budget = catalogue.budgets.get(action.payer)
    if not action.cost_minor or budget is None:
        return None
    return Resource(action.payer, budget_period(today, budget.period))


def _carriers(actions: Iterable[AnyAction]) -> set[Carrier]:
    """Whose minutes these actions take."""
    return {action.carrier for action in actions if action.minutes}


def _minutes(catalogue: Catalogue, carrier: Carrier, group: str, month: str) -> Resource | None:
    if carrier == "adviser":
        return Resource(f"{ADVISER}{group}", month)
    if carrier == "staff" and catalogue.program.staff_minutes is not None:
        return Resource(STAFF, month)
    return None


def unlimited(rows: int, actions: int) -> Purse:
    """A purse of which nothing is drawn at N points of K actions."""
    return Purse(np.full((rows, actions, 2), -1), np.zeros((actions, 2), np.int64), np.zeros(0, np.int64))


def within(purse: Purse, rows: Integers, left: Integers, refusals: Refusals) -> Refusals:
    """Refusals of some rows, (n, K), with the actions for which too little is left.

    left : (A,) of each account, or (n, A) what each row finds
    """
    if not purse.left.size:
        return refusals.copy()
    account = purse.account[rows]
    found = left[account] if left.ndim == 1 else left[np.arange(len(rows))[:, None, None], account]
    dear = (account >= 0) & (purse.costs[rows] > found)
    code = np.array(REASONS, np.uint8)[dear.argmax(axis=2)]
    return np.where(dear.any(axis=2) & (refusals == Reason.AVAILABLE), code, refusals)


def take(purse: Purse, rows: Integers, picked: Integers, left: Integers) -> None:
    """Takes what the picks of some rows cost out of `left`."""
    account = purse.account[rows, picked]
    limited = account >= 0
    np.subtract.at(left, account[limited], purse.costs[rows, picked][limited])


def left_before(purse: Purse, picked: Integers) -> Integers:
    """What every row found left, (N, A), when each took what its pick costs, one after the other."""
    taken = np.zeros((len(picked) + 1, len(purse.left)), np.int64)
    rows = np.arange(len(picked))
    account = purse.account[rows, picked]
    row, slot = np.nonzero(account >= 0)
    np.add.at(taken, (row + 1, account[row, slot]), purse.costs[row, picked[row], slot])
    left: Integers = purse.left - taken[:-1].cumsum(axis=0)
    return left


def turns(purse: Purse, refusals: Refusals) -> Integers:
    """When each row is decided, (N,) from 0: after all rows before it with which it may run short.

    An account is short when its rows' dearest available actions together cost more than is left.
    """
    turn = np.zeros(len(refusals), np.int64)
    limited = (purse.account >= 0) & (refusals == Reason.AVAILABLE)[:, :, None]
    row, action, slot = np.nonzero(limited)
    dearest = np.zeros((len(refusals), len(purse.left)), np.int64)
    np.maximum.at(dearest, (row, purse.account[row, action, slot]), purse.costs[row, action, slot])
    short = dearest.sum(axis=0) > purse.left
    if not short.any():
        return turn
    following = np.zeros(len(purse.left), np.int64)
    for place in np.flatnonzero((dearest[:, short] > 0).any(axis=1)):
        mine = short & (dearest[place] > 0)
        turn[place] = following[mine].max()
        following[mine] = turn[place] + 1
    return turn
