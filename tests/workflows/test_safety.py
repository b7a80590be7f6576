"""Safety: a report closes the bandit for a member at once, and an answer opens it again."""

import msgspec
import pytest

from engagement.signals.cases import KINDS
from engagement.store import decisions
from engagement.strategy.setup import REFERRALS, Consent, Member, Referral
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.safety import open_referrals
from engagement.workflows.tell import ReferralTold
from support.peer_groups import CALL, PLAN, a_program, always, ask, moment, said, seat_members


def report(here, *reports, day=1.0):
    assert {receipt.status for receipt in here.run(ingest, reports, day=day)} == {"stored"}


def about(kind, day=1.0, **more):
    return said(kind, day, member="m0", **more)


def answered(day, chain=None):
    return about("referral_answered", day, chain=chain, reported_by="staff")


def listed(here, audience="staff", day=2.0):
    (found,) = here.run(open_referrals, [audience], day=day)
    return found


@pytest.fixture
def seated(here):
    """m0 and m1 in g0."""
    seat_members(here, 2)
    return here


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_report_closes_the_bandit_on_the_very_next_call(seated, kind):
    report(seated, about(kind))
    (answer,) = ask(seated, "m0", day=1)
    assert (answer.withheld, answer.action.id, answer.decision_id) == ("referred", "none", None)
    assert seated.read(decisions.count) == 0


def test_the_answer_says_whom_to_turn_to_and_by_when_they_answer(seated):
    report(seated, about("complaint", 0.5), day=1)
    (answer,) = ask(seated, "m0", day=1)
    assert answer.referral == ReferralTold("complaint", "program lead", moment(4))  # 72 hours after day 1


def test_a_program_s_own_role_and_hours_come_first(seated):
    own = (Referral("harm", "nurse", 6),)
    seated.run(revise, [msgspec.structs.replace(PLAN.program, referrals=own)])
    report(seated, about("harm"))
    (answer,) = ask(seated, "m0", day=1)
    assert answer.referral == ReferralTold("harm", "nurse", moment(1.25))


def test_nobody_else_is_kept_waiting(seated):
    report(seated, about("distress"))
    assert [answer.withheld for answer in ask(seated, "m1", "m0", day=1)] == [None, "referred"]


def test_an_open_decision_is_withheld_and_left_to_expire(seated):
    (before,) = ask(seated, "m0")
    report(seated, about("distress"))
    assert ask(seated, "m0", day=1)[0].decision_id is None
    report(seated, answered(1.5), day=2)
    assert ask(seated, "m0", day=2) == [before]


@pytest.mark.parametrize("chain", [None, "case"])
def test_an_answer_opens_the_bandit_again(seated, chain):
    report(seated, about("harm", chain="case"), answered(1.5, chain), day=2)
    assert ask(seated, "m0", day=2)[0].decision_id is not None


def test_an_answer_to_another_case_does_not(seated):
    report(
        seated,
        about("harm", chain="case"),
        about("distress", 1.2, chain="other"),
        answered(1.5, "other"),
        day=2,
    )
    (answer,) = ask(seated, "m0", day=2)
    assert answer.referral is not None
    assert answer.referral.kind == "harm"


def test_a_report_taken_back_opens_the_bandit_again(seated):
    report(seated, about("harm", id="a"))
    report(seated, about("harm", value=None, id="b", corrects="a"))
    assert ask(seated, "m0", day=1)[0].withheld is None


def test_a_referral_comes_before_everything_else_that_withholds(seated):
    silent = Member(id="m0", consent=Consent(messages=False))
    seated.run(revise, [msgspec.structs.replace(PLAN.program, stopped=True), silent])
    report(seated, about("harm"))
    assert ask(seated, "m0", day=1)[0].withheld == "referred"


def test_whose_own_signals_may_not_choose_is_not_left_alone_either(seated):
    seated.run(revise, [Member(id="m0", consent=Consent(my_signals=False))])
    report(seated, about("harm"))
    assert ask(seated, "m0", day=1)[0].withheld == "referred"


def test_open_referrals_are_listed_who_has_waited_longest_first(seated):
    report(seated, about("harm", 1, chain="late"), day=1.5)
    report(seated, said("red_flag", 1.2, member="m1"), day=1.2)
    assert [(row.member, row.kind, row.chain) for row in listed(seated)] == [
        ("m1", "red_flag", None),
        ("m0", "harm", "late"),
    ]


@pytest.mark.parametrize(("day", "overdue"), [(1.9, False), (2.0, False), (2.1, True)])
def test_a_referral_past_its_time_is_overdue(seated, day, overdue):
    report(seated, about("harm"))
    (row,) = listed(seated, day=day)
    assert (row.answer_by, row.role, row.overdue) == (moment(2), "program lead", overdue)


def test_an_answered_referral_is_listed_no_more(seated):
    report(seated, about("harm"), answered(1.1), day=2)
    assert listed(seated) == ()


def test_who_may_not_see_a_kind_does_not_see_its_cases(seated):
    report(seated, about("harm"), about("red_flag"))
    seen = {
        audience: [row.kind for row in listed(seated, audience)] for audience in ("adviser", "health_worker")
    }
    assert seen == {"adviser": [], "health_worker": ["red_flag"]}


def test_other_programs_have_their_own(db, seated):
    report(seated, about("harm"))
    assert listed(a_program(db)) == ()


@pytest.mark.parametrize("kind", REFERRALS)
def test_every_kind_has_a_role_and_a_time_of_its_own_kind(kind):
    assert REFERRALS[kind].kind == kind


# --- the family -------------------------------------------------------------------------------------

INVITES = msgspec.structs.replace(CALL, contacts_family=True)
WITH_FAMILY = msgspec.structs.replace(always("call"), actions=(INVITES, *PLAN.actions[1:]))


def offered(here, *, family, day=2.0):
    """The action given to m0, who declines chance, and the reasons of what was refused."""
    here.run(revise, [Member(id="m0", consent=Consent(chance=False, family=family))], day=day)
    (answer,) = ask(here, "m0", day=day)
    return answer.action.id, [refusal.reason for refusal in answer.unavailable]


def test_the_family_is_contacted_only_with_consent(db):
    here = a_program(db, WITH_FAMILY)
    seat_members(here, 1)
    assert offered(here, family=False) == ("none", ["consent"])
    assert offered(here, family=True, day=40) == ("call", [])


def test_the_family_of_who_was_not_safe_at_home_is_never_contacted_again(db):
    here = a_program(db, WITH_FAMILY)
    seat_members(here, 1)
    report(here, about("not_safe_at_home"), answered(1.5), day=2)
    assert offered(here, family=True) == ("none", ["family_unsafe"])
    assert offered(here, family=True, day=700) == ("none", ["family_unsafe"])


# --- the number of statements -----------------------------------------------------------------------


def test_whoever_a_case_was_ever_reported_of_costs_a_batch_one_statement_together(seated, statements):
    ask(seated, "m0", "m1")
    with statements() as without:
        ask(seated, "m0", "m1", day=1)
    for name in ("m0", "m1"):
        answer = said("referral_answered", 1.5, member=name, reported_by="staff")
        report(seated, said("harm", 1, member=name), answer, day=2)
    with statements() as with_cases:
        ask(seated, "m0", "m1", day=2)
    assert len(with_cases) == len(without) + 1
