"""A week in at most eight lines. The start is Tuesday 10 March 2026, so the week is 3 to 9 March."""

from datetime import date
from string import Formatter

import msgspec
import pytest

from engagement.errors import Forbidden
from engagement.strategy.setup import Group, Site, Switched
from engagement.workflows.answer import Reply, answer
from engagement.workflows.digest import (
    DIGEST_LANGUAGES,
    NO_GROUPS,
    DigestWanted,
    digest_words,
    digests,
    whole_digest,
)
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.switch import Throw, throw
from support.peer_groups import CALL, PLAN, a_program, always, came, decided, held, ms, said, seat_members
from support.visits import RHYTHM, a_planned_program, add_groups, add_members, add_worker, planned


def told(here, day=0.0, audience="staff", language="en"):
    with here.db.read() as conn:
        return whole_digest(conn, here.kept, here.id, audience, language, ms(day))


def line(here, of, **more):
    """The text of one line; fails where it is not there once."""
    (found,) = [row for row in told(here, **more).lines if row.of == of]
    return found.text


def here_group(name):
    """A group that is expected to meet every four weeks."""
    return Group(id=name, site="here", rhythm=RHYTHM)


def test_a_new_program_says_that_nothing_is_there_yet(here):
    found = told(here)
    assert [row.text for row in found.lines] == [
        "Peer groups: Tuesday 3 March to Monday 9 March",
        "No safety case waits for an answer.",
        "There is no group yet.",
        "Money of fund for 2026-03: 100.00 INR left of 100.00 INR.",
    ]
    assert found.text.splitlines() == [row.text for row in found.lines]


def test_silent_groups_are_to_be_asked_after(db):
    here = a_planned_program(db)
    add_groups(here, "hill", "a", "b", "c", "d")
    text = line(here, "silent", day=150)
    assert text == "Ask after a, b, c and 1 more: nothing was heard of their meetings."


def test_two_missed_in_a_row_are_to_be_called_on(db):
    here = a_planned_program(db)
    add_groups(here, "hill", "good")
    here.run(revise, [here_group("bad")])
    here.run(ingest, [held("bad", day, int(day < -50)) for day in (-70.0, -42.0, -14.0)])
    assert line(here, "dormant") == "Call on bad: two meetings in a row were missed."
    assert line(here, "groups") == "Groups: 2 – meet well 1, missed two meetings 1."


def test_a_case_past_its_time_comes_first_and_names_a_role_not_a_member(here):
    seat_members(here, 2)
    here.run(ingest, [said("harm", 1, member="m0")], day=1)
    here.run(ingest, [said("complaint", 1, member="m1")], day=1.5)
    found = told(here, day=5).lines[1]
    assert found.of == "overdue"
    assert found.asks
    assert found.text == (
        "First: safety cases past their time: 2. The oldest waits since Wednesday 11 March for: program lead."
    )


def test_a_case_that_has_time_tells_until_when(here):
    seat_members(here, 2)
    here.run(ingest, [said("complaint", 0, member="m0")], day=0)
    here.run(ingest, [said("harm", 1, member="m1")], day=1)
    text = line(here, "waiting", day=1)
    assert (
        text == "Safety cases that wait: 2. The next answer is due on Thursday 12 March, from: program lead."
    )


def test_meetings_are_counted_once_a_group_and_day_and_people_once_each(here):
    members = seat_members(here, 10)
    here.run(
        ingest,
        [
            *(came(member, 8) for member in members[:3]),
            held("g0", 8),
            held("g1", 7, 0),
            came("m0", 5, id="again"),
            came("m4", 8, 0),
            came("m5", 2),
            came("m6", 10),
        ],
        day=10,
    )
    text = line(here, "meetings", day=10)
    assert text == "In these seven days: meetings held 2, not held 1; people who came 3."


def test_a_report_that_was_taken_back_is_not_counted(here):
    seat_members(here, 1)
    first = held("g0", 2)
    here.run(ingest, [first, held("g0", 2, None, id="back", corrects=first.id)], day=3)
    assert line(here, "no_meetings", day=3) == "No meeting was reported in these seven days."


def test_a_stopped_program_says_since_when_by_whom_and_why(here):
    here.run(throw, [Throw(True, Switched(by="lead", why="A flood."))], day=-4)
    here.run(revise, [msgspec.structs.replace(PLAN.program, title="New title", stopped=True)], day=-2)
    text = told(here).lines[1].text
    assert text.startswith("Recommendations are stopped since Friday 6 March")


