"""Groups, members and health workers are linked to a catchment or a health worker, as dated facts."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Invalid, Mistake, NotFound
from engagement.store import links, setup, units
from engagement.store.kept import Kept
from engagement.strategy.setup import Link, Relation
from engagement.workflows.personal import refusal

UnitKind = Literal["group", "member", "health_worker"]
RELATIONS: dict[UnitKind, tuple[Relation, ...]] = {
    "group": ("catchment", "health_worker"),
    "member": ("health_worker",),
    "health_worker": ("catchment",),
}
"""What each kind of unit can be linked to."""


class Linking(NamedTuple):
    """A link that is asked for."""

    unit_kind: UnitKind
    unit: str
    link: Link


class LinkSeen(msgspec.Struct, frozen=True):
    """What a unit is linked to from a day on, and whether this was new."""

    unit: str
    relation: str
    starts_on: date
    to: str | None
    changed: bool


def link(
    conn: Connection, _kept: Kept, program_id: str, asked: Sequence[Linking], now_ms: int
) -> list[LinkSeen | Mistake]:
    """Stores links; each gets what holds now or its own error. What is so already changes nothing."""
    out: list[LinkSeen | Mistake] = []
    for one in asked:
        names = [one.unit]
        if one.unit_kind != "health_worker":
            units.lock_tallies(conn, program_id, one.unit_kind, names)
        flaw = _flaw(conn, program_id, one)
        if flaw is not None:
            out.append(flaw)
            continue
        wanted = one.link
        standing = links.links_of(conn, program_id, one.unit_kind, names).get(one.unit, [])
        same = links.Linked(one.unit, wanted.relation, wanted.starts_on, wanted.to) in standing
        if not same:
            links.add_links(conn, program_id, one.unit_kind, [(one.unit, wanted)], now_ms)
        out.append(LinkSeen(one.unit, wanted.relation, wanted.starts_on, wanted.to, changed=not same))
    return out


def links_seen(
    conn: Connection, _kept: Kept, program_id: str, asked: Sequence[tuple[UnitKind, str]], _now_ms: int
) -> list[list[LinkSeen] | Mistake]:
    """Every link each unit has, by relation and day. asked : (kind, id) each"""
    out: list[list[LinkSeen] | Mistake] = []
    for kind, name in asked:
        if not setup.newest(conn, program_id, kind, [name]):
            out.append(_unknown(kind, name))
            continue
        found = links.links_of(conn, program_id, kind, [name]).get(name, [])
        out.append([LinkSeen(*row, changed=False) for row in found])
    return out


def _flaw(conn: Connection, program_id: str, asked: Linking) -> Mistake | None:
    """Why a link cannot be."""
    kind, relation, to = asked.unit_kind, asked.link.relation, asked.link.to
    if relation not in RELATIONS[kind]:
        return Invalid(f"a {kind} can be linked to: {', '.join(RELATIONS[kind])}")
    if not setup.newest(conn, program_id, kind, [asked.unit]):
        return _unknown(kind, asked.unit)
    if relation == "health_worker" and to and not setup.newest(conn, program_id, "health_worker", [to]):
        return NotFound(f"there is no health worker `{to}` in this program; create it first")
    return refusal("to", to)


def _unknown(kind: UnitKind, name: str) -> NotFound:
    return NotFound(f"there is no {kind.replace('_', ' ')} `{name}` in this program")
