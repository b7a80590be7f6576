"""A meeting register from CSV: what was written becomes signals, once; a changed line a correction."""

from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import Invalid
from engagement.store import setup, signals, units
from engagement.store.database import Database
from engagement.workflows.import_register import RegisterReport, import_register, in_words
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare
from engagement.workflows.register import MOST_CHARACTERS
from engagement.workflows.sheet import MOST_LINES
from engagement.workflows.tallies import counting
from support.peer_groups import Here, a_program, came, moment, ms, said, seat

SEATS = "group,date,seat,came,goal_set,goal"
MEETINGS = "group,date,held,came,goals_set,goals_met,goals_missed"
LATER = 60.0
"""A day on which every meeting of these tests has been: they begin at day 0, 10 March 2026."""


@pytest.fixture
def seated(here: Here) -> Here:
    """m1, m3 and m4 on seats 1, 3 and 4 of g0, n1 on seat 1 of g1."""
    seat(here, "g0,m1,1", "g0,m3,3", "g0,m4,4", "g1,n1,1")
    return here


def typed(here: Here, *lines: str, columns: str = SEATS, day: float = LATER) -> RegisterReport:
    return import_register(here.db, here.kept, here.id, "\n".join((columns, *lines)), ms(day))


def meetings(here: Here, *lines: str) -> RegisterReport:
    return typed(here, *lines, columns=MEETINGS)


def told(here: Here, group: str = "g0") -> set[tuple[str, str, str, int | None]]:
    """(day and month of UTC, unit, kind, value) of all that counts in a group."""
    rows = counting(here.read(signals.of_groups, [group]))
    return {
        (
            f"{date.fromordinal(719163 + row.occurred_at // 86_400_000):%d/%m}",
            row.unit_id,
            row.kind,
            row.value,
        )
        for row in rows
    }


def counts(report: RegisterReport) -> tuple[int, int, int, int]:
    return report.lines, report.stored, report.unchanged, len(report.refused)


def refusals(report: RegisterReport) -> list[tuple[int, str | None]]:
    return [(flaw.line, flaw.column) for flaw in report.refused]


# --- one line a seat ---------------------------------------------------------------------------------


def test_a_seat_s_line_tells_of_the_meeting_the_coming_and_the_goals(seated):
    report = typed(seated, "g0,2026-03-12,4,yes,yes,met")
    assert told(seated) == {
        ("12/03", "g0", "meeting_held", 1),
        ("12/03", "m4", "attendance", 1),
        ("12/03", "m4", "goal_set", 1),
        ("12/03", "m4", "goal_met", 1),
    }
    assert (report.layout, counts(report), report.signals) == ("seat", (1, 1, 0, 0), 4)


def test_of_seats_without_a_line_nothing_is_said(seated):
    typed(seated, "g0,2026-03-12,4,yes,,")
    assert {unit for _, unit, _, _ in told(seated)} == {"g0", "m4"}


def test_who_stayed_away_and_missed_the_goal_did_not_come_and_did_not_meet_it(seated):
    typed(seated, "g0,2026-03-12,4,no,no,missed")
    assert told(seated) == {
        ("12/03", "g0", "meeting_held", 1),
        ("12/03", "m4", "attendance", 0),
        ("12/03", "m4", "goal_met", 0),
    }


def test_a_goal_met_by_who_did_not_come_is_kept(seated):
    typed(seated, "g0,2026-03-12,4,no,,met")
    assert ("12/03", "m4", "goal_met", 1) in told(seated)


@pytest.mark.parametrize(("word", "value"), [("P", 1), ("present", 1), ("A", 0), ("Absent", 0), ("1", 1)])
def test_coming_may_be_written_as_registers_do(seated, word, value):
    typed(seated, f"g0,2026-03-12,4,{word},,")
    assert ("12/03", "m4", "attendance", value) in told(seated)


