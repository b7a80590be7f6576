"""Array records shared by the core, and the letters used for their shapes.

N  rows: decisions to be made, or past decisions      K  actions, `none` among them
d  features                                           G  groups

Arrays travel as NamedTuples, choices as tagged Structs, the wire as Structs; dicts do not travel.
The one mapping is `Nodes`: a belief's stored arrays by node key, the program's own under "".
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Units = NDArray[np.uint64]
"""Probabilities counted in units of 2⁻³²: a row sums to 2³² exactly."""

Family = Literal["normal", "beta", "student"]
"""Distributions that a score may have."""

Nodes = Mapping[str, Floats]
ROOT = ""
"""Key of the program's own node; any other is a group's id, or one of a group's blocks."""


def settled_key(group: str) -> str:
    """Key of what is believed of a group as a whole, worked out from its nodes and the program's."""
    return f"{group}#="


class Course(NamedTuple):
    """Where N units stand in their course of decisions.

    made : (N,) decisions that the strategy had made for the unit before; 0 where nothing of it looks at that
    remaining : (N,) decisions still to come
    """

    made: Integers
    remaining: Floats


class Points(NamedTuple):
    """Decision points at which a belief is asked.

    features : (N, d)      groups, members : N ids      course : of the N units
    columns : d names of the features, for beliefs that look some up by name
    A decision for a group as a whole has no member: "" stands for it, here and in a `Batch`.
    """

    features: Floats
    groups: tuple[str, ...]
    members: tuple[str, ...]
    course: Course
    columns: tuple[str, ...] = ()


class Scores(NamedTuple):
    """What a belief says of the K actions' mean rewards: an allocation's whole input.

    mean, sd : (N, K); sd may be 0, as it is for `none` where a belief measures effects against it.
    family says which distribution has this mean and sd; a beta's two parameters follow from them.
    freedom : (N, K), the degrees of freedom of a Student's t, above 2; None in any other family
    """

    family: Family
    mean: Floats
    sd: Floats
    freedom: Floats | None = None

    def rows(self, chosen: Integers) -> "Scores":
        """Those of some of the points."""
        freedom = None if self.freedom is None else self.freedom[chosen]
        return Scores(self.family, self.mean[chosen], self.sd[chosen], freedom)


class Batch(NamedTuple):
    """Closed decisions with a known reward, as a belief folds them.

    features : (N, d)    action : (N,) in [0, K)    reward : (N,)    groups, members : N ids
    weight : (N,), +1 for a row that enters, −1 for one that a correction takes out again
    probability : (N, K), the logged propensities
    period : (N,), the week in which the decision closed, counted from any week
    columns : d names of the features, for beliefs that look some up by name
    """

    features: Floats
    action: Integers
    reward: Floats
    weight: Floats
    probability: Floats
    groups: tuple[str, ...]
    members: tuple[str, ...]
    period: Integers
    columns: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """Everything a decision was made of, as it is stored: enough to make it again.

    actions : the K action ids in their order      features : d little-endian float64
    refusals : K bytes, 0 where the action was available, else the reason's code
    family, mean, sd : the scores, K float64 each   probability : K uint64, units of 2⁻³²
    uniform : the draw, in [0, 2⁵³)                 remaining : decisions still to come
    made : decisions that the strategy had made for the unit before; 0 where nothing of it looks at that
    days_to_end : until the program's end at the unit's site, None where none is set: prices and an
        incentive's taper follow from it            floor : of the unit's stratum, None for the strategy's
    The mean is what is left of a score after prices.
    beside : K uint64, what the belief would have drawn from where it only watched; else empty
    freedom : K float64 where the family is `student`, else nothing
    own : whether what the belief has learned of this very member had a part, as the member agreed to that
    """

    actions: tuple[str, ...]
    features: bytes
    refusals: bytes
    family: Family
    mean: bytes
    sd: bytes
    probability: bytes
    uniform: int
    remaining: float
    made: int = 0
    days_to_end: int | None = None
    floor: float | None = None
    beside: bytes = b""
    freedom: bytes = b""
    own: bool = True


class Named(NamedTuple):
    """Features that a caller names freely: what stands for each name, and its value.

    names : (n,) uint64, digests of the names; no name is kept      values : (n,)
    """

    names: NDArray[np.uint64]
    values: Floats
