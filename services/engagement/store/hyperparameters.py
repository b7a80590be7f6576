"""What beliefs were refitted to: a ledger row with the version that first decides with it."""

import msgspec
from sqlalchemy import Connection, func, select

from engagement.bandits.posteriors import AnyPosterior
from engagement.store import tables as t
from engagement.store.codec import posterior_bytes, posterior_of
from engagement.store.kept import Kept
from engagement.store.sql import insert
from engagement.strategy.strategy import Strategy


def insert_hyperparameters(
    conn: Connection, program_id: str, strategy_id: str, version: int, fitted: AnyPosterior
) -> None:
    """Records the belief with the hyper-parameters that hold from a version on."""
    row = {
        "program_id": program_id,
        "strategy_id": strategy_id,
        "version": version,
        "body": posterior_bytes(fitted),
    }
    insert(conn, t.hyperparameters, [row])


def of_version(conn: Connection, program_id: str, strategy_id: str, version: int) -> AnyPosterior | None:
    """The belief that was refitted with this very version; None where nothing was."""
    h = t.hyperparameters.c
    query = select(h.body).where(
        h.program_id == program_id, h.strategy_id == strategy_id, h.version == version
    )
    body = conn.execute(query).scalar()
    return None if body is None else posterior_of(body)


def newest(conn: Connection, program_id: str, strategy_id: str, version: int) -> int:
    """The newest version up to a given one that refitted its belief, 0 where none did."""
    h = t.hyperparameters.c
    query = select(func.max(h.version)).where(
        h.program_id == program_id, h.strategy_id == strategy_id, h.version <= version
    )
    return conn.execute(query).scalar() or 0


def in_force(conn: Connection, kept: Kept, program_id: str, strategy: Strategy, version: int) -> Strategy:
    """The strategy with the belief that a published version decides with. It cannot change, so it is kept."""
    key = (program_id, strategy.id)
    declared, found = kept.in_force.get(key, version) or (None, strategy)
    if declared is not strategy:  # nor is another revision of it
        refitted = newest(conn, program_id, strategy.id, version) if version else 0
        stored = of_version(conn, program_id, strategy.id, refitted) if refitted else None
        found = strategy if stored is None else msgspec.structs.replace(strategy, posterior=stored)
        kept.in_force.put(key, version, (strategy, found))
    return found
