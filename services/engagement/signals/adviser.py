"""The patient adviser's path: screened, trained, active, tired or stepped down, succeeded.

Said of the member who is, or is to become, the adviser.
"""

from engagement.signals.signal import Signal

SCREENING_ANSWER = Signal(
    kind="screening_answer",
    code=34,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=365.0,  # the question is the chain: programs have their own
    audience="staff",
    in_group=False,
    label="Answered a question of the screening for positive deviants",
    reported_by=("self", "health_worker", "staff", "system"),
    chain="must",
)
ADVISER_STEP = Signal(
    kind="adviser_step",
    code=35,
    level="member",
    unit="choice",
    low=1,
    high=6,
    half_life_days=365.0,
    audience="staff",
    in_group=True,
    label="Took a step on the adviser's path",
    choices=("screened", "trained", "active", "tired", "stepped_down", "succeeded"),
    chain="may",
)
TRAINING_DONE = Signal(
    kind="training_done",
    code=36,
    level="member",
    unit="choice",
    low=1,
    high=5,
    half_life_days=365.0,
    audience="staff",
    in_group=False,
    label="Completed a module of the training",
    choices=("disease", "own_practice", "leading_a_group", "refresher", "other"),
    chain="may",
)
REFRESHER_DUE = Signal(
    kind="refresher_due",
    code=37,
    level="member",
    unit="days",
    low=0,
    high=1095,
    half_life_days=365.0,
    audience="staff",
    in_group=False,
    label="Days from this report until a refresher is due",
    reported_by=("health_worker", "staff", "system"),
    chain="may",
)

SIGNALS = (SCREENING_ANSWER, ADVISER_STEP, TRAINING_DONE, REFRESHER_DUE)
