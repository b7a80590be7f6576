"""A roster from a sheet: groups, members and seats, line by line.

A bad line is reported with its number and column and harms no other; importing the same file twice
changes nothing. An empty cell leaves what is stored as it is. A roster that comes in again gives
nobody's consent back and seats nobody again who has left.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar, get_args

import msgspec
from sqlalchemy import Connection

from engagement.errors import EngagementError
from engagement.store import links, merges, setup, units
from engagement.store.kept import Kept
from engagement.store.merges import Merged
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import (
    Barriers,
    Catalogue,
    Channel,
    Condition,
    Consent,
    Group,
    Link,
    Member,
    Membership,
    Relation,
    YesNo,
)
from engagement.strategy.stratum import AgeBand, Phone, Sex
from engagement.workflows.revise import revise
from engagement.workflows.sheet import (
    YES_NO,
    Cells,
    FlawError,
    Refused,
    Sheet,
    addressed,
    day,
    header,
    must_say,
    not_read,
    pseudonym,
    read_lines,
    to_fix,
    whole_number,
    yes_no,
)
from engagement.workflows.sheet_file import opened

COLUMNS = {
    "group": "the group's id, required",
    "member": "the member's id (a pseudonym), required",
    "seat": "the small number on the group's register, required",
    "site": "the site's id; needed for a new group of a program with several sites",
    "setting": "urban, rural or unknown",
    "group_language": "the group's language, such as en, hi, te",
    "catchment": "the catchment the group belongs to, from today",
    "group_health_worker": "the id of the health worker the group is linked to, from today",
    "role": "member, adviser or deputy",
    "language": "the member's own language, where it is another",
    "joined_on": "a date; today when empty",
    "messages": "yes or no: may be recommended anything",
    "chance": "yes or no: the choice may be partly by chance",
    "my_signals": "yes or no: own signals may choose for them",
    "health_worker": "yes or no: sharing with the health worker",
    "barrier_money": "yes, no or unknown: money keeps the member away",
    "barrier_motivation": "yes, no or unknown: lacks the drive to control the disease",
    "barrier_awareness": "yes, no or unknown: does not know why it matters",
    "barrier_time": "yes, no or unknown: has no time",
    "barrier_sabotage": "yes, no or unknown: family or friends undermine it",
    "barriers_checked_on": "the day of the check, needed with a barrier",
    "conditions": "diabetes, hypertension, obesity_surgery or other; several with blanks between",
    "channel": "adviser, voice, sms or app",
    "phone_kind": "none, shared, basic or smart; never a number",
    "sex": "female, male or other",
    "age_band": "18-29, 30-39, 40-49, 50-59, 60-69 or 70+",
    "can_read": "yes or no",
    "neighbourhood": "a short code of the program's own, such as W-12",
}
"""What a roster may hold. Nothing else is read, and nothing else is stored."""
GROUP_FIELDS = {"site": "site", "setting": "setting", "group_language": "language"}
"""What a line may say of its group: column and field."""
LINKS: dict[str, Relation] = {"catchment": "catchment", "group_health_worker": "health_worker"}
"""What a line may link its group to: column and relation."""
BARRIER = "barrier_"
CHOICES: dict[str, tuple[str, ...]] = {
    "channel": get_args(Channel),
    "phone_kind": get_args(Phone),
    "sex": get_args(Sex),
    "age_band": get_args(AgeBand),
    **{BARRIER + name: get_args(YesNo) for name in Barriers.__struct_fields__},
}
"""What a cell of these columns may say."""
MEMBER_FIELDS = {
    "language": "language",
    "barriers_checked_on": "barriers_checked_on",
    "conditions": "conditions",
    "channel": "channel",
    "phone_kind": "phone",
    "sex": "sex",
    "age_band": "age_band",
    "can_read": "can_read",
    "neighbourhood": "neighbourhood",
}
"""What a line may say of its member, beside consents and barriers: column and field."""
CONSENTS = ("messages", "chance", "my_signals", "health_worker")
NEEDED = ("group", "member", "seat")

T = TypeVar("T")


class RosterReport(msgspec.Struct, frozen=True):
    """What became of a roster: lines stored, lines that changed nothing, lines refused.

    to_fix : the cells to mend, in one sentence; empty where nothing was refused
    """

    lines: int
    stored: int
    unchanged: int
    refused: tuple[Refused, ...]
    ignored_columns: tuple[str, ...]
    to_fix: str = ""


class _Line(NamedTuple):
    """A sound line. said : the columns that are not empty; for the others there are defaults here.

    links : of the group, by column
    """

    number: int
    group: Group
    member: Member
    seat: Membership
    links: dict[str, Link]
    said: frozenset[str]

    def of_group(self, column: str) -> object:
        """What the line says of its group in a column."""
        return self.links.get(column) if column in LINKS else getattr(self.group, GROUP_FIELDS[column])


def import_roster(
    conn: Connection, kept: Kept, program_id: str, content: str | Sheet, now_ms: int
) -> RosterReport:
    """Stores what a sheet says, or a text of one, with a line that names the columns."""
    sheet = content if isinstance(content, Sheet) else opened(content)
    header(sheet, COLUMNS, NEEDED)
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    count, sound, refused = read_lines(
        sheet, "a roster", COLUMNS, lambda cells, number: _read(cells, number, catalogue, today)
    )
    stored = _store(conn, kept, program_id, catalogue, sound, refused, now_ms)
    flaws = addressed(sheet, refused)
    return RosterReport(
        lines=count,
        stored=stored,
        unchanged=count - stored - len(refused),
        refused=flaws,
        ignored_columns=not_read(sheet, COLUMNS),
        to_fix=to_fix(flaws),
    )


def _read(cells: Cells, number: int, catalogue: Catalogue, today: date) -> _Line:
    """One line as a group, a member and a seat."""
    must_say(cells, NEEDED)
    group = {
        "id": pseudonym(cells, "group"),
        "site": _site(cells, catalogue),
        "setting": cells.get("setting", "").lower() or "unknown",
        "language": cells.get("group_language", "").lower() or None,
    }
    joined = _date(cells, "joined_on", catalogue) or today
    consent = Consent(**{name: yes_no(cells, name) for name in CONSENTS if cells.get(name)})
    member = {"id": pseudonym(cells, "member"), **_of_member(cells, catalogue)}
    seat = {
        "member": member["id"],
        "group": group["id"],
        "seat": whole_number(cells["seat"], "seat"),
        "role": cells.get("role", "").lower() or "member",
        "starts_on": joined,
    }
    return _Line(
        number,
        _converted(group, Group, {"id": "group", "language": "group_language"}),
        msgspec.structs.replace(_converted(member, Member, {"id": "member"}), consent=consent),
        _converted(seat, Membership, {}),
        _links(cells, today),
        frozenset(name for name, cell in cells.items() if cell),
    )


def _converted(values: object, kind: type[T], columns: Mapping[str, str]) -> T:
    """The values as a thing. columns : for fields that are not named like their column, that column."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as flaw:
        problem, _, path = str(flaw).partition(" - at `$.")
        field = path.rstrip("`")
        raise FlawError(columns.get(field, field) or None, problem) from flaw


