"""A virtual community: who writes, asks, answers and supports, and the loss of one who carried it."""

from engagement.signals.signal import Signal

POST_WRITTEN = Signal(
    kind="post_written",
    code=24,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=28.0,  # a community is looked at over 30 days
    audience="group",
    in_group=True,
    label="Wrote a post",
    reported_by=("self", "staff", "system"),
    weeks=5,
)
QUESTION_ASKED = Signal(
    kind="question_asked",
    code=25,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=28.0,
    audience="group",
    in_group=True,
    label="Asked a question",
    reported_by=("self", "staff", "system"),
    chain="may",
    weeks=5,
)
QUESTION_ANSWERED = Signal(
    kind="question_answered",
    code=26,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=28.0,
    audience="group",
    in_group=True,
    label="Answered a question",
    reported_by=("self", "staff", "system"),
    chain="may",
    weeks=5,
)
EMOTIONAL_SUPPORT = Signal(
    kind="emotional_support",
    code=27,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=28.0,
    audience="group",
    in_group=True,
    label="Gave emotional support",
    reported_by=("self", "staff", "system"),
    weeks=5,
)
INFORMATIONAL_SUPPORT = Signal(
    kind="informational_support",
    code=28,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=28.0,
    audience="group",
    in_group=True,
    label="Gave informational support",
    reported_by=("self", "staff", "system"),
    weeks=5,
)
SUPER_USER_LOST = Signal(
    kind="super_user_lost",
    code=29,
    level="group",
    unit="event",
    low=1,
    high=1,
    half_life_days=91.0,  # a shock that is felt for months
    audience="staff",
    in_group=False,
    label="One of the few who write most has gone",
    reported_by=("staff", "system"),
)

SIGNALS = (
    POST_WRITTEN,
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    EMOTIONAL_SUPPORT,
    INFORMATIONAL_SUPPORT,
    SUPER_USER_LOST,
)
