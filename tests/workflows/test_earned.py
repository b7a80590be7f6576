"""An incentive is not paid on the word of whoever earns it."""

import msgspec
import pytest

from engagement.actions.incentive import Incentive
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.errors import Conflict
from engagement.store import resources
from engagement.strategy.strategy import Strategy
from engagement.workflows.answer import Reply, Standing, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from support.peer_groups import TOKEN, came, decided, held, seat

EARNED = msgspec.structs.replace(TOKEN, earned_by=("attendance", "goal_met"))
STIPEND = Incentive(
    id="stipend",
    title="A stipend",
    level="adviser",
    cost_minor=90,
    payer="fund",
    earned_by=("meeting_held", "attendance"),
)
PRIZE = Incentive(
    id="prize", title="A prize", cost_minor=70, payer="fund", earned_by=("meeting_held", "attendance")
)


def giving(action):
    """A strategy that is sure that this helps everybody it decides for, by twenty sds and more."""
    return Strategy(
        id="giving",
        title="Gives",
        level=action.level,
        actions=(action.id,),
        posterior=PooledLinear(effect_means=(5.0,)),
        floor=0,
    )


@pytest.fixture
def offered(here):
    """Offers an incentive at the start, to the member m1, the adviser m0, or their group g0."""

    def offer(action, **who):
        seat(
            here,
            "g0,m0,1,adviser",
            "g0,m1,2,member",
            "g1,m2,1,member",
            columns="group,member,seat,role",
        )
        here.run(revise, [action, giving(action)])
        (told,) = here.run(recommend, [Ask(strategy="giving", **who)])
        assert told.action.id == action.id
        return told.decision_id

    return offer


def done(here, decision, day=2.0):
    (told,) = here.run(answer, [(decision, Reply("done"))], day=day)
    return told


def report(here, *signals, day=1.5):
    for receipt in here.run(ingest, list(signals), day=day):
        assert not isinstance(receipt, Exception), receipt


def test_what_nobody_reported_is_not_paid_and_why_is_told(here, offered):
    decision = offered(EARNED, member="m1")
    refused = done(here, decision)
    assert isinstance(refused, Conflict)
    assert "`token` is earned by attendance or goal_met" in str(refused)
    assert here.read(resources.taken_by_ledger) == {("fund", "2026-03"): 50}  # held, as before


@pytest.mark.parametrize(
    ("reporter", "paid"),
    [("self", False), ("adviser", True), ("health_worker", True), ("staff", True), ("system", True)],
)
def test_a_members_own_report_alone_does_not_pay_them(here, offered, reporter, paid):
    decision = offered(EARNED, member="m1")
    report(here, came("m1", 1, reported_by=reporter))
    assert isinstance(done(here, decision), Standing) == paid


def test_a_second_report_pays_what_the_own_one_did_not(here, offered):
    decision = offered(EARNED, member="m1")
    report(here, came("m1", 1, reported_by="self"))
    assert isinstance(done(here, decision), Conflict)
    report(here, came("m1", 1, reported_by="adviser", id="second"))
    assert done(here, decision) == Standing(decision, "done", changed=True)


@pytest.mark.parametrize(
    "signal",
    [
        came("m1", 1, 0, reported_by="staff"),  # did not come
        came("m0", 1, reported_by="staff"),  # somebody else came
        came("m1", -1, reported_by="staff"),  # before the offer
        held("g0", 1, reported_by="staff"),  # not what earns it
    ],
    ids=["absent", "another", "before", "other-kind"],
)
def test_a_report_that_does_not_say_that_it_was_earned_pays_nothing(here, offered, signal):
    decision = offered(EARNED, member="m1")
    report(here, signal)
    assert isinstance(done(here, decision), Conflict)


def test_a_report_that_was_taken_back_pays_nothing(here, offered):
    decision = offered(EARNED, member="m1")
    wrong = came("m1", 1, reported_by="adviser", id="a")
    report(here, wrong, came("m1", 1, 0, reported_by="adviser", id="b", corrects="a"))
    assert isinstance(done(here, decision), Conflict)


@pytest.mark.parametrize(
    ("signal", "paid"),
    [
        (held("g0", 1, reported_by="adviser"), False),
        (came("m1", 1, reported_by="adviser"), False),
        (came("m0", 1, reported_by="self"), False),
        (came("m1", 1, reported_by="self"), True),
        (came("m2", 1, reported_by="self"), False),  # sits elsewhere
        (held("g0", 1, reported_by="health_worker"), True),
    ],
    ids=["own-word", "of-a-member", "of-oneself", "a-members-word", "elsewhere", "from-outside"],
)
def test_an_advisers_stipend_needs_a_word_that_is_not_theirs(here, offered, signal, paid):
    decision = offered(STIPEND, member="m0")
    report(here, signal)
    assert isinstance(done(here, decision), Standing) == paid


def test_whoever_leads_the_group_needs_another_word_as_a_member_too(here, offered):
    decision = offered(EARNED, member="m0")
    report(here, came("m0", 1, reported_by="adviser"))
    assert isinstance(done(here, decision), Conflict)


def test_a_groups_prize_needs_more_than_its_advisers_word(here, offered):
    decision = offered(PRIZE, group="g0")
    report(here, held("g0", 1, reported_by="adviser"))
    assert isinstance(done(here, decision), Conflict)
    report(here, came("m1", 1, reported_by="self"))
    assert done(here, decision) == Standing(decision, "done", changed=True)


def test_a_report_from_before_the_offer_pays_nothing_beside_an_older_offer(here, offered):
    first = offered(EARNED, member="m1")
    (second,) = decided(here, "m2", day=3, strategy="giving")
    report(here, came("m2", 1, reported_by="staff"), came("m1", 1, reported_by="staff"))
    told = here.run(answer, [(first, Reply("done")), (second, Reply("done"))], day=5)
    assert [type(one) for one in told] == [Standing, Conflict]


def test_what_another_group_earned_pays_for_nothing_here(here, offered):
    own = offered(PRIZE, group="g0")
    (told,) = here.run(recommend, [Ask(strategy="giving", group="g1")])
    report(here, held("g1", 1, reported_by="staff"), came("m2", 1, reported_by="staff"))
    told = here.run(answer, [(own, Reply("done")), (told.decision_id, Reply("done"))], day=2)
    assert [type(one) for one in told] == [Conflict, Standing]


def test_what_is_not_to_be_earned_is_done_on_anybodys_word(here, offered):
    assert done(here, offered(TOKEN, member="m1")).changed


def test_other_answers_need_no_report(here, offered):
    decision = offered(EARNED, member="m1")
    (told,) = here.run(answer, [(decision, Reply("accepted"))])
    assert told.changed
