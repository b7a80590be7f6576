"""A roster from CSV: every good line is stored, every bad one is named with its column."""

from datetime import date

import msgspec
import pytest

from engagement.errors import Invalid
from engagement.store import links, setup
from engagement.strategy.setup import Barriers, Consent, Group, HealthWorker, Member, Site
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.roster import import_roster
from engagement.workflows.sheet import MOST_LINES
from support.peer_groups import moment, said, seat

ALL = (
    "group,member,seat,site,setting,group_language,role,language,joined_on,"
    "messages,chance,my_signals,health_worker"
)


def member_of(here, name):
    return here.read(setup.newest, "member", [name])[name].thing


def group_of(here, name):
    return here.read(setup.newest, "group", [name])[name].thing


def seat_of(here, name, day=0.0):
    return here.read(setup.memberships_on, [name], moment(day).date()).get(name)


def counts(report):
    return report.lines, report.stored, report.unchanged, len(report.refused)


def refusals(report):
    return [(flaw.line, flaw.column) for flaw in report.refused]


# --- good lines -------------------------------------------------------------------------------------


def test_a_line_with_three_columns_is_enough(here):
    assert counts(seat(here, "g0,m0,4")) == (1, 1, 0, 0)
    assert member_of(here, "m0") == Member(id="m0")
    assert group_of(here, "g0") == Group(id="g0", site="here")
    assert seat_of(here, "m0") == setup.Seated("m0", moment(0).date(), "g0", 4, "member")


def test_a_full_line_says_everything(here):
    line = "g0,m0,4,here,urban,te,adviser,hi,2026-01-31,yes,no,N,TRUE"
    assert counts(seat(here, line, columns=ALL)) == (1, 1, 0, 0)
    consent = Consent(messages=True, chance=False, my_signals=False, health_worker=True)
    assert member_of(here, "m0") == Member(id="m0", language="hi", consent=consent)
    assert group_of(here, "g0") == Group(id="g0", site="here", setting="urban", language="te")
    assert seat_of(here, "m0").role == "adviser"
    assert seat_of(here, "m0").starts_on.isoformat() == "2026-01-31"


def test_today_is_the_program_s_day(here):
    seat(here, "g0,m0,1", day=0.6)  # 26 minutes past two in the morning of the next day in Kolkata
    assert seat_of(here, "m0", 2).starts_on.isoformat() == "2026-03-11"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(here, ending):
    report = here.run(import_roster, ending.join(("group,member,seat", "g0,m0,1", "g0,m1,2", "")))
    assert counts(report) == (2, 2, 0, 0)


def test_a_byte_order_mark_and_capital_letters_in_the_head_do_not_matter(here):
    report = here.run(import_roster, "\ufeffGroup, MEMBER ,Seat\ng0,m0,1\n")
    assert counts(report) == (1, 1, 0, 0)


def test_blanks_around_a_cell_do_not_matter(here):
    seat(here, " g0 , m0 , 1 ")
    assert seat_of(here, "m0").group == "g0"


def test_unknown_columns_are_ignored_and_named(here):
    report = seat(here, "g0,m0,1,Sunita,98765", columns="group,member,seat,name,phone")
    assert counts(report) == (1, 1, 0, 0)
    assert report.ignored_columns == ("name", "phone")


def test_an_empty_roster_stores_nothing(here):
    assert counts(seat(here)) == (0, 0, 0, 0)


# --- the same again, and changes --------------------------------------------------------------------


@pytest.mark.parametrize("day", [0, 50])
def test_importing_twice_changes_nothing(here, day):
    lines = ("g0,m0,1,here,urban,te,adviser,hi,,yes,no,no,yes", "g0,m1,2,,,,,,,,,,")
    seat(here, *lines, columns=ALL)
    before = (member_of(here, "m0"), group_of(here, "g0"), seat_of(here, "m0", 60))
    assert counts(seat(here, *lines, columns=ALL, day=day)) == (2, 0, 2, 0)
    assert (member_of(here, "m0"), group_of(here, "g0"), seat_of(here, "m0", 60)) == before


