"""Personalised, or chance? What a strategy's belief told apart, beside what chance alone would have.

The strategy lives its ledger again and again in a world in which what is asked for does not matter
(`strategy/rerun.py`); the scores of its own course are compared with those (`estimators/personalised.py`).
Null worlds: `anything`: no action adds anything, and every result stays what it was; `people` and a feature:
each action adds the same for everybody, as estimated from what was drawn.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.propensity import ONE
from engagement.errors import Invalid, NotFound
from engagement.estimators.personalised import (
    AgainstChance,
    Interest,
    against_chance,
    against_other_level,
    against_others,
    common_effects,
    interest,
)
from engagement.estimators.sample import numbered
from engagement.randomness import generator
from engagement.records import Course, Floats, Integers, Points
from engagement.store import beliefs, facts, hyperparameters, setup
from engagement.store.decisions import Logged
from engagement.store.kept import Kept
from engagement.strategy.cadence import week_number
from engagement.strategy.prices import priced
from engagement.strategy.replay import features, member, propensities, refused
from engagement.strategy.rerun import NEVER, Past, rerun
from engagement.strategy.setup import LEADING, Catalogue
from engagement.strategy.strategy import Strategy
from engagement.strategy.stratum import Stratum
from engagement.workflows.logged import read_logged
from engagement.workflows.strata import strata_of

ANYTHING, PEOPLE = "anything", "people"
OF_UNITS = ("setting", "role", "sustaining")
"""What is asked beside the strategy's own features of 0 and 1."""
LEVEL = 0.05
FEWEST_UNITS = 8
"""Units below which nothing is told. A guess."""
FEWEST_LEARNED = 2
"""Decision points after the first result below which nothing is told. A guess."""
RESAMPLES = 199

Spread = Callable[[Callable[[int], Interest], Sequence[int]], Iterable[Interest]]
"""Does one thing for each number, wherever it likes."""


class Remembered(NamedTuple):
    """A strategy's ledger as arrays of N decisions.

    fitted : the belief as refitted, by version      unit, point : (N,), numbered from 0
    strata, phases : of each decision
    """

    strategy: Strategy
    simulated: bool
    past: Past
    fitted: Mapping[int, AnyPosterior]
    unit: Integers
    names: tuple[str, ...]
    point: Integers
    strata: tuple[Stratum, ...]
    phases: tuple[str, ...]


class ByChance(msgspec.Struct, frozen=True):
    """Something that was observed, beside what chance makes of it.

    expected, most : mean by chance, and what 95 of 100 resamples do not exceed
    chance : p of so much or more by chance alone
    """

    value: float
    expected: float
    most: float
    chance: float


class ActionTold(msgspec.Struct, frozen=True):
    """One action. chance : p, not shared out among actions"""

    action: str
    chance: float | None


class UnitTold(msgspec.Struct, frozen=True):
    """One unit, and the p of what the belief holds of it."""

    unit: str
    chance: float


class Personalised(msgspec.Struct, frozen=True):
    """Whether a strategy told apart what was asked for, or chance would have looked like it.

    by : `anything`, `people` or a feature      strength : in standard deviations of the belief
    interesting : pairs of a unit and an action      standing_out : units with p of at most 5 %
    units : told of, of the most unlikely first      why : nothing is told, in words
    """

    strategy: str
    title: str
    by: str
    simulated: bool
    decisions: int
    units: int
    resamples: int
    strength: ByChance | None = None
    interesting: ByChance | None = None
    actions: tuple[ActionTold, ...] = ()
    standing_out: int = 0
    unit_chances: tuple[UnitTold, ...] = ()
    why: str | None = None

    @property
    def claimed(self) -> bool:
        """Whether chance alone would do so less often than 5 times of 100."""
        return self.strength is not None and self.strength.chance <= LEVEL


def remembered(
    conn: Connection, kept: Kept, program_id: str, strategy_id: str, now_ms: int, most: int
) -> Remembered:
    """Reads what a strategy decided and learned up to a moment.

    raises : NotFound for an unknown strategy; Invalid for one that plans or learns nothing; TooLarge
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    strategy = catalogue.strategies.get(strategy_id)
    if strategy is None:
        raise NotFound(f"there is no strategy `{strategy_id}` in this program")
    if not personalises(strategy):
        raise Invalid(f"what `{strategy_id}` draws follows from no belief, so it cannot be personalised")
    logged = [
        row for row in read_logged(conn, program_id, strategy_id, most) if row.decision.decided_at <= now_ms
    ]
    names = ("none", *strategy.actions)
    if any(row.decision.evidence.actions != names for row in logged):
        raise Invalid(f"the actions of `{strategy_id}` have changed, so its course cannot be lived again")
    learned_in = beliefs.learned_in(conn, program_id, strategy_id)
    units = [f"{row.decision.unit_kind}:{row.decision.unit_id}" for row in logged]
    unit = numbered(units)
    return Remembered(
        strategy,
        facts.is_simulated(conn),
        _past(catalogue, strategy, logged, learned_in),
        _fitted(conn, program_id, strategy_id),
        unit,
        tuple(name for _, name in sorted(dict(zip(unit, units, strict=True)).items())),
        numbered([row.decision.decision_point for row in logged]),
        strata_of(conn, program_id, catalogue, [row.decision for row in logged]),
        tuple(row.decision.phase for row in logged),
    )


def all_remembered(
    conn: Connection, kept: Kept, program_id: str, by: str, now_ms: int, most: int
) -> tuple[Remembered, ...]:
    """Of every strategy that has decided and of which this may be asked, in order of id."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    names = sorted(
        name for name, one in catalogue.strategies.items() if personalises(one) and by in asked_for(one)
    )
    read = (remembered(conn, kept, program_id, name, now_ms, most) for name in names)
    return tuple(one for one in read if len(one.unit))


