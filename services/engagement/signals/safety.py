"""Safety: what closes the bandit for a member at once and opens a referral to a person.

A case is a chain where the caller names it, else each report is one. What is open: `cases`.
"""

from typing import Literal

from engagement.signals.signal import Signal

SafetyKind = Literal["red_flag", "distress", "not_safe_at_home", "complaint", "harm"]

RED_FLAG = Signal(
    kind="red_flag",
    code=43,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="health_worker",
    in_group=False,
    label="A sign of danger to health",
    chain="may",
)
DISTRESS = Signal(
    kind="distress",
    code=44,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="staff",
    in_group=False,
    label="In distress",
    chain="may",
)
NOT_SAFE_AT_HOME = Signal(
    kind="not_safe_at_home",
    code=45,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="staff",
    in_group=False,
    label="Not safe at home",
    chain="may",
)
COMPLAINT = Signal(
    kind="complaint",
    code=46,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="staff",
    in_group=False,
    label="A complaint",
    chain="may",
)
HARM = Signal(
    kind="harm",
    code=47,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="staff",
    in_group=False,
    label="Harm was done",
    chain="may",
)
REFERRAL_ANSWERED = Signal(
    kind="referral_answered",
    code=48,
    level="member",
    unit="event",
    low=1,
    high=1,
    half_life_days=365.0,
    audience="health_worker",
    in_group=False,
    label="The person turned to has answered",
    reported_by=("health_worker", "staff", "system"),
    chain="may",
)

REPORTS = (RED_FLAG, DISTRESS, NOT_SAFE_AT_HOME, COMPLAINT, HARM)
SIGNALS = (*REPORTS, REFERRAL_ANSWERED)
