"""How one strategy is doing: what it decided and learned, what is known of it, and whether draws are fair."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, get_args

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import NONE, Phase
from engagement.actions.availability import Reason
from engagement.bandits.health import Health, Version, health
from engagement.bandits.posteriors import gathered
from engagement.bandits.propensity import ONE
from engagement.records import Course, Nodes, Points
from engagement.signals.tally import DAY_MS
from engagement.store import beliefs, counts
from engagement.store.counts import DecidedCount, DrawnByChance, OutcomeCount
from engagement.store.hyperparameters import in_force
from engagement.store.kept import Kept
from engagement.store.setup import catalogue as catalogue_at
from engagement.strategy.replay import features, member, propensities, refused
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy
from engagement.workflows.minimum_service import unmet

KINDS = (NONE, "nudge", "incentive", "chw_linkage")
PHASES: tuple[Phase, ...] = get_args(Phase)
DECIDED_BY = ("belief", "baseline", "chance_declined", "belief_unusable", "imported")
MOST_DRAWN = 5_000
"""So many of the newest drawn decisions of a program are looked at: their evidence is decoded each time."""
ASKED_AT = 64
"""At so many of the newest decision points a belief is asked how it has moved."""
SHIFT_DAYS = 7
UNFOLDED_DAYS = 90
"""What closed longer ago is not looked for any more among what was not learned."""
ROUNDED = 2
"""Units of 2⁻³² by which a share may miss its bound: it was rounded, and so were the others of its row."""


class KindDrawn(msgspec.Struct, frozen=True):
    """Of decisions in which chance had a part, how many gave this kind of action, and Σπ of it."""

    kind: str
    observed: int
    expected: float


class StrategySigns(msgspec.Struct, frozen=True):
    """One strategy.

    phases, decided_by : decisions of the window in the order of `PHASES` and `DECIDED_BY`
    outcomes : of decisions whose window closed in the same time or is open
    unfolded, lag_ms : closed decisions nothing was learned from, and how long ago the first of them closed
    version, published_at_ms : of the belief; None before the first
    usable : whether the belief gives numbers      shift, precision : see `bandits.health`
    gap_sds : the largest |observed − Σπ| of an action in its sds √Σπ(1 − π)
    below_floor, above_cap : drawn decisions with a share out of the strategy's bounds
    unmet : units without the visit they were promised; None where nothing is
    A plan has no belief of this kind, and no fold: the fields about them are None.
    """

    strategy: str
    phases: tuple[int, ...]
    decided_by: tuple[int, ...]
    outcomes: OutcomeCount
    unfolded: int | None
    lag_ms: int | None
    version: int | None
    published_at_ms: int | None
    usable: bool | None
    shift: float | None
    precision: float | None
    kinds: tuple[KindDrawn, ...]
    gap_sds: float
    below_floor: int
    above_cap: int
    unmet: int | None


def strategy_signs(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, since_ms: int, now_ms: int
) -> tuple[StrategySigns, ...]:
    """Every strategy of a program, by id."""
    decided: dict[str, list[DecidedCount]] = defaultdict(list)
    for row in counts.decided(conn, program_id, since_ms):
        decided[row.strategy_id].append(row)
    drawn: dict[str, list[DrawnByChance]] = defaultdict(list)
    for one in counts.drawn_by_chance(conn, program_id, since_ms, MOST_DRAWN):
        drawn[one.strategy_id].append(one)
    return tuple(
        _signs(conn, kept, program_id, catalogue, name, decided[name], drawn[name], since_ms, now_ms)
        for name in sorted(catalogue.strategies)
    )


def _signs(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    name: str,
    decided: Sequence[DecidedCount],
    drawn: Sequence[DrawnByChance],
    since_ms: int,
    now_ms: int,
) -> StrategySigns:
    strategy = catalogue.strategies[name]
    by: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    for row in decided:
        by[_decider(row)] += row.number
        phases[row.phase] += row.number
    fair = _fairness(conn, kept, program_id, catalogue, drawn)
    learned = None if strategy.plan is not None else _learned(conn, kept, program_id, strategy, drawn, now_ms)
    return StrategySigns(
        name,
        tuple(phases[phase] for phase in PHASES),
        tuple(by[word] for word in DECIDED_BY),
        counts.outcomes(conn, program_id, name, since_ms, now_ms),
        *(learned or NOTHING_LEARNED),
        *fair,
        unmet(conn, program_id, catalogue, strategy, now_ms),
    )


def _decider(row: DecidedCount) -> str:
    """What decided; of a fallback, why."""
    if row.fallback is not None:
        return row.fallback
    return "belief" if row.arm == "learning" else "baseline"


def kind_of(catalogue: Catalogue, action: str) -> str:
    """The kind of an action; `none` is a kind of its own."""
    found = catalogue.actions.get(action)
    return NONE if found is None else str(found.__struct_config__.tag)


class Learned(NamedTuple):
    """See `StrategySigns`."""

    unfolded: int | None
    lag_ms: int | None
    version: int | None
    published_at_ms: int | None
    usable: bool | None
    shift: float | None
    precision: float | None


NOTHING_LEARNED = Learned(None, None, None, None, None, None, None)


def _learned(
    conn: Connection,
    kept: Kept,
    program_id: str,
    strategy: Strategy,
    drawn: Sequence[DrawnByChance],
    now_ms: int,
) -> Learned:
    """What the belief has learned, how late it is, and whether it is in order."""
    waiting = counts.unfolded(conn, program_id, strategy.id, now_ms - UNFOLDED_DAYS * DAY_MS, now_ms)
    version, at_ms = counts.published(conn, program_id, strategy.id, now_ms)
    before, _ = counts.published(conn, program_id, strategy.id, now_ms - SHIFT_DAYS * DAY_MS)
    points = points_seen(strategy, drawn[:ASKED_AT])
    then, now = (
        believed_at(conn, kept, program_id, strategy, number, points) for number in (before, version)
    )
    found: Health = health(now, then, points, 1 + len(strategy.actions))
    return Learned(
        waiting.number,
        now_ms - waiting.oldest_ms,
        version,
        at_ms,
        found.shift is not None,
        found.shift,
        found.precision,
    )


def points_seen(strategy: Strategy, drawn: Sequence[DrawnByChance]) -> Points:
    """The newest decision points, as far as they were seen with today's features."""
    d = len(strategy.columns)
    seen = [row for row in drawn if features(row.evidence).shape == (1, d)]
    course = Course(
        np.array([row.evidence.made for row in seen], np.int64),
        np.array([row.evidence.remaining for row in seen], np.float64),
    )
    matrix = np.concatenate([np.zeros((0, d)), *(features(row.evidence) for row in seen)])
    who = tuple(member(row.unit_kind, row.unit_id) for row in seen)
    return Points(matrix, tuple(row.group_id for row in seen), who, course, strategy.columns)


