"""What would be: a workflow is run as ever, and everything it has stored is taken back."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from engagement.errors import Conflict
from engagement.store import decisions
from engagement.store.kept import Kept
from engagement.workflows.once import Workflow
from engagement.workflows.recommend_to import AnswerFor
from engagement.workflows.trial import undrawn


def rehearse(
    workflow: Workflow, conn: Connection, _kept: Kept, program_id: str, items: Sequence[Any], now_ms: int
) -> Sequence[Any]:
    """A workflow's results, of which nothing stays: no row, and nothing in the process's memory."""
    with conn.begin_nested() as undone:
        try:
            return workflow(conn, Kept(), program_id, items, now_ms)
        finally:
            undone.rollback()


def rehearse_decisions(
    workflow: Workflow, conn: Connection, kept: Kept, program_id: str, items: Sequence[Any], now_ms: int
) -> list[Any]:
    """The same of recommendations; a decision that would be made has no id.

    Of a trial's newcomer nothing is told: whoever knew the next arm could choose who comes next.
    """
    answers = rehearse(workflow, conn, kept, program_id, items, now_ms)
    told = [answer.whole for answer in answers if isinstance(answer, AnswerFor)]
    ids = sorted({one.decision_id for one in told if one.decision_id is not None})
    stored = {row.decision_id for row in decisions.existing(conn, program_id, ids, [], [])} if ids else set()
    groups = sorted({one.group for one in told if one.group is not None})
    coming = undrawn(conn, kept, program_id, groups, now_ms)

    def tried(answer: Any) -> Any:
        if not isinstance(answer, AnswerFor):
            return answer
        trial = coming.get(answer.whole.group or "")
        if trial is not None:
            return Conflict(
                f"group `{answer.whole.group}` has no arm of trial `{trial.id}` yet; the first request that "
                "is not only tried draws it"
            )
        if answer.whole.decision_id in stored:
            return answer
        return answer._replace(whole=msgspec.structs.replace(answer.whole, decision_id=None))

    return [tried(answer) for answer in answers]