@pytest.mark.parametrize(
    ("word", "value"),
    [("yes", 1), ("other", 1), ("food", 2), ("Activity", 3), ("medicine", 4), ("doctor", 5)],
)
def test_a_goal_s_category_is_stored_and_without_one_it_is_about_something_other(seated, word, value):
    typed(seated, f"g0,2026-03-12,4,yes,{word},")
    assert {row for row in told(seated) if row[2].startswith("goal")} == {("12/03", "m4", "goal_set", value)}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("partly", "goal_partly_met"),
        ("not followed up", "goal_not_followed_up"),
        ("Not_followed  up", "goal_not_followed_up"),
        ("dropped", "goal_dropped"),
    ],
)
def test_a_goal_neither_met_nor_missed_is_a_report_of_its_own(seated, word, kind):
    typed(seated, f"g0,2026-03-12,4,yes,,{word}")
    assert {row for row in told(seated) if row[2].startswith("goal")} == {("12/03", "m4", kind, 1)}


# --- one line a meeting ------------------------------------------------------------------------------


def test_a_meeting_s_line_tells_of_everybody_seated(seated):
    report = meetings(seated, 'g0,2026-03-12,yes,1 3,"3, 4",3,1')
    assert told(seated) == {
        ("12/03", "g0", "meeting_held", 1),
        ("12/03", "m1", "attendance", 1),
        ("12/03", "m3", "attendance", 1),
        ("12/03", "m4", "attendance", 0),
        ("12/03", "m3", "goal_set", 1),
        ("12/03", "m4", "goal_set", 1),
        ("12/03", "m3", "goal_met", 1),
        ("12/03", "m1", "goal_met", 0),
    }
    assert (report.layout, counts(report), report.signals) == ("meeting", (1, 1, 0, 0), 8)


def test_an_empty_cell_says_nothing(seated):
    meetings(seated, "g0,2026-03-12,yes,,,,")
    assert told(seated) == {("12/03", "g0", "meeting_held", 1)}


@pytest.mark.parametrize("word", ["none", "Nobody", "-", "0", "०"])
def test_nobody_is_a_word_of_its_own(seated, word):
    meetings(seated, f"g0,2026-03-12,yes,{word},,,")
    assert {(unit, value) for _, unit, kind, value in told(seated) if kind == "attendance"} == {
        ("m1", 0),
        ("m3", 0),
        ("m4", 0),
    }


def test_of_a_meeting_that_was_not_held_nobody_was_absent(seated):
    meetings(seated, "g0,2026-03-12,no,,,,")
    assert told(seated) == {("12/03", "g0", "meeting_held", 0)}


def test_of_a_meeting_that_was_not_held_nobody_may_be_said_to_have_come(seated):
    assert refusals(meetings(seated, "g0,2026-03-12,no,none,,,")) == []
    assert told(seated) == {("12/03", "g0", "meeting_held", 0)}


@pytest.mark.parametrize("nobody", ["", "none"])
def test_of_a_postponed_meeting_nobody_was_absent(seated, nobody):
    report = meetings(seated, f"g0,2026-03-12,postponed,{nobody},,,")
    assert told(seated) == {("12/03", "g0", "meeting_postponed", 1)}
    assert (counts(report), report.signals) == ((1, 1, 0, 0), 1)


def test_only_who_sat_there_on_the_day_was_absent(seated):
    seat(seated, "g1,m4,4,2026-03-20", columns="group,member,seat,joined_on")
    meetings(seated, "g0,2026-03-19,yes,1,,,", "g0,2026-03-20,yes,1,,,")
    assert {(day, unit) for day, unit, _, value in told(seated) if value == 0} == {
        ("19/03", "m3"),
        ("19/03", "m4"),
        ("20/03", "m3"),
    }


def test_a_wrong_seat_is_named_and_the_rest_of_the_line_is_stored(seated):
    report = meetings(seated, "g0,2026-03-12,yes,1 3 9,x 3,3,")
    assert refusals(report) == [(2, "goals_set"), (2, "came")]
    assert counts(report) == (1, 1, 0, 2)
    assert {row for row in told(seated) if row[2] != "meeting_held"} == {
        ("12/03", "m1", "attendance", 1),
        ("12/03", "m3", "attendance", 1),
        ("12/03", "m4", "attendance", 0),
        ("12/03", "m3", "goal_set", 1),
        ("12/03", "m3", "goal_met", 1),
    }


