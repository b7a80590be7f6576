"""Decisions, what became of them, what they hold and what they earned."""

import pytest
from sqlalchemy.exc import IntegrityError

from engagement.signals import safety
from engagement.signals.catalogue import CATALOGUE
from engagement.store import decisions, keys, resources, signals
from engagement.store.decisions import Answered, OutcomeRow
from engagement.store.resources import Reservation
from engagement.store.units import Unit
from engagement.strategy.purse import Resource

MEMBER = Unit("member", "m")


@pytest.fixture
def conn(database, program):  # noqa: ARG001  the program is there before the transaction begins
    with database.write() as opened:
        yield opened


@pytest.fixture
def kept(conn, program, decision):
    """Stores a decision and returns it."""

    def store(moment=1_000, **fields):
        made = decision(moment, **fields)
        decisions.insert_decisions(conn, program, [made])
        return made

    return store


def answered(conn, program, made, *statuses):
    steps = [
        (made.decision_id, number, Answered(status, None, 5, 6))
        for number, status in enumerate(statuses, start=1)
    ]
    decisions.insert_answers(conn, program, steps)


def earned(conn, program, made, *rewards):
    rows = [
        (made.strategy_id, OutcomeRow(made.decision_id, number, reward, "signals", 0))
        for number, reward in enumerate(rewards, start=1)
    ]
    decisions.insert_outcomes(conn, program, rows)


def test_a_decision_comes_back_with_its_evidence(conn, program, kept):
    made = kept(fallback="chance_declined", randomised=False, probability=2**32)
    assert decisions.by_id(conn, program, [made.decision_id]) == {made.decision_id: made}


def test_another_programs_decision_is_unknown(conn, program, kept, other_program):
    made = kept()
    assert decisions.by_id(conn, other_program, [made.decision_id]) == {}
    assert (decisions.count(conn, program), decisions.count(conn, other_program)) == (1, 0)


def test_a_decision_point_is_decided_once(conn, kept):
    kept(1_000, decision_point="p")
    with pytest.raises(IntegrityError), conn.begin_nested():
        kept(2_000, decision_point="p")


@pytest.mark.parametrize("other", [{"strategy_id": "t"}, {"unit_id": "n"}, {"unit_kind": "group"}], ids=str)
def test_the_same_point_of_another_unit_or_strategy_is_another(conn, program, kept, other):
    kept(decision_point="p")
    kept(decision_point="p", **other)
    assert decisions.count(conn, program) == 2


def test_existing_decisions_are_found_by_id_and_by_point_each_once(conn, program, kept):
    by_id, by_point, by_both, _ = (kept(moment) for moment in (1_000, 2_000, 3_000, 4_000))
    found = decisions.existing(
        conn,
        program,
        [by_id.decision_id, by_both.decision_id],
        ["m"],
        ["s member m p2000", "s member m p3000", "s member m p9"],
    )
    assert sorted(found) == sorted([by_id, by_point, by_both])


def test_nothing_asked_for_is_nothing_found(conn, program, kept):
    kept()
    assert decisions.existing(conn, program, [], [], []) == []


def test_recent_decisions_come_oldest_first_with_their_answers_in_order(conn, program, kept):
    later, earlier = kept(2_000), kept(1_000)
    answered(conn, program, earlier, "accepted", "not_done", "done")
    found = decisions.recent(conn, program, [MEMBER, Unit("member", "n")], 0)
    assert [(row.decision_id, row.answers) for row in found[MEMBER]] == [
        (earlier.decision_id, ("accepted", "not_done", "done")),
        (later.decision_id, ()),
    ]
    assert list(found) == [MEMBER]


def test_recent_begins_after_the_moment_given(conn, program, kept):
    kept(1_000)
    assert [len(decisions.recent(conn, program, [MEMBER], since)) for since in (999, 1_000)] == [1, 0]


