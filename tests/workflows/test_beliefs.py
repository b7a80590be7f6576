"""Every belief in service: learned from a log in pieces, rebuilt, decided with, replayed from the ledger."""

from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest

from engagement.bandits.posteriors import AnyPosterior
from engagement.store import decisions
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.fold import fold_program
from engagement.workflows.import_log import import_log
from engagement.workflows.log_mapping import read_mapping
from engagement.workflows.rebuild import compare
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions

EXAMPLES = Path(__file__).parents[2] / "examples" / "foreign-log"
WALKS = (EXAMPLES / "synthetic-walks.csv").read_text()
MAPPING = read_mapping((EXAMPLES / "synthetic-walks.toml").read_bytes())
NOW = 1_750_000_000_000  # 15 June 2025
BELIEFS = [belief(half_life_weeks=4) for belief in get_args(AnyPosterior)]

each_belief = pytest.mark.parametrize("belief", BELIEFS, ids=lambda belief: type(belief).__name__)


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


def learned(database, belief):
    """A program whose strategy has this belief, and has learned the log in two versions, four rows first."""
    strategy = msgspec.structs.replace(MAPPING.strategy, posterior=belief)
    mapping = msgspec.structs.replace(MAPPING, strategy=strategy)
    with database.write() as conn:
        program = import_log(conn, Kept(), WALKS, mapping, NOW).program_id
    fold_program(database, Kept(), program, "test", NOW, most=4)
    return program


def decided(database, program):
    with database.write() as conn:
        ask = Ask(member="P-02", context={"rain": 1, "walked": 20})
        [answer] = recommend(conn, Kept(), program, [ask], NOW)
    return answer


@each_belief
def test_what_was_folded_in_pieces_is_what_a_rebuild_makes(database, belief):
    program = learned(database, belief)
    assert compare(database, Kept(), program) == []


@each_belief
def test_a_decision_made_with_it_is_replayed_from_the_ledger(database, belief):
    program = learned(database, belief)
    made = decided(database, program)
    with database.read() as conn:
        [verdict] = replay_decisions(conn, Kept(), program, [made.decision_id], deep=True)
    assert (verdict.replayed.checked, verdict.replayed.agrees) == (("pick", "probability", "scores"), True)


@each_belief
def test_it_decides_itself_and_no_fallback(database, belief):
    program = learned(database, belief)
    made = decided(database, program)
    with database.read() as conn:
        stored = decisions.by_id(conn, program, [made.decision_id])[made.decision_id]
    assert (stored.fallback, bool(np.frombuffer(stored.evidence.sd).any())) == (None, True)
