"""A week in at most eight lines, as text to forward: what needs a person comes first, every line is computed.

Groups go by their ids and members by no name at all, since nobody knows where a forwarded text ends.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection

from engagement.errors import Forbidden, Mistake
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.signals.signal import Audience, may_see
from engagement.signals.states import STATES, State
from engagement.store import decisions, plans, setup, signals
from engagement.store.kept import Kept
from engagement.strategy.cadence import calendar, local_date, midnight_ms
from engagement.strategy.ending import when
from engagement.strategy.setup import Catalogue
from engagement.workflows.budgets import Budgets, budgets
from engagement.workflows.crew import standing_visits
from engagement.workflows.referrals import CaseSeen, Referrals, referrals
from engagement.workflows.states import CUT, GroupState, look
from engagement.workflows.tallies import counting
from engagement.workflows.wording import listed, money, words_in

READER: Audience = "health_worker"
"""Who may read it: how other groups stand is not for a neighbour."""
STAFF: Audience = "staff"
MOST_LINES = 8
NAMED = 3
"""So many groups are named, the others are counted."""
WEEK = timedelta(days=7)
FOLDER = Path(__file__).parent / "digest_words"
DigestLanguage = Literal["en", "hi"]
DIGEST_LANGUAGES: tuple[DigestLanguage, ...] = ("en", "hi")


class DigestWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A language's file. lines, states : sentences by name, with what varies in braces"""

    language: DigestLanguage
    status: Literal["draft", "reviewed"]
    more: str
    lines: dict[str, str]
    states: dict[State, str]


@cache
def digest_words(language: str) -> DigestWords:
    """The digest's words in a language, in English where there are none."""
    name = language if language in DIGEST_LANGUAGES else DIGEST_LANGUAGES[0]
    return msgspec.toml.decode((FOLDER / f"{name}.toml").read_bytes(), type=DigestWords)


class GroupsNow(NamedTuple):
    """How a program's groups stand. Build it with `groups_now`, part by part.

    names : of all      of_site : how many there are at each site, without those that were ended
    after : the part after this one begins behind this id; None when these are all
    """

    names: tuple[str, ...]
    seen: Counter[State]
    of_site: Counter[str]
    silent: tuple[str, ...]
    dormant: tuple[str, ...]
    after: str | None

    def plus(self, other: "GroupsNow") -> "GroupsNow":
        """Both, where the other is the part that follows."""
        return GroupsNow(
            self.names + other.names,
            self.seen + other.seen,
            self.of_site + other.of_site,
            self.silent + other.silent,
            self.dormant + other.dormant,
            other.after,
        )


NO_GROUPS = GroupsNow((), Counter(), Counter(), (), (), "")


class DigestWanted(NamedTuple):
    """Whose digest, in which language, None for the program's; groups : all of them, as they stand."""

    audience: Audience
    language: DigestLanguage | None
    groups: GroupsNow


class Line(msgspec.Struct, frozen=True):
    """One line. of : which sentence it is      asks : whether it asks a person to do something"""

    of: str
    text: str
    asks: bool


class Digest(msgspec.Struct, frozen=True):
    """The digest. text : its lines, one below the other      draft : no native reader has read the words"""

    language: DigestLanguage
    draft: bool
    lines: tuple[Line, ...]
    text: str


def groups_now(
    conn: Connection, kept: Kept, program_id: str, afters: Sequence[str], now_ms: int
) -> list[GroupsNow]:
    """How the next groups behind each id stand; few enough for one go."""
    out = []
    for after in afters:
        found = look(conn, kept, program_id, after, CUT, "any", now_ms)
        stands = {row.thing.id: state for row, state in found.found}

        def those(wanted: State, stands: Mapping[str, GroupState] = stands) -> tuple[str, ...]:
            return tuple(name for name, row in stands.items() if row.state == wanted)

        of_site = Counter(row.site for row in stands.values() if row.state != "ended")
        out.append(
            GroupsNow(tuple(stands), found.seen, of_site, those("silent"), those("dormant"), found.next)
        )
    return out


