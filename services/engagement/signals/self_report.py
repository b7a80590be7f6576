"""What members say of themselves: a win in daily life, and how driven they feel."""

from engagement.signals.signal import Signal

WIN_SHARED = Signal(
    kind="win_shared",
    code=30,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="group",
    in_group=True,
    label="Shared a win in daily life",
)
MOTIVATION = Signal(
    kind="motivation",
    code=31,
    level="member",
    unit="scale",
    low=1,
    high=5,
    half_life_days=91.0,
    audience="health_worker",
    in_group=False,
    label="Rated the own motivation, from 1 to 5",
    reported_by=("self", "system"),
)

SIGNALS = (WIN_SHARED, MOTIVATION)