def test_the_next_end_is_told_when_it_is_near(here):
    seat_members(here, 1)
    here.run(revise, [Site(id="here", title="Here", ends_on=date(2026, 3, 31)), Site(id="far", title="Far")])
    assert line(here, "ends") == "At Here the program ends on Tuesday 31 March. Groups there: 1."
    assert line(here, "ended", day=22) == "At Here the program ended on Tuesday 31 March. Groups there: 1."


def test_visits_of_the_week_are_told_with_those_that_were_made(db):
    here = a_planned_program(db)
    add_groups(here, "hill", "a", "b")
    add_worker(here, "hill", "asha")
    (plan,) = planned(here)
    first = next(row.decision_id for row in plan.units if row.going is not None and row.going.worker)
    here.run(answer, [(first, Reply("done"))])
    assert line(here, "visits") == "Visits of health workers this week: 2 planned, 1 done.".replace(
        "done", "made"
    )


def test_advisers_whose_time_is_used_up_are_named_by_their_group(db):
    call = msgspec.structs.replace(CALL, minutes=60)
    here = a_program(db, msgspec.structs.replace(always("call"), actions=(call, *PLAN.actions[1:])))
    seat_members(here, 1, chance="no")
    decided(here, "m0")
    assert line(here, "minutes") == "Advisers with no time left this month: g0."


def everything(db):
    """A program of which every kind of line is true but one of each pair."""
    here = a_planned_program(db)
    add_groups(here, "hill", "a", "b")
    add_members(here, "a", "m0")
    add_worker(here, "hill", "asha")
    here.run(revise, [Site(id="here", title="Here", ends_on=date(2026, 8, 31)), here_group("bad")])
    here.run(ingest, [held("bad", day, int(day < 80)) for day in (70.0, 98.0, 126.0)], day=126)
    here.run(ingest, [said("harm", 120, member="m0"), came("m0", 147.0)], day=148)
    planned(here, day=150)
    here.run(throw, [Throw(True, Switched(by="lead", why="A flood."))], day=150)
    return here


def test_there_are_never_more_than_eight_lines_and_what_asks_for_a_person_is_among_them(db):
    here = everything(db)
    found = told(here, day=150)
    assert [row.of for row in found.lines] == [
        "title", "stopped_by", "overdue", "silent", "dormant", "ends", "groups", "meetings",
    ]  # fmt: skip


def test_no_member_is_named(db):
    assert "m0" not in told(everything(db), day=150).text


def test_a_health_worker_sees_no_money_and_only_her_kinds_of_cases(here):
    seat_members(here, 1)
    here.run(ingest, [said("complaint", 0, member="m0")], day=0)
    assert [row.of for row in told(here, audience="health_worker").lines] == [
        "title",
        "no_case",
        "groups",
        "no_meetings",
    ]


@pytest.mark.parametrize("audience", ["group", "adviser"])
def test_it_is_not_for_neighbours(here, audience):
    (found,) = here.run(digests, [DigestWanted(audience, "en", NO_GROUPS)])
    assert isinstance(found, Forbidden)


def test_it_speaks_the_programs_language_and_the_one_that_was_asked_for(db):
    program = msgspec.structs.replace(PLAN.program, language="hi")
    here = a_program(db, msgspec.structs.replace(PLAN, program=program))
    assert told(here, language=None).language == "hi"
    assert told(here, language="en").language == "en"
    assert told(here, language=None).lines[1].text == "सुरक्षा का कोई मामला जवाब के इंतज़ार में नहीं है।"


def test_every_language_has_the_same_sentences_with_the_same_gaps():
    def shape(language):
        words = digest_words(language)
        return {
            name: sorted(gap for _, gap, _, _ in Formatter().parse(text) if gap)
            for name, text in {**words.lines, **words.states, "more": words.more}.items()
        }

    first, *others = map(shape, DIGEST_LANGUAGES)
    assert others == [first]


def test_it_takes_as_many_statements_for_many_groups_as_for_one(db, statements):
    def count(groups):
        here = a_planned_program(db)
        add_groups(here, "hill", *(f"g{n}" for n in range(groups)))
        told(here)
        with statements() as sent:
            told(here)
        return len(sent)

    assert count(2) == count(20)
