"""What stands in a group's brief, and what it may not hold."""

import re
from datetime import date
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from engagement.actions.content import Content, parts
from engagement.actions.nudge import Nudge
from engagement.errors import Invalid, NotFound
from engagement.signals.minimal_month import MinimalMonth, Seats, read
from engagement.signals.rhythm import EveryMonth
from engagement.store import decisions, setup
from engagement.strategy.setup import Group, Member
from engagement.strategy.strategy import Fallback, Strategy
from engagement.workflows.brief import Brief, Look, ToTry, briefs
from engagement.workflows.brief_sms import BriefSms, by_sms
from engagement.workflows.brief_voice import LONGEST_SECONDS, BriefVoice, by_voice
from engagement.workflows.ingest import ingest
from engagement.workflows.month import Asked, tell_months
from engagement.workflows.month_told import AgendaSaid, GoalNew, GoalSaid, Month
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.wording import LANGUAGES, words_in
from support.peer_groups import PLAN, Here, a_program, ms, said, seat

SEATS = tuple(range(1, 9))
MARCH, APRIL, MAY = 2.3, 30.3, 65.3
"""12 March, 9 April and 14 May 2026, second Thursdays, in days from the start, in the evening."""
TEXTS = {"en": "Try this together.", "hi": "यह साथ मिलकर आज़माएँ।", "te": "దీన్ని కలిసి ప్రయత్నించండి."}
TOGETHER = Nudge(
    id="together",
    title="Together",
    level="group",
    content=tuple(Content(language, text) for language, text in TEXTS.items()),
)
OFFERED = Strategy(
    id="for_groups",
    title="For groups",
    level="group",
    actions=("together",),
    fallback=Fallback("together", ("together",)),
)


@pytest.fixture
def group(here: Here) -> Here:
    seated(here)
    return here


def seated(here: Here, language: str = "en", phone: str | None = None) -> None:
    rhythm = EveryMonth(first_on=date(2026, 1, 1), week="second", weekday="thursday")
    revise(here, Group(id="g", site="here", rhythm=rhythm, language=language))
    lines = (f"g,m{n},{n},{'adviser' if n == 1 else 'member'},2026-01-01" for n in SEATS)
    seat(here, *lines, columns="group,member,seat,role,joined_on")
    if phone is not None:
        revise(here, Member(id="m1", phone=phone))  # type: ignore[arg-type]  # one of the words


def revise(here: Here, thing: Group | Member) -> None:
    with here.db.write() as conn:
        setup.revise(conn, here.id, [thing], ms(-60))


def tell(here: Here, day: float, **month: Any) -> None:
    (kept,) = here.run(tell_months, [Asked("g", Month(**month))], day=day)
    assert kept.status == "stored", kept  # type: ignore[union-attr]  # a mistake has none and fails


def look(
    here: Here, day: float = APRIL - 1, group: str = "g", audience: str = "adviser", **more: Any
) -> Brief:
    (found,) = here.run(briefs, [Look(group, audience, **more)], day=day)  # type: ignore[arg-type]  # a word
    if not isinstance(found, Brief):
        raise found
    return found


def goals(*seats: int, category: str = "food") -> tuple[GoalNew, ...]:
    return tuple(GoalNew(number, category) for number in seats)  # type: ignore[arg-type]  # one of the words


def test_a_new_groups_brief_says_what_to_do_without_knowing_anything(group: Here) -> None:
    brief = look(group, 0)
    assert brief.next_meeting is not None
    assert (brief.next_meeting.on, brief.next_words) == (date(2026, 3, 12), "Thursday 12 March")
    assert (brief.goals, brief.missed, brief.wins, brief.to_try, brief.health_worker) == ((),) * 5
    assert sum(talk.minutes for talk in brief.agenda) == 60
    assert brief.draft


def test_on_its_day_the_meeting_is_the_next_until_it_is_told_of(group: Here) -> None:
    brief = look(group, MARCH)
    assert brief.next_meeting is not None
    assert brief.next_meeting.on == date(2026, 3, 12)
    tell(group, MARCH, held=True)
    brief = look(group, MARCH)
    assert brief.next_meeting is not None
    assert brief.next_meeting.on == date(2026, 4, 9)