def _site(cells: Cells, catalogue: Catalogue) -> str:
    name = cells.get("site") or min(catalogue.sites, default="")  # of several: see `_site_flaw`
    if name not in catalogue.sites:
        known = ", ".join(sorted(catalogue.sites)) or "none yet"
        raise FlawError("site", f"there is no site `{name}`; there are: {known}")
    return name


def _links(cells: Cells, today: date) -> dict[str, Link]:
    """What the line links its group to, by column."""
    said = {
        column: {"relation": relation, "starts_on": today, "to": pseudonym(cells, column)}
        for column, relation in LINKS.items()
        if cells.get(column)
    }
    return {column: _converted(values, Link, {"to": column}) for column, values in said.items()}


def _of_member(cells: Cells, catalogue: Catalogue) -> dict[str, object]:
    """What the line says of its member, by field."""
    said = {name: _choice(cells, name) for name in CHOICES if cells.get(name)}
    barriers = {name.removeprefix(BARRIER): cell for name, cell in said.items() if name.startswith(BARRIER)}
    if barriers and not cells.get("barriers_checked_on"):
        raise FlawError("barriers_checked_on", "barriers come from a check: write its day")
    return {
        "language": cells.get("language", "").lower() or None,
        "barriers": barriers,
        "barriers_checked_on": _date(cells, "barriers_checked_on", catalogue),
        "conditions": _conditions(cells),
        **{MEMBER_FIELDS[name]: cell for name, cell in said.items() if name in MEMBER_FIELDS},
        "can_read": yes_no(cells, "can_read") if cells.get("can_read") else None,
        "neighbourhood": cells.get("neighbourhood", "").upper() or None,
    }


