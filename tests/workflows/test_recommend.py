"""What is answered to whoever asks what to try next, and what is stored of it."""

from datetime import date

import msgspec
import numpy as np
import pytest

from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.errors import Invalid, NotFound
from engagement.store import beliefs, decisions, resources, setup
from engagement.store.kept import Kept
from engagement.strategy.replay import features
from engagement.strategy.setup import Barriers, Consent, Group, Member, Site, Switched
from engagement.strategy.strategy import Fallback
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from engagement.workflows.switch import Throw, throw
from engagement.workflows.tell import Recommendation
from support.peer_groups import (
    COUNTED,
    DAY_MS,
    FOLDED,
    LEARNED,
    PLAN,
    a_program,
    always,
    ask,
    came,
    decided,
    moment,
    ms,
    said,
    seat,
    seat_members,
    with_strategy,
)


def store(here, thing, *, day=0.0):
    (result,) = here.run(revise, [thing], day=day)
    assert isinstance(result, setup.Revised)


def learn(here, members, action, day=FOLDED):
    """Everybody was asked; whoever was given this action earned 1, the others 0."""
    for answered in ask(here, *members):
        reward = float(answered.action.id == action)
        here.run(post_outcomes, [(answered.decision_id, Posted(reward))], day=1)
    here.fold(day)


# --- probabilities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["learned", "counted"])
def test_the_chances_of_what_is_available_sum_to_one_and_respect_the_floor(here, strategy):
    members = seat_members(here, 16)
    here.run(recommend, [Ask(member=name, strategy=strategy) for name in members])
    here.fold()
    for answered in ask(here, *members, day=FOLDED, strategy=strategy):
        chances = [chance.probability for chance in answered.chances]
        assert sum(chances) == 1  # counted in units of 2⁻³², so exactly
        assert min(chances) >= min(LEARNED.least) - 2**-32


def test_the_floor_holds_for_what_never_worked(here):
    members = seat_members(here, 64)
    learn(here, members, "call")
    (answered,) = ask(here, "m0", day=FOLDED)
    chances = {chance.action: chance.probability for chance in answered.chances}
    assert chances["call"] > 0.9
    assert 0.02 - 2**-32 <= chances["token"] < 0.03


def test_the_answer_names_the_probability_of_what_was_drawn(here):
    for answered in ask(here, *seat_members(here, 8)):
        chances = {chance.action: chance.probability for chance in answered.chances}
        assert answered.probability == chances[answered.action.id]
        assert answered.randomised


def test_later_decisions_say_which_version_they_believed(here):
    seat_members(here, 1)
    assert ask(here, "m0")[0].version == 0
    here.fold()
    assert ask(here, "m0", day=FOLDED)[0].version == 1


# --- one decision for each decision point -----------------------------------------------------------


def test_asking_five_times_gives_the_same_answer(here):
    seat_members(here, 1)
    answers = [ask(here, "m0", day=day)[0] for day in range(5)]
    assert answers == [answers[0]] * 5
    assert here.read(decisions.count) == 1


def test_a_memory_that_is_new_gives_the_same_answer(here):
    seat_members(here, 1)
    assert ask(here, "m0") == ask(here._replace(kept=Kept()), "m0")


def test_while_one_is_open_another_name_gets_the_same_answer(here):
    seat_members(here, 1)
    assert ask(here, "m0", decision_point="first") == ask(here, "m0", decision_point="second", day=3)


def test_once_it_is_answered_another_name_gets_a_new_decision(here):
    seat_members(here, 1)
    (first,) = decided(here, "m0", decision_point="first")
    here.run(answer, [(first, Reply("done"))], day=1)
    assert decided(here, "m0", decision_point="second", day=3) != [first]


def test_once_it_is_answered_its_own_name_still_gets_it(here):
    seat_members(here, 1)
    (first,) = decided(here, "m0")
    here.run(answer, [(first, Reply("done"))], day=1)
    assert decided(here, "m0", day=2) == [first]


def test_the_next_month_is_another_decision_point(here):
    seat_members(here, 1)
    (march,), (april,) = ask(here, "m0", day=21), ask(here, "m0", day=22)
    assert (march.decision_point, april.decision_point) == ("2026-03", "2026-04")
    assert march.expires_at == moment(21.5)  # midnight in Kolkata, twelve hours after noon


