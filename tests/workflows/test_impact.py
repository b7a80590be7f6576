"""What two surveys show, by design: small ones, whose changes can be counted. Everybody is synthetic."""

from datetime import timedelta

import msgspec
import pytest
import statsmodels.api as sm

from engagement.api.pages.report import report_page
from engagement.errors import Invalid
from engagement.store import assignments
from engagement.store.assignments import Assignment
from engagement.strategy.setup import Group
from engagement.strategy.trial import Trial, TrialCondition, WaitingList
from engagement.workflows.impact import impact
from engagement.workflows.report import ReportWanted, report
from engagement.workflows.revise import revise
from engagement.workflows.sheet_file import opened
from engagement.workflows.survey import Surveys
from engagement.workflows.trial import ToAssign, assign_asked
from support.peer_groups import LEARNED, START, ms

GROUPS = [f"g{n}" for n in range(8)]
TRIAL = Trial(
    id="which",
    title="Which helps?",
    conditions=(
        TrialCondition(id="alone", title="The adviser alone"),
        TrialCondition(id="learned", title="Learned", strategies=("tried",)),
    ),
    starts_on=START.date(),
    blocks=(2,),
)
TRIED = msgspec.structs.replace(LEARNED, id="tried")


@pytest.fixture
def drawn(here):
    """Eight groups, four in each arm; group → arm."""
    here.run(revise, [TRIED, *(Group(id=name, site="here") for name in GROUPS), TRIAL])
    here.run(assign_asked, [("which", ToAssign())])
    return {row.group_id: row.arm for row in here.read(assignments.of_trial, "which")}


def sheet(rows, columns):
    return opened("\n".join((columns, *rows)), 5000)


def surveys(rows, columns="group,member,score"):
    """rows : (line of the baseline, line of the endline), either of them None"""
    first, second = ([row[at] for row in rows if row[at] is not None] for at in (0, 1))
    return Surveys(sheet(first, columns), sheet(second, columns))


def people(gain=lambda _group: 0, each=3):
    """Who sits at s in group number n scores n + s before, and gains so much, and 1 where n + s is odd."""
    return [
        (f"{name},{name}-{s},{n + s}", f"{name},{name}-{s},{n + s + gain(name) + (n + s) % 2}")
        for n, name in enumerate(GROUPS)
        for s in range(each)
    ]


def found(here, given, trial=None):
    with here.db.read() as conn:
        return impact(conn, here.id, trial, given)


def test_groups_drawn_by_lot_show_an_effect_by_analysis_of_covariance(here, drawn):
    told = found(here, surveys(people(lambda group: 3 * (drawn[group] == "learned"))), TRIAL)
    (row,) = told.changes
    rows = [(n + s, name) for n, name in enumerate(GROUPS) for s in range(3)]
    before = [float(score) for score, _ in rows]
    second = [float(drawn[name] == "learned") for _, name in rows]
    after = [score + 3 * arm + score % 2 for score, arm in zip(before, second, strict=True)]
    model = sm.GEE(
        after, sm.add_constant(list(zip(second, before, strict=True))), groups=[name for _, name in rows]
    ).fit(cov_type="bias_reduced")
    assert (told.design, told.trial, told.unit) == ("randomised", "which", "group")
    assert row.change.value == pytest.approx(model.params[1], abs=0.0005)
    assert row.change.high - row.change.low == pytest.approx(2 * 2.570582 * model.bse[1], abs=0.002)
    assert (row.first, row.second, row.clusters, row.alpha) == ("alone", "learned", 8, 0.05)
    assert told.permits == "Randomised: what differs between arms beyond chance is an effect."
    assert row.sentence.endswith("in learned against alone, an effect.")


def test_different_people_are_compared_by_the_change_of_each_arm(here, drawn):
    rows = people(lambda group: 3 * (drawn[group] == "learned"))
    alike = [tuple(line.replace(f",{line.split(',')[1]},", ",") for line in row) for row in rows]
    told = found(here, surveys(alike, "group,score"), TRIAL)
    assert not told.panel
    means = {arm: [a.before.mean, a.after.mean] for a in told.answers for arm in [a.arm]}
    gained = {arm: after - before for arm, (before, after) in means.items()}
    assert told.changes[0].change.value == pytest.approx(gained["learned"] - gained["alone"], abs=0.002)


