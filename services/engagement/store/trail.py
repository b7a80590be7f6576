"""When anything of a program was changed, and what: moments across the tables that people write to.

Everything that was recorded in one transaction has one moment, so a moment is never torn between two pages.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    TextClause,
    and_,
    case,
    func,
    literal,
    select,
    union,
)

from engagement.store import tables as t
from engagement.store.acts import By, Did
from engagement.store.setup import AnyNoun, decoded
from engagement.store.sql import among

OF_MANY = ("member", "group")
"""Nouns that come by the hundred: they are counted, the others are told one by one."""
CHANGED_VISITS = ("swapped", "reassigned")


class Span(NamedTuple):
    """A span of time in milliseconds: from its first moment, included, to its last, excluded."""

    from_ms: int
    before_ms: int


class Revision(NamedTuple):
    """A revision of the set-up. before : what it changed, None for a new thing

    act_id : of the act it was stored under, None where none is kept; here and below
    """

    at: int
    act_id: str | None
    noun: str
    id: str
    revision: int
    thing: AnyNoun
    before: AnyNoun | None


class Count(NamedTuple):
    """So many of something of one act. what, how : as the table tells them apart"""

    at: int
    act_id: str | None
    what: str
    how: str
    many: int


class KeyStep(NamedTuple):
    """A key was made or revoked."""

    at: int
    act_id: str | None
    step: str
    key_id: str
    scopes: str
    audience: str


class Deed(NamedTuple):
    """What no row tells but the act itself."""

    at: int
    act_id: str
    did: Did


def moments(conn: Connection, program_id: str, before_ms: int, limit: int) -> list[int]:
    """The newest moments before another at which anything was changed, the newest first."""
    columns: list[tuple[Column[Any], ColumnElement[bool] | TextClause | None]] = [
        (t.revisions.c.recorded_at, None),
        (t.memberships.c.recorded_at, None),
        (t.links.c.recorded_at, None),
        (t.merges.c.recorded_at, None),
        (t.promotions.c.recorded_at, None),
        (t.plans.c.made_at, None),
        (t.visits.c.recorded_at, t.visits.c.why.in_(CHANGED_VISITS)),
        (t.signals.c.recorded_at, t.FROM_REGISTER),
        (t.api_keys.c.created_at, None),
        (t.api_keys.c.revoked_at, None),
        (t.acts.c.recorded_at, t.acts.c.did.is_not(None)),
    ]
    parts = []
    for column, also in columns:
        query = select(column.label("at")).where(column.table.c.program_id == program_id, column < before_ms)
        query = (query if also is None else query.where(also)).distinct()
        newest = query.order_by(column.desc()).limit(limit).subquery()
        parts.append(select(newest.c.at))
    every = union(*parts).subquery()
    return list(conn.execute(select(every.c.at).order_by(every.c.at.desc()).limit(limit)).scalars())


def _within(column: ColumnElement[Any], span: Span) -> ColumnElement[bool]:
    return and_(column >= span.from_ms, column < span.before_ms)


def revisions(conn: Connection, program_id: str, span: Span) -> list[Revision]:
    """Every revision of a span, each beside the one before; nouns that come by the hundred are left out."""
    r, b = t.revisions.c, t.revisions.alias("before")
    query = (
        select(r.recorded_at, r.act_id, r.noun, r.id, r.revision, r.body, b.c.body)
        .select_from(
            t.revisions.outerjoin(
                b,
                and_(
                    b.c.program_id == r.program_id,
                    b.c.noun == r.noun,
                    b.c.id == r.id,
                    b.c.revision == r.revision - 1,
                ),
            )
        )
        .where(r.program_id == program_id, _within(r.recorded_at, span), r.noun.not_in(OF_MANY))
        .order_by(r.recorded_at, r.catalogue, r.noun, r.id, r.revision)
    )
    return [
        Revision(*row[:-2], decoded(row.noun, row.body), row[-1] and decoded(row.noun, row[-1]))
        for row in conn.execute(query)
    ]


def counts(conn: Connection, program_id: str, span: Span) -> list[Count]:
    """What comes by the hundred, counted by act: people and groups, seats, links, registers, visits."""
    r, m, k, g, s, v, p = (
        table.c for table in (t.revisions, t.memberships, t.links, t.merges, t.signals, t.visits, t.plans)
    )
    how = case((r.revision == 1, "new"), else_="changed")
    parts: list[Select[Any]] = [
        _counted(r.recorded_at, r.noun, how, r.program_id == program_id, span).where(r.noun.in_(OF_MANY)),
        _counted(m.recorded_at, literal("membership"), m.reason, m.program_id == program_id, span),
        _counted(k.recorded_at, literal("link"), k.relation, k.program_id == program_id, span),
        _counted(g.recorded_at, literal("merge"), literal(""), g.program_id == program_id, span),
        _counted(s.recorded_at, literal("register"), literal(""), s.program_id == program_id, span).where(
            t.FROM_REGISTER
        ),
        _counted(v.recorded_at, literal("visits"), v.why, v.program_id == program_id, span).where(
            v.why.in_(CHANGED_VISITS)
        ),
        _counted(p.made_at, literal("plan"), p.period, p.program_id == program_id, span),
    ]
    return [Count(*row) for part in parts for row in conn.execute(part)]


def _counted(
    at: Column[Any],
    what: ColumnElement[Any],
    how: ColumnElement[Any],
    here: ColumnElement[bool],
    span: Span,
) -> Select[Any]:
    what, how = what.label("what"), how.label("how")
    return (
        select(at.label("at"), at.table.c.act_id.label("act"), what, how, func.count())
        .where(here, _within(at, span))
        .group_by("at", "act", "what", "how")
        .order_by("at", "act", "what", "how")
    )


def promoted(conn: Connection, program_id: str, span: Span) -> set[tuple[str, int]]:
    """(strategy, its revision) of each promotion of a span."""
    p = t.promotions.c
    query = select(p.strategy_id, p.revision).where(p.program_id == program_id, _within(p.recorded_at, span))
    return {(name, revision) for name, revision in conn.execute(query)}


def key_steps(conn: Connection, program_id: str, span: Span) -> list[KeyStep]:
    """Keys that were made or revoked in a span."""
    k = t.api_keys.c
    told = [k.key_id, k.scopes, k.audience]
    out: list[KeyStep] = []
    steps = ((k.created_at, k.act_id, "made"), (k.revoked_at, k.revoked_act_id, "revoked"))
    for column, act_id, step in steps:
        query = (
            select(column, act_id, literal(step), *told)
            .where(k.program_id == program_id, _within(column, span))
            .order_by(column, k.key_id)
        )
        out += [KeyStep(*row) for row in conn.execute(query)]
    return out


def deeds(conn: Connection, program_id: str, span: Span) -> list[Deed]:
    """What acts of a span tell by themselves."""
    a = t.acts.c
    query = (
        select(a.recorded_at, a.act_id, a.did)
        .where(a.program_id == program_id, _within(a.recorded_at, span), a.did.is_not(None))
        .order_by(a.recorded_at, a.act_id)
    )
    return [Deed(*row) for row in conn.execute(query)]


def who(conn: Connection, program_id: str, acts: Collection[str]) -> dict[str, By]:
    """Who did these acts."""
    a = t.acts.c
    query = select(a.act_id, a.way, a.key_id, a.operation)
    found = conn.execute(query.where(a.program_id == program_id, among(conn, a.act_id, sorted(acts))))
    return {act_id: By(*by) for act_id, *by in found}
