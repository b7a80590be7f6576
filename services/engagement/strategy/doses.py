"""How much of each action a unit was given lately: x ← 0.8·x a month, and 1 more for each."""

from collections.abc import Iterable, Sequence

from engagement.actions.availability import DAY_MS, Given
from engagement.actions.catalogue import AnyAction

DOSE_KEPT_A_MONTH = 0.8
MONTH_MS = 30.44 * DAY_MS
LOOK_BACK_DAYS = 92
"""How far back suggestions count towards the dose; cool-downs may look further."""


def look_back_ms(actions: Iterable[AnyAction]) -> int:
    """What was given longer ago counts for nothing."""
    return DAY_MS * max([LOOK_BACK_DAYS, *(action.cool_down_days for action in actions)])


def doses(given: Sequence[Given], now_ms: int) -> dict[str, float]:
    """The dose by action; what was given is told by time, and an offer that ran out was not given."""
    found: dict[str, float] = {}
    for row in given:
        if not row.unanswered:
            kept = DOSE_KEPT_A_MONTH ** ((now_ms - row.at_ms) / MONTH_MS)
            found[row.action] = found.get(row.action, 0.0) + kept
    return found
