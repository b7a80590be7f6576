"""The example program: synthetic groups with three months behind them, to try the service with."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from engagement.errors import EngagementError
from engagement.randomness import generator
from engagement.signals.tally import DAY_MS
from engagement.store import facts, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.wall import LISTING, enter
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.ingest import Signal, ingest
from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template
from engagement.workflows.roster import import_roster
from engagement.workflows.tell import moment

TITLE = "Example program (synthetic)"
GROUPS = 6
SEATS = 8
MEETINGS = 3
KEY_DAYS = 90


class Example(NamedTuple):
    """What was loaded: the program, a key that opens it, and a member to ask about."""

    program_id: str
    key: str
    member: str


def load_example(db: Database, kept: Kept, now_ms: int) -> Example:
    """Loads the example program once; with a new key each time, since keys cannot be read again."""
    with db.write(LISTING) as conn:
        program_id = next((name for name in setup.program_ids(conn) if _title(db, kept, name) == TITLE), None)
        if program_id is None:
            program_id = create_program(conn, kept, template(DEFAULT_TEMPLATE), now_ms, title=TITLE)
            start = moment(now_ms - (30 * MEETINGS + 5) * DAY_MS).date()
            import_roster(conn, kept, program_id, roster(start.isoformat()), now_ms)
            for receipt in ingest(conn, kept, program_id, signals(now_ms), now_ms):
                if isinstance(receipt, EngagementError):
                    raise receipt
        enter(conn, program_id)
        lasts = not facts.is_simulated(conn)  # simulated months pass in seconds
        expires_at = now_ms + KEY_DAYS * DAY_MS if lasts else None
        key = create_key(conn, program_id, SCOPES, "research", now_ms, expires_at)
    return Example(program_id, key.text, "g1-m1")


def _title(db: Database, kept: Kept, program_id: str) -> str:
    with db.read(program_id) as conn:
        revision = setup.catalogue_revision(conn, program_id)
        return setup.catalogue(conn, kept, program_id, revision).program.title


def roster(joined_on: str) -> str:
    """A synthetic roster as CSV: half the groups in a town, an adviser in seat 1."""
    lines = ["group,setting,seat,member,role,joined_on,health_worker"]
    for group in range(1, GROUPS + 1):
        setting = "urban" if group % 2 else "rural"
        for seat in range(1, SEATS + 1):
            role = "adviser" if seat == 1 else "member"
            consent = "no" if seat == SEATS else "yes"
            lines.append(f"g{group},{setting},{seat},g{group}-m{seat},{role},{joined_on},{consent}")
    return "\n".join(lines) + "\n"


def signals(now_ms: int) -> list[Signal]:
    """Synthetic meetings of the last months: held, who came, who met their goal."""
    draws = generator(20260101, "example").random((GROUPS, MEETINGS, SEATS, 2))
    out: list[Signal] = []
    for group in range(1, GROUPS + 1):
        for meeting in range(MEETINGS):
            at = moment(now_ms - (30 * (MEETINGS - meeting) - 20 + group) * DAY_MS)
            out += _meeting(group, meeting, at, draws[group - 1, meeting])
    return out


def _meeting(group: int, meeting: int, at: datetime, draws: np.ndarray) -> list[Signal]:
    name, at = f"g{group}", at.astimezone(UTC)
    held = not (group == GROUPS and meeting == MEETINGS - 1)
    out = [
        Signal(
            source="example",
            id=f"{name}-held-{meeting}",
            kind="meeting_held",
            group=name,
            value=int(held),
            occurred_at=at,
        )
    ]
    if not held:
        return out
    for seat in range(1, SEATS + 1):
        came = int(draws[seat - 1, 0] < 0.9 - 0.06 * seat)
        person, later = f"{name}-m{seat}", at + timedelta(minutes=1)
        out.append(
            Signal(
                source="example",
                id=f"{person}-came-{meeting}",
                kind="attendance",
                member=person,
                value=came,
                occurred_at=at,
            )
        )
        if came:
            met = int(draws[seat - 1, 1] < 0.6)
            out.append(
                Signal(
                    source="example",
                    id=f"{person}-goal-{meeting}",
                    kind="goal_met",
                    member=person,
                    value=met,
                    occurred_at=later,
                )
            )
    return out
