"""Leaving: messages no longer wanted, or the group left."""

from engagement.signals.signal import Signal

STOPPED_MESSAGES = Signal(
    kind="stopped_messages",
    code=5,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,  # a decision of the person, which does not fade like a habit
    audience="staff",
    in_group=False,
    label="Asked for no more messages",
)
LEFT = Signal(
    kind="left",
    code=6,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="adviser",
    in_group=False,
    label="Left the group",
)

SIGNALS = (STOPPED_MESSAGES, LEFT)
