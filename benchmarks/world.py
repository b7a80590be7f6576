"""A synthetic program: members in groups of ten, four monthly meetings, one month of decisions folded.

Made through the service's own functions, so that what is measured on it is what would be stored.
"""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.availability import DAY_MS
from engagement.randomness import generator
from engagement.store import facts, setup, signals
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import migrate
from engagement.store.signals import Recorded
from engagement.strategy.setup import Group, Member, Membership
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.fold import fold_program
from engagement.workflows.ingest import milliseconds
from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template
from engagement.workflows.recommend import CUT, Ask, recommend
from engagement.workflows.tallies import retally

GROUP_SIZE = 10
MEETINGS = 4
SEED = 1


class World(msgspec.Struct, frozen=True):
    """Where the synthetic people are, and a key that opens their program."""

    program_id: str
    key: str
    members: int


def member(number: int) -> str:
    """The pseudonym of a synthetic member."""
    return f"m{number:06}"


def group(number: int) -> str:
    """The pseudonym of the group in which a synthetic member sits."""
    return f"g{number // GROUP_SIZE:05}"


def month(number: int) -> datetime:
    """Six hours into a month of the simulation; month 0 is January 2026."""
    year, index = divmod(2026 * 12 + number, 12)
    return datetime(year, index + 1, 1, 6, tzinfo=UTC)


def build(url: str, members: int) -> World:
    """Migrates an empty database and fills it with a program that has learned from its first month."""
    db, kept = Database(url), Kept()
    migrate(db)
    world = seat(db, kept, members)
    now_ms = milliseconds(month(0))
    for start in range(0, members, CUT):
        with db.write() as conn:
            _meet(conn, world, range(start, min(members, start + CUT)))
    for start in range(0, members, CUT):
        asks = [Ask(member=member(number)) for number in range(start, min(members, start + CUT))]
        with db.write() as conn:
            recommend(conn, kept, world.program_id, asks, now_ms, simulated=True)
    fold_program(db, kept, world.program_id, "benchmark", now_ms + 40 * DAY_MS)
    if not db.is_sqlite:
        with db.write() as conn:
            conn.exec_driver_sql("ANALYZE")  # as autovacuum does within a minute
    db.close()
    return world


def seat(db: Database, kept: Kept, members: int) -> World:
    """A program from the default template, with a budget that suffices, and its seated members."""
    now_ms = milliseconds(month(0))
    plan = template(DEFAULT_TEMPLATE)
    ample = tuple(msgspec.structs.replace(row, limit_minor=10_000 * members) for row in plan.budgets)
    everybody = range(members)
    with db.write() as conn:
        facts.settle_kind_of_time(conn, "simulated")
        program_id = create_program(
            conn, kept, msgspec.structs.replace(plan, budgets=ample), now_ms, title="Synthetic"
        )
        names = sorted({group(number) for number in everybody})
        groups = [Group(id=name, site=plan.sites[0].id, setting="rural") for name in names]
        setup.revise(conn, program_id, [*groups, *(Member(id=member(n)) for n in everybody)], now_ms)
        setup.add_memberships(conn, program_id, [_seat(number) for number in everybody], now_ms)
        key = create_key(conn, program_id, SCOPES, "research", now_ms, None)
    return World(program_id, key.text, members)


def _seat(number: int) -> Membership:
    place = number % GROUP_SIZE
    return Membership(
        member=member(number),
        group=group(number),
        seat=place + 1,
        role="adviser" if place == 0 else "member",
        starts_on=month(-MEETINGS).date(),
    )


def _meet(conn: Connection, world: World, numbers: range) -> None:
    """The meetings of these members' groups in the ledger and in the tallies."""
    draws = generator(SEED, "meetings", str(numbers.start)).random((len(numbers), MEETINGS, 2))
    rows = [row for number, mine in zip(numbers, draws, strict=True) for row in _attended(number, mine)]
    signals.insert_signals(conn, world.program_id, rows)
    groups = sorted({group(number) for number in numbers})
    retally(conn, world.program_id, [member(number) for number in numbers], groups)


def _attended(number: int, draws: np.ndarray) -> list[Recorded]:
    """One member's part in the meetings: came or not, and met the goal or not. Seat 1 reports for all."""
    out = []
    for meeting in range(MEETINGS):
        at = month(meeting - MEETINGS + 1) + timedelta(days=14)
        came, met = (int(draw < 0.6) for draw in draws[meeting])
        out.append(told("member", member(number), number, "attendance", came, at))
        if came:
            out.append(told("member", member(number), number, "goal_met", met, at))
        if number % GROUP_SIZE == 0:
            out.append(told("group", group(number), number, "meeting_held", 1, at))
    return out


def told(unit_kind: str, unit: str, number: int, kind: str, value: int, at: datetime) -> Recorded:
    """A signal of a member or a group, as it is stored."""
    return Recorded(
        source="synthetic",
        event_id=f"{unit}-{kind}-{at:%Y%m}",
        unit_kind=unit_kind,
        unit_id=unit,
        group_id=group(number),
        kind=kind,
        value=value,
        occurred_at=milliseconds(at),
        reported_by="system",
        corrects_source=None,
        corrects_event=None,
        recorded_at=milliseconds(at),
    )
