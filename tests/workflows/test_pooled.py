"""The pooled belief goes through the whole of the service: decided, folded, made again and replayed."""

import numpy as np
import pytest

from engagement.bandits.pooled import Slope
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Points
from engagement.store import beliefs, hyperparameters, setup
from engagement.store import tables as t
from engagement.store.kept import Kept
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare, derived
from engagement.workflows.replay import replay_decisions
from support.courses import ONE_ROW
from support.peer_groups import FOLDED, a_program, came, decided, seat, seat_members, with_strategy

KINDS = {
    "refitted": PooledLinear(),
    "as declared": PooledLinear(refit=False),
    "fading": PooledLinear(half_life_weeks=4, refit=False),
    "fading, refitted": PooledLinear(half_life_weeks=4),
    "centred": PooledCentred(effect_means=(0.05, 0.0)),
    "with an offset": PooledLinear(offset=("dose", "urban")),
    "with slopes": PooledLinear(slopes=(Slope(("attendance", "dose")),)),
}


def live(db, posterior):
    """Three folds, weeks apart, and a late correction of a strategy that pools."""
    here = a_program(db, with_strategy(posterior=posterior))
    members = seat_members(here, 12)
    made = decided(here, *members)
    here.run(ingest, [came(name, 12, n % 2) for n, name in enumerate(members)], day=20)
    here.fold()
    made += decided(here, *members, day=FOLDED)
    here.run(ingest, [came("m0", 8, 1, id="b", corrects="attendance/m0/12")], day=FOLDED)
    here.fold(FOLDED + 1)
    reports = [came(name, FOLDED + 12, min(1, n % 3)) for n, name in enumerate(members[:8])]
    here.run(ingest, reports, day=FOLDED + 20)  # nothing of g1
    here.fold(2 * FOLDED)
    made += decided(here, *members, day=2 * FOLDED)
    return here, made


@pytest.fixture(scope="module", params=KINDS)
def lived(db, request):
    return live(db, KINDS[request.param])


def fits(here):
    """The versions that refitted the belief."""
    h = t.hyperparameters
    with here.db.read() as conn:
        rows = conn.execute(h.select().filter_by(program_id=here.id, strategy_id="learned")).all()
    return [row.version for row in rows]


def test_every_group_has_a_node_of_its_own(lived):
    here, _ = lived
    nodes = {node for strategy, node, _ in here.read(derived).nodes if strategy == "learned"}
    assert nodes == {"", "g0", "g1"}


def test_what_is_derived_is_what_the_ledger_says(lived):
    here, _ = lived
    assert compare(here.db, here.kept, here.id) == []


def test_a_process_that_remembers_nothing_finds_the_same(lived):
    here, _ = lived
    assert compare(here.db, Kept(), here.id) == []


def test_every_decision_is_made_again_the_same_with_the_belief_folded_anew(lived):
    here, made = lived
    with here.db.read() as conn:
        verdicts = list(replay_decisions(conn, Kept(), here.id, made, deep=True))
    assert [verdict.agrees for verdict in verdicts] == [True] * len(set(made))
    assert {verdict.decision.version for verdict in verdicts} == {0, 1, 3}


def test_the_programs_node_sums_the_messages_of_all_groups_those_not_heard_of_too(lived):
    here, _ = lived
    with here.db.read() as conn:
        nodes = beliefs.read_all_nodes(conn, here.id, "learned", 3)
        revision = setup.catalogue_revision(conn, here.id)
        catalogue = setup.catalogue(conn, here.kept, here.id, revision)
        deciding = hyperparameters.in_force(conn, here.kept, here.id, catalogue.strategies["learned"], 3)
    assert deciding.posterior.renewed(nodes, 3)[""] == pytest.approx(nodes[""], rel=1e-9)


def test_a_belief_is_refitted_when_a_tenth_more_was_learned(db):
    here, _ = live(db, PooledLinear())
    # twelve rows, one of them replaced, then eight more
    assert [row.rows_in for row in here.read(beliefs.versions, "learned")] == [12, 1, 8]
    assert fits(here) == [1, 3]


def test_spreads_declared_for_good_stay(db):
    here, _ = live(db, PooledLinear(refit=False))
    assert fits(here) == []


def test_a_decision_is_made_with_the_spreads_of_its_version(db):
    here, made = live(db, PooledLinear())
    with here.db.read() as conn:
        fitted = hyperparameters.of_version(conn, here.id, "learned", 3)
        nodes = beliefs.read_all_nodes(conn, here.id, "learned", 3)
        (verdict,) = replay_decisions(conn, here.kept, here.id, made[-1:])
    row = verdict.decision
    point = Points(np.ones((1, 1)), (row.group_id,), (row.unit_id,), ONE_ROW)
    scores = fitted.scores(nodes, point, 3)
    assert np.frombuffer(row.evidence.mean) == pytest.approx(scores.mean[0])
    assert np.frombuffer(row.evidence.sd) == pytest.approx(scores.sd[0])


def test_a_community_of_seventy_is_folded_in_blocks_and_made_again(db):
    here = a_program(db, with_strategy(posterior=PooledLinear(), limit_minor=10**6))
    community = "c" * 64  # as long as an id may be
    seat(here, *(f"{community},m{n},{n + 1}" for n in range(70)))
    members = [f"m{n}" for n in range(70)]
    made = decided(here, *members[:60])
    here.run(ingest, [came(name, 12, n % 2) for n, name in enumerate(members)], day=20)
    here.fold()
    made += decided(here, *members, day=FOLDED)
    here.run(ingest, [came(name, FOLDED + 12, n % 2) for n, name in enumerate(members)], day=FOLDED + 20)
    here.fold(2 * FOLDED)
    made += decided(here, *members, day=2 * FOLDED)
    with here.db.read() as conn:
        assert len(beliefs.read_all_nodes(conn, here.id, "learned", 1)) == 2
        assert len(beliefs.read_all_nodes(conn, here.id, "learned", 2)) > 20
        verdicts = list(replay_decisions(conn, Kept(), here.id, made, deep=True))
    assert all(verdict.agrees for verdict in verdicts)
    assert compare(here.db, Kept(), here.id) == []
