"""Every decision can be made again from the ledger, and one that was tampered with cannot."""

import msgspec
import numpy as np
import pytest

from engagement.bandits.allocations.round_robin import RoundRobin
from engagement.store import beliefs, decisions
from engagement.store.identifiers import uuid7
from engagement.strategy.replay import features, propensities
from engagement.workflows.ingest import ingest
from engagement.workflows.replay import replay_decisions
from support.peer_groups import FOLDED, a_program, came, decided, seat_members, with_strategy


def replayed(here, ids, *, deep=False):
    with here.db.read() as conn:
        return list(replay_decisions(conn, here.kept, here.id, ids, deep=deep))


@pytest.fixture(scope="module")
def lived(db):
    """Decisions of two strategies on versions 0, 1 and 2, with chance, without, and short of money."""
    here = a_program(db, with_strategy(limit_minor=200))
    members = seat_members(here, 12)
    made = []
    for month in range(3):
        day = month * FOLDED
        made += decided(here, *members, day=day)
        made += decided(here, *members[:4], day=day, strategy="counted")
        here.run(ingest, [came(name, day + 5, n % 2) for n, name in enumerate(members)], day=day + 6)
        here.fold(day + FOLDED)
    return here, made


@pytest.mark.parametrize("deep", [False, True])
def test_all_decisions_are_made_again_the_same(lived, deep):
    here, made = lived
    verdicts = replayed(here, made, deep=deep)
    assert len(verdicts) == 3 * 16
    assert {verdict.decision.version for verdict in verdicts} == {0, 1, 2}
    assert all(verdict.agrees for verdict in verdicts)
    assert all((verdict.replayed.score_gap is not None) == deep for verdict in verdicts)


@pytest.mark.parametrize(
    "more", [{"warm_up": 2}, {"allocation": RoundRobin()}], ids=["warm-up", "round robin"]
)
def test_a_decision_that_depends_on_how_many_there_were_is_made_again_too(db, more):
    here = a_program(db, with_strategy(**more))
    members = seat_members(here, 4)
    made = [one for month in range(4) for one in decided(here, *members, day=31 * month)]
    assert all(verdict.agrees for verdict in replayed(here, made, deep=True))


def test_a_decision_without_chance_is_made_again_too(here):
    seat_members(here, 1, chance="no")
    (verdict,) = replayed(here, decided(here, "m0"), deep=True)
    assert verdict.replayed.agrees


def test_a_decision_whose_belief_was_no_number_is_made_again_too(here):
    decided(here, *seat_members(here, 1))
    here.run(ingest, [came("m0", 5)], day=6)
    here.fold()
    with here.db.write() as conn:
        node = beliefs.read_nodes(conn, here.id, "learned", [""], 1)[""]
        beliefs.write_nodes(conn, here.id, "learned", 1, {"": node * np.nan})
    (verdict,) = replayed(here, decided(here, "m0", day=FOLDED), deep=True)
    assert verdict.decision.fallback == "belief_unusable"
    assert verdict.replayed.agrees


def test_unknown_decisions_are_left_out(here):
    made = decided(here, *seat_members(here, 1))
    assert len(replayed(here, [*made, "00000000-0000-7000-8000-000000000000"])) == 1


def forged(here, decision, **changes):
    """The id of a copy of a decision, changed, as if it had been made for somebody else."""
    row = here.read(decisions.by_id, [decision])[decision]
    name = uuid7(row.decided_at)
    with here.db.write() as conn:
        decisions.insert_decisions(conn, here.id, [row._replace(decision_id=name, unit_id=name, **changes)])
    return name


def evidence_of(here, decision):
    return here.read(decisions.by_id, [decision])[decision].evidence


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("probability", lambda stored: np.frombuffer(stored, np.uint64)[::-1]),
        ("mean", lambda stored: np.frombuffer(stored) + np.array([0, 0.5, -0.5])),
        ("sd", lambda stored: np.frombuffer(stored) * np.array([1, 9, 1])),
        ("refusals", lambda stored: np.frombuffer(stored, np.uint8) ^ np.array([0, 2, 0], np.uint8)),
    ],
)
def test_evidence_that_was_tampered_with_is_detected(lived, what, change):
    here, made = lived
    last = made[-16]  # of `learned` on version 2
    evidence = evidence_of(here, last)
    tampered = msgspec.structs.replace(evidence, **{what: change(getattr(evidence, what)).tobytes()})
    (verdict,) = replayed(here, [forged(here, last, evidence=tampered)])
    assert not verdict.replayed.agrees


def test_features_that_were_tampered_with_are_detected_by_a_deep_replay(lived):
    here, made = lived
    evidence = evidence_of(here, made[-16])
    tampered = msgspec.structs.replace(evidence, features=(features(evidence)[0] + 0.25).tobytes())
    forgery = forged(here, made[-16], evidence=tampered)
    assert [verdict.replayed.agrees for verdict in replayed(here, [forgery])] == [True]
    assert [verdict.replayed.agrees for verdict in replayed(here, [forgery], deep=True)] == [False]


def test_an_action_that_was_not_drawn_is_detected(lived):
    here, made = lived
    row = here.read(decisions.by_id, made[:1])[made[0]]
    other = next(name for name in row.evidence.actions if name != row.action_id)
    (verdict,) = replayed(here, [forged(here, made[0], action_id=other)])
    assert not verdict.replayed.pick_agrees


def test_a_draw_that_was_tampered_with_is_detected(lived):
    here, made = lived
    row = here.read(decisions.by_id, made[:1])[made[0]]
    bounds = np.cumsum(propensities(row.evidence)[0])
    first = row.evidence.actions.index(row.action_id) == 0
    draw = (
        int(bounds[0] + 1 if first else bounds[0] - 1) << 21
    )  # among the first action's units, or just beyond
    tampered = msgspec.structs.replace(row.evidence, uniform=draw)
    (verdict,) = replayed(here, [forged(here, made[0], evidence=tampered)])
    assert not verdict.replayed.pick_agrees


def test_a_draw_that_is_not_the_one_keyed_to_the_decision_point_is_detected(lived):
    here, made = lived
    row = here.read(decisions.by_id, made[:1])[made[0]]
    near = msgspec.structs.replace(row.evidence, uniform=row.evidence.uniform ^ 1)
    (verdict,) = replayed(here, [forged(here, made[0], evidence=near)])
    assert verdict.replayed.agrees
    assert (verdict.keyed, verdict.agrees) == (False, False)


def test_a_propensity_that_is_not_the_evidence_s_is_detected(lived):
    here, made = lived
    row = here.read(decisions.by_id, made[:1])[made[0]]
    (verdict,) = replayed(here, [forged(here, made[0], probability=row.probability + 1)])
    assert (verdict.keyed, verdict.agrees) == (False, False)
