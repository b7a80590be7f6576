"""CommCare: what its forms and cases say is heard, and what is due is told in its cases' properties."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import NONE, Carrier
from engagement.errors import Invalid, Mistake
from engagement.signals.signal import Audience
from engagement.store import decisions, setup
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.store.units import Unit, UnitKind
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status, status
from engagement.strategy.setup import Dialect
from engagement.workflows.commcare_mapping import (
    Around,
    CaseWrite,
    CommCare,
    Json,
    month_of,
    read_mapping,
    record_of,
)
from engagement.workflows.foreign_month import Telling, hear_with_months
from engagement.workflows.foreign_record import Heard
from engagement.workflows.ingest import milliseconds
from engagement.workflows.sight import Sight, sight_of
from engagement.workflows.tell import Recommendation, seen_by, told
from engagement.workflows.worklist import still_wanted

NAME = "commcare"
DUE_BACK_MS = 45 * 86_400_000
"""A unit for which something was decided lately is told of, and so is that it waits no more."""
MOST_CASES = 100
"""That CommCare changes in one request."""
Fate = Literal["stored", "corrected", "unchanged", "outdated", "ignored"]
PROPERTIES = (
    "decision", "action", "title", "text", "language", "carrier", "minutes", "due", "deliver_from", "status",
)  # fmt: skip
"""What is written into a case, each behind the mapping's prefix."""


class Payload(NamedTuple):
    """A form or a case as it was sent, by a key of this audience."""

    content: Json
    audience: Audience


class Taken(msgspec.Struct, frozen=True):
    """What became of a form or a case.

    status : `ignored` where the mapping has no rule for it, or it says nothing yet; `outdated` where a newer
    version was heard before      decision_status : where the decision stands that it answers
    wrong : seats of a meeting that could not be read; the rest is stored
    """

    record: str | None
    status: Fate
    decision_status: Status | None = None
    wrong: tuple[str, ...] = ()


class CasesWanted(NamedTuple):
    """Which cases, in order of our ids, behind `after`."""

    level: UnitKind
    after: str
    limit: int
    carrier: Carrier | None
    audience: Audience


class CaseUpdate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A change of one case as CommCare's Case Data API v2 takes it in bulk."""

    create: bool
    case_id: str | None = None
    external_id: str | None = None
    properties: dict[str, str]


class Cases(NamedTuple):
    """Changes of cases. following : the id to go on behind; None where these are the last"""

    updates: tuple[CaseUpdate, ...]
    following: str | None


def hear_commcare(
    conn: Connection, kept: Kept, program_id: str, payloads: Sequence[Payload], now_ms: int
) -> list[Taken | Mistake]:
    """Reads forms and cases by the program's mapping, and brings what is stored in line with them."""
    mapping = mapping_of(conn, program_id)
    revision = setup.catalogue_revision(conn, program_id)
    time_zone = setup.catalogue(conn, kept, program_id, revision).program.time_zone
    found = [_telling(mapping, payload, time_zone) for payload in payloads]
    tellings = [row for row in found if isinstance(row, Telling)]
    heard = iter(hear_with_months(conn, kept, program_id, tellings, now_ms))
    out: list[Taken | Mistake] = []
    for row in found:
        if isinstance(row, Telling):
            became = next(heard)
            out.append(became if isinstance(became, Mistake) else _taken(became))
        else:
            out.append(Taken(None, "ignored") if row is None else row)
    return out


def mapping_of(conn: Connection, program_id: str) -> CommCare | None:
    """The program's mapping, None before there is one."""
    found = setup.newest(conn, program_id, "dialect", [NAME]).get(NAME)
    return read_mapping(found.thing.content) if found and isinstance(found.thing, Dialect) else None


def _telling(mapping: CommCare | None, payload: Payload, time_zone: str) -> Telling | Mistake | None:
    if mapping is None:
        return Invalid("nobody has said yet what forms mean: PUT the mapping to /adapters/commcare/mapping")
    rule = mapping.rule_for(payload.content)
    if rule is None:
        return None
    around = Around(mapping.source, time_zone, payload.audience)
    try:
        record = record_of(rule, payload.content, around)
        return record and Telling(record, month_of(rule, payload.content, record, around))
    except Mistake as mistake:
        return mistake


