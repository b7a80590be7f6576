"""Which actions a unit may get now, and for each refusal the reason.

Safety, consent and limits are filters before the bandit, never a penalty inside it. Money and minutes
are settled later (`strategy.decide`), because what is left of them changes within a batch.
"""

from collections.abc import Sequence
from datetime import date
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engagement.actions.action import Phase
from engagement.actions.catalogue import AnyAction
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.contacts import Contacts

Refusals = NDArray[np.uint8]
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
MONTH_MS = 30 * DAY_MS


class Reason(IntEnum):
    """Why an action is not available. The numbers are stored: never reuse one."""

    AVAILABLE = 0
    RETIRED = 1
    PHASE = 2
    PAYER_ENDED = 3
    CONSENT = 4
    COOL_DOWN = 5
    MONTHLY_CAP = 6
    BUDGET = 7
    NO_CONTENT = 8
    FAMILY_UNSAFE = 9
    MINUTES = 10
    WEEKLY_CAP = 11
    CONTACTS = 12
    QUIET_HOURS = 13
    TAPERED = 14
    PLANNED = 15
    CHANCE = 16
    UNTRAINED = 17
    STAFF_ENDED = 18


WORDS: dict[Reason, str] = {
    Reason.AVAILABLE: "available",
    Reason.RETIRED: "the program no longer offers this",
    Reason.PHASE: "not offered in this phase of the program",
    Reason.PAYER_ENDED: "payer ended",
    Reason.STAFF_ENDED: "the program's staff have left",
    Reason.CONSENT: "the member has not agreed to this",
    Reason.CHANCE: "the member wants nothing to be drawn by lot",
    Reason.COOL_DOWN: "given a short while ago",
    Reason.WEEKLY_CAP: "given as often as a week allows",
    Reason.MONTHLY_CAP: "given as often as a month allows",
    Reason.CONTACTS: "turned to as often as is allowed, whatever for",
    Reason.QUIET_HOURS: "the quiet hours last longer than the offer would",
    Reason.TAPERED: "has come to its end before the program does",
    Reason.BUDGET: "the budget of this period is used up",
    Reason.MINUTES: "who would carry it out has no more time this month",
    Reason.PLANNED: "planned for the health worker's week",
    Reason.UNTRAINED: "who leads the group has still to be trained for it",
    Reason.NO_CONTENT: "not written yet in the member's language",
    Reason.FAMILY_UNSAFE: "the member was reported not to be safe at home",
}


class Given(NamedTuple):
    """An action that a unit was given, or is being offered: it counts for cool-downs and caps.

    unanswered : the offer ran out and nobody said what became of it. It may have reached the unit, so it
        counts as a contact; it was not given, so for nothing else
    """

    action: str
    at_ms: int
    unanswered: bool = False


class Situation(NamedTuple):
    """What decides availability for one unit on one day.

    today : in the program's time zone      now_ms : milliseconds since the epoch
    shares_with_health_worker, family_may_be_contacted : consent     languages : first choice first
    family_unsafe : was ever reported not to be safe at home
    in_time : whether the quiet hours leave any time to deliver before the offer runs out
    contacts : how often the unit may be turned to      days_to_end : None where no end is set
    planned : ids of the actions that a plan decides about
    untrained : who would lead it is known to have still to be trained
    """

    phase: Phase
    today: date
    now_ms: int
    shares_with_health_worker: bool
    languages: tuple[str, ...]
    given: tuple[Given, ...]
    family_may_be_contacted: bool = False
    family_unsafe: bool = False
    in_time: bool = True
    contacts: Contacts = Contacts()
    days_to_end: int | None = None
    planned: frozenset[str] = frozenset()
    untrained: bool = False


def _payer_ended(action: AnyAction, situation: Situation) -> bool:
    """Whether nobody pays for it any more; the program pays until it ends at the unit's site."""
    if action.on_program_money and situation.phase == "sustaining":
        return True
    return action.payer_until is not None and situation.today > action.payer_until