def personalises(strategy: Strategy) -> bool:
    """Whether what it draws may depend on whom it is about."""
    return strategy.plan is None and "scores" in strategy.allocation.USES


def _fitted(conn: Connection, program_id: str, strategy_id: str) -> dict[int, AnyPosterior]:
    made = (
        (header.version, hyperparameters.of_version(conn, program_id, strategy_id, header.version))
        for header in beliefs.versions(conn, program_id, strategy_id)
    )
    return {version: belief for version, belief in made if belief is not None}


def _past(
    catalogue: Catalogue, strategy: Strategy, logged: Sequence[Logged], learned_in: Mapping[str, int]
) -> Past:
    rows = [row.decision for row in logged]
    evidence = [row.evidence for row in rows]
    k, d = 1 + len(strategy.actions), len(strategy.columns)
    days = tuple(one.days_to_end for one in evidence)
    floors = [one.floor for one in evidence]
    return Past(
        Points(
            np.concatenate([np.zeros((0, d)), *map(features, evidence)]),
            tuple(row.group_id for row in rows),
            tuple(member(row.unit_kind, row.unit_id) for row in rows),
            Course(
                np.array([one.made for one in evidence], np.int64),
                np.array([one.remaining for one in evidence], np.float64),
            ),
            strategy.columns,
        ),
        np.concatenate([np.zeros((0, k), np.uint8), *map(refused, evidence)]),
        np.array(
            [one.actions.index(row.action_id) for one, row in zip(evidence, rows, strict=True)], np.int64
        ),
        np.concatenate([np.zeros((0, k)), *map(propensities, evidence)]) / ONE,
        np.array([np.nan if row.reward is None else row.reward for row in logged], np.float64),
        np.array(
            [row.randomised and row.arm == "learning" and row.fallback is None for row in rows], np.bool_
        ),
        np.array([row.version for row in rows], np.int64),
        np.array([learned_in.get(row.decision_id, NEVER) for row in rows], np.int64),
        np.array([week_number(row.closes_at) for row in rows], np.int64),
        priced(strategy.prices, catalogue.offered(strategy), days) if strategy.prices.any else None,
        np.array([strategy.floor if one is None else one for one in floors], np.float64)
        if any(one is not None for one in floors)
        else None,
    )


def personalised(read: Remembered, by: str, resamples: int = RESAMPLES, spread: Spread = map) -> Personalised:
    """The answer. by : `anything`, `people`, `setting`, `role`, `sustaining` or a feature of 0 and 1

    raises : Invalid for what the decisions do not hold
    """
    level = None if by in (ANYTHING, PEOPLE) else _level(read, by)
    told = Personalised(
        read.strategy.id, read.strategy.title, by, read.simulated, len(read.unit), len(read.names), 0
    )
    course = partial(_course, read, by, level)
    observed = course()
    why = _why_not(read, observed)
    if why is not None:
        return msgspec.structs.replace(told, why=why)
    effect = None if by == ANYTHING else _effects(read)
    once = partial(_resampled, read, by, level, effect)
    found = against_chance(observed, list(spread(once, range(resamples))))
    return _told(told, read, found)


def _course(
    read: Remembered,
    by: str,
    level: Floats | None,
    effect: Floats | None = None,
    rng: np.random.Generator | None = None,
) -> Interest:
    advantage = rerun(read.strategy, read.past, read.fitted, effect, rng)
    if by == PEOPLE:
        advantage = against_others(advantage, read.point)
    elif level is not None:
        advantage = against_other_level(advantage, read.point, level)
    return interest(advantage, read.unit)


def _resampled(
    read: Remembered, by: str, level: Floats | None, effect: Floats | None, number: int
) -> Interest:
    return _course(read, by, level, effect, generator(number, "personalised", read.strategy.id, by))


def _effects(read: Remembered) -> Floats:
    past = read.past
    rows = past.drawn & np.isfinite(past.reward)
    return common_effects(past.reward[rows], past.action[rows], past.probability[rows])


