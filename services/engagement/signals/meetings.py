"""Meetings: was it held, postponed, and who came."""

from engagement.signals.signal import Signal

MEETING_HELD = Signal(
    kind="meeting_held",
    code=1,
    level="group",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=56.0,  # two meetings at the rhythm of one a month
    audience="group",
    in_group=False,
    label="The expected meeting was held",
    keeps_recent=True,
)
ATTENDANCE = Signal(
    kind="attendance",
    code=2,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=56.0,
    audience="adviser",
    in_group=True,
    label="Came to the meeting",
    keeps_recent=True,
    is_contact=True,
)
MEETING_POSTPONED = Signal(
    kind="meeting_postponed",
    code=9,
    level="group",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="group",
    in_group=False,
    label="The expected meeting was postponed",
)

SIGNALS = (MEETING_HELD, ATTENDANCE, MEETING_POSTPONED)
