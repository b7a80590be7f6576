"""Sheets that a program can download, change and send back: today's roster, and a register to fill in."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple, get_args, get_type_hints

from sqlalchemy import Connection

from engagement.errors import Invalid, NotFound
from engagement.signals.rhythm import Expected, expected
from engagement.signals.signal import Audience, may_see
from engagement.store import links, setup, units
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Barriers, Catalogue, Group, Member, Role
from engagement.strategy.standing import Revision, rhythms
from engagement.workflows.column_notes import COLUMNS as NOTES
from engagement.workflows.column_notes import DATES, WORDS
from engagement.workflows.register import ABOUT, Layout
from engagement.workflows.register import COLUMNS as REGISTER
from engagement.workflows.register import WORDS as REGISTER_WORDS
from engagement.workflows.roster import BARRIER, CHOICES, CONSENTS, LINKS
from engagement.workflows.roster import COLUMNS as ROSTER
from engagement.workflows.sheet import MOST_LINES
from engagement.workflows.sheet_written import Column, Filled, Notes, Value

PAGE = 500
YES_NO = (*CONSENTS, "can_read")


class RosterWanted(NamedTuple):
    """Whose roster: of one site, one group, or with both empty of the whole program; and who will read it."""

    site: str
    group: str
    audience: Audience = "staff"


class RegisterWanted(NamedTuple):
    """Whose register, of which month (its first day, None for the present one), and in which layout."""

    site: str
    group: str
    month: date | None
    layout: Layout


class _Place(NamedTuple):
    """A group that has not ended, with who sits in it today."""

    group: Group
    seats: tuple[Seated, ...]


def roster_sheet(conn: Connection, kept: Kept, program_id: str, wanted: RosterWanted, now_ms: int) -> Filled:
    """Today's roster, of groups that have not ended: sent back unchanged it changes nothing."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    places = _places(conn, program_id, wanted, catalogue, today)
    names = [seat.member for place in places for seat in place.seats]
    _bounded(len(names))
    people = units.members(conn, program_id, names, today)
    linked = links.links_of(conn, program_id, "group", [place.group.id for place in places])
    rows = []
    for group, seats in places:
        to = {
            column: links.linked_on(linked.get(group.id, ()), relation, today)
            for column, relation in LINKS.items()
        }
        for seat in seats:
            member = people[seat.member].member
            shared = may_see(member.consent.reader(wanted.audience), "health_worker")
            own = _of_member(member)
            said = {**_of_group(group), **to, **_of_seat(seat), **(own if shared else dict.fromkeys(own))}
            rows.append(tuple(said[column] for column in ROSTER))
    choices = {
        "setting": get_args(get_type_hints(Group)["setting"]),
        "role": get_args(Role),
        "site": tuple(sorted(catalogue.sites)),
        **CHOICES,
    }
    dated = ("joined_on", "barriers_checked_on")
    return _filled("roster", tuple(ROSTER), ("group", "member", "seat"), choices, dated, rows, catalogue)


def _of_group(group: Group) -> dict[str, Value]:
    return {
        "group": group.id,
        "site": group.site,
        "setting": group.setting,
        "group_language": group.language,
    }


def _of_seat(seat: Seated) -> dict[str, Value]:
    return {"member": seat.member, "seat": seat.seat, "role": seat.role, "joined_on": seat.starts_on}


def _of_member(member: Member) -> dict[str, Value]:
    barriers = {
        BARRIER + name: None if (said := getattr(member.barriers, name)) == "unknown" else said
        for name in Barriers.__struct_fields__
    }
    return {
        "language": member.language,
        **{name: _yes_no(getattr(member.consent, name)) for name in CONSENTS},
        **barriers,
        "barriers_checked_on": member.barriers_checked_on,
        "conditions": " ".join(member.conditions) or None,
        "channel": member.channel,
        "phone_kind": member.phone,
        "sex": member.sex,
        "age_band": member.age_band,
        "can_read": _yes_no(member.can_read),
        "neighbourhood": member.neighbourhood,
    }


def _yes_no(answer: bool | None) -> str | None:
    return None if answer is None else "yes" if answer else "no"