def test_what_a_later_roster_leaves_open_stays_as_it_is(here):
    seat(here, "g0,m0,1,here,urban,te,adviser,hi,,yes,no,no,yes", columns=ALL)
    before = (member_of(here, "m0"), group_of(here, "g0"))
    seat(here, "g0,m0,1,adviser", columns="group,member,seat,role")
    assert (member_of(here, "m0"), group_of(here, "g0")) == before


def test_a_later_roster_leaves_alone_what_rosters_do_not_speak_of(here):
    seat(here, "g0,m0,1")
    ended = Group(id="g0", site="here", type="virtual", ended=True)
    open_to_research = Member(id="m0", consent=Consent(family=True, research=True))
    here.run(revise, [ended, open_to_research])
    seat(here, "g0,m0,1,urban,no", columns="group,member,seat,setting,chance")
    assert group_of(here, "g0") == msgspec.structs.replace(ended, setting="urban")
    assert member_of(here, "m0").consent == Consent(family=True, research=True, chance=False)


def test_who_stopped_messages_is_not_messaged_again_because_a_roster_came_in_again(here):
    seat(here, "g0,m0,1")
    here.run(ingest, [said("stopped_messages", 1, member="m0")], day=1)
    assert counts(seat(here, "g0,m0,1", day=2)) == (1, 0, 1, 0)
    report = seat(here, "g0,m0,1,yes", columns="group,member,seat,messages", day=2)
    assert refusals(report) == [(2, "messages")]
    assert not member_of(here, "m0").consent.messages


def test_a_roster_may_take_consent_to_messages_away(here):
    seat(here, "g0,m0,1")
    seat(here, "g0,m0,1,no", columns="group,member,seat,messages")
    assert not member_of(here, "m0").consent.messages


def test_who_left_is_not_seated_again_because_a_roster_came_in_again(here):
    seat(here, "g0,m0,1")
    here.run(ingest, [said("left", 5, member="m0")], day=5)
    assert refusals(seat(here, "g0,m0,1", day=10)) == [(2, "joined_on")]
    assert seat_of(here, "m0", 10).group is None


def test_who_left_may_come_back_on_a_day(here):
    seat(here, "g0,m0,1")
    here.run(ingest, [said("left", 5, member="m0")], day=5)
    seat(here, "g0,m0,1,2026-03-25", columns="group,member,seat,joined_on", day=20)
    assert [seat_of(here, "m0", day).group for day in (5, 6, 14, 15)] == ["g0", None, None, "g0"]


def test_a_member_moves_and_the_day_before_stays_as_it_was(here):
    seat(here, "g0,m0,1")
    assert counts(seat(here, "g1,m0,3", day=10)) == (1, 1, 0, 0)
    assert [seat_of(here, "m0", day).group for day in (9, 10)] == ["g0", "g1"]


def test_a_new_role_is_a_new_membership(here):
    seat(here, "g0,m0,1")
    seat(here, "g0,m0,1,adviser", columns="group,member,seat,role", day=10)
    assert [seat_of(here, "m0", day).role for day in (9, 10)] == ["member", "adviser"]


