"""The group's own fund."""

from engagement.signals.signal import Signal

FUND_CONTRIBUTION = Signal(
    kind="fund_contribution",
    code=38,
    level="member",
    unit="money",
    low=0,
    high=10**9,
    half_life_days=56.0,  # two meetings
    audience="adviser",
    in_group=True,
    label="Paid into the group's fund; 0: was expected to and did not",
)

SIGNALS = (FUND_CONTRIBUTION,)
