"""The belief folds: claim the next version, fold what no entry names yet, publish.

The claim's primary key decides who folds; an expired claim is taken over, its half-written nodes
deleted, its entries kept and finished. What there is to do is found, and everything is computed,
outside write transactions, and no write transaction is long. Killed at any step, the next folder
finishes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from sqlalchemy import Connection

from engagement.bandits.posteriors import AnyPosterior, gathered
from engagement.bandits.propensity import ONE
from engagement.records import Batch, Floats, Nodes
from engagement.store import beliefs, decisions, hyperparameters, resources, setup
from engagement.store.beliefs import Entry, Version
from engagement.store.database import Database
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.strategy import refit
from engagement.strategy.cadence import week_number
from engagement.strategy.replay import features, member, propensities
from engagement.strategy.strategy import Strategy
from engagement.workflows.answer import expire
from engagement.workflows.claimed import CLAIM_MS, claimed, parts, still_mine
from engagement.workflows.learn_events import fold_events
from engagement.workflows.mature import mature
from engagement.workflows.once import forget

DUE = 1_000
"""Decisions found at once that have closed or expired."""
BATCH = 64
"""Decisions that mature or expire in one transaction."""
ENTRIES = 500
"""Entries a transaction."""
ROWS = 5_000
"""Rows folded at once; a rebuild cuts at the same places, so that it reaches the same bytes."""
MOST_ENTRIES = 20_000
"""Entries a version, some seconds' work; what is beyond waits for the next."""
EXPIRY_LOOK_BACK_MS = 400 * 86_400_000

T = TypeVar("T")
Before = Callable[[Sequence[str] | None], Nodes]
"""Gives the nodes of the version before by key, those that exist; all there are for None."""


class Folded(NamedTuple):
    """One version that was published."""

    strategy_id: str
    header: Version


def fold_program(
    db: Database,
    kept: Kept,
    program_id: str,
    owner: str,
    now_ms: int,
    *,
    most: int = MOST_ENTRIES,
    sparing: bool = False,
) -> list[Folded]:
    """Closes what is due and folds every strategy of a program, version by version, until nothing is new.

    Events of ranks, too.
    owner : who is folding, unique among all that may do so at once    most : entries a version
    sparing : of ranks, makes no version sooner than the program's settings say
    """
    _expire_due(db, program_id, now_ms)
    forget(db, program_id, now_ms)
    with db.read(program_id) as conn:
        revision = setup.catalogue_revision(conn, program_id)
        strategies = setup.catalogue(conn, kept, program_id, revision).strategies
    folded: list[Folded] = []
    for name in sorted(strategies):
        while made := fold(db, kept, program_id, strategies[name], owner, now_ms, most=most):
            folded.append(made)
    ranks = fold_events(db, program_id, owner, now_ms, sparing=sparing)
    return folded + [Folded(header.strategy_id, header) for header in ranks]


def fold(
    db: Database,
    kept: Kept,
    program_id: str,
    strategy: Strategy,
    owner: str,
    now_ms: int,
    *,
    most: int = MOST_ENTRIES,
) -> Folded | None:
    """One new version of one strategy's belief; None when there is nothing new or another is at it."""
    name = strategy.id
    _mature_due(db, kept, program_id, name, now_ms)
    if strategy.plan is not None:
        return None  # a plan learns from how groups stand, not from rewards
    version = claimed(db, program_id, name, owner, now_ms, _anything_new(program_id, name, now_ms))
    if version is None:
        return None
    entries = _claimed_entries(db, program_id, name, version, owner, now_ms, most)
    if entries is None:
        return None
    with db.read(program_id) as conn:
        learning = hyperparameters.in_force(conn, kept, program_id, strategy, version - 1)
        nodes, rows = fold_entries(
            conn, program_id, learning, entries, nodes_before(conn, program_id, name, version)
        )
        to_refit = _to_refit(conn, program_id, name, version, rows)
    fitted, nodes = _refitted(strategy, to_refit, nodes)
    for part in parts(sorted(nodes), BATCH):
        with db.write(program_id) as conn:
            if not still_mine(conn, program_id, name, version, owner, now_ms):
                return None
            beliefs.write_nodes(conn, program_id, name, version, {key: nodes[key] for key in part})
    with db.write(program_id) as conn:
        if not still_mine(conn, program_id, name, version, owner, now_ms):
            return None
        made = Version(name, version, *rows, now_ms)
        if fitted is not None:
            hyperparameters.insert_hyperparameters(conn, program_id, name, version, fitted)
        beliefs.publish(conn, program_id, made)
        beliefs.release(conn, program_id, name, version)
    return Folded(name, made)


