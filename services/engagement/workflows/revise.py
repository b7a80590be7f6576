"""Changes to the set-up: what fits what is there is stored as a revision, the rest is refused."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Level
from engagement.actions.catalogue import AnyAction
from engagement.actions.chw_linkage import ChwLinkage
from engagement.errors import Conflict, Invalid, Mistake
from engagement.signals.features import DOSE_OF
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun, Revised
from engagement.strategy.setup import Catalogue, Group, Program
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Trial
from engagement.workflows.personal import refusal_of
from engagement.workflows.trial_flaws import trial_change, trial_flaw

DEFAULTS: Mapping[str, Level] = MappingProxyType(
    {
        "default_strategy": "member",
        "default_adviser_strategy": "adviser",
        "default_group_strategy": "group",
    }
)
"""Fields of a program that name a strategy, and whom that strategy must decide for."""


def revise(
    conn: Connection, kept: Kept, program_id: str, things: Sequence[AnyNoun], now_ms: int
) -> list[Revised | Mistake]:
    """Stores changes in the order given; each gets its revision or its own error.

    Storing what is there already changes nothing. A thing given twice counts as given last.
    """
    before = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    things = [
        _as_switched(thing, before.program) if isinstance(thing, Program) else thing for thing in things
    ]
    fits = misfits(things, before)
    flaws = [
        flaw or (trial_change(conn, program_id, thing, before, now_ms) if isinstance(thing, Trial) else None)
        for thing, flaw in zip(things, fits, strict=True)
    ]
    last = {
        (setup.noun_of(thing), thing.id): thing for thing, flaw in zip(things, flaws, strict=True) if not flaw
    }
    stored = dict(zip(last, setup.revise(conn, program_id, list(last.values()), now_ms), strict=True))
    return [flaw or stored[setup.noun_of(thing), thing.id] for thing, flaw in zip(things, flaws, strict=True)]


def misfits(things: Sequence[AnyNoun], catalogue: Catalogue) -> list[Mistake | None]:
    """For each of several things in order why it does not fit what is there then; None where it does."""
    flaws: list[Mistake | None] = []
    for thing in things:
        flaw = _flaw(thing, catalogue)
        flaws.append(flaw)
        if flaw is None:
            catalogue = _with(catalogue, thing)
    return flaws


def _flaw(thing: AnyNoun, catalogue: Catalogue) -> Mistake | None:
    """Why a thing does not fit the set-up as it stands."""
    found = refusal_of(thing)
    if found is not None:
        return found
    match thing:
        case Program() if thing.id != catalogue.program.id:
            return Invalid(f"this program's id is `{catalogue.program.id}`")
        case Program():
            return _program_flaw(thing, catalogue)
        case Group() if thing.site not in catalogue.sites:
            return Invalid(f"there is no site `{thing.site}`; create it first")
        case Strategy():
            return _strategy_flaw(thing, catalogue)
    return _other_flaw(thing, catalogue)


def _other_flaw(thing: AnyNoun, catalogue: Catalogue) -> Mistake | None:
    if isinstance(thing, Trial):
        return trial_flaw(thing, catalogue)
    return _action_flaw(thing, catalogue) if isinstance(thing, AnyAction) else None


def _as_switched(program: Program, before: Program) -> Program:
    """A changed program with its switch as it is: who threw it is said by `switch` alone."""
    told = before.switched if program.stopped == before.stopped else None
    return msgspec.structs.replace(program, switched=told)


def _program_flaw(program: Program, catalogue: Catalogue) -> Mistake | None:
    if catalogue.program.stopped and not program.stopped:
        return Conflict(
            "the program is stopped, and a change of its set-up does not switch it on again, for it may have "
            "been read before it was stopped: resume it"
        )
    for field, level in DEFAULTS.items():
        name = getattr(program, field)
        if name is None:
            continue
        strategy = catalogue.strategies.get(name)
        if strategy is None:
            return Invalid(f"there is no strategy `{name}` to be the default")
        if strategy.plan is not None:
            return Invalid(f"strategy `{name}` plans a week at a time, so it cannot be the `{field}`")
        if strategy.level != level:
            return Invalid(f"strategy `{name}` is of level `{strategy.level}`, so it cannot be the `{field}`")
        if name in catalogue.on_trial:
            return Conflict(
                f"strategy `{name}` is compared in a trial, so it cannot be the `{field}` meanwhile"
            )
    return None


def _action_flaw(action: AnyAction, catalogue: Catalogue) -> Mistake | None:
    before = catalogue.actions.get(action.id)
    if before is not None and (type(before), before.level) != (type(action), action.level):
        return Conflict(
            f"action `{action.id}` is of another kind or level; give the new one an id of its own"
        )
    return None


def _strategy_flaw(strategy: Strategy, catalogue: Catalogue) -> Mistake | None:
    missing = [action for action in strategy.actions if action not in catalogue.actions]
    if missing:
        return Invalid(f"there is no action `{missing[0]}`; create it first")
    other = [action for action in strategy.actions if catalogue.actions[action].level != strategy.level]
    if other:
        return Invalid(f"action `{other[0]}` is not for a {strategy.level}")
    strange = [name for name in strategy.features if name.startswith(DOSE_OF)]
    strange = [name for name in strange if name.removeprefix(DOSE_OF) not in catalogue.actions]
    if strange:
        return Invalid(f"feature `{strange[0]}` is the dose of an action that is not there")
    if strategy.plan is not None and not isinstance(catalogue.actions[strategy.actions[0]], ChwLinkage):
        return Invalid(f"a plan shares health workers' visits, and `{strategy.actions[0]}` is none")
    rival = next((row for row in catalogue.strategies.values() if _shares_a_plan(row, strategy)), None)
    if rival is not None:
        return Conflict(f"`{rival.id}` already plans `{strategy.actions[0]}`, and nobody is visited twice")
    before = catalogue.strategies.get(strategy.id)
    return None if before is None else _changed_too_much(strategy, before)


def _changed_too_much(strategy: Strategy, before: Strategy) -> Mistake | None:
    """What may not change under a strategy's id."""
    if not strategy.learns_like(before):
        return Conflict(
            "level, actions, posterior, features, outcome and whether it plans define what has been learned "
            "and cannot change; create a strategy under a new id"
        )
    if strategy.control != before.control:
        return Conflict(
            "`control` says which groups the others are compared with and cannot change; "
            "create a strategy under a new id"
        )
    if before.shadow is not None and strategy.shadow is None:
        return Conflict("a shadow ends by its rule and in no other way; see the strategy's promotion")
    return None


def _shares_a_plan(one: Strategy, other: Strategy) -> bool:
    """Whether two strategies plan the same action."""
    planned = one.plan is not None and other.plan is not None
    return planned and one.id != other.id and one.actions == other.actions


def _with(catalogue: Catalogue, thing: AnyNoun) -> Catalogue:
    """The catalogue with one more thing in it, so that later things of a batch may refer to it."""
    match setup.noun_of(thing):
        case "program":
            return catalogue._replace(program=thing)  # type: ignore[arg-type]  # told apart by noun
        case "site":
            return catalogue._replace(sites={**catalogue.sites, thing.id: thing})  # type: ignore[dict-item]  # told apart by noun
        case "action":
            return catalogue._replace(actions={**catalogue.actions, thing.id: thing})  # type: ignore[dict-item]  # told apart by noun
        case "trial":
            return catalogue._replace(trials={**catalogue.trials, thing.id: thing})  # type: ignore[dict-item]  # told apart by noun
        case "strategy":
            return catalogue._replace(strategies={**catalogue.strategies, thing.id: thing})  # type: ignore[dict-item]  # told apart by noun
        case _:
            return catalogue
