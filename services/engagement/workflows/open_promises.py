"""What was suggested or agreed in some groups and is open: whoever keeps them next has to know of it."""

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.actions.incentive import Incentive
from engagement.store import decisions
from engagement.store.decisions import Decision
from engagement.store.identifiers import first_uuid7
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status
from engagement.strategy.setup import Catalogue
from engagement.workflows.earned import unearned
from engagement.workflows.wording import Words, titled
from engagement.workflows.worklist import OPEN_MS, seats_of, still_wanted

MOST = 1_000
"""So many are told of."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was suggested or agreed here and is open. seat : null where it is for the group

    due_on : the last day on which it is open
    earned : of an incentive, whether somebody else has said that it was; null where nothing is to be earned
    """

    decision_id: str
    group: str
    seat: int | None
    title: str
    carrier: Carrier
    status: Status
    due_on: date
    earned: bool | None


def promises(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    groups: Sequence[str],
    words: Words,
    now_ms: int,
) -> Iterable[Promise]:
    """What is open in these groups, and what is to be earned first."""
    found = decisions.standing(
        conn,
        program_id,
        actions=sorted(catalogue.actions),
        statuses=("proposed", "accepted"),
        groups=groups,
        after=first_uuid7(now_ms - OPEN_MS),
        open_at_ms=now_ms,
        limit=MOST,
    )
    shown = still_wanted(conn, program_id, catalogue, found, now_ms)
    seats = seats_of(conn, program_id, shown, local_date(now_ms, catalogue.program.time_zone))
    missing = unearned(conn, kept, program_id, [row for row, _ in shown], now_ms)
    for decision, status in sorted(shown, key=lambda row: not _to_earn(catalogue, row[0])):
        action = catalogue.actions[decision.action_id]
        yield Promise(
            decision_id=decision.decision_id,
            group=decision.group_id,
            seat=_seat(decision, seats),
            title=titled(action, words),
            carrier=action.carrier,
            status=status,
            due_on=local_date(decision.expires_at - 1, catalogue.program.time_zone),
            earned=decision.decision_id not in missing if _to_earn(catalogue, decision) else None,
        )


def _to_earn(catalogue: Catalogue, decision: Decision) -> bool:
    action = catalogue.actions[decision.action_id]
    return isinstance(action, Incentive) and bool(action.earned_by)


def _seat(decision: Decision, seats: dict[str, int | None]) -> int | None:
    return seats.get(decision.unit_id) if decision.unit_kind == "member" else None