def _conditions(cells: Cells) -> list[str]:
    named = cells.get("conditions", "").lower().replace(";", " ").replace(",", " ").split()
    for name in named:
        if name not in get_args(Condition) or named.count(name) > 1:
            known = ", ".join(get_args(Condition))
            raise FlawError("conditions", f"`{name[:20]}` is not one of {known}, each named once")
    return named


def _choice(cells: Cells, column: str) -> str:
    cell = cells[column].lower()
    if column.startswith(BARRIER) and cell in YES_NO:
        return "yes" if YES_NO[cell] else "no"
    if cell not in CHOICES[column]:
        raise FlawError(column, f"`{cell[:20]}` is none of {', '.join(CHOICES[column])}")
    return cell


def _date(cells: Cells, column: str, catalogue: Catalogue) -> date | None:
    return day(cells, column, catalogue.program.dates) if cells.get(column) else None


def _store(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    lines: Sequence[_Line],
    refused: list[Refused],
    now_ms: int,
) -> int:
    """Stores the sound lines; adds those that do not fit what is there to `refused`. Returns lines stored."""
    names = sorted({line.member.id for line in lines})
    places = sorted({line.group.id for line in lines})
    units.lock_tallies(conn, program_id, "member", names)
    units.lock_tallies(conn, program_id, "group", places)
    taken = {
        (seated.group, seated.seat): seated.member
        for seated in setup.memberships_of_groups(conn, program_id, places)
    }
    past = setup.memberships_of(conn, program_id, names)
    persons = merges.merged(conn, program_id, names)
    known_members = _things(conn, program_id, "member", names, Member)
    known_groups = _things(conn, program_id, "group", places, Group)
    workers = sorted({str(link.to) for line in lines for link in line.links.values()})
    known_workers = setup.newest(conn, program_id, "health_worker", workers)
    fitting: dict[str, _Line] = {}
    told: dict[tuple[str, str], _Line] = {}
    groups: dict[str, Group] = {}
    for line in lines:
        name, group = line.member.id, line.group.id
        flaw = (
            _merge_flaw(line, persons)
            or _seat_flaw(line, taken, past[name])
            or _member_flaw(line, known_members.get(name), fitting.get(name))
            or _group_flaw(line, told)
            or _site_flaw(line, catalogue, known_groups.keys() | groups.keys())
            or _link_flaw(line, known_workers)
        )
        if flaw is not None:
            refused.append(flaw)
            continue
        fitting[name] = line
        taken[group, line.seat.seat] = name
        told |= {(group, column): line for column in (*GROUP_FIELDS, *LINKS) if column in line.said}
        groups[group] = _group(line, groups.get(group) or known_groups.get(group))
    members = {name: _member(line, known_members.get(name)) for name, line in fitting.items()}
    for result in revise(conn, kept, program_id, [*groups.values(), *members.values()], now_ms):
        if isinstance(result, EngagementError):
            raise result
    seats = {name: line.seat for name, line in fitting.items() if not _sits(line.seat, past[name])}
    setup.add_memberships(conn, program_id, list(seats.values()), now_ms)
    linked = _new_links(conn, program_id, list(fitting.values()))
    links.add_links(conn, program_id, "group", sorted(linked, key=str), now_ms)
    return sum(
        name in seats
        or any((line.group.id, link) in linked for link in line.links.values())
        or known_members.get(name) != members[name]
        or known_groups.get(line.group.id) != groups[line.group.id]
        for name, line in fitting.items()
    )


def _new_links(conn: Connection, program_id: str, lines: Sequence[_Line]) -> set[tuple[str, Link]]:
    """(group, link) of those that do not hold already on their day."""
    held = links.links_of(conn, program_id, "group", sorted({line.group.id for line in lines}))
    return {
        (line.group.id, link)
        for line in lines
        for link in line.links.values()
        if links.linked_on(held.get(line.group.id, ()), link.relation, link.starts_on) != link.to
    }


def _things(
    conn: Connection, program_id: str, noun: str, names: Sequence[str], kind: type[T]
) -> dict[str, T]:
    """What is stored under these names."""
    found = setup.newest(conn, program_id, noun, names)
    return {name: row.thing for name, row in found.items() if isinstance(row.thing, kind)}


