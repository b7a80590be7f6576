"""Who could lead a group, as staff read it. Everybody here is synthetic."""

from datetime import date
from typing import Any

import msgspec
import pytest

from engagement.errors import NotFound
from engagement.signals.signal import Audience
from engagement.store.database import Database
from engagement.strategy.advisers import Advisers
from engagement.strategy.screening import Screening
from engagement.strategy.setup import Barriers, Consent, Member
from engagement.workflows.adviser_candidates import AdviserCandidates, Candidate, Wanted, adviser_candidates
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.week_care import Care, cares
from support.peer_groups import PLAN, Here, a_program, came, ms, said, seat

DAY = 60.0
ROSTER = "group,member,seat,role,joined_on"
NAMES = ("ana", "ben", "cat", "dev", "eva")


@pytest.fixture
def north(db: Database) -> Here:
    """Ana leads four people. All come; ben's disease is under control, cat's is not."""
    here = a_program(db)
    lines = (
        f"north,{name},{n},{'adviser' if n == 1 else 'member'},2026-03-10" for n, name in enumerate(NAMES, 1)
    )
    seat(here, *lines, columns=ROSTER)
    visits = [came(name, day) for name in NAMES[1:4] for day in (5, 12, 19, 26)]
    clinic = [
        said("pressure_controlled", day, value, member=name, reported_by="health_worker")
        for name, value in (("ben", 1), ("cat", 0))
        for day in (10, 40)
    ]
    here.run(ingest, [*visits, *clinic], day=DAY)
    return here


def found(
    here: Here, reader: Audience = "staff", *, day: float = DAY, group: str = "north"
) -> AdviserCandidates:
    [told] = here.run(adviser_candidates, [Wanted(group, reader)], day=day)
    assert isinstance(told, AdviserCandidates), told
    return told


def of(told: AdviserCandidates, member: str) -> Candidate:
    [one] = [one for one in told.candidates if one.member == member]
    return one


def step(here: Here, member: str, word: str, *, day: float) -> None:
    here.run(ingest, [said("adviser_step", day, word, member=member)], day=day)


def test_the_one_under_control_is_asked_first_and_the_others_are_told_why_not(north: Here) -> None:
    told = found(north)
    assert [(one.member, one.seat, one.proposed) for one in told.candidates] == [
        ("ben", 2, True), ("dev", 4, True), ("eva", 5, False), ("cat", 3, False),
    ]  # fmt: skip
    assert of(told, "ben").score > of(told, "dev").score
    assert of(told, "cat").against == "Last reported as not under control"
    assert of(told, "eva").against == "Not known well enough: 0 reports so far, 4 are needed"
    assert told.sentence == "If one is needed, ask seat 2 first"
    assert (told.looks_for, told.screened, told.not_screened) == (None, 5, 0)


def test_reasons_say_what_is_known_and_what_is_missing_the_rest(north: Here) -> None:
    ben = of(found(north), "ben")
    assert ben.reasons == (
        "Under control in 2 of 2 reports, where 50 in 100 are usual with as much against one",
        "Came to 4 of 4 meetings",
    )
    assert "Not asked whether they would lead the group" in ben.missing
    assert "Not known to have been trained" in ben.missing
    assert ben.reports == 6
    assert ben.sentence.endswith("from 6 reports")


def test_what_somebody_has_against_them_is_named_to_staff(north: Here) -> None:
    against = Barriers(money="yes", time="no")
    person = {"conditions": ("diabetes", "hypertension"), "barriers_checked_on": date(2026, 3, 10)}
    north.run(revise, [Member(id="ben", barriers=against, **person)])
    ben = of(found(north), "ben")
    assert ben.reasons[-1] == (
        "All this though the person has 2 conditions and named money as what keeps them away"
    )


def answered(here: Here, member: str, question: str, value: int, *, day: float = 50.0) -> None:
    told = said(
        "screening_answer", day, value, member=member, chain=question, id=f"{member}/{question}/{day}"
    )
    here.run(ingest, [told], day=DAY)


