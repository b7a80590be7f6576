"""A member, by pseudonym: meetings, goals, what was suggested, and where the member sat."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.parameters import DECISION
from engagement.api.service import each
from engagement.errors import Mistake
from engagement.signals.signal import Audience, may_see
from engagement.store import units
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Barriers, Consent
from engagement.workflows.engagement import Engagement, of_member
from engagement.workflows.history import History, HistoryWanted, SeatsWanted, histories_of, seats_of
from engagement.workflows.seat import Seating
from engagement.workflows.tell import BARRIER_AUDIENCE

DECISIONS = 24
CONSENT_FOR: Audience = "staff"
"""Who may read what a member has agreed to."""


class MemberPage(msgspec.Struct, frozen=True):
    """A member as a reader may see it. barriers, consent : None for whoever is not meant to know

    seats : empty for whoever is not meant to know where the member has been      decisions : the newest
    """

    picture: Engagement
    seat: int | None
    role: str | None
    seats: tuple[Seating, ...]
    barriers: Barriers | None
    consent: Consent | None
    decisions: History


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[MemberPage | Mistake]:
    """The page of each member."""
    return each(lambda visit: _page(conn, kept, program_id, visit, now_ms), visits)


def _page(conn: Connection, kept: Kept, program_id: str, visit: Visit, now_ms: int) -> MemberPage:
    name, audience = visit.of, visit.audience
    picture = of_member(conn, kept, program_id, name, audience, now_ms, simulated=visit.simulated)
    today = local_date(now_ms, visit.who.program.time_zone)
    row = units.members(conn, program_id, [name], today)[name]
    audience = row.member.consent.reader(audience)
    (seats,) = seats_of(conn, kept, program_id, [SeatsWanted(name, visit.audience)], now_ms)
    after = visit.query.get("after", "")
    wanted = HistoryWanted("member", name, after if DECISION.fullmatch(after) else "", DECISIONS)
    (past,) = histories_of(conn, kept, program_id, [wanted], now_ms)
    if isinstance(past, Mistake):
        raise past
    return MemberPage(
        picture,
        row.seat,
        row.role,
        () if isinstance(seats, Mistake) else tuple(seats),
        row.member.barriers if may_see(audience, BARRIER_AUDIENCE) else None,
        row.member.consent if may_see(audience, CONSENT_FOR) else None,
        past,
    )


PAGE = ConsolePage("member", "/members/{of:str}", read, under="groups")
