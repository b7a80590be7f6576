"""Goals: set at the end of a meeting, followed up at the next."""

from engagement.signals.signal import Signal

GOAL_SET = Signal(
    kind="goal_set",
    code=3,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,  # as long as the meetings at which goals are set
    audience="adviser",
    in_group=True,
    label="Set a goal",
    is_contact=True,
)
GOAL_MET = Signal(
    kind="goal_met",
    code=4,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=56.0,
    audience="adviser",
    in_group=True,
    label="Met the goal set before",
    keeps_recent=True,
    is_contact=True,
)

SIGNALS = (GOAL_SET, GOAL_MET)
