"""Decisions that another system made, taken over from its log with their evidence and outcomes.

They stand in the ledger like our own, so that they fold, count in every evaluation and can be told;
what a foreign log lacks is stated, never made up: no scores (stored as zeros), no draw (the middle of
the action's interval, so that the pick follows from what is stored), no version of a belief (0), and
`fallback` says `imported`, so that a replay has nothing to compare. Importing a log again changes
nothing but outcomes that the log itself has changed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from math import nan

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.availability import DAY_MS
from engagement.bandits.propensity import ONE, UNIT_BITS
from engagement.errors import Conflict, EngagementError, NotFound
from engagement.randomness import UNIFORM_BITS
from engagement.records import Evidence, Floats, Units
from engagement.signals.features import matrix
from engagement.signals.picture import Picture
from engagement.signals.tally import EMPTY
from engagement.store import decisions, setup, units
from engagement.store.decisions import Decision, OutcomeRow
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun, Seated
from engagement.strategy.cadence import UNKNOWN_REMAINING, local_date
from engagement.strategy.replay import IMPORTED
from engagement.strategy.setup import Catalogue, Group, Member, Membership, Site, phase
from engagement.workflows.log_mapping import LogRow, Mapping, read_log
from engagement.workflows.program import Template, create_program
from engagement.workflows.revise import revise
from engagement.workflows.sheet import Refused

LACKS = (
    "no scores: what the other system believed is stored as zeros and never shown as a belief",
    "no draw: the middle of the taken action's interval stands in for it",
    "no version of the belief, and no proof that the state is the one it saw: nothing can be replayed",
    "no refusals: every action counts as available",
    "not what became of an action after it was picked",
)
"""What no such log holds, in words."""


class ImportReport(msgspec.Struct, frozen=True):
    """What became of a log. `program_id` is null when a new program had nothing to hold.

    stored : decisions that are new            unchanged : known before, nothing new about them
    revised : known before, with another outcome now
    silent : new decisions without an outcome  clipped : outcomes of new ones cut to the scale's end
    certain : new decisions without chance in them, of which nothing can be compared
    """

    program_id: str | None
    strategy: str
    lines: int
    units: int
    stored: int
    unchanged: int
    revised: int
    silent: int
    clipped: int
    certain: int
    refused: tuple[Refused, ...]
    ignored_columns: tuple[str, ...]
    lacks: tuple[str, ...] = LACKS


def import_log(
    conn: Connection,
    kept: Kept,
    content: str,
    mapping: Mapping,
    now_ms: int,
    *,
    program_id: str | None = None,
) -> ImportReport:
    """Stores what a log says, in a new program unless one is given, in the connection's transaction.

    Set-up of the mapping that a given program lacks is created, what it has stays as it is.
    raises : Invalid for a log without the mapped columns; NotFound for an unknown program; Conflict
    when the program's strategy of this name learns something else
    """
    log = read_log(content, mapping, now_ms)
    refused = list(log.refused)
    rows = log.rows
    known: dict[tuple[str, str], Decision] = {}
    if program_id is not None:
        _must_fit(conn, kept, program_id, mapping)
        known = _known(conn, program_id, mapping, rows)
        refused += [flaw for row in rows if (flaw := _contradiction(row, mapping, known)) is not None]
        lines = {flaw.line for flaw in refused}
        rows = [row for row in rows if row.line not in lines]
    fresh = [row for row in rows if (row.unit, row.point) not in known]
    if fresh:
        program_id = _set_up(conn, kept, program_id, mapping, now_ms)
        catalogue = _as_written(conn, program_id)
        _seat(conn, kept, program_id, mapping, fresh, catalogue, now_ms)
        known |= _store(conn, program_id, mapping, fresh, catalogue)
    earned = set() if program_id is None else _store_outcomes(conn, program_id, rows, known, now_ms)
    revised = len(earned - {(row.unit, row.point) for row in fresh})
    return ImportReport(
        program_id=program_id,
        strategy=mapping.strategy.id,
        lines=log.lines,
        units=len({row.unit for row in rows}),
        stored=len(fresh),
        unchanged=len(rows) - len(fresh) - revised,
        revised=revised,
        silent=sum(row.reward is None for row in fresh),
        clipped=sum(row.clipped for row in fresh),
        certain=sum(int(row.probability.max()) == ONE for row in fresh),
        refused=tuple(sorted(refused, key=lambda flaw: flaw.line)),
        ignored_columns=log.ignored_columns,
    )


def in_words(report: ImportReport) -> str:
    """The report for a person: counts, every refused line, and what such a log lacks."""
    counts = [
        (report.stored, "decisions stored"),
        (report.unchanged, "known before, unchanged"),
        (report.revised, "known before, outcome revised"),
        (len(report.refused), "refused"),
    ]
    of_new = [
        (report.silent, "without an outcome, which stays missing"),
        (report.clipped, "with an outcome beyond its scale, cut to its end"),
        (report.certain, "without chance in them"),
    ]
    out = [
        f"{report.lines} lines about {report.units} units for strategy `{report.strategy}`: "
        + ", ".join(f"{count} {what}" for count, what in counts if count or what == counts[0][1]),
        *(f"  of the stored, {count} {what}" for count, what in of_new if count),
        *(
            f"  line {flaw.line}{f', {flaw.column}' if flaw.column else ''}: {flaw.problem}"
            for flaw in report.refused
        ),
    ]
    if report.ignored_columns:
        out.append(f"Columns not read: {', '.join(report.ignored_columns)}")
    out += ["What the log lacks:", *(f"  {lack}" for lack in report.lacks)]
    out.append("Nothing was stored." if report.program_id is None else f"Program: {report.program_id}")
    return "\n".join(out)


def _must_fit(conn: Connection, kept: Kept, program_id: str, mapping: Mapping) -> None:
    """Refuses a program that is not there, or whose strategy of this name learns something else."""
    if program_id not in setup.program_ids(conn):
        raise NotFound(f"there is no program `{program_id}`")
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    standing = catalogue.strategies.get(mapping.strategy.id)
    if standing is not None and not standing.learns_like(mapping.strategy):
        raise Conflict(
            f"strategy `{standing.id}` of this program has another level, actions, posterior, features or "
            "outcome than the mapping; give the mapping's strategy an id of its own"
        )


def _known(
    conn: Connection, program_id: str, mapping: Mapping, rows: Sequence[LogRow]
) -> dict[tuple[str, str], Decision]:
    """Decisions already stored under the rows' natural keys, the units locked meanwhile."""
    names = sorted({row.unit for row in rows})
    units.lock_tallies(conn, program_id, "member", names)
    points = [f"{mapping.strategy.id} member {row.unit} {row.point}" for row in rows]
    found = decisions.existing(conn, program_id, [], names, points)
    return {(decision.unit_id, decision.decision_point): decision for decision in found}


