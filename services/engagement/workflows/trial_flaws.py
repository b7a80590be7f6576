"""What a trial may not say: what is not there, what could not be told apart, what is frozen."""

from sqlalchemy import Connection

from engagement.actions.action import Level
from engagement.errors import Conflict, Invalid, Mistake
from engagement.store import assignments, decisions
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue
from engagement.strategy.trial import Trial, TrialCondition, overlapping, why_not


def trial_flaw(trial: Trial, catalogue: Catalogue) -> Mistake | None:
    """Why a trial does not fit the set-up as it stands."""
    missing = next((name for name in trial.sites if name not in catalogue.sites), None)
    if missing is not None:
        return Invalid(f"there is no site `{missing}`; create it first")
    for condition in trial.conditions:
        flaw = _condition_flaw(trial, condition, catalogue)
        if flaw is not None:
            return flaw
    other = overlapping(trial, tuple(catalogue.trials.values()))
    if other is None:
        return None
    return Conflict(f"trial `{other.id}` runs at the same sites or with the same strategies; end it first")


def _condition_flaw(trial: Trial, condition: TrialCondition, catalogue: Catalogue) -> Mistake | None:
    program = catalogue.program
    defaults = {
        program.default_strategy, program.default_adviser_strategy, program.default_group_strategy
    }  # fmt: skip
    levels: set[Level] = set()
    for name in condition.strategies:
        strategy = catalogue.strategies.get(name)
        if strategy is None:
            return Invalid(f"there is no strategy `{name}`; create it first")
        if strategy.control or strategy.shadow:
            return Invalid(f"`{name}` has control groups or a shadow; a trial has its arms instead")
        if name in defaults and not trial.ended:
            return Conflict(f"`{name}` is a default of the program, so others would have it as well")
        if strategy.plan is None and strategy.level in levels:
            return Invalid(f"condition `{condition.id}` has two strategies for a {strategy.level}")
        if strategy.plan is None:
            levels.add(strategy.level)
    return None


def trial_change(
    conn: Connection, program_id: str, trial: Trial, catalogue: Catalogue, now_ms: int
) -> Mistake | None:
    """What a trial may no longer change; and strategies that had learned before it began."""
    before = catalogue.trials.get(trial.id)
    assigned = assignments.any_of(conn, program_id, trial.id)
    if before is not None:
        today = local_date(now_ms, catalogue.program.time_zone)
        why = why_not(trial, before, assigned=assigned, today=today)
        if why is not None:
            return Conflict(why)
    early = set() if assigned else decisions.deciding(conn, program_id, sorted(trial.strategies))
    if not early:
        return None
    return Conflict(
        f"`{min(early)}` has already decided for groups that may come to be in any arm: give the trial a "
        "strategy under a new id"
    )