def test_a_group_that_meets_on_any_day_is_told_the_month(group: Here) -> None:
    revise(group, Group(id="g", site="here", rhythm=EveryMonth(first_on=date(2026, 1, 1))))
    assert look(group, 0).next_words == "In March, on a day that suits you all"
    assert "Next meeting: in March." in by_sms(look(group, 0)).text


def test_a_group_that_has_ended_meets_no_more(group: Here) -> None:
    revise(group, Group(id="g", site="here", ended=True))
    assert look(group).next_meeting is None
    assert "No meeting is planned" in by_sms(look(group)).text
    assert any("No meeting is planned" in section.text for section in by_voice(look(group)).sections)


def test_each_goal_is_listed_once_until_somebody_has_asked(group: Here) -> None:
    tell(group, MARCH, held=True, present=SEATS, new_goals=goals(2, 3, 4, 6, 8))
    assert [goal.seat for goal in look(group).goals] == [2, 3, 4, 6, 8]
    ends = (GoalSaid(4, "missed"), GoalSaid(6, "not_followed_up"), GoalSaid(8, "partly"))
    tell(group, APRIL, held=True, met=(2,), goals=ends, new_goals=goals(2, category="doctor"))
    brief = look(group, MAY - 1)
    # 3 was not spoken of and 6 was not asked: both still wait
    assert [(goal.seat, goal.category, goal.asked_before) for goal in brief.goals] == [
        (2, "doctor", False), (3, "food", False), (6, "food", True),
    ]  # fmt: skip
    assert brief.goals[0].set_on == date(2026, 4, 9)


def test_a_goal_that_nobody_asked_about_for_half_a_year_is_left_alone(group: Here) -> None:
    tell(group, MARCH, held=True, new_goals=goals(2))
    assert len(look(group, MARCH + 182).goals) == 1
    assert look(group, MARCH + 184).goals == ()


def test_who_has_moved_away_is_neither_asked_nor_missed(group: Here) -> None:
    tell(group, MARCH, held=True, present=(1,), new_goals=goals(2, 3))
    group.run(ingest, [said("left", MARCH + 3, member="m2")], day=MARCH + 3)
    brief = look(group)
    assert [goal.seat for goal in brief.goals] == [3]
    assert 2 not in [one.seat for one in brief.missed]


def test_those_away_longest_are_welcomed_first_and_the_adviser_does_not_miss_herself(group: Here) -> None:
    tell(group, MARCH, held=True, present=(2, 3, 5, 6, 7, 8))
    tell(group, APRIL, held=True, present=(2, 5, 6, 7, 8))
    brief = look(group, MAY - 1)
    english = words_in("en")
    assert [one.seat for one in brief.missed] == [4, 3]  # 1 is the adviser
    assert brief.missed[0].sentence in english.missed_again
    assert brief.missed[1].sentence in english.missed_once
    tell(group, MAY, held=True, present=SEATS)
    assert look(group, MAY + 1).missed == ()


def test_neighbours_on_the_list_are_met_with_different_words(group: Here) -> None:
    tell(group, MARCH, held=True, present=(1,))
    sentences = [one.sentence for one in look(group).missed]
    assert all(one != following for one, following in pairwise(sentences))


def test_wins_in_daily_life_come_before_goals_that_were_met(group: Here) -> None:
    tell(group, MARCH, held=True, new_goals=goals(3, category="medicine"))
    tell(group, APRIL, held=True, met=(3,), wins=(7,))
    brief = look(group, MAY - 1)
    assert [(win.seat, win.what) for win in brief.wins] == [(7, "win"), (3, "goal")]
    assert brief.wins[1].sentence == "Seat 3 met a goal: medicine."
    assert look(group, APRIL + 50).wins == ()


