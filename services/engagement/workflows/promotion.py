"""How a strategy that only watches stands by its rule, and its promotion once the rule is met."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Conflict, Mistake, NotFound
from engagement.store import decisions, promotions, setup
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.store.promotions import Promoted
from engagement.strategy.cadence import local_date, midnight_ms
from engagement.strategy.promotion import Judged, Watched, judge
from engagement.strategy.replay import beside, propensities
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy
from engagement.workflows.tell import moment

MOST_JUDGED = 5_000
"""Decisions a rule looks at, those that closed first: more would keep others on the lane waiting."""


class PromotionMade(msgspec.Struct, frozen=True):
    """A shadow that was ended by its rule. revision : the strategy's first without it"""

    revision: int
    at: datetime
    judged: Judged


class PromotionTold(msgspec.Struct, frozen=True):
    """How a strategy stands: watching, with what its rule says today; and its last promotion.

    revision : the strategy's newest      since, until, judged : of the shadow it is in, null outside one
    since : only decisions from then on count, since the strategy was last changed
    """

    strategy: str
    revision: int
    shadow: bool
    since: datetime | None
    until: date | None
    judged: Judged | None
    promoted: PromotionMade | None


class Promote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ends a strategy's shadow by its rule. revision : the one whose standing was read"""

    revision: Annotated[int, msgspec.Meta(ge=1)]


class Wish(NamedTuple):
    """Which strategy shall be promoted, as it stood at which revision."""

    strategy: str
    revision: int


def tell_promotions(
    conn: Connection, kept: Kept, program_id: str, names: Sequence[str], now_ms: int
) -> list[PromotionTold | Mistake]:
    """How each strategy stands by its rule, judged on what is stored now."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    return [_told(conn, program_id, catalogue, name, now_ms) for name in names]


def in_words(told: PromotionTold) -> list[str]:
    """A strategy's standing as lines for a person."""
    lines = []
    if told.promoted is not None:
        lines.append(f"Promoted at revision {told.promoted.revision}, {told.promoted.at:%Y-%m-%d}.")
    if told.judged is None:
        return [*lines, f"{told.strategy} is not in shadow."]
    judged = told.judged
    lines.append(
        f"{told.strategy} is in shadow; {judged.decisions} closed decisions since {told.since:%Y-%m-%d}."
    )
    if judged.agreement is not None:
        lines.append(f"The same draw would have picked the same in {judged.agreement:.0%} of them.")
    lines += [f"{'met' if one.met else 'NOT MET':8}{one.name:9} {one.words}" for one in judged.conditions]
    return [*lines, "The rule is met." if judged.met else "The rule is not met."]


def promote(
    conn: Connection, kept: Kept, program_id: str, wishes: Sequence[Wish], now_ms: int
) -> list[PromotionTold | Mistake]:
    """Ends the shadows whose rule is met; each gets how it stands then, or why it is not promoted.

    Asking again changes nothing.
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    told = {name: _told(conn, program_id, catalogue, name, now_ms) for name, _ in wishes}
    out = [_refused(told[wish.strategy], wish) for wish in wishes]
    ready = {row.strategy: row.judged for row in out if isinstance(row, PromotionTold) and row.judged}
    ended = [msgspec.structs.replace(catalogue.strategies[name], shadow=None) for name in sorted(ready)]
    for revised in setup.revise(conn, program_id, ended, now_ms):
        name = revised.thing.id
        made = Promoted(name, revised.revision, ready[name], now_ms)
        promotions.insert_promotion(conn, program_id, made)
        told[name] = _standing(name, revised.revision, made)
    return [row if isinstance(row, Mistake) else told[row.strategy] for row in out]


def _refused(told: PromotionTold | Mistake, wish: Wish) -> PromotionTold | Mistake:
    """The standing of a strategy that may be promoted or was already, else why it may not be."""
    if isinstance(told, Mistake):
        return told
    made = told.promoted
    if not told.shadow and made is not None and made.revision == wish.revision + 1:
        return told
    if told.revision != wish.revision:
        return Conflict(f"the strategy is at revision {told.revision} by now; read how it stands first")
    if told.judged is None:
        return Conflict(f"strategy `{told.strategy}` is not in shadow: it decides already")
    unmet = [condition.words for condition in told.judged.conditions if not condition.met]
    return Conflict("the rule is not met: " + "; ".join(unmet)) if unmet else told


def _told(
    conn: Connection, program_id: str, catalogue: Catalogue, name: str, now_ms: int
) -> PromotionTold | Mistake:
    strategy = catalogue.strategies.get(name)
    if strategy is None:
        return NotFound(f"there is no strategy `{name}` in this program")
    made = promotions.newest_promotion(conn, program_id, name)
    told = _standing(name, catalogue.strategy_revisions[name], made)
    if strategy.shadow is None:
        return told
    shadow, zone = strategy.shadow, catalogue.program.time_zone
    first, since_ms = _since(conn, program_id, strategy)
    rows = decisions.watched(
        conn,
        program_id,
        name,
        since_revision=first,
        before_ms=min(now_ms + 1, midnight_ms(shadow.until + timedelta(days=1), zone)),
        limit=MOST_JUDGED,
    )
    judged = judge(shadow.rule, shadow.until, local_date(now_ms, zone), [_watched(*row) for row in rows])
    return msgspec.structs.replace(
        told, shadow=True, since=moment(since_ms), until=shadow.until, judged=judged
    )


def _standing(name: str, revision: int, made: Promoted | None) -> PromotionTold:
    told = None if made is None else PromotionMade(made.revision, moment(made.recorded_at), made.judged)
    return PromotionTold(name, revision, False, None, None, None, told)


def _since(conn: Connection, program_id: str, strategy: Strategy) -> tuple[int, int]:
    """The first revision since which the strategy decides and is judged as it is now, and its moment.

    A rule that was changed, or another way of deciding, was not there beforehand: the count starts again.
    """
    revisions = setup.history(conn, program_id, "strategy", [strategy.id])[strategy.id]
    first = len(revisions)
    while first > 1 and _decides_alike(revisions[first - 2][0], strategy):
        first -= 1
    return first, revisions[first - 1][1]


def _decides_alike(before: setup.AnyNoun, now: Strategy) -> bool:
    return before == msgspec.structs.replace(now, title=before.title, paused=before.paused)  # type: ignore[union-attr]  # both are strategies


def _watched(decision: Decision, reward: float | None) -> Watched:
    evidence = decision.evidence
    own = beside(evidence)
    return Watched(
        decision.group_id,
        evidence.actions.index(decision.action_id),
        evidence.uniform,
        propensities(evidence)[0],
        None if own is None else own[0],
        reward,
    )
