"""A person leaves: every row of theirs that can be counted, and then every row of it deleted.

All of it happens in one transaction that the caller opened, `leaving.unguarded`, under the locks that
`lock` takes in the order of all writers: the members' rows, their groups', then what only erasures lock.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, select, update

from engagement.errors import Fault
from engagement.store import beliefs, merges, seals, units
from engagement.store import tables as t
from engagement.store.erasures import Tombstone
from engagement.store.leaving import Part
from engagement.store.sql import among, for_update, insert_new
from engagement.strategy.week_plan import PlanEvidence, without

OWNER = "erasure"
TRIES = 20
OF_DECISIONS: tuple[Table, ...] = (t.fold_entries, t.outcomes, t.answers, t.reservations, t.visits)
"""Tables whose rows go with their decision; each before those it refers to."""
NEVER = (1 << 63) - 1
_plan_encoder = msgspec.msgpack.Encoder()
_plan_decoder = msgspec.msgpack.Decoder(PlanEvidence)


class Person(NamedTuple):
    """Somebody under all their ids. until_ms : only what was recorded up to then is meant"""

    program_id: str
    ids: tuple[str, ...]
    until_ms: int = NEVER


class Held(NamedTuple):
    """What there is of a person, under locks.

    decisions : their ids      plans : (strategy, period) of their decisions, those of plans among them
    groups : whose tallies count their signals      strategies : that decided for them
    learned : strategies, of these, whose belief has learned from them, or was about to
    """

    decisions: tuple[str, ...]
    plans: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    strategies: tuple[str, ...]
    learned: tuple[str, ...]


def ids_of(conn: Connection, program_id: str, member: str) -> tuple[str, ...]:
    """Every id of the person whom a member's id stands for: theirs, and all merged with it."""
    found = merges.merged(conn, program_id, [member])
    return tuple(sorted({member, *found, *(merge.into for merge in found.values())}))


def lock(conn: Connection, person: Person) -> Held:
    """Locks all that the person's rows hang on; from here on nobody adds another."""
    program_id, s = person.program_id, t.signals.c
    units.lock_tallies(conn, program_id, "member", person.ids)
    in_groups = select(s.group_id).distinct().where(_theirs(conn, person, t.signals), s.group_id.is_not(None))
    groups = sorted(conn.execute(in_groups).scalars())
    units.lock_tallies(conn, program_id, "group", groups)
    d = t.decisions.c
    query = select(d.decision_id, d.strategy_id, d.decision_point).where(_theirs(conn, person, t.decisions))
    rows = conn.execute(for_update(query.order_by(d.decision_id))).all()
    strategies = sorted({row.strategy_id for row in rows})
    for strategy in strategies:
        _claim(conn, program_id, strategy, partial(_newest_version, conn, program_id, strategy))
    _claim(conn, program_id, seals.SEALER, partial(_newest_seal, conn, program_id))
    decisions = tuple(row.decision_id for row in rows)
    e = t.fold_entries.c
    learned = (
        select(e.strategy_id)
        .distinct()
        .where(e.program_id == program_id, among(conn, e.decision_id, decisions))
    )
    return Held(
        decisions,
        tuple(sorted({(row.strategy_id, row.decision_point) for row in rows})),
        tuple(groups),
        tuple(strategies),
        tuple(sorted(conn.execute(learned).scalars())),
    )


def _newest_version(conn: Connection, program_id: str, strategy: str) -> int:
    return beliefs.pointers(conn, program_id, [strategy])[strategy]


def _newest_seal(conn: Connection, program_id: str) -> int:
    seal = seals.newest(conn, program_id)
    return 0 if seal is None else seal.number


def _claim(conn: Connection, program_id: str, strategy: str, newest: Callable[[], int]) -> None:
    """Locks the claim on the strategy's next version: a folder at work waits, and then has lost it.

    The same for the next seal and whoever is sealing. newest : gives the number of what is there already
    """
    c = t.claims.c
    for _ in range(TRIES):
        version = newest() + 1
        key = {"program_id": program_id, "strategy_id": strategy, "version": version}
        insert_new(conn, t.claims, [key | {"owner": OWNER, "expires_at": 0}])
        row = (c.program_id == program_id) & (c.strategy_id == strategy) & (c.version == version)
        held = conn.execute(for_update(select(c.owner).where(row))).first()
        if held is not None and newest() < version:
            return
    raise Fault("a belief was folded too often meanwhile; nothing was erased, try again")


