"""Why a decision came out as it did, action by action: the belief, the chance, and what stood in the way.

It is the story of the decision (`story`) with titles, ranges and floors beside it, as far as a reader may see
it.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit
from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.actions.availability import Reason
from engagement.records import Floats, Scores
from engagement.signals.features import described
from engagement.signals.signal import Audience, may_see
from engagement.store import decisions, setup
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.replay import scored
from engagement.strategy.strategy import Strategy
from engagement.workflows.sight import sight_of
from engagement.workflows.story import Story, story
from engagement.workflows.tell import BARRIER_AUDIENCE, NOTHING

LEVELS = (0.025, 0.10, 0.90, 0.975)


class Ranges(msgspec.Struct, frozen=True):
    """What is believed of an action: its mean with the 80 % and the 95 % range."""

    mean: float
    low80: float
    high80: float
    low95: float
    high95: float


class ActionWeighed(msgspec.Struct, frozen=True):
    """One action of a decision. The drawn one, then the likelier before the others, refused ones last.

    probability : null where it was not available      least : below which no draw from a belief lets it fall
    belief : null where none was told      refused : why it was not available, as a code; words : in words
    """

    action: str
    title: str
    kind: str
    barrier: str | None
    drawn: bool
    probability: float | None
    least: float | None
    belief: Ranges | None
    refused: str | None
    words: str | None


class FeatureWeighed(msgspec.Struct, frozen=True):
    """One number that the belief saw, in plain words."""

    name: str
    label: str
    value: float


class Weighed(msgspec.Struct, frozen=True):
    """A decision, action by action.

    effects : beliefs are of effects against `none`, not of the reward itself
    seat : of the member on the decision's day; null for a group
    laid : available actions in the order in which their chances were laid end to end
    planned : whether it was drawn together with the others of its week, so that no draw stands by itself
    """

    story: Story
    actions: tuple[ActionWeighed, ...]
    laid: tuple[tuple[str, float], ...]
    effects: bool
    features: tuple[FeatureWeighed, ...]
    seat: int | None
    level: str
    outcome: str
    planned: bool


class WeighedWanted(NamedTuple):
    """A decision, for a reader."""

    decision_id: str
    audience: Audience
    simulated: bool


def weighed(conn: Connection, kept: Kept, program_id: str, wanted: WeighedWanted, now_ms: int) -> Weighed:
    """A decision, as far as its reader may see it.

    raises : NotFound for one that this program does not know
    """
    told = story(conn, kept, program_id, *wanted[:2], now_ms, simulated=wanted.simulated)
    decision = decisions.by_id(conn, program_id, [wanted.decision_id])[wanted.decision_id]
    catalogue = setup.catalogue(conn, kept, program_id, decision.catalogue)
    strategy = catalogue.strategies[decision.strategy_id]
    titles = {name: action.title for name, action in catalogue.actions.items()} | {NONE: NOTHING.title}
    kinds = {name: str(action.__struct_config__.tag) for name, action in catalogue.actions.items()}
    ranges = _ranges(decision) if told.beliefs else {}
    least = _least(decision, strategy)
    recommended = told.recommendation
    sight = sight_of(conn, program_id, wanted.audience, [decision.member])
    barriers = may_see(sight.of(decision.member), BARRIER_AUDIENCE)
    chances = {row.action: row.probability for row in recommended.chances}
    refusals = {row.action: row for row in recommended.unavailable}
    rows = [
        ActionWeighed(
            name,
            titles.get(name, name),
            kinds.get(name, NONE),
            catalogue.actions[name].barrier if barriers and name in catalogue.actions else None,
            name == decision.action_id,
            chances.get(name),
            least.get(name) if name in chances and told.uniform is not None else None,
            ranges.get(name),
            refusals[name].reason if name in refusals else None,
            refusals[name].words if name in refusals else None,
        )
        for name in decision.evidence.actions
        if name in chances or name in refusals
    ]
    rows.sort(key=lambda row: (not row.drawn, row.probability is None, -(row.probability or 0)))
    day = local_date(decision.decided_at, catalogue.program.time_zone)
    seats = (
        setup.memberships_on(conn, program_id, [decision.unit_id], day)
        if decision.unit_kind == "member"
        else {}
    )
    return Weighed(
        told,
        tuple(rows),
        tuple((titles.get(name, name), share) for name, share in chances.items()),
        _effects(decision),
        tuple(FeatureWeighed(row.name, described(row.name).label, row.value) for row in told.features),
        seats[decision.unit_id].seat if decision.unit_id in seats else None,
        strategy.level,
        strategy.outcome.kind,
        strategy.plan is not None,
    )


def _effects(decision: Decision) -> bool:
    """Whether `none` is known exactly: then all others are measured against it."""
    scores = scored(decision.evidence)
    return NONE in decision.evidence.actions and not scores.sd[0, decision.evidence.actions.index(NONE)]


def _least(decision: Decision, strategy: Strategy) -> dict[str, float]:
    """The floor under each action, as its reason tells it."""
    available = sum(code == Reason.AVAILABLE for code in decision.evidence.refusals)
    own = decision.evidence.floor
    floors = (own,) * len(decision.evidence.actions) if own is not None else strategy.least
    return {
        name: min(floor, 1 / max(available, 1))
        for name, floor in zip(decision.evidence.actions, floors, strict=True)
    }


def _ranges(decision: Decision) -> dict[str, Ranges]:
    scores = scored(decision.evidence)
    found = quantiles(scores)
    return {
        name: Ranges(float(scores.mean[0, place]), *(float(found[level, place]) for level in (1, 2, 0, 3)))
        for place, name in enumerate(decision.evidence.actions)
    }


def quantiles(scores: Scores) -> Floats:
    """(4, K): the quantiles of `LEVELS` of the first point's beliefs; the mean itself where sd is 0."""
    mean, sd = scores.mean[0], scores.sd[0]
    level = np.array(LEVELS)[:, None]
    if scores.family == "beta":
        size = mean * (1 - mean) / np.where(sd > 0, sd, 1.0) ** 2 - 1
        known = (sd > 0) & (size > 0)
        first, second = np.where(known, mean * size, 1.0), np.where(known, (1 - mean) * size, 1.0)
        return np.where(known, betaincinv(first, second, level), mean)
    if scores.family == "student" and scores.freedom is not None:
        freedom = scores.freedom[0]
        return np.asarray(mean + sd * np.sqrt((freedom - 2) / freedom) * stdtrit(freedom, level), np.float64)
    return np.asarray(mean + sd * ndtri(level), np.float64)
