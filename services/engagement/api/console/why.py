"""Why this recommendation: the belief, the chances, the number that decided, and the decision made again."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.api.parameters import DECISION
from engagement.api.service import each
from engagement.bandits.propensity import ONE
from engagement.errors import Forbidden, Mistake, NotFound
from engagement.signals.signal import may_see
from engagement.store.kept import Kept
from engagement.workflows.replay import replay_decisions
from engagement.workflows.tell import moment
from engagement.workflows.why import Weighed, WeighedWanted, weighed


class Again(msgspec.Struct, frozen=True):
    """A decision made again. agrees : None for one of another system      gap : of probabilities, at most"""

    agrees: bool | None
    action: str | None
    pick_agrees: bool | None
    keyed: bool | None
    gap: float | None
    at: datetime


class Why(msgspec.Struct, frozen=True):
    """A decision with its reasons, and itself made again where the reader may see that."""

    weighed: Weighed
    again: Again | None


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[Why | Mistake]:
    """Each decision. It is made again whenever it is looked at: that takes no longer than to read it."""
    return each(lambda visit: _why(conn, kept, program_id, visit, now_ms), visits)


def _why(conn: Connection, kept: Kept, program_id: str, visit: Visit, now_ms: int) -> Why:
    if DECISION.fullmatch(visit.of) is None:
        raise NotFound(f"there is no decision `{visit.of}` in this program")
    wanted = WeighedWanted(visit.of, visit.audience, visit.simulated)
    found = weighed(conn, kept, program_id, wanted, now_ms)
    again = made_again(conn, kept, program_id, visit.of, now_ms) if may_see(visit.audience, "staff") else None
    return Why(found, again)


def made_again(conn: Connection, kept: Kept, program_id: str, decision_id: str, now_ms: int) -> Again:
    """A decision made again from the ledger, and compared. Raises NotFound."""
    verdict = next(iter(replay_decisions(conn, kept, program_id, [decision_id])), None)
    if verdict is None:
        raise NotFound(f"there is no decision `{decision_id}` in this program")
    gap = verdict.replayed.probability_gap
    return Again(
        verdict.agrees,
        verdict.replayed.action,
        verdict.replayed.pick_agrees,
        verdict.keyed,
        None if gap is None else gap / ONE,
        moment(now_ms),
    )


def take(
    conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int
) -> list[Taken | Mistake]:
    """Makes decisions again because somebody asked; nothing is stored."""
    return each(lambda one: _taken(conn, kept, program_id, one, now_ms), sent)


def _taken(conn: Connection, kept: Kept, program_id: str, one: Sent, now_ms: int) -> Taken:
    if DECISION.fullmatch(one.visit.of) is None:
        raise NotFound(f"there is no decision `{one.visit.of}` in this program")
    if not may_see(one.visit.audience, "staff"):
        raise Forbidden("what was drawn, and from what, is for staff and research")
    return Taken(told=made_again(conn, kept, program_id, one.visit.of, now_ms))


PAGE = ConsolePage("why", "/decisions/{of:str}", read, under="groups", take=take, lane="read", htmx=True)
