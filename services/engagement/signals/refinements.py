"""Features beyond the minimal month: each is NaN until somebody reports what it is read from.

Members: goals followed up, medicine and clinic, messages, motivation, family, wins. Advisers: where they
stand. Groups: goals, agenda, fund, reminders, the adviser, a virtual community, and health as a whole.
"""

from math import isnan, nan

from engagement.signals import index, reading
from engagement.signals.advising import advising
from engagement.signals.agenda import TOPIC_AGREED
from engagement.signals.clinic import (
    CLINIC_FOLLOW_UP,
    GLUCOSE_CONTROLLED,
    MEDICINE_TAKEN,
    PRESSURE_CONTROLLED,
)
from engagement.signals.community import (
    EMOTIONAL_SUPPORT,
    INFORMATIONAL_SUPPORT,
    POST_WRITTEN,
    QUESTION_ANSWERED,
    QUESTION_ASKED,
    SUPER_USER_LOST,
)
from engagement.signals.contact import REMINDER_PASSED_ON
from engagement.signals.family import FAMILY_SABOTAGE, FAMILY_SUPPORT
from engagement.signals.feature import Feature, Reading, clipped
from engagement.signals.fund import FUND_CONTRIBUTION
from engagement.signals.goals import GOAL_MET
from engagement.signals.messages import MESSAGE_READ, MESSAGE_REPLIED
from engagement.signals.picture import Picture
from engagement.signals.self_report import MOTIVATION, WIN_SHARED
from engagement.signals.signal import Signal
from engagement.signals.tally import Tally, week_of

ACTIVITY_CAP = 100.0
"""Contributions in five weeks; ten members (those that keep a community alive) writing twice a week."""
WRITTEN = (POST_WRITTEN, QUESTION_ASKED, QUESTION_ANSWERED, EMOTIONAL_SUPPORT, INFORMATIONAL_SUPPORT)
LEADING = ("trained", "active", "tired", "succeeded")
"""Last steps after which a group has an adviser; who was succeeded has handed it to another."""


def _share(signal: Signal) -> Reading:
    return lambda picture, now_ms: reading.share(picture.member, signal, week_of(now_ms)) - 0.5


def _share_of_group(signal: Signal) -> Reading:
    return lambda picture, now_ms: reading.share(picture.group, signal, week_of(now_ms)) - 0.5


def _latest(signal: Signal) -> Reading:
    return lambda picture, now_ms: reading.latest(picture.member, signal, now_ms)


def _fresh(*signals: Signal) -> Reading:
    return lambda picture, now_ms: reading.freshness(picture.member, signals, now_ms)


def _fresh_of_group(*signals: Signal) -> Reading:
    return lambda picture, now_ms: reading.freshness(picture.group, signals, now_ms)


def _goal_follow_up(picture: Picture, now_ms: int) -> float:
    return reading.followed_up(picture.member, week_of(now_ms)) - 0.5


def _group_goal_follow_up(picture: Picture, now_ms: int) -> float:
    return reading.followed_up(picture.group, week_of(now_ms)) - 0.5


def _motivation(picture: Picture, now_ms: int) -> float:
    rated = reading.latest(picture.member, MOTIVATION, now_ms)
    return (rated - MOTIVATION.low) / (MOTIVATION.high - MOTIVATION.low) - 0.5


def _adviser_trained(picture: Picture, _now_ms: int) -> float:
    state = advising(picture.member)
    return nan if state.step is None else float(state.trained)


def _adviser_tired(picture: Picture, _now_ms: int) -> float:
    return _tired(picture.member, refuses=picture.tired)


def _tired(tally: Tally, *, refuses: bool) -> float:
    """Whether it was said, or whoever it is has refused so much that it shows."""
    step = advising(tally).step
    return nan if step is None and not refuses else float(refuses or step == "tired")


def _refresher_due(picture: Picture, now_ms: int) -> float:
    due_ms = advising(picture.member).refresher_due_ms
    return nan if due_ms is None else float(due_ms <= now_ms)


def _group_adviser(picture: Picture, _now_ms: int) -> float:
    step = advising(picture.group).step
    return nan if step is None else float(step in LEADING)


def _group_adviser_tired(picture: Picture, _now_ms: int) -> float:
    return _tired(picture.group, refuses=picture.leader_tired)


def _group_activity(picture: Picture, now_ms: int) -> float:
    written = [reading.counted(picture.group, signal, week_of(now_ms)) for signal in WRITTEN]
    known = [count for count in written if not isnan(count)]
    return clipped(sum(known) / ACTIVITY_CAP) if known else nan


