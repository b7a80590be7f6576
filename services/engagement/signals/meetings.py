"""Meetings: was one expected, was it held or put off, and who came."""

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
    weeks=26,
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
    weeks=26,
    keeps_recent=True,
    is_contact=True,
)
MEETING_EXPECTED = Signal(
    kind="meeting_expected",
    code=9,
    level="group",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="group",
    in_group=False,
    label="A meeting is expected on this day",
)
MEETING_POSTPONED = Signal(
    kind="meeting_postponed",
    code=10,
    level="group",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="group",
    in_group=False,
    label="The meeting expected on this day was put off, and does not count as missed",
    keeps_recent=True,
)

SIGNALS = (MEETING_HELD, ATTENDANCE, MEETING_EXPECTED, MEETING_POSTPONED)
