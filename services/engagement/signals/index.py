"""The engagement index of a member, an adviser and a group: 0 to 100, with what it is made of in plain words.

    index = 100 · Σ weight·value / Σ weight        over the parts that are known; None when none is

A member's parts: attendance and goals are decayed shares of yes (`reading.share`), contact is
2^(−weeks since contact / half-life), of the kind of contact for which that is greatest. A group's: held,
came and goals, all of them decayed shares. An adviser's, read from the group: held, reminded and asked,
again shares. Half-lives are the catalogue's. The minimal month (was the meeting held, who came, who met
their goal) is enough for every part but *reminded*.

The trend compares the index with that of eight weeks earlier, over the parts known at both moments.

The index is a picture for people. It is not a probability, and nothing is decided by it.
"""

from collections.abc import Callable
from math import isnan, nan
from typing import Literal, NamedTuple

import msgspec

from engagement.signals import reading
from engagement.signals.contact import REMINDER_PASSED_ON
from engagement.signals.goals import GOAL_MET, GOAL_NOT_FOLLOWED_UP
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.signals.signal import Audience, Signal
from engagement.signals.tally import WEEKS, Tally, kind_of, week_of

TREND_WEEKS = 8
TREND_STEP = 10.0  # points; a guess: coming to one meeting less moves an index by more than this
SPOKEN_OF = 4  # how many meetings or goals, at most, a sentence counts

Trend = Literal["rising", "steady", "falling", "unknown"]


class Part(msgspec.Struct, frozen=True):
    """One part of an index: its value from 0 to 1, or None when it is missing, and a sentence."""

    name: str
    value: float | None
    weight: float
    sentence: str
    audience: Audience

    @property
    def missing(self) -> bool:
        """Nothing was reported of it in the last 26 weeks, and the index does without it."""
        return self.value is None


class Index(msgspec.Struct, frozen=True):
    """From 0 to 100, or None when nothing is known; where it is going; what it is made of."""

    value: float | None
    trend: Trend
    parts: tuple[Part, ...]


class _Aspect(NamedTuple):
    """How a part is made: value(tally, week) is NaN when it is missing, sentence(tally, now_ms)."""

    name: str
    weight: float
    audience: Audience
    value: Callable[[Tally, int], float]
    sentence: Callable[[Tally, int], str]


def of_member(tally: Tally, now_ms: int) -> Index:
    """The index of a member, from the member's own tally."""
    return _index(_MEMBER, tally, now_ms)


def of_group(tally: Tally, now_ms: int) -> Index:
    """The index of a group, from the group's tally. It says how many came, never who."""
    return _index(_GROUP, tally, now_ms)


def of_adviser(group: Tally, now_ms: int) -> Index:
    """The index of an adviser, from the tally of the group: what the adviser does there, not how it fares."""
    return _index(_ADVISER, group, now_ms)


def _index(aspects: tuple[_Aspect, ...], tally: Tally, now_ms: int) -> Index:
    week = week_of(now_ms)
    weights = [aspect.weight for aspect in aspects]
    now = [aspect.value(tally, week) for aspect in aspects]
    then = [aspect.value(tally, week - TREND_WEEKS) for aspect in aspects]
    parts = tuple(
        Part(
            name=aspect.name,
            value=None if isnan(value) else value,
            weight=aspect.weight,
            sentence=aspect.sentence(tally, now_ms),
            audience=aspect.audience,
        )
        for aspect, value in zip(aspects, now, strict=True)
    )
    return Index(_weighted(now, weights, now), _trend(now, then, weights), parts)


def _weighted(values: list[float], weights: list[float], known: list[float]) -> float | None:
    """100 · Σ weight·value / Σ weight over the places where `known` is a number too."""
    pairs = [
        (weight, value)
        for value, weight, other in zip(values, weights, known, strict=True)
        if not isnan(value) and not isnan(other)
    ]
    if not pairs:
        return None
    return 100.0 * sum(weight * value for weight, value in pairs) / sum(weight for weight, _ in pairs)


def _trend(now: list[float], then: list[float], weights: list[float]) -> Trend:
    later, earlier = _weighted(now, weights, then), _weighted(then, weights, now)
    if later is None or earlier is None:
        return "unknown"
    if later - earlier >= TREND_STEP:
        return "rising"
    return "falling" if earlier - later >= TREND_STEP else "steady"


def _share_of(signal: Signal) -> Callable[[Tally, int], float]:
    return lambda tally, week: reading.share(tally, signal, week)


def _contact(tally: Tally, week: int) -> float:
    """How fresh the last contact is, 0 when contact was sought or expected and there was none."""
    fresh = nan
    for signal in reading.CONTACTS:
        weeks = tuple(reading.weeks_read(tally, signal, week))
        age = reading.newest_with_some(weeks)
        if weeks:
            value = 0.0 if age is None else reading.decay(age, signal.half_life_days)
            fresh = value if isnan(fresh) else max(fresh, value)
    return fresh


