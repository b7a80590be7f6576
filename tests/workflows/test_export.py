"""Sheets to download: what is in them, and that sending them back unchanged changes nothing."""

import io
from datetime import date

import msgspec
import pytest
from openpyxl import load_workbook

from engagement.errors import Invalid, NotFound
from engagement.store import setup
from engagement.strategy.setup import Group, HealthWorker, Program, Site
from engagement.workflows.column_notes import COLUMNS as NOTES
from engagement.workflows.column_notes import DATES, WORDS
from engagement.workflows.export import RegisterWanted, RosterWanted, register_sheet, roster_sheet
from engagement.workflows.import_register import import_register
from engagement.workflows.ingest import ingest
from engagement.workflows.register import COLUMNS as REGISTER
from engagement.workflows.revise import revise
from engagement.workflows.roster import COLUMNS as ROSTER
from engagement.workflows.roster import import_roster
from engagement.workflows.sheet_file import opened
from engagement.workflows.sheet_written import as_csv, as_workbook
from support.peer_groups import PLAN, moment, ms, said, seat

EVERYBODY = RosterWanted("", "")
each_form = pytest.mark.parametrize("written", [as_workbook, as_csv], ids=["xlsx", "csv"])
each_layout = pytest.mark.parametrize("layout", ["seat", "meeting"])


def register_of(month=None, layout="seat", site="", group=""):
    return RegisterWanted(site, group, month, layout)


def fill(here):
    """Three members of whom different things are known, a link of every kind, one who left."""
    here.run(revise, [HealthWorker(id="hw")])
    columns = (
        "group,member,seat,setting,group_language,catchment,group_health_worker,role,messages,chance,"
        "barrier_time,barriers_checked_on,conditions,channel,phone_kind,sex,age_band,can_read,neighbourhood"
    )
    full = "g0,m0,1,urban,te,c1,hw,adviser,yes,no,yes,2026-02-01,diabetes other,sms,basic,female,70+,no,W-1"
    seat(here, full, columns=columns)
    seat(here, "g0,m1,2", "g0,m2,3", "g1,n1,4")
    here.run(ingest, [said("left", 1, member="m2"), said("stopped_messages", 1, member="m1")], day=1)


@each_form
def test_a_roster_sent_back_unchanged_changes_nothing(here, written):
    fill(here)
    before = [here.read(setup.page, noun, "", 100) for noun in ("member", "group")]
    sheet = opened(written(here.run(roster_sheet, EVERYBODY, day=2)))
    report = here.run(import_roster, sheet, day=2)
    assert (report.lines, report.stored, report.unchanged, report.refused) == (3, 0, 3, ())
    assert report.ignored_columns == ()
    assert [here.read(setup.page, noun, "", 100) for noun in ("member", "group")] == before


def test_a_roster_says_of_everybody_seated_today_all_that_a_roster_may(here):
    fill(here)
    filled = here.run(roster_sheet, EVERYBODY, day=2)
    assert [column.name for column in filled.columns] == list(ROSTER)
    first, second, third = (dict(zip(ROSTER, row, strict=True)) for row in filled.rows)
    assert (first["member"], first["seat"], first["role"], first["joined_on"]) == (
        "m0",
        1,
        "adviser",
        moment(0).date(),
    )
    assert (first["catchment"], first["group_health_worker"], first["conditions"]) == (
        "c1",
        "hw",
        "diabetes other",
    )
    assert (first["barrier_time"], first["barrier_money"], first["can_read"]) == ("yes", None, "no")
    assert (second["member"], second["messages"]) == ("m1", "no")
    assert (third["group"], third["member"]) == ("g1", "n1")


def test_a_change_in_a_downloaded_roster_is_the_only_change(here):
    fill(here)
    text = as_csv(here.run(roster_sheet, EVERYBODY, day=2)).decode("utf-8-sig")
    changed = text.replace("n1,4,here,unknown", "n1,4,here,rural")
    assert changed != text
    report = here.run(import_roster, changed, day=2)
    assert (report.stored, report.unchanged) == (1, 2)
    group = here.read(setup.newest, "group", ["g1"])["g1"].thing
    assert group == Group(id="g1", site="here", setting="rural")


