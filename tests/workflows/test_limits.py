"""Limits, tapers, prices and floors of a stored program: kept, told, and replayed.

`here` is a fresh program; the start is noon in Kolkata, so day 0.4 is 21:36 there.
"""

from datetime import date, time, timedelta

import msgspec
import numpy as np
import pytest

from engagement.actions.contacts import Contacts
from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.actions.taper import Step
from engagement.store import decisions, resources
from engagement.strategy.prices import Prices
from engagement.strategy.quiet import QuietHours
from engagement.strategy.setup import Consent, Member, Site
from engagement.strategy.strategy import Fallback, Strategy
from engagement.strategy.stratum import Stratum, StratumFloor
from engagement.workflows.answer import Reply, answer
from engagement.workflows.rebuild import compare
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from engagement.workflows.worklist import WorkWanted, work_lists
from support.peer_groups import LEARNED, PLAN, START, TOKEN, always, ask, decided, moment, seat, seat_members

NIGHT = QuietHours(starts=time(21), ends=time(8))
DAILY = Strategy(
    id="daily", title="Daily", actions=("call",), cadence="day", fallback=Fallback("call", ("call",))
)

CALLING = msgspec.structs.replace(LEARNED, fallback=Fallback("call", ("call",)))


def change(here, *things, day=0.0):
    """Revises the set-up; a refusal fails the test."""
    for stored in here.run(revise, list(things), day=day):
        assert not isinstance(stored, Exception), stored


def changed_program(**fields):
    """The program with these fields."""
    return msgspec.structs.replace(PLAN.program, **fields)


def refused(told):
    """Action → reason of an answer."""
    return {row.action: row.reason for row in told.unavailable}


# --- how often ------------------------------------------------------------------------------------


def test_a_program_turns_to_a_member_as_often_as_it_says_whatever_for(here):
    change(here, DAILY, changed_program(contacts=Contacts(weekly=2)))
    seat_members(here, 1, chance="no")
    told = [ask(here, "m0", day=day, strategy="daily")[0].action.id for day in range(8)]
    # seven days after the first call it no longer counts, and that after the second is not over yet
    assert told == ["call", "call", "none", "none", "none", "none", "none", "call"]


def test_a_member_may_want_less_than_the_program_allows(here):
    change(here, DAILY, changed_program(contacts=Contacts(weekly=2)))
    seat_members(here, 2, chance="no")
    change(here, Member(id="m0", consent=Consent(chance=False), contacts=Contacts(weekly=0)))
    one, other = ask(here, "m0", "m1", strategy="daily")
    assert (one.action.id, refused(one)) == ("none", {"call": "contacts"})
    assert other.action.id == "call"


def test_two_strategies_in_one_batch_share_a_members_contacts(here):
    change(here, DAILY, changed_program(contacts=Contacts(weekly=1)))
    seat_members(here, 1, chance="no")
    asks = [Ask(member="m0", strategy="daily"), Ask(member="m0", strategy="learned")]
    change(here, CALLING)
    one, other = here.run(recommend, asks)
    assert [one.action.id, other.action.id] == ["call", "none"]
    assert refused(other) == {"call": "contacts", "token": "contacts"}


def test_what_was_declined_is_no_contact(here):
    change(here, DAILY, changed_program(contacts=Contacts(weekly=1)))
    seat_members(here, 1, chance="no")
    (first,) = decided(here, "m0", strategy="daily")
    here.run(answer, [(first, Reply("declined"))])
    assert ask(here, "m0", day=1, strategy="daily")[0].action.id == "call"


# --- quiet hours ----------------------------------------------------------------------------------


def test_what_is_asked_at_night_is_decided_then_and_delivered_in_the_morning(here):
    change(here, changed_program(quiet_hours=NIGHT))
    seat_members(here, 1, chance="no")
    change(here, CALLING)
    (told,) = ask(here, "m0", day=0.4)
    assert told.action.id == "call"
    assert told.deliver_from == moment(20 / 24)  # 8 o'clock
    (listed,) = here.run(work_lists, [WorkWanted("open", None, None, None, "", 10, "staff")], day=0.4)
    assert listed.items[0].deliver_from == told.deliver_from


