"""The worlds a study can name: tagged unions that decode JSON and TOML and list the choices."""

from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
import numpy as np

from engagement.actions.action import Id
from engagement.randomness import generator
from engagement.records import Bools, Floats, Integers
from engagement.simulation import peer_group, virtual_community
from engagement.simulation.effects import Effect, Effects, tabulate
from engagement.simulation.peer_group import DEFAULT, FRAGILE, LASTING, Month, PeerGroup
from engagement.simulation.stress import (
    AnyStress,
    HarmfulOnceStopped,
    HoursCut,
    LeadersLeave,
    Misleading,
    NoEffect,
    OppositeInRural,
    ReportedLate,
    Unreported,
)
from engagement.simulation.virtual_community import SUPER_USER, Community, VirtualCommunity

AnyWorld: TypeAlias = PeerGroup | VirtualCommunity
AnyState: TypeAlias = peer_group.State | Community


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A world of a study: who lives there, and what goes wrong.

    minimal : nothing is ever known but whether a group met, who came, and who met their goal: no setting of
        a group, no barrier of a member
    groups, seats : where they are others than the study's
    """

    name: Id
    people: AnyWorld = DEFAULT
    stress: tuple[AnyStress, ...] = ()
    minimal: bool = False
    groups: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    seats: Annotated[int, msgspec.Meta(ge=3, le=10_000)] | None = None

    def effects(self, effects: tuple[Effect, ...]) -> Effects:
        """What actions do in this world, as columns."""
        for one in self.stress:
            effects = one.effects(effects)
        return tabulate(effects)

    def hours(self, month: int) -> float:
        """What is left of the health workers' hours, as a factor."""
        return float(np.prod([one.hours(month) for one in self.stress]))

    @property
    def misleads(self) -> bool:
        """Whether features are somebody else's."""
        return any(one.misleads for one in self.stress)


class Reporting(NamedTuple):
    """What becomes of the reports of a month, (G,) each: is there one, and how many months late."""

    reported: Bools
    delay: Integers


def begin(world: World, groups: int, seats: int, actions: int, seed: int) -> AnyState:
    """The groups on the first day, the same for every strategy of a seed."""
    rng = generator(seed, "world")
    if isinstance(world.people, PeerGroup):
        return peer_group.start(world.people, groups, seats, rng, actions)
    return virtual_community.start(world.people, groups, seats, rng, actions)


def befallen(world: World, state: Any, month: int, seed: int) -> Any:
    """The groups after what goes wrong at the beginning of a month."""
    for one in world.stress:
        rng = generator(seed, "befalls", type(one).__name__, str(month))
        if isinstance(state, Community):
            stays = one.stays(month, rng.random(state.active.shape)) | (state.kind != SUPER_USER)
            state = state._replace(active=state.active & stays)
        else:
            state = state._replace(adviser=state.adviser & one.stays(month, rng.random(state.alive.shape)))
    return state


def moved(
    world: World, state: Any, act: Integers, effects: Effects, month: int, running: int, seed: int
) -> tuple[Any, Month]:
    """One month of every group, with chances that depend on nothing but seed, month and place."""
    move: Any = peer_group.month if isinstance(world.people, PeerGroup) else virtual_community.month
    rng = generator(seed, "month", str(month))
    result: tuple[Any, Month] = move(
        world.people, state, act, effects, month < running, month - running + 1, rng
    )
    return result


def chances(world: World, state: Any, act: Integers, effects: Effects, month: int, running: int) -> Floats:
    """Probability that each seat comes, (G, M), under the actions given."""
    found: Any = (
        peer_group.chance_of_coming
        if isinstance(world.people, PeerGroup)
        else virtual_community.chance_of_coming
    )
    chance: Floats = found(world.people, state, act, effects, month < running, month - running + 1)
    return chance


def reporting(world: World, groups: int, month: int, seed: int) -> Reporting:
    """What is heard of a month and when."""
    unreported, delay = np.zeros(groups, np.bool_), np.zeros(groups, np.int64)
    for one in world.stress:
        draws = generator(seed, "reports", type(one).__name__, str(month)).random((2, groups))
        unreported |= one.unreported(draws[0])
        delay += one.delay(draws[1])
    return Reporting(~unreported, delay)


WORLDS: tuple[World, ...] = (
    World(name="default"),
    World(name="lasting", people=LASTING),
    World(name="fragile", people=FRAGILE),
    World(name="minimal_month", minimal=True),
    World(name="virtual", people=VirtualCommunity(), groups=1, seats=1200),
    World(name="no_effect", stress=(NoEffect(),)),
    World(name="opposite_in_rural", stress=(OppositeInRural(),)),
    World(name="harmful_once_stopped", stress=(HarmfulOnceStopped(),)),
    World(name="unreported", stress=(Unreported(),)),
    World(name="reported_late", stress=(ReportedLate(),)),
    World(name="advisers_leave", stress=(LeadersLeave(),)),
    World(name="hours_halved", stress=(HoursCut(),)),
    World(name="misleading_features", stress=(Misleading(),)),
)
"""Those that a study may call by name alone."""