def test_a_roster_may_be_of_one_site_or_one_group(here):
    here.run(revise, [Site(id="there", title="There")])
    seat(here, "g0,m0,1,here", "g1,m1,1,there", "g2,m2,1,there", columns="group,member,seat,site")

    def members(site, group):
        return [row[1] for row in here.run(roster_sheet, RosterWanted(site, group)).rows]

    assert members("there", "") == ["m1", "m2"]
    assert members("", "g2") == ["m2"]
    assert members("here", "g2") == []
    for wanted in (RosterWanted("nowhere", ""), RosterWanted("", "g9")):
        with pytest.raises(NotFound):
            here.run(roster_sheet, wanted)


def test_a_group_that_has_ended_is_on_no_sheet(here):
    seat(here, "g0,m0,1")
    here.run(revise, [Group(id="g0", site="here", ended=True)])
    assert here.run(roster_sheet, EVERYBODY).rows == ()
    assert here.run(register_sheet, register_of()).rows == ()


def test_more_lines_than_can_come_back_are_asked_for_in_parts(here):
    for part in range(2):
        seat(here, *(f"g{part},m{part}-{n},{n}" for n in range(1, 502)))
    with pytest.raises(Invalid, match="1002 lines"):
        here.run(roster_sheet, EVERYBODY)
    assert len(here.run(roster_sheet, RosterWanted("", "g1")).rows) == 501


# --- the register -------------------------------------------------------------------------------------

SECOND_SATURDAY = {"every": "month", "week": "second", "weekday": "saturday"}
FORTNIGHT = {"every": "weeks", "weeks": 2, "first_on": "2026-03-03"}


def rhythm(here, name, how):
    here.run(revise, [msgspec.convert({"id": name, "site": "here", "rhythm": how}, Group)])


def test_a_register_has_a_line_for_each_seat_and_expected_meeting(here):
    seat(here, "g0,m0,1", "g0,m1,4", "g1,n1,2")
    rhythm(here, "g0", SECOND_SATURDAY)
    rhythm(here, "g1", FORTNIGHT)
    filled = here.run(register_sheet, register_of(date(2026, 3, 1)))
    # the second Saturday of March 2026 is the 14th; the fortnights from the 3rd are the 3rd, 17th and 31st
    assert [row[:3] for row in filled.rows] == [
        ("g0", date(2026, 3, 14), 1),
        ("g0", date(2026, 3, 14), 4),
        ("g1", date(2026, 3, 3), 2),
        ("g1", date(2026, 3, 17), 2),
        ("g1", date(2026, 3, 31), 2),
    ]
    assert {row[3:] for row in filled.rows} == {(None, None, None)}


def test_without_a_month_it_is_the_present_one_and_a_group_without_a_day_has_the_last(here):
    seat(here, "g0,m0,1")
    filled = here.run(register_sheet, register_of(layout="meeting"))
    assert filled.rows == (("g0", date(2026, 3, 31), None, None, None, None, None),)


@each_form
@each_layout
def test_a_register_sent_back_empty_says_nothing(here, written, layout):
    seat(here, "g0,m0,1", "g0,m1,4")
    content = written(here.run(register_sheet, register_of(layout=layout)))
    report = import_register(here.db, here.kept, here.id, opened(content), ms(60))
    assert (report.layout, report.signals, report.refused) == (layout, 0, ())
    assert report.unchanged == report.lines > 0


def test_a_register_filled_in_part_says_what_is_filled_in(here):
    seat(here, "g0,m0,1", "g0,m1,4")
    content = as_workbook(here.run(register_sheet, register_of()))
    book = load_workbook(io.BytesIO(content))
    book["register"]["D3"] = "हाँ"
    out = io.BytesIO()
    book.save(out)
    report = import_register(here.db, here.kept, here.id, opened(out.getvalue()), ms(60))
    assert (report.stored, report.unchanged, report.signals) == (1, 1, 2)  # the meeting, and who came


