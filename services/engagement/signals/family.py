"""The family: who backs the member, and who undermines."""

from engagement.signals.signal import Signal

FAMILY_SUPPORT = Signal(
    kind="family_support",
    code=32,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=91.0,
    audience="health_worker",
    in_group=False,
    label="The family supports the member",
    reported_by=("self", "health_worker", "staff", "system"),
)
FAMILY_SABOTAGE = Signal(
    kind="family_sabotage",
    code=33,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=91.0,
    audience="health_worker",
    in_group=False,
    label="Family or friends undermine the member",
    reported_by=("self", "health_worker", "staff", "system"),
)

SIGNALS = (FAMILY_SUPPORT, FAMILY_SABOTAGE)