# --- bad lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (",m9,9,,,,,,,,,,", "group"),
        ("g0,,9,,,,,,,,,,", "member"),
        ("g0,m9,,,,,,,,,,,", "seat"),
        ("g 0,m9,9,,,,,,,,,,", "group"),
        ("g0,m 9,9,,,,,,,,,,", "member"),
        ("g0,m9,nine,,,,,,,,,,", "seat"),
        ("g0,m9,0,,,,,,,,,,", "seat"),
        ("g0,m9,9,elsewhere,,,,,,,,,", "site"),
        ("g0,m9,9,,suburban,,,,,,,,", "setting"),
        ("g1,m9,9,,,English,,,,,,,", "group_language"),
        ("g0,m9,9,,,,boss,,,,,,", "role"),
        ("g0,m9,9,,,,,English,,,,,", "language"),
        ("g0,m9,9,,,,,,03/31/2026,,,,", "joined_on"),
        ("g0,m9,9,,,,,,,perhaps,,,", "messages"),
        ("g0,m9,9,,,,,,,,perhaps,,", "chance"),
        ("g0,m9,9,,,,,,,,,perhaps,", "my_signals"),
        ("g0,m9,9,,,,,,,,,,perhaps", "health_worker"),
        ("g0,m9,9,,,,,,,,,,,too many", None),
        ("g0,9876543210,9,,,,,,,,,,", "member"),
        ("g0,+91 98765 43210,9,,,,,,,,,,", "member"),
        ("g0,sunita@example.org,9,,,,,,,,,,", "member"),
        ("98765-43210,m9,9,,,,,,,,,,", "group"),
        ("g0,m9,1,,,,,,,,,,", "seat"),
        ("g0,m0,9,,,,,,,,,,", "member"),
        ("g0,m9,9,,rural,,,,,,,,", "setting"),
        ("g0,m9,9,,,hi,,,,,,,", "group_language"),
    ],
)
def test_a_bad_line_is_refused_with_line_and_column_and_harms_no_other(here, line, column):
    first, last = "g0,m0,1,,urban,te,,,,,,,", "g0,m1,2,,,,,,,,,,"
    report = seat(here, first, line, last, columns=ALL)
    assert refusals(report) == [(3, column)]
    assert counts(report) == (3, 2, 0, 1)
    assert seat_of(here, "m1").seat == 2
    assert seat_of(here, "m9") is None


def test_a_seat_is_never_used_again_for_another_member(here):
    seat(here, "g0,m0,1")
    here.run(ingest, [said("left", 5, member="m0")], day=5)
    assert refusals(seat(here, "g0,m1,1", day=30)) == [(2, "seat")]


def test_a_seat_given_twice_goes_to_the_first_line(here):
    assert refusals(seat(here, "g0,m0,1", "g0,m1,1")) == [(3, "seat")]


def test_the_line_is_the_one_an_editor_shows_even_after_a_cell_of_two_lines(here):
    report = seat(here, '"g0",m0,1,"two\nlines"', "g0,m1,one,x", columns="group,member,seat,note")
    assert refusals(report) == [(4, "seat")]


def test_with_several_sites_a_line_need_not_name_that_of_a_group_which_is_known(here):
    here.run(revise, [Site(id="there", title="There")])
    seat(here, "g1,m1,1,there", "g1,m2,2,", columns="group,member,seat,site")
    report = seat(here, "g1,m3,3")
    assert (report.stored, refusals(report)) == (1, [])
    assert group_of(here, "g1").site == "there"


def test_with_several_sites_a_line_must_name_that_of_a_new_group(here):
    here.run(revise, [Site(id="there", title="There")])
    report = seat(here, "g0,m0,1,", "g1,m1,1,there", columns="group,member,seat,site")
    assert refusals(report) == [(2, "site")]
    assert group_of(here, "g1").site == "there"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "`group` is missing"),
        ("group,seat\n", "`member` is missing"),
        ("group,member,seat\ng0,m0," + "1" * 200_000, "line 2"),
        ("group,member,seat,member\ng0,m0,1,m1\n", "`member` stands twice"),
    ],
    ids=["empty", "column", "cell", "twice"],
)
def test_what_is_no_roster_at_all_is_refused_as_a_whole(here, content, words):
    with pytest.raises(Invalid, match=words):
        here.run(import_roster, content)


def test_a_roster_that_is_too_long_is_refused_as_a_whole(here):
    lines = [f"g0,m{n},1" for n in range(MOST_LINES + 1)]
    with pytest.raises(Invalid, match="send it in parts"):
        seat(here, *lines)
    assert seat_of(here, "m0") is None


# --- what a line may say of its member --------------------------------------------------------------

