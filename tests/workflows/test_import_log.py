import csv
import io
import os
import re
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select

from engagement.bandits.propensity import ONE, in_units, pick
from engagement.errors import Conflict, Invalid, NotFound
from engagement.store import decisions, setup
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.strategy.replay import features, propensities, scored
from engagement.workflows.fold import fold_program
from engagement.workflows.import_log import import_log, in_words, memberships, middle
from engagement.workflows.log_mapping import LogRow, read_log, read_mapping
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.replay import replay_decisions
from engagement.workflows.story import story

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "foreign-log"
WALKS = (EXAMPLES / "synthetic-walks.csv").read_text()
WALKS_MAPPING = (EXAMPLES / "synthetic-walks.toml").read_text()
ORALYTICS = read_mapping((EXAMPLES / "oralytics-pilot.toml").read_bytes())
ONE_MORE = "P-01,2025-03-07 08:00,text,0.35,0.40,0,45,50,\n"
NOW = 1_750_000_000_000  # 15 June 2025


def walks(was="", becomes=""):
    """The synthetic mapping, with one change."""
    assert was in WALKS_MAPPING
    return read_mapping(WALKS_MAPPING.replace(was, becomes).encode())


def read(content, mapping=None):
    return read_log(content, mapping or walks(), NOW)


def one(**changed):
    """A log of one sound line, with some cells changed."""
    cells = {
        "person": "P-01", "day": "2025-03-03 08:00", "did": "text", "p_text": "0.5", "p_call": "0.25",
        "rain": "1", "walked_before": "10", "walked_after": "30",
    }  # fmt: skip
    cells |= changed
    return ",".join(cells) + "\n" + ",".join(cells.values()) + "\n"


def flaw(mapping=None, **changed):
    """Why a line with these cells is refused."""
    (refused,) = read(one(**changed), mapping).refused
    return refused


def row(mapping=None, **changed):
    (sound,) = read(one(**changed), mapping).rows
    return sound


# --- a line ---------------------------------------------------------------------------------------


