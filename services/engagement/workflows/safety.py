"""Safety cases: whether the bandit is closed for a member, and which referrals wait for an answer.

Nothing about a case is kept but its reports. What is open is read from them, under the member's lock,
whenever it matters; members of whom nothing was ever reported, nearly all, cost no statement.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake
from engagement.signals.cases import Case, ever_reported, family_unsafe, open_cases
from engagement.signals.catalogue import BY_KIND
from engagement.signals.safety import RED_FLAG, SafetyKind
from engagement.signals.signal import Audience, may_see
from engagement.signals.tally import Tally
from engagement.store import setup, signals
from engagement.store.kept import Kept
from engagement.strategy.setup import Program
from engagement.workflows.tallies import counting, link
from engagement.workflows.tell import ReferralTold, moment

HOUR_MS = 3_600_000


class Safety(NamedTuple):
    """What stands before any recommendation to one member.

    referral : of a red flag, else of the case that has waited longest; None when none is open
    """

    referral: ReferralTold | None
    family_unsafe: bool


SAFE = Safety(None, family_unsafe=False)


class OpenReferral(msgspec.Struct, frozen=True):
    """A safety case that waits for an answer.

    chain : the caller's id of the case, null where the report gave none
    occurred_at, recorded_at : of its latest report       overdue : `answer_by` has passed
    """

    member: str
    kind: SafetyKind
    chain: str | None
    role: str
    occurred_at: datetime
    recorded_at: datetime
    answer_by: datetime
    overdue: bool


def safety_of(
    conn: Connection, program_id: str, program: Program, known: Mapping[str, Tally]
) -> dict[str, Safety]:
    """The safety of each member, from tallies already locked; one statement at most."""
    reported = sorted(name for name, mine in known.items() if ever_reported(mine))
    cases = _cases(conn, program_id, reported) if reported else {}
    return {
        name: Safety(_told(program, _first(cases[name])) if cases.get(name) else None, family_unsafe(mine))
        for name, mine in known.items()
    }


def open_referrals(
    conn: Connection, kept: Kept, program_id: str, readers: Sequence[Audience], now_ms: int
) -> list[tuple[OpenReferral, ...] | Mistake]:
    """The open referrals that each reader may see, the oldest first."""
    waiting = every_open_referral(conn, kept, program_id, now_ms)
    return [
        tuple(row for row in waiting if may_see(reader, BY_KIND[row.kind].audience)) for reader in readers
    ]


def every_open_referral(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> list[OpenReferral]:
    """Every open referral, whoever may see it, the oldest first."""
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    cases = _cases(conn, program_id, None)
    waiting = sorted(
        ((case, member) for member, mine in cases.items() for case in mine),
        key=lambda row: (row[0].recorded_at_ms, row[1]),
    )
    return [_open(program, member, case, now_ms) for case, member in waiting]


def _cases(conn: Connection, program_id: str, members: Sequence[str] | None) -> dict[str, tuple[Case, ...]]:
    """Open cases by member, of these members or of all."""
    links = defaultdict(list)
    for row in counting(signals.of_safety(conn, program_id, members)):
        links[row.unit_id].append(link(row))
    return {name: open_cases(mine) for name, mine in links.items()}


def _first(cases: Sequence[Case]) -> Case:
    """The case of which an answer tells: a danger to health before all else, then what waits longest."""
    return min(cases, key=lambda case: (case.kind != RED_FLAG.kind, case.recorded_at_ms))


def _answer_by_ms(program: Program, case: Case) -> int:
    """The time to answer runs from when the service was told, not from when it was so."""
    return case.recorded_at_ms + program.referral(case.kind).answer_hours * HOUR_MS


def _told(program: Program, case: Case) -> ReferralTold:
    return ReferralTold(case.kind, program.referral(case.kind).role, moment(_answer_by_ms(program, case)))


def _open(program: Program, member: str, case: Case, now_ms: int) -> OpenReferral:
    due_ms = _answer_by_ms(program, case)
    return OpenReferral(
        member=member,
        kind=case.kind,
        chain=case.chain,
        role=program.referral(case.kind).role,
        occurred_at=moment(case.occurred_at_ms),
        recorded_at=moment(case.recorded_at_ms),
        answer_by=moment(due_ms),
        overdue=due_ms < now_ms,
    )