KNOWN = {
    "barrier_money": "yes",
    "barrier_time": "No",
    "barriers_checked_on": "2026-02-01",
    "conditions": "diabetes Hypertension",
    "channel": "voice",
    "phone_kind": "shared",
    "sex": "female",
    "age_band": "70+",
    "can_read": "no",
    "neighbourhood": "w-12",
}


def told(here, **cells):
    return seat(
        here, ",".join(["g0", "m0", "1", *cells.values()]), columns=",".join(["group,member,seat", *cells])
    )


def test_a_line_may_say_what_is_known_of_a_member(here):
    assert counts(told(here, **KNOWN)) == (1, 1, 0, 0)
    assert member_of(here, "m0") == Member(
        id="m0",
        barriers=Barriers(money="yes", time="no"),
        barriers_checked_on=date(2026, 2, 1),
        conditions=("diabetes", "hypertension"),
        channel="voice",
        phone="shared",
        sex="female",
        age_band="70+",
        can_read=False,
        neighbourhood="W-12",
    )


def test_what_is_known_of_a_member_stays_when_a_later_line_leaves_it_open(here):
    told(here, **KNOWN)
    before = member_of(here, "m0")
    assert counts(told(here, **dict.fromkeys(KNOWN, ""))) == (1, 0, 1, 0)
    told(here, barrier_money="unknown", barriers_checked_on="2027-02-01")
    assert member_of(here, "m0") == msgspec.structs.replace(
        before, barriers=Barriers(time="no"), barriers_checked_on=date(2027, 2, 1)
    )


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("barrier_money", "perhaps", "`perhaps` is none of yes, no, unknown"),
        ("barriers_checked_on", "last week", "is not a day"),
        ("conditions", "gout", "`gout` is not one of diabetes"),
        ("conditions", "diabetes diabetes", "each named once"),
        ("channel", "letter", "none of adviser"),
        ("phone_kind", "iphone", "none of none, shared"),
        ("sex", "f", "none of female"),
        ("age_band", "43", "none of 18-29"),
        ("can_read", "somewhat", "neither yes nor no"),
        ("neighbourhood", "12 Main Street", "regex"),
    ],
)
def test_a_cell_that_cannot_be_is_named_with_what_can(here, column, cell, words):
    (flaw,) = told(here, **{column: cell}).refused
    assert (flaw.column, words in flaw.problem) == (column, True)


def test_a_barrier_without_the_day_of_the_check_is_refused(here):
    (flaw,) = told(here, barrier_money="yes").refused
    assert flaw.column == "barriers_checked_on"


# --- whom a line links its group to -----------------------------------------------------------------

LINKED = "group,member,seat,catchment,group_health_worker"


def links_of(here):
    return [row[1:] for row in here.read(links.links_of, "group", ["g0"]).get("g0", [])]


def test_a_line_may_link_its_group_from_the_day_of_the_import(here):
    here.run(revise, [HealthWorker(id="w1")])
    seat(here, "g0,m0,1,hill,w1", "g0,m1,2,hill,w1", columns=LINKED)
    today = moment(0).date()
    assert links_of(here) == [("catchment", today, "hill"), ("health_worker", today, "w1")]


def test_a_link_that_holds_already_is_not_made_again(here):
    here.run(revise, [HealthWorker(id="w1")])
    seat(here, "g0,m0,1,hill,w1", columns=LINKED)
    assert counts(seat(here, "g0,m0,1,hill,w1", columns=LINKED, day=10)) == (1, 0, 1, 0)
    assert counts(seat(here, "g0,m0,1,lake,", columns=LINKED, day=20)) == (1, 1, 0, 0)
    assert [row[2] for row in links_of(here)] == ["hill", "lake", "w1"]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("g0,m1,2,,w9", "group_health_worker"),
        ("g0,m1,2,lake,", "catchment"),
        ("g0,m1,2,by the lake,", "catchment"),
    ],
)
def test_a_link_that_cannot_be_is_refused_with_its_column(here, line, column):
    report = seat(here, "g0,m0,1,hill,", line, columns=LINKED)
    assert refusals(report) == [(3, column)]
    assert [row[2] for row in links_of(here)] == ["hill"]