def test_the_probability_of_the_one_action_without_a_number_is_what_is_missing_to_1():
    assert [*row(p_text="0.5", p_call="0.125").probability] == [ONE * 3 // 8, ONE // 2, ONE // 8]


def test_a_lone_number_is_of_the_action_taken_when_the_mapping_says_so():
    mapping = walks('of = { text = "p_text", call = "p_call" }', 'taken = "p_text"\nrest = "even"')
    taken = row(mapping, did="call", p_text="0.5")
    assert [*taken.probability] == [ONE // 4, ONE // 4, ONE // 2]


def test_what_several_actions_share_is_never_guessed_unasked():
    with pytest.raises(Invalid, match='say rest = "even"'):
        walks('of = { text = "p_text", call = "p_call" }', 'taken = "p_text"')


def test_probabilities_of_every_action_must_sum_to_1():
    every = walks(
        'of = { text = "p_text", call = "p_call" }',
        'of = { text = "p_text", call = "p_call", none = "rain" }',
    )
    assert "sum to 0.95" in flaw(every, p_text="0.5", p_call="0.25", rain="0.2").problem


def test_an_action_of_which_the_log_knows_nothing_has_probability_0():
    mapping = walks(
        'values = { nothing = "none", text = "text", call = "call" }',
        'values = { text = "text", call = "call" }',
    )
    assert row(mapping, p_text="0.75", p_call="0.25").probability[0] == 0


def test_an_action_taken_with_probability_0_is_refused():
    assert flaw(did="call", p_call="0").problem == "`call` was taken, though its probability is 0"


@pytest.mark.parametrize(
    ("cell", "reward"),
    [("0", 0.0), ("15", 0.25), ("60", 1.0), ("75", 1.0), ("-3", 0.0), ("", None), ("NA", None)],
)
def test_an_outcome_is_put_on_its_scale_and_silence_stays_silence(cell, reward):
    assert row(walked_after=cell).reward == reward


def test_where_less_is_better_the_scale_runs_down():
    assert row(walks("low = 0\nhigh = 60", "low = 60\nhigh = 0"), walked_after="15").reward == 0.75


def test_an_outcome_beyond_its_scale_is_refused_unless_the_mapping_cuts_it():
    assert flaw(walks('outside = "clip"'), walked_after="75").problem == "75 lies outside 0 to 60"


def test_an_unknown_number_is_left_out_where_the_strategy_can_tell():
    assert row(walked_before="").context == (("rain", 1.0),)


def test_an_unknown_number_that_would_pass_for_0_is_refused():
    assert flaw(rain="").problem == "is empty, and the strategy has no feature `context.rain_missing`"


def test_a_time_without_a_zone_is_read_in_the_mapping_s():
    assert row(day="2025-03-03 08:00").decided_at == 1_740_969_000_000  # 02:30 UTC


def test_a_time_without_a_zone_is_refused_where_the_mapping_names_none():
    mapping = walks('format = "%Y-%m-%d %H:%M"\ntime_zone = "Asia/Kolkata"')
    assert flaw(mapping).problem == "names no time zone; give the mapping's `time_zone`"


def test_a_time_with_a_zone_of_its_own_needs_none():
    mapping = walks('format = "%Y-%m-%d %H:%M"\ntime_zone = "Asia/Kolkata"')
    assert row(mapping, day="2025-03-03T08:00:00+05:30").decided_at == 1_740_969_000_000


def test_an_address_is_refused_as_an_id():
    assert "address" in flaw(person="ada@example.org").problem


def test_the_part_of_an_address_that_is_kept_is_the_id():
    mapping = walks('[unit]\ncolumn = "person"', '[unit]\ncolumn = "person"\nkeep = \'\\d+\'\nprefix = "w-"')
    assert row(mapping, person="study+17@example.org").unit == "w-17"


def test_two_people_never_share_an_id():
    mapping = walks('[unit]\ncolumn = "person"', "[unit]\ncolumn = \"person\"\nkeep = '\\d+'")
    content = one(person="a1") + one(person="b1", day="2025-03-04 08:00").splitlines()[1]
    assert [refused.problem for refused in read(content, mapping).refused] == [
        "another unit of this log is already called `1`; `keep` more of the cell"
    ]


def test_a_decision_that_stands_in_the_log_twice_is_refused_the_second_time():
    refused = read(one() + one().splitlines()[1]).refused
    assert [(bad.line, bad.problem) for bad in refused] == [
        (3, "line 2 holds this decision of `P-01` already")
    ]


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"did": "sing"}, "did"),
        ({"p_text": ""}, "p_text"),
        ({"p_text": "1.01"}, "p_text"),
        ({"rain": "wet"}, "rain"),
        ({"rain": "inf"}, "rain"),
        ({"rain": "1e7"}, "rain"),
        ({"person": ""}, "person"),
        ({"person": "two words"}, "person"),
        ({"day": "yesterday"}, "day"),
        ({"day": "1999-12-31 23:00"}, "day"),
        ({"day": "2025-06-16 00:00"}, "day"),
    ],
)
def test_a_refusal_names_the_column(changed, column):
    assert flaw(**changed).column == column


def test_a_log_without_a_mapped_column_is_refused_whole():
    with pytest.raises(Invalid, match="no column `walked_after`"):
        read(one().replace("walked_after", "after"))


def test_a_log_with_a_mapped_column_twice_is_refused_whole():
    with pytest.raises(Invalid, match="`rain` twice"):
        read(one(note="x").replace("note", "rain"))


def test_text_that_is_no_csv_is_refused_whole():
    with pytest.raises(Invalid, match="cannot be read as CSV"):
        read(one() + '"' + "x" * 200_000)


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ('column = "did"', "", "missing required field `column`"),
        ('text = "text", call', 'text = "sms", call', "`sms` is neither `none` nor an action"),
        ('rain = "rain"', "", "mapped to the strategy's feature `context.rain`"),
        ('"context.rain",', '"attendance",', "mapped to the strategy's feature `attendance`"),
        ('kind = "posted"', 'kind = "came_to_next_meeting"', "posted"),
        ("high = 60", "high = 0", "two different numbers"),
        ('id = "walks"\n\n[time]', "\n[time]", "one group for the whole log, or `column`"),
        ('"Asia/Kolkata"\n\n[action]', '"Asia/Utopia"\n\n[action]', "Utopia"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(was, becomes, message):
    with pytest.raises(Invalid, match=re.escape(message)):
        walks(was, becomes)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=6), st.data())
