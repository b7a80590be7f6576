"""The report as somebody reads it: built from a small trial, everybody in it synthetic."""

import re
from datetime import date
from xml.etree import ElementTree as ET

import msgspec
import pytest

from engagement.api.pages.report import measure, number, percent, report_page, span
from engagement.estimators.arms import Verdict
from engagement.estimators.each_action import ActionEffect, Size
from engagement.workflows.actions_over_time import ActionMonth, ActionShare
from engagement.workflows.effects import ActionsFound
from engagement.workflows.fading import Fading, Hazard
from engagement.workflows.logged import LeftOut
from engagement.workflows.report import Provenance, Report
from engagement.workflows.slices import Quarter, Share, Slice, Sliced
from engagement.workflows.trial_found import Analysis, ArmFound, ComparisonFound, CurvePoint, Range
from engagement.workflows.trial_told import Shared
from engagement.workflows.trust import Register, Trust


def arm(name: str, alive: float) -> ArmFound:
    return ArmFound(
        arm=name,
        groups=40,
        units=40,
        ended=40,
        no_end=0,
        before_end=2,
        dissolved=10,
        silent=1,
        members=320,
        alive=Range(alive, alive - 0.1, alive + 0.1),
        alive_best=alive + 0.02,
        alive_worst=alive - 0.02,
        months=Range(9.0, 8.0, 10.0),
        attendance=Range(0.5, 0.45, 0.55),
        lower_quarter=0.2,
        icc=0.1,
        design_effect=1.7,
        unreported=0.05,
        cost_minor=1234.5,
        minutes=60,
        cost_of_month=Range(130.0, 100.0, 160.0),
        harms=0,
        curve=(CurvePoint(0.0, 0.95, 40), CurvePoint(6.0, 0.8, 37), CurvePoint(12.0, alive, 30)),
    )


def told(verdict: Verdict = "better", **changes: object) -> Report:
    comparison = ComparisonFound(
        "alone", "learned", Range(0.2, 0.05, 0.35), 0.05, verdict, 90, Range(0.6, 0.4, 0.9),
        Range(900.0, 700.0, 1100.0), Range(1.5, 0.5, 2.5), 600.0,
    )  # fmt: skip
    analysis = Analysis(
        "which", "Which keeps groups going?", date(2028, 1, 31), "group", "alive_after_end", 12, "ab" * 32,
        {"ab" * 32: 80}, (), ("learned kept more groups alive than alone.",),
        (arm("alone", 0.6), arm("learned", 0.8)), (comparison,), 0.04,
    )  # fmt: skip
    known, unknown = (2.0, 1.2, 3.3), (None, None, None)
    hazards = (Hazard("no_adviser", 80, 20, 30, *known), Hazard("no_fund", 8, 2, 3, *unknown))
    fading = Fading((), (), hazards)
    made = Report(
        "Peer groups <b>",
        date(2028, 1, 31),
        True,
        80,
        {"thriving": 50, "wavering": 10, "dormant": 2, "silent": 2, "dissolved": 16, "new": 0, "ended": 0},
        analysis,
        (),
        (),
        fading,
        Trust(100, {"adviser": 100}, 2.0, (Register("g7", 5),), (), ()),
        Provenance("p", "0.1.0", 7, {"learned": 3}, 900, None, None),
    )
    return msgspec.structs.replace(made, **changes)


def effect(action: str, size: Size | None, **changes: object) -> ActionEffect:
    made = ActionEffect(action, 320, 160, 12, 40, 12, size)
    return msgspec.structs.replace(made, **changes)