def test_a_group_whose_only_seat_was_corrected_the_same_day_has_nobody(here):
    seat(here, "g0,m1,1")
    seat(here, "g1,m1,1")
    report = typed(here, "g0,2026-03-12,1,yes,,")
    assert [(flaw.line, flaw.column, flaw.problem) for flaw in report.refused] == [
        (2, "group", "nobody has a seat in `g0`; import its roster first")
    ]


def test_many_wrong_seats_of_a_cell_are_one_flaw_of_each_kind(seated):
    seated.run(ingest, [said("left", 1, member="m4")], day=5)
    wrong = " ".join(map(str, range(11, 24)))
    report = meetings(seated, f"g0,2026-03-12,yes,1 4 x y 3 3 {wrong},,,")
    assert [flaw.problem for flaw in report.refused] == [
        "`x`, `y` is no seat's number; who is not named stays open",
        "seat 3 stands twice",
        "`g0` has no seat 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, …; it has 1, 3, 4",
        "nobody sits on seat 4 of `g0` on 2026-03-12",
    ]


def test_of_who_has_left_a_list_says_nothing(seated):
    seated.run(ingest, [said("left", 1, member="m4")], day=5)
    meetings(seated, "g0,2026-03-12,yes,1 4,,,")
    assert {unit for _, unit, kind, _ in told(seated) if kind == "attendance"} == {"m1", "m3"}


def test_who_took_another_seat_of_the_group_is_spoken_of_there_alone(seated):
    seat(seated, "g0,m4,5,2026-03-20", columns="group,member,seat,joined_on")
    report = meetings(seated, "g0,2026-03-20,yes,1 4,,,", "g0,2026-03-21,yes,5,,,")
    assert refusals(report) == [(2, "came")]
    assert [row for row in sorted(told(seated)) if row[1] == "m4"] == [
        ("20/03", "m4", "attendance", 0),
        ("21/03", "m4", "attendance", 1),
    ]


@pytest.mark.parametrize("cell", ["9", "x", "1-4"])
def test_a_list_without_any_right_seat_makes_nobody_absent(seated, cell):
    report = meetings(seated, f"g0,2026-03-12,yes,{cell},,,")
    assert refusals(report) == [(2, "came")]
    assert told(seated) == {("12/03", "g0", "meeting_held", 1)}


def test_a_list_that_cannot_be_read_to_the_end_makes_nobody_absent(seated):
    report = meetings(seated, "g0,2026-03-12,yes,1 9 4x,,,")
    # `4x` is unreadable; that 9 is a seat of nobody's would alone have left m3 and m4 absent
    assert refusals(report) == [(2, "came"), (2, "came")]
    assert told(seated) == {("12/03", "g0", "meeting_held", 1), ("12/03", "m1", "attendance", 1)}


def test_once_the_list_is_mended_who_is_not_named_was_absent(seated):
    meetings(seated, "g0,2026-03-12,yes,1 4x,,,")
    meetings(seated, "g0,2026-03-12,yes,1 4,,,")
    assert {row[1:] for row in told(seated) if row[2] == "attendance"} == {
        ("m1", "attendance", 1),
        ("m3", "attendance", 0),
        ("m4", "attendance", 1),
    }


@pytest.mark.parametrize("lists", ["1 3 4x,", "1 3,x"])
def test_a_list_that_cannot_be_read_to_the_end_takes_back_no_goal(seated, lists):
    meetings(seated, "g0,2026-03-12,yes,,,1 4,")
    meetings(seated, f"g0,2026-03-12,yes,,,{lists}")
    assert {row[1:] for row in told(seated) if row[2] == "goal_met"} == {
        ("m1", "goal_met", 1),
        ("m3", "goal_met", 1),
        ("m4", "goal_met", 1),
    }