def test_the_middle_of_an_action_s_interval_picks_the_action(weights, data):
    assume(any(weights))
    action = data.draw(st.sampled_from(np.flatnonzero(weights).tolist()))
    units = in_units(np.array([weights]) / sum(weights))
    assert pick(units, [middle(units[0], action)]) == [action]


# --- seats ----------------------------------------------------------------------------------------

DAY = 86_400_000
FIRST_DAY, LATER_DAY = date(1970, 1, 1), date(1970, 2, 1)
BLANK = LogRow(2, "m", "g", "log:1", 0, "none", np.zeros(0, np.uint64), (), None, False)


def test_a_member_who_changes_groups_in_the_log_is_seated_where_they_sat():
    rows = [BLANK._replace(group=group, decided_at=day * DAY) for day, group in enumerate("aab")]
    made = memberships(rows, "UTC", {"m": []}, [])
    assert [(one.group, one.seat, one.starts_on.isoformat()) for one in made] == [
        ("a", 1, "1970-01-01"),
        ("b", 1, "1970-01-03"),
    ]


def test_of_two_groups_within_one_day_the_first_is_the_membership():
    rows = [BLANK._replace(group=group, decided_at=hour) for hour, group in enumerate("ab")]
    assert [one.group for one in memberships(rows, "UTC", {"m": []}, [])] == ["a"]


def test_a_new_seat_is_never_one_that_somebody_had():
    had = Seated("other", FIRST_DAY, "g", 7, "member")
    assert [made.seat for made in memberships([BLANK], "UTC", {"m": []}, [had])] == [8]


def test_whoever_had_a_seat_in_the_group_gets_it_again():
    left = [Seated("m", FIRST_DAY, "g", 3, "member"), Seated("m", LATER_DAY, None, None, "member")]
    made = memberships([BLANK._replace(decided_at=400 * DAY)], "UTC", {"m": left}, left[:1])
    assert [one.seat for one in made] == [3]


# --- the ledger -----------------------------------------------------------------------------------


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


def imported(database, content=WALKS, mapping=None, program_id=None, now=NOW):
    with database.write() as conn:
        return import_log(conn, Kept(), content, mapping or walks(), now, program_id=program_id)


def stored(database, program_id):
    """Every decision of a program, by unit and point."""
    with database.read() as conn:
        d = t.decisions.c
        ids = list(conn.execute(select(d.decision_id).where(d.program_id == program_id)).scalars())
        found = decisions.by_id(conn, program_id, ids).values()
        return {(row.unit_id, row.decision_point): row for row in found}


def test_a_bad_line_harms_no_other(database):
    report = imported(database)
    assert (report.lines, report.stored, [bad.line for bad in report.refused]) == (12, 11, [9])


def test_importing_the_same_log_again_changes_nothing(database):
    first = imported(database)
    before = stored(database, first.program_id)
    again = imported(database, program_id=first.program_id, now=NOW + DAY)
    assert (again.stored, again.unchanged, again.revised) == (0, 11, 0)
    assert stored(database, first.program_id) == before


def test_a_longer_log_adds_what_is_new(database):
    first = imported(database)
    again = imported(database, WALKS + ONE_MORE, program_id=first.program_id)
    assert (again.stored, again.unchanged) == (1, 11)


def test_an_outcome_that_the_log_has_changed_is_one_revision_more(database):
    program = imported(database).program_id
    again = imported(database, WALKS.replace("0.25,0,10,30", "0.25,0,10,33"), program_id=program)
    assert (again.revised, again.unchanged) == (1, 10)


def test_a_correction_posted_meanwhile_survives_the_same_log(database):
    program = imported(database).program_id
    decision = next(iter(stored(database, program).values())).decision_id
    with database.write() as conn:
        post_outcomes(conn, Kept(), program, [(decision, Posted(0.125))], NOW)
    imported(database, program_id=program)
    with database.read() as conn:
        assert decisions.outcomes(conn, program, [decision])[decision][-1].reward == 0.125