@pytest.mark.parametrize("meanwhile", [[], ["m0"]], ids=["nothing_open", "another_open"])
def test_a_closed_decision_point_asked_again_by_name_returns_the_old_decision(here, meanwhile):
    seat_members(here, 1)
    (old,) = ask(here, "m0", decision_point="first")
    here.run(answer, [(old.decision_id, Reply("done"))], day=1)
    ask(here, *meanwhile, decision_point="second", day=300)
    assert ask(here, "m0", decision_point="first", day=300) == [old]


def test_the_month_s_own_decision_comes_before_one_that_is_open_under_another_name(here):
    seat_members(here, 1)
    (march,) = decided(here, "m0")
    here.run(answer, [(march, Reply("done"))], day=1)
    extra = decided(here, "m0", decision_point="extra", day=2)
    assert extra != [march]
    assert decided(here, "m0", day=3) == [march]


def test_asked_twice_in_a_batch_there_is_one_decision(here):
    seat_members(here, 1)
    first, second = ask(here, "m0", "m0")
    assert first == second
    assert here.read(decisions.count) == 1


def test_two_names_in_one_batch_get_one_decision(here):
    seat_members(here, 1)
    asks = [Ask(member="m0", decision_point=name) for name in ("first", "second")]
    first, second = here.run(recommend, asks)
    assert first == second
    assert first.decision_point == "first"


def test_the_order_in_a_batch_changes_nothing_not_even_who_gets_the_last_money(db):
    here = a_program(db, with_strategy(limit_minor=50))
    members = seat_members(here, 8)
    forwards, backwards = (drawn(here, order) for order in (members, members[::-1]))
    assert forwards == backwards[::-1]


def drawn(here, members):
    """What would be recommended, without storing it."""
    with here.db.engine().connect() as conn:
        answers = recommend(conn, here.kept, here.id, [Ask(member=name) for name in members], ms(0))
        conn.rollback()
    return [(one.member, one.action.id, one.chances, one.unavailable) for one in answers]


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (Ask(member="m9"), NotFound, "no member `m9`"),
        (Ask(member="m1", strategy="guess"), NotFound, "no strategy `guess`"),
        (Ask(member="m1", strategy="for_groups"), Invalid, "decides for a group"),
        (Ask(member="left"), Invalid, "sits in no group today"),
    ],
)
def test_one_bad_request_harms_no_other(here, bad, error, words):
    seat(here, "g0,m0,1", "g0,m1,2", "g0,left,3", day=-5)
    here.run(ingest, [said("left", -1, member="left")])
    for_groups = msgspec.structs.replace(COUNTED, id="for_groups", level="group", actions=("together",))
    store(here, msgspec.structs.replace(PLAN.actions[0], id="together", level="group"))
    store(here, for_groups)
    refused, answered = here.run(recommend, [bad, Ask(member="m0")])
    assert isinstance(refused, error)
    assert words in str(refused)
    assert isinstance(answered, Recommendation)
    assert here.read(decisions.count) == 1


def test_without_a_default_strategy_a_request_must_name_one(here):
    seat_members(here, 1)
    store(here, msgspec.structs.replace(PLAN.program, default_strategy=None))
    refused, answered = here.run(recommend, [Ask(member="m0"), Ask(member="m0", strategy="counted")])
    assert isinstance(refused, Invalid)
    assert answered.strategy == "counted"


def test_strategies_are_asked_by_name_and_decide_apart(here):
    seat_members(here, 1)
    answers = [ask(here, "m0", strategy=name)[0] for name in ("learned", "counted", "posted")]
    assert [answered.strategy for answered in answers] == ["learned", "counted", "posted"]
    assert here.read(decisions.count) == 3


# --- nothing is decided -----------------------------------------------------------------------------

STOPPED = msgspec.structs.replace(PLAN.program, stopped=True)
SILENT = Member(id="m0", consent=Consent(messages=False))
PAUSED = msgspec.structs.replace(LEARNED, paused=True)
ENDED = Group(id="g0", site="here", ended=True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (STOPPED, "program_stopped"),
        (SILENT, "messages_declined"),
        (PAUSED, "strategy_paused"),
        (ENDED, "group_ended"),
    ],
)
def test_what_is_withheld_says_why_and_stores_nothing(here, change, why):
    seat_members(here, 1)
    store(here, change)
    (answered,) = ask(here, "m0")
    assert (answered.withheld, answered.action.id) == (why, "none")
    assert (answered.decision_id, answered.probability, answered.chances) == (None, None, ())
    assert here.read(decisions.count) == 0


