"""What a group is told as a program ends: who leads, when it meets, what helped, what stops and what stays.

The page lies on a table among neighbours, so it holds no more than an adviser may see, whoever asks: seats,
counts and dates; no barrier, reading, rating or doubt of a family.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Level
from engagement.actions.catalogue import AnyAction
from engagement.errors import Mistake, NotFound
from engagement.signals.catalogue import BY_KIND
from engagement.signals.fund import FUND_CONTRIBUTION
from engagement.signals.signal import may_see
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.ending import When, last_day, offered, stays_free, when
from engagement.strategy.setup import Group, HealthWorker, Site
from engagement.workflows.brief import READER, GoalToAsk, Told, goals_to_ask
from engagement.workflows.carriers import workers_of_groups
from engagement.workflows.states import heard_of
from engagement.workflows.tallies import standing
from engagement.workflows.tried import Tried, tried
from engagement.workflows.which_meeting import NextMeeting, coming_meetings
from engagement.workflows.wording import Words, spoken, titled, words_in

LEVELS: tuple[Level, ...] = ("group", "adviser", "member")
DATES = 6
"""So many meetings ahead: half a year of months."""


class Fund(msgspec.Struct, frozen=True):
    """What was reported as paid into a group's fund, by whom it is not told. paid_minor : in minor units"""

    paid_minor: int
    last_on: date


class Stops(msgspec.Struct, frozen=True):
    """An action that ends here, with its last day."""

    action: str
    title: str
    last_day: date


class Stays(msgspec.Struct, frozen=True):
    """An action that goes on and costs the group nothing. by : the health service, or the group itself"""

    action: str
    title: str
    by: Literal["health", "own"]


class GroupHanded(msgspec.Struct, frozen=True, kw_only=True):
    """One group's page. Seats, never names; a health worker by the id that the program gave.

    draft : nobody has signed the words      when : how far the end is: `before`, `near`, `over`
    stops, stays : empty as long as the end is not near
    """

    group: str
    language: str
    draft: bool
    when: When
    ends_on: date | None
    adviser: int | None
    deputies: tuple[int, ...]
    meetings: tuple[NextMeeting, ...]
    tried: tuple[Tried, ...]
    fund: Fund | None
    health_workers: tuple[str, ...]
    goals: tuple[GoalToAsk, ...]
    stops: tuple[Stops, ...]
    stays: tuple[Stays, ...]


class HandedWanted(NamedTuple):
    """Whose page. language : "" for the group's own"""

    group: str
    language: str = ""


def groups_handed(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[HandedWanted], now_ms: int
) -> list[GroupHanded | Mistake]:
    """The page of each group."""
    found: list[GroupHanded | Mistake] = []
    for one in wanted:
        try:
            found.append(_handed(conn, kept, program_id, one, now_ms))
        except Mistake as mistake:
            found.append(mistake)
    return found


def _handed(conn: Connection, kept: Kept, program_id: str, wanted: HandedWanted, now_ms: int) -> GroupHanded:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    group = _group(conn, program_id, wanted.group)
    site, zone = catalogue.sites[group.site], catalogue.program.time_zone
    words = words_in(wanted.language or spoken(group.language, catalogue.program.language))
    today = local_date(now_ms, zone)
    seats = setup.members_of_group(conn, program_id, group.id, today)
    rows = _readable(standing(conn, program_id, [row.member for row in seats], [group.id]))
    end = when(site, today)
    ahead = offered(catalogue) if end != "before" else []
    return GroupHanded(
        group=group.id,
        language=words.language,
        draft=words.status == "draft",
        when=end,
        ends_on=site.ends_on,
        adviser=next(_seats_of(seats, "adviser"), None),
        deputies=tuple(_seats_of(seats, "deputy")),
        meetings=_meetings(conn, program_id, group, zone, today),
        tried=tried(conn, program_id, catalogue, group.id, words),
        fund=_fund(rows, group.id, zone),
        health_workers=_workers(conn, program_id, group.id, today),
        goals=tuple(goals_to_ask(Told(rows, seats, today, zone, now_ms), words)),
        stops=tuple(stopping(ahead, site, words)),
        stays=tuple(_stays(ahead, site, words)),
    )


def _group(conn: Connection, program_id: str, name: str) -> Group:
    found = setup.newest(conn, program_id, "group", [name]).get(name)
    if found is None or not isinstance(found.thing, Group):
        raise NotFound(f"there is no group `{name}` in this program")
    return found.thing


def _readable(rows: Iterable[Recorded]) -> list[Recorded]:
    return [row for row in rows if may_see(READER, BY_KIND[row.kind].audience)]


def _seats_of(seats: Iterable[Seated], role: str) -> Iterator[int]:
    return (row.seat for row in seats if row.role == role and row.seat is not None)


def _meetings(
    conn: Connection, program_id: str, group: Group, zone: str, today: date
) -> tuple[NextMeeting, ...]:
    """A virtual group has none."""
    if group.type == "virtual":
        return ()
    return coming_meetings(heard_of(conn, program_id, [group.id], zone)[group.id], today, DATES)


def _fund(rows: Iterable[Recorded], group: str, zone: str) -> Fund | None:
    """What was paid in while whoever paid sat in the group."""
    paid = [row for row in rows if row.kind == FUND_CONTRIBUTION.kind and row.group_id == group and row.value]
    if not paid:
        return None
    return Fund(sum(row.value or 0 for row in paid), local_date(paid[-1].occurred_at, zone))


def _workers(conn: Connection, program_id: str, group: str, today: date) -> tuple[str, ...]:
    """Whose the group is, of those who still work here."""
    names = workers_of_groups(conn, program_id, [group], today)[group]
    found = setup.newest(conn, program_id, "health_worker", sorted(names))
    things = (row.thing for row in found.values())
    return tuple(sorted(one.id for one in things if isinstance(one, HealthWorker) and not one.ended))


def stopping(actions: Iterable[AnyAction], site: Site, words: Words) -> list[Stops]:
    """What ends at a site, the earliest first."""
    days = ((action, last_day(action, site)) for action in actions)
    found = [Stops(action.id, titled(action, words), day) for action, day in days if day is not None]
    return sorted(found, key=lambda one: (one.last_day, one.action))


def _stays(actions: Iterable[AnyAction], site: Site, words: Words) -> Iterable[Stays]:
    """What the whole group does together first."""
    for action in sorted(actions, key=lambda one: LEVELS.index(one.level)):
        if stays_free(action, site):
            by: Literal["health", "own"] = "health" if action.carrier in ("health_worker", "staff") else "own"
            yield Stays(action.id, titled(action, words), by)
