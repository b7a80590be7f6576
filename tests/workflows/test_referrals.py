"""Safety cases with their age and how they stand.

A complaint is to be answered within 72 hours, a harm within 24.
"""

import pytest

from engagement.workflows.ingest import ingest
from engagement.workflows.referrals import referrals
from support.peer_groups import moment, said, seat_members


@pytest.fixture
def seated(here):
    """m0, m1 and m2 in seats 1 to 3 of g0."""
    seat_members(here, 3)
    return here


def report(here, day, member, kind, at=None, **more):
    here.run(ingest, [said(kind, day if at is None else at, member=member, **more)], day=day)


def seen(here, day, audience="staff"):
    (found,) = here.run(referrals, [audience], day=day)
    return found


def test_a_case_tells_who_answers_how_long_it_waited_and_where_the_member_sits(seated):
    report(seated, 1, "m1", "complaint", at=0.5)
    (case,) = seen(seated, 2.5).open
    assert (case.member, case.group, case.seat, case.role) == ("m1", "g0", 2, "program lead")
    # told on day 1, so a day and a half ago, whenever it was so
    assert (case.stands, case.hours, case.allowed_hours, case.answer_by) == ("waiting", 36.0, 72, moment(4))


def test_the_overdue_come_first_then_who_waited_longest(seated):
    report(seated, 1, "m0", "complaint")
    report(seated, 2, "m1", "harm")
    report(seated, 3.5, "m2", "harm")
    found = seen(seated, 3.75)
    assert [(row.member, row.stands) for row in found.open] == [
        ("m1", "overdue"),
        ("m0", "waiting"),
        ("m2", "waiting"),
    ]
    assert (found.overdue, found.roles) == (1, (("program lead", 3),))


def test_an_answer_closes_a_case_and_tells_how_long_it_took(seated):
    report(seated, 1, "m0", "harm")
    report(seated, 3, "m0", "referral_answered", reported_by="staff")
    found = seen(seated, 4)
    (case,) = found.answered
    assert (found.open, case.stands, case.hours, case.answered_at) == ((), "answered", 48.0, moment(3))
    assert found.late == 1


def test_an_answer_of_long_ago_is_out_of_sight(seated):
    report(seated, 1, "m0", "harm")
    report(seated, 1.5, "m0", "referral_answered", reported_by="staff")
    assert len(seen(seated, 31).answered) == 1
    assert seen(seated, 32).answered == ()


def test_a_case_that_was_reported_again_waits_again(seated):
    report(seated, 1, "m0", "harm", chain="c")
    report(seated, 2, "m0", "referral_answered", chain="c", reported_by="staff")
    report(seated, 3, "m0", "harm", chain="c")
    found = seen(seated, 3.5)
    assert ([row.hours for row in found.open], found.answered) == ([12.0], ())


@pytest.mark.parametrize(("audience", "kinds"), [("health_worker", ["red_flag"]), ("adviser", [])])
def test_a_reader_sees_the_kinds_that_are_meant_for_them(seated, audience, kinds):
    report(seated, 1, "m0", "complaint")
    report(seated, 1, "m1", "red_flag")
    assert [row.kind for row in seen(seated, 2, audience).open] == kinds


def test_it_takes_as_many_statements_for_many_cases_as_for_one(seated, statements):
    def count():
        with statements() as sent:
            seen(seated, 9)
        return len(sent)

    report(seated, 1, "m0", "harm")
    few = count()
    for day in range(2, 8):
        report(seated, day, "m1", "harm")
    assert count() == few