@pytest.mark.parametrize("change", [STOPPED, SILENT, PAUSED, ENDED])
def test_an_open_decision_is_withheld_too_and_comes_back_when_all_is_well_again(here, change):
    seat_members(here, 1)
    (before,) = ask(here, "m0")
    store(here, change)
    assert ask(here, "m0")[0].decision_id is None
    here.run(throw, [Throw(False, Switched(by="program-lead", why="All is well again."))])
    for thing in (PLAN.program, Member(id="m0"), LEARNED, Group(id="g0", site="here")):
        store(here, thing)
    assert ask(here, "m0") == [before]


# --- chance declined, and beliefs that cannot be used -----------------------------------------------


def test_who_declines_chance_gets_the_fallback_and_it_is_no_experiment(here):
    seat_members(here, 1, chance="no")
    (answered,) = ask(here, "m0")
    assert (answered.fallback, answered.action.id) == ("chance_declined", "call")
    assert (answered.probability, answered.randomised) == (1, False)


def test_one_who_declines_chance_takes_it_from_nobody_else(here):
    seat(here, "g0,m0,1,no", "g0,m1,2,yes", columns="group,member,seat,chance")
    assert [answered.randomised for answered in ask(here, "m0", "m1")] == [False, True]


def test_a_belief_that_is_no_number_lets_the_fallback_decide(here):
    learn(here, seat_members(here, 1), "call")
    with here.db.write() as conn:
        broken = {"": np.full_like(beliefs.read_nodes(conn, here.id, "learned", [""], 1)[""], np.nan)}
        beliefs.write_nodes(conn, here.id, "learned", 1, broken)
    (answered,) = ask(here, "m0", day=FOLDED)
    assert (answered.fallback, answered.action.id) == ("belief_unusable", "call")
    assert (answered.probability, answered.randomised) == (1, False)


# --- money ------------------------------------------------------------------------------------------


def taken(here):
    """Money taken of each period, by the counters and by the ledger."""
    counted = here.read(resources.taken_by_ledger)
    with here.db.write() as conn:
        cached = resources.lock_counters(conn, here.id, sorted(counted))
    assert cached == counted
    return {period: amount for (_, period), amount in counted.items()}


def test_the_budget_is_spent_to_the_last_unit_and_no_further(db):
    here = a_program(db, always("token", limit_minor=150))
    seat_members(here, 5, chance="no")
    answers = ask(here, "m4", "m3", "m2", "m1", "m0")
    assert [(one.member, one.action.id) for one in answers] == [
        ("m4", "none"),
        ("m3", "none"),
        ("m2", "token"),
        ("m1", "token"),
        ("m0", "token"),
    ]
    assert [refusal.reason for refusal in answers[0].unavailable] == ["budget"]
    assert taken(here) == {"2026-03": 150}


def test_money_that_does_not_pay_for_a_whole_one_stays(db):
    here = a_program(db, always("token", limit_minor=149))
    seat_members(here, 5, chance="no")
    assert [one.action.id for one in ask(here, "m0", "m1", "m2")] == ["token", "token", "none"]


def test_two_strategies_in_one_batch_share_the_money(db):
    plan = always("token", limit_minor=50)
    second = msgspec.structs.replace(plan.strategies[0], id="second")
    here = a_program(db, msgspec.structs.replace(plan, strategies=(*plan.strategies, second)))
    seat_members(here, 1, chance="no")
    asks = [Ask(member="m0", strategy=name) for name in ("second", "learned")]
    assert [one.action.id for one in here.run(recommend, asks)] == ["none", "token"]
    assert taken(here) == {"2026-03": 50}


def test_the_next_month_has_its_own_money(db):
    here = a_program(db, always("token", limit_minor=50))
    seat_members(here, 1, chance="no")
    assert [ask(here, "m0", day=day)[0].action.id for day in (0, 22)] == ["token", "token"]
    assert taken(here) == {"2026-03": 50, "2026-04": 50}