def whole_digest(
    conn: Connection,
    kept: Kept,
    program_id: str,
    audience: Audience,
    language: DigestLanguage | None,
    now_ms: int,
) -> Digest:
    """The digest where there is time to look at all groups in one go."""
    groups = NO_GROUPS
    while groups.after is not None:
        (part,) = groups_now(conn, kept, program_id, [groups.after], now_ms)
        groups = groups.plus(part)
    (found,) = digests(conn, kept, program_id, [DigestWanted(audience, language, groups)], now_ms)
    if isinstance(found, Mistake):
        raise found
    return found


def digests(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[DigestWanted], now_ms: int
) -> list[Digest | Mistake]:
    """The digest of each reader; a constant number of statements each."""
    return [_digest(conn, kept, program_id, one, now_ms) for one in wanted]


class _Scene(NamedTuple):
    """What the lines are computed from. budgets : None for who may not see money"""

    catalogue: Catalogue
    today: date
    groups: GroupsNow
    cases: Referrals
    budgets: Budgets | None
    stopped_ms: int | None
    meetings: "_Meetings"
    visits: tuple[int, int]
    language: str

    def day(self, day: date) -> str:
        return words_in(self.language).long_day(day)

    def day_of(self, moment_ms: float) -> str:
        return self.day(local_date(int(moment_ms), self.catalogue.program.time_zone))


class _Meetings(NamedTuple):
    held: int
    missed: int
    came: int


class _Make(Protocol):
    """Makes a line of a sentence's name and values."""

    def __call__(self, of: str, *, asks: bool = False, **values: object) -> Line: ...


def _digest(
    conn: Connection, kept: Kept, program_id: str, wanted: DigestWanted, now_ms: int
) -> Digest | Mistake:
    if not may_see(wanted.audience, READER):
        return Forbidden("the digest tells of all groups, so it is for health workers and staff")
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    program = catalogue.program
    words = digest_words(wanted.language or program.language)
    today = local_date(now_ms, program.time_zone)
    (cases,) = referrals(conn, kept, program_id, [wanted.audience], now_ms)
    (funds,) = budgets(conn, kept, program_id, [wanted.audience], now_ms)
    scene = _Scene(
        catalogue,
        today,
        wanted.groups,
        cases,
        funds if isinstance(funds, Budgets) else None,
        _stopped_ms(conn, program_id, catalogue),
        _met(conn, program_id, catalogue, wanted.groups.names, today),
        _visited(conn, program_id, calendar(now_ms, program.time_zone, "week").decision_point),
        words.language,
    )
    lines = tuple(_lines(scene, words))[:MOST_LINES]
    return Digest(words.language, words.status == "draft", lines, "\n".join(line.text for line in lines))


def _lines(scene: _Scene, words: DigestWords) -> Iterator[Line]:
    """Every line that is true today, the title first, then what asks for a person, then how things stand."""

    def line(of: str, *, asks: bool = False, **values: object) -> Line:
        return Line(of, words.lines[of].format(**values), asks)

    program, groups = scene.catalogue.program, scene.groups
    yield line(
        "title",
        program=program.title,
        first=scene.day(scene.today - WEEK),
        last=scene.day(scene.today - timedelta(days=1)),
    )
    if scene.stopped_ms is not None:
        told, day = program.switched, scene.day_of(scene.stopped_ms)
        if told is None:
            yield line("stopped", asks=True, day=day)
        else:
            yield line("stopped_by", asks=True, day=day, by=told.by, why=told.why)
    yield _of_cases(scene, line)
    for of, names in (("silent", groups.silent), ("dormant", groups.dormant)):
        if names:
            yield line(of, asks=True, groups=_few(names, words))
    yield from _of_ends(scene, line)
    yield _of_groups(groups, words, line)
    if any(scene.meetings):
        held, missed, came = scene.meetings
        yield line("meetings", held=held, missed=missed, came=came)
    elif groups.seen.total():
        yield line("no_meetings")
    if any(scene.visits):
        yield line("visits", planned=scene.visits[0], done=scene.visits[1])
    if scene.budgets is not None and scene.budgets.funds:
        first = scene.budgets.funds[0]
        yield line(
            "money",
            payer=first.payer,
            period=first.period,
            left=money(first.left_minor, program.currency),
            limit=money(first.limit_minor, program.currency),
        )
    if scene.budgets is not None:
        spent = [row.of or "" for row in scene.budgets.advisers if row.left == 0]
        if spent:
            yield line("minutes", groups=_few(spent, words))