def test_what_is_asked_by_day_may_be_delivered_at_once(here):
    change(here, changed_program(quiet_hours=NIGHT))
    seat_members(here, 1, chance="no")
    change(here, CALLING)
    assert ask(here, "m0")[0].deliver_from == START


def test_where_nothing_is_offered_there_is_nothing_to_deliver(here):
    seat_members(here, 1, chance="no")
    change(here, msgspec.structs.replace(LEARNED, fallback=Fallback("nothing")))
    assert ask(here, "m0")[0].deliver_from is None


def test_an_offer_that_would_run_out_before_the_morning_is_not_made(here):
    change(here, DAILY, changed_program(quiet_hours=NIGHT))
    seat_members(here, 1, chance="no")
    (told,) = ask(here, "m0", day=0.4, strategy="daily")
    assert (told.action.id, refused(told)) == ("none", {"call": "quiet_hours"})


# --- the incentive that ends ----------------------------------------------------------------------

TAPERING = Incentive(
    id="token",
    title="A token for the way",
    level="member",
    individual=True,
    cost_minor=50,
    payer="fund",
    taper=(Step(days_before_end=60, cost_minor=20), Step(days_before_end=30, cost_minor=0)),
)
ENDS = START.date() + timedelta(days=61)


def tapering(here, ends_on=ENDS):
    """A program that gives everybody a token, less from day 1 on and none from day 31 on."""
    plan = always("token")
    change(here, *plan.budgets, TAPERING, Site(id="here", title="Here", ends_on=ends_on))
    change(here, msgspec.structs.replace(LEARNED, fallback=Fallback("token", ("token",))))
    seat_members(here, 1, chance="no")


@pytest.mark.parametrize(
    ("day", "cost", "following"),
    [(0, 50, (date(2026, 3, 11), 20)), (1, 20, (date(2026, 4, 10), 0)), (30.4, 20, (date(2026, 4, 10), 0))],
)
def test_an_answer_tells_what_an_incentive_gives_and_what_it_will(here, day, cost, following):
    tapering(here)
    (told,) = ask(here, "m0", day=day)
    assert told.action.cost_minor == cost
    assert (told.action.next_step.starts_on, told.action.next_step.cost_minor) == following


def test_the_budget_pays_what_the_step_says(here):
    tapering(here)
    ask(here, "m0", day=1)
    assert here.read(resources.taken_by_ledger) == {("fund", "2026-03"): 20}
    assert compare(here.db, here.kept, here.id) == []


def test_after_the_last_step_there_is_none(here):
    tapering(here)
    (told,) = ask(here, "m0", day=31)
    assert (told.action.id, refused(told)) == ("none", {"token": "tapered"})


def test_moving_the_programs_end_moves_the_steps_and_no_stored_answer(here):
    tapering(here)
    (before,) = ask(here, "m0", day=1)
    change(here, Site(id="here", title="Here", ends_on=ENDS + timedelta(days=100)), day=1.5)
    assert ask(here, "m0", day=2) == [before]
    seat(here, "g0,m9,9,no", columns="group,member,seat,chance")
    assert ask(here, "m9", day=2)[0].action.cost_minor == 50


# --- the time of staff ----------------------------------------------------------------------------

HOME = Nudge(id="call", title="Staff call", carrier="staff", minutes=20)


def test_all_staff_together_have_so_many_minutes_a_month(here):
    change(here, HOME, changed_program(staff_minutes=50))
    change(here, CALLING)
    members = seat_members(here, 9, chance="no")  # two groups
    told = ask(here, *members)
    assert [answer.action.id for answer in told].count("call") == 2
    assert refused(told[-1]) == {"call": "minutes"}
    assert here.read(resources.taken_by_ledger) == {("staff/", "2026-03"): 40}