def did(**changes: object) -> ActionsFound:
    """A call that helps, and a story of which too little is known."""
    call = Size(0.21, 0.12, 0.3, 0.0004)
    few = effect("story", None, groups=9, why="9 groups, and 12 are needed")
    men = Slice("sex", "male", 38, 120, 300, Range(0.31, 0.25, 0.37), effect("any", call))
    women = Slice("sex", "female", 40, 200, 500, Range(0.52, 0.47, 0.57), effect("any", None))
    quarter = Quarter(80, 0.11, 0.44, 2.5, (Share("none", 0.5, 0.4), Share("call", 0.5, 0.6)))
    months = tuple(
        ActionMonth(f"2027-{n:02}", 100, (ActionShare("none", 0.5, 0.4), ActionShare("call", 0.5, 0.6)))
        for n in range(1, 13)
    )
    made = ActionsFound(
        "learned", "Learns & <tells>", False, "difference", 0.05, {"group": 40}, True, 800,
        LeftOut(forced=7), (),
        (effect("call", call), few), None, Sliced((women, men), 3, men, quarter), months,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.fixture(scope="module")
def with_actions() -> str:
    return report_page(told(actions=(did(),)), "engagement report")


@pytest.fixture(scope="module")
def page() -> str:
    return report_page(told(), "engagement report")


def test_the_first_thing_read_is_the_answer(page):
    assert re.search(r"<h1>(.*?)</h1>", page)[1] == "learned kept more groups alive than alone."


def test_what_is_made_up_says_so_before_everything_else(page):
    assert "Synthetic" in page[: page.index("<h1>")]
    assert "Synthetic" not in report_page(told(simulated=False), "engagement report")


def test_the_file_needs_nothing_else(page):
    assert not re.findall(r'(?:src|href)="(?!data:)(?!#)[^"]+"', page)
    assert "<script" not in page


def test_words_of_the_program_are_escaped(page):
    assert "Peer groups &lt;b&gt;" in page


def test_figures_name_every_arm_and_are_sound_xml(page):
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        ET.fromstring(drawing)  # noqa: S314  # drawn by the test itself
    assert all(f">{name}<" in drawings[0] for name in ("alone", "learned", "watched"))


def test_the_same_report_is_the_same_to_the_byte(page):
    assert report_page(told(), "engagement report") == page


def test_what_was_not_drawn_by_lot_is_called_described(page):
    assert page.count("<td>described</td>") == 2
    assert "too few to say" in page


def test_what_serves_two_arms_is_said_beside_the_answer():
    apart = report_page(told(), "engagement report")
    page = report_page(told(shared=(Shared("health_worker", "asha", ("alone", "learned")),)), "x")
    assert "so a difference is an effect." in apart
    assert "as far as arms could be kept apart" in page
    assert "health worker asha serves alone and learned" in page


def test_what_is_not_known_is_not_called_nothing_gained():
    one = told()
    blank = dict.fromkeys(("difference", "cost", "gain", "ratio", "hazard_ratio", "clusters_needed"))
    rows = tuple(msgspec.structs.replace(row, **blank) for row in one.trial.comparisons)
    page = report_page(told(trial=msgspec.structs.replace(one.trial, comparisons=rows)), "x")
    assert "nothing gained" not in page
    assert "not asked" not in page


def test_without_a_trial_it_shows_no_cause_and_says_so():
    page = report_page(told(trial=None), "engagement report")
    assert "<h1>62 of 80 groups are known to be alive; of 2 nothing is heard</h1>" in page
    assert "describes and shows no cause" in page


def test_what_each_action_did_is_said_with_its_interval(with_actions):
    assert (
        "call earned more than nothing: +0.210 (+0.120 to +0.300); "
        "by 320 decisions of 40 groups, 160 of them with it." in with_actions
    )
    assert (
        "<td>0.21 (0.12 to 0.30)</td><td>under 0.001</td><td>320</td><td>160</td><td>12</td>" in with_actions
    )
    assert "share a chance of 5% of a false finding" in with_actions
    assert "Learns &amp; &lt;tells&gt;" in with_actions


def test_an_action_of_which_too_little_is_known_has_words_and_no_figure(with_actions):
    assert "story: not enough data. 9 groups, and 12 are needed." in with_actions
    assert "<th>story</th><td>not enough data</td><td></td>" in with_actions


def test_errors_that_are_approximate_are_called_so(with_actions):
    assert "The intervals are approximate" in with_actions
    exact = report_page(told(actions=(did(approximate=False),)), "engagement report")
    assert "approximate" not in exact


def test_actions_have_a_figure_of_effects_and_one_of_months(with_actions):
    drawings = re.findall(r"<svg.*?</svg>", with_actions, flags=re.DOTALL)
    assert len(drawings) == 4
    for drawing in drawings:
        ET.fromstring(drawing)  # noqa: S314  # drawn by the test itself
    assert ">call<" in drawings[2]
    assert ">story<" not in drawings[2]
    assert all(f">{word}<" in drawings[3] for word in ("none", "call", "2027-01", "2027-11"))


def test_ratios_stand_around_1_and_say_so():
    page = report_page(told(actions=(did(scale="ratio"),)), "engagement report")
    assert "times the chance with nothing" in page
    assert "×0.21" in page


def test_the_slice_with_the_lowest_mean_is_named_and_the_lower_quarter_told(with_actions):
    assert "The lowest mean reward: sex male, 0.310." in with_actions
    assert with_actions.count("(lowest)") == 1
    assert "The lower quarter: 80 with a mean reward of 0.11, against 0.44 of everybody" in with_actions
    assert "3 more kinds have too few" in with_actions


def test_where_nothing_was_decided_the_report_says_so(page):
    assert "No strategy has decided anything yet" in page
    nothing = Sliced((), 0, None, None)
    bare = report_page(told(actions=(did(decisions=0, sliced=nothing, months=()),)), "engagement report")
    assert "Not enough data: no decision counts." in bare
    assert "No kind of member is in enough groups" in bare
    assert "Chance has drawn nothing yet." in bare


def test_numbers_are_written_as_people_read_them():
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert (number(-1234.5), number(None)) == (f"−1{thin}234.5", "unknown")
    assert [measure(value) for value in (-0.4304, 2.0, 100.0)] == ["−0.43", "2", "100"]
    assert measure(0.1256, True) == "12.6"  # a template's
    assert percent(0.456) == f"46{thin}%"
    assert span(Range(0.5, None, None)) == "0.5"
    assert span(Range(-0.5, -1.0, 0.0), 10.0, 0) == "−5 (−10 to 0)"
