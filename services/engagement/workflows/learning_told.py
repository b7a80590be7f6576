"""May one trust what is learned today? Draws against their probabilities, versions and how far they moved.

The signs of a strategy are those that the metrics show and the alerts ask; here they stand action by action
and version by version.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from math import sqrt
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.bandits.health import health
from engagement.bandits.propensity import ONE
from engagement.errors import Mistake, NotFound
from engagement.signals.tally import DAY_MS
from engagement.store import beliefs, counts, setup
from engagement.store.counts import DrawnByChance
from engagement.store.erasures import begun_anew
from engagement.store.kept import Kept
from engagement.strategy.replay import propensities
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy
from engagement.workflows.concerns import of_strategy
from engagement.workflows.replay import replay_decisions
from engagement.workflows.strategy_signs import (
    ASKED_AT,
    MOST_DRAWN,
    StrategySigns,
    believed_at,
    points_seen,
    strategy_signs,
)
from engagement.workflows.tell import NOTHING, moment
from engagement.workflows.vital_signs import WINDOW_DAYS

VERSIONS = 8
"""Of so many versions it is told how far they moved the belief."""
REPLAYED = 20
"""So many of the newest decisions are made again."""


class LearningWanted(NamedTuple):
    """A strategy; "" for the one that decided most of late."""

    strategy: str


class ActionDrawn(msgspec.Struct, frozen=True):
    """How often an action was drawn, against Σπ; sd : √Σπ(1 − π)"""

    action: str
    title: str
    observed: int
    expected: float
    sd: float

    @property
    def gap(self) -> float:
        """Observed less expected, in sds; 0 where it could not come out otherwise."""
        return (self.observed - self.expected) / self.sd if self.sd > 0 else 0.0


class Deciding(msgspec.Struct, frozen=True):
    """A strategy of the program that decides one by one or plans. decisions : of the window"""

    strategy: str
    title: str
    decisions: int


class LearningTold(msgspec.Struct, frozen=True):
    """How one strategy learns. signs : None where the program has none

    days : the window      concerns : what the alerts would say, as (alert, words)
    """

    days: int
    strategies: tuple[Deciding, ...]
    strategy: str
    title: str
    planning: bool
    signs: StrategySigns | None
    concerns: tuple[tuple[str, str], ...]
    drawn: tuple[ActionDrawn, ...]
    told_at: datetime


class VersionTold(msgspec.Struct, frozen=True):
    """A version. shift : of the belief against the version before, in its sds; None where nobody can tell"""

    version: int
    published_at: datetime
    rows_in: int
    rows_out: int
    rows_missing: int
    shift: float | None


class Replayed(msgspec.Struct, frozen=True):
    """The newest decisions of a program made again."""

    number: int
    differ: int


def learning(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[LearningWanted], now_ms: int
) -> list[LearningTold | Mistake]:
    """How each strategy learns."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    since_ms = now_ms - WINDOW_DAYS * DAY_MS
    signs = strategy_signs(conn, kept, program_id, catalogue, since_ms, now_ms)
    drawn = counts.drawn_by_chance(conn, program_id, since_ms, MOST_DRAWN)
    return [_told(catalogue, signs, drawn, one.strategy, now_ms) for one in wanted]


def _told(
    catalogue: Catalogue,
    signs: Sequence[StrategySigns],
    drawn: Sequence[DrawnByChance],
    name: str,
    now_ms: int,
) -> LearningTold | Mistake:
    deciding = [
        Deciding(row.strategy, catalogue.strategies[row.strategy].title, sum(row.decided_by)) for row in signs
    ]
    busiest = max(signs, key=lambda row: (row.version or 0, sum(row.decided_by)), default=None)
    name = name or ("" if busiest is None else busiest.strategy)
    if name and name not in catalogue.strategies:
        return NotFound(f"there is no strategy `{name}` in this program")
    own = next((row for row in signs if row.strategy == name), None)
    strategy = catalogue.strategies.get(name)
    return LearningTold(
        WINDOW_DAYS,
        tuple(deciding),
        name,
        "" if strategy is None else strategy.title,
        strategy is not None and strategy.plan is not None,
        own,
        () if own is None else tuple(of_strategy(own)),
        () if strategy is None else _drawn(catalogue, strategy, drawn),
        moment(now_ms),
    )


def _drawn(
    catalogue: Catalogue, strategy: Strategy, drawn: Sequence[DrawnByChance]
) -> tuple[ActionDrawn, ...]:
    """Every action that could have been drawn, in the strategy's order."""
    observed: defaultdict[str, int] = defaultdict(int)
    expected: defaultdict[str, float] = defaultdict(float)
    variance: defaultdict[str, float] = defaultdict(float)
    for row in drawn:
        if row.strategy_id != strategy.id:
            continue
        observed[row.action_id] += 1
        shares = (propensities(row.evidence)[0] / ONE).tolist()
        for action, share in zip(row.evidence.actions, shares, strict=True):
            expected[action] += share
            variance[action] += share * (1 - share)
    return tuple(
        ActionDrawn(
            name,
            NOTHING.title if name == NONE else catalogue.actions[name].title,
            observed[name],
            expected[name],
            sqrt(variance[name]),
        )
        for name in (NONE, *strategy.actions)
        if expected[name] > 0 or observed[name]
    )


def versions(
    conn: Connection, kept: Kept, program_id: str, names: Sequence[str], now_ms: int
) -> list[tuple[VersionTold, ...]]:
    """The last versions of each strategy, the newest first."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    drawn = counts.drawn_by_chance(conn, program_id, now_ms - WINDOW_DAYS * DAY_MS, MOST_DRAWN)
    return [
        _versions(conn, kept, program_id, catalogue.strategies.get(name), drawn, now_ms) for name in names
    ]


def _versions(
    conn: Connection,
    kept: Kept,
    program_id: str,
    strategy: Strategy | None,
    drawn: Sequence[DrawnByChance],
    now_ms: int,
) -> tuple[VersionTold, ...]:
    if strategy is None or strategy.plan is not None:
        return ()
    published = beliefs.versions(conn, program_id, strategy.id)
    headers = [row for row in published if row.published_at <= now_ms][-VERSIONS:]
    points = points_seen(strategy, [row for row in drawn if row.strategy_id == strategy.id][:ASKED_AT])
    if not headers:
        return ()
    first = headers[0].version - 1
    held = {
        number: believed_at(conn, kept, program_id, strategy, number, points)
        for number in range(first, headers[-1].version + 1)
    }
    asked, begins = len(points.features) > 0, begun_anew(conn, program_id, strategy.id)
    return tuple(
        VersionTold(
            row.version,
            moment(row.published_at),
            row.rows_in,
            row.rows_out,
            row.rows_missing,
            health(held[row.version], held[row.version - 1], points, 1 + len(strategy.actions)).shift
            if asked and row.version > begins
            else None,
        )
        for row in reversed(headers)
    )


def replayed_newest(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[None], now_ms: int
) -> list[Replayed]:
    """The newest decisions made again, once for everybody."""
    ids = counts.ids_since(conn, program_id, now_ms - WINDOW_DAYS * DAY_MS, REPLAYED)
    verdicts = [verdict.agrees for verdict in replay_decisions(conn, kept, program_id, ids)]
    known = [agrees for agrees in verdicts if agrees is not None]
    return [Replayed(len(known), known.count(False))] * len(wanted)
