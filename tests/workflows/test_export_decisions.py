"""Decisions for researchers: what is in the file, and that values computed from it are the service's own."""

import csv
import io
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.cli import main
from engagement.errors import NotFound
from engagement.estimators.off_policy.ips import Ips
from engagement.estimators.off_policy.self_normalised_dr import SelfNormalisedDr
from engagement.estimators.reward_models import LinearRewards, cross_fitted
from engagement.estimators.sample import Sample, estimate
from engagement.store import decisions
from engagement.strategy.setup import Consent, Member
from engagement.strategy.strategy import Outcome, Strategy
from engagement.strategy.target import Always
from engagement.workflows.evaluate import Question, evaluate
from engagement.workflows.evaluate_log import evaluate_log, read_meaning
from engagement.workflows.export_decisions import as_csv, as_parquet, dictionary, export_decisions
from engagement.workflows.ingest import ingest
from engagement.workflows.log_columns import csv_columns
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.revise import revise
from support.peer_groups import FOLDED, Here, a_program, came, decided, ms, seat_members

EVENLY = Strategy(
    id="evenly",
    title="By even chance",
    actions=("call", "story"),
    features=("attendance",),
    posterior=LinearGaussian(),
    allocation=Uniform(),
    outcome=Outcome("posted", 35),
)
MAPPING = b"""
action = { column = "action" }
probability = { of = { none = "p_none", call = "p_call", story = "p_story" } }
outcome = { column = "reward" }
group = { column = "group" }
context = { attendance = "x_attendance" }
"""


class Shared(NamedTuple):
    """A program whose members agree to research, its decisions, and how many members there are."""

    here: Here
    ids: list[str]


def agree(here, members):
    here.run(revise, [Member(id=name, consent=Consent(research=True)) for name in members])


def shared(db, count, agreeing=None) -> Shared:
    here = a_program(db)
    here.run(revise, [EVENLY])
    members = seat_members(here, count)
    agree(here, members[: count if agreeing is None else agreeing])
    ids = decided(here, *members, strategy="evenly")
    rows = here.read(decisions.by_id, ids)
    posts = [(name, Posted(0.25 + 0.5 * (rows[name].action_id == "call"))) for name in ids[1:]]
    here.run(post_outcomes, posts, day=2.0)
    return Shared(here, ids)


@pytest.fixture(scope="module")
def many(db) -> Shared:
    return shared(db, 480)


def exported(here, day=FOLDED, **more):
    with here.db.read() as conn:
        return export_decisions(conn, here.kept, here.id, "evenly", ms(day), most=1_000, **more)


def lines(made):
    return list(csv.DictReader(io.StringIO(as_csv(made).decode())))


def test_a_line_says_what_the_ledger_says(many):
    rows = many.here.read(decisions.by_id, many.ids)
    told = lines(exported(many.here))
    assert len(told) == len(many.ids)
    known = [(row.action_id, row.probability / 2**32) for row in rows.values()]
    assert sorted((row["action"], float(row["probability"])) for row in told) == sorted(known)
    assert {row["closed"] for row in told} == {"1"}
    assert {row["closed"] for row in lines(exported(many.here, day=1.0))} == {"0"}
    silent = [row for row in told if row["reported"] == "0"]
    assert [row["reward"] for row in silent] == [""]


def test_probabilities_of_a_line_sum_to_one_and_are_0_only_where_an_action_was_not_available(many):
    for row in lines(exported(many.here)):
        shares = [float(row[f"p_{name}"]) for name in ("none", "call", "story")]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
        assert [one > 0 for one in shares] == [
            row[f"available_{name}"] == "1" for name in ("none", "call", "story")
        ]


def test_decision_points_are_numbered_for_each_unit(db):
    here, _ = shared(db, 2)
    decided(here, "m0", day=40.0, strategy="evenly")
    told = lines(exported(here, day=80.0))
    twice = [row for row in told if row["unit"] == told[-1]["unit"]]
    assert [(row["decision_point"], row["week"]) for row in twice] == [("0", "0"), ("1", "5")]
    assert len({row["unit"] for row in told}) == 2


def test_the_value_from_the_file_is_the_value_from_the_ledger(many):
    """Read back as any foreign log: all estimators, their intervals and the cover agree."""
    asked = Question(strategy="evenly", target=Always("call"), look=1)
    own = evaluate(many.here.db, many.here.kept, many.here.id, asked, ms(FOLDED)).value
    columns = csv_columns(as_csv(exported(many.here)).decode())
    foreign = evaluate_log(columns, read_meaning(MAPPING), Always("call"), look=1).value
    assert foreign.cover == own.cover
    for one, other in zip(foreign.estimates, own.estimates, strict=True):
        assert (one.value, one.sd) == pytest.approx((other.value, other.sd), abs=1e-9)


