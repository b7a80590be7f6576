"""The set-up as revisions: what holds now, what held under a catalogue revision, what is new."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple, get_args

import msgspec
from sqlalchemy import Connection, Select, and_, bindparam, func, select, tuple_

from engagement.actions.catalogue import AnyAction
from engagement.signals import tally
from engagement.store import tables as t
from engagement.store.kept import Kept
from engagement.store.sql import Row, among, insert, insert_new, keys_table, once
from engagement.store.wall import enter
from engagement.strategy.ranking import Ranking
from engagement.strategy.setup import (
    Budget,
    Catalogue,
    Dialect,
    Group,
    HealthWorker,
    Member,
    Membership,
    Program,
    Site,
)
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Trial

AnyNoun = (
    Program | Site | Budget | Strategy | AnyAction | Trial | Group | Member | HealthWorker | Dialect | Ranking
)
TYPES: dict[str, type] = {
    "program": Program,
    "site": Site,
    "budget": Budget,
    "strategy": Strategy,
    "trial": Trial,
    "action": AnyAction,  # type: ignore[dict-item]  # a union decodes like a class
    "group": Group,
    "member": Member,
    "health_worker": HealthWorker,
    "dialect": Dialect,
    "ranking": Ranking,
}
CATALOGUED = ("program", "site", "budget", "strategy", "action", "trial")
_decoders: dict[str, msgspec.json.Decoder[AnyNoun]] = {
    noun: msgspec.json.Decoder(kind) for noun, kind in TYPES.items()
}
_encode = msgspec.json.Encoder().encode


def noun_of(thing: AnyNoun) -> str:
    """The word under which a thing of the set-up is stored."""
    if isinstance(thing, get_args(AnyAction)):
        return "action"
    if isinstance(thing, HealthWorker):
        return "health_worker"
    return type(thing).__name__.lower()


class Revised(NamedTuple):
    """A thing of the set-up and the number of its newest revision."""

    thing: AnyNoun
    revision: int


def decoded(noun: str, body: bytes) -> AnyNoun:
    """A stored body as the thing it is."""
    thing: AnyNoun = _decoders[noun].decode(body)
    return thing


_NEWEST_CATALOGUE = select(func.max(t.revisions.c.catalogue)).where(
    t.revisions.c.program_id == bindparam("program")
)


def catalogue_revision(conn: Connection, program_id: str) -> int:
    """The newest catalogue revision of a program, 0 when the program does not exist."""
    return conn.execute(_NEWEST_CATALOGUE, {"program": program_id}).scalar() or 0


def catalogue(conn: Connection, kept: Kept, program_id: str, revision: int) -> Catalogue:
    """The catalogue as it stood at a revision. It cannot change, so it is kept."""
    found = kept.catalogues.get((program_id, revision))
    if found is None:
        found = kept.catalogues[program_id, revision] = _read_catalogue(conn, program_id, revision)
    return found


def _read_catalogue(conn: Connection, program_id: str, revision: int) -> Catalogue:
    r = t.revisions.c
    query = (
        select(r.noun, r.id, r.revision, r.body)
        .where(r.program_id == program_id, r.catalogue <= revision)
        .order_by(r.catalogue)
    )
    newest = {(row.noun, row.id): (decoded(row.noun, row.body), row.revision) for row in conn.execute(query)}
    sites, budgets, actions, strategies, revisions, trials = {}, {}, {}, {}, {}, {}
    program: Program | None = None
    for (noun, name), (thing, number) in newest.items():
        match thing:
            case Program():
                program = thing
            case Site():
                sites[name] = thing
            case Budget():
                budgets[name] = thing
            case Strategy():
                strategies[name], revisions[name] = thing, number
            case Trial():
                trials[name] = thing
            case _ if noun == "action":
                actions[name] = thing
    if program is None:
        raise LookupError(program_id)
    return Catalogue(revision, program, sites, budgets, actions, strategies, revisions, trials)  # type: ignore[arg-type]  # nouns are told apart by name


def newest(conn: Connection, program_id: str, noun: str, ids: Sequence[str]) -> dict[str, Revised]:
    """The newest revision of things by id; ids without one are left out."""
    r, keys = t.revisions.c, keys_table(conn, ids)
    latest = (
        select(func.max(r.revision))
        .where(r.program_id == program_id, r.noun == noun, r.id == keys.c.value)
        .scalar_subquery()
    )
    inner = t.revisions.alias("newest")
    query = select(inner.c.id, inner.c.revision, inner.c.body).select_from(
        keys.outerjoin(
            inner,
            and_(
                inner.c.program_id == program_id,
                inner.c.noun == noun,
                inner.c.id == keys.c.value,
                inner.c.revision == latest,
            ),
        )
    )
    return {
        row.id: Revised(decoded(noun, row.body), row.revision)
        for row in conn.execute(query)
        if row.id is not None
    }


def history(
    conn: Connection, program_id: str, noun: str, ids: Sequence[str]
) -> dict[str, list[tuple[AnyNoun, int]]]:
    """Every revision of things by id, in order, each with the moment it was recorded."""
    r = t.revisions.c
    query = (
        select(r.id, r.body, r.recorded_at)
        .where(r.program_id == program_id, r.noun == noun, among(conn, r.id, ids))
        .order_by(r.id, r.revision)
    )
    out: dict[str, list[tuple[AnyNoun, int]]] = {}
    for name, body, recorded_at in conn.execute(query):
        out.setdefault(name, []).append((decoded(noun, body), recorded_at))
    return out


def page(conn: Connection, program_id: str, noun: str, after: str, limit: int) -> list[Revised]:
    """The things of a noun in the database's order of ids, from the first id beyond `after`."""
    r = t.revisions.c
    ids = (
        select(r.id)
        .where(r.program_id == program_id, r.noun == noun, r.id > after)
        .distinct()
        .order_by(r.id)
        .limit(limit)
    )
    names = list(conn.execute(ids).scalars())
    found = newest(conn, program_id, noun, names)
    return [found[name] for name in names]