def let_be(conn: Connection, person: Person) -> None:
    """Takes back the claims that `lock` made, where nothing is deleted after all."""
    c = t.claims.c
    conn.execute(delete(t.claims).where(c.program_id == person.program_id, c.owner == OWNER))


def counted(conn: Connection, person: Person) -> tuple[Part, ...]:
    """The person's rows in every table that has any."""
    d = t.decisions.c
    theirs = select(d.decision_id).where(_theirs(conn, person, t.decisions))
    found = []
    for table in (*OF_DECISIONS, *_WHOSE):
        of_them = (
            (table.c.program_id == person.program_id) & table.c.decision_id.in_(theirs)
            if table in OF_DECISIONS
            else _theirs(conn, person, table)
        )
        found.append(
            Part(
                table.name, conn.execute(select(func.count()).select_from(table).where(of_them)).scalar_one()
            )
        )
    names = list(conn.execute(theirs).scalars())
    found += [Part(table.name, len(_told_of(conn, person, names, table))) for table in _TOLD]
    return tuple(part for part in found if part.rows)


def forget(conn: Connection, person: Person, held: Held) -> tuple[Part, ...]:
    """Deletes the person's rows, and every node of a belief that had learned from them; what went of each.

    Of the tallies, those of ids that stand for nobody any more; the others are the caller's to make anew.
    What seals hold of them goes, too.
    """
    program_id = person.program_id
    gone: dict[str, int] = {}
    leaves: dict[Table, dict[bytes, bytes | None]] = {}

    def drop(table: Table, of_them: ColumnElement[bool]) -> None:
        if table in seals.SEALED:
            leaves[table] = dict.fromkeys(seals.leaves_where(conn, table, of_them))
        gone[table.name] = conn.execute(delete(table).where(of_them)).rowcount

    for table in _TOLD:
        rows = _told_of(conn, person, held.decisions, table)
        gone[table.name] = len(rows)
        for row in rows:
            conn.execute(delete(table).where(row))
    for table in OF_DECISIONS:
        drop(table, (table.c.program_id == program_id) & among(conn, table.c.decision_id, held.decisions))
    leaves[t.plans] = _leave_plans(conn, program_id, held)
    for table in _WHOSE:
        drop(table, _theirs(conn, person, table))
    gone[t.tallies.name] = _leave_tallies(conn, person)
    for table in (t.nodes, t.hyperparameters):
        drop(table, (table.c.program_id == program_id) & among(conn, table.c.strategy_id, held.learned))
    seals.take_out(conn, program_id, leaves)
    c = t.claims.c
    conn.execute(
        delete(t.claims).where(
            c.program_id == program_id, among(conn, c.strategy_id, (*held.strategies, seals.SEALER))
        )
    )
    return tuple(Part(name, rows) for name, rows in sorted(gone.items()) if rows)


def begin_anew(
    conn: Connection, person: Person, held: Held, tombstone: Tombstone, now_ms: int
) -> list[Tombstone]:
    """An empty version of each belief that had learned from them, and the tombstones that say why.

    tombstone : with what is the same in all of them
    """
    pointers = beliefs.pointers(conn, person.program_id, held.learned)
    rows = [
        tombstone._replace(strategy_id=strategy, version=pointers[strategy] + 1) for strategy in held.learned
    ]
    for row in rows:
        header = beliefs.Version(row.strategy_id, row.version, 0, 0, 0, now_ms)
        beliefs.publish(conn, person.program_id, header)
    return rows or [tombstone]


def last_group(conn: Connection, person: Person, on: date) -> str | None:
    """The group in which the person sat last, of those they had sat in by a day."""
    m = t.memberships.c
    query = (
        select(m.group_id)
        .where(_theirs(conn, person, t.memberships), m.group_id.is_not(None), m.starts_on <= on)
        .order_by(m.starts_on.desc(), m.revision.desc())
        .limit(1)
    )
    return conn.execute(query).scalar()


def everybody(conn: Connection, program_id: str) -> Iterator[str]:
    """Every id that a member has or had, or for which anything was ever decided or merged."""
    r, d, m = t.revisions.c, t.decisions.c, t.merges.c
    members = select(r.id).where(r.program_id == program_id, r.noun == "member")
    decided = select(d.unit_id).where(d.program_id == program_id, d.unit_kind == "member")
    merged = select(m.member_id).where(m.program_id == program_id)
    yield from conn.execute(members.union(decided, merged)).scalars()