def test_estimators_called_by_hand_on_the_file_give_the_service_s_numbers(many):
    told = [row for row in lines(exported(many.here)) if row["reported"] == "1"]
    groups = list(dict.fromkeys(row["group"] for row in told))
    features = np.array([[float(row["x_intercept"]), float(row["x_attendance"])] for row in told])
    action = np.array([int(row["action_number"]) for row in told])
    reward = np.array([float(row["reward"]) for row in told])
    cluster = np.array([groups.index(row["group"]) for row in told])
    logged = np.array([float(row["probability"]) for row in told])
    target = np.tile([0.0, 1.0, 0.0], (len(told), 1))
    predicted = cross_fitted(LinearRewards(), features, action, reward, cluster, 3)
    sample = Sample(action, reward, logged, target, target >= 0, predicted, cluster)
    asked = Question(strategy="evenly", target=Always("call"))
    own = evaluate(many.here.db, many.here.kept, many.here.id, asked, ms(FOLDED)).value
    found = {row.estimator: row for row in own.estimates}
    for kind, name in ((Ips(), "ips"), (SelfNormalisedDr(), "self_normalised_dr")):
        by_hand = estimate(kind.terms(sample), cluster)
        assert (found[name].value, found[name].sd) == pytest.approx((by_hand.value, by_hand.sd), abs=1e-12)


def test_who_has_not_agreed_to_research_is_not_in_it(db):
    here, _ = shared(db, 10, agreeing=7)
    made = exported(here)
    assert (len(made.rows), made.without_consent) == (7, 3)
    agree(here, ["m7"])
    assert len(exported(here).rows) == 8


def test_no_id_of_the_program_is_in_it_and_ids_stay_the_same(db):
    here, ids = shared(db, 10)
    text = as_csv(exported(here)).decode()
    assert not [name for name in ("m1", "g0", "g1", *ids) if name in text.replace(",", " ").split()]
    assert as_csv(exported(here)).decode() == text
    other, _ = shared(db, 10)
    assert not {row["unit"] for row in lines(exported(other))} & {
        row["unit"] for row in lines(exported(here))
    }


def test_groups_with_fewer_units_are_left_out(db):
    """Eight members in the first group and two in the second."""
    here, _ = shared(db, 10)
    made = exported(here, least=3)
    assert (len(made.rows), made.suppressed) == (8, 2)
    assert len({row["group"] for row in lines(made)}) == 1


def test_a_value_that_few_units_hold_is_emptied(db):
    here, _ = shared(db, 16)
    here.run(ingest, [came("m3", 1.0)], day=2.0)
    decided(here, *(f"m{n}" for n in range(16)), day=40.0, strategy="evenly")
    plain, made = (exported(here, day=80.0, least=least) for least in (0, 2))
    assert plain.blanked == 0
    assert made.blanked > 0
    kept = [row["x_attendance"] for row in lines(made) if row["x_attendance"]]
    assert len(set(kept)) < len({row["x_attendance"] for row in lines(plain)})


def test_the_dictionary_explains_every_column(many):
    made = exported(many.here)
    told = list(csv.DictReader(io.StringIO(dictionary(made).decode())))
    assert [row["name"] for row in told] == list(lines(made)[0])
    assert all(row["meaning"] and row["kind"] in ("id", "whole", "number", "yes_no", "word") for row in told)


def test_an_unknown_strategy_is_not_found(many):
    here = many.here
    with here.db.read() as conn, pytest.raises(NotFound):
        export_decisions(conn, here.kept, here.id, "nobody", ms(0), most=10)


def test_the_command_writes_the_file_and_its_dictionary(db, tmp_path, capsys):
    here, _ = shared(db, 10, agreeing=8)
    url = db.url.render_as_string(hide_password=False)
    asked = ["--strategy", "evenly", "--program", here.id, "--database", url]
    assert main(["export", "decisions", str(tmp_path / "d.csv"), *asked]) == 0
    assert main(["export", "decisions", str(tmp_path / "d.parquet"), *asked]) == 0
    assert "2 of members who have not agreed" in capsys.readouterr().out
    as_text = list(csv.DictReader((tmp_path / "d.csv").read_text().splitlines()))
    as_table = pq.read_table(tmp_path / "d.parquet").to_pylist()
    assert [row["unit"] for row in as_text] == [row["unit"] for row in as_table]
    assert [float(row["p_call"]) for row in as_text] == [row["p_call"] for row in as_table]
    assert (tmp_path / "d.dictionary.csv").read_text().startswith("name,kind,meaning\n")
    assert main(["export", "decisions", str(tmp_path / "d.xlsx"), *asked]) == 2
    assert main(["export", "decisions", str(tmp_path / "d.csv"), *asked[2:]]) == 2


def test_an_empty_strategy_has_a_file_with_columns_and_no_lines(db):
    here = a_program(db)
    here.run(revise, [msgspec.structs.replace(EVENLY)])
    made = exported(here)
    assert (made.rows, lines(made)) == ((), [])
    assert as_parquet(made)
