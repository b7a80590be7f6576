"""The pooled belief goes through the whole of the service: decided, folded, made again and replayed."""

import pytest

from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare, derived
from engagement.workflows.replay import replay_decisions
from support.peer_groups import FOLDED, a_program, came, decided, seat_members, with_strategy


@pytest.fixture
def lived(db):
    """Two folds and a late correction of a strategy that pools."""
    here = a_program(db, with_strategy(posterior=PooledLinear()))
    members = seat_members(here, 12)
    made = decided(here, *members)
    here.run(ingest, [came(name, 12, n % 2) for n, name in enumerate(members)], day=20)
    here.fold()
    made += decided(here, *members, day=FOLDED)
    here.run(ingest, [came("m0", 8, 1, id="b", corrects="attendance/m0/12")], day=FOLDED)
    here.fold(FOLDED + 1)
    made += decided(here, "m0", day=FOLDED + 2, decision_point="a later meeting")
    return here, made


def test_every_group_has_a_node_of_its_own(lived):
    here, _ = lived
    nodes = {node for strategy, node, _ in here.read(derived).nodes if strategy == "learned"}
    assert nodes == {"", "g0", "g1"}


def test_what_is_derived_is_what_the_ledger_says(lived):
    here, _ = lived
    assert compare(here.db, here.kept, here.id) == []


def test_every_decision_is_made_again_the_same_with_the_belief_folded_anew(lived):
    here, made = lived
    with here.db.read() as conn:
        verdicts = list(replay_decisions(conn, here.kept, here.id, made, deep=True))
    assert [verdict.agrees for verdict in verdicts] == [True] * len(set(made))