def test_without_a_limit_staff_have_time(here):
    change(here, HOME)
    change(here, CALLING)
    members = seat_members(here, 9, chance="no")
    assert {answer.action.id for answer in ask(here, *members)} == {"call"}
    assert here.read(resources.taken_by_ledger) == {}


# --- prices and floors ----------------------------------------------------------------------------


def replayed(here, ids):
    """The deep replay of decisions."""
    with here.db.read() as conn:
        return list(replay_decisions(conn, here.kept, here.id, ids, deep=True))


def evidence_of(here, decision):
    with here.db.read() as conn:
        return decisions.by_id(conn, here.id, [decision])[decision].evidence


def test_a_priced_decision_is_replayed_with_its_price(here):
    prices = Prices(burden=0.25, support=0.5, support_days=100)
    change(here, Site(id="here", title="Here", ends_on=START.date() + timedelta(days=50)))
    change(here, msgspec.structs.replace(LEARNED, prices=prices))
    seat_members(here, 1)
    (made,) = decided(here, "m0")
    # nothing is learned yet: 0 less 0.25 for a burden of one, and half of 0.5 at half the way to the end
    assert np.frombuffer(evidence_of(here, made).mean) == pytest.approx([0, -0.5, -0.5])
    change(here, LEARNED)  # today's price is not the one that held
    (verdict,) = replayed(here, [made])
    assert verdict.agrees
    assert verdict.replayed.score_gap == 0


def test_a_floor_holds_for_its_stratum_and_is_replayed(here):
    floors = (StratumFloor(where=Stratum(setting="rural"), floor=0.3),)
    change(here, msgspec.structs.replace(LEARNED, floors=floors, prices=Prices(burden=1)))
    seat(here, "g0,m0,1,rural", "g1,m1,1,urban", columns="group,member,seat,setting")
    village, town = ask(here, "m0", "m1")
    assert [round(row.probability, 3) for row in village.chances] == [0.4, 0.3, 0.3]
    assert [round(row.probability, 3) for row in town.chances] == [0.96, 0.02, 0.02]
    assert "each keeps at least 30 in 100" in village.why
    change(here, LEARNED)
    assert all(verdict.agrees for verdict in replayed(here, [village.decision_id, town.decision_id]))


def test_a_decision_without_strata_keeps_no_floor_of_its_own(here):
    seat_members(here, 1)
    assert evidence_of(here, decided(here, "m0")[0]).floor is None


# --- dose and burden ------------------------------------------------------------------------------

SEES = Strategy(id="sees", title="Sees", actions=("call",), features=("dose", "dose.call", "burden"))


def test_a_belief_sees_how_much_a_unit_had_of_one_action_and_what_all_asked(here):
    heavy = msgspec.structs.replace(TOKEN, burden=3)
    change(here, heavy, SEES, DAILY, msgspec.structs.replace(LEARNED, fallback=Fallback("token", ("token",))))
    seat_members(here, 1, chance="no")
    for made in (*decided(here, "m0", strategy="daily"), *decided(here, "m0")):
        here.run(answer, [(made, Reply("done"))])
    (seen,) = decided(here, "m0", strategy="sees", day=30.44)
    # a month later 0.8 is left of a call, whose burden is 1, and of a token, whose burden is 3
    expected = [1, 1.6 / 5, 0.8 / 5, (0.8 + 2.4) / 15]
    assert np.frombuffer(evidence_of(here, seen).features) == pytest.approx(expected)


def test_what_ran_out_without_an_answer_adds_to_no_dose(here):
    change(here, SEES, DAILY)
    seat_members(here, 1, chance="no")
    decided(here, "m0", strategy="daily")
    (seen,) = decided(here, "m0", strategy="sees", day=2)
    assert np.frombuffer(evidence_of(here, seen).features).tolist() == [1, 0, 0, 0]


def test_the_dose_of_an_action_that_is_not_there_is_no_feature(here):
    (refused,) = here.run(revise, [msgspec.structs.replace(SEES, features=("dose.cal",))])
    assert "`dose.cal` is the dose of an action that is not there" in str(refused)
