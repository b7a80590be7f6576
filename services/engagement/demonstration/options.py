"""How large a demonstration is, how long, and in which world."""

from typing import Annotated, Literal

import msgspec

from engagement.simulation.peer_group import DEFAULT, FRAGILE, LASTING, PeerGroup

SEATS = 8
WorldName = Literal["default", "lasting", "fragile"]
StrategyName = Literal["learned", "counted", "even", "none"]
WORLDS: dict[WorldName, PeerGroup] = {"default": DEFAULT, "lasting": LASTING, "fragile": FRAGILE}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a demonstration is made of.

    months_running, months_after : before and after the program's end
    strategy : one of the template's, or `none`, which asks for nothing: the world left to itself
    """

    groups: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 30
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 1
    months_running: Annotated[int, msgspec.Meta(ge=1, le=120)] = 12
    months_after: Annotated[int, msgspec.Meta(ge=0, le=120)] = 12
    world: WorldName = "default"
    strategy: StrategyName = "learned"

    @property
    def months(self) -> int:
        """All months together."""
        return self.months_running + self.months_after