@pytest.mark.parametrize(
    "changed",
    [{"did": "call"}, {"p_text": "0.55"}, {"rain": "0"}, {"day": "2025-03-03 08:01"}, {"note": "2"}],
    ids=["action", "probability", "state", "time", "group"],
)
def test_a_stored_decision_is_never_changed_by_a_log(database, changed):
    mapping = walks('[group]\nid = "walks"', '[group]\ncolumn = "note"\nprefix = "walks"')
    mapping = msgspec.structs.replace(mapping, point="point", missing=())
    program = imported(database, one(point="1", note="1"), mapping).program_id
    again = imported(database, one(**{"point": "1", "note": "1"} | changed), mapping, program)
    assert [bad.problem for bad in again.refused] == [
        "another decision of `P-01` is stored under this decision point; decisions never change"
    ]


def test_a_set_up_retuned_since_is_left_as_it_is(database):
    program = imported(database).program_id
    strategy = msgspec.structs.replace(walks().strategy, floor=0.25)
    with database.write() as conn:
        setup.revise(conn, program, [strategy], NOW)
    imported(database, WALKS + ONE_MORE, program_id=program)
    with database.read() as conn:
        revision = setup.catalogue_revision(conn, program)
        assert setup.catalogue(conn, Kept(), program, revision).strategies["walks"].floor == 0.25


def test_a_program_whose_strategy_learns_something_else_refuses_the_log(database):
    program = imported(database).program_id
    with pytest.raises(Conflict, match="an id of its own"):
        imported(database, mapping=walks("window_days = 1", "window_days = 2"), program_id=program)


def test_an_unknown_program_is_named(database):
    with pytest.raises(NotFound, match="no program"):
        imported(database, program_id="00000000-0000-7000-8000-000000000000")


def test_a_log_without_a_sound_line_leaves_no_program_behind(database):
    report = imported(database, one(did="sing"))
    with database.read() as conn:
        assert (report.program_id, setup.program_ids(conn)) == (None, [])


def test_a_decision_without_an_outcome_is_folded_as_missing(database):
    program = imported(database).program_id
    (folded,) = fold_program(database, Kept(), program, "test", NOW)
    assert (folded.header.rows_in, folded.header.rows_missing) == (10, 1)


def test_every_member_sits_in_the_group_of_the_mapping(database):
    program = imported(database).program_id
    with database.read() as conn:
        seats = setup.memberships_of_groups(conn, program, ["walks"])
    assert [(row.member, row.seat, row.starts_on.isoformat()) for row in seats] == [
        ("P-01", 1, "2025-03-03"),
        ("P-02", 2, "2025-03-03"),
        ("P-03", 3, "2025-03-03"),
    ]


def test_what_the_log_lacks_is_stored_as_empty(database):
    program = imported(database).program_id
    for row in stored(database, program).values():
        assert (row.fallback, row.version) == ("imported", 0)
        assert not scored(row.evidence).mean.any()
        assert not scored(row.evidence).sd.any()


def test_what_was_drawn_follows_from_what_is_stored(database):
    program = imported(database).program_id
    for row in stored(database, program).values():
        drawn = pick(propensities(row.evidence), [row.evidence.uniform])
        assert row.evidence.actions[int(drawn[0])] == row.action_id


def test_a_decision_without_chance_is_not_called_randomised(database):
    program = imported(database, one(p_text="1", p_call="0")).program_id
    assert [row.randomised for row in stored(database, program).values()] == [False]


@pytest.mark.parametrize("deep", [False, True])
def test_a_replay_says_that_there_is_nothing_to_compare(database, deep):
    program = imported(database).program_id
    ids = [row.decision_id for row in stored(database, program).values()]
    with database.read() as conn:
        replays = [one.replayed for one in replay_decisions(conn, Kept(), program, ids, deep=deep)]
    assert {(one.checked, one.agrees) for one in replays} == {((), None)}


def test_a_replay_of_our_own_decision_says_what_it_compared(database):
    program = imported(database).program_id
    made = asked(database, program)
    with database.read() as conn:
        (verdict,) = replay_decisions(conn, Kept(), program, [made.decision_id], deep=True)
    assert (verdict.replayed.checked, verdict.replayed.agrees) == (("pick", "probability", "scores"), True)


