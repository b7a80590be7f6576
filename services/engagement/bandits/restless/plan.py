"""A plan: which units of a pool are visited in a period, with what probability, and by whom.

    belief ── sampled, worth ──▶ index of every cell, M times
    index ── top_shares ──▶ π̂        how often each unit would be among the first B
    π̂, due ── decided ──▶ π, chosen, line
    line ── assigned ──▶ worker, or the reason why none

`decided` needs nothing but π̂, the promises and the units' keyed numbers: these are the evidence of a
plan, and replaying it makes the same π, the same choice and the same line for ever. Drawing from the
belief uses a generator, whose stream may differ between versions of NumPy; π̂ is therefore stored.

A chosen unit to whom nobody can go stays chosen, and so does one whose visit falls out: what is learned
and analysed is the effect of having been chosen, with probability π (`forced` ones, π = 1, are left out).
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.random import Generator

from engagement.bandits.propensity import ONE
from engagement.bandits.restless.assignment import LeftOut, Places, Worker, assigned
from engagement.bandits.restless.chains import BELIEF_IN_ORDER, sampled
from engagement.bandits.restless.inclusion import in_units, mixed, promised, top_shares, within
from engagement.bandits.restless.index import Phases, of_cells, worth
from engagement.bandits.restless.pivotal import Draws, drawn, line
from engagement.records import Bools, Floats, Integers, Units

Value = TypeVar("Value")
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How visits are planned.

    reward : a period's worth of each state, from the worst to the best
    discount : β, what the next period counts against this one
    epsilon : ε, the part of the visits that is given to all units alike
    draws : M from the belief      width : c, sds of the belief are multiplied by it
    belief_in_order : ω, how firmly it is believed beforehand that a visit does no harm
    """

    reward: tuple[float, ...]
    discount: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    epsilon: Share = 0.05
    draws: Annotated[int, msgspec.Meta(ge=200, le=10_000)] = 400
    width: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    belief_in_order: Annotated[float, msgspec.Meta(ge=0, lt=1)] = BELIEF_IN_ORDER


class Belief(NamedTuple):
    """What is believed of the clusters' chains.

    concentration : (C, 2, S, S), Dirichlet, see `chains.learned`      phases : when each cluster's ends
    """

    concentration: Floats
    phases: Phases


class Pool(NamedTuple):
    """The units among which the visits of a period are shared; dissolved ones are not in it.

    places : N units with catchment and language      cluster : (N,) in [0, C)
    state : (N,), the last known      unheard : (N,), periods since it was known, 0 if it is known now
    due : (N,), periods within which a visit is promised, this one among them; ∞ where none is
    """

    places: Places
    cluster: Integers
    state: Integers
    unheard: Integers
    due: Floats


class Considered(NamedTuple):
    """The evidence of a plan.

    share : (N,), π̂      due : (N,)      visits : B      epsilon : ε
    """

    share: Floats
    due: Floats
    visits: int
    epsilon: float


class Decided(NamedTuple):
    """What a plan decides of each unit.

    probability : (N,), π in units of 2⁻³², summing to B·2³²      forced : (N,), a promise fell due
    chosen : (N,), B of them      line : (N,), positions; see `pivotal.line`
    """

    probability: Units
    forced: Bools
    chosen: Bools
    line: Integers


class Plan(NamedTuple):
    """worker, reason : who goes to each chosen unit, or why nobody does; None for those not chosen

    replaced : the share of draws and clusters whose chain had no index
    """

    decided: Decided
    worker: tuple[str | None, ...]
    reason: tuple[LeftOut | None, ...]
    considered: Considered
    replaced: float


def plan(
    pool: Pool,
    belief: Belief,
    rule: Rule,
    visits: int,
    workers: Sequence[Worker],
    numbers: Draws,
    rng: Generator,
) -> Plan:
    """The plan of a pool for one period.

    visits : B, such as the slots of the workers; never more than one a unit
    numbers : the units' keyed uniforms      rng : for draws from the belief
    raises : Invalid when more visits are due now than there are; ValueError for numbers
    outside their ranges
    """
    _must_be_known(pool, belief, rule)
    visits = min(visits, len(pool.cluster))
    share, replaced = shares(pool, belief, rule, visits, rng)
    considered = Considered(share, pool.due, visits, rule.epsilon)
    made = decided(considered, numbers)
    going = made.line[:visits]
    found = assigned(pool.places.at(going), workers)
    return Plan(
        made,
        _spread(found.worker, going, len(share)),
        _spread(found.reason, going, len(share)),
        considered,
        replaced,
    )


def shares(pool: Pool, belief: Belief, rule: Rule, visits: int, rng: Generator) -> tuple[Floats, float]:
    """π̂, (N,), and the share of draws and clusters whose chain had no index."""
    transitions = sampled(belief.concentration, rule.draws, rng, rule.width, rule.belief_in_order)
    found = worth(transitions, np.array(rule.reward), rule.discount, belief.phases)
    kinds = np.stack([pool.cluster, pool.state, pool.unheard], axis=1)
    cells, cell, size = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
    index = of_cells(found.value, transitions, *cells.T)
    return top_shares(index, size, visits)[cell.reshape(-1)], float(found.replaced.mean())


def decided(considered: Considered, numbers: Draws) -> Decided:
    """π, who is chosen, and the line; of the evidence and the keyed numbers alone.

    raises : Invalid when more visits are due now than there are
    """
    probability = chances(considered)
    chosen, forced = drawn(probability, numbers), (considered.due <= 1) & (probability == ONE)
    return Decided(probability, forced, chosen, line(probability, chosen, numbers))


def chances(considered: Considered) -> Units:
    """π, (N,), in units of 2⁻³²; of the evidence alone. raises : as `decided`"""
    share, due, visits, epsilon = considered
    rate = visits / max(len(share), 1)
    low = promised(due, visits, epsilon * rate)
    high = np.maximum(1 - epsilon * (1 - rate), low)
    return in_units(within(mixed(share, visits, epsilon), visits, low, high), visits)


def _spread(values: Sequence[Value | None], positions: Integers, size: int) -> tuple[Value | None, ...]:
    """The values at their positions, None everywhere else."""
    wide: list[Value | None] = [None] * size
    for position, value in zip(positions.tolist(), values, strict=True):
        wide[position] = value
    return tuple(wide)


def _must_be_known(pool: Pool, belief: Belief, rule: Rule) -> None:
    clusters, _, states, _ = belief.concentration.shape
    if len(rule.reward) != states:
        raise ValueError(f"{states} states need as many rewards, not {len(rule.reward)}")
    inside = ((pool.cluster, clusters), (pool.state, states))
    if any(((part < 0) | (part >= most)).any() for part, most in inside) or (pool.unheard < 0).any():
        raise ValueError("a unit's cluster, state or silence is out of its range")