def _contradiction(row: LogRow, mapping: Mapping, known: dict[tuple[str, str], Decision]) -> Refused | None:
    """Why a row cannot be the decision stored under its key."""
    before = known.get((row.unit, row.point))
    if before is None:
        return None
    one = before.evidence
    same = (before.action_id, before.decided_at, before.group_id, one.probability, one.features) == (
        row.action,
        row.decided_at,
        row.group,
        row.probability.tobytes(),
        _features([row], mapping)[0].tobytes(),
    )
    if same:
        return None
    problem = f"another decision of `{row.unit}` is stored under this decision point; decisions never change"
    return Refused(row.line, None, problem)


def _set_up(conn: Connection, kept: Kept, program_id: str | None, mapping: Mapping, now_ms: int) -> str:
    """A new program with the mapping's set-up, or the given one with what it lacks of it."""
    if program_id is None:
        program = msgspec.structs.replace(mapping.program, default_strategy=mapping.strategy.id)
        plan = Template(program, (mapping.site,), (), mapping.actions, (mapping.strategy,))
        return create_program(conn, kept, plan, now_ms)
    have = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    lacking: list[AnyNoun] = [] if mapping.site.id in have.sites else [mapping.site]
    lacking += [action for action in mapping.actions if action.id not in have.actions]
    lacking += [] if mapping.strategy.id in have.strategies else [mapping.strategy]
    _all_stored(revise(conn, kept, program_id, lacking, now_ms))
    return program_id


def _as_written(conn: Connection, program_id: str) -> Catalogue:
    """The catalogue that this transaction sees. Not kept: it may yet be rolled back."""
    return setup.catalogue(conn, Kept(), program_id, setup.catalogue_revision(conn, program_id))


def _all_stored(results: Iterable[object]) -> None:
    for result in results:
        if isinstance(result, EngagementError):
            raise result


def _seat(
    conn: Connection,
    kept: Kept,
    program_id: str,
    mapping: Mapping,
    rows: Sequence[LogRow],
    catalogue: Catalogue,
    now_ms: int,
) -> None:
    """Creates groups and members that are new, and seats each where the log says they sat."""
    groups, members = sorted({row.group for row in rows}), sorted({row.unit for row in rows})
    old_groups = setup.newest(conn, program_id, "group", groups)
    old_members = setup.newest(conn, program_id, "member", members)
    new: list[AnyNoun] = [Group(id=name, site=mapping.site.id) for name in groups if name not in old_groups]
    new += [Member(id=name, consent=mapping.unit.consent) for name in members if name not in old_members]
    _all_stored(revise(conn, kept, program_id, new, now_ms))
    units.lock_tallies(conn, program_id, "member", members)
    seats = memberships(
        rows,
        catalogue.program.time_zone,
        setup.memberships_of(conn, program_id, members),
        setup.memberships_of_groups(conn, program_id, groups),
    )
    setup.add_memberships(conn, program_id, seats, now_ms)


