"""What became of a decision: accepted, declined, replaced, done, not done, with a reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from engagement.actions.incentive import Incentive
from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.store import decisions, resources, units
from engagement.store.decisions import Answered, Decision
from engagement.store.kept import Kept
from engagement.strategy.life import FOLLOWS, RELEASED, Answer, ReasonCode, Status, status
from engagement.workflows.earned import unearned
from engagement.workflows.ingest import AHEAD_MS, milliseconds
from engagement.workflows.plan_life import lock_weeks, refill

DecisionId = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\n)$")
]


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says became of a decision.

    occurred_at : when; now when absent. With it replies may come late and in any order: what was so before
        changes nothing any more, and what was so while the decision was open still counts when it has expired
    """

    status: Answer
    reason: ReasonCode | None = None
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Standing(msgspec.Struct, frozen=True):
    """Where a decision stands, and whether this reply changed it."""

    decision_id: str
    status: Status
    changed: bool


def answer(
    conn: Connection, kept: Kept, program_id: str, replies: Sequence[tuple[DecisionId, Reply]], now_ms: int
) -> list[Standing | Mistake]:
    """Records replies in the order given; each gets its standing or its own error.

    Repeating the last reply changes nothing. Money that a proposal held is free again once it is
    declined, replaced or not done, and taken again if it proves done after all. So is the time of a planned
    visit, which goes to the next in line. An incentive that is to be earned is not done before somebody
    besides the earner has reported that it was.
    """
    ids = sorted({decision for decision, _ in replies})
    found = decisions.by_id(conn, program_id, ids)
    units.lock(conn, program_id, {row.unit for row in found.values()})
    lives = decisions.answers(conn, program_id, ids)
    done = {decision for decision, reply in replies if reply.status == "done"}
    unpaid = unearned(conn, kept, program_id, [row for key, row in found.items() if key in done], now_ms)
    out: list[Standing | Mistake] = []
    fresh: list[tuple[str, int, Answered]] = []
    held_before = {key: _holds(lives[key]) for key in found}
    for decision_id, reply in replies:
        decision = found.get(decision_id)
        if decision is None:
            out.append(NotFound(f"there is no decision `{decision_id}` in this program"))
            continue
        step = _step(decision, lives[decision_id], reply, now_ms)
        if isinstance(step, Answered) and step.status == "done" and decision_id in unpaid:
            step = _unpaid(unpaid[decision_id])
        if isinstance(step, Answered):
            lives[decision_id].append(step)
            fresh.append((decision_id, len(lives[decision_id]), step))
            out.append(Standing(decision_id, step.status, changed=True))
        else:
            out.append(step)
    decisions_changed = {key: _holds(lives[key]) for key in found if _holds(lives[key]) != held_before[key]}
    freed = [key for key, holds in decisions_changed.items() if not holds]
    lock_weeks(conn, program_id, freed)
    settle(conn, program_id, decisions_changed)
    decisions.insert_answers(conn, program_id, fresh)
    refill(conn, kept, program_id, freed, now_ms)
    return out


def settle(conn: Connection, program_id: str, holding: dict[str, bool]) -> None:
    """Brings the counters in line: True where a decision holds its amount again, False where no longer."""
    if not holding:
        return
    rows = resources.reservations_of(conn, program_id, sorted(holding))
    taken = resources.lock_counters(conn, program_id, sorted({row.resource for row in rows}))
    for row in rows:
        taken[row.resource] += row.amount if holding[row.decision_id] else -row.amount
    resources.write_counters(conn, program_id, taken)


def expire(conn: Connection, program_id: str, due: Sequence[str], now_ms: int) -> None:
    """Records that decisions expired unanswered, unless they were answered by now, and frees their money."""
    found = decisions.by_id(conn, program_id, due)
    people = {row.unit for row in found.values()}
    if not people <= units.lock(conn, program_id, people).keys():  # somebody may just have been erased
        found = decisions.by_id(conn, program_id, due)
    lives = decisions.answers(conn, program_id, due)
    still = [key for key in due if key in found and (not lives[key] or lives[key][-1].status == "accepted")]
    settle(conn, program_id, dict.fromkeys(still, False))
    steps = [
        (key, len(lives[key]) + 1, Answered("expired", None, found[key].expires_at, now_ms)) for key in still
    ]
    decisions.insert_answers(conn, program_id, steps)


def _holds(life: Sequence[Answered]) -> bool:
    """Whether what was reserved for the decision is still held or spent."""
    return not life or life[-1].status not in RELEASED


def _unpaid(incentive: Incentive) -> Conflict:
    """Why an incentive cannot be done yet."""
    return Conflict(
        f"`{incentive.id}` is earned by {' or '.join(incentive.earned_by)}, and since it was offered nobody "
        "has reported that but who earns it, if anybody has: it can be done once somebody else has, too"
    )


def _step(
    decision: Decision, life: Sequence[Answered], reply: Reply, now_ms: int
) -> Answered | Standing | Mistake:
    """The step a reply makes; a standing when it is repeated; an error when it cannot follow."""
    occurred = now_ms if reply.occurred_at is None else milliseconds(reply.occurred_at)
    if occurred > now_ms + AHEAD_MS:
        return Invalid("`occurred_at` lies more than ten minutes ahead of the service's clock")
    stands = status([step.status for step in life], decision.expires_at, now_ms)
    if life and life[-1].status == reply.status:
        return Standing(decision.decision_id, reply.status, changed=False)
    if reply.occurred_at is not None and _past(decision, life, reply.status, occurred, stands):
        return Standing(decision.decision_id, stands, changed=False)
    if stands == "expired" and reply.occurred_at is not None and occurred < decision.expires_at:
        told = [step.status for step in life if step.status != "expired"]
        stands = told[-1] if told else "proposed"
    if reply.status not in FOLLOWS[stands]:
        return Conflict(
            f"the decision is already {stands.replace('_', ' ')}, so it cannot become {reply.status}"
        )
    return Answered(reply.status, reply.reason, occurred, now_ms)


def _past(decision: Decision, life: Sequence[Answered], said: Status, occurred: int, stands: Status) -> bool:
    """Whether a reply that comes late tells what was so before, and is known or no longer matters."""
    if any((step.status, step.occurred_at) == (said, occurred) for step in life):
        return True
    since = life[-1].occurred_at if life else decision.expires_at
    return occurred < since and stands in FOLLOWS[said]
