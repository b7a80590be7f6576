"""Promotions: which revision ended a strategy's shadow, and what it was judged by."""

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from engagement.store import tables as t
from engagement.store.sql import insert
from engagement.strategy.promotion import Judged

_encode = msgspec.json.Encoder().encode
_judged = msgspec.json.Decoder(Judged)


class Promoted(NamedTuple):
    """One promotion. revision : of the strategy, the first without the shadow"""

    strategy_id: str
    revision: int
    judged: Judged
    recorded_at: int


def insert_promotion(conn: Connection, program_id: str, row: Promoted) -> None:
    """Records a promotion."""
    values = {
        "program_id": program_id,
        "strategy_id": row.strategy_id,
        "revision": row.revision,
        "body": _encode(row.judged),
        "recorded_at": row.recorded_at,
    }
    insert(conn, t.promotions, [values])


def newest_promotion(conn: Connection, program_id: str, strategy_id: str) -> Promoted | None:
    """A strategy's last promotion; None before the first."""
    p = t.promotions.c
    query = (
        select(p.strategy_id, p.revision, p.body, p.recorded_at)
        .where(p.program_id == program_id, p.strategy_id == strategy_id)
        .order_by(p.revision.desc())
        .limit(1)
    )
    row = conn.execute(query).first()
    return None if row is None else Promoted(row[0], row[1], _judged.decode(row[2]), row[3])