def test_a_seat_that_stands_twice_in_a_list_is_named_and_stored_once(seated):
    report = meetings(seated, "g0,2026-03-12,yes,1 3 3,,,")
    assert refusals(report) == [(2, "came")]
    assert ("12/03", "m3", "attendance", 1) in told(seated)


def test_of_a_goal_both_met_and_missed_nothing_is_stored(seated):
    report = meetings(seated, "g0,2026-03-12,yes,,,1 3,3")
    assert refusals(report) == [(2, "goals_missed")]
    assert {row for row in told(seated) if row[2] == "goal_met"} == {("12/03", "m1", "goal_met", 1)}


# --- how days and seats are written ------------------------------------------------------------------


@pytest.mark.parametrize(
    "day", ["2026-04-03", "2026-4-3", "03/04/2026", "3-4-2026", "03.04.2026", "०३/०४/२०२६", "౦౩-౦౪-౨౦౨౬"]
)
def test_a_day_is_read_with_the_day_first_or_as_iso_in_any_digits(seated, day):
    typed(seated, f"g0,{day},4,yes,,")
    assert ("03/04", "m4", "attendance", 1) in told(seated)


@pytest.mark.parametrize("number", ["4", "04", "४", "౪"])
def test_a_seat_is_read_in_any_digits(seated, number):
    typed(seated, f"g0,2026-03-12,{number},yes,,")
    assert ("12/03", "m4", "attendance", 1) in told(seated)


def test_a_meeting_counts_at_noon_of_the_program_s_day(seated):
    typed(seated, "g0,2026-03-12,4,yes,,")
    # noon in Kolkata is half past six in UTC, the hour at which the days of these tests begin
    assert {row.occurred_at for row in seated.read(signals.of_groups, ["g0"])} == {ms(2)}


def test_today_s_meeting_can_be_imported_from_noon_on(seated):
    assert counts(typed(seated, "g0,2026-03-12,4,yes,,", day=2)) == (1, 1, 0, 0)


# --- the same again, and changes ---------------------------------------------------------------------


FULL = 'g0,2026-03-12,yes,1 3,"3, 4",3,1'


def test_a_register_imported_twice_changes_nothing(seated):
    meetings(seated, FULL)
    before = seated.read(signals.of_groups, ["g0"])
    report = meetings(seated, FULL)
    assert (counts(report), report.signals) == ((1, 0, 1, 0), 0)
    assert seated.read(signals.of_groups, ["g0"]) == before


def test_both_layouts_tell_the_same_reports(seated):
    meetings(seated, "g0,2026-03-12,yes,3,4,3,")
    lines = ("g0,2026-03-12,1,no,,", "g0,2026-03-12,3,yes,,met", "g0,2026-03-12,4,no,yes,")
    report = typed(seated, *lines)
    assert (counts(report), report.signals) == ((3, 0, 3, 0), 0)


def test_a_changed_line_corrects_what_was_told_before(seated):
    typed(seated, "g0,2026-03-12,4,yes,yes,met")
    report = typed(seated, "g0,2026-03-12,4,no,no,missed")
    assert told(seated) == {
        ("12/03", "g0", "meeting_held", 1),
        ("12/03", "m4", "attendance", 0),
        ("12/03", "m4", "goal_met", 0),
    }
    assert (counts(report), report.signals, report.corrected) == ((1, 1, 0, 0), 3, 3)


def test_a_correction_is_named_after_what_it_corrects(seated):
    for word in ("yes", "no", "yes"):
        typed(seated, f"g0,2026-03-12,4,{word},,")
    rows = seated.read(signals.of_members, ["m4"])
    assert sorted((row.event_id, row.corrects_event) for row in rows) == [
        ("g0/2026-03-12/4/attendance", None),
        ("g0/2026-03-12/4/attendance~2", "g0/2026-03-12/4/attendance"),
        ("g0/2026-03-12/4/attendance~3", "g0/2026-03-12/4/attendance~2"),
    ]


