"""Everybody of a group or of a program, as requests for recommendations."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id, Level
from engagement.errors import Invalid, Mistake, NotFound
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import LEADING, Catalogue, Group
from engagement.workflows.recommend import Ask, PointName

MOST = 1_000


class AskAll(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks for everybody of one level in a program, or in one group: members, advisers or groups.

    strategy : the program's default for the level when absent; it decides the level when it is named
    after : go on behind this id, `next` of the answer before      limit : look at so many at most
    """

    level: Level = "member"
    strategy: Id | None = None
    group: Id | None = None
    decision_point: PointName | None = None
    after: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = MOST


class Everybody(NamedTuple):
    """The requests, one a unit, and the id to go on behind; None when nobody is left."""

    asks: tuple[Ask, ...]
    next: str | None


def everybody(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[AskAll], now_ms: int
) -> list[Everybody | Mistake]:
    """Who is meant by each: those who sit in a group today that has not ended, in order of id."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    out: list[Everybody | Mistake] = []
    for one in wanted:
        try:
            out.append(_who(conn, program_id, catalogue, one, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _who(conn: Connection, program_id: str, catalogue: Catalogue, wanted: AskAll, now_ms: int) -> Everybody:
    name, level, point = wanted.strategy, wanted.level, wanted.decision_point
    if name is None and catalogue.program.default_for(level) is None and not catalogue.on_trial:
        raise Invalid(f"the program has no default strategy for a {level}, so the request must name one")
    if name is not None:
        if name not in catalogue.strategies:
            raise NotFound(f"there is no strategy `{name}` in this program")
        level = catalogue.strategies[name].level
    asked = None if name else level
    ids, following = _looked_at(conn, program_id, wanted, "group" if level == "group" else "member")
    if level == "group":
        held = setup.newest(conn, program_id, "group", ids)
        chosen = [key for key in ids if isinstance(group := held[key].thing, Group) and not group.ended]
        asks = tuple(Ask(group=key, strategy=name, level=asked, decision_point=point) for key in chosen)
        return Everybody(asks, following)
    today = local_date(now_ms, catalogue.program.time_zone)
    seats = setup.memberships_on(conn, program_id, ids, today)
    groups = setup.newest(
        conn, program_id, "group", sorted({row.group for row in seats.values() if row.group})
    )
    ended = {key for key, row in groups.items() if isinstance(row.thing, Group) and row.thing.ended}
    asks = tuple(
        Ask(member=key, strategy=name, level=asked, decision_point=point)
        for key in ids
        if (seat := seats.get(key)) is not None
        and seat.group is not None
        and seat.group not in ended
        and wanted.group in (None, seat.group)
        and (level == "member" or seat.role in LEADING)
    )
    return Everybody(asks, following)


def _looked_at(conn: Connection, program_id: str, wanted: AskAll, noun: str) -> tuple[list[str], str | None]:
    """Ids in order, at most `limit`, and the one to go on behind when there are more."""
    if wanted.group is None:
        found = [row.thing.id for row in setup.page(conn, program_id, noun, wanted.after, wanted.limit + 1)]
    elif not setup.newest(conn, program_id, "group", [wanted.group]):
        raise NotFound(f"there is no group `{wanted.group}` in this program")
    elif noun == "group":
        found = [wanted.group]
    else:
        ever = {row.member for row in setup.memberships_of_groups(conn, program_id, [wanted.group])}
        found = sorted(name for name in ever if name > wanted.after)[: wanted.limit + 1]
    return found[: wanted.limit], found[wanted.limit - 1] if len(found) > wanted.limit else None
