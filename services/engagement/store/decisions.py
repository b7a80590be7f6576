"""Decisions, what became of them, and what they earned."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    select,
    tuple_,
    union,
)

from engagement.actions.action import NONE
from engagement.actions.availability import DAY_MS
from engagement.records import Evidence
from engagement.store import tables as t
from engagement.store.codec import evidence_bytes, evidence_of
from engagement.store.sql import Row as Values
from engagement.store.sql import among, insert, once
from engagement.store.units import UNIT_KINDS, Unit, UnitKind
from engagement.strategy.arms import Arm
from engagement.strategy.life import Status
from engagement.strategy.strategy import LONGEST_WINDOW_DAYS


class Decision(NamedTuple):
    """A decision with its whole evidence. Times in milliseconds; probability in units of 2⁻³²."""

    decision_id: str
    strategy_id: str
    unit_kind: UnitKind
    unit_id: str
    group_id: str
    decision_point: str
    action_id: str
    probability: int
    randomised: bool
    fallback: str | None
    arm: Arm
    phase: str
    language: str
    strategy_revision: int
    catalogue: int
    version: int
    decided_at: int
    expires_at: int
    closes_at: int
    evidence: Evidence

    @property
    def unit(self) -> Unit:
        """Whom it was made for."""
        return Unit(self.unit_kind, self.unit_id)

    @property
    def member(self) -> str | None:
        """The member it was made for; None for a group's own."""
        return self.unit_id if self.unit_kind == "member" else None


class Recent(NamedTuple):
    """A decision in short, with what became of it so far, in order."""

    decision_id: str
    strategy_id: str
    decision_point: str
    action_id: str
    decided_at: int
    expires_at: int
    answers: tuple[Status, ...]


class Answered(NamedTuple):
    """One step in a decision's life."""

    status: Status
    reason: str | None
    occurred_at: int
    recorded_at: int


class Planned(NamedTuple):
    """A decision of a plan in short. chosen : whether a visit was drawn    randomised : by chance"""

    unit_id: str
    period: str
    decided_at: int
    chosen: bool
    phase: str
    randomised: bool


class OutcomeRow(NamedTuple):
    """One revision of what a decision earned; a reward of None is silence."""

    decision_id: str
    revision: int
    reward: float | None
    source: str
    recorded_at: int


class Logged(NamedTuple):
    """A decision with the newest revision of what it earned.

    revision : None where nobody has looked yet      reward : None for silence, and without a revision
    """

    decision: Decision
    revision: int | None
    reward: float | None


_columns = [column for column in t.decisions.c if column.name != "program_id"]


def _decision(row: Row[Any]) -> Decision:
    return Decision._make([*row[:-1], evidence_of(row[-1])])


def _select(program_id: str | BindParameter[str]) -> Select[tuple[object, ...]]:
    return select(*_columns).where(t.decisions.c.program_id == program_id)


def insert_decisions(conn: Connection, program_id: str, rows: Sequence[Decision]) -> None:
    """Stores new decisions; a decision point already decided raises the database's own error."""
    insert(
        conn,
        t.decisions,
        [
            row._asdict() | {"program_id": program_id, "evidence": evidence_bytes(row.evidence)}
            for row in rows
        ],
    )


def by_id(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, Decision]:
    """Decisions by id; unknown ids are left out."""
    query = _select(program_id).where(among(conn, t.decisions.c.decision_id, ids))
    return {found.decision_id: found for found in map(_decision, conn.execute(query))}


@once
def _existing(conn: Connection) -> Select[tuple[object, ...]]:
    program: BindParameter[str] = bindparam("program")
    inner = t.decisions.alias("inner_decisions").c
    by_open_id = select(inner.decision_id).where(
        inner.program_id == program, among(conn, inner.decision_id, bindparam("open_ids"))
    )
    name = inner.strategy_id + " " + inner.unit_kind + " " + inner.unit_id + " " + inner.decision_point
    by_point = select(inner.decision_id).where(
        inner.program_id == program,
        inner.unit_kind.in_(UNIT_KINDS),
        among(conn, inner.unit_id, bindparam("units")),
        among(conn, name, bindparam("points")),
    )
    # a union, because `OR` keeps SQLite from using two indexes
    d = t.decisions.c
    return select(*_columns).where(d.program_id == program, d.decision_id.in_(union(by_open_id, by_point)))