def _taken(heard: Heard) -> Taken:
    fate: Fate = "unchanged"
    if heard.outdated:
        fate = "outdated"
    elif heard.corrected:
        fate = "corrected"
    elif heard.stored:
        fate = "stored"
    return Taken(heard.record, fate, heard.decision_status, heard.wrong)


def due_cases(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[CasesWanted], now_ms: int
) -> list[Cases | Mistake]:
    """What cases should say now: of units for which something was decided lately, what waits, or nothing."""
    mapping = mapping_of(conn, program_id)
    write = CaseWrite() if mapping is None else mapping.write
    return [_due(conn, kept, program_id, one, write, now_ms) for one in wanted]


def _due(
    conn: Connection, kept: Kept, program_id: str, wanted: CasesWanted, write: CaseWrite, now_ms: int
) -> Cases:
    page = setup.page(conn, program_id, wanted.level, wanted.after, wanted.limit + 1)
    names = [row.thing.id for row in page]
    following = names[wanted.limit - 1] if len(names) > wanted.limit else None
    names = names[: wanted.limit]
    open_now, levels = _lately(conn, program_id, wanted.level, names, now_ms)
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    rows = decisions.by_id(conn, program_id, sorted(open_now))
    pairs = [(rows[name], open_now[name]) for name in sorted(open_now)]
    sight = sight_of(conn, program_id, wanted.audience, (row.member for row in rows.values()))
    waiting: dict[tuple[str, str], tuple[Recommendation, Status]] = {}
    for decision, stands in still_wanted(conn, program_id, catalogue, pairs, now_ms):
        answer = _told(conn, kept, program_id, decision, sight)
        if wanted.carrier in (None, answer.action.carrier):
            level = catalogue.strategies[decision.strategy_id].level
            waiting.setdefault((decision.unit_id, level), (answer, stands))
    key = write.group if wanted.level == "group" else write.member
    updates = []
    for name in names:
        said: dict[str, str] = {}
        for level in sorted({catalogue.strategies[strategy].level for strategy in levels.get(name, ())}):
            prefix = write.prefix + ("adviser_" if level == "adviser" else "")
            said |= _properties(prefix, waiting.get((name, level)), catalogue.program.time_zone)
        if said:
            ids = {"case_id": name} if key == "case_id" else {"external_id": name}
            updates.append(CaseUpdate(create=False, properties=said, **ids))
    return Cases(tuple(updates), following)


def _lately(
    conn: Connection, program_id: str, level: UnitKind, names: Sequence[str], now_ms: int
) -> tuple[dict[str, Status], Mapping[str, set[str]]]:
    """Decisions that are open, with where they stand; and which strategies decided for whom lately."""
    found = decisions.recent(conn, program_id, {Unit(level, name) for name in names}, now_ms - DUE_BACK_MS)
    open_now: dict[str, Status] = {}
    strategies: dict[str, set[str]] = defaultdict(set)
    for unit, rows in found.items():
        for row in rows:
            strategies[unit.id].add(row.strategy_id)
            stands = status(row.answers, row.expires_at, now_ms)
            if row.action_id != NONE and stands in ("proposed", "accepted"):
                open_now[row.decision_id] = stands
    return open_now, strategies


def _told(conn: Connection, kept: Kept, program_id: str, decision: Decision, sight: Sight) -> Recommendation:
    stood = setup.catalogue(conn, kept, program_id, decision.catalogue)
    return seen_by(sight, told(decision, stood, simulated=False))


def _properties(prefix: str, waiting: tuple[Recommendation, Status] | None, time_zone: str) -> dict[str, str]:
    """The properties of a case: all texts, all empty where nothing waits."""
    if waiting is None:
        return {prefix + name: "" for name in PROPERTIES}
    answer, stands = waiting
    due = answer.expires_at
    values = (
        answer.decision_id,
        answer.action.id,
        answer.action.title,
        answer.action.text,
        answer.action.language,
        answer.action.carrier,
        answer.action.minutes,
        None if due is None else local_date(milliseconds(due) - 1, time_zone),
        None if answer.deliver_from is None else answer.deliver_from.isoformat(),
        stands,
    )
    return {
        prefix + name: "" if value is None else str(value)
        for name, value in zip(PROPERTIES, values, strict=True)
    }