def _expire_due(db: Database, program_id: str, now_ms: int) -> None:
    """Frees the money of all decisions that have expired unanswered."""
    while due := _read(
        db,
        program_id,
        lambda conn: resources.expired_holders(conn, program_id, now_ms, now_ms - EXPIRY_LOOK_BACK_MS),
    ):
        for part in parts(due, BATCH):
            with db.write(program_id) as conn:
                expire(conn, program_id, part, now_ms)


def _mature_due(db: Database, kept: Kept, program_id: str, name: str, now_ms: int) -> None:
    """Stores the first outcome of every decision that has closed."""
    while due := _read(
        db, program_id, lambda conn: decisions.closed_without_outcome(conn, program_id, name, now_ms, DUE)
    ):
        for part in parts(due, BATCH):
            with db.write(program_id) as conn:
                mature(conn, kept, program_id, part, now_ms)


def _read(db: Database, program_id: str, query: Callable[[Connection], T]) -> T:
    with db.read(program_id) as conn:
        return query(conn)


def _anything_new(program_id: str, name: str, now_ms: int) -> Callable[[Connection, int], bool]:
    """Whether an interrupted folder left entries of a version, or an outcome has none yet."""

    def found(conn: Connection, version: int) -> bool:
        interrupted = beliefs.entries_of_version(conn, program_id, name, version)
        return bool(interrupted or beliefs.unfolded(conn, program_id, name, version, now_ms, 1))

    return found


def _claimed_entries(
    db: Database, program_id: str, name: str, version: int, owner: str, now_ms: int, most: int
) -> list[Entry] | None:
    """The version's entries: those an interrupted folder left, and what no entry names yet.

    Only who holds the claim adds entries, so what was found unfolded under it stays so.
    """
    with db.read(program_id) as conn:
        fresh = beliefs.unfolded(conn, program_id, name, version, now_ms, most)
    for part in parts(fresh, ENTRIES):
        with db.write(program_id) as conn:
            if not still_mine(conn, program_id, name, version, owner, now_ms):
                return None
            beliefs.insert_entries(conn, program_id, name, part)
    with db.read(program_id) as conn:
        entries = beliefs.entries_of_version(conn, program_id, name, version)
    if len(entries) > MOST_ENTRIES:  # a belief that begins anew learns all there is at once
        until_ms = now_ms + CLAIM_MS * (1 + len(entries) // MOST_ENTRIES)
        with db.write(program_id) as conn:
            if not beliefs.holds(conn, program_id, name, version, owner, until_ms):
                return None
    return entries


def _to_refit(conn: Connection, program_id: str, name: str, version: int, rows: "Rows") -> Nodes | None:
    """Every node of the version before, where so much has been learned that the belief is worth a refit."""
    last = hyperparameters.newest(conn, program_id, name, version - 1)
    then, before = (beliefs.rows_learned(conn, program_id, name, at) for at in (last, version - 1))
    learned = before + rows.entered - rows.taken_out
    if not refit.has_grown(learned, then):
        return None
    if beliefs.count_nodes(conn, program_id, name) > refit.MOST_NODES:
        return None
    return beliefs.read_all_nodes(conn, program_id, name, version - 1)


def _refitted(strategy: Strategy, before: Nodes | None, changed: Nodes) -> tuple[AnyPosterior | None, Nodes]:
    """The belief refitted to all nodes, where it is, and the nodes that the version changes then.

    It starts from what the strategy declares, never from the last fit; that stays where this one fails.
    """
    if before is None:
        return None, changed
    nodes, actions = {**before, **changed}, 1 + len(strategy.actions)
    fitted = strategy.posterior.refitted(nodes, actions)
    return fitted, changed if fitted is None else {**changed, **fitted.renewed(nodes, actions)}


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
    before: Before,
) -> tuple[Nodes, Rows]:
    """The nodes that a version changes: a pure fold of what the ledger says.

    strategy : with the belief that the version before decides with    entries : all of one version
    """
    ordered = sorted(entries, key=lambda entry: (entry.decision_id, entry.outcome_revision))
    changed: dict[str, Floats] = {}
    counts = Rows(0, 0, 0)
    for part in parts(ordered, ROWS):
        batch, counted = _batch(conn, program_id, part)
        counts = Rows(*(a + b for a, b in zip(counts, counted, strict=True)))
        if not len(batch.action):
            continue
        posterior, batch = strategy.posterior, batch._replace(columns=strategy.columns)
        known = gathered(posterior, batch.groups, batch.members, partial(_newest, changed, before))
        if posterior.turns(known, batch):
            known = {**before(None), **changed}
        changed.update(posterior.fold(known, batch, 1 + len(strategy.actions)))
    return changed, counts


