"""Leaving: messages no longer wanted, the group left; or somebody moved away or died.

Leaving is an outcome. Who moved or died can no longer show one: what follows is not known.
"""

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

MOVED = Signal(
    kind="moved",
    code=41,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="adviser",
    in_group=False,
    label="Moved away",
)
DIED = Signal(
    kind="died",
    code=42,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="adviser",
    in_group=False,
    label="Died",
    reported_by=("adviser", "health_worker", "staff", "system"),
)

SIGNALS = (STOPPED_MESSAGES, LEFT, MOVED, DIED)
