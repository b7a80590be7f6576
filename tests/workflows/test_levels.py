"""Recommendations for advisers and for groups: their own strategies, outcomes and limits."""

import msgspec
import pytest

from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.errors import Invalid, NotFound
from engagement.store import beliefs, decisions, resources
from engagement.strategy.purse import Resource
from engagement.strategy.setup import Group, Program
from engagement.strategy.strategy import Fallback, Outcome, Strategy
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from support.peer_groups import CALL, FOLDED, PLAN, a_program, came, held, seat

PRACTICE = Nudge(id="practice", title="The adviser tells of her own practice", level="adviser", minutes=10)
SEED = Incentive(
    id="seed", title="A seed for the fund", level="group", cost_minor=400, payer="fund", minutes=20
)
FOR_ADVISERS = Strategy(
    id="advise",
    title="For advisers",
    level="adviser",
    actions=("practice",),
    posterior=BetaBernoulli(),
    outcome=Outcome("next_meeting_held", 35),
)
FOR_GROUPS = Strategy(
    id="together",
    title="For groups",
    level="group",
    actions=("seed",),
    posterior=BetaBernoulli(),
    outcome=Outcome("next_meeting_with_three", 35),
)
LEVELS = msgspec.structs.replace(
    PLAN,
    program=msgspec.structs.replace(PLAN.program, default_group_strategy="together"),
    actions=(*PLAN.actions, PRACTICE, SEED),
    strategies=(*PLAN.strategies, FOR_ADVISERS, FOR_GROUPS),
)


@pytest.fixture
def there(db):
    """Two groups: an adviser, a deputy and two members; an adviser and a member."""
    program = a_program(db, LEVELS)
    lines = ("g,a,1,adviser", "g,d,2,deputy", "g,m,3,member", "g,n,4,member", "h,b,1,adviser", "h,o,2,member")
    seat(program, *lines, columns="group,member,seat,role")
    return program


def asked(there, *asks, day=0.0):
    return there.run(recommend, list(asks), day=day)


def test_a_group_is_decided_for_by_the_program_s_strategy_for_groups(there):
    (told,) = asked(there, Ask(group="g"))
    assert (told.member, told.group, told.strategy) == (None, "g", "together")
    assert {chance.action for chance in told.chances} == {"none", "seed"}
    assert told.reward_window.outcome == "next_meeting_with_three"


@pytest.mark.parametrize("leader", ["a", "d"])
def test_advisers_and_deputies_are_decided_for_by_a_strategy_for_advisers(there, leader):
    (told,) = asked(there, Ask(member=leader, strategy="advise"))
    assert (told.member, {chance.action for chance in told.chances}) == (leader, {"none", "practice"})


def test_who_leads_no_group_gets_nothing_from_a_strategy_for_advisers(there):
    (told,) = asked(there, Ask(member="m", strategy="advise"))
    assert isinstance(told, Invalid)
    assert "decides for advisers, and `m` is none today" in str(told)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (Ask(group="g", strategy="learned"), "decides for a member, not for a group"),
        (Ask(member="m", strategy="together"), "decides for a group, not for a member"),
    ],
)
def test_a_strategy_of_another_level_is_refused_with_words(there, ask, words):
    (told,) = asked(there, ask)
    assert isinstance(told, Invalid)
    assert words in str(told)


def test_a_group_that_is_not_there_is_not_found(there):
    (told,) = asked(there, Ask(group="nowhere"))
    assert isinstance(told, NotFound)


def test_a_group_that_has_ended_gets_nothing(there):
    there.run(revise, [Group(id="g", site="here", ended=True)])
    (told,) = asked(there, Ask(group="g"))
    assert (told.decision_id, told.member, told.group, told.withheld) == (None, None, "g", "group_ended")


@pytest.mark.parametrize("who", [{}, {"member": "m", "group": "g"}])
def test_a_request_is_about_one_member_or_one_group(who):
    with pytest.raises(ValueError, match="give `member` or `group`"):
        Ask(**who)


def test_every_level_in_one_request_and_each_its_own_decision(there):
    asks = [Ask(member="a"), Ask(member="a", strategy="advise"), Ask(group="g"), Ask(group="h")]
    told = asked(there, *asks)
    assert len({row.decision_id for row in told}) == 4
    assert [row.strategy for row in told] == ["learned", "advise", "together", "together"]
    assert [row.decision_id for row in asked(there, *asks)] == [row.decision_id for row in told]


def test_an_open_decision_of_a_group_is_returned_under_any_point(there):
    first, second = (asked(there, Ask(group="g", decision_point=point))[0] for point in ("april", "may"))
    assert first.decision_id == second.decision_id


