"""What would be: a workflow is run as ever, and everything it has stored is taken back."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from engagement.store import decisions
from engagement.store.kept import Kept
from engagement.workflows.once import Workflow
from engagement.workflows.recommend_to import AnswerFor


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
    """The same of recommendations; a decision that would be made has no id."""
    answers = rehearse(workflow, conn, kept, program_id, items, now_ms)
    told = [answer.whole for answer in answers if isinstance(answer, AnswerFor)]
    ids = sorted({one.decision_id for one in told if one.decision_id is not None})
    stored = {row.decision_id for row in decisions.existing(conn, program_id, ids, [], [])} if ids else set()
    return [
        answer._replace(whole=msgspec.structs.replace(answer.whole, decision_id=None))
        if isinstance(answer, AnswerFor) and answer.whole.decision_id not in stored
        else answer
        for answer in answers
    ]
