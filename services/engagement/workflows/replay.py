"""Why did this decision come out as it did? It is made again from the ledger and compared."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from engagement.errors import NoLongerKept
from engagement.records import Floats, Nodes, Points
from engagement.store import beliefs, decisions, setup
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.strategy.replay import Replayed, features, replay
from engagement.strategy.strategy import Strategy
from engagement.workflows.fold import fold_entries


class Verdict(NamedTuple):
    """One decision, replayed."""

    decision: Decision
    replayed: Replayed


def replay_decisions(
    conn: Connection, kept: Kept, program_id: str, ids: Sequence[str], *, deep: bool = False
) -> Iterator[Verdict]:
    """Replays decisions in the order of their versions; unknown ids are left out.

    deep : also folds the belief again from the fold entries and computes the scores anew
    An imported decision is another system's: its verdict says that nothing was checked.
    """
    found = sorted(
        decisions.by_id(conn, program_id, ids).values(), key=lambda row: (row.strategy_id, row.version)
    )
    belief: dict[str, Floats] = {}
    folded: tuple[str, int] = ("", 0)
    for row in found:
        strategy = setup.catalogue(conn, kept, program_id, row.catalogue).strategies[row.strategy_id]
        again = None
        if deep and row.fallback != "belief_unusable":
            if folded[0] != row.strategy_id:
                belief, folded = {}, (row.strategy_id, 0)
            for version in range(folded[1] + 1, row.version + 1):
                belief.update(_version(conn, program_id, strategy, version, belief))
            folded = (row.strategy_id, row.version)
            again = strategy.posterior.scores(belief, _points(row), 1 + len(strategy.actions))
        yield Verdict(row, replay(strategy, row.evidence, row.action_id, row.fallback, again))


def _version(conn: Connection, program_id: str, strategy: Strategy, version: int, before: Nodes) -> Nodes:
    """What one version changed, folded again onto the version before."""
    entries = beliefs.entries_of_version(conn, program_id, strategy.id, version)
    if not entries:
        raise NoLongerKept(f"version {version} of `{strategy.id}` has no fold entries any more")
    nodes, _ = fold_entries(
        conn,
        program_id,
        strategy,
        entries,
        lambda keys: {key: before[key] for key in keys if key in before},
    )
    return nodes


def _points(row: Decision) -> Points:
    """The decision point as the belief saw it."""
    return Points(features(row.evidence), (row.group_id,), (row.unit_id,), np.array([row.evidence.remaining]))
