"""Groups are assigned to the arms of trials, and recommendations follow their arm.

A group is assigned once. It keeps its arm whatever it is linked to later: the analysis is by intention to
treat. One that comes while the trial enrols is assigned with the first request about it that is not refused.
Whether one is refused does not depend on the arm: a refusal that told the next arm would bind nobody to it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Mistake, NotFound
from engagement.store import assignments, links, setup, units
from engagement.store.assignments import Assignment
from engagement.store.kept import Kept
from engagement.strategy.allotment import arm_at, protocol_hash, stratum_of
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue, Group
from engagement.strategy.trial import StratumFact, Trial, Under
from engagement.workflows.crew import all_names
from engagement.workflows.trial_told import Told, told

MIXED = "mixed"
"""A fact of a catchment or a health worker whose groups differ in it."""


class Assigned(NamedTuple):
    """What came of a wish to assign. left_out : each group with why it is not in the trial, in plain words"""

    made: tuple[Assignment, ...]
    before: tuple[Assignment, ...]
    left_out: tuple[tuple[str, str], ...]


def assign(
    conn: Connection,
    kept: Kept,
    program_id: str,
    trial: Trial,
    groups: Mapping[str, Group],
    today: date,
    now_ms: int,
) -> Assigned:
    """Assigns those of the groups that take part and have no arm yet, in order of unit and group."""
    known = {
        row.group_id: row
        for row in assignments.of_groups(conn, program_id, sorted(groups))
        if row.trial_id == trial.id
    }
    fresh = {name: group for name, group in groups.items() if name not in known}
    outside = {name: why for name, group in fresh.items() if (why := _why_not(trial, group, today))}
    able = [name for name in sorted(fresh) if name not in outside]
    units = _units(conn, program_id, trial, able, today)
    outside |= {
        name: f"it is linked to no {trial.unit.replace('_', ' ')}, and that is what is drawn"
        for name in able
        if name not in units
    }
    made = _drawn(conn, kept, program_id, trial, units, today, now_ms) if units else ()
    return Assigned(made, tuple(known.values()), tuple(sorted(outside.items())))


def _why_not(trial: Trial, group: Group, today: date) -> str | None:
    if group.ended:
        return "it has ended"
    if not trial.takes(group.site):
        return f"its site `{group.site}` takes no part"
    return None if trial.enrols_on(today) else "the trial does not enrol today"


def _units(
    conn: Connection, program_id: str, trial: Trial, groups: Sequence[str], today: date
) -> dict[str, str]:
    """The unit of each group; without the groups that have none."""
    if trial.unit == "group":
        return {name: name for name in groups}
    found = links.links_of(conn, program_id, "group", groups)
    linked = {name: links.linked_on(found.get(name, ()), trial.unit, today) for name in groups}
    return {name: unit for name, unit in linked.items() if unit is not None}


def _drawn(
    conn: Connection,
    kept: Kept,
    program_id: str,
    trial: Trial,
    unit_of: Mapping[str, str],
    today: date,
    now_ms: int,
) -> tuple[Assignment, ...]:
    """The next entries of the lists, one a unit that has none yet."""
    assignments.lock_list(conn, program_id, trial.id)
    taken = {row.group_id for row in assignments.of_groups(conn, program_id, sorted(unit_of))
             if row.trial_id == trial.id}  # fmt: skip
    unit_of = {name: unit for name, unit in unit_of.items() if name not in taken}
    given = assignments.of_units(conn, program_id, trial.id, sorted(set(unit_of.values())))
    drawn = assignments.drawn(conn, program_id, trial.id)
    secret, protocol = setup.draw_secret(conn, kept, program_id), protocol_hash(trial)
    new = sorted(set(unit_of.values()) - given.keys())
    strata = _strata(conn, program_id, trial, new, unit_of, today)
    rows: list[Assignment] = []
    for name, unit in sorted(unit_of.items(), key=lambda pair: (pair[1], pair[0])):
        if unit not in given:
            place = drawn.get(strata[unit], 0)
            drawn[strata[unit]] = place + 1
            arm = arm_at(secret, program_id, trial, strata[unit], place)
            given[unit] = Assignment(trial.id, name, unit, strata[unit], place, arm, protocol, now_ms)
        rows.append(given[unit]._replace(group_id=name, protocol=protocol, assigned_at=now_ms))
    assignments.add(conn, program_id, rows)
    return tuple(rows)


def _strata(
    conn: Connection,
    program_id: str,
    trial: Trial,
    units: Sequence[str],
    unit_of: Mapping[str, str],
    today: date,
) -> dict[str, str]:
    """The stratum of each new unit: the facts that all of its groups share, `mixed` where they differ."""
    groups = {name: unit for name, unit in unit_of.items() if unit in units}
    if trial.unit != "group":
        near = sorted(name for kind, name in links.ever_linked_to(conn, program_id, units) if kind == "group")
        groups |= _units(conn, program_id, trial, near, today)
    members: dict[str, list[Group]] = defaultdict(list)
    for name, found in setup.newest(conn, program_id, "group", sorted(groups)).items():
        assert isinstance(found.thing, Group)  # noqa: S101  # stored under this noun
        members[groups[name]].append(found.thing)
    return {unit: stratum_of(trial, [_fact(members[unit], fact) for fact in trial.strata]) for unit in units}


def _fact(groups: Sequence[Group], name: StratumFact) -> str:
    values = {str(getattr(group, name) or "unknown") for group in groups}
    return values.pop() if len(values) == 1 else MIXED


def newcomers(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    groups: Mapping[str, Group],
    known: Mapping[str, Under],
    today: date,
) -> dict[str, Trial]:
    """The groups that have no arm yet and would be assigned today, each with its trial; assigns nobody."""
    found: dict[str, Trial] = {}
    for trial in _running(catalogue, today):
        able = [
            name
            for name, group in sorted(groups.items())
            if name not in known and name not in found and _why_not(trial, group, today) is None
        ]
        found |= dict.fromkeys(_units(conn, program_id, trial, able, today), trial) if able else {}
    return found


def undrawn(
    conn: Connection, kept: Kept, program_id: str, names: Sequence[str], now_ms: int
) -> dict[str, Trial]:
    """Those of these groups that would be drawn into an arm now, each with its trial."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    if not catalogue.trials:
        return {}
    today = local_date(now_ms, catalogue.program.time_zone)
    groups = {name: row.group for name, row in units.groups(conn, program_id, names).items()}
    known = under_so_far(conn, program_id, catalogue, sorted(groups), today)
    return newcomers(conn, program_id, catalogue, groups, known, today)