def _recent(tally: Tally, signal: Signal, now_ms: int) -> tuple[int, int]:
    """(yes, all) among the last four reports of the last 26 weeks."""
    kind = kind_of(tally, signal.code)
    if kind is None:
        return 0, 0
    first_week = week_of(now_ms) - WEEKS + 1
    values = [
        report.value
        for report in kind.latest
        if first_week <= week_of(report.occurred_at_ms) and report.occurred_at_ms <= now_ms
    ][:SPOKEN_OF]
    return sum(values), len(values)


def _attendance_said(tally: Tally, now_ms: int) -> str:
    came, of = _recent(tally, ATTENDANCE, now_ms)
    if of == 0:
        return "No meeting is known to have been expected in the last 26 weeks"
    if of == 1:
        return "Came to the last meeting" if came else "Stayed away from the last meeting"
    if came == 0:
        return f"Stayed away from the last {of} meetings"
    return f"Came to {'all' if came == of else came} of the last {of} meetings"


def _goals_said(tally: Tally, now_ms: int) -> str:
    met, of = _recent(tally, GOAL_MET, now_ms)
    if of == 0:
        return "No goal was followed up in the last 26 weeks"
    if of == 1:
        return "Met the last goal" if met else "The last goal was not met"
    if met == 0:
        return f"None of the last {of} goals was met"
    return f"Met {'all' if met == of else met} of the last {of} goals"


def _contact_said(tally: Tally, now_ms: int) -> str:
    week = week_of(now_ms)
    read = [tuple(reading.weeks_read(tally, signal, week)) for signal in reading.CONTACTS]
    ages = [age for age in map(reading.newest_with_some, read) if age is not None]
    if not ages:
        return f"Not heard from in the last {WEEKS} weeks" if any(read) else "Nothing is known of any contact"
    match min(ages):
        case 0:
            return "Heard from this week"
        case 1:
            return "Heard from last week"
        case weeks:
            return f"Last heard from {weeks} weeks ago"


def _held_said(tally: Tally, now_ms: int) -> str:
    held, of = _recent(tally, MEETING_HELD, now_ms)
    if of == 0:
        return "No meeting was reported in the last 26 weeks"
    if of == 1:
        return "The last meeting was held" if held else "The last meeting was not held"
    if held == 0:
        return f"None of the last {of} meetings was held"
    return f"Held {'all' if held == of else held} of the last {of} meetings"


def _came_said(tally: Tally, now_ms: int) -> str:
    week = next(reading.weeks_read(tally, ATTENDANCE, week_of(now_ms)), None)
    if week is None:
        return "Nobody has said who came in the last 26 weeks"
    return f"{week[1].total} of {week[1].count} came in the latest week with a meeting"


def _group_goals_said(tally: Tally, now_ms: int) -> str:
    week = next(reading.weeks_read(tally, GOAL_MET, week_of(now_ms)), None)
    if week is None:
        return "No goal was followed up in the last 26 weeks"
    return f"{week[1].total} of {week[1].count} goals met in the latest week with a follow-up"


def _reminded_said(tally: Tally, now_ms: int) -> str:
    passed_on = reading.latest(tally, REMINDER_PASSED_ON, now_ms)
    if isnan(passed_on):
        return "Nothing is known of reminders in the last 26 weeks"
    return "Passed the last reminder on" if passed_on else "The last reminder was not passed on"


def _asked_said(tally: Tally, now_ms: int) -> str:
    share = reading.followed_up(tally, week_of(now_ms))
    if isnan(share):
        return "No goal is known to have been due in the last eight weeks"
    return f"Asked about {100 * share:.0f} in 100 goals lately"


# The weights are guesses, but for one ratio: coming weighs twice what a goal does, as in the reward.
_MEMBER = (
    _Aspect("attendance", 0.5, ATTENDANCE.audience, _share_of(ATTENDANCE), _attendance_said),
    _Aspect("goals", 0.25, GOAL_MET.audience, _share_of(GOAL_MET), _goals_said),
    # A visit of the health worker may be all the contact there was, and is not for neighbours.
    _Aspect("contact", 0.25, "health_worker", _contact, _contact_said),
)
_GROUP = (
    _Aspect("held", 0.4, "group", _share_of(MEETING_HELD), _held_said),
    _Aspect("came", 0.4, "group", _share_of(ATTENDANCE), _came_said),
    _Aspect("goals", 0.2, "group", _share_of(GOAL_MET), _group_goals_said),
)
_ADVISER = (
    _Aspect("held", 0.5, "group", _share_of(MEETING_HELD), _held_said),
    _Aspect("reminded", 0.25, REMINDER_PASSED_ON.audience, _share_of(REMINDER_PASSED_ON), _reminded_said),
    _Aspect("asked", 0.25, GOAL_NOT_FOLLOWED_UP.audience, reading.followed_up, _asked_said),
)
