"""What in a program's vital signs somebody should look at, in words. The alerts ask the very same.

Every limit here is a guess for people to change in their own rules; what is a promise has the limit 0.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engagement.workflows.program_watch import Watched
from engagement.workflows.strategy_signs import DECIDED_BY, StrategySigns

FALLBACK_SHARE = 0.05
"""Of the decisions that were the belief's to make, so many without a usable belief."""
LAG_HOURS = 24
"""A closed decision waits at most a round of folding, where rounds are made; or until the next CronJob."""
MISSING_SHARE = 0.4
FEWEST_CLOSED = 20
"""With fewer closed decisions a share of missing outcomes says little."""
GAP_SDS = 4.0
"""Among some ten actions of some ten strategies one is this far off by chance once in 160 looks."""
SHIFT_SDS = 3.0
SEAL_DAYS = 2
"""A ledger is sealed once a day."""
SILENT_SHARE = 0.25
BUDGET_SHARE = 0.1
HOUR_MS = 3_600_000


class Concern(NamedTuple):
    """alert : the alert of the same meaning, and so the runbook's page      words : what is true"""

    program: str
    alert: str
    words: str


def concerns(watched: Watched) -> Iterator[Concern]:
    """What one program's figures give cause for, the gravest first."""
    for alert, words in _found(watched):
        yield Concern(watched.signs.program, alert, words)


def _found(watched: Watched) -> Iterable[tuple[str, str]]:
    signs, replayed = watched.signs, watched.replayed
    overdue = sum(row.overdue for row in signs.referrals)
    if overdue:
        yield "ReferralUnanswered", f"{overdue} {_plural('referral', overdue)} not answered in time"
    if replayed.differ:
        yield (
            "ReplayMismatch",
            f"{replayed.differ} of {replayed.number} decisions made again came out otherwise",
        )
    days = (signs.at_ms - signs.sealed_at_ms) / (24 * HOUR_MS)
    if days > SEAL_DAYS:
        yield "SealMissed", f"the ledger was not sealed for {days:.0f} days"
    for strategy in signs.strategies:
        for alert, words in of_strategy(strategy):
            yield alert, f"{strategy.strategy}: {words}"
    silent = sum(row.groups.silent for row in signs.phases)
    living = sum(
        row.groups.thriving + row.groups.wavering + row.groups.dormant + row.groups.silent
        for row in signs.phases
    )
    if living and silent > SILENT_SHARE * living:
        yield "GroupsSilent", f"nothing is heard of {silent} of {living} groups"
    for money in signs.budgets:
        if money.limit and money.left < BUDGET_SHARE * money.limit:
            yield "BudgetNearlySpent", f"{money.of} has {money.left} of {money.limit} left, in minor units"
    if signs.stopped:
        yield "ProgramStopped", "the switch is thrown: nothing is recommended"


def of_strategy(row: StrategySigns) -> Iterable[tuple[str, str]]:
    """What one strategy gives cause for: (alert, words)."""
    if row.below_floor or row.above_cap:
        out = row.below_floor + row.above_cap
        yield "PropensityOutOfBounds", f"{out} decisions drawn with a probability out of bounds"
    if row.unmet:
        yield "MinimumServiceUnmet", f"{row.unmet} without the visit they were promised"
    if row.usable is False:
        yield "BeliefUnusable", "its belief gives no numbers"
    decided = dict(zip(DECIDED_BY, row.decided_by, strict=True))
    own = decided["belief"] + decided["belief_unusable"]
    if own and decided["belief_unusable"] > FALLBACK_SHARE * own:
        yield "FallbackShareHigh", f"the fallback decided {decided['belief_unusable']} of {own}"
    if row.lag_ms is not None and row.lag_ms > LAG_HOURS * HOUR_MS:
        yield "FoldMissed", f"has not learned for {row.lag_ms // HOUR_MS} hours from what has closed"
    waiting = row.outcomes.missing + row.outcomes.due
    closed = waiting + row.outcomes.known
    if closed >= FEWEST_CLOSED and waiting > MISSING_SHARE * closed:
        yield "OutcomesMissing", f"{waiting} of {closed} outcomes not reported"
    if row.gap_sds > GAP_SDS:
        yield "DrawsUnlikely", f"what was drawn is {row.gap_sds:.1f} sds from what the probabilities say"
    if row.shift is not None and row.shift > SHIFT_SDS:
        yield "BeliefShifted", f"its belief moved by {row.shift:.1f} sds within a week"


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