def memberships(
    rows: Sequence[LogRow], time_zone: str, past: dict[str, list[Seated]], seated: Sequence[Seated]
) -> list[Membership]:
    """The memberships that are missing for every row's unit to sit in the row's group on the row's day.

    past : each unit's memberships      seated : everyone who ever sat in these groups
    A new seat gets the number after the group's highest; whoever had a seat there gets it again.
    """
    seat_of = {(row.group, row.member): row.seat for row in seated}
    highest: Counter[str | None] = Counter()
    for row in seated:
        highest[row.group] = max(highest[row.group], row.seat or 0)
    stays: dict[str, list[tuple[date, str | None]]] = defaultdict(list)
    for unit, history in past.items():
        stays[unit] = [(row.starts_on, row.group) for row in history]
    made: list[Membership] = []
    for one in sorted(rows, key=lambda row: row.decided_at):
        day = local_date(one.decided_at, time_zone)
        before = [stay for stay in stays[one.unit] if stay[0] <= day]
        latest = max(before, key=lambda stay: stay[0], default=None)
        # a membership is dated by the day: of two groups within one day the first stands
        if latest is not None and (latest[1] == one.group or latest[0] == day):
            continue
        if (one.group, one.unit) not in seat_of:
            highest[one.group] += 1
            seat_of[one.group, one.unit] = highest[one.group]
        stays[one.unit].append((day, one.group))
        made.append(
            Membership(member=one.unit, starts_on=day, group=one.group, seat=seat_of[one.group, one.unit])
        )
    return made


def _features(rows: Sequence[LogRow], mapping: Mapping) -> Floats:
    """(N, d): what the belief sees, made by the same function as for our own decisions."""
    blank = Picture(EMPTY, EMPTY, "member", "unknown", "running", months_to_end=nan, dose=0.0)
    pictures = [blank._replace(context=row.context) for row in rows]
    return matrix(pictures, mapping.strategy.features, now_ms=0)  # a mapping has `context.…` features only


def middle(units: Units, action: int) -> int:
    """A uniform in [0, 2⁵³) that picks an action: the middle of the interval that leads to it.

    units : (K,) summing to 2³², more than 0 at `action`
    """
    end = int(units[: action + 1].sum())
    return (2 * end - int(units[action])) << (UNIFORM_BITS - UNIT_BITS - 1)


def _store(
    conn: Connection, program_id: str, mapping: Mapping, rows: Sequence[LogRow], catalogue: Catalogue
) -> dict[tuple[str, str], Decision]:
    """Stores the rows as decisions, by natural key."""
    groups = units.groups(conn, program_id, sorted({row.group for row in rows}))
    sites = {name: catalogue.sites[row.group.site] for name, row in groups.items()}
    seen = _features(rows, mapping)
    made = {
        (row.unit, row.point): _decision(row, features, mapping, catalogue, sites[row.group])
        for row, features in zip(rows, seen, strict=True)
    }
    decisions.insert_decisions(conn, program_id, list(made.values()))
    return made


def _decision(row: LogRow, features: Floats, mapping: Mapping, catalogue: Catalogue, site: Site) -> Decision:
    """The row to be stored, and openly empty where the log has nothing."""
    strategy, picked = mapping.strategy, mapping.names.index(row.action)
    unknown = np.zeros(len(mapping.names))
    return Decision(
        decision_id=uuid7(row.decided_at),
        strategy_id=strategy.id,
        unit_kind="member",
        unit_id=row.unit,
        group_id=row.group,
        decision_point=row.point,
        action_id=row.action,
        probability=int(row.probability[picked]),
        randomised=int(row.probability[picked]) < ONE,
        fallback=IMPORTED,
        arm="learning",
        phase=phase(site, local_date(row.decided_at, catalogue.program.time_zone)),
        language=catalogue.program.language,
        strategy_revision=catalogue.strategy_revisions[strategy.id],
        catalogue=catalogue.revision,
        version=0,
        decided_at=row.decided_at,
        expires_at=row.decided_at,  # it was another system's to carry out, so it never waits for an answer
        closes_at=row.decided_at + strategy.outcome.window_days * DAY_MS,
        evidence=Evidence(
            actions=mapping.names,
            features=features.tobytes(),
            refusals=bytes(len(mapping.names)),
            family="normal",
            mean=unknown.tobytes(),
            sd=unknown.tobytes(),
            probability=row.probability.tobytes(),
            uniform=middle(row.probability, picked),
            remaining=UNKNOWN_REMAINING,
        ),
    )


def _store_outcomes(
    conn: Connection,
    program_id: str,
    rows: Sequence[LogRow],
    known: dict[tuple[str, str], Decision],
    now_ms: int,
) -> set[tuple[str, str]]:
    """Adds a revision where the log says something else than it said before; the keys of those.

    What somebody posted meanwhile stands until the log itself changes.
    """
    before = decisions.outcomes(
        conn, program_id, sorted(known[row.unit, row.point].decision_id for row in rows)
    )
    fresh: list[tuple[str, OutcomeRow]] = []
    changed: set[tuple[str, str]] = set()
    for row in rows:
        decision = known[row.unit, row.point]
        history = before[decision.decision_id]
        said = next((past.reward for past in reversed(history) if past.source == IMPORTED), None)
        if row.reward != said:
            revision = OutcomeRow(decision.decision_id, len(history) + 1, row.reward, IMPORTED, now_ms)
            fresh.append((decision.strategy_id, revision))
            changed.add((row.unit, row.point))
    decisions.insert_outcomes(conn, program_id, fresh)
    return changed
