"""The agenda: what the group means to talk about, each topic a chain.

Whoever suggested or changed a topic is named by role, never by seat.
"""

from engagement.signals.signal import Signal

WHO = ("members", "adviser", "health_worker", "staff")

TOPIC_SUGGESTED = Signal(
    kind="topic_suggested",
    code=11,
    level="group",
    unit="choice",
    low=1,
    high=len(WHO),
    half_life_days=56.0,  # as long as the meetings it is for
    audience="group",
    in_group=False,
    label="A topic was suggested",
    choices=WHO,
    chain="must",
)
TOPIC_AGREED = Signal(
    kind="topic_agreed",
    code=12,
    level="group",
    unit="event",
    low=1,
    high=1,
    half_life_days=56.0,
    audience="group",
    in_group=False,
    label="The group agreed on a topic",
    chain="must",
)
TOPIC_CHANGED = Signal(
    kind="topic_changed",
    code=13,
    level="group",
    unit="choice",
    low=1,
    high=len(WHO),
    half_life_days=56.0,
    audience="group",
    in_group=False,
    label="An agreed topic was changed",
    choices=WHO,
    chain="must",
)

SIGNALS = (TOPIC_SUGGESTED, TOPIC_AGREED, TOPIC_CHANGED)
