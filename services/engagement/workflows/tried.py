"""What was tried in a group, what came of it, and how sure that is: in counts and plain words.

Counted is what was *suggested*, whatever became of it, as the belief counts it; what was done is told beside
it. How sure is what the belief last decided with: by all groups together, the chance that suggesting it does
more than nothing extra. It is taken from mean and sd as of normal ones, whatever the family of the belief.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.actions.catalogue import AnyAction
from engagement.bandits.two_actions import chance_of_gain
from engagement.records import Scores
from engagement.store import decisions, histories
from engagement.store.decisions import Decision
from engagement.store.histories import Decided
from engagement.strategy.replay import IMPORTED, scored
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import OutcomeKind, Strategy
from engagement.workflows.wording import Words, titled

FEW = 5
"""Of fewer known results than this nothing is said but how many they were; a guess."""
PAGE = 1_000
WENT: Mapping[OutcomeKind, str] = {
    "came_to_next_meeting": "hand_came",
    "next_meeting_held": "hand_held",
    "next_meeting_with_three": "hand_three",
    "posted": "hand_well",
}
"""By outcome, the line that tells how often it was so."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One action, as it went in one group under strategies with one outcome.

    suggested, done : decisions for it, and those of which somebody said that it was done
    well, known : of the suggested, those after which the outcome was not 0, and those of which it is known
    nothing_well, nothing_known : the same after `none`
    chance : that it does more than nothing extra, by what all groups taught; null where nothing is learned
    """

    action: str
    title: str
    suggested: int
    done: int
    well: int
    known: int
    nothing_well: int
    nothing_known: int
    chance: float | None
    sentence: str


class Count(NamedTuple):
    """How often it went well, of how often that is known."""

    well: int = 0
    known: int = 0


def may_be_told(action: AnyAction) -> bool:
    """Whether a group may read that it was tried: never what would tell of one member's home or visit."""
    if action.level != "member":
        return True
    own = action.carrier in ("adviser", "group_fund")
    return own and not action.contacts_family and action.barrier != "sabotage"


def tried(
    conn: Connection, program_id: str, catalogue: Catalogue, group: str, words: Words
) -> tuple[Tried, ...]:
    """What was tried in a group, what was suggested most first."""
    past = _all_decided(conn, program_id, group)
    rewards = {
        name: rows[-1].reward
        for name, rows in decisions.outcomes(conn, program_id, [row.decision_id for row in past]).items()
    }
    believed = _chances(conn, program_id, catalogue, past)
    by_action: dict[tuple[OutcomeKind, str], list[Decided]] = defaultdict(list)
    for row in past:
        strategy = catalogue.strategies.get(row.strategy_id)
        if strategy is not None:
            by_action[strategy.outcome.kind, row.action_id].append(row)
    found = [
        _tried(
            kind,
            catalogue.actions[name],
            rows,
            _count(rows, rewards),
            _count(by_action.get((kind, NONE), ()), rewards),
            believed.get((kind, name)),
            words,
        )
        for (kind, name), rows in sorted(by_action.items())
        if name in catalogue.actions and may_be_told(catalogue.actions[name])
    ]
    return tuple(sorted(found, key=lambda one: (-one.suggested, one.action)))


def _all_decided(conn: Connection, program_id: str, group: str) -> list[Decided]:
    found: list[Decided] = []
    while True:
        after = found[-1].decision_id if found else ""
        page = histories.decided(conn, program_id, "group", group, after, PAGE)
        found += page
        if len(page) < PAGE:
            return found


def _count(rows: Iterable[Decided], rewards: Mapping[str, float | None]) -> Count:
    earned = [rewards.get(row.decision_id) for row in rows]
    return Count(sum(bool(one) for one in earned), sum(one is not None for one in earned))


def _chances(
    conn: Connection, program_id: str, catalogue: Catalogue, past: Sequence[Decided]
) -> dict[tuple[OutcomeKind, str], float]:
    """The mean over units of what each one's newest decision was made with. past : the newest first"""
    newest = {(row.strategy_id, row.unit_kind, row.unit_id): row.decision_id for row in reversed(past)}
    found: dict[tuple[OutcomeKind, str], list[float]] = defaultdict(list)
    for decision in decisions.by_id(conn, program_id, sorted(newest.values())).values():
        strategy = catalogue.strategies.get(decision.strategy_id)
        if strategy is None or not _learned(decision, strategy):
            continue
        scores = scored(decision.evidence)
        for place, name in enumerate(decision.evidence.actions[1:], start=1):
            found[strategy.outcome.kind, name].append(_chance(scores, place))
    return {key: float(np.mean(chances)) for key, chances in found.items()}


def _learned(decision: Decision, strategy: Strategy) -> bool:
    """Whether its scores say what was learned, and of the effect alone: prices are taken off a score."""
    asked = decision.fallback not in (IMPORTED, "belief_unusable") and decision.arm != "control"
    return asked and strategy.plan is None and decision.version > 0 and not strategy.prices.any


def _chance(scores: Scores, place: int) -> float:
    """That one action, by its place from 1, does more than `none`."""
    return float(
        chance_of_gain(Scores(scores.family, scores.mean[:, [0, place]], scores.sd[:, [0, place]]))[0]
    )


def _tried(
    kind: OutcomeKind,
    action: AnyAction,
    rows: Sequence[Decided],
    count: Count,
    nothing: Count,
    chance: float | None,
    words: Words,
) -> Tried:
    done = sum(row.status == "done" for row in rows)
    lines = [
        words.say("hand_counts", suggested=str(len(rows)), done=str(done)),
        words.say(WENT[kind], well=str(count.well), known=str(count.known)),
    ]
    if nothing.known:
        lines.append(words.say("hand_nothing", well=str(nothing.well), known=str(nothing.known)))
    if count.known < FEW:
        lines.append(words.say("hand_few"))
    lines.append(
        words.say("hand_unknown")
        if chance is None
        else words.say("hand_sure", chance=str(min(max(round(100 * chance), 1), 99)))
    )
    return Tried(
        action=action.id,
        title=titled(action, words),
        suggested=len(rows),
        done=done,
        well=count.well,
        known=count.known,
        nothing_well=nothing.well,
        nothing_known=nothing.known,
        chance=chance,
        sentence=" ".join(lines),
    )
