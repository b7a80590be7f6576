"""A strategy's decisions as they stand in the ledger, and those of them that say what an action earned.

Left out is whatever carries no chance and whatever has no reward yet, each counted under its reason.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.availability import Reason
from engagement.bandits.propensity import ONE
from engagement.errors import TooLarge
from engagement.records import Batch, Bools, Course, Units
from engagement.store import decisions
from engagement.store.decisions import Decision, Logged
from engagement.store.identifiers import first_uuid7
from engagement.strategy.cadence import week_number
from engagement.strategy.replay import features, member, propensities, refused
from engagement.strategy.strategy import Strategy

MOST = 100_000
"""Decisions that the service reads for one answer: some seconds' work beside the lanes."""
PAGE = 10_000
"""Decisions read in one statement: their evidence is decoded before the database hears of us again."""
MOST_BY_COMMAND = 5_000_000
"""Decisions that a command reads: what a machine's memory bears."""


class LeftOut(msgspec.Struct, frozen=True):
    """Why decisions were left out, and how many.

    open : their window has not passed      waiting : it has, and nobody has looked what they earned; fold
    unreported : nothing is known of what they earned, which is not 0
    forced : chance had no part: one action available, chance declined, a belief unusable, a fixed order
    learned : the version to be valued has learned from them
    unwatched : no belief watched, and one that did is to be valued
    """

    open: int = 0
    waiting: int = 0
    unreported: int = 0
    forced: int = 0
    learned: int = 0
    unwatched: int = 0


class Reports(msgspec.Struct, frozen=True):
    """How many of an action's closed decisions by chance nothing was reported of."""

    action: str
    decisions: int
    unreported: int


class Rows(NamedTuple):
    """N decisions that say what an action earned.

    available : (N, K)      beside : (N, K) units of 2⁻³², rows of 0 where no belief watched
    course : of the units, counted among all of this strategy's decisions
    days_to_end : N, None where no end is set
    """

    batch: Batch
    available: Bools
    beside: Units
    course: Course
    days_to_end: tuple[int | None, ...]


class Chosen(NamedTuple):
    """The rows, the decisions that they are of in the same order, and what was left out of them."""

    rows: Rows
    decisions: tuple[Decision, ...]
    left_out: LeftOut
    reports: tuple[Reports, ...]


Why = Literal["open", "waiting", "unreported", "forced", "learned", "unwatched"]


def read_logged(
    conn: Connection, program_id: str, strategy_id: str, most: int, page: int = PAGE
) -> list[Logged]:
    """Every decision of a strategy in order of time. page : so many a statement

    raises : TooLarge when there are more than `most`
    """
    found: list[Logged] = []
    after = first_uuid7(0)
    while part := decisions.logged(conn, program_id, strategy_id, after, page):
        found += part
        after = part[-1].decision.decision_id
        if len(found) > most:
            raise TooLarge(
                f"`{strategy_id}` has more than {most:,} decisions, which is more than is read at once here; "
                "use `engagement evaluate`, or `engagement export decisions`"
            )
    return sorted(found, key=lambda row: (row.decision.decided_at, row.decision.decision_id))


def numbered(logged: Sequence[Logged]) -> list[int]:
    """How many decisions the strategy had made for the unit before each. logged : in order of time"""
    seen: Counter[tuple[str, str]] = Counter()
    before = []
    for row in logged:
        unit = row.decision.unit_kind, row.decision.unit_id
        before.append(seen[unit])
        seen[unit] += 1
    return before


def chosen(
    logged: Sequence[Logged],
    strategy: Strategy,
    now_ms: int,
    learned: AbstractSet[str] = frozenset(),
    *,
    watched: bool = False,
) -> Chosen:
    """What can be learned from, and what was left out.

    learned : ids of decisions that must not count      watched : only those count that a belief watched
    """
    before = numbered(logged)
    why = [_why_not(row, now_ms, learned, watched=watched) for row in logged]
    keep = [n for n, reason in enumerate(why) if reason is None]
    rows = _rows([logged[n] for n in keep], [before[n] for n in keep], strategy)
    counts: Counter[str] = Counter(reason for reason in why if reason is not None)
    heard = Counter(logged[n].decision.action_id for n in keep)
    silent = Counter(
        row.decision.action_id for row, reason in zip(logged, why, strict=True) if reason == "unreported"
    )
    reports = tuple(
        Reports(action, heard[action] + silent[action], silent[action])
        for action in ("none", *strategy.actions)
    )
    return Chosen(rows, tuple(logged[n].decision for n in keep), LeftOut(**counts), reports)


def _why_not(row: Logged, now_ms: int, learned: AbstractSet[str], *, watched: bool) -> Why | None:
    decision = row.decision
    if not decision.randomised:
        return "forced"
    if decision.closes_at > now_ms:
        return "open"
    if row.revision is None:
        return "waiting"
    if row.reward is None:
        return "unreported"
    if watched and not any(decision.evidence.beside):
        return "unwatched"
    return "learned" if decision.decision_id in learned else None


def _rows(logged: Sequence[Logged], before: Sequence[int], strategy: Strategy) -> Rows:
    evidence = [row.decision.evidence for row in logged]
    width, actions = len(strategy.columns), 1 + len(strategy.actions)
    nobody = b"\0" * (8 * actions)
    batch = Batch(
        features=np.concatenate([np.zeros((0, width)), *map(features, evidence)]),
        action=np.array([row.decision.evidence.actions.index(row.decision.action_id) for row in logged], int),
        reward=np.array([row.reward for row in logged], np.float64),
        weight=np.ones(len(logged)),
        probability=np.concatenate([np.zeros((0, actions)), *map(propensities, evidence)]) / ONE,
        groups=tuple(row.decision.group_id for row in logged),
        members=tuple(member(row.decision.unit_kind, row.decision.unit_id) for row in logged),
        period=np.array([week_number(row.decision.closes_at) for row in logged], np.int64),
        columns=strategy.columns,
    )
    return Rows(
        batch,
        np.concatenate([np.zeros((0, actions), np.uint8), *map(refused, evidence)]) == Reason.AVAILABLE,
        np.frombuffer(b"".join(one.beside or nobody for one in evidence), np.uint64).reshape(-1, actions),
        Course(np.array(before, np.int64), np.array([one.remaining for one in evidence], np.float64)),
        tuple(one.days_to_end for one in evidence),
    )
