"""What another policy would have earned, by the log of another system."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engagement.cli import main
from engagement.errors import Invalid
from engagement.strategy.target import Always, AsLogged, Even
from engagement.workflows.evaluate_log import evaluate_log, read_meaning, read_table
from engagement.workflows.log_columns import csv_columns, read_columns
from engagement.workflows.logged import LeftOut

EXAMPLES = Path(__file__).parents[2] / "examples" / "foreign-log"
TAKEN = b"""
action = { column = "did" }
probability = { taken = "p" }
outcome = { column = "came" }
group = { column = "group" }
[context]
rain = "rain"
"""
SMALL = "group,did,p,came,rain\na,call,0.5,1,0\na,none,0.5,0,1\nb,call,0.25,1,\nb,none,0.75,NA,0\n"


def small(policy, content=SMALL, meaning=TAKEN):
    return evaluate_log(csv_columns(content), read_meaning(meaning), policy)


def long(rows=400, groups=40):
    """Synthetic: a call is drawn with .25 and earns 1, else nothing is done and earns 0."""
    called = np.arange(rows) % 4 == 0
    drawn = ["call,0.25,1" if one else "none,0.75,0" for one in called]
    lines = (f"g{n % groups},{one},{n % 7}" for n, one in enumerate(drawn))
    return "\n".join(("group,did,p,came,rain", *lines))


def test_a_policy_is_worth_what_its_action_earned():
    found = small(Always("call"), long())
    assert found.value.enough
    assert {row.estimator: row.value for row in found.value.estimates} == pytest.approx(
        dict.fromkeys((row.estimator for row in found.value.estimates), 1.0), abs=1e-9
    )


def test_what_the_log_is_silent_of_is_left_out_and_counted_by_action():
    found = small(Always("call"))
    assert (found.decisions, found.left_out, found.clusters) == (3, LeftOut(unreported=1), "group")
    assert [(row.action, row.decisions, row.unreported) for row in found.reports] == [
        ("none", 2, 1),
        ("call", 2, 0),
    ]
    assert found.value.earned == pytest.approx(2 / 3)


def test_what_had_no_chance_in_it_is_left_out():
    found = small(Even(), SMALL.replace("0.75,NA", "1,1"))
    assert (found.decisions, found.left_out) == (3, LeftOut(forced=1))


def test_too_little_is_said_with_how_much_more_would_do():
    cover = small(Always("call")).value.cover
    # weights 2, 0 and 4: (2 + 4)²/(4 + 16) = 1.8 of 3; per group 2 and 4, the same
    assert (cover.effective, cover.effective_groups) == pytest.approx((1.8, 1.8))
    assert cover.further == np.ceil(3 * (100 / 1.8 - 1))


def test_the_probability_of_every_action_is_known_where_only_one_was_not_logged():
    """Of two actions the other's follows; `of` names one, so that the value of what was done can be told."""
    of = TAKEN.replace(b'taken = "p"', b'of = { call = "p" }')
    content = long().replace("none,0.75", "none,0.25")
    found = small(AsLogged(), content, of)
    assert found.value.cover.effective == pytest.approx(400)
    words = b'{ column = "did", values = { call = "call", none = "none", x = "x" } }'
    three = TAKEN.replace(b'{ column = "did" }', words)
    with pytest.raises(Invalid, match="probability of every action"):
        small(AsLogged(), long(), three)


def test_what_the_log_never_does_is_unsupported_and_not_taken_for_nothing():
    both = TAKEN.replace(b'taken = "p"', b'of = { call = "p", none = "q" }')
    content = "group,did,p,q,came,rain\na,call,0.5,0.5,1,0\nb,none,0.5,0.5,1,0\nb,none,0,1,1,0\n"
    never = small(Always("visit"), content, both).value.cover
    assert (never.unsupported, never.effective, never.further) == (1.0, 0.0, None)
    # of the two decisions with chance in them both could be a call
    assert small(Always("call"), content, both).value.cover.unsupported == 0.0
    third = both.replace(b'none = "q" }', b'none = "q", text = "r" }').replace(
        b'column = "did"', b'column = "did", values = { call = "call", none = "none", text = "text" }'
    )
    content = "group,did,p,q,r,came,rain\na,call,0.5,0.5,0,1,0\nb,none,0.5,0.25,0.25,1,0\n"
    assert small(Even(), content, third).value.cover.unsupported == pytest.approx(1 / 6)


