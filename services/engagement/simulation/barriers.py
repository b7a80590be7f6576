"""What keeps a synthetic member away: five barriers, each present or not, drawn once at the start.

A member may have several, or none. The rates are guesses, with two exceptions that have a hold:
of those who came to no session of K-DPP, 43 % named time and 21 % the place
(10.1186/s13012-018-0791-0), and members are held back by family or friends in 20 to 30 % of cases
(after Mayberry & Osborn 2012, 10.2337/dc11-2103). Lack of time is mainly an urban complaint.
"""

from typing import Annotated, Literal, get_args

import msgspec
import numpy as np

from engagement.records import Bools

Barrier = Literal["money", "motivation", "awareness", "time", "sabotage"]
BARRIERS: tuple[Barrier, ...] = get_args(Barrier)
"""The order of a state's barrier columns."""

SABOTAGE = BARRIERS.index("sabotage")

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]


class BarrierRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Share of members with each barrier."""

    money: Rate = 0.35
    motivation: Rate = 0.45
    awareness: Rate = 0.40
    time_urban: Rate = 0.45
    time_rural: Rate = 0.15
    sabotage: Rate = 0.25


def draw_barriers(rates: BarrierRates, urban: Bools, seats: int, rng: np.random.Generator) -> Bools:
    """Who has which barrier, independently, (G, M, 5) in the order of `BARRIERS`.

    urban : (G,)      Draws G·M·5 uniforms whatever the rates are.
    """
    time = np.where(urban, rates.time_urban, rates.time_rural)
    by_group = np.stack(
        [np.broadcast_to(time if name == "time" else getattr(rates, name), urban.shape) for name in BARRIERS],
        axis=-1,
    )
    return rng.random((urban.size, seats, len(BARRIERS))) < by_group[:, None, :]
