"""The groups of a program at a glance: how each stands, its months, why it may be fading, what is suggested.

Read in parts, so that no part keeps others waiting. The figures are those that the state of a group, its
picture and its report tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.bandits.propensity import ONE
from engagement.signals import index, tally
from engagement.signals.catalogue import BY_KIND
from engagement.signals.expected import Meeting
from engagement.signals.history import Month, months
from engagement.signals.index import Trend
from engagement.signals.reasons import ABSENCE_REASON
from engagement.signals.signal import Audience, may_see
from engagement.signals.states import ALIVE, Mood
from engagement.signals.states import standing as standing_of
from engagement.store import decisions, setup, units
from engagement.store.decisions import Decision
from engagement.store.identifiers import first_uuid7
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status
from engagement.strategy.setup import Catalogue, Site, phase
from engagement.strategy.standing import Heard, meetings_on, standing_on
from engagement.workflows.leading import NOBODY, ever_advised, leads_of
from engagement.workflows.month_met import month_met
from engagement.workflows.sight import Sight, sight_of
from engagement.workflows.states import GroupState, gathered, mood, told
from engagement.workflows.tallies import event, standing
from engagement.workflows.worklist import OPEN_MS

PART = 5
"""Groups in one part: each takes up to ten milliseconds after two years of meetings."""
MONTHS = 24
LATELY = timedelta(days=92)
"""Reasons for staying away are those of three months."""
UNKNOWN = Mood(None, "unknown")
NO_ADVISER = "no_adviser"
OPEN: tuple[Status, ...] = ("proposed", "accepted")
MOST_OPEN = 500


class GlanceWanted(NamedTuple):
    """Groups behind an id, in order, for a reader."""

    after: str
    audience: Audience


class MonthGlanced(msgspec.Struct, frozen=True):
    """A month of a group. came : of `expected` seats, a meeting; null where nothing was said of who came

    held, missed : meetings      alive : known by now to have been so at its end; null before it was there
    after : whether the month began after the program's end
    """

    month: str
    held: int
    missed: int
    came: int | None
    expected: int | None
    alive: bool | None
    after: bool


class Why(msgspec.Struct, frozen=True):
    """A reason, and how often it was given of late; `no_adviser` is no word of anybody's."""

    reason: str
    count: int
    of: int


class Suggested(msgspec.Struct, frozen=True):
    """What is open for a group. probability : with which it was drawn      others : open beside it"""

    decision_id: str
    action: str
    title: str
    probability: float
    randomised: bool
    others: int


class GroupGlanced(msgspec.Struct, frozen=True):
    """One group. index : 0 to 100, null when nothing is known      why : the most frequent first"""

    group: str
    setting: str
    virtual: bool
    ends_on: date | None
    state: GroupState
    index: float | None
    trend: Trend
    months: tuple[MonthGlanced, ...]
    why: tuple[Why, ...]
    suggested: Suggested | None


class Glanced(NamedTuple):
    """A part of the groups, and where to go on; None when these are the last."""

    groups: tuple[GroupGlanced, ...]
    next: str | None


def glances(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[GlanceWanted], now_ms: int
) -> list[Glanced]:
    """A part for each; constantly many statements a part."""
    return [_part(conn, kept, program_id, one, now_ms) for one in wanted]


def _part(conn: Connection, kept: Kept, program_id: str, wanted: GlanceWanted, now_ms: int) -> Glanced:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    page = setup.page(conn, program_id, "group", wanted.after, PART + 1)
    names = [row.thing.id for row in page[:PART]]
    following = names[-1] if len(page) > PART else None
    return Glanced(_glanced(conn, kept, program_id, catalogue, names, wanted.audience, now_ms), following)