def create_program(conn: Connection, program_id: str, draw_secret: bytes, now_ms: int) -> None:
    """A new program, without a revision yet; from here on the transaction is its own."""
    enter(conn, program_id)
    insert(conn, t.programs, [{"program_id": program_id, "draw_secret": draw_secret, "created_at": now_ms}])


def left_before(conn: Connection, program_id: str, day: date) -> list[str]:
    """Members who sit in no group since before a day, nor will; nobody who is kept under another id."""
    m = t.memberships.c
    query = select(m.member_id, m.starts_on, m.group_id).where(m.program_id == program_id)
    last = {
        name: (starts_on, group)
        for name, starts_on, group in conn.execute(query.order_by(m.starts_on, m.revision))
    }
    merged = select(t.merges.c.member_id).where(t.merges.c.program_id == program_id)
    elsewhere = set(conn.execute(merged).scalars())
    return sorted(
        name
        for name, (starts_on, group) in last.items()
        if group is None and starts_on < day and name not in elsewhere
    )


def created_at(conn: Connection, program_id: str) -> int:
    """When a program was created."""
    query = select(t.programs.c.created_at).where(t.programs.c.program_id == program_id)
    made: int = conn.execute(query).scalar_one()
    return made


def draw_secret(conn: Connection, kept: Kept, program_id: str) -> bytes:
    """The secret that keys a program's draws; it never changes, so it is kept."""
    secret = kept.secrets.get(program_id)
    if secret is None:
        query = select(t.programs.c.draw_secret).where(t.programs.c.program_id == program_id)
        secret = kept.secrets[program_id] = bytes(conn.execute(query).scalar_one())
    return secret


def program_ids(conn: Connection) -> list[str]:
    """Every program in this database, for a transaction of `wall.LISTING`; others may see their own alone."""
    return list(conn.execute(select(t.programs.c.program_id).order_by(t.programs.c.program_id)).scalars())


def revise(conn: Connection, program_id: str, things: Sequence[AnyNoun], now_ms: int) -> list[Revised]:
    """Stores what differs from its newest revision, and says which revision each thing has now.

    A thing may occur once. Members and groups without a tally get an empty one.
    """
    by_noun: dict[str, list[AnyNoun]] = {}
    for thing in things:
        by_noun.setdefault(noun_of(thing), []).append(thing)
    known = {
        (noun, name): found
        for noun, some in by_noun.items()
        for name, found in newest(conn, program_id, noun, [thing.id for thing in some]).items()
    }
    counted = catalogue_revision(conn, program_id)
    rows, out = [], []
    for thing in things:
        noun = noun_of(thing)
        before = known.get((noun, thing.id))
        if before is not None and before.thing == thing:
            out.append(before)
            continue
        revision = 1 if before is None else before.revision + 1
        counted += noun in CATALOGUED
        rows.append(
            {
                "program_id": program_id,
                "noun": noun,
                "id": thing.id,
                "revision": revision,
                "catalogue": counted if noun in CATALOGUED else None,
                "body": _encode(thing),
                "recorded_at": now_ms,
            }
        )
        out.append(Revised(thing, revision))
    insert(conn, t.revisions, rows)
    units = [row for row in rows if row["noun"] in ("member", "group")]
    insert_new(
        conn,
        t.tallies,
        [
            {
                "program_id": program_id,
                "unit_kind": row["noun"],
                "unit_id": row["id"],
                "tally": tally.encoded(tally.EMPTY),
            }
            for row in sorted(units, key=lambda row: (str(row["noun"]), str(row["id"])))
        ],
    )
    return out


