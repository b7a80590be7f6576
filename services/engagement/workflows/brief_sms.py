"""A brief as one SMS of at most three parts: the most important first, the rest cut where a word ends."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from engagement.actions.content import GSM_7, GSM_7_ESCAPED, MOST_PARTS, parts
from engagement.workflows.brief import Brief
from engagement.workflows.wording import Words, listed, words_in

FEWEST_WORDS = 3
"""Of a sentence that is cut; with fewer it is left out."""
CUT = "..."
Part = Literal["next", "goals", "missed", "try", "say", "health_worker", "wins", "talk", "reply"]


class BriefSms(msgspec.Struct, frozen=True, tag_field="format", tag="sms"):
    """A brief as an SMS.

    parts : messages it takes, exactly      alphabet : what a phone network sends it in
    cut, left_out : which of it did not fit as a whole, or not at all
    """

    group: str
    language: str
    text: str
    parts: int
    alphabet: Literal["GSM-7", "UCS-2"]
    cut: tuple[Part, ...]
    left_out: tuple[Part, ...]
    whole: bool
    simulated: bool = False


def by_sms(brief: Brief) -> BriefSms:
    """The brief as an SMS. How to reply stands at the end and is never cut."""
    words = words_in(brief.language)
    reply = words.say("sms_reply")
    text, cut, left_out = "", list[Part](), list[Part]()
    for part, sentence in _sentences(brief, words):
        fitting = _fitting(text, sentence, reply)
        text = _joined(text, fitting)
        if not fitting:
            left_out.append(part)
        elif fitting != sentence:
            cut.append(part)
    text = _joined(text, reply)
    plain = GSM_7.union(GSM_7_ESCAPED).issuperset(text)
    return BriefSms(
        brief.group,
        brief.language,
        text,
        parts(text),
        "GSM-7" if plain else "UCS-2",
        tuple(cut),
        tuple(left_out),
        brief.whole,
        brief.simulated,
    )


def _sentences(brief: Brief, words: Words) -> Iterator[tuple[Part, str]]:
    """What there is to tell, the most important first."""
    following = brief.next_meeting
    if following is None:
        yield "next", f"{brief.next_words}."
    elif following.any_day:
        yield "next", words.say("sms_month", month=words.months[following.on.month - 1])
    else:
        yield "next", words.say("sms_next", date=words.short_day(following.on))
    if brief.goals:
        yield "goals", words.say("sms_goals", goals=_by_category(brief))
    elif not brief.whole:
        yield "goals", words.say("sms_goals_plain")
    if brief.missed:
        seats = listed([one.seat for one in brief.missed])
        yield "missed", words.say("sms_missed", seats=seats)
    elif not brief.whole:
        yield "missed", words.say("sms_missed_plain")
    weeks = [one.week for one in brief.health_worker if one.week is not None]
    for week in weeks[:1]:
        yield "health_worker", words.say("sms_visit", date=words.short_day(week))
    for one in brief.to_try[:1]:
        yield "try", words.say("sms_try", text=one.text)
    for missed in brief.missed[:1]:
        yield "say", words.say("sms_say", sentence=missed.sentence)
    seats = listed(sorted({win.seat for win in brief.wins}))
    if seats:
        yield "wins", words.say("sms_wins", seats=seats)
    yield "talk", words.say("sms_talk", topic=brief.agenda[-2].words)


def _by_category(brief: Brief) -> str:
    """The goals to ask about, seats with the same kind of goal together: 2 6 food, 3 doctor."""
    kinds = dict.fromkeys(goal.words for goal in brief.goals)
    seats = {kind: dict.fromkeys(goal.seat for goal in brief.goals if goal.words == kind) for kind in kinds}
    return listed([f"{' '.join(map(str, some))} {kind}" for kind, some in seats.items()])


def _fitting(before: str, sentence: str, after: str) -> str:
    """As much of a sentence as fits between what stands before and after it; empty when too little does."""
    if parts(_joined(_joined(before, sentence), after)) <= MOST_PARTS:
        return sentence
    words = sentence.split()
    for count in range(len(words) - 1, FEWEST_WORDS - 1, -1):
        shorter = " ".join(words[:count]).rstrip(",;:।") + CUT
        if parts(_joined(_joined(before, shorter), after)) <= MOST_PARTS:
            return shorter
    return ""


def _joined(before: str, after: str) -> str:
    return f"{before} {after}".strip()