def test_a_table_gives_a_policy_by_columns_of_the_log():
    rows = ("0,call,1", "1,call,0.5", "1,none,0.5", *(f"{rain},none,1" for rain in range(2, 7)))
    rain, called = np.arange(400) % 7, np.arange(400) % 4 == 0
    call = np.select([rain == 0, rain == 1], [1.0, 0.5], 0.0)
    weight = np.where(called, call / 0.25, (1 - call) / 0.75)
    found = small(read_table(csv_columns("\n".join(("rain,action,probability", *rows)))), long())
    ips = next(row for row in found.value.estimates if row.estimator == "ips")
    assert ips.value == pytest.approx((weight * called).mean(), abs=1e-12)


def test_a_table_that_leaves_a_place_out_names_it():
    table = read_table(csv_columns("group,action,probability\na,call,1\n"))
    with pytest.raises(Invalid, match="sum to 0, not 1: group b"):
        small(table)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0.25,1", "1.5,1", "line 4, p: `1.5` is no probability"),
        ("0.25,1", ",1", "line 4, p: `` is no probability"),
        ("0.25,1", "0,1", "line 4, did: `call` was done, though its probability is 0"),
        ("0.25,1", "0.25,2", "line 4, came: `2` lies outside 0 to 1"),
        ("0.25,1", "0.25,yes", "line 4, came: `yes` is not a number"),
        ("0.25,1", "0.25,inf", "line 4, came: `inf` is not a finite number"),
        ("b,call", ",call", "line 4, group: `` is empty"),
        ("b,call,0.25", "b,call", "line 4: 4 cells under 5 columns"),
        ("rain", "snow", "the log has no column `rain`; it has group, did, p, came, snow"),
        ("rain", "came", "names `came` twice"),
    ],
)
def test_a_log_with_a_bad_cell_is_refused_with_its_place(old, new, words):
    with pytest.raises(Invalid, match=words):
        small(Even(), SMALL.replace(old, new, 1))


@pytest.mark.parametrize("content", ["", "\n", "group,did,p,came,rain", "group,did,p,came,rain\n\n"])
def test_a_log_of_nothing_is_refused(content):
    with pytest.raises(Invalid, match="no line below the names of the columns"):
        small(Even(), content)


def test_a_table_of_nothing_is_refused(tmp_path):
    pq.write_table(pa.table({"group": pa.array([], pa.string())}), tmp_path / "log.parquet")
    with pytest.raises(Invalid, match="no line below the names of the columns"):
        read_columns(tmp_path / "log.parquet")


def test_probabilities_that_do_not_sum_to_1_are_refused():
    of = TAKEN.replace(b'taken = "p"', b'of = { call = "p", none = "q" }')
    with pytest.raises(Invalid, match="sum to more than 1"):
        small(Even(), "group,did,p,q,came,rain\na,call,0.5,0.6,1,0\n", of)
    with pytest.raises(Invalid, match="sum to less than 1"):
        small(Even(), "group,did,p,q,came,rain\na,call,0.5,0.4,1,0\n", of)


def test_parquet_says_the_same_as_csv(tmp_path):
    columns = csv_columns(long())
    numbers = {"p": float, "came": float, "rain": float}
    table = {name: [numbers.get(name, str)(cell) for cell in cells] for name, cells in columns.cells.items()}
    pq.write_table(pa.table(table), tmp_path / "log.parquet")
    read = read_columns(tmp_path / "log.parquet")
    meaning = read_meaning(TAKEN)
    assert evaluate_log(read, meaning, Even()) == evaluate_log(columns, meaning, Even())
    read.cells["came"][0] = None
    assert evaluate_log(read, meaning, Even()).left_out.unreported == 1


def test_the_weeks_of_a_log_are_its_looks():
    timed = (
        TAKEN
        + b"""
[time]
column = "on"
[strategy]
id = "s"
title = "S"
actions = ["call"]
outcome = { kind = "posted", window_days = 1 }
"""
    )
    days = ["on", *(f"2026-03-{2 + n % 28:02d}T08:00:00Z" for n in range(400))]
    lines = [f"{line},{day}" for line, day in zip(long().splitlines(), days, strict=True)]
    found = small(Even(), "\n".join(lines), timed)
    assert found.value.look == 4  # 2 March 2026 is a Monday
    assert 0 <= found.value.these[0] < found.value.these[1] <= 1


PAGE = """position,action,reward,propensity,user_feature_0,user_feature_1,user_feature_2,user_feature_3
0,3,0,0.5,1,0,2,0
0,17,1,0.5,1,1,2,0
1,3,0,0.25,0,0,1,3
1,17,0,0.75,2,0,2,1
"""
"""Made-up lines with the columns of the Open Bandit logs."""


def test_a_log_of_a_shop_without_people_and_times_is_read_line_by_line():
    meaning = read_meaning((EXAMPLES / "open-bandit.toml").read_bytes())
    mix = read_table(csv_columns("position,action,probability\n0,17,1\n1,3,0.5\n1,17,0.5\n"))
    found = evaluate_log(csv_columns(PAGE), meaning, mix)
    # weights 0, 2, 2 and 2/3: their sum squared over the sum of squares is (14/3)²/(76/9)
    assert (found.clusters, found.decisions) == ("line", 4)
    assert found.value.cover.effective == pytest.approx((14 / 3) ** 2 / (76 / 9))


