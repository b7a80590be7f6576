"""Whose value is asked of a log: a fixed action, an even choice, what was done, or another belief."""

from typing import Annotated

import msgspec
import numpy as np

from engagement.actions.action import Id
from engagement.records import Bools, Floats


class Always(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="always"):
    """One action wherever it was available, `none` where it was not; `none` itself is an action, too."""

    action: Id


class Even(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="even"):
    """Every available action with the same probability."""


class AsLogged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="logged"):
    """What was done, with the probabilities that were logged: a check that nothing is lost on the way."""


class Watched(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="watched"):
    """What the strategy's own belief would have drawn from, while it was in shadow."""


class Another(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="strategy"):
    """A strategy of the program with its belief as of one version, deciding as outside control and shadow.

    version : the newest when absent      Decisions that this version has learned from are left out.
    """

    strategy: Id
    version: Annotated[int, msgspec.Meta(ge=0)] | None = None


AnyTarget = Always | Even | AsLogged | Watched | Another


def always(column: int, available: Bools) -> Floats:
    """(N, K): 1 for an action where it is available, else 1 for `none`. available : (N, K)"""
    there = available[:, column]
    chosen: Floats = np.zeros(available.shape)
    chosen[np.arange(len(there)), np.where(there, column, 0)] = 1.0
    return chosen


def even(available: Bools) -> Floats:
    """(N, K): the same for every available action. available : (N, K), at least one in each row"""
    shares: Floats = available / available.sum(axis=1, keepdims=True)
    return shares
