"""The plan of a pool for a week: what is asked, what is drawn, and what is kept of it to make it again.

`drawn_up` needs nothing but what is asked and the keyed numbers. `made_again` needs only what is stored.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from engagement.bandits.restless.assignment import LeftOut, Places, Worker
from engagement.bandits.restless.chains import sampled
from engagement.bandits.restless.inclusion import mixed
from engagement.bandits.restless.index import of_cells, worth
from engagement.bandits.restless.pivotal import Draws
from engagement.bandits.restless.plan import Belief, Considered, Decided, Pool, Rule, chances, decided, plan
from engagement.randomness import generator
from engagement.records import Floats, Units
from engagement.strategy.clusters import Change, Stand, believed
from engagement.strategy.crew import fillers
from engagement.strategy.planning import STATES, PlanLevel, UnitState
from engagement.strategy.promise import promised


class Candidate(NamedTuple):
    """A unit that could be visited in the week.

    state : the last known, one of a chain's      unheard : steps since it was known, 0 if it is known now
    due : weeks within which a visit is promised, see `promise`
    """

    unit: str
    language: str
    stand: Stand
    state: UnitState
    unheard: int
    due: int


class Question(NamedTuple):
    """What a plan is drawn up from.

    workers : with the minutes they have left for the week      visits : that these and money allow
    changes : what was seen of all such units of the program      level : what the units are
    """

    pool: str
    candidates: tuple[Candidate, ...]
    workers: tuple[Worker, ...]
    visits: int
    changes: Sequence[Change]
    rule: Rule
    level: PlanLevel = "group"


class Filler(NamedTuple):
    """Who goes to a unit that was not chosen, in the place of one to which nobody can go; positions."""

    unit: int
    worker: str
    instead_of: int


class Drawn(NamedTuple):
    """A plan of N units.

    worth, sd : (N,), of the index in the draws from the belief, in rewards
    service_cost, chance_cost : what promises, and then the part left to chance, cost in Σ index·π. By the
    model, for this week's visits only
    """

    decided: Decided
    considered: Considered
    worker: tuple[str | None, ...]
    left_out: tuple[LeftOut | None, ...]
    fillers: tuple[Filler, ...]
    worth: Floats
    sd: Floats
    service_cost: float
    chance_cost: float
    replaced: float


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """One unit of a plan as it is stored, in the order of the pool.

    place : in line from 1, the chosen first      due : weeks, 0 where nothing was promised
    share : π̂      owed : `Pool.due`, None for ∞      units : π in units of 2⁻³²
    state, unheard, cluster : what it was taken for      worth, sd : of its index
    group : of a member on that day; "" where the unit is a group      known : whether a state ever was
    """

    unit: str
    decision_id: str
    place: int
    share: float
    owed: float | None
    units: int
    forced: bool
    chosen: bool
    state: UnitState
    unheard: int
    due: int
    setting: str
    after: bool
    barrier: str
    worth: float
    sd: float
    group: str = ""
    known: bool = True


class Barred(msgspec.Struct, frozen=True, array_like=True):
    """A unit of the pool to which no visit could be given, and the code of the reason.

    group : of a member on that day; "" where the unit is a group
    """

    unit: str
    decision_id: str
    reason: int
    group: str = ""


class CrewMember(msgspec.Struct, frozen=True, array_like=True):
    """A health worker as she stood: minutes of the week that were not promised elsewhere."""

    worker: str
    languages: tuple[str, ...]
    minutes: int
    visit: int
    away: bool


class PlanEvidence(msgspec.Struct, frozen=True, array_like=True):
    """Everything a plan was made of, as it is stored: enough to make π, choice and line again."""

    placed: tuple[Placed, ...]
    barred: tuple[Barred, ...]
    crew: tuple[CrewMember, ...]
    visits: int
    epsilon: float
    service_cost: float
    chance_cost: float
    replaced: float
    level: PlanLevel = "group"


_NONE, _NUMBERS = np.zeros(0), np.zeros(0, np.int64)
NOBODY = Drawn(
    Decided(np.zeros(0, np.uint64), np.zeros(0, np.bool_), np.zeros(0, np.bool_), _NUMBERS),
    Considered(_NONE, _NONE, 0, 0.0),
    (), (), (), _NONE, _NONE, 0.0, 0.0, 0.0,
)  # fmt: skip
"""The plan of a pool in which no unit can be visited."""


def drawn_up(question: Question, numbers: Draws, seed: int, *parts: str) -> Drawn:
    """The plan for what is asked.

    numbers : the candidates' keyed uniforms      seed, parts : key the draws from the belief
    raises : Invalid when the minimum service needs more visits than there are
    """
    rows, rule = question.candidates, question.rule
    if not rows:
        return NOBODY
    visits = min(question.visits, len(rows))
    kept = promised(np.array([row.due for row in rows], np.int64), visits, rule.epsilon, numbers.order)
    rule = msgspec.structs.replace(rule, epsilon=kept.epsilon)
    belief, cluster = believed(question.changes, [row.stand for row in rows], question.level)
    pool = Pool(
        Places(
            tuple(row.unit for row in rows),
            (question.pool,) * len(rows),
            tuple(row.language for row in rows),
        ),
        cluster,
        np.array([STATES[question.level].index(row.state) for row in rows], np.int64),
        np.array([row.unheard for row in rows], np.int64),
        kept.due,
    )
    made = plan(pool, belief, rule, visits, question.workers, numbers, generator(seed, *parts))
    index = _index(pool, belief, rule, seed, *parts)
    value, share = index.mean(axis=0), made.considered.share
    by_chance = mixed(share, visits, rule.epsilon)
    pi = made.decided.probability / 2.0**32
    return Drawn(
        made.decided,
        made.considered,
        made.worker,
        made.reason,
        _fillers(pool.places, made.decided, made.worker, question.workers),
        value,
        index.std(axis=0),
        _cost(value, by_chance, pi),
        _cost(value, share, by_chance),
        made.replaced,
    )


def _index(pool: Pool, belief: Belief, rule: Rule, seed: int, *parts: str) -> Floats:
    """(M, N): the units' index in the very draws from which their shares were made."""
    rng = generator(seed, *parts)
    transitions = sampled(belief.concentration, rule.draws, rng, rule.width, rule.belief_in_order)
    found = worth(transitions, np.array(rule.reward), rule.discount, belief.phases)
    return of_cells(found.value, transitions, pool.cluster, pool.state, pool.unheard)


