"""What became of decisions, and what that does to money."""

from itertools import permutations

import pytest

from engagement.errors import Conflict, Invalid, NotFound
from engagement.store import decisions, resources
from engagement.workflows.answer import Reply, Standing, answer, expire
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


# --- replies that come late and in any order: each with the moment when it was so ------------------


def late(here, decision, *told, day=40.0):
    """The standings, or errors, after these replies, sent together in this order."""
    replies = [(decision, Reply(status, occurred_at=moment(then))) for status, then in told]
    return here.run(answer, replies, day=day)


LIFE = (("accepted", 1), ("not_done", 2), ("done", 3))


@pytest.mark.parametrize("order", list(permutations(LIFE)))
def test_replies_may_be_told_in_any_order_and_twice(here, decision, order):
    for stood in (*late(here, decision, *order), *late(here, decision, *order)):
        assert isinstance(stood, Standing), stood
    assert here.read(decisions.answers, [decision])[decision][-1].status == "done"
    assert {row.status for row in late(here, decision, *LIFE)} == {"done"}


def test_what_was_so_before_is_not_stored_once_it_is_overtaken(here, decision):
    late(here, decision, ("done", 3))
    assert late(here, decision, ("accepted", 1)) == [Standing(decision, "done", changed=False)]
    assert len(here.read(decisions.answers, [decision])[decision]) == 1


def test_what_contradicts_what_was_said_is_refused_whenever_it_was(here, decision):
    late(here, decision, ("done", 3))
    for told in (("declined", 1), ("declined", 4), ("accepted", 4)):
        (refused,) = late(here, decision, told)
        assert isinstance(refused, Conflict)


@pytest.mark.parametrize("status", ["declined", "replaced", "not_done", "done"])
def test_what_was_said_while_a_decision_was_open_counts_when_it_is_told_after_its_end(here, decision, status):
    assert late(here, decision, (status, 5)) == [Standing(decision, status, changed=True)]


def test_an_acceptance_told_after_the_end_changes_nothing_and_is_no_mistake(here, decision):
    assert late(here, decision, ("accepted", 5)) == [Standing(decision, "expired", changed=False)]
    assert here.read(decisions.answers, [decision])[decision] == []


@pytest.mark.parametrize("status", ["accepted", "declined", "replaced"])
def test_nobody_can_take_up_or_turn_down_what_had_expired_by_then(here, decision, status):
    (refused,) = late(here, decision, (status, 30))
    assert isinstance(refused, Conflict)


def test_a_reply_from_before_the_end_counts_though_the_end_was_recorded_before_it(here, decision):
    with here.db.write() as conn:
        expire(conn, here.id, [decision], ms(35))
    assert late(here, decision, ("accepted", 4)) == [Standing(decision, "expired", changed=False)]
    assert late(here, decision, ("declined", 5)) == [Standing(decision, "declined", changed=True)]
    life = here.read(decisions.answers, [decision])[decision]
    assert [step.status for step in life] == ["expired", "declined"]


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


def test_money_is_freed_once_by_what_is_told_after_the_end(poor):
    (decision,) = decided(poor, "m0")
    late(poor, decision, ("declined", 5))
    assert taken(poor) == 0
    with poor.db.write() as conn:
        expire(conn, poor.id, [decision], ms(45))
    assert taken(poor) == 0


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
