"""What CommCare's forms and cases mean: a mapping from their paths to signals, meetings and answers.

CommCare forwards whole forms and whole cases as JSON (its documentation, "Enabling Data Integration"); what
stands where in them is the program's own doing. A mapping says it with paths in JMESPath. Pure: a payload
and a mapping in, a record out.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache, partial
from typing import Annotated, Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import jmespath  # type: ignore[import-untyped]  # comes without types
import msgspec
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]  # comes without types

from engagement.actions.action import Id
from engagement.errors import Invalid
from engagement.signals.catalogue import BY_KIND, admitted
from engagement.signals.meetings import MEETING_HELD
from engagement.signals.signal import Audience, Level, Reporter
from engagement.store.units import Unit
from engagement.strategy.life import Answer, ReasonCode
from engagement.workflows.answer import DecisionId, Reply
from engagement.workflows.foreign_month import MARK, MonthSaid
from engagement.workflows.foreign_record import Answered, Record, Said
from engagement.workflows.foreign_values import meant, moment_of, value_of, words_of
from engagement.workflows.ingest import milliseconds
from engagement.workflows.mistakes import UNREAD, unread

Json = dict[str, Any]
MOST_RULES = 100
FORM_TIME = "metadata.timeEnd || form.meta.timeEnd || received_on"
CASE_ID = "case_id"
CHANGED = ("server_modified_on", "server_date_modified", "edited_on", "received_on")
"""Where a payload says when it was changed last, the surest first."""
T = TypeVar("T")


@lru_cache(maxsize=4096)
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


class Path(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where something stands in a payload, and what the words found there mean.

    path : in JMESPath; names with `@` or `#` in double quotes      values : the app's words → ours
    chain : where the id of the one goal or case stands that the report is about
    """

    path: str
    values: dict[str, str] = msgspec.field(default_factory=dict)
    chain: str | None = None

    def __post_init__(self) -> None:
        """Refuses what is no JMESPath."""
        for path in filter(None, (self.path, self.chain)):
            try:
                _compiled(path)
            except JMESPathError as flaw:
                raise ValueError(f"`{path}` is no JMESPath: {' '.join(str(flaw).split())}") from flaw


def found(path: str, payload: Json) -> object:
    """What stands at a path. Raises Invalid where the path does what cannot be done with what is there."""
    try:
        return _compiled(path).search(payload)
    except JMESPathError as flaw:
        raise Invalid(f"`{path}`: {' '.join(str(flaw).split())[:200]}") from flaw


Place = str | Path
"""A path alone, or with what its words mean."""


def path_of(place: Place) -> Path:
    """A place as the path that it is."""
    return Path(place) if isinstance(place, str) else place


class AnswerPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a form says what became of a decision.

    decision : the id that was written into the case      status, reason : in our words, or with `values`
    """

    decision: Place
    status: Place
    reason: Place | None = None


class MonthPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a form about a meeting says whether it was held and which seats came, met or missed their goal.

    Seats are numbers with blanks between them, as a question with several answers gives them.
    """

    held: Place
    came: Place | None = None
    met: Place | None = None
    missed: Place | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one kind of form, or one type of case, means.

    form : the form's `xmlns`      case : the case's type      member, group : where its id stands
    at : when it was; of a form its end when absent, of a case what tells one visit from the next
    reported_by : who can know it      month : a group's meeting, by seat
    """

    form: str | None = None
    case: str | None = None
    member: Place | None = None
    group: Place | None = None
    at: Place | None = None
    reported_by: Reporter = "health_worker"
    signals: dict[str, Place] = msgspec.field(default_factory=dict)
    answer: AnswerPaths | None = None
    month: MonthPaths | None = None

    def __post_init__(self) -> None:
        """Refuses a rule that could never say anything, and signals that nobody there could know."""
        if (self.form is None) == (self.case is None):
            raise ValueError("a rule is for a `form` by its xmlns, or for a `case` by its type: give one")
        if (self.signals or self.month) and (self.member is None) == (self.group is None):
            raise ValueError("signals are about one member or one group: give `member` or `group`")
        if not self.signals and self.answer is None and self.month is None:
            raise ValueError("a rule needs `signals`, a `month` or an `answer`, else it says nothing")
        if self.month is not None and (self.form is None or self.group is None):
            raise ValueError("a `month` is told by a `form` about a `group`")
        if self.case is not None and self.signals and self.at is None:
            raise ValueError("a case needs `at`, such as the date of its last visit: each is reported once")
        level: Level = "group" if self.member is None else "member"
        for kind, place in self.signals.items():
            signal = BY_KIND.get(kind)
            chained = isinstance(place, Path) and place.chain is not None
            try:
                admitted(kind, level, signal.low if signal else 0, self.reported_by, chained=chained)
            except Invalid as flaw:
                raise ValueError(str(flaw)) from flaw
        for some in (self.member, self.group, self.at, *self.signals.values(), *_of(self)):
            if some is not None:
                path_of(some)


def _of(rule: Rule) -> Iterator[Place | None]:
    """The places of a rule's answer and month."""
    for some in (rule.answer, rule.month):
        yield from () if some is None else msgspec.structs.astuple(some)


class CaseWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How what is due is written back into cases.

    member, group : which id of a case is our id of a member, of a group; prefix : of the properties' names
    """

    member: Annotated[str, msgspec.Meta(pattern="^(case_id|external_id)$")] = CASE_ID
    group: Annotated[str, msgspec.Meta(pattern="^(case_id|external_id)$")] = CASE_ID
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,23}(?!\n)$")] = "engagement_"


class CommCare(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One CommCare project: its rules, and how it is written back to. source : of all its reports"""

    source: Id = "commcare"
    rules: Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1, max_length=MOST_RULES)]
    write: CaseWrite = CaseWrite()

    def __post_init__(self) -> None:
        """Refuses two rules for the same."""
        names = [(rule.form, rule.case) for rule in self.rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"there are two rules for `{twice[0] or twice[1]}`")

    def rule_for(self, payload: Json) -> Rule | None:
        """The rule for a payload; None where nobody has said what it means."""
        name = _kind(payload)
        return next((rule for rule in self.rules if name == (rule.form, rule.case)), None)


@lru_cache(maxsize=64)
def read_mapping(content: str) -> CommCare:
    """A mapping from TOML. Raises Invalid, which names the line or the path in the file."""
    try:
        return msgspec.toml.decode(content, type=CommCare)
    except UNREAD as flaw:
        raise Invalid(f"the mapping: {unread(flaw)}".replace("`$.", "`").replace("`$[", "`[")) from flaw


def _kind(payload: Json) -> tuple[str | None, str | None]:
    """(xmlns of a form, type of a case): one of the two, or neither."""
    form, properties = payload.get("form"), payload.get("properties")
    if isinstance(form, dict):
        said = form.get("@xmlns")
        return (said, None) if isinstance(said, str) else (None, None)
    if isinstance(properties, dict):
        said = properties.get("case_type", payload.get("case_type"))
        return (None, said) if isinstance(said, str) else (None, None)
    return None, None


class Around(NamedTuple):
    """What a record is read with: the source of its reports, the program's clock, the sender's audience."""

    source: str
    time_zone: str
    audience: Audience


def record_of(rule: Rule, payload: Json, around: Around) -> Record | None:
    """A form or a case as the record that it is, as it stands now; None of a case that says nothing yet.

    raises Invalid that names the path of what cannot be used
    """
    when = path_of(rule.at or FORM_TIME)
    if rule.form is None and words_of(_found(when, payload)) is None:
        return None
    at = _read(when, payload, lambda raw: moment_of(raw, around.time_zone))
    archived = payload.get("archived") is True
    return Record(
        source=around.source,
        id=_name(rule, payload, at),
        version=_version(payload),
        unit=_unit(rule, payload),
        at=at,
        reported_by=rule.reported_by,
        kinds=(*sorted(rule.signals), *((MARK,) if rule.month is not None else ())),
        said=() if archived else tuple(_said(rule, payload)),
        answered=None if archived or rule.answer is None else _answered(rule.answer, payload, around),
        audience=around.audience,
    )