def _of_cases(scene: _Scene, line: _Make) -> Line:
    cases: Sequence[CaseSeen] = scene.cases.open
    if not cases:
        return line("no_case")
    if scene.cases.overdue:
        first = cases[0]
        return line(
            "overdue",
            asks=True,
            count=scene.cases.overdue,
            day=scene.day_of(first.recorded_at.timestamp() * 1000),
            role=first.role,
        )
    first = min(cases, key=lambda row: row.answer_by)
    due = scene.day_of(first.answer_by.timestamp() * 1000)
    return line("waiting", asks=True, count=len(cases), day=due, role=first.role)


def _of_ends(scene: _Scene, line: _Make) -> Iterator[Line]:
    """The site that ends next within three months, or where none does the one that ended this week."""
    sites = [row for row in scene.catalogue.sites.values() if row.ends_on is not None]
    near = [row for row in sites if when(row, scene.today) == "near"]
    over = [row for row in sites if row.ends_on and scene.today - WEEK <= row.ends_on < scene.today]
    for of, some in (("ends", near), ("ended", over)):
        if some:
            first = min(some, key=lambda row: (row.ends_on or date.max, row.id))
            day = scene.day(first.ends_on or date.max)
            yield line(of, asks=of == "ends", site=first.title, day=day, count=scene.groups.of_site[first.id])
            return


def _of_groups(groups: GroupsNow, words: DigestWords, line: _Make) -> Line:
    count = groups.seen.total()
    if not count:
        return line("no_groups")
    states = [words.states[state].format(count=groups.seen[state]) for state in STATES if groups.seen[state]]
    return line("groups", count=count, states=listed(states))


def _few(names: Sequence[str], words: DigestWords) -> str:
    if len(names) <= NAMED:
        return listed(names)
    return words.more.format(groups=listed(names[:NAMED]), more=len(names) - NAMED)


def _stopped_ms(conn: Connection, program_id: str, catalogue: Catalogue) -> int | None:
    """Since when the program is stopped; None where it is not."""
    if not catalogue.program.stopped:
        return None
    name = catalogue.program.id
    since = 0
    for thing, at_ms in reversed(setup.history(conn, program_id, "program", [name])[name]):
        if not getattr(thing, "stopped", False):
            break
        since = at_ms
    return since


def _met(
    conn: Connection, program_id: str, catalogue: Catalogue, names: Sequence[str], today: date
) -> _Meetings:
    """What was reported of the seven days before today: meetings by group and day, people once each."""
    zone = catalogue.program.time_zone
    from_ms, until_ms = midnight_ms(today - WEEK, zone), midnight_ms(today, zone)
    kinds = [MEETING_HELD.kind, ATTENDANCE.kind]
    rows = counting(signals.of_kinds_in(conn, program_id, kinds, names, from_ms, until_ms))
    said: Mapping[bool, set[tuple[str | None, date]]] = {True: set(), False: set()}
    people: set[str] = set()
    for row in rows:
        if not from_ms <= row.occurred_at < until_ms:
            continue
        meeting = (row.group_id, local_date(row.occurred_at, zone))
        if row.kind == MEETING_HELD.kind:
            said[bool(row.value)].add(meeting)
        elif row.value:
            said[True].add(meeting)
            people.add(row.unit_id)
    return _Meetings(len(said[True]), len(said[False] - said[True]), len(people))


def _visited(conn: Connection, program_id: str, week: str) -> tuple[int, int]:
    """(visits of the week that hold, those of them that were made)."""
    rows = [row for row in plans.visits_since(conn, program_id, week) if row.period == week]
    standing = standing_visits(conn, program_id, rows)
    said = decisions.answers(conn, program_id, [row.decision_id for row in standing])
    done = sum(bool(life) and life[-1].status == "done" for life in said.values())
    return len(standing), done
