"""Questions about other strategies are stored when they are asked and answered when they have been computed.

Computing takes seconds and no lane. Broken off, nothing is lost but the work: whoever asks or looks again
has it computed again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Conflict, Mistake, NotFound
from engagement.store import evaluations
from engagement.store.database import Database
from engagement.store.evaluations import Asked
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.workflows.evaluate import Evaluation, Question, evaluate, understood
from engagement.workflows.logged import MOST
from engagement.workflows.tell import moment


class EvaluationAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A question, under an id of the caller's or a new one: asked again under it, nothing is asked twice."""

    id: Id | None = None
    question: Question


class Answer(msgspec.Struct, frozen=True):
    """What was computed, or why it could not be."""

    evaluation: Evaluation | None = None
    refused: str | None = None


class EvaluationTold(msgspec.Struct, frozen=True):
    """A question and how far it has come.

    state : `asked` until it is computed, then `answered`, or `refused` with the reason
    asked_at : the decisions that had closed by then count
    """

    id: str
    state: Literal["asked", "answered", "refused"]
    asked_at: datetime
    question: Question
    evaluation: Evaluation | None
    refused: str | None


class EvaluationPage(msgspec.Struct, frozen=True):
    """Evaluations in order of id. next : go on behind it; null when this is all."""

    items: tuple[EvaluationTold, ...]
    next: str | None


class Wish(NamedTuple):
    """Which page of evaluations."""

    after: str
    limit: int


def ask_evaluations(
    conn: Connection, kept: Kept, program_id: str, asks: Sequence[EvaluationAsk], now_ms: int
) -> list[EvaluationTold | Mistake]:
    """Stores questions that can be understood; the same one again is answered as it stands."""
    named = {ask.id for ask in asks if ask.id is not None}
    known = evaluations.by_id(conn, program_id, sorted(named))
    out: list[EvaluationTold | Mistake] = []
    fresh: list[Asked] = []
    for ask in asks:
        body = msgspec.json.encode(ask.question)
        before = known.get(ask.id or "")
        if before is not None and msgspec.json.decode(before.question, type=Question) != ask.question:
            out.append(Conflict(f"another question is stored under `{before.evaluation_id}`"))
            continue
        try:
            understood(conn, kept, program_id, ask.question)
        except Mistake as mistake:
            out.append(mistake)
            continue
        if before is None:
            before = Asked(ask.id or uuid7(now_ms), body, now_ms, None)
            known[before.evaluation_id] = before
            fresh.append(before)
        out.append(_told(before))
    evaluations.insert_evaluations(conn, program_id, fresh)
    return out


def tell_evaluations(
    conn: Connection, _kept: Kept, program_id: str, names: Sequence[str], _now_ms: int
) -> list[EvaluationTold | Mistake]:
    """Each question as it stands."""
    known = evaluations.by_id(conn, program_id, names)
    return [
        _told(known[name]) if name in known else NotFound(f"there is no evaluation `{name}` in this program")
        for name in names
    ]


def list_evaluations(
    conn: Connection, _kept: Kept, program_id: str, wishes: Sequence[Wish], _now_ms: int
) -> list[EvaluationPage]:
    """A page of evaluations for each wish."""
    return [_page(conn, program_id, wish) for wish in wishes]


def _page(conn: Connection, program_id: str, wish: Wish) -> EvaluationPage:
    found = evaluations.page(conn, program_id, wish.after, wish.limit + 1)
    following = found[wish.limit - 1].evaluation_id if len(found) > wish.limit else None
    return EvaluationPage(tuple(map(_told, found[: wish.limit])), following)


def compute(db: Database, kept: Kept, program_id: str, name: str, most: int = MOST) -> None:
    """Computes the answer of a question, where it has none yet, and stores it.

    most : decisions that may be read; of more the answer is that there are too many
    """
    with db.read(program_id) as conn:
        asked = evaluations.by_id(conn, program_id, [name]).get(name)
    if asked is None or asked.answer is not None:
        return
    question = msgspec.json.decode(asked.question, type=Question)
    try:
        answer = Answer(evaluate(db, kept, program_id, question, asked.asked_at, most=most))
    except Mistake as mistake:
        answer = Answer(refused=str(mistake))
    with db.write(program_id) as conn:
        evaluations.answer(conn, program_id, name, msgspec.json.encode(answer))


def _told(row: Asked) -> EvaluationTold:
    answer = Answer() if row.answer is None else msgspec.json.decode(row.answer, type=Answer)
    state: Literal["asked", "answered", "refused"] = (
        "refused" if answer.refused is not None else "asked" if answer.evaluation is None else "answered"
    )
    question = msgspec.json.decode(row.question, type=Question)
    return EvaluationTold(
        row.evaluation_id, state, moment(row.asked_at), question, answer.evaluation, answer.refused
    )
