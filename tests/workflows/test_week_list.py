"""Work lists of carriers: whose things stand on them, in which order, and whether the time is enough."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from engagement.actions.action import Carrier
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.content import Content
from engagement.actions.nudge import Nudge
from engagement.errors import Mistake, NotFound
from engagement.signals.rhythm import EveryWeeks
from engagement.store.database import Database
from engagement.strategy.life import Answer
from engagement.strategy.setup import Group, HealthWorker, Leave, Member, Referral
from engagement.strategy.strategy import Fallback, Strategy
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.link import link
from engagement.workflows.plan_told import PlanSeen
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from engagement.workflows.tell import Recommendation
from engagement.workflows.week_list import WeekWanted, cuts, looked_at, silent_groups, week_lists
from engagement.workflows.week_sums import WeekList, for_phone
from support.peer_groups import PLAN, Here, a_program, held, moment, said, seat
from support.visits import MONDAY, a_planned_program, add_groups, add_worker, linking, planned

CALL = Nudge(
    id="call",
    title="The adviser calls",
    barrier="motivation",
    minutes=25,
    content=(
        Content("en", "Call them."),
        Content("hi", "उन्हें फ़ोन कीजिए।"),
        Content("te", "Come along.", audience="member"),
    ),
)
SHOWN = Nudge(id="shown", title="The app shows a story", carrier="app")
PHONED = Nudge(id="phoned", title="Staff phone", carrier="staff", minutes=30)
JOINED = ChwLinkage(id="joined", title="The health worker comes along", minutes=45)
BY_CARRIER: dict[Carrier, str] = {
    "adviser": "call", "app": "shown", "staff": "phoned", "health_worker": "joined",
}  # fmt: skip
PROGRAM = msgspec.structs.replace(PLAN.program, default_strategy=None)
ROSTER = "group,member,seat,role,chance,health_worker"


WEEKLY = Strategy(
    id="weekly", title="W", actions=("call",), cadence="week", fallback=Fallback("f", ("call",))
)


def giving(*carriers: Carrier, **program: Any) -> Any:
    """A template with a strategy a carrier, which gives that carrier's action to who declines chance."""
    strategies = tuple(
        Strategy(
            id=name, title=name, actions=(BY_CARRIER[name],), fallback=Fallback("f", (BY_CARRIER[name],))
        )
        for name in carriers
    )
    return msgspec.structs.replace(
        PLAN,
        program=msgspec.structs.replace(PROGRAM, **program),
        actions=(CALL, SHOWN, PHONED, JOINED),
        strategies=(*strategies, *PLAN.strategies[2:]),
    )


def north_and_south(db: Database, *carriers: Carrier, **program: Any) -> Here:
    """Two groups with their advisers, and for every member one thing that each of the carriers has to do."""
    here = a_program(db, giving(*(carriers or ("adviser",)), **program))
    seat(
        here,
        "north,ana,1,adviser,no,yes",
        "north,ben,2,member,no,yes",
        "north,cat,3,deputy,no,yes",
        "south,dev,1,adviser,no,yes",
        "south,eva,2,member,no,yes",
        columns=ROSTER,
    )
    return here


def give(here: Here, *members: str, by: str = "adviser", day: float = 0.0) -> list[str]:
    """Decides for these members; the ids of the decisions."""
    found = here.run(recommend, [Ask(member=name, strategy=by) for name in members], day=day)
    assert all(isinstance(one, Recommendation) for one in found), found
    return [str(one.decision_id) for one in found if isinstance(one, Recommendation)]


def reply(here: Here, decision: str, status: Answer, *, day: float = 0.5) -> None:
    [stood] = here.run(answer, [(decision, Reply(status))], day=day)
    assert not isinstance(stood, Mistake), stood


def list_of(here: Here, subject: str, *, day: float = 1.0, **wanted: Any) -> WeekList:
    """A list with the groups of which nothing is heard; a mistake fails the test."""
    [names] = here.run(looked_at, [subject], day=day)
    assert not isinstance(names, Mistake), names
    silent = [row for part in here.run(silent_groups, cuts(names), day=day) for row in part]
    wish = WeekWanted(subject, wanted.pop("audience", "staff"), silent=tuple(silent), **wanted)
    [found] = here.run(week_lists, [wish], day=day)
    assert isinstance(found, WeekList), found
    return found


