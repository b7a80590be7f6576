"""Why somebody did not come, and why somebody went."""

from engagement.signals.signal import Signal

REASONS = ("time", "place", "ill", "family", "money", "work", "forgot", "other")

ABSENCE_REASON = Signal(
    kind="absence_reason",
    code=39,
    level="member",
    unit="choice",
    low=1,
    high=len(REASONS),
    half_life_days=56.0,
    audience="health_worker",
    in_group=False,
    label="Why the member did not come",
    choices=REASONS,
)
ENDING_REASON = Signal(
    kind="ending_reason",
    code=40,
    level="member",
    unit="choice",
    low=1,
    high=len(REASONS),
    half_life_days=365.0,
    audience="health_worker",
    in_group=False,
    label="Why the member stopped or left",
    choices=REASONS,
)

SIGNALS = (ABSENCE_REASON, ENDING_REASON)
