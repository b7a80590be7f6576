"""Decisions close, mature and are folded: what is learned, when, and in which version."""

from collections import Counter

import numpy as np
import pytest

from engagement.store import beliefs, decisions
from engagement.workflows.answer import Reply, answer
from engagement.workflows.fold import fold_program
from engagement.workflows.ingest import ingest
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.rebuild import compare
from support.peer_groups import (
    FOLDED,
    a_program,
    always,
    ask,
    came,
    decided,
    held,
    met_goal,
    ms,
    said,
    seat_members,
)

TWO_THIRDS = pytest.approx(2 / 3)


def header(folded):
    """(version, rows in, out, missing) of the one version that was folded."""
    (made,) = folded
    return made.header.version, made.header.rows_in, made.header.rows_out, made.header.rows_missing


def node(here, strategy="learned", version=10**6):
    return here.read(beliefs.read_nodes, strategy, [""], version).get("")


# --- outcomes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reports", "reward"),
    [
        ([], None),
        ([came("m0", 5)], TWO_THIRDS),
        ([came("m0", 5), met_goal("m0", 6)], 1.0),
        ([came("m0", 5, 0)], 0.0),
        ([held("g0", 5, 0)], 0.0),
        ([held("g0", 5)], None),
        ([said("left", 5, member="m0")], 0.0),
        ([said("stopped_messages", 5, member="m0"), came("m0", 6)], 0.0),
        ([came("m0", 36)], None),
        ([came("m1", 5), held("g1", 5, 0)], None),
        ([came("m0", 5, 0), came("m0", 5, 1, id="b", corrects="attendance/m0/5")], TWO_THIRDS),
        ([came("m0", 5), came("m0", 5, None, id="b", corrects="attendance/m0/5")], None),
        ([came("m0", 50), came("m0", 5, 1, id="b", corrects="attendance/m0/50")], TWO_THIRDS),
    ],
)
def test_signals_in_the_window_are_the_outcome(here, reports, reward):
    seat_members(here, 9)  # so that there is a second group
    (decision,) = decided(here, "m0")
    here.run(ingest, reports, day=60)
    here.fold(60)
    assert [row.reward for row in here.read(decisions.outcomes, [decision])[decision]] == [reward]