def on(found: WeekList) -> list[str | None]:
    return [one.decision_id for one in found.tasks]


# --- whose things ---------------------------------------------------------------------------------


def test_an_adviser_s_list_is_that_of_her_group_and_her_deputy_has_the_same(db: Database) -> None:
    here = north_and_south(db)
    north, south = give(here, "ana", "ben"), give(here, "eva")
    assert set(on(list_of(here, "ana"))) == set(on(list_of(here, "cat"))) == set(north)
    assert on(list_of(here, "dev")) == south
    assert set(on(list_of(here, "adviser"))) == {*north, *south}


@pytest.mark.parametrize("nobody", ["ben", "nobody", "north"])
def test_who_carries_nothing_out_has_no_list(db: Database, nobody: str) -> None:
    here = north_and_south(db)
    [found] = here.run(week_lists, [WeekWanted(nobody, "staff")])
    assert isinstance(found, NotFound)
    assert f"`{nobody}`" in str(found)


def test_a_carrier_has_nothing_of_what_others_carry_out(db: Database) -> None:
    here = north_and_south(db, "adviser", "app", "staff", "health_worker")
    given: dict[Carrier, list[str]] = {name: give(here, "ben", by=name) for name in BY_CARRIER}
    assert {name: on(list_of(here, name)) for name in BY_CARRIER} == given
    assert list_of(here, "group_fund").tasks == ()


def workers(here: Here) -> None:
    """Two health workers of the area in which both groups are."""
    for name in ("asha", "bina"):
        add_worker(here, "hill", name)
    here.run(link, [linking("group", name, "catchment", "hill") for name in ("north", "south")])


def test_what_nobody_is_linked_to_stands_on_the_lists_of_the_whole_catchment(db: Database) -> None:
    here = north_and_south(db, "health_worker")
    given = give(here, "ben", by="health_worker")
    assert on(list_of(here, "health_worker")) == given
    assert list_of(here, "health_worker").tasks[0].who == ()
    workers(here)
    assert on(list_of(here, "asha")) == on(list_of(here, "bina")) == given
    assert list_of(here, "asha").tasks[0].who == ("asha", "bina")


def test_a_group_s_own_health_worker_goes_before_the_catchment_s_and_a_member_s_before_both(
    db: Database,
) -> None:
    here = north_and_south(db, "health_worker")
    workers(here)
    ben, cat, eva = give(here, "ben", "cat", "eva", by="health_worker")
    here.run(
        link,
        [
            linking("group", "north", "health_worker", "asha"),
            linking("member", "cat", "health_worker", "bina"),
        ],
    )
    assert set(on(list_of(here, "asha"))) == {ben, eva}
    assert set(on(list_of(here, "bina"))) == {cat, eva}


def test_a_link_that_has_ended_brings_nothing_to_the_list(db: Database) -> None:
    here = north_and_south(db, "health_worker")
    add_worker(here, "hill", "asha")
    here.run(link, [linking("group", "north", "health_worker", "asha")])
    give(here, "ben", by="health_worker")
    ended = linking("group", "north", "health_worker", "bina")
    here.run(revise, [HealthWorker(id="bina")])
    here.run(link, [ended._replace(link=msgspec.structs.replace(ended.link, starts_on=date(2026, 3, 10)))])
    assert list_of(here, "asha").tasks == ()
    assert len(list_of(here, "bina").tasks) == 1


def test_what_may_not_be_done_any_more_has_left_the_list(db: Database) -> None:
    here = north_and_south(db)
    ben, cat = give(here, "ben", "cat")
    here.run(ingest, [said("red_flag", 0.2, member="cat", chain="c", reported_by="self")], day=0.3)
    assert on(list_of(here, "ana")) == [ben]
    assert cat not in on(list_of(here, "adviser"))


# --- visits ---------------------------------------------------------------------------------------