def test_a_limit_lowered_below_what_is_taken_offers_no_more(db):
    here = a_program(db, always("token", limit_minor=150))
    seat_members(here, 3, chance="no")
    ask(here, "m0", "m1")
    store(here, msgspec.structs.replace(PLAN.budgets[0], limit_minor=50))
    assert ask(here, "m2")[0].action.id == "none"


# --- cool-down, dose and the picture ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "day", "offered"),
    [("done", 19.9, "none"), ("done", 20, "story"), ("declined", 1, "story"), ("accepted", 22, "story")],
)
def test_an_action_cools_down_after_it_was_given_and_only_then(db, reply, day, offered):
    here = a_program(db, always("story"))
    seat_members(here, 1, chance="no")
    (first,) = decided(here, "m0", decision_point="first")
    here.run(answer, [(first, Reply(reply))], day=0.5)
    (again,) = ask(here, "m0", decision_point="second", day=day)
    assert again.action.id == offered


def seen(here, decision, strategy=LEARNED):
    """The features a decision was made from, by name."""
    row = here.read(decisions.by_id, [decision])[decision]
    return dict(zip(strategy.columns, features(row.evidence)[0].tolist(), strict=True))


def test_the_picture_shows_own_signals_and_those_of_the_group(here):
    seat_members(here, 2)
    here.run(ingest, [came("m0", 0), came("m1", 0, 0)])
    picture = seen(here, *decided(here, "m0"))
    assert (picture["attendance"], picture["attendance_missing"]) == (0.5, 0)
    assert (picture["group_attendance"], picture["group_attendance_missing"]) == (0, 0)


def test_without_consent_own_signals_stay_out_of_the_picture(here):
    seat_members(here, 2)
    store(here, Member(id="m0", consent=Consent(my_signals=False)))
    here.run(ingest, [came("m0", 0), came("m1", 0, 0)])
    picture = seen(here, *decided(here, "m0"))
    assert (picture["attendance"], picture["attendance_missing"]) == (0, 1)
    assert (picture["weeks_since_contact"], picture["weeks_since_contact_missing"]) == (0, 1)
    assert (picture["group_attendance"], picture["group_attendance_missing"]) == (0, 0)


def test_without_consent_what_was_learned_of_a_member_chooses_for_nobody(db):
    # m0 and m1 sit in one group and are alike but for what they showed: m0 came, m1 never did
    here = a_program(db, with_strategy(posterior=PooledLinear()))
    members = seat_members(here, 8)
    for day in (0, FOLDED, 2 * FOLDED):
        decided(here, *members, day=day)
        here.run(ingest, [came(name, day + 5, int(name == "m0")) for name in members], day=day + 6)
        here.fold(day + FOLDED)
    for name in ("m0", "m1"):
        store(here, Member(id=name, consent=Consent(my_signals=False)))
    later = decided(here, *members, day=3 * FOLDED)
    found = here.read(decisions.by_id, later)
    scores = [found[name].evidence.mean for name in later]
    assert scores[0] == scores[1]
    assert any(score != scores[0] for score in scores[2:])  # nothing is learned of nothing done
    with here.db.read() as conn:
        again = list(replay_decisions(conn, here.kept, here.id, later, deep=True))
    assert all(verdict.agrees and verdict.replayed.score_gap == 0 for verdict in again)


def test_what_was_given_counts_as_dose_and_fades_by_a_fifth_each_month(here):
    seat_members(here, 1, chance="no")  # so that the call is certain
    (first,) = decided(here, "m0")
    here.run(answer, [(first, Reply("done"))], day=1)
    (second,) = decided(here, "m0", day=2 * 30.44)
    assert seen(here, second)["dose"] == pytest.approx(0.8**2 / 5, rel=1e-6)


def test_numbers_of_the_calling_app_are_features_where_a_strategy_asks_for_them(db):
    strategy = msgspec.structs.replace(LEARNED, features=("context.rain", "context.rain_missing"))
    here = a_program(db, with_strategy(features=strategy.features))
    seat_members(here, 2)
    (told,) = decided(here, "m0", context={"rain": 2.5, "wind": 1.0})
    (untold,) = decided(here, "m1")
    assert seen(here, told, strategy) == {"intercept": 1, "context.rain": 2.5, "context.rain_missing": 0}
    assert seen(here, untold, strategy) == {"intercept": 1, "context.rain": 0, "context.rain_missing": 1}