def test_who_has_said_no_is_not_asked_again_until_they_say_yes(north: Here) -> None:
    answered(north, "ben", "willing", 0)
    ben = of(found(north), "ben")
    assert (ben.proposed, ben.against) == (False, "Has said no when asked")
    answered(north, "ben", "willing", 1, day=55.0)
    assert "Would lead the group" in of(found(north), "ben").reasons


def test_questions_have_the_names_that_the_program_gave_them(north: Here) -> None:
    rules = Advisers(screening=Screening(willing=("q7",)))
    north.run(revise, [msgspec.structs.replace(PLAN.program, advisers=rules)])
    answered(north, "ben", "willing", 0)
    assert of(found(north), "ben").proposed
    answered(north, "ben", "q7", 0)
    assert not of(found(north), "ben").proposed


def test_neighbours_are_those_of_the_same_code(north: Here) -> None:
    for name, place in (("ben", "W1"), ("cat", "W1"), ("dev", "W2")):
        north.run(revise, [Member(id=name, neighbourhood=place)])
    told = found(north)
    assert "Lives near 1 of 2 others, as far as is known" in of(told, "ben").reasons
    assert "Lives near 0 of 2 others, as far as is known" in of(told, "dev").reasons
    assert "Not known whether they live near the others" in of(told, "eva").missing


def test_who_does_not_agree_is_not_screened_and_counted(north: Here) -> None:
    north.run(revise, [Member(id="ben", consent=Consent(my_signals=False))])
    told = found(north)
    assert "ben" not in [one.member for one in told.candidates]
    assert (told.screened, told.not_screened) == (4, 1)


@pytest.mark.parametrize("role", ["member", "deputy"])
def test_who_withdrew_the_consent_to_messages_is_not_to_be_asked(north: Here, role: str) -> None:
    seat(north, f"north,ben,2,{role},2026-03-20", columns=ROSTER, day=20)
    north.run(revise, [Member(id="ben", consent=Consent(messages=False))])
    step(north, "ana", "tired", day=DAY)
    told = found(north)
    ben = of(told, "ben")
    assert (ben.role, ben.proposed) == (role, False)
    assert ben.against == "Has withdrawn the consent to messages: not to be asked"
    assert told.sentence.endswith("Ask seat 4 first")
    assert [one.member for one in seen_to(north)] == ["dev"]


def test_of_who_is_not_safe_now_it_says_no_more_than_that(north: Here) -> None:
    north.run(ingest, [said("harm", DAY, member="ben")], day=DAY)
    ben = of(found(north), "ben")
    assert (ben.proposed, ben.against) == (False, "Not now")


@pytest.mark.parametrize("reader", ["group", "adviser", "health_worker"])
def test_who_may_not_see_the_path_sees_who_leads_and_nothing_more(north: Here, reader: Audience) -> None:
    step(north, "ana", "tired", day=DAY)
    told = found(north, reader)
    assert [(one.member, one.role, one.path) for one in told.leaders] == [("ana", "adviser", None)]
    assert told.candidates == ()
    assert (told.looks_for, told.screened, told.not_screened) == (None, None, None)


def test_an_empty_group_is_told_kindly(north: Here) -> None:
    seat(north, "south,fay,1,member,2026-03-10", columns=ROSTER)
    told = found(north, group="south")
    assert told.leaders == ()
    assert told.sentence == "Nobody is known well enough yet to be asked; 4 reports of a person would do"


def test_a_group_that_is_not_there_is_not_found(north: Here) -> None:
    [told] = north.run(adviser_candidates, [Wanted("nowhere", "staff")])
    assert isinstance(told, NotFound)


# --- the path -------------------------------------------------------------------------------------


