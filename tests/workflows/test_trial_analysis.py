"""What a trial has found, on groups whose lives can be counted on one's fingers."""

from datetime import timedelta

import pytest

from engagement.errors import Invalid, NotFound
from engagement.signals.rhythm import EveryWeeks
from engagement.store import assignments, setup
from engagement.strategy.allotment import protocol_hash
from engagement.strategy.setup import Group, Site
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Protocol, Trial, TrialCondition
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.trial import ToAssign, assign_asked
from engagement.workflows.trial_analysis import analyse
from engagement.workflows.trial_rows import rows_of
from support.peer_groups import START, ask, came, held, ms, said, seat

FIRST = START.date()
ENDS_ON = FIRST + timedelta(days=84)
CUT = FIRST + timedelta(days=84 + 365 + 92)
RHYTHM = EveryWeeks(first_on=FIRST)
MEETINGS = 18
ONE = Strategy(id="one", title="One", actions=("token",))
TRIAL = Trial(
    id="which",
    title="Which keeps groups going?",
    conditions=(
        TrialCondition(id="alone", title="The adviser alone"),
        TrialCondition(id="learned", title="Learned", strategies=("one",)),
    ),
    starts_on=FIRST,
    protocol=Protocol(horizon_months=12, smallest_difference=0.5),
    blocks=(2,),
)


@pytest.fixture
def tried(here):
    """Eight groups of four, four in each arm; the program ends with the fourth meeting."""
    site = Site(id="there", title="There", ends_on=ENDS_ON)
    groups = [Group(id=f"g{n}", site="there", rhythm=RHYTHM) for n in range(8)]
    here.run(revise, [site, ONE, *groups, TRIAL])
    seat(here, *(f"g{n},m{n}{seat},{seat}" for n in range(8) for seat in (1, 2, 3, 4)))
    here.run(assign_asked, [("which", ToAssign())])
    return here


def arms(here):
    out = {}
    for row in here.read(assignments.of_trial, "which"):
        out.setdefault(row.arm, []).append(row.group_id)
    return {arm: sorted(names) for arm, names in out.items()}


def report(here, group, until, then=None, members=(1, 2, 3, 4)):
    """Meetings held by all until one, by its number; from then on not held, or, with None, nothing heard."""
    number = group[1:]
    met = [came(f"m{number}{seat}", 28.0 * n) for n in range(until) for seat in members]
    missed = [] if then is None else [held(group, 28.0 * n, 0) for n in range(until, MEETINGS)]
    here.run(ingest, [*met, *missed], day=28.0 * MEETINGS)


def found(here, on=CUT):
    with here.db.read() as conn:
        return analyse(conn, here.kept, here.id, "which", ms((on - FIRST).days))


@pytest.fixture
def lived(tried):
    """Alone: one dissolves before the end, two at its tenth meeting, one lives. Learned: all live."""
    alone, learned = arms(tried)["alone"], arms(tried)["learned"]
    report(tried, alone[0], 1, then="missed")
    report(tried, alone[1], 9, then="missed")
    report(tried, alone[2], 9, then="missed")
    for group in (alone[3], *learned):
        report(tried, group, MEETINGS)
    return tried


def arm(analysis, name):
    return next(row for row in analysis.arms if row.arm == name)


def test_all_groups_randomised_count_those_that_died_before_the_end_with_no_month(lived):
    alone = arm(found(lived), "alone")
    assert (alone.groups, alone.ended, alone.before_end, alone.dissolved, alone.silent) == (4, 4, 1, 3, 0)
    assert alone.alive.value == pytest.approx(1 / 4)
    months = (28 * 9 - 84) / 30.44
    assert alone.months.value == pytest.approx((0 + 2 * months + 12) / 4)


def test_the_difference_is_of_all_groups_and_says_how_sure_it_is(lived):
    analysis = found(lived)
    (row,) = analysis.comparisons
    assert (row.first, row.second, row.difference.value) == ("alone", "learned", pytest.approx(3 / 4))
    assert row.verdict == "better"
    assert analysis.sentences == (
        "learned kept more groups alive than alone 12 months after the end: +75 groups of 100 (+14 to +136).",
    )