def might_be_under(group: str, trial: Trial, today: date) -> list[Under]:
    """All that a newcomer could come to live under today, one for each arm."""
    return [Under(group, trial, arm.id, trial.condition(arm.condition_on(today))) for arm in trial.arms]


def enrol(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    groups: Mapping[str, Group],
    coming: Mapping[str, Trial],
    today: date,
    now_ms: int,
) -> dict[str, Under]:
    """Assigns newcomers, and tells what each lives under today; somebody else may have been faster.

    groups : at least theirs      coming : of `newcomers`
    """
    if not coming:
        return {}
    for trial in _running(catalogue, today):
        mine = {name: groups[name] for name, own in coming.items() if own.id == trial.id}
        if mine:
            assign(conn, kept, program_id, trial, mine, today, now_ms)
    return under_so_far(conn, program_id, catalogue, sorted(coming), today)


def under_so_far(
    conn: Connection, program_id: str, catalogue: Catalogue, groups: Sequence[str], today: date
) -> dict[str, Under]:
    """What each group lives under today; assigns nobody."""
    running = {trial.id: trial for trial in _running(catalogue, today)}
    if not running:
        return {}
    found = assignments.of_groups(conn, program_id, groups)
    return {
        row.group_id: _under(running[row.trial_id], row, today) for row in found if row.trial_id in running
    }


def _running(catalogue: Catalogue, today: date) -> list[Trial]:
    return [trial for trial in catalogue.trials.values() if trial.decides_on(today)]


def _under(trial: Trial, row: Assignment, today: date) -> Under:
    condition = trial.condition(trial.arm(row.arm).condition_on(today))
    return Under(row.group_id, trial, row.arm, condition)


def decided_by(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    strategy: str,
    groups: Sequence[str],
    today: date,
) -> list[str]:
    """Those of the groups for which a strategy may decide today, in the order given."""
    conditions = under_so_far(conn, program_id, catalogue, groups, today)
    return [name for name in groups if catalogue.decides(strategy, conditions.get(name))]


def assign_newcomers(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, today: date, now_ms: int
) -> None:
    """Assigns every group of the program that takes part in a trial and has no arm yet."""
    if not _running(catalogue, today):
        return
    found = setup.newest(conn, program_id, "group", all_names(conn, program_id, "group"))
    groups = {name: row.thing for name, row in found.items() if isinstance(row.thing, Group)}
    known = under_so_far(conn, program_id, catalogue, sorted(groups), today)
    coming = newcomers(conn, program_id, catalogue, groups, known, today)
    enrol(conn, kept, program_id, catalogue, groups, coming, today, now_ms)


class ToAssign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Groups to be assigned, all of the program's that take part when none is named."""

    groups: Annotated[tuple[Id, ...], msgspec.Meta(max_length=1_000)] = ()


class LeftOut(msgspec.Struct, frozen=True):
    """A group that was not assigned, and why."""

    group: str
    words: str


class AssignedTold(msgspec.Struct, frozen=True):
    """What came of it.

    assigned : those asked for, in order of group      new : how many of them were not before
    """

    trial: str
    assigned: tuple[Told, ...]
    new: int
    left_out: tuple[LeftOut, ...]


def assign_asked(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[tuple[str, ToAssign]], now_ms: int
) -> list[AssignedTold | Mistake]:
    """Assigns groups to trials. wanted : (trial, groups) each"""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)

    def of(name: str, asked: ToAssign) -> AssignedTold | Mistake:
        trial = catalogue.trials.get(name)
        if trial is None:
            return NotFound(f"there is no trial `{name}` in this program")
        names = asked.groups or tuple(all_names(conn, program_id, "group"))
        found = setup.newest(conn, program_id, "group", names)
        strange = next((group for group in names if group not in found), None)
        if strange is not None:
            return NotFound(f"there is no group `{strange}` in this program")
        groups = {key: row.thing for key, row in found.items() if isinstance(row.thing, Group)}
        done = assign(conn, kept, program_id, trial, groups, today, now_ms)
        rows = sorted((*done.made, *done.before), key=lambda row: row.group_id)
        out = tuple(LeftOut(*pair) for pair in done.left_out)
        return AssignedTold(name, tuple(map(told, rows)), len(done.made), out)

    return [of(*one) for one in wanted]
