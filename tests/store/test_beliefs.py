"""Versions, nodes, claims, and what is still to be folded."""

import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError

from engagement.records import ROOT
from engagement.store import beliefs, decisions
from engagement.store.beliefs import Entry, Version
from engagement.store.decisions import OutcomeRow


def header(version, strategy="s"):
    return Version(strategy, version, 1, 0, 0, 10 * version)


@pytest.fixture
def conn(database, program):  # noqa: ARG001  the program is there before the transaction begins
    with database.write() as opened:
        yield opened


def test_before_the_first_version_the_pointer_is_0(conn, program):
    assert beliefs.pointers(conn, program, ["s"]) == {"s": 0}


def test_the_pointer_is_the_newest_published_version(conn, program):
    for made in (header(1), header(2), header(1, "other")):
        beliefs.publish(conn, program, made)
    assert beliefs.pointers(conn, program, ["s", "other", "none"]) == {"s": 2, "other": 1, "none": 0}
    assert beliefs.versions(conn, program, "s") == [header(1), header(2)]


def test_a_version_is_published_once(conn, program):
    beliefs.publish(conn, program, header(1))
    with pytest.raises(IntegrityError), conn.begin_nested():
        beliefs.publish(conn, program, header(1))


def write(conn, program, version, **nodes):
    named = {key.replace("root", ROOT): np.array([float(value)]) for key, value in nodes.items()}
    beliefs.write_nodes(conn, program, "s", version, named)


def read(conn, program, version, *keys):
    found = beliefs.read_nodes(conn, program, "s", keys, version)
    return {key: state.tolist() for key, state in found.items()}


def test_a_node_is_valid_from_its_version_on(conn, program):
    write(conn, program, 1, root=1, g=10)
    write(conn, program, 3, root=3)
    states = [read(conn, program, version, ROOT, "g", "h") for version in (0, 1, 2, 3, 9)]
    assert states == [
        {},
        {ROOT: [1.0], "g": [10.0]},
        {ROOT: [1.0], "g": [10.0]},
        {ROOT: [3.0], "g": [10.0]},
        {ROOT: [3.0], "g": [10.0]},
    ]


def test_writing_a_versions_nodes_again_replaces_them(conn, program):
    write(conn, program, 1, root=1)
    write(conn, program, 1, root=2)
    assert read(conn, program, 1, ROOT) == {ROOT: [2.0]}


def test_nodes_beyond_a_version_are_dropped_and_no_others(conn, program):
    write(conn, program, 1, root=1)
    write(conn, program, 2, root=2, g=2)
    beliefs.drop_nodes(conn, program, "s", 1)
    assert read(conn, program, 9, ROOT, "g") == {ROOT: [1.0]}


def claim(conn, program, owner, now_ms):
    return beliefs.claim(conn, program, "s", 1, owner, now_ms, now_ms + 100)


def test_the_first_to_claim_a_version_has_it(conn, program):
    assert claim(conn, program, "one", 0)
    assert not claim(conn, program, "two", 99)


def test_a_claim_is_taken_over_when_its_time_has_run_out(conn, program):
    claim(conn, program, "one", 0)
    assert claim(conn, program, "two", 100)
    assert not claim(conn, program, "one", 150)


def test_who_holds_a_claim_may_claim_again(conn, program):
    claim(conn, program, "one", 0)
    assert claim(conn, program, "one", 50)


def test_claims_of_another_version_are_apart(conn, program):
    claim(conn, program, "one", 0)
    assert beliefs.claim(conn, program, "s", 2, "two", 0, 100)


def test_a_holder_prolongs_its_claim(conn, program):
    claim(conn, program, "one", 0)
    assert beliefs.holds(conn, program, "s", 1, "one", 500)
    assert not claim(conn, program, "two", 499)


def test_whose_claim_was_taken_over_holds_it_no_more(conn, program):
    claim(conn, program, "one", 0)
    claim(conn, program, "two", 100)
    assert not beliefs.holds(conn, program, "s", 1, "one", 900)
    assert claim(conn, program, "three", 200)


def test_a_released_claim_is_free(conn, program):
    claim(conn, program, "one", 0)
    beliefs.release(conn, program, "s", 1)
    assert not beliefs.holds(conn, program, "s", 1, "one", 500)
    assert claim(conn, program, "two", 1)


NOW = 10_000


@pytest.fixture
def earned(conn, program, decision):
    """Stores a decision with these rewards, one a revision, and returns its id."""

    def store(*rewards, **fields):
        made = decision(**fields)
        decisions.insert_decisions(conn, program, [made])
        rows = [
            (made.strategy_id, OutcomeRow(made.decision_id, number, reward, "signals", 0))
            for number, reward in enumerate(rewards, start=1)
        ]
        decisions.insert_outcomes(conn, program, rows)
        return made.decision_id

    return store