def _group(line: _Line, stored: Group | None) -> Group:
    """The group as the line says; what it leaves open stays as it is."""
    if stored is None:
        return line.group
    said = {
        field: getattr(line.group, field) for column, field in GROUP_FIELDS.items() if column in line.said
    }
    return msgspec.structs.replace(stored, **said)


def _member(line: _Line, stored: Member | None) -> Member:
    """The member as the line says; what it leaves open stays as it is."""
    if stored is None:
        return line.member
    consents = {name: getattr(line.member.consent, name) for name in CONSENTS if name in line.said}
    barriers = {
        name: getattr(line.member.barriers, name)
        for name in Barriers.__struct_fields__
        if BARRIER + name in line.said
    }
    return msgspec.structs.replace(
        stored,
        consent=msgspec.structs.replace(stored.consent, **consents),
        barriers=msgspec.structs.replace(stored.barriers, **barriers),
        **{field: getattr(line.member, field) for name, field in MEMBER_FIELDS.items() if name in line.said},
    )


def _merge_flaw(line: _Line, persons: Mapping[str, Merged]) -> Refused | None:
    """Why the member is no longer spoken of under this id."""
    merge = persons.get(line.member.id)
    if merge is None:
        return None
    return Refused(
        line.number, "member", f"`{line.member.id}` was merged into `{merge.into}`; write that one"
    )


def _seat_flaw(
    line: _Line, taken: Mapping[tuple[str | None, int | None], str], past: Sequence[Seated]
) -> Refused | None:
    """Why the member cannot take that seat."""
    if taken.get((line.group.id, line.seat.seat), line.member.id) != line.member.id:
        return Refused(
            line.number,
            "seat",
            f"seat {line.seat.seat} of `{line.group.id}` belongs to another member; seats are never reused",
        )
    before = [row for row in past if row.starts_on <= line.seat.starts_on]
    if before and before[-1].group is None and "joined_on" not in line.said:
        return Refused(
            line.number,
            "joined_on",
            f"the member left on {before[-1].starts_on}; to seat them again, write the day they came back",
        )
    return None


def _member_flaw(line: _Line, stored: Member | None, earlier: _Line | None) -> Refused | None:
    """Why the line cannot be said of the member."""
    if earlier is not None:
        return Refused(line.number, "member", f"the member stands in line {earlier.number} already")
    withdrawn = stored is not None and not stored.consent.messages
    if withdrawn and "messages" in line.said and line.member.consent.messages:
        return Refused(
            line.number,
            "messages",
            "the member is recorded as wanting no messages; if they changed their mind, change the member, "
            "not the roster",
        )
    return None


def _group_flaw(line: _Line, told: Mapping[tuple[str, str], _Line]) -> Refused | None:
    """Where the line says something else of its group than an earlier one."""
    for column in (*GROUP_FIELDS, *LINKS):
        earlier = told.get((line.group.id, column), line)
        if column in line.said and earlier.of_group(column) != line.of_group(column):
            return Refused(
                line.number,
                column,
                f"line {earlier.number} says something else of `{line.group.id}`",
            )
    return None


def _site_flaw(line: _Line, catalogue: Catalogue, known: Collection[str]) -> Refused | None:
    """Why nobody knows where the line's group is. known : groups whose site is known"""
    if "site" in line.said or len(catalogue.sites) == 1 or line.group.id in known:
        return None
    sites = ", ".join(sorted(catalogue.sites))
    return Refused(line.number, "site", f"`{line.group.id}` is new: write its site, one of {sites}")


def _link_flaw(line: _Line, known_workers: Collection[str]) -> Refused | None:
    """Where the line names a health worker who is not there."""
    link = line.links.get("group_health_worker")
    if link is not None and link.to not in known_workers:
        return Refused(
            line.number, "group_health_worker", f"there is no health worker `{link.to}`; create it first"
        )
    return None


def _sits(seat: Membership, past: Sequence[Seated]) -> bool:
    """Whether the member already sits there on that day, in that role."""
    before = [row for row in past if row.starts_on <= seat.starts_on]
    if not before:
        return False
    now = before[-1]
    return (now.group, now.seat, now.role) == (seat.group, seat.seat, seat.role)
