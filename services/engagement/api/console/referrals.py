"""Safety cases: who answers, how old each is, how it stands."""

from collections.abc import Sequence

from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.store.kept import Kept
from engagement.workflows.referrals import Referrals, referrals


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[Referrals]:
    """The cases that each visitor may see."""
    return referrals(conn, kept, program_id, [visit.audience for visit in visits], now_ms)


PAGE = ConsolePage("referrals", "/referrals", read, menu=True)
