"""The belief folds: claim the next version, fold what no entry names yet, publish.

The claim's primary key decides who folds; an expired claim is taken over, its half-written nodes
deleted, its entries kept and finished. Everything is computed outside write transactions, and no
write transaction is long. Killed at any step, the next folder finishes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from engagement.bandits.propensity import ONE
from engagement.records import Batch, Floats, Nodes
from engagement.store import beliefs, decisions, setup
from engagement.store.beliefs import Entry, Version
from engagement.store.database import Database
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.strategy.replay import features, propensities
from engagement.strategy.strategy import Strategy
from engagement.workflows.answer import expire
from engagement.workflows.mature import mature

CLAIM_MS = 60_000
"""How long a folder may be silent before another takes over."""
ENTRIES = 500
"""Entries a transaction."""
ROWS = 5_000
"""Rows folded at once; a rebuild cuts at the same places, so that it reaches the same bytes."""
MOST_ENTRIES = 100_000
"""Entries a version; what is beyond waits for the next."""
EXPIRY_LOOK_BACK_MS = 400 * 86_400_000


class Folded(NamedTuple):
    """One version that was published."""

    strategy_id: str
    header: Version


def fold_program(db: Database, kept: Kept, program_id: str, owner: str, now_ms: int) -> list[Folded]:
    """Closes what is due and folds every strategy of a program once."""
    while _in_transaction(db, lambda conn: expire(conn, program_id, now_ms, now_ms - EXPIRY_LOOK_BACK_MS)):
        pass
    with db.read() as conn:
        revision = setup.catalogue_revision(conn, program_id)
        strategies = setup.catalogue(conn, kept, program_id, revision).strategies
    folded = (fold(db, kept, program_id, strategies[name], owner, now_ms) for name in sorted(strategies))
    return [made for made in folded if made is not None]


def fold(
    db: Database, kept: Kept, program_id: str, strategy: Strategy, owner: str, now_ms: int
) -> Folded | None:
    """One new version of one strategy's belief; None when there is nothing new or another is at it."""
    name = strategy.id
    while _in_transaction(db, lambda conn: mature(conn, kept, program_id, name, now_ms)):
        pass
    with db.write() as conn:
        version = _claimed(conn, program_id, name, owner, now_ms)
    if version is None:
        return None
    entries = _claimed_entries(db, program_id, name, version, owner, now_ms)
    if entries is None:
        return None
    if not entries:
        with db.write() as conn:
            if _still_mine(conn, program_id, name, version, owner, now_ms):
                beliefs.release(conn, program_id, name, version)
        return None
    with db.read() as conn:
        nodes, header = fold_entries(
            conn,
            program_id,
            strategy,
            entries,
            lambda keys: beliefs.read_nodes(conn, program_id, name, keys, version - 1),
        )
    for part in _parts(nodes):
        with db.write() as conn:
            if not _still_mine(conn, program_id, name, version, owner, now_ms):
                return None
            beliefs.write_nodes(conn, program_id, name, version, part)
    with db.write() as conn:
        if not _still_mine(conn, program_id, name, version, owner, now_ms):
            return None
        made = Version(name, version, *header, now_ms)
        beliefs.publish(conn, program_id, made)
        beliefs.release(conn, program_id, name, version)
    return Folded(name, made)


def _in_transaction(db: Database, work: Callable[[Connection], int]) -> int:
    with db.write() as conn:
        return work(conn)


def _claimed(conn: Connection, program_id: str, name: str, owner: str, now_ms: int) -> int | None:
    """The next version, now this folder's to make and free of what an interrupted folder left of it."""
    version = beliefs.pointers(conn, program_id, [name])[name] + 1
    if not beliefs.claim(conn, program_id, name, version, owner, now_ms, now_ms + CLAIM_MS):
        return None
    # Whoever published it since that look has released its claim to us: nothing is half written then.
    if beliefs.pointers(conn, program_id, [name])[name] >= version:
        beliefs.release(conn, program_id, name, version)
        return None
    beliefs.drop_nodes(conn, program_id, name, version - 1)
    return version