class Seated(NamedTuple):
    """A membership as stored."""

    member: str
    starts_on: date
    group: str | None
    seat: int | None
    role: str


def memberships_on(conn: Connection, program_id: str, members: Sequence[str], day: date) -> dict[str, Seated]:
    """The membership each member has on a day; members without one are left out."""
    m, keys = t.memberships.c, keys_table(conn, members)
    last = (
        select(m.starts_on, m.revision)
        .where(m.program_id == program_id, m.member_id == keys.c.value, m.starts_on <= day)
        .order_by(m.starts_on.desc(), m.revision.desc())
        .limit(1)
        .correlate(keys)
        .scalar_subquery()
    )
    inner = t.memberships.alias("latest")
    on = and_(
        inner.c.program_id == program_id,
        inner.c.member_id == keys.c.value,
        tuple_(inner.c.starts_on, inner.c.revision) == last,
    )
    query = select(
        inner.c.member_id, inner.c.starts_on, inner.c.group_id, inner.c.seat, inner.c.role
    ).select_from(keys.outerjoin(inner, on))
    return {row.member_id: Seated(*row) for row in conn.execute(query) if row.member_id is not None}


@once
def _memberships_of(conn: Connection) -> Select[Any]:
    m = t.memberships.c
    return (
        select(m.member_id, m.starts_on, m.group_id, m.seat, m.role)
        .where(m.program_id == bindparam("program"), among(conn, m.member_id, bindparam("members")))
        .order_by(m.member_id, m.starts_on, m.revision)
    )


def memberships_of(conn: Connection, program_id: str, members: Sequence[str]) -> dict[str, list[Seated]]:
    """Every membership that holds for these members, in order of day; a superseded one does not."""
    rows = conn.execute(_memberships_of(conn), {"program": program_id, "members": members})
    newest_of_day = {(seated.member, seated.starts_on): seated for seated in map(Seated._make, rows)}
    out: dict[str, list[Seated]] = {name: [] for name in members}
    for seated in newest_of_day.values():
        out[seated.member].append(seated)
    return out


def left_on(conn: Connection, program_id: str, members: Sequence[str]) -> set[tuple[str, date]]:
    """(member, day) of each membership in no group that began because the member left."""
    m = t.memberships.c
    query = (
        select(m.member_id, m.starts_on, m.group_id, m.reason)
        .where(m.program_id == program_id, among(conn, m.member_id, members))
        .order_by(m.member_id, m.starts_on, m.revision)
    )
    newest = {(name, day): (group, reason) for name, day, group, reason in conn.execute(query)}
    return {key for key, told in newest.items() if told == (None, "left")}


def memberships_of_groups(conn: Connection, program_id: str, groups: Sequence[str]) -> list[Seated]:
    """Every membership these groups ever had, in order of group, seat and day."""
    m = t.memberships.c
    query = (
        select(m.member_id, m.starts_on, m.group_id, m.seat, m.role)
        .where(m.program_id == program_id, among(conn, m.group_id, groups))
        .order_by(m.group_id, m.seat, m.starts_on)
    )
    return [Seated(*row) for row in conn.execute(query)]


def seated_in(conn: Connection, program_id: str, groups: Sequence[str], day: date) -> Counter[str]:
    """How many members sit in each of these groups on a day."""
    ever = {row.member for row in memberships_of_groups(conn, program_id, groups)}
    now = memberships_on(conn, program_id, sorted(ever), day).values()
    return Counter(row.group for row in now if row.group is not None)


def members_of_group(conn: Connection, program_id: str, group: str, day: date) -> list[Seated]:
    """Who sits in a group on a day, by seat."""
    ever = {row.member for row in memberships_of_groups(conn, program_id, [group])}
    now = memberships_on(conn, program_id, sorted(ever), day).values()
    return sorted((row for row in now if row.group == group), key=lambda row: row.seat or 0)


def add_memberships(conn: Connection, program_id: str, rows: Sequence[Membership], now_ms: int) -> None:
    """Stores memberships in the order given; one of the same member and day supersedes the earlier."""
    m, keys = t.memberships.c, [row.member for row in rows]
    query = (
        select(m.member_id, m.starts_on, func.max(m.revision))
        .where(m.program_id == program_id, among(conn, m.member_id, keys))
        .group_by(m.member_id, m.starts_on)
    )
    revisions = Counter({(row[0], row[1]): row[2] for row in conn.execute(query)})
    values: list[Row] = []
    for row in rows:
        revisions[row.member, row.starts_on] += 1
        values.append(
            {
                "program_id": program_id,
                "member_id": row.member,
                "starts_on": row.starts_on,
                "revision": revisions[row.member, row.starts_on],
                "group_id": row.group,
                "seat": row.seat,
                "role": row.role,
                "reason": row.reason,
                "recorded_at": now_ms,
            }
        )
    insert(conn, t.memberships, values)
