"""What a program's groups did in a month, counted by site, as DHIS2 takes it: a set of data values.

The form is that of the resource `dataValueSets` of DHIS2's web API. Organisation units and data elements go
by the uids of a map file, or without one by codes: the site's id, and `ENGAGEMENT_` with the count's name.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Annotated, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Invalid
from engagement.signals.catalogue import BY_KIND
from engagement.signals.goals import GOAL_MET, GOAL_SET
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.states import STATES
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Group
from engagement.strategy.standing import meetings_on
from engagement.workflows.mistakes import UNREAD, unread
from engagement.workflows.states import by_month, gathered
from engagement.workflows.tallies import event, standing

CUT = 10
"""How many groups one call counts: everything ever said of each is read."""
CODE = "ENGAGEMENT_"
MEETINGS = {
    "meetings_held": "known to have been held",
    "meetings_not_held": "known not to have been held",
    "meetings_unreported": "of which nothing was heard for 21 days",
}
COUNTS: Mapping[str, str] = MappingProxyType(
    {
        **{f"groups_{state}": f"groups that stand so at the month's end: {state}" for state in STATES},
        "members": "who sit in a group at the month's end",
        "meetings_expected": "meetings of the month, without those that were postponed",
        **{name: f"of those, {words}" for name, words in MEETINGS.items()},
        "attendances": "times that somebody came to a meeting",
        "attendances_known": "times that it is known whether somebody came",
        "goals_set": "goals set",
        "goals_met": "goals met, whenever they were set",
        "goals_missed": "goals missed, whenever they were set",
    }
)
"""What is counted, for each site and month."""

Uid = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9]{10}(?!\n)$")]
"""As DHIS2 names things: a letter and ten letters or digits."""


class Dhis2Map(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of DHIS2's uids stand for our sites and counts; what is not named is not exported.

    data_set : the data set's, where values are to be checked against one
    """

    org_units: Annotated[dict[Id, Uid], msgspec.Meta(min_length=1)]
    data_elements: Annotated[dict[str, Uid], msgspec.Meta(min_length=1)]
    data_set: Uid | None = None

    def __post_init__(self) -> None:
        """Refuses a count that there is not."""
        unknown = next((name for name in self.data_elements if name not in COUNTS), None)
        if unknown is not None:
            raise ValueError(f"there is no count `{unknown}`; there are: {', '.join(COUNTS)}")


class DataValue(msgspec.Struct, frozen=True, rename="camel"):
    """One number. period : the month, such as 202603"""

    data_element: str
    period: str
    org_unit: str
    value: str


class DataValueSet(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What DHIS2's `POST /api/dataValueSets` takes."""

    data_values: tuple[DataValue, ...]
    data_set: str | None = None


class Counted(NamedTuple):
    """Counts by (site, name), and the id of the group to go on behind; None at the end."""

    counts: Counter[tuple[str, str]]
    next: str | None


def read_map(content: bytes) -> Dhis2Map:
    """A map file (TOML)."""
    try:
        return msgspec.toml.decode(content, type=Dhis2Map)
    except UNREAD as flaw:
        raise Invalid(f"the map file: {unread(flaw)}") from flaw


def month_of(period: str) -> date:
    """The first day of a month written like 202603."""
    try:
        return date(int(period[:4]), int(period[4:]), 1)
    except ValueError:
        raise Invalid(f"`{period[:20]}` is not a month; write it like 202603") from None


def month_before(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> date:
    """The first day of the last month that is over, by the program's calendar."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def count_groups(
    conn: Connection, kept: Kept, program_id: str, first: date, after: str, now_ms: int
) -> Counted:
    """The counts of the next ten groups behind an id. first : the month's first day

    A site without groups has no counts at all; one whose groups had no meeting has the count 0.
    raises : Invalid for a month that is yet to come
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    if first > today:
        raise Invalid(f"the month {first:%Y%m} is yet to come")
    last = min((first + timedelta(days=31)).replace(day=1) - timedelta(days=1), today)
    page = setup.page(conn, program_id, "group", after, CUT + 1)
    groups = {row.thing.id: row.thing for row in page[:CUT] if isinstance(row.thing, Group)}
    rows: dict[str, list[Recorded]] = {name: [] for name in groups}
    for row in standing(conn, program_id, [], list(groups)):
        if row.group_id in rows:
            rows[row.group_id].append(row)
    heard = gathered(
        setup.history(conn, program_id, "group", list(groups)),
        [row for some in rows.values() for row in some],
        zone,
    )
    seated = setup.seated_in(conn, program_id, list(groups), last)
    counts: Counter[tuple[str, str]] = Counter()
    for name, group in groups.items():
        known = [event(row) for row in rows[name] if row.unit_kind == "group" or BY_KIND[row.kind].in_group]
        (state,) = by_month(heard[name], known, [last], zone)
        if state is None:
            continue
        met = meetings_on(heard[name], today) if group.type == "local" else ()
        statuses = Counter(meeting.status for meeting in met if first <= meeting.on <= last)
        within = [row for row in rows[name] if first <= local_date(row.occurred_at, zone) <= last]
        own = {
            **dict.fromkeys(COUNTS, 0),
            f"groups_{state}": 1,
            "members": seated[name],
            "meetings_expected": statuses.total() - statuses["postponed"],
            "meetings_held": statuses["held"],
            "meetings_not_held": statuses["not_held"],
            "meetings_unreported": statuses["unreported"],
            **_of_members(within),
        }
        counts.update({(group.site, count): number for count, number in own.items()})
    return Counted(counts, page[CUT - 1].thing.id if len(page) > CUT else None)


def _of_members(rows: list[Recorded]) -> dict[str, int]:
    """What members did, among a month's rows."""
    seen = Counter((row.kind, row.value) for row in rows)
    return {
        "attendances": seen[ATTENDANCE.kind, 1],
        "attendances_known": seen[ATTENDANCE.kind, 1] + seen[ATTENDANCE.kind, 0],
        "goals_set": sum(number for (kind, _), number in seen.items() if kind == GOAL_SET.kind),
        "goals_met": seen[GOAL_MET.kind, 1],
        "goals_missed": seen[GOAL_MET.kind, 0],
    }


def data_values(
    counts: Counter[tuple[str, str]], period: str, mapping: Dhis2Map | None, least: int = 0
) -> DataValueSet:
    """Counts as DHIS2 takes them, by site and in the order of `COUNTS`.

    mapping : None for codes      least : what is counted fewer times than this, and at all, is left out
    """
    values = []
    for site in sorted({site for site, _ in counts}):
        unit = site if mapping is None else mapping.org_units.get(site)
        for name in COUNTS:
            element = CODE + name.upper() if mapping is None else mapping.data_elements.get(name)
            number = counts[site, name]
            if unit is not None and element is not None and not 0 < number < least:
                values.append(DataValue(element, period, unit, str(number)))
    return DataValueSet(tuple(values), None if mapping is None else mapping.data_set)


def unmapped(counts: Counter[tuple[str, str]], mapping: Dhis2Map) -> tuple[str, ...]:
    """Sites that have counts and no organisation unit in the map."""
    return tuple(sorted({site for site, _ in counts if site not in mapping.org_units}))
