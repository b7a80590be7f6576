"""A month is told in whatever way, at whatever time and in whatever order: the state is the same."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from engagement.actions.content import parts
from engagement.errors import Conflict, Invalid, NotFound
from engagement.signals.rhythm import EveryMonth, EveryWeeks
from engagement.store import setup, signals
from engagement.strategy.setup import Group
from engagement.workflows.engagement import of_group, of_member
from engagement.workflows.import_register import import_register
from engagement.workflows.month import Asked, MonthKept, tell_months
from engagement.workflows.month_told import AgendaSaid, GoalNew, GoalSaid, Month, WrongSeat
from engagement.workflows.tallies import counting
from engagement.workflows.wording import LANGUAGES
from support.peer_groups import START, Here, ms, seat

MEETING = (START + timedelta(days=2)).date()
"""The second Thursday of March, two days from the start: 12 March 2026."""
APRIL = 30.0
"""9 April 2026, the next."""
SEATS = (1, 2, 3, 4, 6, 8)


@pytest.fixture
def group(here: Here) -> Here:
    seated(here, "g")
    return here


def seated(here: Here, name: str, language: str = "en") -> None:
    rhythm = EveryMonth(first_on=date(2026, 1, 1), week="second", weekday="thursday")
    revise(here, Group(id=name, site="here", rhythm=rhythm, language=language))
    lines = (f"{name},{name}-{number},{number},2026-01-01" for number in SEATS)
    seat(here, *lines, columns="group,member,seat,joined_on")


def revise(here: Here, group: Group) -> None:
    with here.db.write() as conn:
        setup.revise(conn, here.id, [group], ms(-60))


def tell(here: Here, what: str | Month, day: float = 2.3, group: str = "g") -> MonthKept:
    month = Month(text=what) if isinstance(what, str) else what
    (answer,) = here.run(tell_months, [Asked(group, month)], day=day)
    if not isinstance(answer, MonthKept):
        raise answer
    return answer


def counted(here: Here, group: str = "g") -> set[tuple[Any, ...]]:
    """What counts of all that was told of the group, but how often it had to be said."""
    rows = counting(here.read(signals.of_groups, [group]))
    return {(row.kind, row.unit_id, row.value, row.occurred_at, row.chain) for row in rows}


def pictures(here: Here, group: str = "g") -> bytes:
    """How the group and everybody in it are doing, a month later."""
    with here.db.read() as conn:
        given = (conn, here.kept, here.id)
        seen = [of_group(*given, group, "staff", ms(APRIL), simulated=False)]
        seen += [of_member(*given, f"{group}-{n}", "staff", ms(APRIL), simulated=False) for n in SEATS]
    return msgspec.json.encode(seen).replace(f"{group}-".encode(), b"-").replace(f'"{group}"'.encode(), b"-")


def said_of(here: Here, member: str) -> dict[str, int | None]:
    return {kind: value for kind, who, value, *_ in counted(here) if who == member}


def test_who_is_not_named_in_the_whole_list_stayed_away(group: Here) -> None:
    kept = tell(group, "1 | 1 3 4 | 3")
    assert (kept.meeting, kept.status, kept.wrong) == (MEETING, "stored", ())
    assert kept.reply == "Thank you! 12 March is noted: 3 came."
    assert said_of(group, "g-1") == {"attendance": 1}
    assert said_of(group, "g-2") == {"attendance": 0}
    assert said_of(group, "g-3") == {"attendance": 1, "goal_met": 1}
    assert said_of(group, "g") == {"meeting_held": 1}


def test_form_message_keypad_and_register_give_one_state(here: Here) -> None:
    ways: list[str | Month] = [
        "1 | 1 3 4 6 8 | 3 6",
        "1#1*3*4*6*8#3*6#",
        "౧ | ౧ ౩ ౪ ౬ ౮ | ౩ ౬",
        Month(held=True, present=(8, 6, 4, 3, 1), met=(6, 3)),
        Month(held=True, date=MEETING, present=(1, 3, 4, 6, 8), met=(3, 6), new_goals=(), wins=()),
    ]
    found = []
    for number, way in enumerate(ways):
        seated(here, f"g{number}")
        tell(here, way, 2.3 + number, f"g{number}")
        found.append(pictures(here, f"g{number}"))
    seated(here, "paper")
    csv = f"group,date,held,came,goals_met\npaper,{MEETING},yes,1 3 4 6 8,3 6\n"
    assert import_register(here.db, here.kept, here.id, csv, ms(3)).refused == ()
    assert set(found) == {pictures(here, "paper")}
    assert b'"came":5' in found[0]


def test_told_twice_and_five_days_late_it_is_told_once(group: Here) -> None:
    assert tell(group, "1 | 1 3 4 | 3").signals == 8
    before = counted(group)
    for day, text in ((2.4, "1 | 1 3 4 | 3"), (7.0, "1|4 3 1|3"), (9.0, "12/3 | 1 | 1 3 4 | 3")):
        again = tell(group, text, day)
        assert (again.status, again.signals, again.meeting) == ("unchanged", 0, MEETING)
        assert again.reply == "Thank you! We have 12 March already, nothing is lost."
    assert counted(group) == before


MONTHS = ("12/3 | 1 | 1 3 4 9 | 3 6", "12/3 | 1 | 1 3 4 6", "12/3 | 1 | 1 3 4 6 | 3 6", "9/4 | 0")


@pytest.mark.parametrize("order", list(permutations(MONTHS)))
def test_in_any_order_the_state_is_the_same(here: Here, order: tuple[str, ...]) -> None:
    seated(here, "g")
    for text in order:
        tell(here, text, APRIL + 1)
    expected = {
        *(("attendance", f"g-{n}", int(n in (1, 3, 4, 6))) for n in SEATS),
        *(("goal_met", f"g-{n}", 1) for n in (3, 6)),
    }
    found = counted(here)
    assert {row[:3] for row in found if row[1] != "g"} == expected
    assert sorted(row[2] for row in found if row[1] == "g") == [0, 1]


def test_a_wrong_seat_is_named_kindly_and_the_rest_is_stored(group: Here) -> None:
    kept = tell(group, "1 | 1 3 12 | 3 x")
    assert kept.wrong == (WrongSeat("present", "12"), WrongSeat("met", "x"))
    assert (
        kept.reply
        == "Thank you! All is noted but 12, x: no such seat in your group. Please send it once more."
    )
    assert said_of(group, "g-3") == {"attendance": 1, "goal_met": 1}
    # 12 may have been 1 and 2: of who is not named nothing is known
    assert said_of(group, "g-2") == {}
    tell(group, "1 | 1 2 3 | 3")
    assert said_of(group, "g-2") == {"attendance": 1}
    assert said_of(group, "g-8") == {"attendance": 0}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reply_is_one_line_of_two_messages_at_most_in_the_groups_language(
    here: Here, language: str
) -> None:
    seated(here, "g", language)
    texts = ("1 | 1 3 12", "1 | 1 3", "1 | 1 3", "0", "1", "what?", "40/40 | 1")
    replies = [tell(here, text) for text in texts]
    assert {kept.language for kept in replies} == {language}
    for kept in replies:
        assert kept.reply.splitlines() == [kept.reply]
        assert parts(kept.reply) <= 2
    assert len({kept.reply for kept in replies}) == 7


def test_of_a_text_that_says_nothing_nothing_is_stored(group: Here) -> None:
    for text, flaw in (
        ("hello", "held"),
        ("1 1 3 4", "parts"),
        ("31/4 | 1", "date"),
        ("20/3/2026 | 1", "date"),
    ):
        kept = tell(group, text)
        assert (kept.status, kept.flaw, kept.meeting) == ("refused", flaw, None)
        assert kept.reply.startswith("Almost!")
    assert counted(group) == set()


def test_not_held_takes_back_who_came(group: Here) -> None:
    tell(group, "1 | 1 3")
    kept = tell(group, "0")
    assert kept.reply == "Thank you for telling us. Noted: no meeting on 12 March."
    assert {row[:3] for row in counted(group)} == {("meeting_held", "g", 0)}


def test_a_correction_is_the_last_thing_that_was_said(group: Here) -> None:
    tell(group, "1 | 1 3 | 3")
    kept = tell(group, "1 | 1 4 | 4")
    assert (kept.signals, kept.corrected) == (4, 3)  # 3 and 4 attendance, 3's goal; 4's goal is new
    assert said_of(group, "g-3") == {"attendance": 0}
    assert said_of(group, "g-4") == {"attendance": 1, "goal_met": 1}


def test_who_is_not_among_those_that_met_their_goal_keeps_what_the_form_said(group: Here) -> None:
    form = Month(held=True, present=(1, 3, 4), met=(3,), goals=(GoalSaid(4, "missed"), GoalSaid(1, "partly")))
    tell(group, form)
    assert tell(group, "1 | 1 3 4 | 3").status == "unchanged"
    assert said_of(group, "g-4") == {"attendance": 1, "goal_met": 0}
    assert said_of(group, "g-1") == {"attendance": 1, "goal_partly_met": 1}


def test_goals_are_chains_from_the_meeting_at_which_they_were_set(group: Here) -> None:
    goals = tuple(GoalNew(number, "food") for number in (1, 2, 3, 4, 6))
    tell(group, Month(held=True, present=SEATS, new_goals=goals))
    april = Month(
        held=True,
        present=(1, 2, 3),
        met=(1, 2),
        goals=(GoalSaid(3, "missed"), *(GoalSaid(n, "not_followed_up") for n in (4, 6))),
    )
    tell(group, april, APRIL)
    with group.db.read() as conn:
        members = [
            of_member(conn, group.kept, group.id, f"g-{n}", "adviser", ms(APRIL), simulated=False)
            for n in (1, 2, 3, 4, 6)
        ]
    assert [len(member.open_goals) for member in members] == [0] * 5
    kinds = sorted(kind for kind, who, *_ in counted(group) if who != "g" and kind != "attendance")
    assert kinds == ["goal_met"] * 3 + ["goal_not_followed_up"] * 2 + ["goal_set"] * 5


def test_two_goals_of_one_seat_end_apart_by_their_chains(group: Here) -> None:
    tell(group, Month(held=True, new_goals=(GoalNew(1, "food"),)))
    tell(group, Month(held=True, new_goals=(GoalNew(1, "doctor"),)), APRIL)
    with group.db.read() as conn:
        member = of_member(conn, group.kept, group.id, "g-1", "adviser", ms(APRIL), simulated=False)
    food, doctor = (goal.chain for goal in member.open_goals)
    ends = (GoalSaid(1, "met", food), GoalSaid(1, "missed", doctor))
    may = Month(held=True, goals=ends)
    assert tell(group, may, APRIL + 35).signals == 3
    assert tell(group, may, APRIL + 36).status == "unchanged"
    with group.db.read() as conn:
        member = of_member(conn, group.kept, group.id, "g-1", "adviser", ms(APRIL + 36), simulated=False)
    assert member.open_goals == ()


def test_agreed_and_suggested_topics_are_kept_apart_and_who_changed_them(group: Here) -> None:
    suggested = ("welcome", "food", "new_goals")
    agenda = AgendaSaid(("welcome", "sleep", "new_goals"), suggested, "members")
    tell(group, Month(held=True, agenda=agenda))
    found = {(kind, chain) for kind, _, _, _, chain in counted(group) if chain}
    agreed = {("topic_agreed", f"{MEETING}.{topic}") for topic in agenda.agreed}
    assert found == agreed | {("topic_suggested", f"{MEETING}.{topic}") for topic in suggested} | {
        ("topic_changed", f"{MEETING}.food"), ("topic_changed", f"{MEETING}.sleep"),
    }  # fmt: skip
    tell(group, Month(held=True, agenda=AgendaSaid(suggested, suggested)))
    assert not any(kind == "topic_changed" for kind, *_ in counted(group))


@pytest.mark.parametrize(
    ("rhythm", "day", "meant"),
    [
        (EveryWeeks(first_on=date(2026, 3, 10)), 0.3, date(2026, 3, 10)),
        (EveryWeeks(first_on=date(2026, 3, 10)), 27.0, date(2026, 3, 10)),
        (EveryWeeks(first_on=date(2026, 3, 10)), 28.0, date(2026, 4, 7)),
        (EveryMonth(first_on=date(2026, 1, 1)), 0.0, date(2026, 2, 28)),  # until the 10th: the month before
        (
            EveryMonth(first_on=date(2026, 1, 1)),
            1.0,
            date(2026, 3, 11),
        ),  # then this month, on the day it is told
    ],
)
def test_without_a_day_the_last_expected_meeting_is_meant(
    here: Here, rhythm: EveryWeeks | EveryMonth, day: float, meant: date
) -> None:
    seated(here, "g")
    revise(here, Group(id="g", site="here", rhythm=rhythm))
    assert tell(here, "1 | 1 3", day).meeting == meant
    assert tell(here, "1 | 1 3", day + 0.01).meeting == meant


def test_a_month_that_was_told_keeps_its_day_when_it_is_told_again(here: Here) -> None:
    seated(here, "g")
    revise(here, Group(id="g", site="here", rhythm=EveryMonth(first_on=date(2026, 1, 1))))
    first = tell(here, "14/3 | 1 | 1 3", 5.0)
    assert (tell(here, "1 | 1 3 4", 9.0).meeting, first.meeting) == (date(2026, 3, 14),) * 2


def test_on_the_day_itself_it_can_be_told_before_noon(group: Here) -> None:
    assert tell(group, "1 | 1 3", 1.9).meeting == MEETING
    assert tell(group, "1 | 1 3", 2.5).status == "unchanged"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"text": "1", "held": True},
        {"text": "1", "met": [3]},
        {"held": False, "present": [1]},
        {"held": True, "met": [3], "missed": [3]},
        {"held": True, "met": [3], "goals": [{"seat": 3, "became": "missed"}]},
        {"held": True, "new_goals": [{"seat": 3, "category": "food"}] * 2},
        {"held": True, "present": [0]},
    ],
)
def test_a_month_that_contradicts_itself_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Month)


def test_where_nobody_sits_nothing_can_be_told(group: Here) -> None:
    with pytest.raises(NotFound):
        tell(group, "1", group="nowhere")
    revise(group, Group(id="empty", site="here"))
    with pytest.raises(Conflict):
        tell(group, "1", group="empty")
    with pytest.raises(Conflict):
        tell(group, "31/12/2025 | 1")
    revise(group, Group(id="talk", site="here", type="virtual"))
    with pytest.raises(Invalid):
        tell(group, "1", group="talk")


def test_several_months_are_told_at_once_and_one_mistake_harms_no_other(group: Here) -> None:
    asked = [
        Asked("g", Month(text="1 | 1")),
        Asked("nowhere", Month(text="1")),
        Asked("g", Month(text="1 | 1")),
    ]
    one, wrong, again = group.run(tell_months, asked, day=2.3)
    assert isinstance(wrong, NotFound)
    assert isinstance(one, MonthKept)
    assert isinstance(again, MonthKept)
    assert (one.status, again.status) == ("stored", "unchanged")
