"""What a log taught is printed as a prior, and another strategy that is declared with it starts there."""

import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engagement.errors import Conflict, Invalid, NotFound
from engagement.store import decisions
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.replay import scored
from engagement.strategy.strategy import Strategy
from engagement.workflows.fold import fold_program
from engagement.workflows.import_log import import_log
from engagement.workflows.log_mapping import read_mapping
from engagement.workflows.prior import in_words, prior
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise

EXAMPLES = Path(__file__).parents[2] / "examples" / "foreign-log"
WALKS = (EXAMPLES / "synthetic-walks.csv").read_text()
MAPPING = (EXAMPLES / "synthetic-walks.toml").read_text()
NOW = 1_750_000_000_000  # 15 June 2025
COUNTED = '{ kind = "beta_bernoulli", prior_successes = 0.5, half_life_weeks = 5000 }'


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


def imported(database, posterior='{ kind = "beta_bernoulli" }'):
    """A program that the log of walks was imported into."""
    mapping = read_mapping(MAPPING.replace('{ kind = "linear_gaussian" }', posterior).encode())
    with database.write() as conn:
        return import_log(conn, Kept(), WALKS, mapping, NOW).program_id


def learned(database, posterior='{ kind = "beta_bernoulli" }'):
    """The same, and learned from."""
    program = imported(database, posterior)
    fold_program(database, Kept(), program, "test", NOW)
    return program


def printed(database, program, **said):
    with database.read() as conn:
        return in_words(prior(conn, Kept(), program, "walks", **said))


def pasted(words, **fields):
    """A strategy of a set-up file, with the prior put into it."""
    (read,) = tomllib.loads(f'[[strategies]]\nid = "next"\ntitle = "Next"\n{words}')["strategies"]
    return read | {"actions": ["text", "call"], "outcome": {"kind": "posted"}, "features": []} | fields


def first_scores(database, program, declared):
    """What a strategy believes when it is asked for the first time."""
    kept = Kept()
    with database.write() as conn:
        [stored] = revise(conn, kept, program, [msgspec.convert(declared, Strategy)], NOW)
        assert not isinstance(stored, Exception)
        [answer] = recommend(conn, kept, program, [Ask(member="P-01", strategy="next")], NOW)
        return scored(decisions.by_id(conn, program, [answer.decision_id])[answer.decision_id].evidence)


def test_a_strategy_declared_with_what_a_log_taught_starts_from_it(database):
    program = learned(database)
    scores = first_scores(database, program, pasted(printed(database, program)))
    # minutes of 60: none 5 + 15 + 0 in 3 lines, text 30 + 25 + 10 + 35 in 4, call 45 + 20 + 60 in 3;
    # with 1 and 1 beforehand (1 + ⅓)/5, (1 + 1⅔)/6 and (1 + 2 1/12)/5
    assert scores.mean[0] == pytest.approx([4 / 15, 4 / 9, 37 / 60])


def test_its_spread_is_that_of_as_many_results(database):
    program = learned(database)
    scores = first_scores(database, program, pasted(printed(database, program)))
    # p(1 − p)/(a + b + 1), with a + b of 5, 6 and 5
    mean, size = np.array([4 / 15, 4 / 9, 37 / 60]), np.array([5, 6, 5])
    assert scores.sd[0] ** 2 == pytest.approx(mean * (1 - mean) / (size + 1))


def test_a_log_counts_for_as_much_as_one_says(database):
    program = learned(database)
    scores = first_scores(database, program, pasted(printed(database, program, worth_at_most=1)))
    # means 1/9, 5/12 and 25/36, of one result each
    assert scores.mean[0] == pytest.approx([(1 + 1 / 9) / 3, (1 + 5 / 12) / 3, (1 + 25 / 36) / 3])


@pytest.mark.parametrize("kind", ["gaussian", "gaussian_unknown_noise"])
def test_beliefs_about_means_hand_on_the_same_averages(database, kind):
    program = learned(database, f'{{ kind = "{kind}" }}')
    expected = pasted(printed(database, program))["posterior"]["expected"]
    assert [one["action"] for one in expected] == ["none", "text", "call"]
    assert [one["mean"] for one in expected] == pytest.approx([1 / 9, 5 / 12, 25 / 36])
    assert [one["worth"] for one in expected] == [3, 4, 3]


def test_what_the_strategy_declared_otherwise_is_printed_with_it(database):
    program = learned(database, COUNTED)
    declared = pasted(printed(database, program))["posterior"]
    assert (declared["prior_successes"], declared["half_life_weeks"]) == (0.5, 5000)


def test_the_printed_prior_says_where_it_comes_from(database):
    program = learned(database)
    first = printed(database, program).splitlines()[0]
    assert first == "# what `walks` had learned from 10 results by version 1"


def test_a_belief_that_is_more_than_means_is_refused(database):
    program = learned(database, '{ kind = "linear_gaussian" }')
    with pytest.raises(Invalid, match="`walks` believes more than a mean of each action"):
        printed(database, program)


def test_before_anything_was_learned_there_is_no_prior(database):
    program = imported(database)
    with pytest.raises(Conflict, match="learned nothing yet"):
        printed(database, program)


def test_a_strategy_that_is_not_there_is_refused(database):
    program = learned(database)
    with database.read() as conn, pytest.raises(NotFound, match="no strategy `dance`"):
        prior(conn, Kept(), program, "dance")


@pytest.mark.parametrize("worth", [0.0, -1.0, float("nan")])
def test_a_log_that_is_worth_no_number_of_results_is_refused(database, worth):
    program = learned(database)
    with pytest.raises(Invalid, match="positive number"):
        printed(database, program, worth_at_most=worth)
