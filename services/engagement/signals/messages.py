"""Messages: did they arrive, were they read, was there a reply."""

from engagement.signals.signal import Signal

MESSAGE_DELIVERED = Signal(
    kind="message_delivered",
    code=21,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=28.0,
    audience="staff",
    in_group=False,
    label="The message was delivered",
    reported_by=("staff", "system"),
)
MESSAGE_READ = Signal(
    kind="message_read",
    code=22,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=28.0,
    audience="staff",
    in_group=False,
    label="The message was read",
    reported_by=("staff", "system"),
    weeks=8,
)
MESSAGE_REPLIED = Signal(
    kind="message_replied",
    code=23,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=28.0,
    audience="staff",
    in_group=False,
    label="The message was replied to",
    reported_by=("staff", "system"),
    weeks=8,
    is_contact=True,
)

SIGNALS = (MESSAGE_DELIVERED, MESSAGE_READ, MESSAGE_REPLIED)
