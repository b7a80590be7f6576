"""Why did this decision come out as it did? It is made again from the ledger and compared."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.bandits.restless.plan import Decided
from engagement.errors import NoLongerKept
from engagement.randomness import uniform
from engagement.records import Floats, Nodes, Points
from engagement.store import beliefs, decisions, erasures, plans, setup
from engagement.store.decisions import Decision
from engagement.store.hyperparameters import in_force
from engagement.store.kept import Kept
from engagement.strategy.prices import less, priced
from engagement.strategy.replay import (
    IMPORTED,
    Replayed,
    course,
    features,
    member,
    propensities,
    replay,
    replay_planned,
)
from engagement.strategy.strategy import Strategy
from engagement.strategy.week_plan import PlanEvidence, is_whole, made_again
from engagement.workflows.fold import fold_again
from engagement.workflows.plan_reading import numbers_of


class Verdict(NamedTuple):
    """One decision, replayed.

    keyed : the stored draw is the one keyed to this decision point, the stored propensity the
    evidence's, and the arm the group's; None for an imported decision
    not_deep : why its belief could not be folded again, although that was wanted
    """

    decision: Decision
    replayed: Replayed
    keyed: bool | None
    not_deep: str | None = None

    @property
    def agrees(self) -> bool | None:
        """Whether the decision is the same within what is promised; None when nothing was compared."""
        return None if self.keyed is None else self.keyed and bool(self.replayed.agrees)


def replay_decisions(
    conn: Connection, kept: Kept, program_id: str, ids: Sequence[str], *, deep: bool = False
) -> Iterator[Verdict]:
    """Replays decisions in the order of their versions; unknown ids are left out.

    deep : also folds the belief again from the fold entries and computes the scores anew
    An imported decision is another system's: its verdict says that nothing was checked. Where somebody
    was erased, the beliefs that had learned from them are gone, and a verdict says so.
    """
    found = sorted(
        decisions.by_id(conn, program_id, ids).values(), key=lambda row: (row.strategy_id, row.version)
    )
    secret = setup.draw_secret(conn, kept, program_id)
    planned: dict[tuple[str, str], dict[str, _Again]] = {}
    belief: dict[str, Floats] = {}
    folded: tuple[str, int] = ("", 0)
    for row in found:
        catalogue = setup.catalogue(conn, kept, program_id, row.catalogue)
        strategy = catalogue.strategies[row.strategy_id]
        if strategy.plan is not None:
            week = row.strategy_id, row.decision_point
            if week not in planned:
                planned[week] = _made_again(conn, program_id, secret, *week)
            yield _planned(row, planned[week].get(row.decision_id))
            continue
        again = not_deep = None
        if deep and _believed(row):
            not_deep = erasures.gone(conn, program_id, row.strategy_id, row.version)
        if deep and _believed(row) and not_deep is None:
            if folded[0] != row.strategy_id:
                belief, folded = {}, (row.strategy_id, 0)
            begins = erasures.begun_anew(conn, program_id, row.strategy_id)
            for version in range(max(folded[1], begins) + 1, row.version + 1):
                belief.update(_version(conn, kept, program_id, strategy, version, belief))
            folded = (row.strategy_id, row.version)
            deciding = in_force(conn, kept, program_id, strategy, row.version)
            believed = deciding.posterior.scores(belief, _points(row, strategy), 1 + len(strategy.actions))
            price = priced(strategy.prices, catalogue.offered(strategy), [row.evidence.days_to_end])
            again = less(believed, price)
        replayed = replay(strategy, row.evidence, row.action_id, row.fallback, again, row.arm)
        yield Verdict(row, replayed, _keyed(row, strategy, program_id, secret), not_deep)


class _Again(NamedTuple):
    """A plan made again, and the keyed number that one of its decisions must hold.

    made : None where somebody in line was erased, whose keyed number nobody has any more
    """

    plan: PlanEvidence
    made: Decided | None
    turn: int


def _made_again(
    conn: Connection, program_id: str, secret: bytes, strategy: str, period: str
) -> dict[str, _Again]:
    """The plans of a week, for each of their decisions."""
    out: dict[str, _Again] = {}
    for plan in plans.in_period(conn, program_id, strategy, period):
        placed, barred = [row for row in plan.evidence.placed if row.unit], plan.evidence.barred
        kind = plan.evidence.level
        numbers = numbers_of(secret, program_id, strategy, period, [row.unit for row in placed], kind)
        made = made_again(plan.evidence, numbers) if is_whole(plan.evidence) else None
        others = numbers_of(secret, program_id, strategy, period, [row.unit for row in barred], kind)
        names = [row.decision_id for row in placed] + [row.decision_id for row in barred]
        turns = [*numbers.turn.tolist(), *others.turn.tolist()]
        out |= {name: _Again(plan.evidence, made, turn) for name, turn in zip(names, turns, strict=True)}
    return out


def _planned(row: Decision, again: _Again | None) -> Verdict:
    """A decision of a plan; without its plan it cannot be made again, and does not agree."""
    if again is None:
        missing = Replayed(None, pick_agrees=False, probability_gap=None, score_gap=None)
        return Verdict(row, missing, keyed=False)
    replayed = replay_planned(row.evidence, row.action_id, again.plan, again.made, row.unit_id)
    share = propensities(row.evidence)[0, row.evidence.actions.index(row.action_id)]
    keyed = again.turn == row.evidence.uniform and int(share) == row.probability
    return Verdict(row, replayed, keyed)


def _believed(row: Decision) -> bool:
    """Whether a belief gave the scores that are stored: a control group's is not asked, some are unusable."""
    if row.arm == "control" or row.fallback == "belief_unusable":
        return False
    return row.arm == "learning" or row.fallback is not None or bool(row.evidence.beside)


def _keyed(row: Decision, strategy: Strategy, program_id: str, secret: bytes) -> bool | None:
    """Whether the draw, the propensity and the arm of the row are what they must be."""
    if row.fallback == IMPORTED:
        return None
    unit = f"{row.unit_kind}:{row.unit_id}"
    drawn = uniform(secret, program_id, row.strategy_id, unit, row.decision_point)
    share = propensities(row.evidence)[0, row.evidence.actions.index(row.action_id)]
    arm = strategy.arm(secret, program_id, row.group_id)
    return (drawn, int(share), arm) == (row.evidence.uniform, row.probability, row.arm)


def _version(
    conn: Connection, kept: Kept, program_id: str, strategy: Strategy, version: int, before: Nodes
) -> Nodes:
    """What one version changed, folded again onto the version before."""
    if not beliefs.entries_of_version(conn, program_id, strategy.id, version):
        raise NoLongerKept(f"version {version} of `{strategy.id}` has no fold entries any more")

    def read(keys: Sequence[str] | None) -> Nodes:
        return before if keys is None else {key: before[key] for key in keys if key in before}

    return fold_again(conn, kept, program_id, strategy, version, read)


def _points(row: Decision, strategy: Strategy) -> Points:
    """The decision point as the belief saw it."""
    who = member(row.unit_kind, row.unit_id, own=row.evidence.own)
    return Points(features(row.evidence), (row.group_id,), (who,), course(row.evidence), strategy.columns)