def test_the_log_rank_test_agrees_with_one_worked_by_hand(lived):
    """Deaths: 1 of 4 + 4 at 0 months, 2 of 3 + 4 later. O − E = 3 − (4/8 + 2·3/7) for the arm alone;
    V = 1·½·½ + 2·(3·4/49)·(5/6)."""
    from scipy.special import chdtrc

    gap, variance = 3 - (0.5 + 6 / 7), 0.25 + 2 * 12 / 49 * 5 / 6
    assert found(lived).log_rank == pytest.approx(chdtrc(1, gap**2 / variance))


def test_silence_is_shown_by_its_bounds_and_never_as_death(tried):
    alone, learned = arms(tried)["alone"], arms(tried)["learned"]
    for group in (*alone, *learned[:2]):
        report(tried, group, MEETINGS)
    for group in learned[2:]:
        report(tried, group, 6)
    analysis = found(tried)
    row = arm(analysis, "learned")
    assert (row.dissolved, row.silent) == (0, 2)
    assert (row.alive.value, row.alive_best, row.alive_worst) == (1.0, 1.0, 0.5)
    assert "Nothing is known of the last meetings of some groups: 2 in learned" in analysis.sentences[-1]


def test_attendance_is_of_those_who_sat_there_and_the_lower_quarter_stands_beside_the_mean(tried):
    for names in arms(tried).values():
        for group in names:
            report(tried, group, MEETINGS, members=(1, 2, 3))
            report(tried, group, MEETINGS // 2, members=(4,))
    row = arm(found(tried), "alone")
    assert row.members == 16
    assert row.attendance.value == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert row.lower_quarter == pytest.approx(0.5)
    assert row.icc == 0.0


def test_a_member_is_retained_until_the_first_of_three_meetings_without_them(tried):
    for names in arms(tried).values():
        for group in names:
            report(tried, group, MEETINGS, members=(1, 2, 3))
            report(tried, group, MEETINGS // 2, members=(4,))
    with tried.db.read() as conn:
        catalogue = setup.catalogue(conn, tried.kept, tried.id, setup.catalogue_revision(conn, tried.id))
        rows = rows_of(conn, tried.kept, tried.id, catalogue, TRIAL, CUT)
    gone = (28 * (MEETINGS // 2) - 84) / 30.44
    for row in rows:
        assert min(row.stays) == pytest.approx((gone, True))
        assert sorted(row.stays)[1:] == [row.life.seen] * 3


def test_money_counts_where_something_was_done(tried):
    group = arms(tried)["learned"][0]
    for name in sorted(name for names in arms(tried).values() for name in names):
        report(tried, name, MEETINGS)
    told = ask(tried, *(f"m{group[1:]}{seat}" for seat in (1, 2, 3, 4)))
    tokens = [row.decision_id for row in told if row.action.id == "token"]
    tried.run(answer, [(decision, Reply("done")) for decision in tokens])
    row = arm(found(tried), "learned")
    assert row.cost_minor == pytest.approx(50 * len(tokens) / 4)
    assert row.cost_of_month.value == pytest.approx(50 * len(tokens) / (4 * 12))


def test_harm_is_counted_by_arm(lived):
    group = arms(lived)["learned"][0]
    lived.run(ingest, [said("harm", 30.0, member=f"m{group[1:]}1")], day=31.0)
    analysis = found(lived)
    assert {row.arm: row.harms for row in analysis.arms} == {"alone": 0, "learned": 1}


def test_before_anybody_was_followed_for_so_long_there_is_not_enough_data(lived):
    analysis = found(lived, on=ENDS_ON + timedelta(days=200))
    (row,) = analysis.comparisons
    assert (row.difference, row.verdict) == (None, "not_enough_data")
    assert "nobody was followed for so long yet" in analysis.sentences[0]


def test_the_protocol_that_everybody_was_assigned_under_is_named(lived):
    analysis = found(lived)
    assert analysis.protocols == {protocol_hash(TRIAL): 8}
    assert analysis.protocol == protocol_hash(TRIAL)


def test_curves_begin_with_everybody_who_was_drawn(lived):
    first = arm(found(lived), "alone").curve[0]
    assert (first.months, first.alive, first.at_risk) == (0.0, pytest.approx(3 / 4), 4)


def test_without_anybody_there_is_no_answer(here):
    here.run(revise, [ONE, TRIAL])
    with pytest.raises(Invalid, match="nobody was assigned"):
        found(here)
    with here.db.read() as conn, pytest.raises(NotFound):
        analyse(conn, here.kept, here.id, "nowhere", ms(0))