def _cost(value: Floats, wanted: Floats, given: Floats) -> float:
    """By how much Σ value·π falls, to nine digits: π is counted in units of 2⁻³²."""
    return round(float(value @ (wanted - given)), 9)


def _fillers(
    places: Places, made: Decided, worker: Sequence[str | None], workers: Sequence[Worker]
) -> tuple[Filler, ...]:
    """Time that nobody chosen can use goes to the next in line, once for each who is left out."""
    going, following = made.line[: made.chosen.sum()], made.line[made.chosen.sum() :]
    empty = [unit for unit in going.tolist() if worker[unit] is None]
    left = [
        one._replace(minutes=one.minutes - one.visit * sum(name == one.name for name in worker))
        for one in workers
    ]
    found = fillers(places.at(following), left)
    return tuple(
        Filler(int(following[place]), name, instead)
        for (place, name), instead in zip(found, empty, strict=False)
    )


def made_again(evidence: PlanEvidence, numbers: Draws) -> Decided:
    """π, choice and line from what is stored. numbers : of the placed units, keyed anew"""
    return decided(_considered(evidence), numbers)


def chances_again(evidence: PlanEvidence) -> Units:
    """(N,), π alone, made again from what is stored; it needs nobody's keyed numbers."""
    return chances(_considered(evidence))


def _considered(evidence: PlanEvidence) -> Considered:
    owed = np.array([np.inf if row.owed is None else row.owed for row in evidence.placed])
    share = np.array([row.share for row in evidence.placed])
    return Considered(share, owed, evidence.visits, evidence.epsilon)


def without(evidence: PlanEvidence, decisions: Collection[str]) -> PlanEvidence:
    """A plan without those for whom these decisions were made.

    Of a unit in line only the numbers stay from which everybody's π follows: nobody's, in its place.
    """

    def blank(row: Placed) -> Placed:
        return Placed(
            "", "", row.place, row.share, row.owed, row.units, row.forced, row.chosen,
            STATES[evidence.level][0], 0, 0, "", False, "", 0.0, 0.0, known=False,
        )  # fmt: skip

    placed = tuple(blank(row) if row.decision_id in decisions else row for row in evidence.placed)
    barred = tuple(row for row in evidence.barred if row.decision_id not in decisions)
    return msgspec.structs.replace(evidence, placed=placed, barred=barred)


def is_whole(evidence: PlanEvidence) -> bool:
    """Whether everybody in line is still named: without them nobody can be drawn again."""
    return all(row.unit for row in evidence.placed)


def probabilities(evidence: PlanEvidence) -> Units:
    """(N,), π of the placed units in units of 2⁻³²."""
    return np.array([row.units for row in evidence.placed], np.uint64)
