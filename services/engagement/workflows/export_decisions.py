"""Decisions for researchers: one line each, with what tools for logged and micro-randomised data expect.

De-identified: ids are replaced, days become weeks since the first decision, and of members only those are
in it who have agreed to de-identified research. A dictionary says what each column means.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from importlib import import_module
from typing import Any, NamedTuple

from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.actions.availability import Reason
from engagement.bandits.propensity import ONE
from engagement.errors import Invalid, NotFound
from engagement.randomness import alias
from engagement.signals.features import described
from engagement.store import setup, units
from engagement.store.decisions import Logged
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date, week_number
from engagement.strategy.replay import features, propensities, refused
from engagement.strategy.strategy import Strategy
from engagement.workflows.logged import numbered, read_logged

CHUNK = 5_000
"""Members looked up at once."""
FEW_VALUES = 12
"""A feature with at most so many different values is taken for a category."""
Cell = str | int | float | None


class Explained(NamedTuple):
    """A column: its kind (`id`, `whole`, `number`, `yes_no`, `word`) and what it says."""

    name: str
    kind: str
    meaning: str


class Exported(NamedTuple):
    """The lines in order of time, and what their columns mean.

    without_consent : decisions left out for want of consent to research
    suppressed : decisions left out because their group is too small      blanked : cells emptied as too rare
    """

    columns: tuple[Explained, ...]
    rows: tuple[tuple[Cell, ...], ...]
    without_consent: int
    suppressed: int
    blanked: int


def export_decisions(
    conn: Connection,
    kept: Kept,
    program_id: str,
    strategy_id: str,
    now_ms: int,
    *,
    most: int,
    least: int = 0,
) -> Exported:
    """A strategy's decisions, open ones among them.

    least : groups with fewer units in the export are left out, and so is any value of a feature or phase
        that fewer units hold; 0 leaves everything in
    raises : NotFound for an unknown strategy; TooLarge for more than `most` decisions
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    strategy = catalogue.strategies.get(strategy_id)
    if strategy is None:
        raise NotFound(f"there is no strategy `{strategy_id}` in this program")
    logged = read_logged(conn, program_id, strategy_id, most)
    points = numbered(logged)
    today = local_date(now_ms, catalogue.program.time_zone)
    agreed = _agreed(conn, program_id, logged, today)
    large = _large(logged, agreed, least)
    chosen = [
        (row, point)
        for row, point in zip(logged, points, strict=True)
        if _may(row, agreed) and row.decision.group_id in large
    ]
    secret = setup.draw_secret(conn, kept, program_id)
    first = week_number(chosen[0][0].decision.decided_at) if chosen else 0

    def named(kind: str, name: str) -> str:
        return alias(secret, program_id, kind, name)

    lines = [_line(row, point, first, now_ms, named) for row, point in chosen]
    columns = _columns(strategy)
    rows, blanked = _blanked(columns, lines, least)
    consenting = sum(_may(row, agreed) for row in logged)
    return Exported(columns, rows, len(logged) - consenting, consenting - len(chosen), blanked)


def _agreed(conn: Connection, program_id: str, logged: Sequence[Logged], today: date) -> set[str]:
    """The members who have agreed to research, as their consent stands today."""
    names = sorted({row.decision.unit_id for row in logged if row.decision.unit_kind == "member"})
    agreed = set()
    for start in range(0, len(names), CHUNK):
        found = units.members(conn, program_id, names[start : start + CHUNK], today)
        agreed |= {name for name, row in found.items() if row.member.consent.research}
    return agreed


def _may(row: Logged, agreed: set[str]) -> bool:
    return row.decision.unit_kind == "group" or row.decision.unit_id in agreed


def _large(logged: Sequence[Logged], agreed: set[str], least: int) -> set[str]:
    """Groups with enough units; a decision for a group as a whole is of one unit."""
    of: dict[str, set[str]] = defaultdict(set)
    for row in logged:
        if _may(row, agreed):
            of[row.decision.group_id].add(row.decision.unit_id)
    whole = {row.decision.group_id for row in logged if row.decision.unit_kind == "group"}
    return {group for group, members in of.items() if group in whole or len(members) >= least}


