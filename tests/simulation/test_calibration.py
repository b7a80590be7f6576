"""Without any action each profile lives as its calibration table says.

20,000 groups: a share p has the standard error √(p(1 − p)/n) ≤ √(.41·.59/16,200) = .0039, the worst
being survival after the end of the fragile groups, 81 % of which are alive then. Attendance and the
share gone are means over groups of numbers in [0, 1]: at most .5/√20,000 = .0035. So a figure that is
within .018 of the table stays within the .03 allowed by more than three standard errors.
"""

from typing import NamedTuple

import numpy as np
import pytest

from engagement.randomness import generator
from engagement.simulation.effects import ACTION_EFFECTS, tabulate
from engagement.simulation.peer_group import DEFAULT, FRAGILE, LASTING, PeerGroup, month, start

GROUPS, SEATS, RUNNING, AFTER = 20_000, 8, 12, 12
ALLOWED = 0.03


class Figures(NamedTuple):
    attendance_running: float
    held_running: float
    alive_at_end: float
    alive_a_year_on: float
    gone_by_month_24: float


PROFILES = {"lasting": LASTING, "default": DEFAULT, "fragile": FRAGILE}
TABLE = {
    "lasting": Figures(0.56, 0.97, 0.93, 0.85, 0.33),
    "default": Figures(0.55, 0.97, 0.93, 0.68, 0.47),
    "fragile": Figures(0.48, 0.93, 0.81, 0.41, 0.75),
}


def live(world: PeerGroup, name: str) -> Figures:
    rng = generator(1, "calibration", name)
    state = start(world, GROUPS, SEATS, rng)
    effects, nothing = tabulate(ACTION_EFFECTS), np.zeros((GROUPS, SEATS), dtype=np.int64)
    months = []
    for number in range(1, RUNNING + AFTER + 1):
        state, happened = month(world, state, nothing, effects, number <= RUNNING, number - RUNNING, rng)
        months.append(happened)
    running = months[:RUNNING]
    alive_at_end = running[-1].alive.mean()
    return Figures(
        attendance_running=float(np.mean([happened.attended.mean() for happened in running])),
        held_running=float(np.mean([happened.held.mean() for happened in running])),
        alive_at_end=float(alive_at_end),
        alive_a_year_on=float(months[-1].alive.mean() / alive_at_end),
        gone_by_month_24=float(sum(happened.left.sum() for happened in months) / (GROUPS * SEATS)),
    )


@pytest.fixture(scope="module")
def lived() -> dict[str, Figures]:
    return {name: live(world, name) for name, world in PROFILES.items()}


@pytest.mark.parametrize("figure", Figures._fields)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_left_alone_lives_as_its_table_says(
    lived: dict[str, Figures], profile: str, figure: str
) -> None:
    assert abs(getattr(lived[profile], figure) - getattr(TABLE[profile], figure)) <= ALLOWED