def test_the_talk_is_not_what_they_talked_of_last_time(group: Here) -> None:
    tell(group, MARCH, held=True, new_goals=goals(2, 3))
    first = look(group).topics
    assert "food" in first
    tell(group, APRIL, held=True, agenda=AgendaSaid(first, first))
    assert "food" not in look(group, MAY - 1).topics


def test_what_to_try_is_what_was_decided_and_looking_decides_nothing(here: Here) -> None:
    plan = msgspec.structs.replace(
        PLAN, actions=(*PLAN.actions, TOGETHER), strategies=(*PLAN.strategies, OFFERED)
    )
    here = a_program(here.db, plan)
    seated(here)
    assert look(here).to_try == ()
    assert here.read(decisions.count) == 0
    answers = here.run(recommend, [Ask(group="g", strategy="for_groups")], day=APRIL - 2)
    brief = look(here)
    if answers[0].action.id == "none":  # type: ignore[union-attr]  # drawn: half of the time
        assert brief.to_try == ()
    else:
        (one,) = brief.to_try
        assert (one.text, one.level, one.accepted, one.draft) == ("Try this together.", "group", False, True)
        assert one.why == words_in("en").say("try_drawn")
    assert here.read(decisions.count) == 1


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker", "staff", "research"])
def test_nobody_reads_more_in_it_than_the_adviser(group: Here, audience: str) -> None:
    tell(group, MARCH, held=True, present=(1, 2), new_goals=goals(2), wins=(2,))
    brief = look(group, audience=audience)
    assert brief.whole == (audience != "group")
    if brief.whole:
        assert brief == look(group)
    else:
        assert (brief.goals, brief.missed, brief.wins) == ((), (), ())


@pytest.mark.parametrize(
    ("stored", "said_by_caller", "careful", "whole"),
    [
        ("shared", None, False, False),
        ("basic", None, False, True),
        ("basic", None, True, True),
        (None, None, False, True),
        (None, None, True, False),
        ("none", None, True, False),
        ("basic", "shared", False, False),
        ("shared", "smart", True, True),
    ],
)
def test_a_shared_phone_gets_nothing_about_a_member(
    here: Here, stored: str | None, said_by_caller: str | None, careful: bool, whole: bool
) -> None:
    seated(here, phone=stored)
    tell(here, MARCH, held=True, present=(1, 2), new_goals=goals(7), wins=(8,))
    brief = look(here, phone=said_by_caller, careful=careful)
    assert brief.whole == whole
    if not whole:
        sms, voice = by_sms(brief), by_voice(brief)
        assert '"seat"' not in msgspec.json.encode(brief).decode()
        told = " ".join([sms.text, *(section.text for section in voice.sections)])
        assert not any(mark in told for mark in ("Seat ", "seat ", "7", "8"))


def test_of_a_group_that_does_not_meet_there_is_none(group: Here) -> None:
    with pytest.raises(NotFound):
        look(group, group="nowhere")
    revise(group, Group(id="talk", site="here", type="virtual"))
    with pytest.raises(Invalid):
        look(group, group="talk")


def test_a_language_without_words_is_answered_in_the_programs(group: Here) -> None:
    revise(group, Group(id="g", site="here", language="ta"))
    assert look(group).language == "en"
    assert look(group, language="te").language == "te"


# --- the words -------------------------------------------------------------------------------------------


def test_every_language_has_the_same_lines_with_the_same_blanks() -> None:
    def shape(language: str) -> Any:
        words = words_in(language)
        return (
            {name: sorted(re.findall(r"{\w+}", line)) for name, line in words.lines.items()},
            sorted(words.topics), sorted(words.goals), sorted(words.questions),
            len(words.missed_once), len(words.missed_again),
        )  # fmt: skip

    english = shape("en")
    for language in LANGUAGES[1:]:
        hers = shape(language)
        assert hers[1:] == english[1:]
        for name, blanks in english[0].items():
            assert set(hers[0][name]) <= set(blanks), (language, name)
        assert set(hers[0]) == set(english[0])
    assert {words_in(language).status for language in LANGUAGES} == {"draft"}


REPROACHES = ("absent", "failed", "default", "must", "अनुपस्थित", "सदस्य", "గైర్హాజరు")


