"""Harms by arm and by action, with rates in 100 member-months, and whether the trial's stop rule is breached.

*By arm*: whoever sits in a group of the arm is watched from its assignment to the last day looked at, or
until they leave. *By action*: whoever it was suggested for is watched from then until the decision closes,
the same strategy decides again, or they leave; for a suggestion to a group that is everybody in it. What was
reported in that time came after the suggestion, and nothing says that it came of it. All of it is described.

*The stop rule* is looked at once a month, on the day of the trial's start, with what had happened by then: so
it keeps its level however often somebody asks. A number that is too many at once needs no look.
"""

from bisect import bisect_right
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.availability import DAY_MS
from engagement.errors import NotFound
from engagement.estimators.rates import Rate, rate, shown_above
from engagement.signals.safety import SafetyKind
from engagement.store import assignments, histories, setup, signals
from engagement.store.histories import Followed
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date, midnight_ms
from engagement.strategy.trial import HarmKind, StopRule, Trial
from engagement.workflows.crew import all_names
from engagement.workflows.tallies import counting

KINDS: tuple[HarmKind, ...] = (*get_args(SafetyKind), "stopped_messages", "left", "died")
MONTH_DAYS = 30.4375
HUNDRED = 100 * MONTH_DAYS * DAY_MS
"""Milliseconds in 100 member-months."""
REFUSED = ("declined", "replaced")
UNSAFE = "unsafe"


class HarmRate(msgspec.Struct, frozen=True):
    """Reports of one kind. rate, low, high : in 100 member-months, with a 95 % interval; null if unwatched"""

    kind: HarmKind
    reports: int
    rate: float | None
    low: float | None
    high: float | None


class ArmHarms(msgspec.Struct, frozen=True):
    """One arm. member_months : that its members were watched"""

    arm: str
    groups: int
    member_months: float
    rates: tuple[HarmRate, ...]


class ActionHarms(msgspec.Struct, frozen=True):
    """What came after one action was suggested, and what became of the suggestion.

    refused : declined or replaced      unsafe : with the reason that it would not be safe
    """

    action: str
    suggested: int
    refused: int
    unsafe: int
    member_months: float
    rates: tuple[HarmRate, ...]


class ArmStop(msgspec.Struct, frozen=True):
    """One arm under the stop rule.

    reports, member_months : by the look      now : reports by today
    at_least : what its rate was shown to be at the look, in 100 member-months; null before there was one
    """

    arm: str
    reports: int
    member_months: float
    at_least: float | None
    now: int
    breached: bool


class Stopped(msgspec.Struct, frozen=True):
    """What the rule says. look : whole months since the start, 0 before the first      on : its day"""

    rule: StopRule
    look: int
    on: date
    arms: tuple[ArmStop, ...]

    @property
    def breached(self) -> tuple[str, ...]:
        """Arms that breach it."""
        return tuple(arm.arm for arm in self.arms if arm.breached)


class Harms(msgspec.Struct, frozen=True):
    """All of it. sentences : what is to be read first

    arms, stop : where a trial has begun; stop : null where its protocol declares no rule
    design : `described`, by arm and by action
    """

    on: date
    trial: str | None
    arms: tuple[ArmHarms, ...]
    actions: tuple[ActionHarms, ...]
    stop: Stopped | None
    sentences: tuple[str, ...]
    design: str = "described"

    @property
    def told(self) -> tuple[HarmKind, ...]:
        """Kinds of which something was reported."""
        every = [row.rates for row in self.arms] + [row.rates for row in self.actions]
        return tuple(kind for kind in KINDS if any(_of(rates, kind).reports for rates in every))


class Span(NamedTuple):
    """A member in a group, from a moment until another."""

    member: str
    group: str
    from_ms: int
    until_ms: int


class _Watched(NamedTuple):
    """By cluster, milliseconds of watching and what was reported in them."""

    exposure: Mapping[str, int]
    reports: Mapping[HarmKind, Mapping[str, int]]


