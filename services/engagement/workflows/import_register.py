"""A meeting register becomes signals: seats are members on the meeting's day, a changed line is a correction.

The id of a report follows from group, day, seat and kind, so that a register imported twice changes
nothing. Where a later register says something else, the report that it replaces is corrected under the
same id with a number behind it; what somebody corrected elsewhere meanwhile stands until the register
itself changes. An empty cell leaves what is stored as it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice, takewhile
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake
from engagement.signals.corrections import Key
from engagement.store import setup, units
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.workflows.ingest import Receipt, Signal, ingest
from engagement.workflows.register import Layout, Line, Register, read_register
from engagement.workflows.roll_call import Roll, Told, line_flaw, seat_flaws, told
from engagement.workflows.sheet import Refused, Sheet, addressed, refusals_in_words, to_fix
from engagement.workflows.tallies import key, kin, target

SOURCE = "register"
CUT = 256
"""Reports in one transaction."""
Answer = Literal["stored", "corrected", "unchanged"] | Mistake


class RegisterReport(msgspec.Struct, frozen=True):
    """What became of a register.

    stored : lines that told something new      unchanged : lines that told nothing new
    refused : lines that were not stored, and single seats of lines whose rest was
    signals : new reports, of which `corrected` replace or take back an earlier one
    ignored_columns : columns that are not read
    to_fix : the cells to mend, in one sentence; empty where nothing was refused
    """

    layout: Layout
    lines: int
    stored: int
    unchanged: int
    signals: int
    corrected: int
    refused: tuple[Refused, ...]
    ignored_columns: tuple[str, ...]
    to_fix: str = ""


class Plan(NamedTuple):
    """A register that can be stored. lines : those whose meeting can be; refused : everything that cannot"""

    register: Register
    roll: Roll
    lines: tuple[Line, ...]
    refused: tuple[Refused, ...]


class Part(NamedTuple):
    """What became of some of what was told. lines : those that told something new"""

    lines: frozenset[int]
    signals: int
    corrected: int
    refused: tuple[Refused, ...]


def import_register(
    db: Database, kept: Kept, program_id: str, content: str | Sheet, now_ms: int
) -> RegisterReport:
    """Stores what a sheet says, or a text of one, in transactions of at most 256 reports."""
    with db.read(program_id) as conn:
        plan = plan_register(conn, kept, program_id, content, now_ms)
    parts = []
    for cut in cuts(plan):
        with db.write(program_id) as conn:
            parts.append(part(cut, record(conn, kept, program_id, cut, now_ms)))
    return report(plan, parts)


def plan_register(conn: Connection, kept: Kept, program_id: str, content: str | Sheet, now_ms: int) -> Plan:
    """Reads a register and finds all that is wrong with it, without writing anything."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    register = read_register(content, catalogue.program.dates)
    groups = sorted({line.group for line in register.lines})
    roll = roll_of(conn, program_id, groups, catalogue.program.time_zone)
    lines, refused = [], list(register.refused)
    for line in register.lines:
        flaw = line_flaw(line, roll, now_ms)
        if flaw is None:
            lines.append(line)
            refused += seat_flaws(line, roll)
        else:
            refused.append(flaw)
    return Plan(register, roll, tuple(lines), tuple(refused))


def roll_of(conn: Connection, program_id: str, groups: Sequence[str], time_zone: str) -> Roll:
    """Who ever sat where in these groups; those that do not exist are left out."""
    known = setup.newest(conn, program_id, "group", groups)
    holders: dict[str, dict[int, str]] = {name: {} for name in known}
    for row in setup.memberships_of_groups(conn, program_id, groups):
        if row.group is not None and row.seat is not None:
            holders[row.group][row.seat] = row.member
    people = sorted({member for seats in holders.values() for member in seats.values()})
    return Roll(holders, setup.memberships_of(conn, program_id, people), time_zone)


def cuts(plan: Plan) -> Iterator[list[Told]]:
    """Everything that a register tells, in parts that fit one transaction."""
    found = told(plan.lines, plan.roll)
    while cut := list(islice(found, CUT)):
        yield cut


