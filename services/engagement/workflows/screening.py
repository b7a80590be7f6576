"""What is known of people who could lead a group, read for the score, and what is usual in the program.

Whoever does not agree that their own signals choose for them is not screened, and is in no pool either.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals import tally
from engagement.signals.adviser import SCREENING_ANSWER
from engagement.signals.clinic import (
    CLINIC_FOLLOW_UP,
    GLUCOSE_CONTROLLED,
    MEDICINE_TAKEN,
    PRESSURE_CONTROLLED,
)
from engagement.signals.goals import GOAL_MET
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.reading import Counted, latest, together, weighed
from engagement.signals.signal import Signal
from engagement.signals.tally import Tally
from engagement.store import setup, signals, units
from engagement.store.signals import Recorded
from engagement.store.units import MemberRow
from engagement.strategy.screening import Known, Pool, Screening, pool_of
from engagement.strategy.setup import Catalogue, Member
from engagement.workflows.safety import safety_of
from engagement.workflows.tallies import counting, standing

POOL_GROUPS = 50
"""What is usual is read from the members of so many groups, the first by id, beside those asked for."""
CONTROL = (PRESSURE_CONTROLLED, GLUCOSE_CONTROLLED)
ADHERENCE = (MEDICINE_TAKEN, CLINIC_FOLLOW_UP)

Answers = Mapping[str, bool]
"""The latest answer to each question of the screening, by its name."""


class Person(NamedTuple):
    """Somebody of a group that is looked at. told : all that counts of what was said of them, oldest first"""

    member: str
    seat: int
    role: str
    setup: Member
    known: Known
    tally: Tally
    told: tuple[Recorded, ...]
    not_now: bool


class Looked(NamedTuple):
    """People by group and seat, how many of each group are not screened, and what is usual."""

    people: Mapping[str, Sequence[Person]]
    not_screened: Counter[str]
    pool: Pool


def look(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    groups: Collection[str],
    today: date,
    now_ms: int,
) -> Looked:
    """Looks at everybody who sits in these groups today. Constantly many statements."""
    rules = catalogue.program.advisers.screening
    first = [row.thing.id for row in setup.page(conn, program_id, "group", "", POOL_GROUPS)]
    near = sorted({*first, *groups})
    ever = sorted({row.member for row in setup.memberships_of_groups(conn, program_id, near)})
    seated = {
        name: row for name, row in units.members(conn, program_id, ever, today).items() if row.group in near
    }
    open_to_it = {name: row for name, row in seated.items() if row.member.consent.my_signals}
    read = units.read_tallies(conn, program_id, "member", sorted(open_to_it))
    tallies = {name: tally.decoded(row) for name, row in read.items()}
    wanted = sorted(name for name, row in open_to_it.items() if row.group in groups)
    told: dict[str, list[Recorded]] = defaultdict(list)
    for said in standing(conn, program_id, wanted, []):
        told[said.unit_id].append(said)
    answers = _answers(counting(signals.of_kinds(conn, program_id, [SCREENING_ANSWER.kind], near)))
    answers |= {name: _answers(told[name]).get(name, {}) for name in wanted}  # also those of another group
    known = {
        name: _known(row, tallies[name], answers.get(name, {}), _near(row, open_to_it), rules, now_ms)
        for name, row in open_to_it.items()
    }
    safety = safety_of(conn, program_id, catalogue.program, {name: tallies[name] for name in wanted})
    people: dict[str, list[Person]] = defaultdict(list)
    for name in sorted(wanted, key=lambda one: open_to_it[one].seat or 0):
        row = open_to_it[name]
        people[row.group or ""].append(
            Person(
                name,
                row.seat or 0,
                row.role or "member",
                row.member,
                known[name],
                tallies[name],
                tuple(told[name]),
                safety[name].referral is not None,
            )
        )
    silent = Counter(
        row.group or "" for name, row in seated.items() if row.group in groups and name not in open_to_it
    )
    return Looked(people, silent, pool_of(known.values(), rules.strength))


def _answers(rows: Iterable[Recorded]) -> dict[str, dict[str, bool]]:
    """Member → question → the latest answer. rows : that count, in order of time"""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in rows:
        if row.kind == SCREENING_ANSWER.kind and row.chain is not None:
            found[row.unit_id][row.chain] = bool(row.value)
    return dict(found)


def _near(one: MemberRow, others: Mapping[str, MemberRow]) -> Counted:
    """Of those in the same group whose neighbourhood is known, how many live in this person's."""
    if one.member.neighbourhood is None:
        return Counted()
    there = [
        row.member.neighbourhood
        for row in others.values()
        if row.group == one.group and row.member.id != one.member.id and row.member.neighbourhood
    ]
    same = there.count(one.member.neighbourhood)
    return Counted(same, len(there), same, len(there))


def _known(
    row: MemberRow, mine: Tally, answers: Answers, near: Counted, rules: Screening, now_ms: int
) -> Known:
    def reports(*kinds: Signal) -> Counted:
        return together(weighed(mine, kind, now_ms) for kind in kinds)

    person = row.member
    readings = [value for kind in CONTROL if (value := latest(mine, kind, now_ms)) == value]  # not NaN
    willing = [answers[name] for name in rules.willing if name in answers]
    return Known(
        parts=(
            reports(*CONTROL),
            reports(*ADHERENCE),
            reports(ATTENDANCE),
            reports(GOAL_MET),
            _yes_of(willing),
            together((near, _yes_of([answers[name] for name in rules.near if name in answers]))),
            _yes_of([] if person.can_read is None else [person.can_read]),
        ),
        odds=len(person.conditions) + sum(has for _, has in person.barriers.known()),
        controlled=all(readings) if readings else None,
        willing=all(willing) if willing else None,
    )


def _yes_of(answers: Sequence[bool]) -> Counted:
    return Counted(sum(answers), len(answers), sum(answers), len(answers))