def _glanced(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    names: Sequence[str],
    audience: Audience,
    now_ms: int,
) -> tuple[GroupGlanced, ...]:
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    history = [row for row in standing(conn, program_id, [], names) if row.group_id in names]
    heard = gathered(setup.history(conn, program_id, "group", names), history, zone)
    seated = setup.seated_in(conn, program_id, names, today)
    leads = leads_of(conn, program_id, catalogue, names, today, now_ms)
    once = ever_advised(conn, program_id, names)
    gave = {row.unit_id for row in history if row.kind == ABSENCE_REASON.kind}
    sight = sight_of(conn, program_id, audience, gave)
    said = _reasons(history, sight, today, zone)
    open_now = _open(conn, program_id, catalogue, names, now_ms)
    by_group: dict[str, list[Recorded]] = defaultdict(list)
    for row in history:
        by_group[row.group_id or ""].append(row)
    out = []
    for name, stored in units.groups(conn, program_id, names).items():
        site = catalogue.sites[stored.group.site]
        found = index.of_group(tally.decoded(stored.tally), now_ms)
        needs = leads.get(name, NOBODY).looks_for(ever=name in once)
        out.append(
            GroupGlanced(
                name,
                stored.group.setting,
                stored.group.type == "virtual",
                site.ends_on,
                told(standing_on(heard[name], today, mood(found)), seated[name], site.id, phase(site, today)),
                None if found.value is None else round(found.value, 1),
                found.trend,
                tuple(_months(by_group[name], heard[name], site, today, now_ms)),
                ((Why(NO_ADVISER, 1, 1),) if needs == "adviser" else ()) + tuple(_ranked(said.get(name))),
                _suggested(conn, kept, program_id, open_now.get(name, ())),
            )
        )
    return tuple(out)


def _reasons(history: Iterable[Recorded], sight: Sight, today: date, zone: str) -> dict[str, Counter[str]]:
    """Group → how often each reason was given of late for not coming, by those of whom a reader may know."""
    out: dict[str, Counter[str]] = defaultdict(Counter)
    for row in history:
        if (
            row.kind == ABSENCE_REASON.kind
            and row.value
            and may_see(sight.of(row.unit_id), ABSENCE_REASON.audience)
            and today - LATELY < local_date(row.occurred_at, zone)
        ):
            out[row.group_id or ""][ABSENCE_REASON.word(row.value)] += 1
    return out


def _ranked(count: Counter[str] | None) -> Iterable[Why]:
    if count is None:
        return ()
    return (Why(reason, number, count.total()) for reason, number in count.most_common())


def _months(
    rows: Sequence[Recorded], heard: Heard, site: Site, today: date, now_ms: int
) -> Iterable[MonthGlanced]:
    counted = (event(row) for row in rows if row.unit_kind == "group" or BY_KIND[row.kind].in_group)
    began = heard.revisions[0].entered_on
    seen = months(counted, now_ms, MONTHS)
    first_heard = min([began, *(report.day for report in heard.reports)])
    meetings = meetings_on(heard, today)
    return (_month(row, heard, meetings, site, first_heard) for row in seen)


def _month(
    row: Month, heard: Heard, meetings: Sequence[Meeting], site: Site, first_heard: date
) -> MonthGlanced:
    first = date(row.year, row.month, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    alive = None
    if last >= first_heard:
        ended = any(one.group.ended for one in heard.revisions if one.entered_on <= last)
        past = [meeting for meeting in meetings if meeting.on <= last]
        alive = standing_of(past, UNKNOWN, ended=ended).state in ALIVE
    met = month_met(row, meetings)
    return MonthGlanced(
        f"{row.year}-{row.month:02}",
        *met,
        alive,
        site.ends_on is not None and first > site.ends_on,
    )


def _open(
    conn: Connection, program_id: str, catalogue: Catalogue, names: Sequence[str], now_ms: int
) -> Mapping[str, list[Decision]]:
    """Group → the decisions in it that are open now, the newest first."""
    found = decisions.standing(
        conn,
        program_id,
        actions=sorted(catalogue.actions),
        statuses=OPEN,
        groups=names,
        after=first_uuid7(now_ms - OPEN_MS),
        open_at_ms=now_ms,
        limit=MOST_OPEN,
    )
    out: dict[str, list[Decision]] = defaultdict(list)
    for decision, _ in reversed(found):
        out[decision.group_id].append(decision)
    return out


def _suggested(conn: Connection, kept: Kept, program_id: str, rows: Sequence[Decision]) -> Suggested | None:
    """The group's own before those of one of its members."""
    if not rows:
        return None
    first = min(rows, key=lambda row: row.unit_kind != "group")
    action = setup.catalogue(conn, kept, program_id, first.catalogue).actions[first.action_id]
    return Suggested(
        first.decision_id,
        first.action_id,
        action.title,
        first.probability / ONE,
        first.randomised,
        len(rows) - 1,
    )
