"""The clinic and the medicine: kept, taken, and whether the disease is under control.

Yes and no only: no reading of an instrument enters the service.
"""

from engagement.signals.signal import Signal

CLINIC_FOLLOW_UP = Signal(
    kind="clinic_follow_up",
    code=17,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=91.0,  # follow-ups are about three months apart
    audience="health_worker",
    in_group=False,
    label="Kept the follow-up at the clinic",
    reported_by=("self", "health_worker", "staff", "system"),
    weeks=26,
)
MEDICINE_TAKEN = Signal(
    kind="medicine_taken",
    code=18,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=28.0,  # a month: the time between two refills
    audience="health_worker",
    in_group=False,
    label="Took the medicine as prescribed",
    reported_by=("self", "health_worker", "staff", "system"),
    weeks=8,
)
PRESSURE_CONTROLLED = Signal(
    kind="pressure_controlled",
    code=19,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=91.0,
    audience="health_worker",
    in_group=False,
    label="Blood pressure is under control",
    reported_by=("health_worker", "staff", "system"),
)
GLUCOSE_CONTROLLED = Signal(
    kind="glucose_controlled",
    code=20,
    level="member",
    unit="yes_no",
    low=0,
    high=1,
    half_life_days=91.0,
    audience="health_worker",
    in_group=False,
    label="Glucose is under control",
    reported_by=("health_worker", "staff", "system"),
)

SIGNALS = (CLINIC_FOLLOW_UP, MEDICINE_TAKEN, PRESSURE_CONTROLLED, GLUCOSE_CONTROLLED)