def _group_answered(picture: Picture, now_ms: int) -> float:
    """Answers a question, at most one; whether each question has its own is in no tally."""
    asked = reading.counted(picture.group, QUESTION_ASKED, week_of(now_ms))
    answers = reading.counted(picture.group, QUESTION_ANSWERED, week_of(now_ms))
    return nan if isnan(asked) else clipped((0.0 if isnan(answers) else answers) / asked)


def _group_health(picture: Picture, now_ms: int) -> float:
    value = index.of_group(picture.group, now_ms).value
    return nan if value is None else value / 100.0 - 0.5


_HALF = "share less one half"
_FRESH = "1 when new, halved each half-life"
_YES = "yes or no"
REFINEMENTS: tuple[tuple[Feature, Reading], ...] = (
    (Feature("goal_follow_up", "Goals were asked about", "adviser", _HALF, -0.5, 0.5), _goal_follow_up),
    (
        Feature("medicine_taken", "Takes the medicine", "health_worker", _HALF, -0.5, 0.5),
        _share(MEDICINE_TAKEN),
    ),
    (
        Feature("clinic_kept", "Keeps the follow-ups", "health_worker", _HALF, -0.5, 0.5),
        _share(CLINIC_FOLLOW_UP),
    ),
    (
        Feature("pressure_controlled", "Blood pressure is under control", "health_worker", _YES),
        _latest(PRESSURE_CONTROLLED),
    ),
    (
        Feature("glucose_controlled", "Glucose is under control", "health_worker", _YES),
        _latest(GLUCOSE_CONTROLLED),
    ),
    (Feature("messages_read", "Reads messages", "staff", _HALF, -0.5, 0.5), _share(MESSAGE_READ)),
    (Feature("messages_replied", "Replies to messages", "staff", _HALF, -0.5, 0.5), _share(MESSAGE_REPLIED)),
    (
        Feature(
            "motivation", "How driven the member feels", "health_worker", "scale less its middle", -0.5, 0.5
        ),
        _motivation,
    ),
    (Feature("family_support", "The family supports", "health_worker", _YES), _latest(FAMILY_SUPPORT)),
    (Feature("sabotage", "Somebody near undermines", "health_worker", _YES), _latest(FAMILY_SABOTAGE)),
    (Feature("win_shared", "Told of a win lately", "group", _FRESH), _fresh(WIN_SHARED)),
    (Feature("community_active", "Wrote in the community lately", "group", _FRESH), _fresh(*WRITTEN)),
    (Feature("adviser_trained", "Has been trained as adviser", "staff", _YES), _adviser_trained),
    (Feature("adviser_tired", "Is tired of advising", "staff", _YES), _adviser_tired),
    (Feature("refresher_due", "A refresher is due", "staff", _YES), _refresher_due),
    (
        Feature("group_goals_met", "Members met goals lately", "group", _HALF, -0.5, 0.5),
        _share_of_group(GOAL_MET),
    ),
    (
        Feature("group_goal_follow_up", "The group asks about goals", "group", _HALF, -0.5, 0.5),
        _group_goal_follow_up,
    ),
    (
        Feature("group_agenda", "The group agreed on a topic lately", "group", _FRESH),
        _fresh_of_group(TOPIC_AGREED),
    ),
    (
        Feature("group_reminded", "Reminders are passed on", "adviser", _HALF, -0.5, 0.5),
        _share_of_group(REMINDER_PASSED_ON),
    ),
    (Feature("group_wins", "Wins were told lately", "group", _FRESH), _fresh_of_group(WIN_SHARED)),
    (
        Feature("group_fund", "Somebody paid into the fund lately", "adviser", _FRESH),
        _fresh_of_group(FUND_CONTRIBUTION),
    ),
    (Feature("group_adviser", "The group has an adviser", "group", _YES), _group_adviser),
    (Feature("group_adviser_tired", "The adviser is tired", "staff", _YES), _group_adviser_tired),
    (
        Feature("group_activity", "The community writes", "group", "100 contributions in five weeks"),
        _group_activity,
    ),
    (Feature("group_answered", "Questions get answers", "group", "answers a question"), _group_answered),
    (
        Feature("super_user_lost", "A super-user went lately", "staff", _FRESH),
        _fresh_of_group(SUPER_USER_LOST),
    ),
    (
        Feature("group_health", "How the group does as a whole", "group", "index less its middle", -0.5, 0.5),
        _group_health,
    ),
)
"""Each with its companion `…_missing`."""
