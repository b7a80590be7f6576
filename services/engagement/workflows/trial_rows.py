"""What a trial's groups did, one row each, as the ledger has it now: what every analysis begins with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals.expected import Report
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.safety import HARM
from engagement.store import assignments, histories, setup, signals
from engagement.store.assignments import Assignment
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.lifetime import Lifetime, Lived, lifetime, stay
from engagement.strategy.setup import Catalogue, Group, days_to_end
from engagement.strategy.standing import Heard, meetings_on
from engagement.strategy.trial import Trial
from engagement.workflows.states import heard_of
from engagement.workflows.tallies import counting


class Spent(NamedTuple):
    """What was carried out for a group since it was assigned: money in minor units, and carriers' minutes."""

    cost_minor: int
    minutes: int


class GroupRow(NamedTuple):
    """One group of a trial.

    ends_on : the program's last day at its site, None when none is set; then it has no `life`
    seated : how many sat in it on the day it was assigned
    attended : of each of them the share of meetings they came to; empty before any is known
    known, unreported : meetings since then of which something, and of which nothing was heard
    harms : reports of harm from its members since then
    stays : of each of those seated, how long they stayed after the program's end; empty where nobody knows
    """

    assigned: Assignment
    group: Group
    assigned_on: date
    ends_on: date | None
    life: Lifetime | None
    seated: int
    attended: tuple[float, ...]
    known: int
    unreported: int
    spent: Spent
    harms: int
    stays: tuple[Lived, ...] = ()


def rows_of(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, trial: Trial, cut_on: date
) -> list[GroupRow]:
    """Every group assigned so far, in the order of the draw. cut_on : the last day that is looked at"""
    zone = catalogue.program.time_zone
    drawn = [
        row
        for row in assignments.of_trial(conn, program_id, trial.id)
        if local_date(row.assigned_at, zone) <= cut_on
    ]
    names = sorted(row.group_id for row in drawn)
    things = {name: row.thing for name, row in setup.newest(conn, program_id, "group", names).items()}
    heard = heard_of(conn, program_id, names, zone)
    since = {row.group_id: local_date(row.assigned_at, zone) for row in drawn}
    spent = _spent(conn, kept, program_id, catalogue, things, since, cut_on)
    harms = _harms(conn, program_id, names, since, zone, cut_on)
    out = []
    for row in drawn:
        group = things[row.group_id]
        assert isinstance(group, Group)  # noqa: S101  # stored under this noun
        on = since[row.group_id]
        seated = [one.member for one in setup.members_of_group(conn, program_id, row.group_id, on)]
        out.append(
            row_of(row, group, on, catalogue, heard[row.group_id], seated, cut_on)._replace(
                spent=spent.get(row.group_id, Spent(0, 0)), harms=harms.get(row.group_id, 0)
            )
        )
    return out


def row_of(
    assigned: Assignment,
    group: Group,
    on: date,
    catalogue: Catalogue,
    heard: Heard,
    seated: Sequence[str],
    cut_on: date,
) -> GroupRow:
    """What a group's meetings say of it, without what was spent and reported of harm.

    on : the day it was assigned      seated : who sat in it then
    """
    ends_on = catalogue.sites[group.site].ends_on
    life = None if ends_on is None or ends_on > cut_on else lifetime(heard, ends_on, cut_on)
    meetings = [meeting for meeting in meetings_on(heard, cut_on) if meeting.day >= on]
    known = sum(meeting.known for meeting in meetings)
    unreported = sum(meeting.status == "unreported" for meeting in meetings)
    dissolved = life is not None and life.seen.died
    counted = known + unreported if dissolved else known  # of a group that is gone everybody stays away
    came = _came(heard.reports, on, cut_on)
    shares = tuple(min(len(came.get(who, ())) / counted, 1.0) for who in seated) if counted else ()
    stays: tuple[Lived, ...] = ()
    if life is not None and ends_on is not None and came:
        met = [meeting.day for meeting in meetings if meeting.status == "held"]
        stays = tuple(stay(came.get(who, set()), met, ends_on, life.seen) for who in seated)
    return GroupRow(
        assigned, group, on, ends_on, life, len(seated), shares, known, unreported, Spent(0, 0), 0, stays
    )


def _came(reports: Sequence[Report], on: date, cut_on: date) -> dict[str, set[date]]:
    """The days on which each member came."""
    days: dict[str, set[date]] = defaultdict(set)
    for report in reports:
        if report.code == ATTENDANCE.code and report.value and on <= report.day <= cut_on:
            days[report.who].add(report.day)
    return days


def _spent(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    groups: Mapping[str, object],
    since: Mapping[str, date],
    cut_on: date,
) -> dict[str, Spent]:
    """What each group cost, at the prices of the catalogue under which it was decided."""
    out: dict[str, Spent] = {}
    for row in histories.done_for(conn, program_id, sorted(since)):
        stood = setup.catalogue(conn, kept, program_id, row.catalogue)
        on, action = local_date(row.decided_at, stood.program.time_zone), stood.actions.get(row.action_id)
        group = groups[row.group_id]
        if action is None or not since[row.group_id] <= on <= cut_on or not isinstance(group, Group):
            continue
        cost = action.cost_on(days_to_end(stood.sites.get(group.site, catalogue.sites[group.site]), on))
        before = out.get(row.group_id, Spent(0, 0))
        out[row.group_id] = Spent(before.cost_minor + cost, before.minutes + action.minutes)
    return out


def _harms(
    conn: Connection,
    program_id: str,
    groups: Sequence[str],
    since: Mapping[str, date],
    zone: str,
    cut_on: date,
) -> dict[str, int]:
    """Reports of harm that count, by group."""
    found: dict[str, int] = defaultdict(int)
    for row in counting(signals.of_kinds(conn, program_id, [HARM.kind], groups)):
        group = row.group_id or ""
        if group in since and since[group] <= local_date(row.occurred_at, zone) <= cut_on:
            found[group] += 1
    return dict(found)
