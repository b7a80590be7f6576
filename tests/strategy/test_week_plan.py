"""The plan of a pool for a week, from what is asked to what is kept."""

import msgspec
import numpy as np
import pytest

from engagement.bandits.restless.assignment import Worker
from engagement.bandits.restless.pivotal import Draws
from engagement.bandits.restless.plan import Rule
from engagement.records import Evidence
from engagement.strategy.clusters import Cluster, Stand
from engagement.strategy.planning import REWARD
from engagement.strategy.promise import NEVER
from engagement.strategy.replay import replay_planned
from engagement.strategy.week_plan import (
    Candidate,
    Placed,
    PlanEvidence,
    Question,
    drawn_up,
    made_again,
)

HERE = Stand(Cluster("rural", after=False, barrier=""), np.inf)
ONE = 1 << 32


def candidates(*states, language="hi", due=NEVER):
    """Groups g0, g1, … in these states."""
    return tuple(Candidate(f"g{n}", language, HERE, state, 0, due) for n, state in enumerate(states))


def able(name, slots, languages=("hi",)):
    return Worker(name, frozenset({"hill"}), frozenset(languages), 45 * slots, 45)


def numbers(count, seed=0):
    return Draws(*np.random.default_rng(seed).integers(0, 2**53, (3, count)))


def draw(rows, visits=1, workers=None, seed=0, **rule):
    crew = (able("asha", visits),) if workers is None else workers
    question = Question("hill", rows, crew, visits, [], Rule(reward=REWARD, **rule))
    return drawn_up(question, numbers(len(rows), seed), 7, "plan")


def stored(drawn, rows):
    """What is kept of a plan."""
    placed = tuple(
        Placed(
            row.unit,
            f"d{n}",
            1 + drawn.decided.line.tolist().index(n),
            float(drawn.considered.share[n]),
            None if np.isinf(drawn.considered.due[n]) else float(drawn.considered.due[n]),
            int(drawn.decided.probability[n]),
            bool(drawn.decided.forced[n]),
            bool(drawn.decided.chosen[n]),
            row.state, 0, 0, "rural", False, "", 0.0, 0.0,
        )
        for n, row in enumerate(rows)
    )  # fmt: skip
    return PlanEvidence(
        placed, (), (), drawn.considered.visits, drawn.considered.epsilon, drawn.service_cost, 0.0, 0.0
    )


def test_the_chances_sum_to_the_visits_exactly():
    made = draw(candidates("thriving", "wavering", "dormant", "dormant", "thriving"), visits=2)
    assert int(made.decided.probability.sum()) == 2 * ONE


def test_every_chance_lies_between_floor_and_cap():
    """ε = .2, B/N = 2/5: at least .08, at most 1 − .2·.6 = .88."""
    made = draw(candidates(*["thriving"] * 4, "dormant"), visits=2, epsilon=0.2)
    share = made.decided.probability / ONE
    assert ((share >= 0.08 - 1e-9) & (share <= 0.88 + 1e-9)).all()


def test_groups_that_are_alike_have_the_same_chance_but_for_rounding():
    made = draw(candidates(*["wavering"] * 7), visits=3)
    assert int(np.ptp(made.decided.probability.astype(np.int64))) <= 1


def test_what_is_stored_makes_the_same_plan_again():
    rows = candidates(*["thriving", "wavering", "dormant"] * 4, due=9)
    made = draw(rows, visits=4)
    again = made_again(stored(made, rows), numbers(len(rows)))
    assert again.probability.tolist() == made.decided.probability.tolist()
    assert again.chosen.tolist() == made.decided.chosen.tolist()
    assert again.line.tolist() == made.decided.line.tolist()


def test_what_is_stored_reads_as_itself():
    rows = candidates("thriving", "dormant", "wavering", due=9)
    kept = stored(draw(rows, visits=2), rows)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=PlanEvidence) == kept


