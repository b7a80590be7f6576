"""What a program's actions do in a synthetic world: as `effects` says, or a guess for one of its own."""

from collections.abc import Iterable

from engagement.actions.catalogue import AnyAction
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.incentive import Incentive
from engagement.simulation.effects import CHW_VISIT, NONE, TEMPLATE_EFFECTS, Effect

LOGIT, OTHERWISE = 0.3, 0.1
"""For those with the barrier that an unknown action speaks to, and for the others; a guess."""


def effects_of(actions: Iterable[AnyAction]) -> tuple[Effect, ...]:
    """`none`, then an effect for each action, in their order."""
    known = {effect.action: effect for effect in TEMPLATE_EFFECTS}
    return (NONE, *(known.get(action.id) or _guessed(action) for action in actions))


def _guessed(action: AnyAction) -> Effect:
    """A health worker's visit is thought to do what every visit does, anything else a little."""
    visit = isinstance(action, ChwLinkage)
    return Effect(
        action=action.id,
        kind="chw_linkage" if visit else "incentive" if isinstance(action, Incentive) else "nudge",
        barrier=action.barrier,
        logit_matching=LOGIT,
        logit_otherwise=OTHERWISE,
        lift=CHW_VISIT.lift if visit else 0.0,
        adviser_hazard=CHW_VISIT.adviser_hazard if visit else 1.0,
    )
