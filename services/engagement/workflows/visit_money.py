"""What visits are paid from: how many it is enough for, and what planned ones hold of it."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.actions.catalogue import AnyAction
from engagement.store import resources
from engagement.store.resources import Reservation
from engagement.strategy.promise import NEVER
from engagement.strategy.purse import Resource, drawn_on, limit
from engagement.strategy.setup import Catalogue


class Money(NamedTuple):
    """What visits draw on: an amount each, of a resource that may be None where nothing limits it."""

    resource: Resource | None
    limit: int
    cost: int


def money_of(catalogue: Catalogue, action: AnyAction, today: date) -> Money:
    """What a visit costs, and of what."""
    resource = next(iter(drawn_on(catalogue, [action], (), today)), None)
    return Money(resource, 0 if resource is None else limit(catalogue, resource), action.cost_minor)


def affordable(conn: Connection, program_id: str, money: Money) -> int:
    """How many visits the money is enough for."""
    if money.resource is None:
        return NEVER
    return max(0, (money.limit - resources.taken(conn, program_id, money.resource)) // money.cost)


def lock_money(conn: Connection, program_id: str, money: Money) -> int:
    """How many visits the money is enough for, and stays so until the transaction ends."""
    if money.resource is None:
        return NEVER
    taken = resources.lock_counters(conn, program_id, [money.resource])[money.resource]
    return max(0, (money.limit - taken) // money.cost)


def hold_money(conn: Connection, program_id: str, money: Money, going: Sequence[str], ends_ms: int) -> None:
    """Holds the money of these decisions' visits, under its lock."""
    if money.resource is None or not going:
        return
    taken = resources.taken(conn, program_id, money.resource)
    held = [Reservation(name, money.resource, money.cost, ends_ms) for name in going]
    resources.insert_reservations(conn, program_id, held)
    resources.write_counters(conn, program_id, {money.resource: taken + money.cost * len(going)})
