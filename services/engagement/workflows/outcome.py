"""Outcomes that the calling app posts, instead of or beside those read from signals."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake, NotFound
from engagement.store import decisions, units
from engagement.store.decisions import OutcomeRow
from engagement.store.kept import Kept
from engagement.workflows.answer import DecisionId


class Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a decision earned, from 0 to 1; null when it is known that nothing can be known."""

    reward: Annotated[float, msgspec.Meta(ge=0, le=1)] | None


class Earned(msgspec.Struct, frozen=True):
    """The outcome now on record. It is learned once the decision's window has passed."""

    decision_id: str
    revision: int
    reward: float | None
    changed: bool


def post_outcomes(
    conn: Connection, _kept: Kept, program_id: str, posts: Sequence[tuple[DecisionId, Posted]], now_ms: int
) -> list[Earned | Mistake]:
    """Stores outcomes as revisions; the same value again changes nothing."""
    ids = sorted({decision for decision, _ in posts})
    found = decisions.by_id(conn, program_id, ids)
    units.lock(conn, program_id, {row.unit for row in found.values()})
    known = decisions.outcomes(conn, program_id, ids)
    out: list[Earned | Mistake] = []
    fresh: list[tuple[str, OutcomeRow]] = []
    for decision_id, post in posts:
        decision = found.get(decision_id)
        if decision is None:
            out.append(NotFound(f"there is no decision `{decision_id}` in this program"))
            continue
        last = known[decision_id][-1] if known[decision_id] else None
        if last is not None and last.source == "posted" and last.reward == post.reward:
            out.append(Earned(decision_id, last.revision, post.reward, changed=False))
            continue
        row = OutcomeRow(decision_id, 1 if last is None else last.revision + 1, post.reward, "posted", now_ms)
        known[decision_id].append(row)
        fresh.append((decision.strategy_id, row))
        out.append(Earned(decision_id, row.revision, row.reward, changed=True))
    decisions.insert_outcomes(conn, program_id, fresh)
    return out