def _columns(strategy: Strategy) -> tuple[Explained, ...]:
    """What the columns mean, in their order."""
    names = (NONE, *strategy.actions)
    plain = [
        Explained("unit", "id", "whom it was decided for: the same unit has the same id in every export"),
        Explained("group", "id", "the unit's group on that day; different groups are independent"),
        Explained("decision_point", "whole", "number of the decision among the unit's own, from 0"),
        Explained("week", "whole", "weeks, Monday to Sunday by UTC, since the export's first decision"),
        Explained("action", "word", "the action that was drawn; `none` for nothing"),
        Explained("action_number", "whole", f"its place among {', '.join(names)}, from 0"),
        Explained("probability", "number", "with which it was drawn: exact, in steps of 1/4294967296"),
        Explained("randomised", "yes_no", "whether chance had a part; leave the others out of values"),
        Explained("fallback", "word", "why something else than the belief decided; empty where it did not"),
        Explained("arm", "word", "who decided for the group: learning, control or shadow"),
        Explained("version", "whole", "of the belief: those of one version learned from the same"),
        Explained("phase", "word", "of the program at the site on that day"),
        Explained("closed", "yes_no", "whether the outcome's window has passed; leave open ones out"),
        Explained("reported", "yes_no", "whether an outcome is known; a missing one is not 0"),
        Explained("reward", "number", "the proximal outcome, newest revision; empty where it is not known"),
    ]
    plain += [Explained(f"p_{name}", "number", f"probability of `{name}`") for name in names]
    plain += [
        Explained(f"available_{name}", "yes_no", f"whether `{name}` could be chosen at all") for name in names
    ]
    return (*plain, *(_feature(name) for name in strategy.columns))


def _feature(name: str) -> Explained:
    told = described(name)
    return Explained(f"x_{name}", "number", f"{told.label} ({told.unit}, {told.low:g} to {told.high:g})")


def _line(
    row: Logged, point: int, first_week: int, now_ms: int, named: Callable[[str, str], str]
) -> tuple[Cell, ...]:
    decision, evidence = row.decision, row.decision.evidence
    place = evidence.actions.index(decision.action_id)
    shares = propensities(evidence)[0] / ONE
    return (
        named(decision.unit_kind, decision.unit_id),
        named("group", decision.group_id),
        point,
        week_number(decision.decided_at) - first_week,
        decision.action_id,
        place,
        float(shares[place]),
        int(decision.randomised),
        decision.fallback,
        decision.arm,
        decision.version,
        decision.phase,
        int(decision.closes_at <= now_ms),
        int(row.reward is not None),
        row.reward,
        *shares.tolist(),
        *(refused(evidence)[0] == Reason.AVAILABLE).astype(int).tolist(),
        *features(evidence)[0].tolist(),
    )


def _blanked(
    columns: Sequence[Explained], lines: Sequence[tuple[Cell, ...]], least: int
) -> tuple[tuple[tuple[Cell, ...], ...], int]:
    """The lines without values of phase and features that fewer than so many units hold."""
    table = [list(line) for line in lines]
    blanked = 0
    for place, column in enumerate(columns):
        if not (column.name == "phase" or column.name.startswith("x_")):
            continue
        holders: dict[Cell, set[Cell]] = defaultdict(set)
        for line in lines:
            holders[line[place]].add(line[0])
        if len(holders) > FEW_VALUES:
            continue
        rare = {value for value, held_by in holders.items() if len(held_by) < least}
        for cells in table:
            if cells[place] in rare:
                cells[place] = None
                blanked += 1
    return tuple(map(tuple, table)), blanked


def as_csv(exported: Exported) -> bytes:
    """The lines as CSV, with the columns' names first; an empty cell is a missing one."""
    return _csv([column.name for column in exported.columns], exported.rows)


def as_parquet(exported: Exported) -> bytes:
    """The lines as Parquet. raises : Invalid where pyarrow is not installed"""
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise Invalid("to write Parquet, install engagement[research]") from None
    kinds = {"number": arrow.float64(), "whole": arrow.int64(), "yes_no": arrow.int8()}
    schema = arrow.schema([(one.name, kinds.get(one.kind, arrow.string())) for one in exported.columns])
    cells = zip(*exported.rows, strict=True) if exported.rows else ((),) * len(schema)
    arrays = [arrow.array(list(column), field.type) for column, field in zip(cells, schema, strict=True)]
    out = io.BytesIO()
    parquet.write_table(arrow.Table.from_arrays(arrays, schema=schema), out)
    return out.getvalue()


def dictionary(exported: Exported) -> bytes:
    """What each column means, as CSV."""
    return _csv(Explained._fields, exported.columns)


def in_words(exported: Exported) -> list[str]:
    """What was left out, for whoever asked for the export."""
    counts = Counter(row[10] for row in exported.rows)
    lines = [f"{len(exported.rows):,} decisions by {len(counts):,} versions of the belief"]
    lines += [
        f"  left out: {count:,} {words}"
        for count, words in (
            (exported.without_consent, "of members who have not agreed to de-identified research"),
            (exported.suppressed, "of groups with too few units"),
        )
        if count
    ]
    if exported.blanked:
        lines.append(f"  {exported.blanked:,} cells emptied, whose value too few units hold")
    return lines


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    written = csv.writer(out, lineterminator="\n")
    written.writerow(head)
    written.writerows(rows)
    return out.getvalue().encode()
