"""A roster from CSV: groups, members and seats, line by line.

A bad line is reported with its number and column and harms no other; importing the same file twice
changes nothing.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from engagement.errors import EngagementError, Invalid
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue, Consent, Group, Member, Membership
from engagement.workflows.revise import revise

COLUMNS = {
    "group": "the group's id, required",
    "member": "the member's id (a pseudonym), required",
    "seat": "the small number on the group's register, required",
    "site": "the site's id; not needed when the program has one site only",
    "setting": "urban, rural or unknown",
    "group_language": "the group's language, such as en, hi, te",
    "role": "member, adviser or deputy",
    "language": "the member's own language, where it is another",
    "joined_on": "year-month-day; today when empty",
    "messages": "yes or no: may be recommended anything",
    "chance": "yes or no: the choice may be partly by chance",
    "my_signals": "yes or no: own signals may choose for them",
    "health_worker": "yes or no: sharing with the health worker",
}
"""What a roster may hold. Nothing else is read, and nothing else is stored."""
CONSENTS = ("messages", "chance", "my_signals", "health_worker")
YES_NO = {
    "yes": True,
    "y": True,
    "1": True,
    "true": True,
    "no": False,
    "n": False,
    "0": False,
    "false": False,
}
MOST_LINES = 1_000

T = TypeVar("T")


class Refused(msgspec.Struct, frozen=True):
    """A line that was not stored, where it is wrong, and how to mend it."""

    line: int
    column: str | None
    problem: str


class RosterReport(msgspec.Struct, frozen=True):
    """What became of a roster: lines stored, lines that changed nothing, lines refused."""

    lines: int
    stored: int
    unchanged: int
    refused: tuple[Refused, ...]
    ignored_columns: tuple[str, ...]


class _Line(NamedTuple):
    number: int
    group: Group
    member: Member
    seat: Membership


class _FlawError(Exception):
    """A cell that cannot be used."""

    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem


def import_roster(conn: Connection, kept: Kept, program_id: str, content: str, now_ms: int) -> RosterReport:
    """Stores what a CSV text says, with header line, separated by commas."""
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")))
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in ("group", "member", "seat") if name not in header]
    if missing:
        raise Invalid(
            f"the first line must name the columns: `{missing[0]}` is missing of {', '.join(COLUMNS)}"
        )
    reader.fieldnames = header
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    refused: list[Refused] = []
    lines: list[_Line] = []
    count = 0
    for row in reader:
        count += 1
        if count > MOST_LINES:
            raise Invalid(f"a roster has at most {MOST_LINES} lines; send it in parts")
        try:
            lines.append(_read(row, reader.line_num, catalogue, today))
        except _FlawError as flaw:
            refused.append(Refused(reader.line_num, flaw.column, flaw.problem))
    stored = _store(conn, kept, program_id, lines, refused, now_ms)
    return RosterReport(
        lines=count,
        stored=stored,
        unchanged=count - stored - len(refused),
        refused=tuple(sorted(refused, key=lambda flaw: flaw.line)),
        ignored_columns=tuple(name for name in header if name and name not in COLUMNS),
    )


def _read(row: dict[str, str | None], number: int, catalogue: Catalogue, today: date) -> _Line:
    """One line as a group, a member and a seat."""
    cells = {name: (value or "").strip() for name, value in row.items() if isinstance(value, str)}
    if None in row:
        raise _FlawError(None, "the line has more cells than the first line has columns")
    for column in ("group", "member", "seat"):
        if not cells.get(column):
            raise _FlawError(column, f"`{column}` is empty")
    group = {
        "id": _id(cells, "group"),
        "site": _site(cells, catalogue),
        "setting": cells.get("setting", "").lower() or "unknown",
        "language": cells.get("group_language", "").lower() or None,
    }
    joined = _date(cells, today)
    consent = {name: _yes_no(cells, name) for name in CONSENTS if cells.get(name)}
    member = {"id": _id(cells, "member"), "language": cells.get("language", "").lower() or None}
    seat = {
        "member": member["id"],
        "group": group["id"],
        "seat": _seat(cells),
        "role": cells.get("role", "").lower() or "member",
        "starts_on": joined,
    }
    return _Line(
        number,
        _converted(group, Group),
        msgspec.structs.replace(_converted(member, Member), consent=_converted(consent, Consent)),
        _converted(seat, Membership),
    )


def _converted(values: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as flaw:
        problem, _, path = str(flaw).partition(" - at `$.")
        raise _FlawError(path.rstrip("`") or None, problem) from flaw


def _id(cells: dict[str, str], column: str) -> str:
    name = cells[column]
    digits = sum(character.isdigit() for character in name)
    if "@" in name or (digits >= 10 and not any(character.isalpha() for character in name)):
        raise _FlawError(
            column, "looks like a phone number, an identity number or an address; use a pseudonym"
        )
    return name


def _site(cells: dict[str, str], catalogue: Catalogue) -> str:
    name = cells.get("site") or (next(iter(catalogue.sites)) if len(catalogue.sites) == 1 else "")
    if name not in catalogue.sites:
        known = ", ".join(sorted(catalogue.sites)) or "none yet"
        raise _FlawError("site", f"there is no site `{name}`; there are: {known}")
    return name


def _date(cells: dict[str, str], today: date) -> date:
    written = cells.get("joined_on", "")
    if not written:
        return today
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise _FlawError(
            "joined_on", f"`{written[:20]}` is not a date; write year-month-day, such as 2026-03-31"
        ) from None


def _seat(cells: dict[str, str]) -> int:
    try:
        return int(cells["seat"])
    except ValueError:
        raise _FlawError("seat", f"`{cells['seat'][:20]}` is not a whole number") from None


def _yes_no(cells: dict[str, str], column: str) -> bool:
    answer = YES_NO.get(cells[column].lower())
    if answer is None:
        raise _FlawError(column, f"`{cells[column][:20]}` is neither yes nor no")
    return answer


def _store(
    conn: Connection, kept: Kept, program_id: str, lines: Sequence[_Line], refused: list[Refused], now_ms: int
) -> int:
    """Stores the sound lines; adds those that do not fit what is there to `refused`. Returns lines stored."""
    groups = sorted({line.group.id for line in lines})
    taken = {
        (seated.group, seated.seat): seated.member
        for seated in setup.memberships_of_groups(conn, program_id, groups)
    }
    past = setup.memberships_of(conn, program_id, sorted({line.member.id for line in lines}))
    known = setup.newest(conn, program_id, "member", sorted(past))
    known_groups = setup.newest(conn, program_id, "group", groups)
    fitting: list[_Line] = []
    first_of_group: dict[str, _Line] = {}
    members_seen: dict[str, int] = {}
    for line in lines:
        flaw = _misfit(line, taken, first_of_group, members_seen)
        if flaw is not None:
            refused.append(flaw)
            continue
        taken[line.group.id, line.seat.seat] = line.member.id
        first_of_group.setdefault(line.group.id, line)
        members_seen[line.member.id] = line.number
        fitting.append(line)
    seats = [line.seat for line in fitting if not _sits(line.seat, past[line.member.id])]
    groups_now = [line.group for line in first_of_group.values()]
    for result in revise(conn, kept, program_id, [*groups_now, *(line.member for line in fitting)], now_ms):
        if isinstance(result, EngagementError):
            raise result
    setup.add_memberships(conn, program_id, seats, now_ms)
    seated = {seat.member for seat in seats}
    changed = {
        line.member.id
        for line in fitting
        if line.member.id not in known or known[line.member.id].thing != line.member
    }
    regrouped = {
        name
        for name, line in first_of_group.items()
        if name not in known_groups or known_groups[name].thing != line.group
    }
    return sum(
        line.member.id in seated or line.member.id in changed or line.group.id in regrouped
        for line in fitting
    )


def _misfit(
    line: _Line,
    taken: dict[tuple[str | None, int | None], str],
    first_of_group: dict[str, _Line],
    members_seen: dict[str, int],
) -> Refused | None:
    """Why a sound line does not fit the others or what is stored."""
    holder = taken.get((line.group.id, line.seat.seat))
    if holder not in (None, line.member.id):
        return Refused(
            line.number,
            "seat",
            f"seat {line.seat.seat} of `{line.group.id}` belongs to another member; seats are never reused",
        )
    if line.member.id in members_seen:
        return Refused(
            line.number, "member", f"the member stands in line {members_seen[line.member.id]} already"
        )
    first = first_of_group.get(line.group.id)
    if first is not None and first.group != line.group:
        return Refused(
            line.number,
            "group",
            f"says of `{line.group.id}` something else than line {first.number} (site, setting or language)",
        )
    return None


def _sits(seat: Membership, past: Sequence[Seated]) -> bool:
    """Whether the member already sits there on that day, in that role."""
    before = [row for row in past if row.starts_on <= seat.starts_on]
    if not before:
        return False
    now = before[-1]
    return (now.group, now.seat, now.role) == (seat.group, seat.seat, seat.role)
