"""What became of each month of a virtual community, in the place of meetings.

A month counts as held when at least `peer_k` members wrote or replied and new questions were answered
by a peer within 48 hours; as not held when it is known that they did not; as unreported when nothing
at all was heard of it. The states of a community then follow from its months as those of a local group
from its meetings: three such months missed in a row, and it has dissolved.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from engagement.signals.community import (
    EMOTIONAL_SUPPORT,
    INFORMATIONAL_SUPPORT,
    POST_WRITTEN,
    QUESTION_ANSWERED,
    QUESTION_ASKED,
)
from engagement.signals.expected import SILENT_AFTER, Meeting
from engagement.signals.rhythm import EveryMonth, Since, expected
from engagement.signals.states import Mood

WRITTEN = frozenset(
    signal.kind
    for signal in (POST_WRITTEN, QUESTION_ASKED, QUESTION_ANSWERED, EMOTIONAL_SUPPORT, INFORMATIONAL_SUPPORT)
)
"""Kinds of signal that say a member wrote."""
ANSWERED_SHARE = 0.5  # a guess: "questions are answered" when at least every second one is
FALLEN = 2 / 3  # a guess: "falling" when fewer write than this share of those who did the month before
ANSWER_MS = 48 * 3_600_000
_SETTLED = timedelta(days=2)  # a question of the last day may wait so long


class Written(NamedTuple):
    """Something a member wrote. day : local date; kind : one of `WRITTEN`

    chain : of a question or its answer, the caller's id of the question
    """

    day: date
    at_ms: int
    kind: str
    who: str
    chain: str | None = None


class Month(NamedTuple):
    """What was heard of a community in one month.

    writers : different members who wrote      answered : of `questions`, within 48 hours by someone else
    """

    ends_on: date
    writers: int
    questions: int
    answered: int


def months(written: Iterable[Written], began_on: date, today: date) -> tuple[Month, ...]:
    """The months that have ended and had their time for answers, from the one in which it began.

    written : in any order
    """
    ended = expected([Since(began_on, EveryMonth())], today - _SETTLED)
    opens = [month.opens for month in ended]
    by_month: dict[int, list[Written]] = defaultdict(list)
    answers: list[Written] = []
    for row in written:
        place = bisect_right(opens, row.day) - 1
        if place >= 0 and row.day <= ended[place].closes:
            by_month[place].append(row)
        if row.kind == QUESTION_ANSWERED.kind:
            answers.append(row)
    answers.sort(key=lambda row: row.at_ms)
    times = [row.at_ms for row in answers]
    return tuple(_counted(month.on, by_month[place], answers, times) for place, month in enumerate(ended))


def meetings(counts: Iterable[Month], peer_k: int, today: date) -> tuple[Meeting, ...]:
    """Each month as a meeting on its last day."""
    return tuple(_became(month, peer_k, today) for month in counts)


def mood(counts: Sequence[Month]) -> Mood:
    """Where a community is going: how many wrote in the last two months of which something was heard.

    counts : in order. It has no index, because nobody is expected to write
    """
    heard = [month.writers for month in counts if month.writers][-2:]
    if len(heard) < 2:
        return Mood(None, "unknown")
    before, now = heard
    if now < FALLEN * before:
        return Mood(None, "falling")
    return Mood(None, "rising" if before < FALLEN * now else "steady")


def _counted(
    ends_on: date, rows: Sequence[Written], answers: Sequence[Written], times: Sequence[int]
) -> Month:
    questions = [row for row in rows if row.kind == QUESTION_ASKED.kind]
    return Month(
        ends_on,
        len({row.who for row in rows}),
        len(questions),
        sum(_is_answered(question, answers, times) for question in questions),
    )


def _is_answered(question: Written, answers: Sequence[Written], times: Sequence[int]) -> bool:
    """Whether somebody else answered in time: this question, where both name it.

    answers : in order of their `times`
    """
    after = bisect_right(times, question.at_ms)
    in_time = bisect_right(times, question.at_ms + ANSWER_MS)
    return any(
        row.who != question.who and (None in (row.chain, question.chain) or row.chain == question.chain)
        for row in answers[after:in_time]
    )


def _became(month: Month, peer_k: int, today: date) -> Meeting:
    if month.writers == 0:
        overdue = today - month.ends_on > SILENT_AFTER
        return Meeting(month.ends_on, "unreported" if overdue else "expected")
    lively = month.writers >= peer_k and month.answered >= ANSWERED_SHARE * month.questions
    return Meeting(month.ends_on, "held" if lively else "not_held", None, month.ends_on)