def _still_mine(conn: Connection, program_id: str, name: str, version: int, owner: str, now_ms: int) -> bool:
    """Prolongs the claim; false when it was taken over, or the version is published already."""
    mine = beliefs.holds(conn, program_id, name, version, owner, now_ms + CLAIM_MS)
    return mine and beliefs.pointers(conn, program_id, [name])[name] < version


def _claimed_entries(
    db: Database, program_id: str, name: str, version: int, owner: str, now_ms: int
) -> list[Entry] | None:
    """The version's entries: those an interrupted folder left, and all that no entry names yet."""
    for _ in range(MOST_ENTRIES // ENTRIES):
        with db.write() as conn:
            if not _still_mine(conn, program_id, name, version, owner, now_ms):
                return None
            fresh = beliefs.unfolded(conn, program_id, name, version, now_ms, ENTRIES)
            beliefs.insert_entries(conn, program_id, name, fresh)
        if len(fresh) < ENTRIES:
            break
    with db.read() as conn:
        return beliefs.entries_of_version(conn, program_id, name, version)


class Rows(NamedTuple):
    """How many rows of a version entered, were taken out again, and had no reward."""

    entered: int
    taken_out: int
    missing: int


def fold_entries(
    conn: Connection,
    program_id: str,
    strategy: Strategy,
    entries: Sequence[Entry],
    before: Callable[[Sequence[str]], Nodes],
) -> tuple[Nodes, Rows]:
    """The nodes that a version changes: a pure fold of what the ledger says.

    entries : the version's, in order of decision
    before : gives the nodes of the version before, those of the keys asked for that exist
    """
    changed: dict[str, Floats] = {}
    counts = Rows(0, 0, 0)
    for start in range(0, len(entries), ROWS):
        batch, counted = _batch(conn, program_id, entries[start : start + ROWS])
        counts = Rows(*(a + b for a, b in zip(counts, counted, strict=True)))
        if not len(batch.action):
            continue
        keys = strategy.posterior.keys(batch.groups, batch.members)
        read = before([key for key in keys if key not in changed])
        changed.update(strategy.posterior.fold({**read, **changed}, batch, 1 + len(strategy.actions)))
    return changed, counts


def _batch(conn: Connection, program_id: str, entries: Sequence[Entry]) -> tuple[Batch, Rows]:
    """Rows that enter (+1) and rows that a correction takes out (−1), in order of decision."""
    rows = decisions.by_id(conn, program_id, [entry.decision_id for entry in entries])
    before = beliefs.replaced_by(conn, program_id, entries)
    signed: list[tuple[Decision, float, float]] = []
    for entry in entries:
        decision, earlier = rows[entry.decision_id], before.get(entry.decision_id)
        if earlier is not None and earlier.reward is not None:
            signed.append((decision, earlier.reward, -1.0))
        if entry.reward is not None:
            signed.append((decision, entry.reward, 1.0))
    entered = sum(weight > 0 for _, _, weight in signed)
    missing = sum(entry.reward is None for entry in entries)
    return _as_batch(signed), Rows(entered, len(signed) - entered, missing)


def _as_batch(signed: Sequence[tuple[Decision, float, float]]) -> Batch:
    """Decisions with reward and weight as arrays."""
    if not signed:
        nothing = np.zeros(0)
        return Batch(np.zeros((0, 0)), np.zeros(0, np.int64), nothing, nothing, np.zeros((0, 0)), (), ())
    evidence = [decision.evidence for decision, _, _ in signed]
    return Batch(
        features=np.concatenate([features(one) for one in evidence]),
        action=np.array(
            [
                one.actions.index(decision.action_id)
                for one, (decision, _, _) in zip(evidence, signed, strict=True)
            ]
        ),
        reward=np.array([reward for _, reward, _ in signed]),
        weight=np.array([weight for _, _, weight in signed]),
        probability=np.concatenate([propensities(one) for one in evidence]) / ONE,
        groups=tuple(decision.group_id for decision, _, _ in signed),
        members=tuple(decision.unit_id for decision, _, _ in signed),
    )


def _parts(nodes: Nodes) -> Iterator[Nodes]:
    """Nodes in parts small enough for a short transaction."""
    keys = sorted(nodes)
    for start in range(0, len(keys), 64):
        yield {key: nodes[key] for key in keys[start : start + 64]}
