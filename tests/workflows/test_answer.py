"""What became of decisions, and what that does to money."""

import pytest

from engagement.errors import Conflict, Invalid, NotFound
from engagement.store import decisions, resources
from engagement.workflows.answer import Reply, Standing, answer
from support.peer_groups import a_program, always, ask, decided, moment, ms, seat_members

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def say(here, decision, *statuses, day=1.0):
    """The standing or error after the last of these replies."""
    return here.run(answer, [(decision, Reply(status)) for status in statuses], day=day)[-1]


@pytest.fixture
def decision(here):
    seat_members(here, 1)
    return decided(here, "m0")[0]


@pytest.mark.parametrize(
    "life",
    [
        ["accepted"],
        ["declined"],
        ["replaced"],
        ["done"],
        ["not_done"],
        ["accepted", "declined"],
        ["accepted", "done"],
        ["accepted", "not_done", "done"],
    ],
)
def test_a_decision_may_live_so(here, decision, life):
    assert say(here, decision, *life) == Standing(decision, life[-1], changed=True)
    assert [step.status for step in here.read(decisions.answers, [decision])[decision]] == life


@pytest.mark.parametrize(
    "life",
    [["declined", "done"], ["replaced", "accepted"], ["done", "not_done"], ["not_done", "accepted"]],
)
def test_a_decision_may_not_live_so(here, decision, life):
    refused = say(here, decision, *life)
    assert isinstance(refused, Conflict)
    assert f"already {life[0].replace('_', ' ')}" in str(refused)
    assert len(here.read(decisions.answers, [decision])[decision]) == 1


def test_repeating_the_last_reply_changes_nothing(here, decision):
    say(here, decision, "done")
    assert say(here, decision, "done", day=2) == Standing(decision, "done", changed=False)
    assert len(here.read(decisions.answers, [decision])[decision]) == 1


def test_a_reply_repeated_within_a_batch_changes_nothing(here, decision):
    assert say(here, decision, "done", "done") == Standing(decision, "done", changed=False)


def test_an_unknown_decision_harms_no_other(here, decision):
    refused, stood = here.run(answer, [(UNKNOWN, Reply("done")), (decision, Reply("done"))])
    assert isinstance(refused, NotFound)
    assert stood.changed


def test_a_reply_from_the_future_is_refused(here, decision):
    (refused,) = here.run(answer, [(decision, Reply("done", occurred_at=moment(1)))], day=0.5)
    assert isinstance(refused, Invalid)


def test_a_reply_keeps_its_reason_and_its_time(here, decision):
    here.run(answer, [(decision, Reply("declined", "no_time", moment(0.5)))], day=1)
    assert here.read(decisions.answers, [decision])[decision] == [
        decisions.Answered("declined", "no_time", ms(0.5), ms(1))
    ]


def test_an_expired_decision_cannot_be_accepted_but_may_prove_done(here, decision):
    assert isinstance(say(here, decision, "accepted", day=30), Conflict)
    assert say(here, decision, "done", day=30) == Standing(decision, "done", changed=True)


# --- money: one token costs 50, and there is one ---------------------------------------------------


@pytest.fixture
def poor(db):
    """A program with money for one token; m0 was offered it, and m1 would be next."""
    here = a_program(db, always("token", limit_minor=50))
    seat_members(here, 2, chance="no")
    return here


def taken(here):
    """What is taken of the month in which the first decision was made, by counter and by ledger."""
    with here.db.write() as conn:
        cached = resources.lock_counters(conn, here.id, [("fund", "2026-03")])["fund", "2026-03"]
    assert cached == here.read(resources.taken_by_ledger).get(("fund", "2026-03"), 0)
    return cached


@pytest.mark.parametrize(
    ("life", "held"),
    [
        (["accepted"], 50),
        (["done"], 50),
        (["declined"], 0),
        (["replaced"], 0),
        (["not_done"], 0),
        (["accepted", "declined"], 0),
        (["not_done", "done"], 50),
    ],
)
def test_a_proposal_holds_its_money_until_it_is_clear_that_nobody_spends_it(poor, life, held):
    (decision,) = decided(poor, "m0")
    assert taken(poor) == 50
    for status in life:
        say(poor, decision, status)
    assert taken(poor) == held


def test_money_that_is_free_again_goes_to_the_next(poor):
    (decision,) = decided(poor, "m0")
    assert ask(poor, "m1", decision_point="a")[0].action.id == "none"
    say(poor, decision, "declined")
    (refused,) = decided(poor, "m1", decision_point="a")
    say(poor, refused, "done")
    assert ask(poor, "m1", decision_point="b")[0].action.id == "token"
    assert taken(poor) == 50


def test_what_was_spent_after_all_is_counted_even_beyond_the_limit(poor):
    (first,) = decided(poor, "m0")
    say(poor, first, "not_done")
    (second,) = decided(poor, "m1")
    say(poor, first, "done")
    assert taken(poor) == 100
    say(poor, second, "declined")
    assert taken(poor) == 50


def test_several_replies_in_one_batch_move_money_once(poor):
    (decision,) = decided(poor, "m0")
    say(poor, decision, "accepted", "not_done", "done")
    assert taken(poor) == 50


def test_what_expires_unanswered_frees_its_money(poor):
    (decision,) = decided(poor, "m0")
    poor.fold(21)
    assert taken(poor) == 50
    poor.fold(22)
    assert taken(poor) == 0
    (step,) = poor.read(decisions.answers, [decision])[decision]
    assert (step.status, step.occurred_at, step.recorded_at) == ("expired", ms(21.5), ms(22))


def test_what_was_accepted_and_then_forgotten_frees_its_money_too(poor):
    (decision,) = decided(poor, "m0")
    say(poor, decision, "accepted")
    poor.fold(22)
    assert taken(poor) == 0


@pytest.mark.parametrize("status", ["done", "declined"])
def test_what_was_answered_does_not_expire(poor, status):
    (decision,) = decided(poor, "m0")
    say(poor, decision, status)
    poor.fold(22)
    assert [step.status for step in poor.read(decisions.answers, [decision])[decision]] == [status]


def test_what_expired_and_proves_done_is_paid_after_all(poor):
    (decision,) = decided(poor, "m0")
    poor.fold(22)
    say(poor, decision, "done", day=30)
    assert taken(poor) == 50


def test_a_late_not_done_frees_money_before_anything_has_swept(poor):
    (decision,) = decided(poor, "m0")
    say(poor, decision, "not_done", day=30)
    assert taken(poor) == 0


def test_expiring_twice_changes_nothing(poor):
    (decision,) = decided(poor, "m0")
    poor.fold(22)
    poor.fold(23)
    assert len(poor.read(decisions.answers, [decision])[decision]) == 1
