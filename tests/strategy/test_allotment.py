"""Permuted blocks that are balanced, reproducible and cannot be foreseen."""

from collections import Counter
from datetime import date

import msgspec
import pytest
from scipy import stats

from engagement.strategy.allotment import arm_at, protocol_hash, stratum_of
from engagement.strategy.trial import Amendment, Parallel, Protocol, Trial, TrialCondition

TRIAL = Trial(
    id="t",
    title="Which",
    conditions=(TrialCondition(id="a", title="A"), TrialCondition(id="b", title="B")),
    starts_on=date(2026, 4, 1),
    blocks=(2,),
)
SECRET = bytes(range(32))


def the_list(trial, count, stratum="all", secret=SECRET):
    return [arm_at(secret, "program", trial, stratum, place) for place in range(count)]


def test_every_block_is_balanced():
    entries = the_list(TRIAL, 40)
    assert all(Counter(entries[n : n + 4]) == {"a": 2, "b": 2} for n in range(0, 40, 4))


def test_weights_are_kept_in_every_block():
    trial = msgspec.structs.replace(TRIAL, design=Parallel((1, 3)), blocks=(1,))
    entries = the_list(trial, 40)
    assert all(Counter(entries[n : n + 4]) == {"a": 1, "b": 3} for n in range(0, 40, 4))


def test_sizes_of_blocks_are_drawn_as_well():
    """With sizes 1 and 2 of two arms no prefix is out of balance by more than half the longest block."""
    entries = the_list(msgspec.structs.replace(TRIAL, blocks=(1, 2)), 400)
    lead = [entries[:n].count("a") - entries[:n].count("b") for n in range(401)]
    assert max(map(abs, lead)) == 2
    assert any(lead[n] for n in range(2, 400, 4))  # not all blocks are of two
    assert any(lead[n] for n in range(4, 400, 4))  # nor all of four


def test_the_list_is_the_same_every_time_and_another_under_another_secret_stratum_or_trial():
    entries = the_list(TRIAL, 60)
    assert the_list(TRIAL, 60) == entries
    others = (
        the_list(TRIAL, 60, secret=bytes(32)),
        the_list(TRIAL, 60, stratum="setting=urban"),
        the_list(msgspec.structs.replace(TRIAL, id="u"), 60),
    )
    assert all(other != entries for other in others)


def test_all_orders_of_a_block_are_equally_likely():
    """Six orders of two and two over 1,200 secrets: χ² of 5 degrees of freedom, at the level .001."""
    seen = Counter("".join(the_list(TRIAL, 4, secret=number.to_bytes(16, "big"))) for number in range(1200))
    assert len(seen) == 6
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


def test_a_stratum_is_named_by_its_facts():
    assert stratum_of(TRIAL, ["urban"]) == "setting=urban"
    assert stratum_of(msgspec.structs.replace(TRIAL, strata=()), []) == "all"


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"title": "Other"}, True),
        ({"ended": True}, True),
        ({"amendments": (Amendment(made_on=date(2026, 4, 2), why="…"),)}, True),
        ({"protocol": Protocol(horizon_months=24)}, False),
        ({"blocks": (1, 2)}, False),
    ],
)
def test_the_hash_is_of_design_and_protocol(changes, same):
    changed = msgspec.structs.replace(TRIAL, **changes)
    assert (protocol_hash(changed) == protocol_hash(TRIAL)) == same
    assert len(protocol_hash(TRIAL)) == 64