def test_no_line_reproaches() -> None:
    for language in LANGUAGES:
        words = words_in(language)
        told = " ".join([*words.lines.values(), *words.missed_once, *words.missed_again]).lower()
        assert [word for word in REPROACHES if word in told] == []


# --- SMS and voice ---------------------------------------------------------------------------------------


@pytest.fixture(params=LANGUAGES)
def full(here: Here, request: pytest.FixtureRequest) -> Brief:
    """A brief with something in each of its parts, in each language."""
    seated(here, request.param, "basic")
    tell(here, MARCH, held=True, present=(1, 2), new_goals=goals(*SEATS, category="doctor"), wins=SEATS)
    return look(here, careful=True)


def test_an_sms_has_three_parts_at_most_and_says_how_many(full: Brief) -> None:
    sms: BriefSms = by_sms(full)
    assert sms.parts == parts(sms.text) <= 3
    limit = 3 * (153 if sms.alphabet == "GSM-7" else 67)
    assert len(sms.text) <= limit
    assert sms.text.endswith(words_in(full.language).say("sms_reply"))
    assert not {"next", "goals", "missed"} & {*sms.cut, *sms.left_out}
    assert all(str(number) in sms.text for number in SEATS)


def test_what_is_too_long_is_cut_where_a_word_ends(full: Brief) -> None:
    long = " ".join(f"word{number}" for number in range(100))
    tried = ToTry("x", "group", long, "", 5, draft=True, accepted=False)
    sms = by_sms(msgspec.structs.replace(full, to_try=(tried,)))
    assert sms.parts <= 3
    if "try" in sms.cut:
        said_words = sms.text.partition("word0")[2].partition("...")[0].split()
        assert said_words == [f"word{number}" for number in range(1, len(said_words) + 1)]
    else:
        assert "try" in sms.left_out


def test_no_section_takes_more_than_a_minute(full: Brief) -> None:
    many = msgspec.structs.replace(full, goals=full.goals * 9, missed=full.missed * 9, wins=full.wins * 9)
    for brief in (full, many):
        voice: BriefVoice = by_voice(brief)
        for section in voice.sections:
            assert section.words == len(section.text.split()) > 0
            assert section.seconds <= LONGEST_SECONDS
            assert (section.seconds - 1) * voice.words_a_minute < 60 * section.words
    assert {"goals-1", "goals-2"} <= {section.id for section in by_voice(many).sections}
    joined = " ".join(one.text for one in by_voice(many).sections if one.id.startswith("goals"))
    assert joined.count(full.goals[0].question) == len(many.goals)


def test_the_menu_leads_everywhere_and_nowhere_else(full: Brief) -> None:
    voice = by_voice(full)
    nodes = {node.id: node for node in voice.menu}
    sections = {section.id for section in voice.sections}
    reached, waiting = set[str](), ["start"]
    while waiting:
        node = nodes[waiting.pop()]  # type: ignore[index]  # a node's name
        assert set(node.play) <= sections
        reached.add(node.id)
        following = {key.goes_to for key in node.keys} | ({node.goes_on} - {None})
        assert following or node.id == "end"
        assert len({key.press for key in node.keys}) == len(node.keys)
        waiting += [one for one in following if one not in reached and one is not None]
    assert reached == set(nodes)
    assert {section for node in voice.menu for section in node.play} == sections


def test_what_the_keypad_collects_is_a_month(full: Brief) -> None:
    nodes = {node.id: node for node in by_voice(full).menu}
    sends, refuses = nodes["sent"].sends, nodes["not_held"].sends
    assert sends is not None
    assert refuses is not None
    pressed = sends.format(came="1*3*4*6*8*", met="3*6")
    assert read(pressed) == MinimalMonth(
        True, None, Seats(frozenset({1, 3, 4, 6, 8})), Seats(frozenset({3, 6}))
    )
    assert read(sends.format(came="", met="0")) == MinimalMonth(True, None, None, Seats(frozenset()))
    assert read(refuses) == MinimalMonth(False)