def hill(db: Database, **hours: float) -> tuple[Here, PlanSeen]:
    """Three groups of one catchment, health workers with so many hours, and the plan of the week."""
    here = a_planned_program(db)
    add_groups(here, "hill", "a", "b", "c")
    for name, many in hours.items():
        add_worker(here, "hill", name, hours=many)
    return here, planned(here)[0]


def going(plan: PlanSeen) -> dict[str, str | None]:
    """Group → who goes."""
    return {row.group: row.going.worker for row in plan.units if row.going is not None}


def test_a_visit_stands_on_the_list_of_who_is_sent_and_on_no_other(db: Database) -> None:
    here, plan = hill(db, asha=0.75, bina=0.75)
    for name in ("asha", "bina"):
        found = list_of(here, name)
        [visit] = found.tasks
        assert (visit.about, visit.who, visit.minutes) == ("visit", (name,), 45)
        assert going(plan)[str(visit.group)] == name
        assert (found.minutes, found.capacity_minutes, found.period) == (45, 45, "week")


def test_a_visit_that_falls_out_goes_to_the_next_and_onto_her_list_by_name(db: Database) -> None:
    here, _ = hill(db, asha=0.75)
    [visit] = list_of(here, "asha").tasks
    reply(here, str(visit.decision_id), "not_done")
    found = list_of(here, "asha")
    [following] = found.tasks
    assert following.decision_id != visit.decision_id
    assert (following.about, following.title, following.minutes) == (
        "visit",
        "The health worker visits the group",
        45,
    )
    assert [one.decision_id for one in found.answered] == [visit.decision_id]
    reply(here, str(following.decision_id), "done")
    after = list_of(here, "asha")
    assert {one.decision_id for one in after.answered} == {visit.decision_id, following.decision_id}
    assert after.done_minutes == 45


def test_a_health_worker_s_leave_leaves_her_less_time(db: Database) -> None:
    here = north_and_south(db, "health_worker")
    add_worker(here, "hill", "asha", hours=2.0, leave=(Leave(starts_on=MONDAY, ends_on=MONDAY),))
    assert list_of(here, "asha").capacity_minutes == 96  # four of five days of 120 minutes


# --- order and time -------------------------------------------------------------------------------


def test_tasks_come_in_order_of_when_they_are_due(db: Database) -> None:
    here = north_and_south(db)
    here.run(revise, [WEEKLY])
    [month] = give(here, "ben")
    [week] = give(here, "cat", by="weekly")
    found = list_of(here, "ana", day=0.5)
    assert on(found) == [week, month]
    assert [one.due_at for one in found.tasks] == sorted(one.due_at for one in found.tasks)


def test_what_exceeds_an_adviser_s_hour_a_month_is_on_the_list_and_says_so(db: Database) -> None:
    here = north_and_south(db)
    give(here, "ana", "ben")
    here.run(revise, [msgspec.structs.replace(PROGRAM, adviser_minutes=40)])
    found = list_of(here, "ana")
    assert [one.beyond for one in found.tasks] == [False, True]
    assert (found.minutes, found.capacity_minutes, found.beyond_minutes) == (50, 40, 10)
    assert found.period == "month"


def test_what_was_done_this_month_counts_against_its_time(db: Database) -> None:
    here = north_and_south(db)
    ana, _ = give(here, "ana", "ben")
    reply(here, ana, "done")
    here.run(revise, [msgspec.structs.replace(PROGRAM, adviser_minutes=40)])
    found = list_of(here, "ana")
    assert (found.minutes, found.done_minutes, found.beyond_minutes) == (25, 25, 10)
    assert found.tasks[0].beyond


def test_what_was_done_last_month_does_not(db: Database) -> None:
    here = north_and_south(db)
    [ana] = give(here, "ana")
    reply(here, ana, "done")
    assert list_of(here, "ana", day=30).done_minutes == 0  # 9 April


def test_groups_have_each_their_own_hour_on_the_list_of_all_advisers(db: Database) -> None:
    here = north_and_south(db, adviser_minutes=25)
    give(here, "ben", "eva")
    found = list_of(here, "adviser")
    assert [one.beyond for one in found.tasks] == [False, False]
    assert (found.capacity_minutes, found.beyond_minutes) == (None, 0)


