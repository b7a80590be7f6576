"""A decision told from beginning to end: what was known, what was drawn, what became of it."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engagement.actions.availability import Reason
from engagement.bandits.propensity import ONE
from engagement.errors import NotFound
from engagement.records import Evidence
from engagement.signals.features import described
from engagement.signals.signal import Audience, may_see
from engagement.store import decisions, setup
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status, status
from engagement.strategy.replay import IMPORTED, beside, features, scored
from engagement.strategy.standing import alive_later
from engagement.workflows.mature import rewards
from engagement.workflows.sight import sight_of
from engagement.workflows.states import heard_of
from engagement.workflows.tell import Chance, Recommendation, moment, seen_by, told

REASONS_FOR: Audience = "health_worker"
"""Who may read why somebody declined or could not do it: a neighbour may not."""
EARNED_FOR: Audience = "adviser"
"""Who may read what a decision earned, since that says who came."""


class FeatureSeen(msgspec.Struct, frozen=True):
    """One number the belief saw."""

    name: str
    value: float


class Belief(msgspec.Struct, frozen=True):
    """What was believed of one action: mean and sd of its reward, or of its effect against `none`."""

    action: str
    mean: float
    sd: float


class Step(msgspec.Struct, frozen=True):
    """One step in the decision's life."""

    status: Status
    reason: str | None
    occurred_at: datetime
    recorded_at: datetime


class OutcomeSeen(msgspec.Struct, frozen=True):
    """One revision of what the decision earned; a reward of null is silence, never 0."""

    revision: int
    reward: float | None
    source: str
    recorded_at: datetime


class Story(msgspec.Struct, frozen=True):
    """The whole of one decision. `uniform` is the draw, between 0 and 1.

    provisional : what the signals so far say it earned, while its window is open; it is never learned from
    alive_three_months_later : whether the group then was, null before and where nobody knows. It is what the
        decision is for, shown beside what it earned and never learned from

    beside : in a shadow, the chances that the belief would have given; the same draw would have decided

    Beliefs and draw are for staff and researchers, and an imported decision came with neither: then none
    are told, and `uniform` is null. Of features, reasons and barriers a reader sees those meant for them.
    """

    recommendation: Recommendation
    status: Status
    steps: tuple[Step, ...]
    outcomes: tuple[OutcomeSeen, ...]
    provisional: float | None
    alive_three_months_later: bool | None
    family: str
    beliefs: tuple[Belief, ...]
    features: tuple[FeatureSeen, ...]
    uniform: float | None
    beside: tuple[Chance, ...] = ()


def story(
    conn: Connection,
    kept: Kept,
    program_id: str,
    decision_id: str,
    audience: Audience,
    now_ms: int,
    *,
    simulated: bool,
) -> Story:
    """Everything stored about a decision, as far as a reader may see it."""
    decision = decisions.by_id(conn, program_id, [decision_id]).get(decision_id)
    if decision is None:
        raise NotFound(f"there is no decision `{decision_id}` in this program")
    catalogue = setup.catalogue(conn, kept, program_id, decision.catalogue)
    sight = sight_of(conn, program_id, audience, [decision.member])
    audience = sight.of(decision.member)
    steps = decisions.answers(conn, program_id, [decision_id])[decision_id]
    earned = decisions.outcomes(conn, program_id, [decision_id])[decision_id]
    scores, evidence = scored(decision.evidence), decision.evidence
    told_beliefs = decision.fallback != IMPORTED and may_see(audience, "staff")
    names = catalogue.strategies[decision.strategy_id].columns
    return Story(
        recommendation=seen_by(sight, told(decision, catalogue, simulated=simulated)),
        status=status([step.status for step in steps], decision.expires_at, now_ms),
        steps=tuple(
            Step(
                step.status,
                step.reason if may_see(audience, REASONS_FOR) else None,
                moment(step.occurred_at),
                moment(step.recorded_at),
            )
            for step in steps
        ),
        outcomes=tuple(
            OutcomeSeen(row.revision, row.reward, row.source, moment(row.recorded_at))
            for row in earned
            if may_see(audience, EARNED_FOR)
        ),
        provisional=(
            _so_far(conn, kept, program_id, decision, now_ms) if may_see(audience, EARNED_FOR) else None
        ),
        alive_three_months_later=(
            _alive_later(conn, program_id, decision, catalogue.program.time_zone, now_ms)
            if may_see(audience, EARNED_FOR)
            else None
        ),
        family=scores.family,
        beliefs=tuple(
            Belief(action, float(mean), float(sd))
            for action, mean, sd in zip(evidence.actions, scores.mean[0], scores.sd[0], strict=True)
            if told_beliefs
        ),
        features=tuple(
            FeatureSeen(name, float(value))
            for name, value in zip(names, features(evidence)[0], strict=True)
            if may_see(audience, described(name).audience)
        ),
        uniform=evidence.uniform / 2**53 if told_beliefs else None,
        beside=_beside(evidence) if told_beliefs else (),
    )


def _beside(evidence: Evidence) -> tuple[Chance, ...]:
    """What the belief would have drawn from, over what was available; nothing outside a shadow."""
    own = beside(evidence)
    if own is None:
        return ()
    rows = zip(evidence.actions, own[0].tolist(), evidence.refusals, strict=True)
    return tuple(Chance(name, share / ONE) for name, share, code in rows if code == Reason.AVAILABLE)


def _so_far(conn: Connection, kept: Kept, program_id: str, decision: Decision, now_ms: int) -> float | None:
    """A provisional reward; None when nothing is known yet, or the window has closed."""
    if now_ms >= decision.closes_at:
        return None
    return rewards(conn, kept, program_id, [decision]).get(decision.decision_id)


def _alive_later(
    conn: Connection, program_id: str, decision: Decision, zone: str, now_ms: int
) -> bool | None:
    """Of the group that was decided for, or in which the member sat then."""
    heard = heard_of(conn, program_id, [decision.group_id], zone)[decision.group_id]
    return alive_later(heard, local_date(decision.decided_at, zone), local_date(now_ms, zone))