def test_a_corrected_register_imported_again_changes_nothing(seated):
    for word in ("yes", "no", "yes", "no"):
        typed(seated, f"g0,2026-03-12,4,{word},,")
    assert typed(seated, "g0,2026-03-12,4,no,,").signals == 0


def test_a_seat_that_a_list_names_no_longer_is_taken_back(seated):
    meetings(seated, "g0,2026-03-12,yes,1 3,1 3,1 3,")
    meetings(seated, "g0,2026-03-12,yes,1,1,1,")
    assert {row for row in told(seated) if row[1] == "m3"} == {("12/03", "m3", "attendance", 0)}


def test_goals_met_and_goals_missed_are_read_together(seated):
    meetings(seated, "g0,2026-03-12,yes,,,1 3,4")
    meetings(seated, "g0,2026-03-12,yes,,,1,")
    assert {row for row in told(seated) if row[2] == "goal_met"} == {("12/03", "m1", "goal_met", 1)}


def test_a_meeting_that_was_not_held_after_all_had_nobody_absent(seated):
    meetings(seated, "g0,2026-03-12,yes,1,,,")
    meetings(seated, "g0,2026-03-12,no,,,,")
    assert told(seated) == {("12/03", "g0", "meeting_held", 0)}


def test_a_meeting_that_was_postponed_after_all_was_not_held_and_had_nobody_in_it(seated):
    meetings(seated, "g0,2026-03-12,yes,1,,,")
    meetings(seated, "g0,2026-03-12,postponed,,,,")
    assert told(seated) == {("12/03", "g0", "meeting_postponed", 1)}


@pytest.mark.parametrize(("word", "value"), [("yes", 1), ("no", 0)])
def test_a_meeting_that_was_not_postponed_after_all_is_so_no_longer(seated, word, value):
    meetings(seated, "g0,2026-03-12,postponed,,,,")
    meetings(seated, f"g0,2026-03-12,{word},,,,")
    assert told(seated) == {("12/03", "g0", "meeting_held", value)}


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        ("met", "partly", ("m4", "goal_partly_met", 1)),
        ("partly", "missed", ("m4", "goal_met", 0)),
        ("not followed up", "met", ("m4", "goal_met", 1)),
        ("missed", "dropped", ("m4", "goal_dropped", 1)),
    ],
)
def test_a_goal_that_went_otherwise_takes_back_the_one_report_and_makes_the_other(seated, before, after, row):
    typed(seated, f"g0,2026-03-12,4,yes,,{before}")
    report = typed(seated, f"g0,2026-03-12,4,yes,,{after}")
    assert {row[1:] for row in told(seated) if row[2].startswith("goal")} == {row}
    assert (report.signals, report.corrected) == (2, 1)


def test_a_goal_that_is_about_something_else_is_corrected(seated):
    typed(seated, "g0,2026-03-12,4,yes,food,")
    report = typed(seated, "g0,2026-03-12,4,yes,doctor,")
    assert {row for row in told(seated) if row[2] == "goal_set"} == {("12/03", "m4", "goal_set", 5)}
    assert (report.signals, report.corrected) == (1, 1)


@pytest.mark.parametrize("columns", [MEETINGS, "group,date,held"])
def test_what_a_later_register_leaves_open_stays_as_it_is(seated, columns):
    meetings(seated, FULL)
    before = told(seated)
    line = "g0,2026-03-12,yes" + "," * (len(columns.split(",")) - 3)
    assert typed(seated, line, columns=columns).signals == 0
    assert told(seated) == before


def test_what_somebody_corrected_meanwhile_stands_until_the_register_changes(seated):
    typed(seated, "g0,2026-03-12,4,yes,,")
    first = "g0/2026-03-12/4/attendance"
    by_staff = came("m4", 2, 0, source="staff", id="a", corrects=first, corrects_source="register")
    seated.run(ingest, [by_staff], day=LATER)
    assert typed(seated, "g0,2026-03-12,4,yes,,").signals == 0
    assert ("12/03", "m4", "attendance", 0) in told(seated)