@pytest.mark.parametrize("flaw", [None, "pick", "probability"])
def test_replay_sees_whether_pick_and_chance_are_those_of_the_plan(flaw):
    rows = candidates("thriving", "dormant")
    made = draw(rows)
    kept = stored(made, rows)
    group = next(row for row in kept.placed if row.chosen)
    units = group.units - 5 * (flaw == "probability")
    evidence = Evidence(
        ("none", "visit"), b"", bytes(2), "normal", bytes(16), bytes(16),
        np.array([ONE - units, units], np.uint64).tobytes(), 0, 0.0,
    )  # fmt: skip
    chosen = "none" if flaw == "pick" else "visit"
    again = made_again(kept, numbers(2))
    assert replay_planned(evidence, chosen, kept, again, group.unit).agrees is (flaw is None)


def test_a_group_that_could_not_be_visited_replays_as_none_for_certain():
    rows = candidates("thriving")
    kept = stored(draw(rows, visits=0), rows)
    evidence = Evidence(
        ("none", "visit"), b"", bytes([0, 5]), "normal", bytes(16), bytes(16),
        np.array([ONE, 0], np.uint64).tobytes(), 0, 0.0,
    )  # fmt: skip
    assert replay_planned(evidence, "none", kept, made_again(kept, numbers(1)), "barred").agrees


def test_there_is_never_more_than_one_visit_a_group():
    assert draw(candidates("thriving", "thriving"), visits=9).considered.visits == 2


def test_without_anybody_to_visit_nothing_is_drawn():
    assert draw((), visits=3).decided.chosen.tolist() == []


def test_without_visits_nobody_is_drawn():
    assert draw(candidates("dormant", "thriving"), visits=0).decided.chosen.tolist() == [False, False]


def test_a_promise_that_binds_nobody_costs_nothing():
    assert draw(candidates("thriving", "dormant"), visits=1).service_cost == 0


def test_a_promise_to_the_least_worth_costs_what_the_model_says():
    """One visit, two groups; the certain one is worth a, the other b. Without the promise π = (p, 1 − p)."""
    rows = candidates("thriving", "dormant")
    free = draw(rows, epsilon=0.0)
    p, worth = free.considered.share, free.worth
    forced = (rows[0]._replace(due=1), rows[1])
    made = draw(forced, epsilon=0.0)
    assert made.decided.chosen.tolist() == [True, False]
    assert made.service_cost == pytest.approx(worth @ p - worth[0], abs=1e-8)


def test_what_chance_costs_is_the_part_that_is_shared_alike():
    """ε = 1: π = B/N for all, so the cost is Σ worth·(share − ½)."""
    rows = candidates("thriving", "dormant")
    made = draw(rows, epsilon=1.0)
    assert made.chance_cost == pytest.approx(made.worth @ (made.considered.share - 0.5), abs=1e-8)


def test_the_worth_is_of_the_same_draws_as_the_chances():
    """With a single visit and two groups, who is worth more in most draws has the larger share."""
    made = draw(candidates("thriving", "dormant"), epsilon=0.0, width=0.01)
    assert made.considered.share.argmax() == made.worth.argmax()


def test_time_that_no_drawn_group_can_use_goes_to_the_first_in_line_who_can():
    """Everybody in `te` is certain, and she speaks only `hi`."""
    rows = (*candidates("thriving", language="te", due=1), *candidates("dormant")[:0])
    others = tuple(Candidate(f"h{n}", "hi", HERE, "thriving", 0, NEVER) for n in range(3))
    made = draw((*rows, *others), visits=1, epsilon=0.0)
    [filler] = made.fillers
    assert (filler.worker, filler.instead_of) == ("asha", 0)
    assert filler.unit == made.decided.line[1]


def test_no_more_fill_in_than_were_left_out():
    """Two workers, one visit of money: the second's time is not used up by anybody."""
    rows = candidates(*["thriving"] * 4)
    assert draw(rows, visits=1, workers=(able("asha", 1), able("bina", 1))).fillers == ()