def test_a_decision_closes_when_the_window_of_its_strategy_has_passed(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    row = here.read(decisions.by_id, [decision])[decision]
    assert row.closes_at - row.decided_at == 35 * DAY_MS


@pytest.mark.parametrize(("ends_on", "remaining"), [(None, 120.0), (date(2026, 3, 10), 11.0)])
def test_the_evidence_says_how_many_decisions_are_still_to_come(db, ends_on, remaining):
    sites = (Site(id="here", title="Here", ends_on=ends_on),)
    here = a_program(db, msgspec.structs.replace(PLAN, sites=sites))
    (decision,) = decided(here, *seat_members(here, 1))
    # a year is 11.99 months of 30.44 days
    assert here.read(decisions.by_id, [decision])[decision].evidence.remaining == remaining


SCHEDULE = FixedSchedule(order=(1, 1, 0))


@pytest.mark.parametrize("more", [{"allocation": SCHEDULE}, {"warm_up": 2}], ids=["schedule", "warm-up"])
def test_the_evidence_counts_the_decisions_before_where_a_strategy_looks_at_them(db, more):
    here = a_program(db, with_strategy(**more))
    seat_members(here, 2)
    ids = [
        decided(here, "m0", day=day)[0] for day in (0, 40, 400)
    ]  # months apart, the last beyond any look back
    (other,) = decided(here, "m1", day=400)
    found = here.read(decisions.by_id, [*ids, other])
    assert [found[name].evidence.made for name in (*ids, other)] == [0, 1, 2, 0]


def test_another_strategy_s_decisions_are_not_counted(db):
    here = a_program(db, with_strategy(warm_up=1))
    seat_members(here, 1)
    decided(here, "m0", strategy="counted")
    (made,) = decided(here, "m0")
    assert here.read(decisions.by_id, [made])[made].evidence.made == 0


def test_where_no_strategy_looks_at_them_nothing_is_counted(here):
    seat_members(here, 1)
    ids = [decided(here, "m0", day=day)[0] for day in (0, 40)]
    assert {row.evidence.made for row in here.read(decisions.by_id, ids).values()} == {0}


def test_a_schedule_is_followed_month_by_month(db):
    here = a_program(db, with_strategy(allocation=SCHEDULE, floor=0.0))
    seat_members(here, 1)
    actions = [ask(here, "m0", day=day)[0].action.id for day in (0, 31, 62, 92)]
    assert actions == ["call", "call", "none", "call"]


# --- the number of statements -----------------------------------------------------------------------


@pytest.mark.parametrize(("warm_up", "most"), [(0, 12), (1, 13)], ids=["", "whose decisions are counted"])
def test_statements_do_not_grow_with_the_number_of_units(db, statements, warm_up, most):
    here = a_program(
        db,
        with_strategy(10**9, actions=("token",), fallback=Fallback("token", ("token",)), warm_up=warm_up),
    )
    members = seat_members(here, 258, chance="no")
    ask(here, members[0])
    here.fold()
    ask(here, members[0], day=FOLDED)  # the memory now holds the catalogue, the secret and the nodes
    with statements() as for_one:
        ask(here, members[1], day=FOLDED, decision_point="meeting")
    with statements() as for_many:
        answers = ask(here, *members[2:], day=FOLDED, decision_point="meeting")
    assert {one.action.id for one in answers} == {"token"}
    assert len(for_many) == len(for_one) <= most


@pytest.mark.parametrize(("my_signals", "seen"), [(True, (1.0, 0.0)), (False, (0.0, 1.0))])
def test_a_member_s_barriers_count_only_if_own_signals_may_choose(db, my_signals, seen):
    here = a_program(db, with_strategy(features=("barrier_money", "barrier_money_missing")))
    seat_members(here, 1)
    member = Member(
        id="m0",
        consent=Consent(my_signals=my_signals),
        barriers=Barriers(money="yes"),
        barriers_checked_on=moment(0).date(),
    )
    store(here, member)
    (made,) = decided(here, "m0")
    evidence = here.read(decisions.by_id, [made])[made].evidence
    assert tuple(features(evidence)[0, 1:]) == seen
