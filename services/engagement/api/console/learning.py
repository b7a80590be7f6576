"""Learning: versions, how far each moved the belief, and whether draws keep to their probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.desk import Work
from engagement.api.service import Service, one
from engagement.store.kept import Kept
from engagement.workflows.concerns import GAP_SDS, LAG_HOURS, SHIFT_SDS
from engagement.workflows.learning_told import (
    LearningTold,
    LearningWanted,
    Replayed,
    VersionTold,
    learning,
    replayed_newest,
    versions,
)
from engagement.workflows.strategy_signs import DECIDED_BY


class Learning(msgspec.Struct, frozen=True):
    """How a program learns, by one of its strategies."""

    told: LearningTold
    versions: tuple[VersionTold, ...]
    replayed: Replayed
    gap_limit: float = GAP_SDS
    shift_limit: float = SHIFT_SDS
    lag_limit_hours: int = LAG_HOURS

    @property
    def to_look_at(self) -> tuple[str, ...]:
        """The alerts that would fire, by name."""
        own = tuple(name for name, _ in self.told.concerns)
        return (*own, *(("ReplayMismatch",) if self.replayed.differ else ()))

    @property
    def decided(self) -> int:
        """Decisions of the window."""
        return 0 if self.told.signs is None else sum(self.told.signs.decided_by)

    @property
    def fell_back(self) -> int:
        """Those of them for which the belief could not be used."""
        if self.told.signs is None:
            return 0
        return dict(zip(DECIDED_BY, self.told.signs.decided_by, strict=True))["belief_unusable"]


class Read(NamedTuple):
    """What was read beforehand."""

    told: LearningTold
    versions: tuple[VersionTold, ...]
    replayed: Replayed


async def gather(service: Service, visit: Visit) -> Read:
    """Three readings: what every strategy's signs take is read beside the lanes, the others by themselves."""
    program_id = visit.who.key.program_id
    wanted = LearningWanted(visit.query.get("strategy", ""))
    told: LearningTold = await service.beside.ask(Work(program_id, learning), wanted)
    made = await service.beside.ask(Work(program_id, versions), told.strategy)
    return Read(told, made, await one(service, "read", Work(program_id, replayed_newest), None))


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[Learning]:
    """What follows from what was gathered."""
    return [Learning(*visit.found) for visit in visits]


PAGE = ConsolePage("learning", "/learning", read, audience="staff", menu=True, first=gather)
