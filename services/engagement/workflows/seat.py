"""Members take a seat in a group, move, or leave: memberships as dated facts."""

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from engagement.errors import Conflict, Mistake, NotFound
from engagement.store import merges, setup, units
from engagement.store.kept import Kept
from engagement.strategy.setup import Membership


class Seating(msgspec.Struct, frozen=True):
    """Where a member sits from a day on, and whether this was new."""

    member: str
    group: str | None
    seat: int | None
    role: str
    starts_on: date
    changed: bool


def seat(
    conn: Connection, _kept: Kept, program_id: str, rows: Sequence[Membership], now_ms: int
) -> list[Seating | Mistake]:
    """Stores memberships; each gets its seating or its own error. What is so already changes nothing."""
    members = sorted({row.member for row in rows})
    held = units.lock_tallies(conn, program_id, "member", members)
    groups = sorted({row.group for row in rows if row.group is not None})
    known = units.lock_tallies(conn, program_id, "group", groups)
    taken = {
        (row.group, row.seat): row.member for row in setup.memberships_of_groups(conn, program_id, groups)
    }
    past = setup.memberships_of(conn, program_id, members)
    persons = merges.merged(conn, program_id, members)
    out: list[Seating | Mistake] = []
    fresh: dict[tuple[str, date], Membership] = {}
    for row in rows:
        if row.member not in held:
            out.append(NotFound(f"there is no member `{row.member}` in this program"))
        elif row.member in persons:
            out.append(
                Conflict(f"`{row.member}` was merged into `{persons[row.member].into}`; seat that one")
            )
        elif row.group is not None and row.group not in known:
            out.append(NotFound(f"there is no group `{row.group}` in this program"))
        elif row.group is not None and taken.get((row.group, row.seat), row.member) != row.member:
            out.append(
                Conflict(
                    f"seat {row.seat} of `{row.group}` belongs to another member; seats are never reused"
                )
            )
        else:
            same = any(
                (before.starts_on, before.group, before.seat, before.role)
                == (row.starts_on, row.group, row.seat, row.role)
                for before in past[row.member]
            )
            if not same:
                fresh[row.member, row.starts_on] = row
                taken[row.group, row.seat] = row.member
            out.append(Seating(row.member, row.group, row.seat, row.role, row.starts_on, changed=not same))
    setup.add_memberships(conn, program_id, list(fresh.values()), now_ms)
    return out