def test_a_story_tells_no_belief_that_the_log_lacks(database):
    program = imported(database).program_id
    decision = stored(database, program)["P-01", "log:2025-03-03T02:30:00+00:00"].decision_id
    with database.read() as conn:
        told = story(conn, Kept(), program, decision, "research", NOW, simulated=False)
    assert (told.beliefs, told.uniform) == ((), None)
    assert told.recommendation.why == (
        "Another system decided this, and its log was imported: it logged a chance of 50 in 100, and how "
        "it came to that is not known here."
    )


# --- what is learned from it ------------------------------------------------------------------------


def asked(database, program, member="P-02", **context):
    """Folds, and asks for the next action."""
    kept = Kept()
    fold_program(database, kept, program, "test", NOW)
    with database.write() as conn:
        ask = Ask(member=member, context=context or {"rain": 1, "walked": 20})
        (answer,) = recommend(conn, kept, program, [ask], NOW)
    return answer


def dense_effects(phi, action, reward, at):
    """Mean and sd of each action's effect by one dense Bayesian regression, worked without the service.

    phi : (N, d)    action : (N,), 0 for nothing    at : (d,)
    Prior sds ½ (baseline) and ⅕ (effects), noise sd ½: the defaults of `linear_gaussian`.
    """
    count, d = max(action), phi.shape[1]
    X = np.hstack([phi, *((action == k + 1)[:, None] * phi for k in range(count))])
    precision = np.diag(np.repeat([1 / 0.5**2] + [1 / 0.2**2] * count, d)) + X.T @ X / 0.5**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ X.T @ reward / 0.5**2
    blocks = [slice(d * (k + 1), d * (k + 2)) for k in range(count)]
    return (
        [at @ mean[block] for block in blocks],
        [np.sqrt(at @ covariance[block, block] @ at) for block in blocks],
    )


def test_the_belief_is_the_one_that_a_dense_regression_of_the_rows_gives(database):
    program = imported(database).program_id
    made = asked(database, program, rain=1, walked=20)
    table = np.array(  # intercept, rain, walked before, not known, action, minutes of at most 60
        [
            [1, 0, 10, 0, 1, 30], [1, 1, 30, 0, 0, 5], [1, 0, 5, 0, 2, 45],
            [1, 1, 0, 0, 2, 20], [1, 0, 20, 0, 1, 25], [1, 0, 25, 0, 0, 15],
            [1, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 10], [1, 1, 10, 0, 2, 60], [1, 0, 60, 0, 1, 35],
        ]
    )  # fmt: skip
    mean, sd = dense_effects(table[:, :4], table[:, 4], table[:, 5] / 60, np.array([1, 1, 20, 0]))
    with database.read() as conn:
        believed = scored(decisions.by_id(conn, program, [made.decision_id])[made.decision_id].evidence)
    # both solve normal equations of condition below 10⁶, so that 10⁻⁹ leaves three digits to spare
    assert believed.mean[0] == pytest.approx([0, *mean], rel=1e-9)
    assert believed.sd[0] == pytest.approx([0, *sd], rel=1e-9)


def test_the_logged_probabilities_are_stored_to_one_unit(database):
    program = imported(database).program_id
    kept = stored(database, program)
    for line in csv.DictReader(io.StringIO(WALKS)):
        when = line["day"].replace(" ", "T")
        moment = np.datetime64(when) - np.timedelta64(330, "m")  # Kolkata is 5½ hours ahead
        row = kept.get((line["person"], f"log:{moment}:00+00:00"))
        if row is None:
            continue
        units = propensities(row.evidence)[0]
        logged = [
            1 - float(line["p_text"]) - float(line["p_call"]),
            float(line["p_text"]),
            float(line["p_call"]),
        ]
        assert np.abs(units / ONE - logged).max() <= 1 / ONE


def test_the_next_action_is_recommended_for_every_unit(database):
    program = imported(database).program_id
    made = [asked(database, program, member) for member in ("P-01", "P-02", "P-03")]
    assert [(one.version, one.fallback, one.withheld) for one in made] == [(1, None, None)] * 3


