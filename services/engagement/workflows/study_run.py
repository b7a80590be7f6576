"""One run of a study: its job, the name of its result, and the result. Synthetic throughout.

A job holds all that its result depends on, so that the digest of a job names its result: what is already
there need not be run again, and what was changed has another name.
"""

from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from typing import NamedTuple

import msgspec
import numpy as np

from engagement.actions.action import Id
from engagement.randomness import generator
from engagement.simulation.contender import Contender
from engagement.simulation.examples import MENU
from engagement.simulation.figures import Figures, GroupFigures, told
from engagement.simulation.living import Lived, lived
from engagement.simulation.program_effects import effects_of
from engagement.simulation.registry import World, begin
from engagement.simulation.setting import Setting, Size
from engagement.strategy.setup import Budget, Catalogue
from engagement.workflows.program import template
from engagement.workflows.study_file import Resolved

FORM = 1
"""Of a result. A change of what runs come to, other than by the package's version, raises it."""
PAYER = "program"
UNIT = 2.0**-32


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    program: Id
    size: Size
    world: World
    contender: Contender
    seed: int
    keep_decisions: bool = False


class DecisionRow(msgspec.Struct, frozen=True, array_like=True):
    """One decision. seat : 0 for a group as a whole      reward : None where nothing was heard"""

    month: int
    group: int
    seat: int
    action: str
    probability: float
    reward: float | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. alive, attendance : by month, shares of groups and of seats"""

    key: str
    world: Id
    strategy: Id
    seed: int
    figures: Figures
    alive: tuple[float, ...]
    attendance: tuple[float, ...]
    groups: tuple[GroupFigures, ...]
    decisions: tuple[DecisionRow, ...] = ()


class Named(NamedTuple):
    """A job and the name of its result."""

    key: str
    job: Job


def jobs(resolved: Resolved, seeds: int) -> tuple[Named, ...]:
    """All runs of a study, seed by seed, so that what is there early is already balanced."""
    study = resolved.study
    made = (
        Job(
            program=study.program,
            size=study.size,
            world=world,
            contender=contender,
            seed=seed,
            keep_decisions=study.keep_decisions,
        )
        for seed in range(1, seeds + 1)
        for world in resolved.worlds
        for contender in resolved.contenders
    )
    return tuple(Named(key_of(job), job) for job in made)


def key_of(job: Job) -> str:
    """The digest of everything a result depends on."""
    parts = (FORM, _version(), _program(job.program), msgspec.json.encode(job))
    return blake2b(b"\0".join(str(part).encode() for part in parts), digest_size=16).hexdigest()


def result(named: Named) -> bytes:
    """The run, lived and told: its bytes depend on the job alone."""
    key, job = named
    setting = _setting(job.program, job.size, job.seed)
    months = lived(setting, job.world, job.contender, job.seed)
    groups, seats = months[0].there.shape
    state = begin(job.world, groups, seats, len(setting.effects), job.seed)
    figures, of_groups = told(months, job.size.months_running, state.urban.tolist())
    run = Run(
        key=key,
        world=job.world.name,
        strategy=job.contender.name,
        seed=job.seed,
        figures=figures,
        alive=tuple(float(month.happened.alive.mean()) for month in months),
        attendance=tuple(float(month.happened.attended.mean()) for month in months),
        groups=of_groups,
        decisions=_decisions(job, months) if job.keep_decisions else (),
    )
    return msgspec.json.encode(run)


def _decisions(job: Job, months: list[Lived]) -> tuple[DecisionRow, ...]:
    strategy = job.contender.strategy
    if strategy is None:
        return ()
    seats, names = months[0].there.shape[1], ("none", *strategy.actions)
    by_group = strategy.level == "group"
    return tuple(
        DecisionRow(
            month,
            1 + (row if by_group else row // seats),
            0 if by_group else 1 + row % seats,
            names[action],
            float(share[action]) * UNIT,
            None if np.isnan(reward) else float(reward),
        )
        for month, lived in enumerate(months, start=1)
        if lived.decided is not None
        for row, action, share, reward in zip(
            lived.decided.rows.tolist(),
            lived.decided.action.tolist(),
            lived.decided.probability,
            lived.decided.reward,
            strict=True,
        )
    )


def _setting(program: str, size: Size, seed: int) -> Setting:
    """The template as it stands, with the study's money as its only budget."""
    plan = template(program)
    money = {} if size.money_minor is None else {PAYER: Budget(id=PAYER, limit_minor=size.money_minor)}
    catalogue = Catalogue(
        0,
        plan.program,
        {},
        money,
        {action.id: action for action in plan.actions},
        {strategy.id: strategy for strategy in plan.strategies},
        {},
    )
    secret = generator(seed, "draw secret").bytes(32)
    menu = tuple(action for action in MENU if action in catalogue.actions)
    return Setting(catalogue, effects_of(plan.actions), size, "study", secret, menu)


@cache
def _version() -> str:
    return version("engagement")


@cache
def _program(name: str) -> str:
    """The digest of what of a template, and of the effects of actions, may change a result."""
    plan = template(name)
    parts = (plan.program, plan.actions, plan.strategies, effects_of(plan.actions))
    return blake2b(msgspec.json.encode(parts)).hexdigest()