def test_staff_have_a_limit_where_the_program_sets_one(db: Database) -> None:
    here = north_and_south(db, "staff", staff_minutes=60)
    give(here, "ben", "eva", by="staff")
    assert (list_of(here, "staff").capacity_minutes, list_of(here, "staff").period) == (60, "month")
    here.run(revise, [msgspec.structs.replace(PROGRAM, staff_minutes=45)])
    assert list_of(here, "staff").beyond_minutes == 15
    here.run(revise, [PROGRAM])
    assert (list_of(here, "staff").capacity_minutes, list_of(here, "staff").beyond_minutes) == (None, 0)


def test_a_long_list_comes_in_parts_in_the_same_order(db: Database) -> None:
    here = north_and_south(db, adviser_minutes=600)
    here.run(revise, [WEEKLY])
    give(here, "ana", "ben", "cat", "dev", "eva")
    give(here, "ben", "cat", by="weekly", day=0.1)  # decided later, due sooner
    whole = on(list_of(here, "adviser"))
    parts: list[str | None] = []
    after: str | None = ""
    while after is not None:
        part = list_of(here, "adviser", after=after, limit=2)
        parts += on(part)
        after = part.next
    assert (len(parts), parts) == (7, whole)


# --- what was answered ----------------------------------------------------------------------------


def test_what_was_accepted_stays_to_be_done_and_what_was_done_is_among_the_answered(db: Database) -> None:
    here = north_and_south(db)
    ana, ben = give(here, "ana", "ben")
    reply(here, ana, "accepted")
    reply(here, ben, "done")
    found = list_of(here, "ana")
    assert [(one.decision_id, one.status) for one in found.tasks] == [(ana, "accepted")]
    assert [(one.decision_id, one.status) for one in found.answered] == [(ben, "done")]
    assert found.answered[0].answered_at == moment(0.5)


def test_what_was_answered_is_shown_for_seven_days(db: Database) -> None:
    here = north_and_south(db)
    [ana] = give(here, "ana")
    reply(here, ana, "declined", day=1)
    assert len(list_of(here, "ana", day=8).answered) == 1
    assert list_of(here, "ana", day=8.01).answered == ()


# --- who may see what -----------------------------------------------------------------------------


def test_a_list_shows_what_its_carrier_may_see_whoever_asks(db: Database) -> None:
    here = north_and_south(db)
    give(here, "ben")
    for audience in ("staff", "research"):
        [one] = list_of(here, "ana", audience=audience).tasks
        assert one.action is not None
        assert one.action.barrier is None
    assert list_of(here, "ana").audience == "adviser"


def test_a_reader_who_may_see_less_than_the_carrier_sees_less(db: Database) -> None:
    here = north_and_south(db)
    here.run(ingest, [said("red_flag", 0.2, member="ben", chain="c", reported_by="self")], day=0.3)
    assert [one.about for one in list_of(here, "staff").tasks] == ["referral"]
    assert list_of(here, "staff", audience="adviser").tasks == ()


def test_a_danger_to_health_is_on_the_list_of_the_member_s_health_worker_and_distress_on_staff_s(
    db: Database,
) -> None:
    here = north_and_south(db)
    workers(here)
    here.run(link, [linking("group", "north", "health_worker", "asha")])
    for kind, member in (("red_flag", "ben"), ("distress", "cat")):
        here.run(ingest, [said(kind, 0.2, member=member, chain=kind, reported_by="self")], day=0.3)
    [case] = list_of(here, "asha").tasks
    assert (case.about, case.case, case.group, case.seat, case.role) == (
        "referral", "red_flag", "north", 2, "health worker",
    )  # fmt: skip
    assert case.due_at == moment(1.3)
    assert not case.overdue
    assert list_of(here, "asha", day=2).tasks[0].overdue
    assert list_of(here, "bina").tasks == ()
    assert list_of(here, "ana").tasks == ()
    assert {one.case for one in list_of(here, "staff").tasks} == {"red_flag", "distress"}
    here.run(
        ingest, [said("referral_answered", 0.6, member="ben", chain="red_flag", reported_by="staff")], day=0.7
    )
    assert list_of(here, "asha").tasks == ()