def register_sheet(
    conn: Connection, kept: Kept, program_id: str, wanted: RegisterWanted, now_ms: int
) -> Filled:
    """A register with groups, seats and the days on which meetings are expected in a month, to be filled in.

    A group that may meet on any day of the month has its last day there, to be put right.
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    first = (wanted.month or today).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    places = [
        place for place in _places(conn, program_id, wanted, catalogue, today) if place.group.type == "local"
    ]
    days = _expected(conn, program_id, [place.group.id for place in places], first, last, catalogue)
    columns = tuple(REGISTER[wanted.layout])
    blank = (None,) * (len(columns) - (3 if wanted.layout == "seat" else 2))
    rows: list[tuple[Value, ...]] = []
    for group, seats in places:
        for meeting in days[group.id]:
            if wanted.layout == "seat":
                rows += [(group.id, meeting.on, seat.seat, *blank) for seat in seats]
            else:
                rows.append((group.id, meeting.on, *blank))
    _bounded(len(rows))
    if wanted.layout == "seat":
        fixed: tuple[str, ...] = ("group", "seat")
        choices = {"goal_set": ("no", *ABOUT), "goal": tuple(REGISTER_WORDS["goal"])}
        yes_no: tuple[str, ...] = ("came",)
    else:
        fixed, choices, yes_no = ("group",), {"held": ("yes", "no", "postponed")}, ()
    return _filled("register", columns, fixed, choices, ("date",), rows, catalogue, yes_no)


def _expected(
    conn: Connection, program_id: str, names: Sequence[str], first: date, last: date, catalogue: Catalogue
) -> dict[str, list[Expected]]:
    """The meetings expected from one day to another, by group."""
    out = {}
    for name, told in setup.history(conn, program_id, "group", names).items():
        revisions = [
            Revision(thing, local_date(moment, catalogue.program.time_zone))
            for thing, moment in told
            if isinstance(thing, Group)
        ]
        planned = expected(rhythms(revisions, first), last)
        out[name] = [meeting for meeting in planned if meeting.on >= first]
    return out


def _places(
    conn: Connection,
    program_id: str,
    wanted: RosterWanted | RegisterWanted,
    catalogue: Catalogue,
    today: date,
) -> list[_Place]:
    """The groups that are meant, in order of id, each with its members by seat."""
    site, group = wanted.site, wanted.group
    if site and site not in catalogue.sites:
        raise NotFound(f"there is no site `{site}` in this program")
    groups: list[Group] = []
    after = ""
    while page := setup.page(conn, program_id, "group", after, PAGE):
        groups += [row.thing for row in page if isinstance(row.thing, Group)]
        after = page[-1].thing.id
    if group and group not in {row.id for row in groups}:
        raise NotFound(f"there is no group `{group}` in this program")
    meant = [
        row
        for row in groups
        if not row.ended and (not site or row.site == site) and (not group or row.id == group)
    ]
    ever = setup.memberships_of_groups(conn, program_id, [row.id for row in meant])
    seats: dict[str | None, list[Seated]] = {}
    for seated in setup.memberships_on(
        conn, program_id, sorted({row.member for row in ever}), today
    ).values():
        seats.setdefault(seated.group, []).append(seated)
    return [_Place(row, tuple(sorted(seats.get(row.id, ()), key=lambda one: one.seat or 0))) for row in meant]


def _bounded(lines: int) -> None:
    if lines > MOST_LINES:
        raise Invalid(
            f"these are {lines} lines, and a sheet that is sent back has at most {MOST_LINES}: ask for one "
            "`site` or one `group`, or for a register of one line a meeting"
        )


def _filled(
    title: str,
    columns: Sequence[str],
    fixed: Sequence[str],
    choices: dict[str, tuple[str, ...]],
    dated: Sequence[str],
    rows: Sequence[tuple[Value, ...]],
    catalogue: Catalogue,
    yes_no: Sequence[str] = YES_NO,
) -> Filled:
    """The sheet with its notes in the program's language, or in English where that is missing."""
    program = catalogue.program
    language = program.language if program.language in WORDS else "en"
    words, english = WORDS[language], WORDS["en"]
    own = tuple(dict.fromkeys((english.yes, english.no, words.yes, words.no)))
    return Filled(
        title,
        tuple(
            Column(
                name,
                NOTES[language][name],
                own if name in yes_no else tuple(choices.get(name, ())),
                name in fixed,
                name in dated,
            )
            for name in columns
        ),
        tuple(rows),
        Notes(
            words.title,
            (words.column, words.meaning, words.choices),
            tuple(line.format(dates=DATES[language][program.dates]) for line in words.advice),
        ),
        program.dates,
    )