def test_a_decision_matures_on_the_day_its_window_ends_and_not_before(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    here.fold(34.99)
    assert decision not in here.read(decisions.outcomes, [decision])
    here.fold(35)
    assert len(here.read(decisions.outcomes, [decision])[decision]) == 1


def test_whatever_became_of_the_action_the_decision_is_learned(here):
    seat_members(here, 3)
    made = decided(here, "m0", "m1", "m2")
    replies = [(made[0], Reply("declined")), (made[1], Reply("done"))]  # and the third expires
    here.run(answer, replies, day=1)
    here.run(ingest, [came(name, 5) for name in ("m0", "m1", "m2")], day=6)
    assert header(here.fold()) == (1, 3, 0, 0)


# --- entries ----------------------------------------------------------------------------------------


def test_silence_is_an_entry_without_reward(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    assert header(here.fold()) == (1, 0, 0, 1)
    assert here.read(beliefs.entries_of_version, "learned", 1) == [beliefs.Entry(decision, 1, 1, None)]
    assert node(here) is None


def test_what_was_folded_is_not_folded_again(here):
    seat_members(here, 1)
    decided(here, "m0")
    here.fold()
    assert here.fold(FOLDED + 1) == []


def test_a_late_correction_is_one_entry_out_and_one_in(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    here.run(ingest, [came("m0", 5, 0)], day=6)
    here.fold()
    here.run(ingest, [came("m0", 5, 1, id="b", corrects="attendance/m0/5")], day=50)
    assert header(here.fold(51)) == (2, 1, 1, 0)
    assert here.read(beliefs.entries_of_version, "learned", 2) == [beliefs.Entry(decision, 2, 2, TWO_THIRDS)]


def test_a_report_taken_back_is_taken_out_and_nothing_put_in(here):
    seat_members(here, 1)
    decided(here, "m0")
    here.run(ingest, [came("m0", 5)], day=6)
    here.fold()
    here.run(ingest, [came("m0", 5, None, id="b", corrects="attendance/m0/5")], day=50)
    assert header(here.fold(51)) == (2, 0, 1, 1)
    assert np.allclose(node(here), 0, atol=1e-12)


def test_a_report_that_ends_a_silence_takes_nothing_out(here):
    seat_members(here, 1)
    decided(here, "m0")
    here.fold()
    here.run(ingest, [came("m0", 5)], day=50)
    assert header(here.fold(51)) == (2, 1, 0, 0)


def test_several_revisions_between_two_folds_are_one_correction(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    for day, reward in ((1, 0.0), (50, 1.0), (51, 0.5)):
        here.run(post_outcomes, [(decision, Posted(reward))], day=day)
        if day == 1:
            here.fold()
    assert header(here.fold(52)) == (2, 1, 1, 0)


def test_a_fold_with_nothing_to_do_writes_nothing(here, statements):
    seat_members(here, 1)
    decided(here, "m0")
    here.fold()
    with statements() as sent:
        here.fold(FOLDED + 1)
    assert [one for one in sent if not one.lstrip().startswith("SELECT")] == []


# --- beliefs ----------------------------------------------------------------------------------------


def test_the_counts_are_those_of_what_was_posted(here):
    members = seat_members(here, 8)
    rewards = dict(zip(members, (1, 0, 0.25, 1, 0, 0.5, 1, 0), strict=True))
    successes: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for one in ask(here, *members, strategy="counted"):
        here.run(post_outcomes, [(one.decision_id, Posted(rewards[one.member]))], day=1)
        successes[one.action.id] += rewards[one.member]
        failures[one.action.id] += 1 - rewards[one.member]
    here.fold()
    actions = ("none", "call", "story")
    expected = [counts[name] for counts in (successes, failures) for name in actions]
    assert node(here, "counted").tolist() == expected


def test_readers_of_an_older_version_see_what_it_believed(here):
    seat_members(here, 2)
    (first,) = decided(here, "m0", strategy="counted")
    here.run(post_outcomes, [(first, Posted(1.0))], day=1)
    here.fold()
    (second,) = decided(here, "m1", day=FOLDED, strategy="counted")
    here.run(post_outcomes, [(second, Posted(1.0))], day=FOLDED)
    here.fold(FOLDED + 40)
    assert [node(here, "counted", version).sum() for version in (1, 2)] == [1, 2]


def a_history(db, fold_days):
    """Fifteen decisions within a week, no chance in them; reports, silence, and corrections on day 40."""
    here = a_program(db, always("token", limit_minor=300))  # six tokens, then nothing
    members = seat_members(here, 15, chance="no")
    for number, member in enumerate(members):
        decided(here, member, day=number / 2)
    early = [came(name, 8 + n / 7, n % 2) for n, name in enumerate(members) if n % 5]
    here.run(ingest, [*early, *(met_goal(name, 12) for name in members[::3])], day=20)
    for day in (one for one in fold_days if one < 40):
        here.fold(day)
    corrected = [
        came(one.member, 9 + n, 1 - one.value, id=f"fix-{n}", corrects=one.id)
        for n, one in enumerate(early[::2])
    ]
    here.run(ingest, corrected, day=40)
    for day in (one for one in fold_days if one >= 40):
        here.fold(day)
    return here


def test_daily_folds_equal_one_fold_of_everything(db):
    daily = a_history(db, [*range(35, 50)])
    once = a_history(db, [50])
    assert [len(one.read(beliefs.versions, "learned")) for one in (daily, once)] == [8, 1]  # days 35 to 42
    expected = node(once)
    assert np.abs(expected).max() > 1  # there is something to compare
    np.testing.assert_allclose(node(daily), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_after_daily_folds_everything_derived_is_what_the_ledger_says(db):
    here = a_history(db, [*range(35, 50)])
    assert len(here.read(beliefs.versions, "learned")) > 5
    assert compare(here.db, here.kept, here.id) == []


def test_what_one_version_cannot_hold_goes_into_the_next_of_the_same_round(here):
    decided(here, *seat_members(here, 8))
    folded = fold_program(here.db, here.kept, here.id, "folder", ms(FOLDED), most=3)
    assert [made.header.rows_missing for made in folded] == [3, 3, 2]