def test_answers_and_outcomes_are_told_in_order(conn, program, kept):
    made = kept()
    answered(conn, program, made, "expired", "not_done")
    earned(conn, program, made, None, 1.0)
    told = decisions.answers(conn, program, [made.decision_id])[made.decision_id]
    assert [step.status for step in told] == ["expired", "not_done"]
    outcomes = decisions.outcomes(conn, program, [made.decision_id])[made.decision_id]
    assert [(row.revision, row.reward) for row in outcomes] == [(1, None), (2, 1.0)]


@pytest.mark.parametrize(("now_ms", "count"), [(1_099, 0), (1_100, 1)])
def test_a_decision_awaits_its_outcome_when_its_window_has_closed(conn, program, kept, now_ms, count):
    kept(1_000)  # closes at 1,100
    assert len(decisions.closed_without_outcome(conn, program, "s", now_ms, 10)) == count


def test_a_decision_with_any_outcome_awaits_none(conn, program, kept):
    earned(conn, program, kept(), None)
    assert decisions.closed_without_outcome(conn, program, "s", 9_999, 10) == []


def test_those_that_closed_first_come_first(conn, program, kept):
    kept(1_000, closes_at=3_000)
    first = kept(2_000, closes_at=2_500)
    assert decisions.closed_without_outcome(conn, program, "s", 9_999, 1) == [first]


def watched(conn, program, before_ms=9_999, since=1, limit=9):
    return decisions.watched(conn, program, "s", since_revision=since, before_ms=before_ms, limit=limit)


def test_a_shadows_decision_comes_with_its_newest_reward(conn, program, kept):
    made = kept(arm="shadow")
    earned(conn, program, made, 0.0, 1.0)
    assert watched(conn, program) == [(made, 1.0)]


def test_a_shadows_decision_without_an_outcome_comes_without_a_reward(conn, program, kept):
    made = kept(arm="shadow")
    assert watched(conn, program) == [(made, None)]


@pytest.mark.parametrize(
    "fields",
    [{"arm": "learning"}, {"arm": "control"}, {"fallback": "chance_declined"}, {"strategy_id": "t"}],
    ids=str,
)
def test_what_no_baseline_of_the_shadow_decided_is_not_watched(conn, program, kept, fields):
    kept(**{"arm": "shadow"} | fields)
    assert watched(conn, program) == []


@pytest.mark.parametrize(
    ("bounds", "count"),
    [((1_100, 1), 0), ((1_101, 1), 1), ((1_101, 2), 1), ((1_101, 3), 0)],
)
def test_only_what_closed_before_a_moment_under_these_revisions_is_watched(
    conn, program, kept, bounds, count
):
    kept(1_000, arm="shadow", strategy_revision=2)
    assert len(watched(conn, program, *bounds)) == count


def test_of_a_shadows_decisions_those_that_closed_first_are_watched(conn, program, kept):
    kept(1_000, arm="shadow", closes_at=3_000)
    first = kept(2_000, arm="shadow", closes_at=2_500)
    assert watched(conn, program, limit=1) == [(first, None)]


@pytest.mark.parametrize(
    ("about", "count"), [((["m"], []), 1), (([], ["g"]), 1), ((["m"], ["g"]), 1), ((["n"], ["h"]), 0)]
)
def test_a_matured_decision_is_found_once_by_member_or_group(conn, program, kept, about, count):
    earned(conn, program, kept(), 1.0)
    assert len(decisions.matured_around(conn, program, *about, 1_050, 1_050)) == count


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "count"),
    [(0, 1_000, 0), (0, 1_001, 1), (1_100, 2_000, 1), (1_101, 2_000, 0)],
)
def test_a_window_meets_a_span_after_its_start_and_up_to_its_end(
    conn, program, kept, from_ms, until_ms, count
):
    earned(conn, program, kept(1_000), 1.0)
    assert len(decisions.matured_around(conn, program, ["m"], [], from_ms, until_ms)) == count


def test_a_decision_without_an_outcome_has_not_matured(conn, program, kept):
    kept()
    assert decisions.matured_around(conn, program, ["m"], ["g"], 0, 9_999) == []


