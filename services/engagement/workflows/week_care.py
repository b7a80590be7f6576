"""What staff see to in advisers: refreshers that are due, and groups that need a deputy or an adviser."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from engagement.signals.tally import DAY_MS
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.strategy.cadence import calendar, local_date
from engagement.strategy.setup import Catalogue
from engagement.workflows.adviser_candidates import candidates_of, sentence
from engagement.workflows.leading import Leads, LooksFor, ever_advised, leads_of
from engagement.workflows.screening import look

AHEAD_DAYS = 30
"""A refresher stands on the list so long before its day: it has to be arranged; a guess."""


class Care(NamedTuple):
    """One thing to see to. member, seat : whose refresher, or whom to ask first

    looks_for : of a succession, whom the group needs      why : reasons, in words
    """

    about: Literal["refresher", "succession"]
    group: str
    member: str | None
    seat: int | None
    due_ms: int
    why: tuple[str, ...] = ()
    looks_for: LooksFor | None = None


def cares(
    conn: Connection, kept: Kept, program_id: str, parts: Sequence[Sequence[str]], now_ms: int
) -> list[tuple[Care, ...]]:
    """What is to be seen to in each part of at most `CUT` groups. Constantly many statements a part."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    return [_of_part(conn, program_id, catalogue, names, today, now_ms) for names in parts]


def _of_part(
    conn: Connection, program_id: str, catalogue: Catalogue, names: Sequence[str], today: date, now_ms: int
) -> tuple[Care, ...]:
    rows = units.groups(conn, program_id, names)
    going = sorted(name for name, row in rows.items() if not row.group.ended)
    leads = leads_of(conn, program_id, catalogue, going, today, now_ms)
    ever = ever_advised(conn, program_id, going)
    wanting: dict[str, LooksFor] = {}
    for name in going:
        wanted = leads.get(name, Leads()).looks_for(ever=name in ever)
        if wanted is not None:
            wanting[name] = wanted
    refreshers = (one for name, some in leads.items() for one in _refreshers(catalogue, name, some, now_ms))
    return (*refreshers, *_successions(conn, program_id, catalogue, wanting, leads, today, now_ms))


def _refreshers(catalogue: Catalogue, group: str, leads: Leads, now_ms: int) -> Iterator[Care]:
    for one in leads.people:
        due_ms = one.state.refresher_ms(catalogue.program.advisers.refresher_days)
        if due_ms is not None and due_ms <= now_ms + AHEAD_DAYS * DAY_MS and not one.state.over:
            yield Care("refresher", group, one.member, one.seat, due_ms)


def _successions(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    wanting: Mapping[str, LooksFor],
    leads: Mapping[str, Leads],
    today: date,
    now_ms: int,
) -> Iterator[Care]:
    if not wanting:
        return
    program = catalogue.program
    ends_ms = calendar(now_ms, program.time_zone, "week").ends_ms
    looked = look(conn, program_id, catalogue, list(wanting), today, now_ms)
    for group, looks_for in wanting.items():
        lead = leads.get(group, Leads())
        found = candidates_of(program, looked, lead, group, now_ms)
        first = next((one for one in found if one.proposed), None)
        why = (sentence(program, lead, looks_for, found), *(() if first is None else first.reasons))
        yield Care(
            "succession",
            group,
            None if first is None else first.member,
            None if first is None else first.seat,
            ends_ms,
            why,
            looks_for,
        )
