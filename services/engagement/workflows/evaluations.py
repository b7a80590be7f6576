"""Questions about other strategies, and their answers."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Mistake
from engagement.store.asked import EVALUATIONS, Asked
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.asked import Ask, State, Wish, found, keep, part, state
from engagement.workflows.evaluate import Evaluation, Question, evaluate, understood
from engagement.workflows.logged import MOST
from engagement.workflows.tell import moment

NOUN = "evaluation"


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
    state: State
    asked_at: datetime
    question: Question
    evaluation: Evaluation | None
    refused: str | None


class EvaluationPage(msgspec.Struct, frozen=True):
    """Evaluations in order of id. next : go on behind it; null when this is all."""

    items: tuple[EvaluationTold, ...]
    next: str | None


def ask_evaluations(
    conn: Connection, kept: Kept, program_id: str, asks: Sequence[EvaluationAsk], now_ms: int
) -> list[EvaluationTold | Mistake]:
    """Stores questions that can be understood; the same one again is answered as it stands."""

    def understandable(ask: EvaluationAsk) -> Ask | Mistake:
        try:
            understood(conn, kept, program_id, ask.question)
        except Mistake as mistake:
            return mistake
        return Ask(ask.id, ask.question)

    good = [understandable(ask) for ask in asks]
    return _each_told(keep(conn, EVALUATIONS, program_id, good, now_ms, NOUN))


def tell_evaluations(
    conn: Connection, _kept: Kept, program_id: str, names: Sequence[str], _now_ms: int
) -> list[EvaluationTold | Mistake]:
    """Each question as it stands."""
    return _each_told(found(conn, EVALUATIONS, program_id, names, NOUN))


def list_evaluations(
    conn: Connection, _kept: Kept, program_id: str, wishes: Sequence[Wish], _now_ms: int
) -> list[EvaluationPage]:
    """A page of evaluations for each wish."""
    parts = [part(conn, EVALUATIONS, program_id, wish) for wish in wishes]
    return [EvaluationPage(tuple(map(_told, rows)), following) for rows, following in parts]


def compute(db: Database, kept: Kept, program_id: str, name: str, most: int = MOST) -> None:
    """Computes the answer of a question, where it has none yet, and stores it.

    most : decisions that may be read; of more the answer is that there are too many
    """
    with db.read() as conn:
        asked = EVALUATIONS.by_id(conn, program_id, [name]).get(name)
    if asked is None or asked.answer is not None:
        return
    question = msgspec.json.decode(asked.wanted, type=Question)
    try:
        answer = Answer(evaluate(db, kept, program_id, question, asked.asked_at, most=most))
    except Mistake as mistake:
        answer = Answer(refused=str(mistake))
    with db.write() as conn:
        EVALUATIONS.answer(conn, program_id, name, msgspec.json.encode(answer))


def _each_told(rows: Sequence[Asked | Mistake]) -> list[EvaluationTold | Mistake]:
    return [row if isinstance(row, Mistake) else _told(row) for row in rows]


def _told(row: Asked) -> EvaluationTold:
    answer = Answer() if row.answer is None else msgspec.json.decode(row.answer, type=Answer)
    return EvaluationTold(
        row.name,
        state(answer.evaluation, answer.refused),
        moment(row.asked_at),
        msgspec.json.decode(row.wanted, type=Question),
        answer.evaluation,
        answer.refused,
    )