def believed_at(
    conn: Connection, kept: Kept, program_id: str, strategy: Strategy, version: int, points: Points
) -> Version:
    """The belief of a version, as far as these points and whoever is unknown need it."""
    believing = in_force(conn, kept, program_id, strategy, version).posterior

    def read(keys: Sequence[str]) -> Nodes:
        return beliefs.read_nodes(conn, program_id, strategy.id, keys, version) if version else {}

    return Version(believing, gathered(believing, points.groups, points.members, read))


class Fairness(NamedTuple):
    """See `StrategySigns`."""

    kinds: tuple[KindDrawn, ...]
    gap_sds: float
    below_floor: int
    above_cap: int


def _fairness(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, drawn: Sequence[DrawnByChance]
) -> Fairness:
    """Whether what was drawn is what the stored probabilities say, and whether these keep their bounds."""
    observed: Counter[str] = Counter(row.action_id for row in drawn)
    expected: defaultdict[str, float] = defaultdict(float)
    variance: defaultdict[str, float] = defaultdict(float)
    below = above = 0
    for row in drawn:
        shares = propensities(row.evidence)[0]
        for action, share in zip(row.evidence.actions, (shares / ONE).tolist(), strict=True):
            expected[action] += share
            variance[action] += share * (1 - share)
        strategy = catalogue_at(conn, kept, program_id, row.catalogue).strategies[row.strategy_id]
        out = _out_of_bounds(strategy, row)
        below, above = below + out.below, above + out.above
    gaps = [
        abs(observed[action] - expected[action]) / np.sqrt(variance[action])
        for action in expected
        if variance[action] > 0
    ]
    return Fairness(
        tuple(_by_kind(catalogue, observed, expected)), float(max(gaps, default=0.0)), below, above
    )


def _by_kind(
    catalogue: Catalogue, observed: Mapping[str, int], expected: Mapping[str, float]
) -> Iterable[KindDrawn]:
    for kind in KINDS:
        own = [action for action in {*observed, *expected} if kind_of(catalogue, action) == kind]
        yield KindDrawn(
            kind,
            sum(observed[action] for action in own),
            float(sum(expected[action] for action in sorted(own))),
        )


class _Out(NamedTuple):
    below: bool
    above: bool


def _out_of_bounds(strategy: Strategy, row: DrawnByChance) -> _Out:
    """Whether a share of a row is below its floor, or above what the floors of the others leave it.

    Baselines have no floor, and a plan's chances are bounded by its own rule.
    """
    if strategy.plan is not None or row.arm != "learning":
        return _Out(below=False, above=False)
    available = refused(row.evidence)[0] == Reason.AVAILABLE
    own = row.evidence.floor
    least = np.where(available, strategy.least if own is None else own, 0.0)
    least = least / max(float(least.sum()), 1.0)
    shares, slack = propensities(row.evidence)[0][available] / ONE, ROUNDED / ONE
    floors = least[available]
    caps = 1 - (floors.sum() - floors)
    return _Out(bool((shares < floors - slack).any()), bool((shares > caps + slack).any()))
