"""What each action does in a synthetic world.

An effect is what the *first* dose adds to the logit of coming to the meeting; repetition wears it
off (`peer_group` has the formula). Sizes lie inside these ranges, which are guesses informed by the
source beside them and never evidence:

| action                        | logit for its barrier  | source of the order of magnitude                |
|-------------------------------|------------------------|-------------------------------------------------|
| nudge                         | .25 to .6, else .1     | HeartSteps V1, 10.1093/abm/kay067               |
| recognition                   | .2 to .5 (motivation)  | Mantzari 2015, PMC4728181                       |
| meeting moved, virtual slot   | .3 to .8 (time, urban) | K-DPP, 10.1186/s13012-018-0791-0                |
| transport or airtime          | .3 to .6 (money)       | Mantzari 2015; Banerjee et al., NBER 28726      |
| small prize                   | .5 to 1.0 (money)      | and −.1 to −.3 on habit each time it stops      |
| seed of a savings fund        | 0                      | +.5 to 1.0 on meeting without an adviser, built |
|                               |                        | up over three months; Sondaal 2019,             |
|                               |                        | 10.1093/cdj/bsy017                              |
| health worker linked          | .25 (awareness)        | +.10 to .25 on the probability of one who       |
|                               |                        | wavers; adviser's hazard halved; Mate 2022      |
| family invited, told that it  | .15 (sabotage)         | half of the −.3 that sabotage takes             |
| passes                        |                        |                                                 |
| adviser called, paid, trained | 0                      | adviser's hazard × .5 to .9; Ngugi 2018         |
| framing of a message          | ±0 to .2, random sign  | several small trials that disagree              |
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np

from engagement.errors import Invalid
from engagement.records import Bools, Floats
from engagement.simulation.barriers import BARRIERS, Barrier

Kind = Literal["nudge", "incentive", "chw_linkage"]


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one action does, at its first dose.

    barrier : the one it speaks to; None speaks to everyone
    logit_matching, logit_otherwise : on coming, with and without that barrier
    rural : factor on the three effects on coming (both logits and `lift`) in rural groups
    lift : added to the *probability* that a wavering member it speaks to comes, and that a wavering
        group meets at all
    hold_alone : on the logit that the group meets without an adviser; stays once given
    adviser_hazard : factor on the adviser's hazard in that month
    habit_after : on the habit, once each time the action stops
    dose : what one act adds to the stock of doses, which wears effects off and burdens
    """

    action: str
    kind: Kind = "nudge"
    barrier: Barrier | None = None
    logit_matching: float = 0.0
    logit_otherwise: float = 0.0
    rural: float = 1.0
    lift: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.0
    hold_alone: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    adviser_hazard: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    habit_after: float = 0.0
    dose: Annotated[float, msgspec.Meta(ge=0)] = 1.0


class Effects(NamedTuple):
    """K effects as columns, `none` first; `speaks_to` is (K, 5), all true for an action without barrier."""

    incentive: Bools
    everyone: Bools
    speaks_to: Bools
    matching: Floats
    otherwise: Floats
    rural: Floats
    lift: Floats
    hold_alone: Floats
    adviser_hazard: Floats
    habit_after: Floats
    dose: Floats


NONE = Effect(action="none", dose=0.0)
GOAL_REMINDER = Effect(action="goal_reminder", barrier="motivation", logit_matching=0.40, logit_otherwise=0.1)
WIN_STORY = Effect(action="win_story", barrier="awareness", logit_matching=0.40, logit_otherwise=0.1)
MOVE_MEETING = Effect(
    action="move_meeting",
    barrier="time",
    logit_matching=0.55,
    logit_otherwise=0.1,
    rural=0.25,  # a guess: those who lack time in the country gain about what others gain in town
)
RECOGNITION = Effect(
    action="recognition", kind="incentive", barrier="motivation", logit_matching=0.35, logit_otherwise=0.1
)
TRANSPORT_TOKEN = Effect(
    action="transport_token", kind="incentive", barrier="money", logit_matching=0.45, logit_otherwise=0.1
)
CHW_JOINS = Effect(
    action="chw_joins",
    kind="chw_linkage",
    barrier="awareness",
    logit_matching=0.25,
    logit_otherwise=0.1,
    lift=0.15,
    adviser_hazard=0.5,
)
CHW_VISIT = Effect(action="chw_visit", kind="chw_linkage", lift=0.15, adviser_hazard=0.5)
SMALL_PRIZE = Effect(
    action="small_prize",
    kind="incentive",
    barrier="money",
    logit_matching=0.75,
    logit_otherwise=0.1,
    habit_after=-0.2,
)
FUND_SEED = Effect(action="fund_seed", kind="incentive", hold_alone=0.75)
FAMILY_INVITATION = Effect(action="family_invitation", barrier="sabotage", logit_matching=0.15)

ACTION_EFFECTS: tuple[Effect, ...] = (
    NONE,
    GOAL_REMINDER,
    WIN_STORY,
    MOVE_MEETING,
    RECOGNITION,
    TRANSPORT_TOKEN,
    CHW_JOINS,
)
"""`none` and the six actions of the example program."""


