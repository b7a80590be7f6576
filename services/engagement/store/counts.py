"""Counts over the ledger of one program, each over a bounded span of time, for whoever watches it."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, select

from engagement.actions.action import NONE
from engagement.records import Evidence
from engagement.store import tables as t
from engagement.store.codec import evidence_of
from engagement.store.identifiers import first_uuid7
from engagement.strategy.arms import Arm
from engagement.strategy.life import Status
from engagement.strategy.purse import Resource


class DecidedCount(NamedTuple):
    """How many decisions of a strategy are alike in phase, arm, fallback and action."""

    strategy_id: str
    phase: str
    arm: Arm
    fallback: str | None
    action_id: str
    number: int


class DrawnByChance(NamedTuple):
    """A decision that chance had a part in, with what it was drawn from."""

    strategy_id: str
    group_id: str
    unit_kind: str
    unit_id: str
    action_id: str
    arm: Arm
    catalogue: int
    evidence: Evidence


class OfferedCount(NamedTuple):
    """How many suggestions are alike in action, moment and what became of them; None where nobody said."""

    action_id: str
    decided_at: int
    expires_at: int
    said: Status | None
    number: int


class OutcomeCount(NamedTuple):
    """Decisions of a strategy by what is known of them.

    pending : their window is open      due : it has closed, and nobody has looked at what they earned yet
    missing : looked at, and nothing was heard      known : a reward is stored
    """

    pending: int = 0
    due: int = 0
    missing: int = 0
    known: int = 0


class Unfolded(NamedTuple):
    """Closed decisions from which nothing has been learned yet. oldest_ms : when the first of them closed"""

    number: int
    oldest_ms: int


def _since(program_id: str, since_ms: int) -> Any:
    """Decisions from a moment on. Their ids follow time, and the key begins with them."""
    d = t.decisions.c
    return and_(d.program_id == program_id, d.decision_id > first_uuid7(since_ms), d.decided_at >= since_ms)


def decided(conn: Connection, program_id: str, since_ms: int) -> list[DecidedCount]:
    """The decisions made since a moment."""
    d = t.decisions.c
    alike = (d.strategy_id, d.phase, d.arm, d.fallback, d.action_id)
    query = select(*alike, func.count()).where(_since(program_id, since_ms)).group_by(*alike)
    return [DecidedCount(*row) for row in conn.execute(query)]


def drawn_by_chance(conn: Connection, program_id: str, since_ms: int, limit: int) -> list[DrawnByChance]:
    """The newest decisions since a moment in which chance had a part, the newest first."""
    d = t.decisions.c
    query = (
        select(
            d.strategy_id,
            d.group_id,
            d.unit_kind,
            d.unit_id,
            d.action_id,
            d.arm,
            d.catalogue,
            d.evidence,
        )
        .where(_since(program_id, since_ms), d.randomised)
        .order_by(d.decision_id.desc())
        .limit(limit)
    )
    return [DrawnByChance(*row[:-1], evidence_of(row[-1])) for row in conn.execute(query)]


def ids_since(conn: Connection, program_id: str, since_ms: int, limit: int) -> list[str]:
    """The ids of the newest decisions since a moment, the newest first."""
    d = t.decisions.c
    query = (
        select(d.decision_id).where(_since(program_id, since_ms)).order_by(d.decision_id.desc()).limit(limit)
    )
    return list(conn.execute(query).scalars())


def offered(conn: Connection, program_id: str, since_ms: int) -> list[OfferedCount]:
    """What was suggested to members since a moment, with the last that was said of it."""
    d, a, later = t.decisions.c, t.answers.c, t.answers.alias("later").c
    newest = (
        select(func.max(later.sequence))
        .where(later.program_id == d.program_id, later.decision_id == d.decision_id)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    said = and_(a.program_id == d.program_id, a.decision_id == d.decision_id, a.sequence == newest)
    alike = (d.action_id, d.decided_at, d.expires_at, a.status)
    query = (
        select(*alike, func.count())
        .select_from(t.decisions.outerjoin(t.answers, said))
        .where(_since(program_id, since_ms), d.unit_kind == "member", d.action_id != NONE)
        .group_by(*alike)
    )
    return [OfferedCount(*row) for row in conn.execute(query)]


def outcomes(conn: Connection, program_id: str, strategy: str, since_ms: int, now_ms: int) -> OutcomeCount:
    """A strategy's decisions whose window closed since a moment or is still open."""
    d, o, later = t.decisions.c, t.outcomes.c, t.outcomes.alias("later").c
    newest = (
        select(func.max(later.revision))
        .where(later.program_id == d.program_id, later.decision_id == d.decision_id)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    told = and_(o.program_id == d.program_id, o.decision_id == d.decision_id, o.revision == newest)
    # an outcome may be posted while the window is open, and is learned when it has closed
    state = case(
        (o.reward.is_not(None), "known"),
        (d.closes_at > now_ms, "pending"),
        (o.revision.is_(None), "due"),
        else_="missing",
    )
    query: Select[Any] = (
        select(state, func.count())
        .select_from(t.decisions.outerjoin(t.outcomes, told))
        .where(d.program_id == program_id, d.strategy_id == strategy, d.closes_at > since_ms)
        .group_by(state)
    )
    return OutcomeCount(**{row[0]: row[1] for row in conn.execute(query)})


def unfolded(conn: Connection, program_id: str, strategy: str, since_ms: int, now_ms: int) -> Unfolded:
    """A strategy's decisions that closed since a moment and no fold entry names; control groups aside."""
    d, e = t.decisions.c, t.fold_entries.c
    learned = (
        # of the key's own columns: asked for another, SQLite reads every entry of the program instead
        select(e.outcome_revision)
        .where(e.program_id == d.program_id, e.decision_id == d.decision_id)
        .exists()
    )
    query = select(func.count(), func.min(d.closes_at)).where(
        d.program_id == program_id,
        d.strategy_id == strategy,
        d.closes_at > since_ms,
        d.closes_at <= now_ms,
        d.arm != "control",
        ~learned,
    )
    number, oldest_ms = conn.execute(query).one()
    return Unfolded(number, now_ms if oldest_ms is None else oldest_ms)


def published(conn: Connection, program_id: str, strategy: str, until_ms: int) -> tuple[int, int | None]:
    """A strategy's newest version until a moment, and when it was published; (0, None) for none."""
    v = t.versions.c
    query = (
        select(v.version, v.published_at)
        .where(v.program_id == program_id, v.strategy_id == strategy, v.published_at <= until_ms)
        .order_by(v.version.desc())
        .limit(1)
    )
    row = conn.execute(query).first()
    return (0, None) if row is None else (row.version, row.published_at)


def taken(conn: Connection, program_id: str, periods: set[str]) -> dict[Resource, int]:
    """What is reserved or spent of every resource in these periods."""
    c = t.counters.c
    query = select(c.resource_id, c.period, c.taken).where(
        c.program_id == program_id, c.period.in_(sorted(periods))
    )
    return {Resource(name, period): amount for name, period, amount in conn.execute(query)}