def month_of(rule: Rule, payload: Json, record: Record, around: Around) -> MonthSaid | None:
    """The month that a form tells; None where it tells none, or was archived."""
    paths = rule.month
    if paths is None or record.unit is None or payload.get("archived") is True:
        return None
    held = _read(path_of(paths.held), payload, partial(_value, MEETING_HELD.kind, path_of(paths.held)))
    if held is None:
        return None
    came, met, missed = (
        None if place is None else _word(place, payload) for place in (paths.came, paths.met, paths.missed)
    )
    day = record.at.astimezone(ZoneInfo(around.time_zone)).date()
    return MonthSaid(record.unit.id, day, held == 1, came, met, missed, rule.reported_by)


def _found(place: Path, payload: Json) -> object:
    return found(place.path, payload)


def _read(place: Path, payload: Json, reading: Callable[[object], T]) -> T:
    """What is read of a place; what is wrong with it is said with its path before it."""
    raw = _found(place, payload)
    try:
        return reading(raw)
    except Invalid as flaw:
        raise Invalid(f"`{place.path}`: {flaw}") from None


def _word(place: Place, payload: Json) -> str | None:
    """A word at a place, in our words."""
    path = path_of(place)
    return _read(path, payload, lambda raw: meant(raw, path.values))


def _unit(rule: Rule, payload: Json) -> Unit | None:
    place = rule.member or rule.group
    if place is None:
        return None
    name = _word(place, payload)
    try:
        return Unit("member" if rule.member is not None else "group", msgspec.convert(name, Id))
    except msgspec.ValidationError:
        flaw = "is empty" if name is None else "is no id"
        raise Invalid(f"`{path_of(place).path}`: {flaw}; it must say whom the record is about") from None


def _name(rule: Rule, payload: Json, at: datetime) -> str:
    """A form has an id of its own; a case is told once for each time at which it says something."""
    field = "id" if rule.form is not None else CASE_ID
    try:
        own: str = msgspec.convert(payload.get(field), Id)
        return own if rule.form is not None else msgspec.convert(f"{own}.{at:%Y%m%dT%H%M}", Id)
    except msgspec.ValidationError:
        raise Invalid(f"`{field}`: is missing or no id") from None


def _version(payload: Json) -> int | None:
    """Milliseconds of the last change, which orders what was sent of one record."""
    field = next((name for name in CHANGED if words_of(payload.get(name)) is not None), None)
    if field is None:
        return None
    return milliseconds(_read(Path(field), payload, lambda raw: moment_of(raw, "UTC")))


def _said(rule: Rule, payload: Json) -> Iterator[Said]:
    for kind, place in rule.signals.items():
        path = path_of(place)
        try:
            value = _read(path, payload, partial(_value, kind, path))
            chain = None if path.chain is None else _read(Path(path.chain), payload, _id)
        except Invalid as flaw:
            raise Invalid(f"{kind}, {flaw}") from None
        if value is not None:
            yield Said(kind, value, chain)


def _value(kind: str, path: Path, raw: object) -> int | str | None:
    return value_of(kind, raw, path.values)


def _id(raw: object) -> str | None:
    try:
        return msgspec.convert(words_of(raw), Id | None)
    except msgspec.ValidationError:
        raise Invalid("is no id") from None


def _answered(paths: AnswerPaths, payload: Json, around: Around) -> Answered | None:
    """What a record says became of a decision; None where it says nothing."""
    status = _word(paths.status, payload)
    if status is None:
        return None
    decision = _word(paths.decision, payload)
    reason = None if paths.reason is None else _word(paths.reason, payload)
    given = (
        (paths.decision, decision, DecisionId),
        (paths.status, status, Answer),
        (paths.reason, reason, ReasonCode | None),
    )
    for place, said, kind in given:
        try:
            msgspec.convert(said, kind)
        except msgspec.ValidationError as flaw:
            where = "" if place is None else path_of(place).path
            raise Invalid(f"`{where}`: {flaw}; say in `values` what the app's words mean") from None
    at = found(FORM_TIME, payload)
    reply = {"status": status, "reason": reason}
    when = None if at is None else moment_of(at, around.time_zone)
    return Answered(str(decision), msgspec.structs.replace(msgspec.convert(reply, Reply), occurred_at=when))