def test_the_path_has_modules_with_dates_and_the_day_of_the_refresher(north: Here) -> None:
    modules = [
        said("training_done", 1, "disease", member="ana"),
        said("training_done", 3, "own_practice", member="ana"),
    ]
    north.run(ingest, modules, day=3)
    [ana] = found(north).leaders
    assert ana.path is not None
    assert [(one.module, one.on.isoformat()) for one in ana.path.modules] == [
        ("disease", "2026-03-11"), ("own_practice", "2026-03-13"),
    ]  # fmt: skip
    assert (ana.path.refresher_due_on, ana.path.refresher_told) == (date(2027, 3, 13), False)
    north.run(ingest, [said("refresher_due", 5, 30, member="ana")], day=5)
    [ana] = found(north).leaders
    assert ana.path is not None
    told = (ana.path.refresher_due_on, ana.path.refresher_told, ana.path.refresher_overdue)
    assert told == (date(2026, 4, 14), True, True)


def test_a_deputy_is_the_first_to_be_asked_when_the_adviser_is_tired(north: Here) -> None:
    seat(north, "north,eva,5,deputy,2026-03-20", columns=ROSTER, day=20)
    step(north, "ana", "tired", day=DAY)
    told = found(north)
    assert (told.looks_for, told.candidates[0].member) == ("deputy", "eva")
    assert told.candidates[0].reasons[0] == "Is the deputy already"
    assert told.sentence == (
        "The adviser said that it is too much: a month now holds 50 in 100 of the minutes, and a "
        "deputy would help. Ask seat 5 first"
    )


def test_who_stepped_down_is_lost_and_the_group_looks_for_an_adviser(north: Here) -> None:
    step(north, "ana", "stepped_down", day=DAY)
    told = found(north)
    assert told.looks_for == "adviser"
    assert told.sentence == "The group has no adviser any more. Ask seat 2 first"


def test_an_adviser_who_left_is_lost_and_one_who_never_was_is_not(north: Here) -> None:
    assert found(north, day=0).looks_for is None
    seat(north, "south,fay,1,member,2026-03-10", columns=ROSTER)
    assert found(north, group="south").looks_for is None
    seat(north, "south,ana,9,member,2026-04-01", columns=ROSTER, day=30)
    assert found(north).looks_for == "adviser"


# --- on the work list of staff --------------------------------------------------------------------


def seen_to(here: Here, day: float = DAY) -> list[Care]:
    [part] = here.run(cares, [["north"]], day=day)
    return list(part)


def test_where_all_is_well_there_is_nothing_to_see_to(north: Here) -> None:
    assert seen_to(north) == []


def test_a_refresher_stands_on_the_list_a_month_before_its_day(north: Here) -> None:
    north.run(ingest, [said("refresher_due", 5, 90, member="ana")], day=5)
    assert seen_to(north, day=64.9) == []
    [one] = seen_to(north, day=65)
    assert (one.about, one.member, one.seat, one.due_ms) == ("refresher", "ana", 1, ms(95))


def test_a_succession_names_whom_to_ask_and_why(north: Here) -> None:
    step(north, "ana", "tired", day=DAY)
    [one] = seen_to(north)
    assert (one.about, one.looks_for, one.member, one.seat) == ("succession", "deputy", "ben", 2)
    assert one.why[0].startswith("The adviser said that it is too much")
    assert "Came to 4 of 4 meetings" in one.why


def test_who_handed_it_over_needs_no_refresher(north: Here) -> None:
    north.run(ingest, [said("refresher_due", 5, 30, member="ana")], day=5)
    step(north, "ana", "stepped_down", day=DAY)
    assert [one.about for one in seen_to(north)] == ["succession"]


def test_statements_do_not_grow_with_groups(north: Here, statements: Any) -> None:
    def sent(*groups: str) -> int:
        with statements() as found:
            north.run(cares, [list(groups)], day=DAY)
        return len(found)

    seat(north, *(f"g{n},m{n},1,adviser,2026-03-10" for n in range(12)), columns=ROSTER)
    for n in range(12):
        step(north, f"m{n}", "tired", day=DAY)
    assert sent("g0") == sent(*(f"g{n}" for n in range(12)))
