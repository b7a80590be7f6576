"""Refitted beliefs are kept with the version that first decides with them."""

import pytest
from msgspec import structs
from sqlalchemy.exc import IntegrityError

from engagement.bandits.pooled import Spread
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.store.hyperparameters import in_force, insert_hyperparameters, newest, of_version
from engagement.store.kept import Kept
from engagement.strategy.strategy import Strategy

DECLARED = Strategy(id="s", title="S", actions=("a",), posterior=PooledLinear())
FITTED = PooledLinear(effect=Spread(0.1, 0.2 / 3, 0.0), noise_sd=1 / 3)


@pytest.fixture
def conn(database, program):  # noqa: ARG001  the program is there before the transaction begins
    with database.write() as opened:
        insert_hyperparameters(opened, "01900000-0000-7000-8000-00000000000a", "s", 3, FITTED)
        yield opened


def test_numbers_come_back_exactly(conn, program):
    assert of_version(conn, program, "s", 3) == FITTED


def test_a_version_that_refitted_nothing_has_none(conn, program):
    assert [of_version(conn, program, "s", version) for version in (2, 4)] == [None, None]
    assert of_version(conn, program, "other", 3) is None


def test_they_hold_from_their_version_on(conn, program):
    assert [newest(conn, program, "s", version) for version in (0, 2, 3, 9)] == [0, 0, 3, 3]
    found = [in_force(conn, Kept(), program, DECLARED, version).posterior for version in (0, 2, 3, 9)]
    assert found == [DECLARED.posterior, DECLARED.posterior, FITTED, FITTED]


def test_only_the_belief_of_the_strategy_changes(conn, program):
    held = in_force(conn, Kept(), program, DECLARED, 3)
    assert (held.actions, held.allocation, held.floor) == (
        DECLARED.actions,
        DECLARED.allocation,
        DECLARED.floor,
    )


def test_what_is_remembered_of_a_version_is_not_read_again(conn, program):
    kept, remembered = Kept(), structs.replace(DECLARED, posterior=PooledLinear(noise_sd=0.1))
    kept.in_force.put((program, "s"), 3, (DECLARED, remembered))
    assert in_force(conn, kept, program, DECLARED, 3) is remembered


def test_what_is_remembered_of_a_strategy_is_forgotten_with_its_revision(conn, program):
    kept, revised = Kept(), structs.replace(DECLARED, posterior=PooledLinear(noise_sd=0.1))
    before = in_force(conn, kept, program, DECLARED, 2)
    assert (before, in_force(conn, kept, program, revised, 2)) == (DECLARED, revised)


def test_a_version_is_refitted_once(conn, program):
    with pytest.raises(IntegrityError), conn.begin_nested():
        insert_hyperparameters(conn, program, "s", 3, PooledLinear())