# --- what proposals draw on -----------------------------------------------------------------------

FUND = ("fund", "2026-01")


def held(conn, program, made, amount, resource="fund", period="2026-01"):
    row = Reservation(made.decision_id, Resource(resource, period), amount, made.expires_at)
    resources.insert_reservations(conn, program, [row])
    return row


def test_a_counter_that_nobody_used_stands_at_0(conn, program):
    assert resources.lock_counters(conn, program, [FUND, ("fund", "2026-02")]) == {
        FUND: 0,
        ("fund", "2026-02"): 0,
    }


def test_no_counters_are_none(conn, program):
    assert resources.lock_counters(conn, program, []) == {}


def test_a_counter_is_what_was_written(conn, program):
    resources.write_counters(conn, program, {FUND: 5, ("fund", "2026-02"): 6, ("other", "2026-01"): 7})
    assert resources.lock_counters(conn, program, [FUND]) == {FUND: 5}


def test_names_and_periods_are_not_mixed_up(conn, program):
    resources.write_counters(conn, program, {("a", "2026"): 1, ("b", "program"): 2, ("a", "program"): 3})
    wanted = [("a", "program"), ("b", "program")]
    assert resources.lock_counters(conn, program, wanted) == {("a", "program"): 3, ("b", "program"): 2}


@pytest.mark.parametrize(
    ("statuses", "taken"),
    [
        ((), 5),
        (("accepted",), 5),
        (("declined",), 0),
        (("replaced",), 0),
        (("not_done",), 0),
        (("expired",), 0),
        (("done",), 5),
        (("expired", "not_done", "done"), 5),
        (("accepted", "declined"), 0),
    ],
)
def test_the_ledger_says_what_a_decision_still_holds(conn, program, kept, statuses, taken):
    made = kept()
    held(conn, program, made, 5)
    answered(conn, program, made, *statuses)
    assert resources.taken_by_ledger(conn, program) == {FUND: taken}


def test_what_is_held_adds_up_by_resource_and_period(conn, program, kept):
    for moment, amount, period in ((1, 5, "2026-01"), (2, 6, "2026-01"), (3, 7, "2026-02")):
        held(conn, program, kept(moment), amount, period=period)
    assert resources.taken_by_ledger(conn, program) == {FUND: 11, ("fund", "2026-02"): 7}


def test_reservations_come_back_by_decision(conn, program, kept):
    made = kept()
    row = held(conn, program, made, 5)
    assert resources.reservations_of(conn, program, [made.decision_id]) == [row]


@pytest.mark.parametrize(
    ("statuses", "holds"),
    [((), True), (("accepted",), True), (("declined",), False), (("expired",), False), (("done",), False)],
)
def test_an_expired_decision_that_nobody_answered_is_found(conn, program, kept, statuses, holds):
    made = kept(1_000)  # expires at 1,050
    held(conn, program, made, 5)
    answered(conn, program, made, *statuses)
    found = resources.expired_holders(conn, program, 1_050, 0)
    assert found == ([made.decision_id] if holds else [])


def test_an_expired_decision_that_holds_money_and_minutes_is_found_once(conn, program, kept):
    made = kept(1_000)
    held(conn, program, made, 5)
    held(conn, program, made, 10, resource="adviser/g")
    assert resources.expired_holders(conn, program, 1_050, 0) == [made.decision_id]


@pytest.mark.parametrize(("now_ms", "since_ms"), [(1_049, 0), (2_000, 1_050)])
def test_outside_the_span_nothing_has_expired(conn, program, kept, now_ms, since_ms):
    held(conn, program, kept(1_000), 5)
    assert resources.expired_holders(conn, program, now_ms, since_ms) == []


# --- signals --------------------------------------------------------------------------------------


def told(event, unit="m", kind="member", moment=50, source="app", corrects=None, group="g"):
    corrected = (None, None) if corrects is None else (source, corrects)
    return signals.Recorded(source, event, kind, unit, group, "attendance", 1, moment, "self", *corrected, 60)


