"""How much of each action a unit was given lately: x ← 0.8·x a month, and 1 more for each."""

from collections.abc import Sequence

from engagement.actions.availability import DAY_MS, Given

DOSE_KEPT_A_MONTH = 0.8
MONTH_MS = 30.44 * DAY_MS


def doses(given: Sequence[Given], now_ms: int) -> dict[str, float]:
    """The dose by action; what was given is told by time, and an offer that ran out was not given."""
    found: dict[str, float] = {}
    for row in given:
        if not row.unanswered:
            kept = DOSE_KEPT_A_MONTH ** ((now_ms - row.at_ms) / MONTH_MS)
            found[row.action] = found.get(row.action, 0.0) + kept
    return found