def fold_again(
    conn: Connection, kept: Kept, program_id: str, strategy: Strategy, version: int, before: Before
) -> Nodes:
    """The nodes that a published version changed, made again from the ledger: nothing is refitted anew.

    It learned with the hyper-parameters of the version before, and may have put others in force.
    """
    learning = hyperparameters.in_force(conn, kept, program_id, strategy, version - 1)
    entries = beliefs.entries_of_version(conn, program_id, strategy.id, version)
    nodes, _ = fold_entries(conn, program_id, learning, entries, before)
    fitted = hyperparameters.of_version(conn, program_id, strategy.id, version)
    if fitted is None:
        return nodes
    return {**nodes, **fitted.renewed({**before(None), **nodes}, 1 + len(strategy.actions))}


def nodes_before(conn: Connection, program_id: str, name: str, version: int) -> Before:
    """Reads what a version builds on."""

    def read(keys: Sequence[str] | None) -> Nodes:
        if keys is None:
            return beliefs.read_all_nodes(conn, program_id, name, version - 1)
        return beliefs.read_nodes(conn, program_id, name, keys, version - 1)

    return read


def _newest(changed: Nodes, before: Before, keys: Sequence[str]) -> Nodes:
    """Nodes as changed so far, else as they were before."""
    read = before([key for key in keys if key not in changed])
    return {**read, **{key: changed[key] for key in keys if key in changed}}


def _batch(conn: Connection, program_id: str, entries: Sequence[Entry]) -> tuple[Batch, Rows]:
    """Rows that enter (+1) and rows that a correction takes out (−1), in order of decision and revision.

    Where a fold lay interrupted while an outcome was revised, both revisions are of one version.
    """
    rows = decisions.by_id(conn, program_id, [entry.decision_id for entry in entries])
    first = {entry.decision_id: entry for entry in reversed(entries)}
    before = beliefs.replaced_by(conn, program_id, list(first.values()))
    signed: list[tuple[Decision, float, float]] = []
    for entry in entries:
        decision, earlier = rows[entry.decision_id], before.get(entry.decision_id)
        if earlier is not None and earlier.reward is not None:
            signed.append((decision, earlier.reward, -1.0))
        if entry.reward is not None:
            signed.append((decision, entry.reward, 1.0))
        before[entry.decision_id] = entry
    entered = sum(weight > 0 for _, _, weight in signed)
    missing = sum(entry.reward is None for entry in entries)
    return _as_batch(signed), Rows(entered, len(signed) - entered, missing)


def _as_batch(signed: Sequence[tuple[Decision, float, float]]) -> Batch:
    """Decisions with reward and weight as arrays."""
    if not signed:
        nothing = np.zeros(0)
        none, empty = np.zeros(0, np.int64), np.zeros((0, 0))
        return Batch(empty, none, nothing, nothing, empty, (), (), none)
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
        members=tuple(member(decision.unit_kind, decision.unit_id) for decision, _, _ in signed),
        period=np.array([week_number(decision.closes_at) for decision, _, _ in signed]),
    )