def real(*parts):
    """A file of the folder of real logs; without it a test says that it did not run."""
    file = Path(os.environ.get("TEST_DATA_FOLDER") or "absent", *parts)
    if not file.is_file():
        pytest.skip(f"TEST_DATA_FOLDER names no folder with {'/'.join(parts)}")
    return file


@pytest.mark.parametrize("policy", ["bts", "random"])
def test_the_unbiased_estimators_hold_what_the_other_shop_s_log_earned(policy):
    """Saito et al. 2021. bts is taken for the mix that it had at each place; random is even."""
    random, bts = (read_columns(real("open_bandit_men", f"{name}.csv.gz")) for name in ("random", "bts"))
    meaning = read_meaning((EXAMPLES / "open-bandit.toml").read_bytes())
    if policy == "bts":
        shown = list(zip(bts.words("position"), bts.words("action"), strict=True))
        places, counts = Counter(place for place, _ in shown), Counter(shown)
        rows = (f"{place},{item},{count / places[place]}" for (place, item), count in counts.items())
        asked = read_table(csv_columns("\n".join(("position,action,probability", *rows))))
        log, other = random, bts
    else:
        log, other, asked = bts, random, Even()
    truth = other.numbers("reward").mean()
    found = {row.estimator: row for row in evaluate_log(log, meaning, asked).value.estimates}
    for name in ("self_normalised_dr", "doubly_robust", "self_normalised_ips"):
        assert found[name].interval[0] < truth < found[name].interval[1]


def test_nine_people_are_too_few_however_many_decisions():
    log = read_columns(real("oralytics_pilot", "decisions.csv"))
    meaning = read_meaning((EXAMPLES / "oralytics-pilot.toml").read_bytes())
    found = evaluate_log(log, meaning, Always("send"))
    assert (found.clusters, found.decisions, found.value.cover.groups) == ("unit", 707, 9)
    assert (found.value.enough, found.value.cover.further) == (False, 92)


def evaluated(capsys, *words):
    code = main(["evaluate", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_says_not_enough_data_in_words(capsys, tmp_path):
    """The twelve made-up lines of the example, whose ninth claims a probability of 1.35."""
    log, mapping = EXAMPLES / "synthetic-walks.csv", EXAMPLES / "synthetic-walks.toml"
    code, _, err = evaluated(capsys, "--log", log, "--mapping", mapping, "--target", "always:text")
    assert (code, err) == (2, "engagement: line 9, p_text: `1.35` is no probability\n")
    (tmp_path / "log.csv").write_text(log.read_text().replace("1.35", "0.35"))
    asked = ("--log", tmp_path / "log.csv", "--mapping", mapping, "--target", "always:text")
    code, out, err = evaluated(capsys, *asked)
    assert (code, err) == (0, "")
    assert "after text: 1 of 5 were not reported" in out
    assert "Not enough data. About" in out
    assert "of units that are not in the log yet" not in out


def test_the_command_prints_the_same_as_json_and_as_csv(capsys, tmp_path):
    (tmp_path / "log.csv").write_text(long())
    (tmp_path / "map.toml").write_bytes(TAKEN)
    asked = ("--log", tmp_path / "log.csv", "--mapping", tmp_path / "map.toml", "--target", "always:call")
    told = evaluated(capsys, *asked)[1]
    found = json.loads(evaluated(capsys, *asked, "--json")[1])
    rows = list(csv.DictReader(evaluated(capsys, *asked, "--csv")[1].splitlines()))
    assert [row["estimator"] for row in rows] == [row["estimator"] for row in found["value"]["estimates"]]
    assert float(rows[0]["weekly_high"]) == found["value"]["estimates"][0]["weekly"][1]
    assert "self-normalised DR   1 " in told


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--target", "even"), "give --strategy for the ledger"),
        (("--target", "even", "--log", "x.csv"), "say with --mapping"),
        (("--target", "fly", "--strategy", "s"), "--target is one of"),
        (("--target", "strategy:a@b", "--strategy", "s"), "--target is one of"),
        (("--target", "even", "--strategy", "s", "--look", "0"), "counted from 1"),
        (("--target", "even", "--strategy", "s", "--model", "forest"), "--model is linear"),
        (
            ("--target", "even", "--strategy", "s", "--model", "sklearn.no.No"),
            "there is no `sklearn.no.No`",
        ),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(capsys, words, problem):
    code, _, err = evaluated(capsys, *words)
    assert code == 2
    assert problem in err