def unfolded(conn, program, version=1, limit=100):
    return beliefs.unfolded(conn, program, "s", version, NOW, limit)


def test_an_outcome_that_no_entry_names_is_to_be_folded(conn, program, earned):
    name = earned(0.5)
    assert unfolded(conn, program, version=7) == [Entry(name, 1, 7, 0.5)]


def test_silence_is_folded_too_so_that_it_is_not_chosen_again(conn, program, earned):
    name = earned(None)
    entries = unfolded(conn, program)
    assert entries == [Entry(name, 1, 1, None)]
    beliefs.insert_entries(conn, program, "s", entries)
    assert unfolded(conn, program) == []


def test_a_decision_without_an_outcome_is_not_folded(conn, program, earned):
    earned()
    assert unfolded(conn, program) == []


@pytest.mark.parametrize(("closes_at", "count"), [(NOW, 1), (NOW + 1, 0)])
def test_a_decision_folds_when_its_window_has_closed(conn, program, earned, closes_at, count):
    earned(1.0, closes_at=closes_at)
    assert len(unfolded(conn, program)) == count


def test_of_several_revisions_only_the_newest_is_folded(conn, program, earned):
    name = earned(0.0, None, 1.0)
    assert unfolded(conn, program) == [Entry(name, 3, 1, 1.0)]


def test_a_revision_after_folding_is_folded_again(conn, program, earned):
    name = earned(0.0)
    beliefs.insert_entries(conn, program, "s", unfolded(conn, program))
    decisions.insert_outcomes(conn, program, [("s", OutcomeRow(name, 2, 1.0, "signals", 0))])
    assert unfolded(conn, program, version=2) == [Entry(name, 2, 2, 1.0)]


def test_another_strategys_outcomes_are_its_own(conn, program, earned):
    earned(1.0, strategy_id="other")
    assert unfolded(conn, program) == []


@pytest.mark.parametrize(("arm", "count"), [("learning", 1), ("shadow", 1), ("control", 0)])
def test_of_a_control_group_nothing_is_learned(conn, program, earned, arm, count):
    earned(1.0, arm=arm)
    assert len(unfolded(conn, program)) == count


def test_a_row_minted_first_that_commits_last_is_still_found(conn, program, earned):
    earned(1.0, moment=2_000)
    beliefs.insert_entries(conn, program, "s", unfolded(conn, program))
    late = earned(0.0, moment=1_000)
    assert [entry.decision_id for entry in unfolded(conn, program)] == [late]


def test_at_most_so_many_are_given_in_order_of_decision(conn, program, earned):
    names = sorted(earned(1.0, moment=moment) for moment in (3_000, 1_000, 2_000))
    assert [entry.decision_id for entry in unfolded(conn, program, limit=2)] == names[:2]


def test_a_versions_entries_are_told_in_order_of_decision(conn, program, earned):
    names = [earned(1.0, moment=moment) for moment in (3_000, 1_000, 2_000)]
    entries = [Entry(name, 1, 4, 1.0) for name in names]
    beliefs.insert_entries(conn, program, "s", entries)
    assert beliefs.entries_of_version(conn, program, "s", 4) == sorted(entries)
    assert beliefs.entries_of_version(conn, program, "s", 5) == []


def test_an_outcomes_revision_is_learned_once(conn, program, earned):
    entry = Entry(earned(1.0), 1, 1, 1.0)
    beliefs.insert_entries(conn, program, "s", [entry])
    with pytest.raises(IntegrityError), conn.begin_nested():
        beliefs.insert_entries(conn, program, "s", [entry._replace(version=2)])


def test_a_correction_replaces_the_entry_folded_last_before_it(conn, program, earned):
    name = earned(0.0, 0.5, None, 1.0)  # the third revision was superseded before anybody folded
    first, second = Entry(name, 1, 1, 0.0), Entry(name, 2, 2, 0.5)
    beliefs.insert_entries(conn, program, "s", [first, second])
    assert beliefs.replaced_by(conn, program, [Entry(name, 4, 3, 1.0)]) == {name: second}
    assert beliefs.replaced_by(conn, program, [second]) == {name: first}


def test_a_first_entry_replaces_nothing_even_at_a_later_revision(conn, program, earned):
    name = earned(0.0, 1.0)
    assert beliefs.replaced_by(conn, program, [Entry(name, 2, 1, 1.0)]) == {}
