"""Recommendations with the reader of each: what was answered, and how much of it is for whoever asked."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.errors import Mistake
from engagement.signals.signal import Audience
from engagement.store.kept import Kept
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.sight import Sight, sight_of
from engagement.workflows.tell import Recommendation


class AskedBy(NamedTuple):
    """A request, and the audience of whoever reads its answer."""

    ask: Ask
    audience: Audience


class AnswerFor(NamedTuple):
    """The whole answer, for `seen_by` to take from it what is not for its reader."""

    whole: Recommendation
    sight: Sight


def recommend_to(
    conn: Connection,
    kept: Kept,
    program_id: str,
    asked: Sequence[AskedBy],
    now_ms: int,
    *,
    simulated: bool = False,
) -> list[AnswerFor | Mistake]:
    """Answers up to `CUT` requests of one program, as members agree in this very transaction."""
    answers = recommend(conn, kept, program_id, [row.ask for row in asked], now_ms, simulated=simulated)
    sights = {
        audience: sight_of(
            conn, program_id, audience, (row.ask.member for row in asked if row.audience == audience)
        )
        for audience in sorted({row.audience for row in asked})
    }
    return [
        answer if isinstance(answer, Mistake) else AnswerFor(answer, sights[row.audience])
        for row, answer in zip(asked, answers, strict=True)
    ]