def test_signals_are_found_with_those_that_correct_them_each_once(conn, program):
    rows = [
        told("e1"),
        told("e2", corrects="e1"),
        told("e3", corrects="e2"),
        told("e4"),
        told("e1", source="x"),
    ]
    signals.insert_signals(conn, program, rows)
    assert sorted(signals.naming(conn, program, [("app", "e1"), ("app", "e2")])) == rows[:3]


def test_a_signal_is_stored_once(conn, program):
    signals.insert_signals(conn, program, [told("e1")])
    with pytest.raises(IntegrityError), conn.begin_nested():
        signals.insert_signals(conn, program, [told("e1", moment=51)])


def test_signals_of_a_window_exclude_its_start_and_include_its_end(conn, program):
    rows = [told(f"e{moment}", moment=moment) for moment in (10, 11, 20, 21)]
    signals.insert_signals(conn, program, [*rows, told("g", "g", "group", 15), told("n", "n", moment=15)])
    found = signals.in_window(conn, program, ["m"], ["g"], [], 10, 20)
    assert sorted(row.event_id for row in found) == ["e11", "e20", "g"]


def test_a_member_and_a_group_of_one_name_are_not_mixed_up(conn, program):
    signals.insert_signals(conn, program, [told("a", "x"), told("b", "x", "group")])
    assert [row.event_id for row in signals.in_window(conn, program, ["x"], [], [], 0, 99)] == ["a"]
    assert [row.event_id for row in signals.of_members(conn, program, ["x"])] == ["a"]


def test_a_groups_signals_are_those_told_while_it_was_the_group(conn, program):
    signals.insert_signals(conn, program, [told("a"), told("b", group="h"), told("c", "g", "group")])
    assert sorted(row.event_id for row in signals.of_groups(conn, program, ["g"])) == ["a", "c"]


def test_safety_reports_are_those_of_the_family_and_of_the_members_asked_for(conn, program, other_program):
    kinds = [signal.kind for signal in CATALOGUE]
    rows = [told(kind)._replace(kind=kind, chain="case") for kind in kinds]
    signals.insert_signals(conn, program, [*rows, rows[0]._replace(event_id="n", unit_id="n", kind="harm")])
    family = {signal.kind for signal in safety.SIGNALS}
    assert {row.kind for row in signals.of_safety(conn, program, ["m"])} == family
    assert {row.unit_id for row in signals.of_safety(conn, program)} == {"m", "n"}
    assert {row.chain for row in signals.of_safety(conn, program)} == {"case"}
    assert signals.of_safety(conn, other_program) == []


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "now_ms", "live"),
    [(None, None, 10**15, True), (100, None, 99, True), (100, None, 100, False), (None, 50, 1, False)],
)
def test_a_key_lives_until_it_expires_or_is_revoked(program, expires_at, revoked_at, now_ms, live):
    key = keys.ApiKey(program, "k", ("read",), "staff", 0, expires_at, revoked_at)
    assert key.is_live(now_ms) == live


def test_a_key_is_found_by_its_digest_in_its_program_alone(conn, program, other_program):
    key = keys.ApiKey(program, "k", ("read", "admin"), "staff", 0, None, None)
    keys.insert_key(conn, key, keys.digest("secret"))
    assert keys.by_digest(conn, program, keys.digest("secret")) == key
    assert keys.by_digest(conn, program, keys.digest("Secret")) is None
    assert keys.by_digest(conn, other_program, keys.digest("secret")) is None


def test_a_key_is_revoked_once(conn, program):
    keys.insert_key(conn, keys.ApiKey(program, "k", ("read",), "staff", 0, None, None), keys.digest("s"))
    assert [keys.revoke(conn, program, "k", now_ms) for now_ms in (5, 6)] == [True, False]
    assert [key.revoked_at for key in keys.all_keys(conn, program)] == [5]