def _speaking(action: str, barrier: Barrier, logit: float, kind: Kind = "nudge") -> Effect:
    """Effect of words or gifts that help those with one barrier, and the others a little."""
    return Effect(action=action, kind=kind, barrier=barrier, logit_matching=logit, logit_otherwise=0.1)


TEMPLATE_EFFECTS: tuple[Effect, ...] = (
    *ACTION_EFFECTS,
    _speaking("goal_follow_up", "motivation", 0.30),
    _speaking("risk_fact", "awareness", 0.40),  # as the win's: `framed` sets the two apart
    Effect(action="normal_and_passes", barrier="sabotage", logit_matching=0.15),
    FAMILY_INVITATION,
    _speaking("group_recognition", "motivation", 0.25),
    _speaking("peer_support", "motivation", 0.35),
    Effect(action="adviser_call", adviser_hazard=0.9),
    _speaking("own_practice", "awareness", 0.35),
    _speaking("question_of_month", "awareness", 0.25),
    _speaking("group_certificates", "motivation", 0.35, "incentive"),
    _speaking("group_transport", "money", 0.45, "incentive"),
    SMALL_PRIZE,
    FUND_SEED,
    Effect(action="adviser_stipend", kind="incentive", adviser_hazard=0.7),
    Effect(action="adviser_stipend_taper", kind="incentive", adviser_hazard=0.8),
    _speaking("schemes_help", "money", 0.30, "incentive"),
    msgspec.structs.replace(CHW_JOINS, action="chw_meeting"),
    CHW_VISIT,
    Effect(
        action="chw_reminders",
        kind="chw_linkage",
        barrier="motivation",
        logit_matching=0.25,
        logit_otherwise=0.1,
        lift=0.10,
        adviser_hazard=0.5,
    ),
    Effect(
        action="clinic_day",
        kind="chw_linkage",
        barrier="time",
        logit_matching=0.25,
        logit_otherwise=0.1,
        lift=0.10,
        adviser_hazard=0.5,
    ),
    msgspec.structs.replace(CHW_VISIT, action="chw_group_visit"),
    Effect(action="adviser_refresher", kind="chw_linkage", adviser_hazard=0.5),
    Effect(action="hand_over", kind="chw_linkage", hold_alone=0.5, lift=0.10, adviser_hazard=0.5),
)
"""`none` and every action of the template for peer groups; synthetic, as all here.

What is decided for a group or its adviser is given to every seat, so that each member meets the same.
"""


def tabulate(effects: Sequence[Effect]) -> Effects:
    """Columns of the effects; the position in `effects` is the action's index.

    Raises `Invalid` unless the first is `NONE` and every action is named once.
    """
    _check(effects)
    return Effects(
        incentive=np.array([effect.kind == "incentive" for effect in effects]),
        everyone=np.array([effect.barrier is None for effect in effects]),
        speaks_to=np.array([[effect.barrier in {None, name} for name in BARRIERS] for effect in effects]),
        matching=_column(effect.logit_matching for effect in effects),
        otherwise=_column(effect.logit_otherwise for effect in effects),
        rural=_column(effect.rural for effect in effects),
        lift=_column(effect.lift for effect in effects),
        hold_alone=_column(effect.hold_alone for effect in effects),
        adviser_hazard=_column(effect.adviser_hazard for effect in effects),
        habit_after=_column(effect.habit_after for effect in effects),
        dose=_column(effect.dose for effect in effects),
    )


def without_effects(effects: Sequence[Effect] = ACTION_EFFECTS) -> tuple[Effect, ...]:
    """Null world: the same actions, none of which does anything, not even burden."""
    return tuple(
        Effect(action=effect.action, kind=effect.kind, barrier=effect.barrier, dose=0.0)
        if effect != NONE
        else NONE
        for effect in effects
    )


def opposite_in_rural(effects: Sequence[Effect] = ACTION_EFFECTS) -> tuple[Effect, ...]:
    """Stress case: what brings people in town keeps them away in the country, to the same degree."""
    return tuple(
        msgspec.structs.replace(effect, rural=-1.0) if effect != NONE else NONE for effect in effects
    )


def harmful_once_stopped(
    effects: Sequence[Effect] = ACTION_EFFECTS, habit_after: float = -0.3
) -> tuple[Effect, ...]:
    """Stress case: every incentive costs habit each time it stops."""
    return tuple(
        msgspec.structs.replace(effect, habit_after=habit_after) if effect.kind == "incentive" else effect
        for effect in effects
    )


def framed(effect: Effect, shift: float) -> Effect:
    """Effect of the same message told in another way: `shift` on both logits.

    Which framing helps is unknown, so a study draws the shift uniformly from [−.2, .2].
    """
    return msgspec.structs.replace(
        effect,
        logit_matching=effect.logit_matching + shift,
        logit_otherwise=effect.logit_otherwise + shift,
    )


def _column(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def _check(effects: Sequence[Effect]) -> None:
    if not effects or effects[0] != NONE:
        raise Invalid("the first effect must be `none`, which does nothing")
    if len({effect.action for effect in effects}) < len(effects):
        raise Invalid("an action has more than one effect")