def existing(
    conn: Connection, program_id: str, open_ids: Sequence[str], units: Sequence[str], points: Sequence[str]
) -> list[Decision]:
    """Decisions by id, and those of the units' decision points.

    points : "strategy kind unit point" each, in the order of the unique key
    """
    given = {"program": program_id, "open_ids": open_ids, "units": units, "points": points}
    return [_decision(row) for row in conn.execute(_existing(conn), given)]


@once
def _recent(conn: Connection) -> Select[Any]:
    d, a = t.decisions.c, t.answers.c
    return (
        select(
            d.unit_id,
            d.decision_id,
            d.strategy_id,
            d.decision_point,
            d.action_id,
            d.decided_at,
            d.expires_at,
            a.status,
        )
        .select_from(
            t.decisions.outerjoin(
                t.answers, and_(a.program_id == d.program_id, a.decision_id == d.decision_id)
            )
        )
        .where(
            d.program_id == bindparam("program"),
            d.unit_kind == bindparam("kind"),
            among(conn, d.unit_id, bindparam("units")),
            d.decided_at > bindparam("since"),
        )
        .order_by(d.unit_id, d.decided_at, d.decision_id, a.sequence)
    )


def recent(
    conn: Connection, program_id: str, units: Iterable[Unit], since_ms: int
) -> dict[Unit, list[Recent]]:
    """The units' decisions since a moment, oldest first, in one statement a kind of unit."""
    out: dict[Unit, list[Recent]] = defaultdict(list)
    units = set(units)
    for kind in UNIT_KINDS:
        names = sorted(unit.id for unit in units if unit.kind == kind)
        if names:
            _recent_of_kind(conn, program_id, kind, names, since_ms, out)
    return out


def _recent_of_kind(
    conn: Connection,
    program_id: str,
    kind: UnitKind,
    names: Sequence[str],
    since_ms: int,
    out: dict[Unit, list[Recent]],
) -> None:
    given = {"program": program_id, "kind": kind, "units": names, "since": since_ms}
    for name, *rest, status in conn.execute(_recent(conn), given).all():
        rows = out[Unit(kind, name)]
        if rows and rows[-1].decision_id == rest[0]:
            rows[-1] = rows[-1]._replace(answers=(*rows[-1].answers, status))
        else:
            rows.append(Recent._make([*rest, () if status is None else (status,)]))


@once
def _counted(conn: Connection) -> Select[Any]:
    d = t.decisions.c
    return (
        select(d.strategy_id, d.unit_kind, d.unit_id, func.count())
        .where(
            d.program_id == bindparam("program"),
            among(conn, d.strategy_id, bindparam("strategies")),
            d.unit_kind.in_(UNIT_KINDS),
            among(conn, d.unit_id, bindparam("units")),
        )
        .group_by(d.strategy_id, d.unit_kind, d.unit_id)
    )


def counted(
    conn: Connection, program_id: str, strategies: Sequence[str], units: Iterable[Unit]
) -> dict[tuple[str, Unit], int]:
    """How many decisions these strategies have made for the units; those without any are left out."""
    names = sorted({unit.id for unit in units})
    given = {"program": program_id, "strategies": strategies, "units": names}
    return {
        (strategy, Unit(kind, name)): number
        for strategy, kind, name, number in conn.execute(_counted(conn), given)
    }


def deciding(conn: Connection, program_id: str, strategies: Sequence[str]) -> set[str]:
    """Which of these strategies have ever decided."""
    d = t.decisions.c
    query = (
        select(d.strategy_id)
        .where(d.program_id == program_id, among(conn, d.strategy_id, strategies))
        .distinct()
    )
    return set(conn.execute(query.distinct()).scalars())


def planned(conn: Connection, program_id: str, strategy_id: str, since_ms: int) -> list[Planned]:
    """The decisions of a strategy that plans, by unit, the oldest first; those closed before are left out."""
    d = t.decisions.c
    query = (
        select(d.unit_id, d.decision_point, d.decided_at, d.action_id != NONE, d.phase, d.randomised)
        .where(d.program_id == program_id, d.strategy_id == strategy_id, d.closes_at >= since_ms)
        .order_by(d.unit_id, d.decided_at)
    )
    return [Planned(*row) for row in conn.execute(query)]