def test_what_another_system_decided_a_moment_ago_stands_for_no_recommendation(database):
    program = imported(database, one(day="2025-06-15 20:30")).program_id  # six minutes before NOW
    assert asked(database, program, "P-01").fallback is None


def test_the_report_in_the_documentation_is_the_one_that_is_printed(database):
    page = (ROOT / "docs" / "import-a-log.md").read_text()
    printed = in_words(imported(database)).rpartition("\n")[0]
    assert printed in page


def test_the_documentation_names_every_key_of_a_mapping():
    page = (ROOT / "docs" / "import-a-log.md").read_text()
    schema = msgspec.json.schema(type(walks()))["$defs"]
    ours = [
        "Mapping",
        "UnitColumn",
        "GroupColumn",
        "TimeColumn",
        "ActionColumn",
        "ProbabilityColumns",
        "OutcomeColumn",
    ]
    keys = {key for name in ours for key in schema[name]["properties"]}
    assert {key for key in keys if f"`{key}`" not in page} == set()


# --- a deployed bandit's log --------------------------------------------------------------------------

PUBLISHED = (  # made-up rows under the headings of the published file
    ",user_id,user_decision_t,decision_time,schedule_id,action,prob,quality,"
    "state_tod,state_b_bar,state_a_bar,state_app_engage,state_bias\n"
    "0,synthetic+113@example.org,0,2023-03-10 07:30:00,s0,1,0.49,167.0,0.0,-1.0,0.0,1.0,1.0\n"
    "1,synthetic+27@example.org,0,2023-03-11 08:00:00,s0,0,0.48,190.0,0.0,-1.0,0.0,1.0,1.0\n"
)


def test_the_mapping_reads_the_published_headings():
    rows = read(PUBLISHED, ORALYTICS).rows
    assert [(row.unit, row.point, row.action) for row in rows] == [
        ("oralytics-113", "log:0", "send"),
        ("oralytics-27", "log:0", "none"),
    ]


@pytest.fixture(scope="module")
def oralytics():
    """The real log, as text; the folder that holds it is given, never kept with the tests."""
    folder = os.environ.get("TEST_DATA_FOLDER")
    file = Path(folder or "absent") / "oralytics_pilot" / "decisions.csv"
    if not file.is_file():
        pytest.skip("TEST_DATA_FOLDER names no folder with oralytics_pilot/decisions.csv")
    return file.read_text()


def columns(content, *names):
    lines = list(csv.DictReader(io.StringIO(content)))
    return np.array([[float(line[name]) for name in names] for line in lines])


def test_every_decision_of_the_deployed_bandit_is_taken_over(database, oralytics):
    report = imported(database, oralytics, ORALYTICS)
    assert (report.stored, report.units, report.clipped, report.refused) == (707, 9, 10, ())


def test_the_deployed_bandit_s_probabilities_are_stored_to_one_unit(database, oralytics):
    program = imported(database, oralytics, ORALYTICS).program_id
    kept = stored(database, program)
    for user, index, logged in columns(oralytics, "user", "decision_index", "probability_of_sending"):
        row = kept[f"oralytics-{user:g}", f"log:{index:g}"]
        assert abs(propensities(row.evidence)[0, 1] / ONE - logged) <= 1 / ONE


def test_the_deployed_bandit_s_log_gives_the_belief_of_a_dense_regression(database, oralytics):
    program = imported(database, oralytics, ORALYTICS).program_id
    state = {"time_of_day": 1, "brushing_average": 0.25, "dose_average": 0.5, "app_engaged": 1}
    made = asked(database, program, "oralytics-3", **state)
    phi = np.insert(columns(oralytics, *state), 0, 1, axis=1)
    action, seconds = columns(oralytics, "action", "brushing_quality_seconds").T
    mean, sd = dense_effects(
        phi, action.astype(int), np.minimum(seconds, 180) / 180, np.array([1, *state.values()])
    )
    with database.read() as conn:
        evidence = decisions.by_id(conn, program, [made.decision_id])[made.decision_id].evidence
    assert [*features(evidence)[0]] == [1, *state.values()]
    assert scored(evidence).mean[0, 1] == pytest.approx(mean[0], rel=1e-9)
    assert scored(evidence).sd[0, 1] == pytest.approx(sd[0], rel=1e-9)