def harms(conn: Connection, kept: Kept, program_id: str, trial_id: str | None, now_ms: int) -> Harms:
    """What was reported of harm up to a moment. trial_id : None for by action alone

    raises : NotFound for an unknown trial
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    trial = None if trial_id is None else catalogue.trials.get(trial_id)
    if trial is None and trial_id is not None:
        raise NotFound(f"there is no trial `{trial_id}` in this program")
    zone = catalogue.program.time_zone
    groups = all_names(conn, program_id, "group")
    spans = _spans(conn, program_id, groups, zone, now_ms)
    reports = _reports(conn, program_id, groups, now_ms)
    on = local_date(now_ms, zone)
    watched = {} if trial is None else _by_arm(conn, program_id, trial, spans, reports, now_ms)
    arms = tuple(_arm(name, rows) for name, rows in watched.items())
    stop = None
    if trial is not None and not isinstance(trial.protocol.stop_rule, msgspec.UnsetType):
        look = looks(trial, on)
        look_on = look_day(trial, look)
        seen = _by_arm(conn, program_id, trial, spans, reports, min(now_ms, midnight_ms(look_on, zone)))
        stop = Stopped(
            trial.protocol.stop_rule,
            look,
            look_on,
            tuple(
                _arm_stop(trial.protocol.stop_rule, look, name, seen[name][1], watched[name][1])
                for name in seen
            ),
        )
    actions = _by_action(histories.followed(conn, program_id, now_ms), spans, reports, now_ms)
    return Harms(on, trial_id, arms, actions, stop, tuple(_sentences(trial, stop)))


def _spans(
    conn: Connection, program_id: str, groups: Sequence[str], zone: str, now_ms: int
) -> dict[str, list[Span]]:
    """Group → who sat in it, and when."""
    ever = sorted({row.member for row in setup.memberships_of_groups(conn, program_id, groups)})
    found: dict[str, list[Span]] = defaultdict(list)
    for member, rows in setup.memberships_of(conn, program_id, ever).items():
        ends = [midnight_ms(row.starts_on, zone) for row in rows[1:]] + [now_ms]
        for row, end in zip(rows, ends, strict=True):
            start = midnight_ms(row.starts_on, zone)
            if row.group is not None and start < min(end, now_ms):
                found[row.group].append(Span(member, row.group, start, min(end, now_ms)))
    return found


class _Reports(NamedTuple):
    """What was reported, by group and by member, in order of time; of one case once, when it began."""

    by_group: Mapping[str, Sequence[Recorded]]
    by_member: Mapping[str, Sequence[Recorded]]


def _reports(conn: Connection, program_id: str, groups: Sequence[str], now_ms: int) -> _Reports:
    rows = counting(signals.of_kinds(conn, program_id, list(KINDS), groups))
    by_group: dict[str, list[Recorded]] = defaultdict(list)
    by_member: dict[str, list[Recorded]] = defaultdict(list)
    cases: set[tuple[str, str, str]] = set()
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.source, row.event_id)):
        case = (row.unit_id, row.kind, row.chain or f"{row.source}/{row.event_id}")
        if not row.value or row.occurred_at > now_ms or case in cases:
            continue
        cases.add(case)
        by_group[row.group_id or ""].append(row)
        by_member[row.unit_id].append(row)
    return _Reports(by_group, by_member)


def _between(rows: Sequence[Recorded], from_ms: int, until_ms: int) -> Sequence[Recorded]:
    """Those after a moment and until another."""
    times = [row.occurred_at for row in rows]
    return rows[bisect_right(times, from_ms) : bisect_right(times, until_ms)]


def _overlap(spans: Iterable[Span], from_ms: int, until_ms: int) -> int:
    return sum(max(0, min(span.until_ms, until_ms) - max(span.from_ms, from_ms)) for span in spans)


def _by_arm(
    conn: Connection,
    program_id: str,
    trial: Trial,
    spans: Mapping[str, Sequence[Span]],
    reports: _Reports,
    now_ms: int,
) -> dict[str, tuple[int, _Watched]]:
    """Arm → how many groups, and what was reported of them; clusters are what was drawn."""
    rows = [row for row in assignments.of_trial(conn, program_id, trial.id) if row.assigned_at <= now_ms]
    found = {}
    for arm in trial.arms:
        exposure: Counter[str] = Counter()
        counts: dict[HarmKind, Counter[str]] = {kind: Counter() for kind in KINDS}
        mine = [row for row in rows if row.arm == arm.id]
        for row in mine:
            exposure[row.unit_id] += _overlap(spans.get(row.group_id, ()), row.assigned_at, now_ms)
            for report in _between(reports.by_group.get(row.group_id, ()), row.assigned_at, now_ms):
                counts[report.kind][row.unit_id] += 1  # type: ignore[index]  # one of KINDS
        found[arm.id] = len(mine), _Watched(exposure, counts)
    return found


def _arm(name: str, watched: tuple[int, _Watched]) -> ArmHarms:
    groups, rows = watched
    return ArmHarms(name, groups, _months(rows), tuple(_rate(rows, kind) for kind in KINDS))


def _months(rows: _Watched) -> float:
    return sum(rows.exposure.values()) / (MONTH_DAYS * DAY_MS)


def _rate(rows: _Watched, kind: HarmKind) -> HarmRate:
    clusters = sorted(rows.exposure)
    counts = np.array([rows.reports[kind].get(name, 0) for name in clusters], np.float64)
    exposure = np.array([rows.exposure[name] for name in clusters], np.float64) / HUNDRED
    if not exposure.sum() > 0:
        return HarmRate(kind, int(counts.sum()), None, None, None)
    found: Rate = rate(counts, exposure)
    return HarmRate(kind, found.events, found.value, found.low, found.high)


def _by_action(
    decided: Sequence[Followed], spans: Mapping[str, Sequence[Span]], reports: _Reports, now_ms: int
) -> tuple[ActionHarms, ...]:
    """Every action that was ever suggested, and `none`, in order of how often."""
    of_member: dict[str, list[Span]] = defaultdict(list)
    for span in (one for some in spans.values() for one in some):
        of_member[span.member].append(span)
    exposure: dict[str, Counter[str]] = defaultdict(Counter)
    counts: dict[str, dict[HarmKind, Counter[str]]] = defaultdict(lambda: {kind: Counter() for kind in KINDS})
    suggested: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    unsafe: Counter[str] = Counter()
    for _, some in groupby(decided, key=lambda row: (row.strategy_id, row.unit_kind, row.unit_id)):
        course = list(some)
        for row, later in pairwise([*course, None]):
            assert row is not None  # noqa: S101  # only the last is
            action, cluster = row.action_id, row.group_id
            until = min(row.closes_at, now_ms, now_ms if later is None else later.decided_at)
            of_group = row.unit_kind == "group"
            seats = spans.get(row.group_id, ()) if of_group else of_member.get(row.unit_id, ())
            told = (
                reports.by_group.get(row.group_id, ()) if of_group else reports.by_member.get(row.unit_id, ())
            )
            exposure[action][cluster] += _overlap(seats, row.decided_at, until)
            for report in _between(told, row.decided_at, until):
                counts[action][report.kind][cluster] += 1  # type: ignore[index]  # one of KINDS
            suggested[action] += 1
            refused[action] += row.status in REFUSED
            unsafe[action] += row.status != "done" and row.reason == UNSAFE
    return tuple(
        ActionHarms(
            action,
            count,
            refused[action],
            unsafe[action],
            _months(rows := _Watched(exposure[action], counts[action])),
            tuple(_rate(rows, kind) for kind in KINDS),
        )
        for action, count in suggested.most_common()
    )


def looks(trial: Trial, on: date) -> int:
    """How many monthly looks there have been by a day, one on the day of every whole month."""
    months = 12 * (on.year - trial.starts_on.year) + on.month - trial.starts_on.month
    return max(0, months - (on < look_day(trial, months)))


def look_day(trial: Trial, look: int) -> date:
    """The day of a look: that of the start so many months later, or the last day of a shorter month."""
    years, month = divmod(trial.starts_on.month - 1 + look, 12)
    year = trial.starts_on.year + years
    return date(year, month + 1, min(trial.starts_on.day, monthrange(year, month + 1)[1]))


def _arm_stop(rule: StopRule, look: int, arm: str, seen: _Watched, today: _Watched) -> ArmStop:
    count, now = (sum(sum(rows.reports[kind].values()) for kind in rule.counts) for rows in (seen, today))
    months = _months(seen)
    at_once = rule.at_once is not None and now >= rule.at_once
    if not (look and months > 0):
        return ArmStop(arm, count, months, None, now, at_once)
    least = shown_above(count, months / 100, look, rule.alpha)
    return ArmStop(arm, count, months, least, now, least > rule.most or at_once)


class HarmRow(msgspec.Struct, frozen=True):
    """One kind of report in one arm, or after one action, as a row of a table."""

    of: Literal["arm", "action"]
    name: str
    member_months: float
    kind: HarmKind
    reports: int
    rate: float | None
    low: float | None
    high: float | None


def harm_rows(found: Harms) -> list[msgspec.Struct]:
    """Every rate as a row."""
    arms = [
        HarmRow("arm", one.arm, one.member_months, *_fields(row)) for one in found.arms for row in one.rates
    ]
    return [
        *arms,
        *(
            HarmRow("action", one.action, one.member_months, *_fields(row))
            for one in found.actions
            for row in one.rates
        ),
    ]


def _fields(row: HarmRate) -> tuple[HarmKind, int, float | None, float | None, float | None]:
    return row.kind, row.reports, row.rate, row.low, row.high


# --- in words -----------------------------------------------------------------------------------------


def _sentences(trial: Trial | None, stop: Stopped | None) -> list[str]:
    if trial is None:
        return []
    if stop is None:
        return [f"No stop rule is declared in figures. The protocol says: {trial.protocol.harms}"]
    kinds = " or ".join(kind.replace("_", " ") for kind in stop.rule.counts)
    told = "; ".join(map(_arm_in_words, stop.arms))
    if stop.breached:
        head = f"The stop rule is breached in {', '.join(stop.breached)}: {trial.protocol.stopping} "
        head += f"{trial.protocol.harms}"
    else:
        head = "The stop rule is not breached."
    limit = f"at most {stop.rule.most:g} reports of {kinds} in 100 member-months"
    if stop.rule.at_once is not None:
        limit += f", and fewer than {stop.rule.at_once} in one arm"
    looked = (
        f"look {stop.look}, of {stop.on}, one a month"
        if stop.look
        else "the first look is a month after the start"
    )
    return [head, f"It allows {limit}; {looked}: {told}."]


def _arm_in_words(arm: ArmStop) -> str:
    if arm.at_least is None:
        return f"{arm.arm} {arm.now} so far"
    return (
        f"{arm.arm} {arm.reports} in {arm.member_months:,.0f} member-months, which shows a rate of at least "
        f"{arm.at_least:.2f}, and {arm.now} by today"
    )


def in_words(found: Harms) -> list[str]:
    """The stop rule first, then rates by arm and by action, of the kinds of which something was reported."""
    told = found.told
    lines = [*found.sentences, "Reports in 100 member-months, described: no cause is shown."]
    if not told:
        return [*lines, "  Nothing of that kind was reported."]
    return [
        *lines,
        *(f"  {_arm_told(row)}; {_rates(row.rates, told)}" for row in found.arms),
        *(f"  {_action_told(row)}; {_rates(row.rates, told)}" for row in found.actions),
    ]


def _arm_told(row: ArmHarms) -> str:
    return f"{row.arm}: {row.groups} groups, {row.member_months:,.0f} member-months"


def _action_told(row: ActionHarms) -> str:
    unsafe = f", {row.unsafe} as unsafe" if row.unsafe else ""
    return (
        f"after {row.action}: suggested {row.suggested:,}, refused {row.refused}{unsafe}, "
        f"{row.member_months:,.0f} member-months"
    )


def _of(rates: Sequence[HarmRate], kind: HarmKind) -> HarmRate:
    return next(row for row in rates if row.kind == kind)


def _rates(rates: Sequence[HarmRate], kinds: Sequence[HarmKind]) -> str:
    return "; ".join(f"{kind.replace('_', ' ')} {rate_in_words(_of(rates, kind))}" for kind in kinds)


def rate_in_words(row: HarmRate) -> str:
    """How many, and the rate with its interval."""
    if row.rate is None or row.low is None or row.high is None:
        return f"{row.reports}"
    return f"{row.reports}, {row.rate:.2f} ({row.low:.2f} to {row.high:.2f})"