def record(conn: Connection, kept: Kept, program_id: str, told: Sequence[Told], now_ms: int) -> list[Answer]:
    """Stores what is new of what is told; each gets what became of it, or its own error."""
    units.lock_tallies(conn, program_id, "member", sorted({one.member for one in told if one.member}))
    units.lock_tallies(conn, program_id, "group", sorted({one.group for one in told}))
    known = kin(conn, program_id, [(SOURCE, one.id) for one in told])
    corrections: dict[Key | None, list[Key]] = defaultdict(list)
    for row in known.values():
        corrections[target(row)].append(key(row))
    signals = [_signal(one, known, corrections) for one in told]
    fresh = [signal for signal in signals if signal is not None]
    results = iter(ingest(conn, kept, program_id, fresh, now_ms))
    return ["unchanged" if signal is None else _answer(signal, next(results)) for signal in signals]


def _signal(
    one: Told, known: Mapping[Key, Recorded], corrections: Mapping[Key | None, Sequence[Key]]
) -> Signal | None:
    """The report to be stored, or None when the last register that spoke of this said the same.

    corrections : names of those known, by the name of what they correct
    """
    said = list(takewhile(known.__contains__, ((SOURCE, name) for name in _names(one.id))))
    before = known[said[-1]].value if said else None
    if one.value == before or (one.value is None and one.only not in (None, before)):
        return None
    corrected = said[-1] if said else None
    while following := corrections.get(corrected) if corrected else None:
        corrected = max(following)  # the one that counts, where several correct the same
    return Signal(
        source=SOURCE,
        id=next(islice(_names(one.id), len(said), None)),
        kind=one.kind,
        member=one.member,
        group=one.group if one.member is None else None,
        value=one.value,
        occurred_at=one.at,
        reported_by=one.by,
        chain=one.chain,
        corrects=corrected[1] if corrected else None,
        corrects_source=corrected[0] if corrected else None,
    )


def _names(first: str) -> Iterator[str]:
    """The ids of what registers say of one thing, one after the other."""
    yield first
    yield from (f"{first}~{number}" for number in count(2))


def _answer(signal: Signal, result: Receipt | Mistake) -> Answer:
    if isinstance(result, Mistake):
        return result
    if result.status == "repeated":  # told twice in this transaction, as each seat tells of the meeting
        return "unchanged"
    return "stored" if signal.corrects is None else "corrected"


def part(told: Sequence[Told], answers: Sequence[Answer]) -> Part:
    """What became of a cut, by its answers in order."""
    pairs = list(zip(told, answers, strict=True))
    lines = [one.line for one, answer in pairs if answer in ("stored", "corrected")]
    refused = [Refused(one.line, None, str(answer)) for one, answer in pairs if isinstance(answer, Mistake)]
    return Part(frozenset(lines), len(lines), list(answers).count("corrected"), tuple(refused))


def report(plan: Plan, parts: Sequence[Part]) -> RegisterReport:
    """What became of a register, from what became of its parts."""
    register = plan.register
    stored = frozenset[int]().union(*(some.lines for some in parts))
    refused = addressed(register.sheet, [*plan.refused, *(flaw for some in parts for flaw in some.refused)])
    return RegisterReport(
        layout=register.layout,
        lines=register.total,
        stored=len(stored),
        unchanged=register.total - len(stored.union(flaw.line for flaw in refused)),
        signals=sum(some.signals for some in parts),
        corrected=sum(some.corrected for some in parts),
        refused=refused,
        ignored_columns=register.ignored_columns,
        to_fix=to_fix(refused),
    )


def in_words(report: RegisterReport) -> str:
    """The report for a person: counts, and every line of which something was not stored."""
    new = f"{report.signals} new reports, {report.corrected} of them corrections"
    counted = f"{report.lines} lines: {report.stored} stored, {report.unchanged} unchanged; {new}"
    return "\n".join([counted, *refusals_in_words(report)])