def _level(read: Remembered, by: str) -> Floats:
    """0 or 1 at each decision; NaN where it is not known."""
    columns, seen = read.strategy.columns, read.past.points.features
    if by in columns:
        values = seen[:, columns.index(by)]
        missing = f"{by}_missing"
        if missing in columns:
            values = np.where(seen[:, columns.index(missing)] > 0, np.nan, values)
        if not np.isin(values[np.isfinite(values)], (0, 1)).all():
            raise Invalid(f"`{by}` is not a feature of 0 and 1, so there are not two sides to compare")
        return values
    if by == "setting":
        known = {"urban": 1.0, "rural": 0.0}
        return np.array([known.get(one.setting or "", np.nan) for one in read.strata])
    if by == "role":
        return np.array([np.nan if one.role is None else float(one.role in LEADING) for one in read.strata])
    if by == "sustaining":
        return np.array([float(one == "sustaining") for one in read.phases])
    raise Invalid(f"`{by}` is none of {', '.join(asked_for(read.strategy))}")


def asked_for(strategy: Strategy) -> tuple[str, ...]:
    """What may be asked of a strategy; of its features those of 0 and 1."""
    return (ANYTHING, PEOPLE, *OF_UNITS, *(name for name in strategy.features if name not in OF_UNITS))


def _why_not(read: Remembered, observed: Interest) -> str | None:
    if len(read.names) < FEWEST_UNITS:
        return f"it has decided about {len(read.names)}, and {FEWEST_UNITS} are needed"
    learned = read.past.version > 0
    points = len(np.unique(read.point[learned]))
    if points < FEWEST_LEARNED:
        return (
            f"it has decided at {points} points in time since it first learned anything, and "
            f"{FEWEST_LEARNED} are needed"
        )
    if not observed.determined.any():
        return "at no time were there two of each kind to compare"
    return None


def _told(told: Personalised, read: Remembered, found: AgainstChance) -> Personalised:
    known = np.flatnonzero(np.isfinite(found.by_unit))
    order = known[np.argsort(found.by_unit[known], kind="stable")]
    return msgspec.structs.replace(
        told,
        resamples=found.resamples,
        strength=ByChance(found.strength, found.expected, found.most, found.chance),
        interesting=ByChance(
            found.interesting, found.interesting_expected, found.interesting_most, found.interesting_chance
        ),
        actions=tuple(
            ActionTold(name, float(chance) if np.isfinite(chance) else None)
            for name, chance in zip(read.strategy.actions, found.by_action, strict=True)
        ),
        standing_out=int((found.by_unit[known] <= LEVEL).sum()),
        unit_chances=tuple(UnitTold(read.names[place], float(found.by_unit[place])) for place in order),
    )


# --- in words -----------------------------------------------------------------------------------------


def in_words(found: Personalised) -> list[str]:
    """The answer first, then what it rests on."""
    asked = f"Personalised, or chance? {found.title}, {_by(found.by)}."
    if found.why is not None or found.strength is None or found.interesting is None:
        return [asked, f"Not enough data: {found.why}."]
    strength, count = found.strength, found.interesting
    told = [row for row in found.actions if row.chance is not None]
    share = LEVEL / max(len(told), 1)
    named = [f"{row.action} (p {row.chance:.3f})" for row in told if (row.chance or 1.0) <= share]
    by_chance = LEVEL * len(found.unit_chances)
    world = (
        f"  {found.decisions:,} decisions about {found.units:,}, lived again {found.resamples:,} times where "
        f"{_world(found.by)}."
    )
    how_far = (
        f"  How far it told them apart: {strength.value:.2f} standard deviations; by chance "
        f"{strength.expected:.2f}, and 95 times of 100 at most {strength.most:.2f}; p {strength.chance:.3f}."
    )
    one_sided = (
        f"  One-sided throughout: {count.value:.0f} pairs of a unit and an action; by chance "
        f"{count.expected:.1f}, and 95 times of 100 at most {count.most:.0f}; p {count.chance:.3f}."
    )
    return [
        asked,
        _verdict(found),
        world,
        how_far,
        one_sided,
        f"  By action: {', '.join(named) or 'none stands out'} ({len(told)} share a chance of {LEVEL:.0%}).",
        f"  {found.standing_out} stand out with p of at most {LEVEL:.2f}; by chance {by_chance:.1f} would.",
    ]


def _verdict(found: Personalised) -> str:
    if found.claimed:
        return "Yes: chance alone would seldom tell them apart so far."
    return "It cannot be told from chance: draws alone would look like this."


def _by(by: str) -> str:
    return {ANYTHING: "by whether anything helps", PEOPLE: "by person"}.get(by, f"by `{by}`")


def _world(by: str) -> str:
    if by == ANYTHING:
        return "no action adds anything"
    return "each action adds the same for everybody"