def test_a_case_for_somebody_else_is_on_no_health_worker_s_list(db: Database) -> None:
    here = north_and_south(db, referrals=(Referral("red_flag", "doctor", 4),))
    here.run(ingest, [said("red_flag", 0.2, member="ben", chain="c", reported_by="self")], day=0.3)
    assert list_of(here, "health_worker").tasks == ()
    assert [one.role for one in list_of(here, "staff").tasks] == ["doctor"]


def silent(db: Database) -> Here:
    """Two groups that should meet every four weeks; of one of them nothing is heard any more."""
    here = north_and_south(db)
    rhythm = EveryWeeks(first_on=date(2026, 3, 10))
    here.run(revise, [Group(id=name, site="here", rhythm=rhythm) for name in ("north", "south")])
    here.run(ingest, [held("north", 0), held("south", 0)], day=0.1)
    here.run(ingest, [held("south", day) for day in (28.0, 56.0, 84.0)], day=85)
    return here


def test_a_group_of_which_nothing_is_heard_is_to_be_asked_after(db: Database) -> None:
    here = silent(db)
    workers(here)
    for name in ("staff", "health_worker", "asha", "ana"):
        [check] = list_of(here, name, day=120).tasks
        assert (check.about, check.group, check.since, check.decision_id) == (
            "check", "north", date(2026, 3, 10), None,
        )  # fmt: skip
    assert [one.about for one in list_of(here, "dev", day=120).tasks] == []
    found = list_of(here, "staff", day=120)
    assert (found.minutes, found.unknown_minutes) == (0, 1)
    assert found.tasks[0].due_at - moment(120) < timedelta(days=7)
    here.run(ingest, [held("north", 56)], day=121)
    assert [one.about for one in list_of(here, "staff", day=121).tasks] == []


def test_nothing_is_shown_by_the_app_to_who_reads_on_a_shared_phone(db: Database) -> None:
    here = north_and_south(db, "app")
    here.run(
        revise,
        [
            Member(
                id="eva",
                phone="shared",
                consent=msgspec.structs.replace(Member(id="x").consent, chance=False),
            )
        ],
    )
    ben, _ = give(here, "ben", "eva", by="app")
    found = list_of(here, "app")
    assert on(found) == [ben]
    assert found.withheld == 1


def test_to_a_shared_phone_goes_no_word_of_a_member_and_how_many_there_are(db: Database) -> None:
    here = silent(db)
    here.run(revise, [Member(id="ana", phone="shared")])
    ben, cat = give(here, "ben", "cat", day=120)
    reply(here, cat, "done", day=120.1)
    whole = list_of(here, "ana", day=120.2)
    assert (whole.shared_phone, len(whole.tasks), len(whole.answered)) == (True, 2, 1)
    sent = for_phone(whole)
    assert [one.about for one in sent.tasks] == ["check"]
    assert (sent.withheld, sent.minutes, sent.answered) == (1, 0, ())
    assert ben not in str(sent)
    own = list_of(here, "dev", day=120.2)
    assert for_phone(own) == own


# --- languages ------------------------------------------------------------------------------------


def words(found: WeekList) -> tuple[str | None, str | None]:
    [one] = found.tasks
    assert one.action is not None
    return one.action.language, one.action.text


def test_words_for_the_carrier_are_in_the_carrier_s_language_where_they_are_written(db: Database) -> None:
    here = north_and_south(db)
    give(here, "ben")
    assert words(list_of(here, "ana")) == ("en", "Call them.")
    here.run(revise, [Member(id="ana", language="hi")])
    assert words(list_of(here, "ana")) == ("hi", "उन्हें फ़ोन कीजिए।")
    assert words(list_of(here, "ana", language="en")) == ("en", "Call them.")
    assert list_of(here, "ana").language == "hi"


def test_words_that_are_not_written_for_the_carrier_in_it_stay_as_they_were_decided(db: Database) -> None:
    here = north_and_south(db)
    give(here, "ben")
    assert words(list_of(here, "ana", language="te")) == ("en", "Call them.")  # Telugu addresses the member
    assert words(list_of(here, "ana", language="bn")) == ("en", "Call them.")
