"""How groups stand: each one's state today, how many members it has, when it was last known to meet."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.signals import index, tally
from engagement.signals.catalogue import BY_KIND
from engagement.signals.expected import KINDS, Report
from engagement.signals.index import Index
from engagement.signals.states import STATES, Mood, Standing, State
from engagement.signals.tally import Event
from engagement.signals.virtual import WRITTEN, Written
from engagement.store import setup, signals, units
from engagement.store.kept import Kept
from engagement.store.setup import Revised
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date, midnight_ms
from engagement.strategy.setup import Group, phase
from engagement.strategy.standing import Heard, Revision, standing_on
from engagement.workflows.tallies import counting, key, target

CUT = 50
"""How many groups one call may look at: each takes a millisecond or two after two years of meetings."""
SENTENCES: dict[State, str] = {
    "new": "Nothing is known of a meeting yet",
    "thriving": "Meets: no meeting missed since {since}",
    "wavering": "Missed its last known meeting, of {since}",
    "dormant": "Missed two meetings in a row, the first on {since}",
    "silent": "Nothing heard of {unheard} meetings in a row. Last known meeting: {last}. Somebody should ask",
    "dissolved": "Missed {missed} meetings in a row, the first on {since}",
    "ended": "The program has ended this group",
}


class GroupState(msgspec.Struct, frozen=True):
    """How a group stands, in words and dates.

    since : the meeting the state dates from      last_known_meeting : held or not, as long as it is known
    """

    state: State
    sentence: str
    since: date | None
    last_known_meeting: date | None
    members: int
    site: str
    phase: str


def states_of(
    conn: Connection, kept: Kept, program_id: str, names: Sequence[str], now_ms: int
) -> dict[str, GroupState]:
    """The state of each of these groups today; unknown ids are left out. Constantly many statements."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    rows = units.groups(conn, program_id, names)
    heard = heard_of(conn, program_id, sorted(rows), zone)
    seated = setup.seated_in(conn, program_id, sorted(rows), today)
    out: dict[str, GroupState] = {}
    for name, row in rows.items():
        found = mood(index.of_group(tally.decoded(row.tally), now_ms))
        site = catalogue.sites[row.group.site]
        out[name] = told(standing_on(heard[name], today, found), seated[name], site.id, phase(site, today))
    return out


def heard_of(conn: Connection, program_id: str, names: Sequence[str], zone: str) -> dict[str, Heard]:
    """What decides how each of these groups stands: its revisions, and what counts of what was heard."""
    rows = signals.of_kinds(conn, program_id, [*KINDS, *WRITTEN], names)
    chained = {target(row) for row in rows} - {None}
    plain = [row for row in rows if row.corrects_event is None and key(row) not in chained]
    others = (row for row in rows if row.corrects_event is not None or key(row) in chained)
    return gathered(setup.history(conn, program_id, "group", names), [*plain, *counting(others)], zone)


def gathered(
    revisions: Mapping[str, Sequence[tuple[setup.AnyNoun, int]]], rows: Iterable[Recorded], zone: str
) -> dict[str, Heard]:
    """The same, by group, from rows that count; those of other groups and kinds are passed over."""
    reports: dict[str, list[Report]] = defaultdict(list)
    written: dict[str, list[Written]] = defaultdict(list)
    days = _days(zone)
    for row in rows:
        who = row.unit_id if row.unit_kind == "member" else ""
        if row.kind in KINDS:
            code = BY_KIND[row.kind].code
            report = Report(days(row.occurred_at), row.occurred_at, code, row.value or 0, who)
            reports[row.group_id or ""].append(report)
        elif row.kind in WRITTEN:
            written[row.group_id or ""].append(
                Written(days(row.occurred_at), row.occurred_at, row.kind, who, row.chain)
            )
    return {
        name: Heard(
            [Revision(thing, days(moment)) for thing, moment in told if isinstance(thing, Group)],
            reports[name],
            written[name],
        )
        for name, told in revisions.items()
    }


def _days(zone: str) -> Callable[[int], date]:
    """The local day of a moment; a meeting's reports share theirs, so each is worked out once."""
    known: dict[int, date] = {}

    def day(moment_ms: int) -> date:
        found = known.get(moment_ms)
        if found is None:
            found = known[moment_ms] = local_date(moment_ms, zone)
        return found

    return day


class Moment(NamedTuple):
    """How a group stood at the end of a day, and the value of its index; None before, or unknown."""

    state: State | None
    value: float | None


def by_month(heard: Heard, events: Iterable[Event], ends: Sequence[date], zone: str) -> list[State | None]:
    """The state at the end of each of these days, as all that is known by now has it.

    events : those of the group's tally      ends : in order      None before the group was there
    """
    return [moment.state for moment in course(heard, events, ends, zone)]


def course(heard: Heard, events: Iterable[Event], ends: Sequence[date], zone: str) -> list[Moment]:
    """The same with the index."""
    coming = deque(sorted(events, key=lambda event: event.occurred_at_ms))
    began_on = heard.revisions[0].entered_on
    so_far = tally.EMPTY
    out: list[Moment] = []
    for day in ends:
        end_ms = midnight_ms(day + timedelta(days=1), zone)
        past: list[Event] = []
        while coming and coming[0].occurred_at_ms < end_ms:
            past.append(coming.popleft())
        so_far = tally.added(so_far, past)
        picture = index.of_group(so_far, end_ms - 1)
        found = standing_on(heard, day, mood(picture))
        before = found.state == "new" and day < began_on
        out.append(Moment(None if before else found.state, picture.value))
    return out


def mood(found: Index) -> Mood:
    """What the index says of how a group is doing."""
    return Mood(found.value, found.trend)


def told(standing: Standing, members: int, site: str, phase: str) -> GroupState:
    """A standing as people read it."""
    return GroupState(
        standing.state, sentence(standing), standing.since, standing.known_on, members, site, phase
    )


def sentence(standing: Standing) -> str:
    """The state in words that a program manager understands."""
    if standing.state == "wavering" and not standing.missed:
        return "Goes on, but its engagement index is low or falling, or fewer of its members write"
    last = standing.known_on or "none"
    return SENTENCES[standing.state].format(
        since=standing.since, last=last, missed=standing.missed, unheard=standing.unheard
    )


class Counts(msgspec.Struct, frozen=True):
    """How many groups are in each state. Build it with `counted`."""

    new: int
    thriving: int
    wavering: int
    dormant: int
    silent: int
    dissolved: int
    ended: int


def counted(seen: Counter[State]) -> Counts:
    """The same numbers with every state named."""
    return Counts(**{state: seen[state] for state in STATES})


class Looked(NamedTuple):
    """Groups that were looked at in order of id, those wanted among them, and where to go on.

    seen : how many of those looked at are in each state
    """

    found: list[tuple[Revised, GroupState]]
    seen: Counter[State]
    next: str | None


def look(
    conn: Connection,
    kept: Kept,
    program_id: str,
    after: str,
    limit: int,
    wanted: State | Literal["any"],
    now_ms: int,
) -> Looked:
    """Looks at up to `limit` groups behind an id and picks out those in a state."""
    page = setup.page(conn, program_id, "group", after, limit + 1)
    rows = page[:limit]
    states = states_of(conn, kept, program_id, [row.thing.id for row in rows], now_ms)
    return Looked(
        [(row, states[row.thing.id]) for row in rows if wanted in ("any", states[row.thing.id].state)],
        Counter(found.state for found in states.values()),
        rows[-1].thing.id if len(page) > limit else None,
    )
