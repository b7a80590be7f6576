"""A program file as a setting in which runs take place, and its strategies as a simulated world can ask them.

The world moves by months, knows members in their seats and whether a group has an adviser, and gives each
member one thing a month. What asks more than that is asked less often, or about the group, and said so; what
cannot be asked at all is refused.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from engagement.actions.chw_linkage import ChwLinkage
from engagement.bandits.pooled import Pooled
from engagement.errors import Invalid
from engagement.simulation.contender import Contender
from engagement.simulation.program_effects import effects_of
from engagement.simulation.setting import Setting, Size
from engagement.strategy.setup import Catalogue, Site
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import Template

DAYS_A_MONTH = 30.44


class Simulable(NamedTuple):
    """A strategy as it can be asked. notes : in what that differs from what it is, in words

    without_visits : health workers' visits are left out of it
    """

    strategy: Strategy
    notes: tuple[str, ...]
    without_visits: bool


def setting_of(plan: Template, size: Size, sites: Sequence[Site] = ()) -> Setting:
    """The program as its file has it; the secret is each run's own."""
    catalogue = Catalogue(
        0,
        plan.program,
        {site.id: site for site in sites},
        {budget.id: budget for budget in plan.budgets},
        {action.id: action for action in plan.actions},
        {},
        {},
    )
    return Setting(catalogue, effects_of(plan.actions), size, plan.program.id, b"")


def simulable(plan: Template, strategy: Strategy) -> Simulable:
    """A strategy as a world of months can ask it. raises : Invalid for what it cannot ask at all"""
    if strategy.plan is not None:
        raise Invalid(f"`{strategy.id}` plans health workers' weeks, and no plan is simulated by itself here")
    if strategy.outcome.kind == "posted":
        raise Invalid(
            f"`{strategy.id}` learns from outcomes that an app posts, and nobody knows what they would be: "
            "give it an outcome of meetings to simulate it"
        )
    visits = {action.id for action in plan.actions if isinstance(action, ChwLinkage)}
    kept = [action for action in strategy.actions if action not in visits]
    asked = only(strategy, kept)
    notes: list[str] = []
    if asked.level == "adviser":
        asked = msgspec.structs.replace(asked, level="group")
        notes.append(
            f"`{strategy.id}` decides for advisers: here once a month for each group, adviser or not."
        )
    if asked.cadence != "month":
        notes.append(
            f"`{strategy.id}` decides once a {asked.cadence}: here once a month, so it learns from fewer "
            "decisions."
        )
        asked = msgspec.structs.replace(asked, cadence="month")
    try:
        Contender(name="asked", title=asked.title, strategy=asked)
    except ValueError as flaw:
        raise Invalid(str(flaw)) from flaw
    return Simulable(asked, tuple(notes), len(kept) < len(strategy.actions))


def only(strategy: Strategy, actions: Sequence[str]) -> Strategy:
    """The strategy with some of its actions, everywhere and from the first day."""
    if not actions:
        raise Invalid(f"`{strategy.id}` chooses among health workers' visits only; those are planned")
    belief = strategy.posterior
    kept = [strategy.actions.index(action) for action in actions]
    if isinstance(belief, Pooled):
        means = tuple(belief.effect_means[place] for place in kept) if belief.effect_means else ()
        slopes = tuple(
            msgspec.structs.replace(slope, features=tuple(slope.features[place] for place in kept))
            for slope in belief.slopes
            if any(slope.features[place] for place in kept)
        )
        belief = msgspec.structs.replace(belief, effect_means=means, slopes=slopes)
    elif belief.expected:
        rows = tuple(belief.expected[place] for place in (0, *(1 + place for place in kept)))
        belief = msgspec.structs.replace(belief, expected=rows)
    fallback = tuple(action for action in strategy.fallback.actions if action in actions)
    return msgspec.structs.replace(
        strategy,
        actions=tuple(actions),
        posterior=belief,
        fallback=msgspec.structs.replace(strategy.fallback, actions=fallback),
        control=None,
        shadow=None,
    )


def months_between(first: date, last: date) -> int:
    """Whole months from one day to another, rounded."""
    return round((last - first).days / DAYS_A_MONTH)
