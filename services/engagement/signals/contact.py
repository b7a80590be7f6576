"""Contact between meetings: by the patient adviser and by the health worker."""

from engagement.signals.signal import Signal

REMINDER_PASSED_ON = Signal(
    kind="reminder_passed_on",
    code=7,
    level="group",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=28.0,  # one month: a reminder is about the next meeting and no later one
    audience="adviser",
    in_group=False,
    label="The adviser passed the reminder on",
    weeks=26,
)
HEALTH_WORKER_CONTACT = Signal(
    kind="health_worker_contact",
    code=8,
    level="member",
    unit="yes_no",  # 0: tried and not reached, which a count of contacts could not tell from silence
    low=0,
    high=1,
    half_life_days=56.0,
    audience="health_worker",
    in_group=False,
    label="The health worker reached the member",
    reported_by=("self", "health_worker", "staff", "system"),
    weeks=26,
    is_contact=True,
)

SIGNALS = (REMINDER_PASSED_ON, HEALTH_WORKER_CONTACT)