def test_a_changed_register_corrects_the_correction_that_somebody_made_meanwhile(seated):
    typed(seated, "g0,2026-03-12,4,no,,")
    first = "g0/2026-03-12/4/attendance"
    by_staff = came("m4", 2, 0, source="staff", id="a", corrects=first, corrects_source="register")
    seated.run(ingest, [by_staff], day=LATER)
    typed(seated, "g0,2026-03-12,4,yes,,")
    assert ("12/03", "m4", "attendance", 1) in told(seated)


def test_who_turns_out_to_have_left_before_is_no_longer_absent(seated):
    meetings(seated, "g0,2026-03-12,yes,1,,,")
    seat(seated, "g1,m4,4,2026-03-11", columns="group,member,seat,joined_on")
    meetings(seated, "g0,2026-03-12,yes,1,,,")
    everything = counting(seated.read(signals.of_members, ["m4"]))
    assert everything == []


# --- bad lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        (",2026-03-12,4,yes,,", "group", "empty"),
        ("g0,,4,yes,,", "date", "empty"),
        ("g0,2026-03-12,,yes,,", "seat", "empty"),
        ("g0,2026-03-12,4,,,met", "came", "empty"),
        ("g9,2026-03-12,4,yes,,", "group", "no group `g9`"),
        ("9876543210,2026-03-12,4,yes,,", "group", "pseudonym"),
        ("empty,2026-03-12,4,yes,,", "group", "roster first"),
        ("g0,12 March,4,yes,,", "date", "`12 March` is not a day"),
        ("g0,03/31/2026,4,yes,,", "date", "day first"),
        ("g0,31/03/26,4,yes,,", "date", "31/03/2026"),
        ("g0,2026-02-30,4,yes,,", "date", "is not a day"),
        ("g0,2026-03-09,4,yes,,", "date", "before 2026-03-10"),
        ("g0,2026-05-10,4,yes,,", "date", "yet to come"),
        ("g0,2026-03-12,four,yes,,", "seat", "`four` is not a whole number"),
        ("g0,2026-03-12,-4,yes,,", "seat", "not a whole number"),
        ("g0,2026-03-12,9,yes,,", "seat", "no seat 9; it has 1, 3, 4"),
        ("g0,2026-03-12,3,yes,,", "seat", "line 2"),
        ("g0,2026-03-12,4,perhaps,,", "came", "none of yes, no, present, absent"),
        ("g0,2026-03-12,4,yes,money,", "goal_set", "food"),
        ("g0,2026-03-12,4,yes,,half", "goal", "met, missed, partly, not followed up, dropped, none"),
        ("g0,2026-03-12,4,yes,,,more", None, "more cells"),
    ],
)
def test_a_bad_seat_s_line_is_refused_with_its_column_and_harms_no_other(seated, line, column, words):
    seated.run(_a_group_without_members, None)
    report = typed(seated, "g0,2026-03-12,3,yes,,", line, "g1,2026-03-12,1,yes,,")
    assert refusals(report) == [(3, column)]
    assert words in report.refused[0].problem
    assert counts(report) == (3, 2, 0, 1)
    assert {unit for _, unit, _, _ in told(seated) | told(seated, "g1")} == {"g0", "g1", "m3", "n1"}


def _a_group_without_members(conn, _kept, program_id, _what, now_ms):
    setup.revise(conn, program_id, [setup.Group(id="empty", site="here")], now_ms)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("g0,2026-03-12,,1,,,", "held", "empty"),
        ("g0,2026-03-12,perhaps,1,,,", "held", "none of yes, no, postponed"),
        ("g0,2026-03-12,no,1,,,", "came", "not held"),
        ("g0,2026-03-12,postponed,1,,,", "came", "not held"),
        ("g0,12/3/2026,yes,1,,,", "date", "line 2"),
        ("g9,2026-03-12,yes,1,,,", "group", "no group `g9`"),
    ],
)
def test_a_bad_meeting_s_line_is_refused_with_its_column_and_harms_no_other(seated, line, column, words):
    report = meetings(seated, "g0,2026-03-12,yes,,,,", line, "g1,2026-03-12,yes,,,,")
    assert refusals(report) == [(3, column)]
    assert words in report.refused[0].problem
    assert told(seated) | told(seated, "g1") == {
        ("12/03", "g0", "meeting_held", 1),
        ("12/03", "g1", "meeting_held", 1),
    }


