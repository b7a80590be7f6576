"""Safety cases as whoever answers them has to see them: who, how old, how they stand, and those answered."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from engagement.signals.cases import Case, answered_cases, open_cases
from engagement.signals.catalogue import BY_KIND
from engagement.signals.chains import Link
from engagement.signals.safety import SafetyKind
from engagement.signals.signal import Audience, may_see
from engagement.signals.tally import DAY_MS
from engagement.store import setup, signals
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Program
from engagement.workflows.safety import HOUR_MS
from engagement.workflows.tallies import counting, link
from engagement.workflows.tell import moment

LATELY_DAYS = 30
"""So long an answered case stays in sight."""
Stands = Literal["overdue", "waiting", "answered"]


class CaseSeen(msgspec.Struct, frozen=True):
    """A safety case.

    group, seat : where the member sits today, null in none      role : who answers, as the program says
    hours : waited so far, or until the answer      allowed_hours : to answer within
    """

    member: str
    group: str | None
    seat: int | None
    kind: SafetyKind
    chain: str | None
    role: str
    stands: Stands
    recorded_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    hours: float
    allowed_hours: int


class Referrals(msgspec.Struct, frozen=True):
    """The open cases, the overdue first and then who has waited longest, and those answered lately.

    late : of the answered, how many were later than the program allows
    """

    open: tuple[CaseSeen, ...]
    answered: tuple[CaseSeen, ...]
    overdue: int
    late: int
    roles: tuple[tuple[str, int], ...]


def referrals(
    conn: Connection, kept: Kept, program_id: str, readers: Sequence[Audience], now_ms: int
) -> list[Referrals]:
    """The cases that each reader may see. A constant number of statements."""
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    links: dict[str, list[Link]] = defaultdict(list)
    for row in counting(signals.of_safety(conn, program_id, None)):
        links[row.unit_id].append(link(row))
    today = local_date(now_ms, program.time_zone)
    seats = setup.memberships_on(conn, program_id, sorted(links), today) if links else {}
    found = [row for name, mine in links.items() for row in _of_member(program, name, mine, seats, now_ms)]
    return [_seen_by(reader, found) for reader in readers]


def _of_member(
    program: Program, name: str, mine: Sequence[Link], seats: Mapping[str, Seated], now_ms: int
) -> list[CaseSeen]:
    cases: list[tuple[Case, int | None]] = [(case, None) for case in open_cases(mine)]
    cases += [
        (row.case, row.answered_at_ms)
        for row in answered_cases(mine)
        if row.answered_at_ms > now_ms - LATELY_DAYS * DAY_MS
    ]
    return [_seen(program, name, seats.get(name), case, answered, now_ms) for case, answered in cases]


def _seen(
    program: Program, name: str, seat: Seated | None, case: Case, answered_ms: int | None, now_ms: int
) -> CaseSeen:
    whom = program.referral(case.kind)
    due_ms = case.recorded_at_ms + whom.answer_hours * HOUR_MS
    stands: Stands = "overdue" if due_ms < now_ms else "waiting"
    return CaseSeen(
        member=name,
        group=None if seat is None else seat.group,
        seat=None if seat is None else seat.seat,
        kind=case.kind,
        chain=case.chain,
        role=whom.role,
        stands=stands if answered_ms is None else "answered",
        recorded_at=moment(case.recorded_at_ms),
        answer_by=moment(due_ms),
        answered_at=None if answered_ms is None else moment(answered_ms),
        hours=((now_ms if answered_ms is None else answered_ms) - case.recorded_at_ms) / HOUR_MS,
        allowed_hours=whom.answer_hours,
    )


def _seen_by(reader: Audience, found: Sequence[CaseSeen]) -> Referrals:
    mine = [row for row in found if may_see(reader, BY_KIND[row.kind].audience)]
    waiting = sorted(
        (row for row in mine if row.stands != "answered"),
        key=lambda row: (row.stands != "overdue", row.recorded_at, row.member),
    )
    answered = sorted(
        (row for row in mine if row.answered_at is not None),
        key=lambda row: (row.answered_at or row.recorded_at, row.member),
        reverse=True,
    )
    return Referrals(
        tuple(waiting),
        tuple(answered),
        sum(row.stands == "overdue" for row in waiting),
        sum(row.hours > row.allowed_hours for row in answered),
        tuple(Counter(row.role for row in waiting).most_common()),
    )