# --- the form -----------------------------------------------------------------------------------------


def book_of(here, **changes):
    here.run(revise, [msgspec.structs.replace(PLAN.program, **changes)])
    seat(here, "g0,m0,1")
    return load_workbook(io.BytesIO(as_workbook(here.run(roster_sheet, EVERYBODY))))


def test_ids_are_protected_and_everything_else_is_open_also_below(here):
    sheet = book_of(here)["roster"]
    assert sheet.protection.sheet
    assert [sheet.cell(2, place).protection.locked for place in (1, 2, 3, 4, 11)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert not sheet.column_dimensions["B"].protection.locked  # of lines yet to be added
    assert sheet.freeze_panes == "D2"


def test_choices_are_lists_to_choose_from(here):
    sheet = book_of(here, language="hi")["roster"]
    lists = {str(one.sqref).split("2:")[0]: one.formula1 for one in sheet.data_validations.dataValidation}
    at = {name: sheet.cell(1, place).column_letter for place, name in enumerate(ROSTER, start=1)}
    assert lists[at["role"]] == '"member,adviser,deputy"'
    assert lists[at["setting"]] == '"urban,rural,unknown"'
    assert lists[at["messages"]] == '"yes,no,हाँ,नहीं"'
    assert lists[at["site"]] == '"here"'
    assert at["member"] not in lists


@pytest.mark.parametrize("order", ["day_first", "month_first"])
def test_days_are_dates_shown_as_the_program_writes_them(here, order):
    cell = book_of(here, dates=order)["roster"].cell(2, 11)
    shown = {"day_first": "dd-mm-yyyy", "month_first": "mm-dd-yyyy"}[order]
    assert (cell.value.date(), cell.number_format) == (moment(0).date(), shown)


@pytest.mark.parametrize("language", [*WORDS, "ta"])
def test_every_column_is_explained_in_the_program_s_language_or_in_english(here, language):
    book = book_of(here, language=language)
    known = language if language in WORDS else "en"
    notes = book[WORDS[known].title]
    told = {row[0]: row[1] for row in notes.iter_rows(values_only=True)}
    assert {name: told[name] for name in ROSTER} == {name: NOTES[known][name] for name in ROSTER}
    assert any("draft" in str(key) or "मसौदा" in str(key) or "ముసాయిదా" in str(key) for key in told) is (
        known != "en"
    )


def test_no_language_leaves_a_column_out():
    columns = {*ROSTER, *REGISTER["seat"], *REGISTER["meeting"]}
    assert {language: set(words) for language, words in NOTES.items()} == dict.fromkeys(WORDS, columns)
    assert set(DATES) == set(WORDS)


def test_nothing_in_a_csv_can_be_taken_for_a_formula(here):
    seat(here, "g0,m0,1")
    filled = here.run(roster_sheet, EVERYBODY)
    row = ("=1+1", "+2", "-3", "@x", "plain", *filled.rows[0][5:])
    text = as_csv(filled._replace(rows=(row,))).decode("utf-8-sig")
    assert text.splitlines()[1].startswith("'=1+1,'+2,'-3,'@x,plain,")
    assert opened(text).rows[0].cells[:5] == ("=1+1", "+2", "-3", "@x", "plain")


def test_nothing_in_a_workbook_is_a_formula(here):
    seat(here, "g0,m0,1")
    filled = here.run(roster_sheet, EVERYBODY)
    content = as_workbook(filled._replace(rows=(("=1+1", *filled.rows[0][1:]),)))
    cell = load_workbook(io.BytesIO(content))["roster"]["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_program_says_how_its_dates_are_meant():
    assert Program(id="program", title="x").dates == "day_first"
