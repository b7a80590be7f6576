"""What another strategy would have earned, from a ledger whose truth is known."""

from datetime import date
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from engagement.actions.chw_linkage import ChwLinkage
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.propensity import ONE
from engagement.cli import main
from engagement.errors import Invalid, NotFound, TooLarge
from engagement.store import decisions
from engagement.strategy.arms import Shadow
from engagement.strategy.baseline import EvenChance
from engagement.strategy.planning import Planning
from engagement.strategy.promotion import Rule
from engagement.strategy.strategy import Outcome, Strategy
from engagement.strategy.target import Always, Another, AsLogged, Even, Watched
from engagement.workflows.evaluate import Question, evaluate
from engagement.workflows.evaluations import EvaluationAsk, ask_evaluations, compute, tell_evaluations
from engagement.workflows.logged import LeftOut, read_logged
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.revise import revise
from support.peer_groups import FOLDED, Here, a_program, decided, ms, seat_members

MEMBERS = 480
"""A call is drawn for 160 of them, give or take 10: six times that are above the 100 that a value takes."""
EVENLY = Strategy(
    id="evenly",
    title="By even chance",
    actions=("call", "story"),
    features=("attendance",),
    allocation=Uniform(),
    outcome=Outcome("posted", 35),
)
OTHER = msgspec.structs.replace(EVENLY, id="other", posterior=LinearGaussian(), allocation=HorizonThompson())


class Lived(NamedTuple):
    """A program, its decisions in order, and what each did and earned."""

    here: Here
    ids: list[str]
    action: np.ndarray
    reward: np.ndarray


def earned(action: str, member: int) -> float:
    """What an action earns, without chance: a call .75, a story .5 on odd seats, and .25 otherwise."""
    return {"none": 0.25, "call": 0.75}.get(action, 0.25 + 0.25 * (member % 2))


def live(here: Here, members: list[str], strategy: str = "evenly") -> Lived:
    ids = decided(here, *members, strategy=strategy)
    rows = here.read(decisions.by_id, ids)
    action = [rows[name].action_id for name in ids]
    reward = [earned(one, n) for n, one in enumerate(action)]
    here.run(post_outcomes, [(name, Posted(r)) for name, r in zip(ids, reward, strict=True)], day=2.0)
    return Lived(here, ids, np.array(action), np.array(reward))


@pytest.fixture(scope="module")
def lived(db) -> Lived:
    """480 members in 60 groups, each decided for once by even chance, and what that earned."""
    here = a_program(db)
    here.run(revise, [EVENLY, OTHER])
    return live(here, seat_members(here, MEMBERS))


def asked(here, target, *, day=FOLDED, strategy="evenly", look=None, **more):
    question = Question(strategy=strategy, target=target, look=look)
    return evaluate(here.db, here.kept, here.id, question, ms(day), **more)


def by_estimator(found):
    return {row.estimator: row for row in found.value.estimates}


@pytest.mark.parametrize("estimator", ["direct_method", "self_normalised_ips", "self_normalised_dr"])
def test_an_action_that_always_earns_the_same_is_worth_exactly_that(lived, estimator):
    row = by_estimator(asked(lived.here, Always("call")))[estimator]
    assert row.value == pytest.approx(0.75, abs=1e-9)
    assert row.gain == pytest.approx(0.75 - lived.reward.mean(), abs=1e-9)


def test_inverse_propensity_scores_are_those_computed_by_hand(lived):
    called = lived.action == "call"
    by_hand = (called * 0.75).sum() / MEMBERS * 3
    assert by_estimator(asked(lived.here, Always("call")))["ips"].value == pytest.approx(by_hand, abs=1e-8)


def test_what_was_done_is_worth_what_it_earned(lived):
    found = by_estimator(asked(lived.here, AsLogged()))
    assert found["ips"].value == pytest.approx(lived.reward.mean(), abs=1e-12)
    assert found["ips"].gain == pytest.approx(0, abs=1e-12)
    assert found["ips"].gain_interval == pytest.approx((0, 0), abs=1e-9)


def test_an_even_choice_by_even_chance_is_what_was_done(lived):
    same = by_estimator(asked(lived.here, Even()))["ips"].value
    assert same == pytest.approx(lived.reward.mean(), abs=1e-8)


def test_intervals_for_weekly_looks_are_wider_and_hold_the_truth(lived):
    truth = (0.25 + 0.75 + 0.375) / 3
    found = asked(lived.here, Even(), look=20).value
    row = found.estimates[0]
    assert found.look == 20
    assert row.weekly[0] < row.interval[0] < row.interval[1] < row.weekly[1]
    assert row.weekly[0] <= truth <= row.weekly[1]  # misses once in 13,000: 6·.05/(20π)²
    assert 0 <= found.these[0] <= truth <= found.these[1] <= 1