@pytest.mark.usefixtures("drawn")
def test_the_arm_is_the_one_drawn_whatever_the_sheet_says(here):
    rows = [tuple(f"{line},learned" for line in row) for row in people()]
    told = found(here, surveys(rows, "group,member,score,arm"), TRIAL)
    assert {row.arm for row in told.answers} == {"alone", "learned"}
    assert any("the ledger knows" in note for note in told.notes)


def test_who_moved_counts_where_they_were_at_baseline(here, drawn):
    home = next(name for name in GROUPS if drawn[name] == "alone")
    away = next(name for name in GROUPS if drawn[name] == "learned")
    rows = [
        (first, second.replace(f"{home},", f"{away},") if first.startswith(f"{home},") else second)
        for first, second in people()
    ]
    assert found(here, surveys(rows), TRIAL).changes == found(here, surveys(people()), TRIAL).changes


def test_errors_are_by_what_was_drawn(here):
    """Two groups a catchment: as many clusters as catchments, and an interval by them alone."""
    rows = [
        Assignment("wide", name, f"c{n // 2}", "", n // 2, ("alone", "learned")[n // 2 % 2], "", ms(0))
        for n, name in enumerate(GROUPS)
    ]
    with here.db.write() as conn:
        assignments.add(conn, here.id, rows)
    wide = msgspec.structs.replace(TRIAL, id="wide", unit="catchment")
    given = surveys(people())
    told = found(here, given, wide)
    assert (told.unit, told.changes[0].clusters) == ("catchment", 4)
    model = sm.GEE(
        [n + s + (n + s) % 2 for n in range(8) for s in range(3)],
        sm.add_constant([[n // 2 % 2, n + s] for n in range(8) for s in range(3)]),
        groups=[n // 2 for n in range(8) for _ in range(3)],
    ).fit(cov_type="bias_reduced")
    half = 12.706205 * model.bse[1]  # t with 4 − 3 degrees of freedom
    assert told.changes[0].change.high - told.changes[0].change.value == pytest.approx(half, abs=0.002)


def test_intervals_share_alpha_among_the_pairs_of_the_protocol(here):
    third = TrialCondition(id="visited", title="Visited")
    wide = msgspec.structs.replace(TRIAL, id="wide", conditions=(*TRIAL.conditions, third))
    rows = [
        Assignment("wide", name, name, "", n, wide.conditions[n % 3].id, "", ms(0))
        for n, name in enumerate(GROUPS)
    ]
    with here.db.write() as conn:
        assignments.add(conn, here.id, rows)
    changes = found(here, surveys(people()), wide).changes
    assert [(row.first, row.second) for row in changes] == [("alone", "learned"), ("alone", "visited")]
    assert {row.alpha for row in changes} == {0.025}


@pytest.mark.usefixtures("drawn")
def test_arms_that_cross_over_are_compared_as_drawn_and_that_is_said(here):
    waiting = WaitingList(crosses_on=START.date() + timedelta(days=90))
    wide = msgspec.structs.replace(TRIAL, id="wait", design=waiting)
    rows = [
        Assignment("wait", name, name, "", n, wide.arms[n % 2].id, "", ms(0)) for n, name in enumerate(GROUPS)
    ]
    with here.db.write() as conn:
        assignments.add(conn, here.id, rows)
    told = found(here, surveys(people()), wide)
    assert told.notes == (
        "Arms of this trial cross over: compared are arms as drawn, whatever they had by then.",
    )
    assert (told.changes[0].first, told.changes[0].second) == ("waiting", "at-once")


@pytest.mark.usefixtures("drawn")
def test_groups_that_nobody_drew_are_left_out_and_named(here):
    extra = [(f"far,far-{n},900", f"far,far-{n},900") for n in range(6)]
    told = found(here, surveys([*people(), *extra]), TRIAL)
    assert told.changes == found(here, surveys(people()), TRIAL).changes
    assert told.notes == ("Left out, as their group was never drawn: 12 lines, of far.",)


def test_where_nobody_was_drawn_a_column_of_arms_gives_an_association(here):
    rows = [
        tuple(f"{line},{'program' if int(line[1]) % 2 else 'none'}" for line in row)
        for row in people(lambda group: 5 * (int(group[1]) % 2))
    ]
    told = found(here, surveys(rows, "group,member,score,arm"))
    (row,) = told.changes
    # of seats 0, 1 and 2 one is odd in an even group, and n + s is odd at two of them in an odd group
    gained = {"none": 1 / 3, "program": 5 + 2 / 3}
    assert (told.design, row.first, row.second) == ("compared", "none", "program")
    assert row.change.value == pytest.approx(gained["program"] - gained["none"], abs=0.0005)
    assert row.sentence.endswith("in program against none, an association.")


def test_who_is_compared_with_may_be_said_by_yes_and_no(here):
    rows = [tuple(f"{line},{'no' if int(line[1]) % 2 else 'हाँ'}" for line in row) for row in people()]
    (row,) = found(here, surveys(rows, "group,member,score,compared")).changes
    assert (row.first, row.second) == ("others", "program")


def test_an_arm_that_one_survey_lacks_is_left_out_and_named(here):
    rows = [tuple(f"{line},{'abc'[int(line[1]) % 2]}" for line in row) for row in people()]
    rows += [(f"z,z-{n},1,c", None) for n in range(6)]
    told = found(here, surveys(rows, "group,member,score,arm"))
    assert told.notes == ("Left out, as only one survey has such people: c.",)


def test_without_anybody_to_compare_with_the_change_is_described(here):
    told = found(here, surveys(people(lambda _: 2)))
    (row,) = told.changes
    assert (told.design, row.first, row.second) == ("before_after", None, "everybody")
    assert row.change.value == pytest.approx(2.5)
    assert told.permits == "Before and after only: the change is described, cause not shown."
    assert row.sentence.startswith("score: +2.5 (")
    assert row.sentence.endswith(" from baseline to endline; described.")


def test_a_trial_of_which_one_arm_was_asked_permits_no_more_than_before_and_after(here, drawn):
    rows = [row for row in people() if drawn[row[0][:2]] == "alone"]
    told = found(here, surveys(rows), TRIAL)
    assert told.design == "before_after"
    assert told.notes == ("Not two arms of trial which are in both surveys, so nothing is compared by lot.",)


def test_who_was_lost_is_told_by_arm(here, drawn):
    lost = next(name for name in GROUPS if drawn[name] == "learned")
    rows = [(first, None if first.startswith(lost) else second) for first, second in people()]
    told = found(here, surveys(rows), TRIAL)
    assert [(row.arm, row.asked, row.found, row.lost) for row in told.losses] == [
        ("alone", 12, 12, 0.0),
        ("learned", 12, 9, 0.25),
    ]
    learned = next(row for row in told.answers if row.arm == "learned")
    assert (learned.baseline.people, learned.before.people, learned.after.people) == (12, 9, 9)


def test_shares_of_yes_are_told_in_people_of_100(here):
    rows = [(f"g{n % 4},m{n},no", f"g{n % 4},m{n},{'yes' if n < 4 else 'no'}") for n in range(16)]
    (row,) = found(here, surveys(rows, "group,member,walks")).changes
    assert row.yes_no
    assert row.change.value == 0.25
    assert row.sentence == "walks: +25 of 100 (+25 to +25) from baseline to endline; described."


def test_of_fewer_than_five_people_nothing_is_told(here):
    rows = [tuple(f"{line},{'big' if int(line[1]) else 'small'}" for line in row) for row in people(each=4)]
    told = found(here, surveys(rows, "group,member,score,arm"))
    small = next(row for row in told.answers if row.arm == "small")
    assert {value for mean in (small.baseline, small.before, small.after)
            for value in msgspec.structs.astuple(mean)} == {None}  # fmt: skip
    assert next(row for row in told.losses if row.arm == "small").asked is None
    (row,) = told.changes
    assert (row.change, row.why) == (None, "fewer than 5 people answered at baseline in small")


def test_five_people_are_enough_to_be_told(here):
    rows = [(f"g{n},m{n},1", f"g{n},m{n},2") for n in range(5)]
    assert found(here, surveys(rows)).answers[0].after.people == 5


def test_one_group_has_a_change_and_no_interval(here):
    rows = [(f"big,m{n},{n}", f"big,m{n},{n + 1}") for n in range(30)]
    (row,) = found(here, surveys(rows)).changes
    assert (row.change.value, row.change.low, row.change.high) == (1.0, None, None)
    assert "There are too few groups for an interval." in row.sentence


def test_no_number_has_more_than_three_decimals(here):
    told = found(here, surveys(people(lambda group: int(group[1]) / 7)))
    figures = [value for row in told.answers for mean in (row.baseline, row.before, row.after)
               for value in (mean.mean, mean.sd)]  # fmt: skip
    figures += list(msgspec.structs.astuple(told.changes[0].change))
    assert all(value == round(value, 3) for value in figures)


def test_people_of_whom_nobody_was_asked_again_are_no_panel(here):
    with pytest.raises(Invalid, match="leave `member` out"):
        found(here, surveys([("a,m1,1", None), (None, "a,m2,1")]))


def test_a_survey_without_a_readable_line_says_what_is_wrong_with_it(here):
    with pytest.raises(
        Invalid, match="the endline has no line that can be read: B2 looks like a phone number"
    ):
        found(here, surveys([("a,m1,1", "a,98765 43210,1")]))


@pytest.fixture
def page(here):
    """The page of a program for two surveys."""

    def made(given, trial=None):
        with here.db.read() as conn:
            told = report(conn, here.kept, here.id, ReportWanted(trial, given), ms(1))
        return report_page(told, "engagement report --impact a.csv b.csv")

    return made


@pytest.mark.parametrize("arm", ["", ",none", ",program"])
def test_a_weaker_design_never_speaks_of_an_effect(page, arm):
    mixed = arm == ",program"
    rows = [
        tuple(line + (",none" if mixed and int(line[1]) % 2 else arm) for line in row)
        for row in people(lambda group: 5 * (int(group[1]) % 2))
    ]
    text = page(surveys(rows, "group,member,score" + (",arm" if arm else "")))
    assert "cause not shown" in text[text.index("<h1>") : text.index("</h1>")]
    assert "effect" not in text.lower()


def test_a_page_begins_with_what_the_design_permits(page, drawn):
    text = page(surveys(people(lambda group: 3 * (drawn[group] == "learned"))), "which")
    assert text.count("<h1>") == 1
    assert "<h1>Randomised: what differs between arms beyond chance is an effect.</h1>" in text
    assert "<td>learned</td><td>alone</td>" in text


def test_a_page_without_surveys_has_no_word_of_impact(page):
    assert "endline" not in page(None)


def test_a_page_says_that_it_hides_small_cells_and_hides_them(page):
    rows = [(f"g{n},m{n},7.77,few", f"g{n},m{n},8.88,few") for n in range(4)]
    rows += [(f"h{n},h{n},1,many", f"h{n},h{n},2,many") for n in range(6)]
    text = page(surveys(rows, "group,member,score,arm"))
    assert "7.77" not in text
    # at baseline, before, after, and among those who were lost
    assert text.count("<td>fewer than 5</td><td>not shown</td>") == 4
    assert "Of fewer than 5 people in a cell nothing is shown." in text


def test_a_page_names_what_was_left_out_with_its_cell(page):
    rows = [(f"g,m{n},1,fine", f"g,m{n},2,fine") for n in range(6)]
    text = page(surveys([*rows, ("g,98765 43210,1,fine", None)], "group,member,score,remark"))
    assert "Column remark: cell D2 of the baseline is neither a number nor yes or no." in text
    assert "Lines of the baseline that cannot be read: 1: B8 looks like a phone number" in text
    assert "98765" not in text