def test_the_decision_of_a_group_can_be_made_again_from_its_evidence(there):
    asked(there, Ask(group="g"), Ask(member="a", strategy="advise"))
    with there.db.read() as conn:
        ids = decisions.all_ids(conn, there.id)
        found = list(replay_decisions(conn, there.kept, there.id, ids, deep=True))
    assert [row.agrees for row in found] == [True, True]


def learned(there, strategy):
    """Successes and failures of each action of a strategy after a fold."""
    there.fold()
    with there.db.read() as conn:
        version = beliefs.pointers(conn, there.id, [strategy])[strategy]
        return beliefs.read_nodes(conn, there.id, strategy, [""], version)[""].tolist()


def test_a_group_s_decision_earns_the_meeting_to_which_three_come(there):
    (told,) = asked(there, Ask(group="g"))
    there.run(ingest, [held("g", 20), *(came(name, 20) for name in ("a", "m", "n"))], day=20)
    sums = learned(there, "together")
    assert sums == ([0, 1, 0, 0] if told.action.id == "seed" else [1, 0, 0, 0])


def test_who_came_late_in_the_ledger_revises_what_the_group_earned(there):
    (told,) = asked(there, Ask(group="g"))
    there.run(ingest, [held("g", 20), *(came(name, 20) for name in ("a", "m"))], day=20)
    assert sum(learned(there, "together")[2:]) == 1  # two came: a failure
    there.run(ingest, [came("n", 20)], day=FOLDED)
    sums = learned(there, "together")
    assert sums == ([0, 1, 0, 0] if told.action.id == "seed" else [1, 0, 0, 0])


def test_an_adviser_s_decision_earns_the_next_meeting_held(there):
    asked(there, Ask(member="a", strategy="advise"), Ask(member="b", strategy="advise"))
    there.run(ingest, [held("g", 20)], day=20)
    sums = learned(there, "advise")  # nothing is heard of group h, and missing is not 0
    assert (sum(sums[:2]), sum(sums[2:])) == (1, 0)


# --- minutes --------------------------------------------------------------------------------------


def with_minutes(db, minutes, each=20):
    """A program whose only action takes so many of the adviser's minutes, given to who declines chance."""
    call = msgspec.structs.replace(CALL, minutes=each)
    sure = Strategy(id="sure", title="Sure", actions=("call",), fallback=Fallback("call", ("call",)))
    program = Program(id="program", title="P", default_strategy="sure", adviser_minutes=minutes)
    plan = msgspec.structs.replace(PLAN, program=program, actions=(call,), strategies=(sure,))
    there = a_program(db, plan)
    lines = [f"{group},{group}{seat},{seat},no" for group in ("g", "h") for seat in range(1, 5)]
    seat(there, *lines, columns="group,member,seat,chance")
    return there


def everybody(there, day=0.0, point=None):
    names = [f"{group}{seat}" for group in ("g", "h") for seat in range(1, 5)]
    return asked(there, *(Ask(member=name, decision_point=point) for name in names), day=day)


def test_an_adviser_is_never_asked_for_more_than_the_month_s_minutes(db):
    told = everybody(with_minutes(db, 60))
    assert [row.action.id for row in told] == [*["call"] * 3, "none"] * 2
    assert [[(r.action, r.reason) for r in row.unavailable] for row in told][3] == [("call", "minutes")]


def test_minutes_left_over_by_one_group_are_no_other_group_s(db):
    there = with_minutes(db, 20)
    told = everybody(there)
    assert [row.group for row in told if row.action.id == "call"] == ["g", "h"]


def test_minutes_come_back_when_the_adviser_declines(db):
    there = with_minutes(db, 20)
    first = everybody(there)[0]
    there.run(answer, [(first.decision_id, Reply(status="declined"))])
    again = everybody(there, day=1, point="again")
    assert [row.decision_id for row in again if row.group == "g" and row.action.id == "call"] != []
    with there.db.read() as conn:
        assert resources.taken_by_ledger(conn, there.id)[Resource("adviser/g", "2026-03")] == 20


def test_a_new_month_has_minutes_of_its_own(db):
    there = with_minutes(db, 20)
    everybody(there)
    told = everybody(there, day=25)  # 4 April
    assert [row.action.id for row in told].count("call") == 2


def test_no_minutes_at_all_leave_what_takes_none(db):
    there = with_minutes(db, 0, each=0)
    assert {row.action.id for row in everybody(there)} == {"call"}
