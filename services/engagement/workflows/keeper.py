"""What whoever keeps a site from now on has to know: keys, money, open promises, consent to be asked again.

For staff. Keys are told by id, scope and end, never by secret; people by seat, and consent by counts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake, NotFound
from engagement.signals.signal import AUDIENCES, Audience
from engagement.store import beliefs, decisions, keys, page_links, resources, setup, signals, units
from engagement.store.kept import Kept
from engagement.store.keys import Scope
from engagement.strategy.cadence import budget_period, local_date
from engagement.strategy.ending import When, offered, when
from engagement.strategy.purse import Resource
from engagement.strategy.setup import Catalogue, Consent, Group, Site, phase
from engagement.workflows.crew import all_names
from engagement.workflows.group_handed import Stops, stopping
from engagement.workflows.open_promises import Promise, promises
from engagement.workflows.safety import OpenReferral, open_referrals
from engagement.workflows.tell import moment
from engagement.workflows.wording import spoken, words_in

READER: Audience = "staff"
MOST = 1_000
"""Live links that are counted."""


class KeyHeld(msgspec.Struct, frozen=True):
    """A live key of the program, without its secret."""

    key_id: str
    scopes: tuple[Scope, ...]
    audience: Audience
    expires_at: datetime | None


class BudgetLeft(msgspec.Struct, frozen=True):
    """What a payer has left in the present period. last_day : of one that ends, null where none is noted"""

    payer: str
    period: str
    limit_minor: int
    left_minor: int
    last_day: date | None


class Agreed(msgspec.Struct, frozen=True):
    """How many of those who sit here today have agreed to one purpose."""

    purpose: str
    agreed: int
    asked: int


class Deciding(msgspec.Struct, frozen=True):
    """A strategy of the program. version : how often it has learned"""

    strategy: str
    title: str
    level: str
    paused: bool
    version: int


class Keeper(msgspec.Struct, frozen=True, kw_only=True):
    """The new keeper's page. Keys, links, money and strategies are the whole program's, the rest the site's.

    cases : safety cases that wait for an answer, for whoever is to answer
    """

    site: str
    title: str
    program: str
    language: str
    currency: str
    time_zone: str
    draft: bool
    phase: str
    when: When
    ends_on: date | None
    groups: int
    members: int
    keys: tuple[KeyHeld, ...]
    links: int
    budgets: tuple[BudgetLeft, ...]
    promises: tuple[Promise, ...]
    cases: tuple[OpenReferral, ...]
    consents: tuple[Agreed, ...]
    stops: tuple[Stops, ...]
    strategies: tuple[Deciding, ...]
    signals: int
    decisions: int


class KeeperWanted(NamedTuple):
    """Of which site. language : "" for the program's own"""

    site: str
    language: str = ""


def site_groups(
    conn: Connection, kept: Kept, program_id: str, sites: Sequence[str], _now_ms: int
) -> list[tuple[str, ...] | Mistake]:
    """The groups of each site that have not ended, in order of their ids."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    found = setup.newest(conn, program_id, "group", all_names(conn, program_id, "group"))
    groups = [row.thing for _, row in sorted(found.items()) if isinstance(row.thing, Group)]
    return [
        tuple(group.id for group in groups if group.site == site and not group.ended)
        if site in catalogue.sites
        else NotFound(f"there is no site `{site}` in this program")
        for site in sites
    ]


def keepers(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[KeeperWanted], now_ms: int
) -> list[Keeper | Mistake]:
    """The page of each site."""
    named = site_groups(conn, kept, program_id, [one.site for one in wanted], now_ms)
    return [
        groups if isinstance(groups, Mistake) else _keeper(conn, kept, program_id, one, groups, now_ms)
        for one, groups in zip(wanted, named, strict=True)
    ]


def _keeper(
    conn: Connection, kept: Kept, program_id: str, wanted: KeeperWanted, groups: Sequence[str], now_ms: int
) -> Keeper:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    program, site = catalogue.program, catalogue.sites[wanted.site]
    today = local_date(now_ms, program.time_zone)
    words = words_in(wanted.language or spoken(program.language))
    people = _people(conn, program_id, groups, today)
    return Keeper(
        site=site.id,
        title=site.title,
        program=program.title,
        language=words.language,
        currency=program.currency,
        time_zone=program.time_zone,
        draft=words.status == "draft",
        phase=phase(site, today),
        when=when(site, today),
        ends_on=site.ends_on,
        groups=len(groups),
        members=len(people),
        keys=tuple(
            KeyHeld(
                key.key_id,
                key.scopes,
                key.audience,
                None if key.expires_at is None else moment(key.expires_at),
            )
            for key in keys.all_keys(conn, program_id)
            if key.is_live(now_ms)
        ),
        links=len(page_links.live(conn, program_id, AUDIENCES, "", MOST, now_ms)),
        budgets=tuple(_budgets(conn, program_id, catalogue, site, today)),
        promises=tuple(promises(conn, kept, program_id, catalogue, groups, words, now_ms)),
        cases=_cases(conn, kept, program_id, people, now_ms),
        consents=tuple(_consents(conn, program_id, people, today)),
        stops=tuple(stopping(offered(catalogue), site, words)),
        strategies=tuple(_strategies(conn, program_id, catalogue)),
        signals=signals.count(conn, program_id),
        decisions=decisions.count(conn, program_id),
    )


def _people(conn: Connection, program_id: str, groups: Sequence[str], today: date) -> list[str]:
    """Who sits in these groups today."""
    ever = {row.member for row in setup.memberships_of_groups(conn, program_id, groups)}
    now = setup.memberships_on(conn, program_id, sorted(ever), today)
    return sorted(name for name, row in now.items() if row.group in groups)


def _budgets(
    conn: Connection, program_id: str, catalogue: Catalogue, site: Site, today: date
) -> Iterable[BudgetLeft]:
    for payer, budget in sorted(catalogue.budgets.items()):
        period = budget_period(today, budget.period)
        taken = resources.taken(conn, program_id, Resource(payer, period))
        ends = [action.payer_until for action in catalogue.actions.values() if action.payer == payer]
        if payer == "program":
            ends.append(site.ends_on)
        days = [day for day in ends if day is not None]
        last = max(days) if days and (payer == "program" or len(days) == len(ends)) else None
        yield BudgetLeft(payer, period, budget.limit_minor, budget.limit_minor - taken, last)


def _cases(
    conn: Connection, kept: Kept, program_id: str, people: Sequence[str], now_ms: int
) -> tuple[OpenReferral, ...]:
    """Of those who sit here."""
    (found,) = open_referrals(conn, kept, program_id, [READER], now_ms)
    return () if isinstance(found, Mistake) else tuple(row for row in found if row.member in people)


def _consents(conn: Connection, program_id: str, people: Sequence[str], today: date) -> Iterable[Agreed]:
    given = [row.member.consent for row in units.members(conn, program_id, people, today).values()]
    counted = Counter(name for one in given for name in Consent.__struct_fields__ if getattr(one, name))
    return (Agreed(name, counted[name], len(given)) for name in Consent.__struct_fields__)


def _strategies(conn: Connection, program_id: str, catalogue: Catalogue) -> Iterable[Deciding]:
    versions = beliefs.pointers(conn, program_id, sorted(catalogue.strategies))
    for name, row in sorted(catalogue.strategies.items()):
        yield Deciding(name, row.title, row.level, row.paused, versions.get(name, 0))
