"""Goals: set at the end of a meeting, followed up at the next.

A goal is a chain: the reports that name it say how it went. What was never asked about is not missed:
`goal_not_followed_up` is a kind of its own, so that no share of goals met counts it.
"""

from engagement.signals.signal import Signal

GOAL_SET = Signal(
    kind="goal_set",
    code=3,
    level="member",
    unit="choice",
    low=1,  # other: what a report says that names no category
    high=5,
    half_life_days=56.0,  # as long as the meetings at which goals are set
    audience="adviser",
    in_group=True,
    label="Set a goal",
    choices=("other", "food", "activity", "medicine", "doctor"),
    chain="may",
    weeks=26,
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
    chain="may",
    weeks=26,
    keeps_recent=True,
    is_contact=True,
)

GOAL_PARTLY_MET = Signal(
    kind="goal_partly_met",
    code=14,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="adviser",
    in_group=True,
    label="Met a part of the goal set before",
    chain="may",
    weeks=8,
    is_contact=True,
)
GOAL_NOT_FOLLOWED_UP = Signal(
    kind="goal_not_followed_up",
    code=15,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="adviser",
    in_group=True,
    label="Nobody asked about the goal",
    chain="may",
    weeks=8,
)
GOAL_DROPPED = Signal(
    kind="goal_dropped",
    code=16,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="adviser",
    in_group=True,
    label="Gave the goal up",
    chain="may",
)

SIGNALS = (GOAL_SET, GOAL_MET, GOAL_PARTLY_MET, GOAL_NOT_FOLLOWED_UP, GOAL_DROPPED)