def standing(
    conn: Connection,
    program_id: str,
    *,
    actions: Sequence[str],
    statuses: Sequence[Status],
    groups: Sequence[str] | None = None,
    after: str,
    open_at_ms: int = 0,
    due_ms: int | None = None,
    behind: str | None = None,
    limit: int,
) -> list[tuple[Decision, Status]]:
    """Decisions for these actions that stand so, in order of id.

    groups : only in these, None for all      after : the id to begin behind
    open_at_ms : only what expires later      due_ms : only what expires before, None for all
    behind : instead in order of when they expire, beginning behind this one, "" for the first
    """
    d, a = t.decisions.c, t.answers.c
    order = (d.decision_id,) if behind is None else (d.expires_at, d.decision_id)
    newest = (
        select(a.status)
        .where(a.program_id == d.program_id, a.decision_id == d.decision_id)
        .order_by(a.sequence.desc())
        .limit(1)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    stands = func.coalesce(newest, "proposed")
    query = (
        select(*_columns, stands)
        .where(
            d.program_id == program_id,
            d.decision_id > after,
            d.expires_at > open_at_ms,
            among(conn, d.action_id, actions),
            among(conn, stands, statuses),
        )
        .order_by(*order)
        .limit(limit)
    )
    if groups is not None:
        query = query.where(among(conn, d.group_id, groups))
    if behind:
        past = t.decisions.alias("past").c
        last = select(past.expires_at, past.decision_id).where(
            past.program_id == program_id, past.decision_id == behind
        )
        query = query.where(tuple_(*order) > last.scalar_subquery())
    if due_ms is not None:
        query = query.where(d.expires_at < due_ms)
    return [(Decision._make([*row[:-2], evidence_of(row[-2])]), row[-1]) for row in conn.execute(query)]


def of_actions(
    conn: Connection, program_id: str, actions: Sequence[str], after: str, limit: int
) -> list[Decision]:
    """Decisions for these actions in order of id, the oldest first. after : the id to begin behind"""
    d = t.decisions.c
    query = (
        _select(program_id)
        .where(d.decision_id > after, among(conn, d.action_id, actions))
        .order_by(d.decision_id)
        .limit(limit)
    )
    return [_decision(row) for row in conn.execute(query)]


def answers(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, list[Answered]]:
    """What became of decisions, in order."""
    a = t.answers.c
    query = (
        select(a.decision_id, a.status, a.reason, a.occurred_at, a.recorded_at)
        .where(a.program_id == program_id, among(conn, a.decision_id, ids))
        .order_by(a.decision_id, a.sequence)
    )
    out: dict[str, list[Answered]] = defaultdict(list)
    for decision, *rest in conn.execute(query):
        out[decision].append(Answered(*rest))
    return out


def insert_answers(conn: Connection, program_id: str, rows: Sequence[tuple[str, int, Answered]]) -> None:
    """Stores steps as (decision, sequence from 1, step)."""
    insert(
        conn,
        t.answers,
        [
            {"program_id": program_id, "decision_id": decision, "sequence": sequence, **step._asdict()}
            for decision, sequence, step in rows
        ],
    )


def outcomes(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, list[OutcomeRow]]:
    """Every revision of what decisions earned, oldest first."""
    o = t.outcomes.c
    query = (
        select(o.decision_id, o.revision, o.reward, o.source, o.recorded_at)
        .where(o.program_id == program_id, among(conn, o.decision_id, ids))
        .order_by(o.decision_id, o.revision)
    )
    out: dict[str, list[OutcomeRow]] = defaultdict(list)
    for row in conn.execute(query):
        out[row.decision_id].append(OutcomeRow(*row))
    return out


def insert_outcomes(conn: Connection, program_id: str, rows: Sequence[tuple[str, OutcomeRow]]) -> None:
    """Stores revisions as (strategy, outcome)."""
    values: list[Values] = [
        {"program_id": program_id, "strategy_id": strategy, **row._asdict()} for strategy, row in rows
    ]
    insert(conn, t.outcomes, values)


def closed_without_outcome(
    conn: Connection, program_id: str, strategy_id: str, now_ms: int, limit: int
) -> list[Decision]:
    """Decisions whose window has passed and of which no outcome is stored yet, oldest first."""
    d, o = t.decisions.c, t.outcomes.c
    has_outcome = (
        select(o.revision).where(o.program_id == d.program_id, o.decision_id == d.decision_id).exists()
    )
    query = (
        _select(program_id)
        .where(d.strategy_id == strategy_id, d.closes_at <= now_ms, ~has_outcome)
        .order_by(d.closes_at, d.decision_id)
        .limit(limit)
    )
    return [_decision(row) for row in conn.execute(query)]


def watched(
    conn: Connection, program_id: str, strategy_id: str, *, since_revision: int, before_ms: int, limit: int
) -> list[tuple[Decision, float | None]]:
    """A shadow's decisions that a baseline made and that closed before a moment, each with its newest reward.

    since_revision : of the strategy, the first that counts      limit : so many, those that closed first
    """
    d, o = t.decisions.c, t.outcomes.c
    reward = (
        select(o.reward)
        .where(o.program_id == d.program_id, o.decision_id == d.decision_id)
        .order_by(o.revision.desc())
        .limit(1)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    query = (
        select(*_columns, reward)
        .where(
            d.program_id == program_id,
            d.strategy_id == strategy_id,
            d.closes_at < before_ms,
            d.strategy_revision >= since_revision,
            d.arm == "shadow",
            d.fallback.is_(None),
        )
        .order_by(d.closes_at, d.decision_id)
        .limit(limit)
    )
    return [(Decision._make([*row[:-2], evidence_of(row[-2])]), row[-1]) for row in conn.execute(query)]


def logged(conn: Connection, program_id: str, strategy_id: str, after: str, limit: int) -> list[Logged]:
    """A strategy's decisions in order of id, each with the newest revision of what it earned.

    after : the id to begin behind
    """
    d, o, later = t.decisions.c, t.outcomes.c, t.outcomes.alias("later").c
    newest = (
        select(func.max(later.revision))
        .where(later.program_id == d.program_id, later.decision_id == d.decision_id)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    told = and_(o.program_id == d.program_id, o.decision_id == d.decision_id, o.revision == newest)
    query = (
        select(*_columns, o.revision, o.reward)
        .select_from(t.decisions.outerjoin(t.outcomes, told))
        .where(d.program_id == program_id, d.strategy_id == strategy_id, d.decision_id > after)
        .order_by(d.decision_id)
        .limit(limit)
    )
    return [
        Logged(Decision._make([*row[:-3], evidence_of(row[-3])]), *row[-2:]) for row in conn.execute(query)
    ]


@once
def _matured_around(conn: Connection) -> Select[Any]:
    inner, o = t.decisions.alias("inner_decisions"), t.outcomes.c
    i = inner.c
    program: BindParameter[str] = bindparam("program")
    matured = select(i.decision_id).where(
        i.program_id == program,
        i.decided_at >= bindparam("oldest"),
        i.decided_at < bindparam("until"),
        i.closes_at >= bindparam("since"),
        select(o.revision).where(o.program_id == i.program_id, o.decision_id == i.decision_id).exists(),
    )
    about_members = matured.where(i.unit_kind == "member", among(conn, i.unit_id, bindparam("members")))
    about_groups = matured.where(among(conn, i.group_id, bindparam("groups")))
    # a union, because `OR` keeps SQLite from using two indexes
    wanted = union(about_members, about_groups)
    return _select(program).where(t.decisions.c.decision_id.in_(wanted))


def matured_around(
    conn: Connection,
    program_id: str,
    members: Sequence[str],
    groups: Sequence[str],
    from_ms: int,
    until_ms: int,
) -> list[Decision]:
    """Decisions about these members or groups that have an outcome and whose window meets a span of time."""
    asked = {
        "program": program_id,
        "members": members,
        "groups": groups,
        "oldest": from_ms - LONGEST_WINDOW_DAYS * DAY_MS,
        "since": from_ms,
        "until": until_ms,
    }
    return [_decision(row) for row in conn.execute(_matured_around(conn), asked)]


def range_of(conn: Connection, program_id: str, until_ms: int) -> tuple[int, int | None, int | None]:
    """How many decisions a program has made until then, and when the first and the last were."""
    d = t.decisions.c
    query = select(func.count(), func.min(d.decided_at), func.max(d.decided_at)).where(
        d.program_id == program_id, d.decided_at <= until_ms
    )
    number, first, last = conn.execute(query).one()
    return number, first, last


def count(conn: Connection, program_id: str) -> int:
    """How many decisions a program has."""
    query = select(func.count()).where(t.decisions.c.program_id == program_id)
    return conn.execute(query).scalar_one()


def all_ids(conn: Connection, program_id: str) -> list[str]:
    """Every decision of a program, oldest first."""
    d = t.decisions.c
    query = select(d.decision_id).where(d.program_id == program_id).order_by(d.decision_id)
    return list(conn.execute(query).scalars())