def test_a_belief_that_has_learned_is_valued_by_the_probabilities_it_draws_with_itself(db):
    here = a_program(db)
    here.run(revise, [EVENLY, OTHER])
    everybody = seat_members(here, MEMBERS + 40)
    members, others = everybody[:MEMBERS], everybody[MEMBERS:]
    live(here, others, "other")
    lived = live(here, members)
    here.fold()
    drawn = here.read(decisions.by_id, decided(here, *members, day=FOLDED + 1, strategy="other"))
    evidence = [row.evidence for row in sorted(drawn.values(), key=lambda row: members.index(row.unit_id))]
    assert {row.version for row in drawn.values()} == {1}
    columns = [("none", "call", "story").index(action) for action in lived.action]
    shares = np.array(
        [np.frombuffer(one.probability, np.uint64)[k] for one, k in zip(evidence, columns, strict=True)]
    )
    expected = (shares / ONE * 3 * lived.reward).mean()
    assert np.ptp(shares) > 0.1 * ONE
    assert by_estimator(asked(here, Another("other", 1)))["ips"].value == pytest.approx(expected, abs=1e-8)


def test_decisions_that_a_version_has_learned_from_are_left_out(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    live(here, seat_members(here, 8))
    here.fold()
    found = asked(here, Another("evenly"))
    assert (found.version, found.decisions, found.left_out) == (1, 0, LeftOut(learned=8))
    assert found.value is None
    assert asked(here, Another("evenly", 0)).decisions == 8


def test_asked_for_slices_it_says_for_whom(lived):
    assert asked(lived.here, Always("call")).slices is None
    question = Question(strategy="evenly", target=Always("call"), slices=True)
    told = evaluate(lived.here.db, lived.here.kept, lived.here.id, question, ms(FOLDED)).slices
    (row,) = [one for one in told.slices if one.fact == "role"]
    assert (row.name, row.groups, row.units, row.decisions) == ("member", 60, MEMBERS, MEMBERS)
    assert row.value.value == pytest.approx(0.75)
    assert row.gain.value == pytest.approx(0.75 - lived.reward.mean())
    assert told.quarter is None  # each was decided for once


def test_where_the_whole_says_too_little_no_slice_is_told(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    live(here, seat_members(here, 32))
    question = Question(strategy="evenly", target=Always("call"), slices=True)
    assert evaluate(here.db, here.kept, here.id, question, ms(FOLDED)).slices is None


def test_too_little_is_answered_with_how_many_further_decisions_would_do(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    lived = live(here, seat_members(here, 32))
    found = asked(here, Always("call")).value
    calls = int((lived.action == "call").sum())
    groups = np.bincount((np.arange(32) // 8)[lived.action == "call"])
    effective_groups = groups.sum() ** 2 / (groups @ groups)
    assert (found.enough, found.estimates, found.these) == (False, (), None)
    assert found.cover.effective == pytest.approx(calls)
    assert found.cover.further == np.ceil(32 * (max(100 / calls, 10 / effective_groups) - 1))


def test_every_decision_that_does_not_count_is_counted_by_its_reason(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    free = seat_members(here, 4)
    here_ids = decided(here, *free, strategy="evenly")
    here.run(post_outcomes, [(here_ids[0], Posted(1.0)), (here_ids[1], Posted(None))], day=2.0)
    found = asked(here, Even())
    assert (found.decisions, found.left_out) == (1, LeftOut(waiting=2, unreported=1))
    here.fold()
    assert asked(here, Even()).left_out == LeftOut(unreported=3)
    assert sum(row.unreported for row in found.reports) == 1
    assert sum(row.decisions for row in found.reports) == 2
    assert asked(here, Even(), day=1.0).left_out == LeftOut(open=4)


def test_whoever_declined_chance_is_left_out_as_forced(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    decided(here, *seat_members(here, 2, chance="no"), strategy="evenly")
    assert asked(here, Even()).left_out == LeftOut(forced=2)


def test_a_shadow_is_valued_by_what_its_belief_would_have_drawn_from(db):
    here = a_program(db)
    shadow = Shadow(date(2026, 12, 31), EvenChance(), Rule())
    watching = msgspec.structs.replace(EVENLY, id="watching", shadow=shadow)
    here.run(revise, [watching])
    lived = live(here, seat_members(here, 160), "watching")
    rows = here.read(decisions.by_id, lived.ids)
    weights = []
    for name in lived.ids:
        one = rows[name].evidence
        place = one.actions.index(rows[name].action_id)
        beside, drawn = (np.frombuffer(part, np.uint64) for part in (one.beside, one.probability))
        weights.append(int(beside[place]) / int(drawn[place]))
    found = by_estimator(asked(here, Watched(), strategy="watching"))
    assert found["ips"].value == pytest.approx((np.array(weights) * lived.reward).mean(), abs=1e-9)


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        (Always("fly"), NotFound, "neither `none` nor an action"),
        (Another("nobody"), NotFound, "no strategy `nobody`"),
        (Another("learned"), Invalid, "which the decisions of `evenly` do not hold"),
        (Another("other", 7), NotFound, "the newest is 0"),
    ],
)
def test_what_does_not_fit_the_log_is_refused_in_words(lived, target, error, words):
    with pytest.raises(error, match=words):
        asked(lived.here, target)


def test_a_plan_is_not_valued_visit_by_visit(lived):
    weekly = Strategy(id="visits", title="Visits", actions=("visit",), cadence="week", plan=Planning())
    here = lived.here
    here.run(revise, [ChwLinkage(id="visit", title="A visit", minutes=30), weekly])
    with pytest.raises(Invalid, match="drawn together"):
        asked(here, Even(), strategy="visits")


def test_an_answer_that_was_stored_is_the_answer_that_was_computed(lived):
    here, question = lived.here, Question(strategy="evenly", target=Even())
    here.run(ask_evaluations, [EvaluationAsk(id="even", question=question)], day=FOLDED)
    compute(here.db, here.kept, here.id, "even")
    (told,) = here.run(tell_evaluations, ["even"])
    assert (told.state, told.evaluation) == ("answered", asked(here, Even()))


def test_a_question_that_cannot_be_answered_is_stored_with_the_reason(lived):
    here, question = lived.here, Question(strategy="evenly", target=Even())
    here.run(ask_evaluations, [EvaluationAsk(id="large", question=question)], day=FOLDED)
    compute(here.db, here.kept, here.id, "large", most=100)
    (told,) = here.run(tell_evaluations, ["large"])
    assert (told.state, told.evaluation) == ("refused", None)
    assert "more than 100 decisions" in told.refused


def test_decisions_that_no_belief_watched_say_nothing_of_one_that_did(lived):
    found = asked(lived.here, Watched())
    assert (found.decisions, found.left_out) == (0, LeftOut(unwatched=MEMBERS))


def test_decisions_read_page_by_page_are_the_same(lived):
    with lived.here.db.read() as conn:
        pages, whole = (read_logged(conn, lived.here.id, "evenly", 1_000, page) for page in (37, 1_000))
    assert [row.decision.decision_id for row in pages] == [row.decision.decision_id for row in whole]
    assert len(whole) == MEMBERS


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("always:none", "what doing nothing would have earned"),
        ("strategy:other@0", "what strategy `other` at version 0 would have earned"),
        ("watched", "what the belief that only watched would have earned"),
    ],
)
def test_the_command_asks_the_ledger(lived, capsys, target, words):
    url = lived.here.db.url.render_as_string(hide_password=False)
    asked_for = ["--strategy", "evenly", "--target", target, "--program", lived.here.id, "--database", url]
    assert main(["evaluate", *asked_for]) == 0
    assert words in capsys.readouterr().out


def test_the_command_tells_slices_and_refuses_them_of_another_systems_log(lived, capsys):
    url = lived.here.db.url.render_as_string(hide_password=False)
    of = ["--target", "always:call", "--program", lived.here.id, "--database", url, "--slices"]
    assert main(["evaluate", "--strategy", "evenly", *of]) == 0
    told = capsys.readouterr().out
    assert "The lowest value: " in told
    assert "Not told: the lower quarter, for nobody has two decisions that count." in told
    assert main(["evaluate", "--log", "log.csv", *of]) == 2
    assert "another system's log does not" in capsys.readouterr().err


def test_more_than_may_be_read_is_refused(lived):
    with pytest.raises(TooLarge, match="more than 100 decisions"):
        asked(lived.here, Even(), most=100)


def test_an_action_that_the_log_does_not_know_is_unsupported(lived):
    wider = msgspec.structs.replace(EVENLY, id="wider", actions=("call", "story", "token"))
    lived.here.run(revise, [wider])
    found = asked(lived.here, Another("wider")).value
    assert found.cover.unsupported == pytest.approx(0.25, abs=1 / ONE)
    assert (found.enough, found.cover.further) == (False, None)