def _of_program(action: AnyAction, situation: Situation) -> Reason:
    """The first reason that lies with the program, the member's safety or consent, or who leads the group."""
    if action.retired:
        return Reason.RETIRED
    if action.id in situation.planned:
        return Reason.PLANNED
    if situation.phase not in action.phases:
        return Reason.PHASE
    ended = _of_end(action, situation)
    if ended != Reason.AVAILABLE:
        return ended
    personal = _of_person(action, situation)
    written = (row.language in situation.languages for row in action.content)
    if personal == Reason.AVAILABLE and action.content and not any(written):
        return Reason.NO_CONTENT
    return personal


def _of_end(action: AnyAction, situation: Situation) -> Reason:
    """The first reason that lies in what has ended, or would before it can be carried out."""
    if _payer_ended(action, situation):
        return Reason.PAYER_ENDED
    if action.by_program_staff and situation.phase == "sustaining":
        return Reason.STAFF_ENDED
    if action.cost_minor and not action.cost_on(situation.days_to_end):
        return Reason.TAPERED
    return Reason.AVAILABLE if situation.in_time else Reason.QUIET_HOURS


def agreed_to(action: AnyAction, *, health_worker: bool, family: bool) -> bool:
    """Whether a member agrees to what an action needs. health_worker, family : what was agreed to"""
    return (family or not action.contacts_family) and (health_worker or not isinstance(action, ChwLinkage))


def _of_person(action: AnyAction, situation: Situation) -> Reason:
    """The first reason that lies in the member's safety or consent, or in who would lead it."""
    if action.contacts_family and situation.family_unsafe:
        return Reason.FAMILY_UNSAFE
    if not agreed_to(
        action, health_worker=situation.shares_with_health_worker, family=situation.family_may_be_contacted
    ):
        return Reason.CONSENT
    if action.needs_training and situation.untrained:
        return Reason.UNTRAINED
    return Reason.AVAILABLE


def _of_history(action: AnyAction, situation: Situation) -> Reason:
    """The first reason that lies in what the unit was given before."""
    given = [row for row in situation.given if row.action == action.id and not row.unanswered]
    if not given:
        return Reason.AVAILABLE
    if any(situation.now_ms - row.at_ms < action.cool_down_days * DAY_MS for row in given):
        return Reason.COOL_DOWN
    if _used_up(action.weekly_cap, given, situation.now_ms - WEEK_MS):
        return Reason.WEEKLY_CAP
    if _used_up(action.monthly_cap, given, situation.now_ms - MONTH_MS):
        return Reason.MONTHLY_CAP
    return Reason.AVAILABLE


def _turned_to_enough(situation: Situation) -> bool:
    """Whether nothing more may be asked of the unit, whatever it is."""
    contacts, now_ms = situation.contacts, situation.now_ms
    return _used_up(contacts.weekly, situation.given, now_ms - WEEK_MS) or _used_up(
        contacts.monthly, situation.given, now_ms - MONTH_MS
    )


def _used_up(most: int | None, given: Sequence[Given], since_ms: int) -> bool:
    """Whether as many were given after a moment as are allowed."""
    return most is not None and sum(row.at_ms > since_ms for row in given) >= most


def refusals(actions: Sequence[AnyAction], situations: Sequence[Situation]) -> Refusals:
    """A reason's code for every unit and action, 0 where the action is available.

    returns : (N, K) with K = 1 + len(actions); column 0 is `none` and always 0
    """
    codes: list[list[int]] = []
    seen: dict[tuple[object, ...], list[int]] = {}
    for situation in situations:
        key = situation[:2] + situation[3:5] + situation[6:]  # all that `_of_program` looks at
        general = seen.get(key)
        if general is None:
            general = seen[key] = [int(_of_program(action, situation)) for action in actions]
        own = general
        if _turned_to_enough(situation):
            own = [code or int(Reason.CONTACTS) for code in general]
        elif situation.given:
            own = [
                code or int(_of_history(action, situation))
                for code, action in zip(general, actions, strict=True)
            ]
        codes.append([int(Reason.AVAILABLE), *own])
    return np.array(codes, np.uint8).reshape(-1, 1 + len(actions))