def test_a_seat_that_nobody_holds_any_more_is_refused(seated):
    seated.run(ingest, [said("left", 5, member="m4")], day=5)
    report = typed(seated, "g0,2026-03-15,4,yes,,", "g0,2026-03-16,4,yes,,")
    assert refusals(report) == [(3, "seat")]
    assert "nobody sits on seat 4 of `g0` on 2026-03-16" in report.refused[0].problem


def test_a_refused_line_does_not_stand_in_the_way_of_its_repetition(seated):
    report = typed(seated, "g0,2026-03-12,4,perhaps,,", "g0,2026-03-12,4,yes,,")
    assert refusals(report) == [(2, "came")]


def test_a_name_that_is_taken_by_another_report_is_told_of_the_line(seated):
    seated.run(ingest, [said("attendance", 2, 0, member="m3", id="g0/2026-03-12/4/attendance")], day=LATER)
    report = typed(seated, "g0,2026-03-12,4,yes,,")
    assert refusals(report) == [(2, None)]
    assert "same unit and kind" in report.refused[0].problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "either `seat`"),
        ("group,date\n", "either `seat`"),
        ("group,date,seat,held,came\n", "either `seat`"),
        ("group,date,seat\n", "`came` is missing"),
        ("date,held\n", "`group` is missing"),
        ("group,date,seat,came,date\n", "`date` stands twice"),
        ("group,date,held\ng0,2026-03-12," + "1" * 200_000, "line 2"),
        (" " * (MOST_CHARACTERS + 1), "at most 250,000 characters"),
    ],
    ids=[
        "empty",
        "neither",
        "both",
        "came",
        "group",
        "twice",
        "cell",
        "long",
    ],
)
def test_what_is_no_register_at_all_is_refused_as_a_whole(here, content, words):
    with pytest.raises(Invalid, match=words):
        import_register(here.db, here.kept, here.id, content, ms(LATER))


def test_a_register_of_too_many_lines_is_refused_before_anything_is_stored(seated):
    lines = ["g0,2026-03-12,4,yes,,"] * (MOST_LINES + 1)
    with pytest.raises(Invalid, match="at most 1000 lines; send it in parts"):
        typed(seated, *lines)
    assert told(seated) == set()


def test_unknown_columns_are_ignored_and_named(seated):
    report = typed(seated, "g0,2026-03-12,4,yes,Sunita", columns="group,date,seat,came,name")
    assert (counts(report), report.ignored_columns) == ((1, 1, 0, 0), ("name",))


# --- size --------------------------------------------------------------------------------------------


def days_of(count: int) -> list[str]:
    """As many lines, each a meeting of g0 at which seats 1 to 3 came."""
    return [f"g0,{moment(day):%Y-%m-%d},yes,1 2 3" for day in range(count)]


def test_one_transaction_holds_no_more_reports_than_a_cut(here, statements):
    seat(here, *(f"g0,m{n},{n}" for n in range(1, 9)))
    with statements() as sent:
        report = typed(here, *days_of(60), columns="group,date,held,came")
    assert report.signals == 60 * (1 + 8)
    # each meeting is also told as not postponed, which is no news: 600 in all, 256, 256 and 88
    assert sum(statement.startswith("INSERT INTO signals") for statement in sent) == 3


def test_a_meeting_costs_as_many_statements_as_a_cut_full_of_them(here, statements):
    seat(here, *(f"g0,m{n},{n}" for n in range(1, 9)))
    costs = []
    # eight seats, and the meeting as held and as postponed: ten a meeting of the 256 of a cut
    for meetings_before, count in ((0, 1), (1, 25)):
        with statements() as sent:
            typed(here, *days_of(29)[meetings_before:][:count], columns="group,date,held,came")
        costs.append(len(sent))
    assert costs[0] == costs[1]