def _theirs(conn: Connection, person: Person, table: Table) -> ColumnElement[bool]:
    of_them: ColumnElement[bool] = _WHOSE[table](conn, person)
    return of_them & (table.c.program_id == person.program_id)


def _named(column: ColumnElement[Any], since: ColumnElement[Any], *more: ColumnElement[bool]) -> Any:
    """Rows whose column holds an id of the person, by when they were recorded."""

    def of_them(conn: Connection, person: Person) -> ColumnElement[bool]:
        found = among(conn, column, person.ids) & (since <= person.until_ms)
        for condition in more:
            found = found & condition
        return found

    return of_them


def _merged(conn: Connection, person: Person) -> ColumnElement[bool]:
    m = t.merges.c
    both = among(conn, m.member_id, person.ids) | among(conn, m.into_id, person.ids)
    return both & (m.recorded_at <= person.until_ms)


_WHOSE: dict[Table, Any] = {
    t.decisions: _named(t.decisions.c.unit_id, t.decisions.c.decided_at, t.decisions.c.unit_kind == "member"),
    t.signals: _named(t.signals.c.unit_id, t.signals.c.recorded_at, t.signals.c.unit_kind == "member"),
    t.memberships: _named(t.memberships.c.member_id, t.memberships.c.recorded_at),
    t.merges: _merged,
    t.links: _named(t.links.c.unit_id, t.links.c.recorded_at, t.links.c.unit_kind == "member"),
    t.revisions: _named(t.revisions.c.id, t.revisions.c.recorded_at, t.revisions.c.noun == "member"),
    t.page_links: _named(
        t.page_links.c.subject, t.page_links.c.created_at, t.page_links.c.opens == "worklist"
    ),
}
"""Tables with rows of a person's own, and which those are."""


_TOLD: Mapping[Table, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        t.kept_answers: ("answered_at", ("name", "body")),
        t.evaluations: ("asked_at", ("evaluation_id", "question", "answer")),
        t.reports: ("asked_at", ("report_id", "wanted", "answer", "page")),
    }
)
"""Tables of what was told once, by when, and the columns in which somebody may be named."""


def _told_of(
    conn: Connection, person: Person, decisions: Sequence[str], table: Table
) -> list[ColumnElement[bool]]:
    """Where the rows are that name the person, or a decision made for them."""
    since, columns = _TOLD[table]
    words = b"|".join(re.escape(word.encode()) for word in (*person.ids, *decisions))
    naming = re.compile(rb"(?<![\w.-])(?:" + words + rb")(?![\w.-])")
    keys = tuple(table.primary_key)
    query = select(*keys, *(table.c[name] for name in columns)).where(
        table.c.program_id == person.program_id, table.c[since] <= person.until_ms
    )
    found = []
    for row in conn.execute(query):
        cells = [cell.encode() if isinstance(cell, str) else bytes(cell or b"") for cell in row[len(keys) :]]
        if any(map(naming.search, cells)):
            found.append(and_(*(key == value for key, value in zip(keys, row, strict=False))))
    return found


def _leave_plans(conn: Connection, program_id: str, held: Held) -> dict[bytes, bytes | None]:
    """Takes the person out of the evidence of plans; the leaf of each such plan before, and after."""
    swapped: dict[bytes, bytes | None] = {}
    p, decisions = t.plans.c, frozenset(held.decisions)
    for strategy, period in held.plans:
        here = (p.program_id == program_id) & (p.strategy_id == strategy) & (p.period == period)
        for plan_id, stored in conn.execute(select(p.plan_id, p.evidence).where(here)).all():
            evidence = _plan_decoder.decode(stored)
            left = without(evidence, decisions)
            if left != evidence:
                this = (p.program_id == program_id) & (p.plan_id == plan_id)
                before = seals.leaves_where(conn, t.plans, this)
                conn.execute(update(t.plans).where(this).values(evidence=_plan_encoder.encode(left)))
                swapped |= zip(before, seals.leaves_where(conn, t.plans, this), strict=True)
    return swapped


def _leave_tallies(conn: Connection, person: Person) -> int:
    """Deletes the tallies of ids that no revision stands for."""
    a, r = t.tallies.c, t.revisions.c
    stands = select(r.id).where(r.program_id == person.program_id, r.noun == "member", r.id == a.unit_id)
    mine = (
        (a.program_id == person.program_id) & (a.unit_kind == "member") & among(conn, a.unit_id, person.ids)
    )
    return conn.execute(delete(t.tallies).where(mine, ~stands.exists())).rowcount