def test_the_words_for_a_person_name_every_line_of_which_something_is_not_stored(seated):
    report = typed(seated, "g0,2026-03-12,4,yes,food,", "g0,2026-03-12,9,yes,,", columns=f"{SEATS},name")
    assert in_words(report).splitlines() == [
        "2 lines: 1 stored, 0 unchanged; 3 new reports, 0 of them corrections",
        "  C3, seat: `g0` has no seat 9; it has 1, 3, 4",
        "Fix this cell and send the sheet again: C3",
        "  not read, not stored: name",
    ]


# --- laws --------------------------------------------------------------------------------------------


class Sheets(NamedTuple):
    """The same register in one sheet, and as sheets in any order of lines, some of them more than once."""

    columns: str
    whole: list[str]
    parts: list[list[str]]


DAYS = ("2026-03-12", "2026-03-13", "2026-04-12", "2026-10-02")
of_seats = st.lists(st.sampled_from("134"), unique=True).map(" ".join)
a_seat_s_line = st.tuples(
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["", "yes", "no", "food"]),
    st.sampled_from(["", "met", "missed", "partly", "not followed up", "dropped", "none"]),
)
a_meeting_s_line = st.tuples(
    st.just("yes"), of_seats | st.just("none"), of_seats | st.just("none"), of_seats
) | st.tuples(st.sampled_from(["no", "postponed"]), st.just(""), of_seats, st.just("none"))


@st.composite
def sheets(draw: st.DrawFn) -> Sheets:
    if draw(st.booleans()):
        columns, places = SEATS, [f"g0,{day},{number}" for day in DAYS for number in "134"]
        cells = draw(st.lists(a_seat_s_line, min_size=len(places), max_size=len(places)))
    else:
        columns, places = "group,date,held,came,goals_set,goals_met", [f"g0,{day}" for day in DAYS]
        cells = draw(st.lists(a_meeting_s_line, min_size=len(places), max_size=len(places)))
    lines = [",".join((place, *said)) for place, said in zip(places, cells, strict=True)]
    order = draw(st.permutations(lines))
    files = draw(st.lists(st.integers(0, 2), min_size=len(lines), max_size=len(lines)))
    parts = [[line for line, file in zip(order, files, strict=True) if file == number] for number in range(3)]
    again = draw(st.lists(st.sampled_from(parts), max_size=3))
    return Sheets(columns, lines, [*parts, *again])


def tallies(here: Here) -> dict[str, bytes]:
    names = [("group", "g0"), *(("member", name) for name in ("m1", "m3", "m4"))]
    return {name: here.read(units.read_tally, kind, name) for kind, name in names}


@settings(max_examples=30)
@given(given_sheets=sheets())
def test_any_order_split_and_repetition_of_a_register_gives_the_same_tallies(
    db: Database, given_sheets: Sheets
) -> None:
    columns, whole, parts = given_sheets
    at_once, in_parts = a_program(db), a_program(db)
    for here, files in ((at_once, [whole]), (in_parts, parts)):
        seat(here, "g0,m1,1", "g0,m3,3", "g0,m4,4")
        for file in files:
            assert typed(here, *file, columns=columns, day=300).refused == ()
    assert tallies(at_once) == tallies(in_parts)


@settings(max_examples=30)
@given(pair=st.tuples(sheets(), sheets()))
def test_after_one_register_and_another_the_other_tells_nothing_new_and_the_tallies_agree(
    db: Database, pair: tuple[Sheets, Sheets]
) -> None:
    here = a_program(db)
    seat(here, "g0,m1,1", "g0,m3,3", "g0,m4,4")
    for sheet in pair:
        typed(here, *sheet.whole, columns=sheet.columns, day=300)
    assert typed(here, *pair[1].whole, columns=pair[1].columns, day=300).signals == 0
    assert compare(db, here.kept, here.id) == []
