"""The report as somebody reads it: built from a small trial, everybody in it synthetic."""

import re
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from matplotlib.path import Path

from engagement.api.pages.cost_figures import ellipse
from engagement.api.pages.report import measure, number, percent, report_page, span, true_minus
from engagement.estimators.arms import Verdict
from engagement.estimators.each_action import ActionEffect, Size
from engagement.workflows.actions_over_time import ActionMonth, ActionShare
from engagement.workflows.diagnostics import DrawCheck
from engagement.workflows.effects import ActionsFound
from engagement.workflows.fading import Fading, Hazard
from engagement.workflows.gained import ArmGained, Gained, PlaneFound, Worth
from engagement.workflows.learning_curve import LearningMonth
from engagement.workflows.logged import LeftOut
from engagement.workflows.report import Provenance, Report
from engagement.workflows.slices import Quarter, Share, Slice, Sliced
from engagement.workflows.trial_found import Analysis, ArmFound, ComparisonFound, CurvePoint, Range
from engagement.workflows.trial_told import Shared
from engagement.workflows.trust import Register, Trust

START = datetime(2027, 2, 3, tzinfo=UTC)


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
    got = (Share("none", 0.5, 0.4), Share("call", 0.5, 0.6))
    quarter = Quarter(80, 0.11, 0.44, 2.5, got, (0.08, 0.15), (0.4, 0.48))
    months = tuple(
        ActionMonth(f"2027-{n:02}", 100, (ActionShare("none", 0.5, 0.4), ActionShare("call", 0.5, 0.6)))
        for n in range(1, 13)
    )
    learned = tuple(
        LearningMonth(f"2027-{n:02}", n, n + 1, 100, 90, Range(0.4, 0.3, 0.5), chance, chance)
        for n, chance in ((1, Range(0.2, 0.15, 0.25)), (2, Range(0.6, None, None)))
    )
    made = ActionsFound(
        "learned", "Learns & <tells>", False, "difference", 0.05, {"group": 40}, True, 800,
        LeftOut(forced=7), (),
        (effect("call", call), few), None, Sliced((women, men), 3, men, quarter), months, learned,
        (DrawCheck("none", 40, 41.5, 5.0, 30, 3), DrawCheck("call", 60, 58.5, 5.0, 60, 0)),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def figures_of(page: str) -> list[str]:
    """Every figure once, as it stands on a wide page."""
    return re.findall(r'<div class="wide">(<svg.*?</svg>)</div>', page, flags=re.DOTALL)


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
    drawings = figures_of(page)
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


def test_what_is_not_known_is_not_called_not_asked():
    one = told()
    blank = dict.fromkeys(("difference", "cost", "gain", "ratio", "hazard_ratio", "clusters_needed"))
    rows = tuple(msgspec.structs.replace(row, **blank) for row in one.trial.comparisons)
    page = report_page(told(trial=msgspec.structs.replace(one.trial, comparisons=rows)), "x")
    assert "not asked" not in page


def bought(**changes: object) -> Gained:
    """learned cost 900 more a group, in minor units, for a month and a half."""
    worths = (Worth(500.0, Range(-150.0, -400.0, 100.0), 0.1), Worth(1000.0, Range(600.0, 50.0, 900.0), 0.98))
    plane = PlaneFound(
        "alone", "learned", Range(900.0, 700.0, 1100.0), Range(1.5, 0.5, 2.5), 100.0, 0.5, 0.3, 600.0, 0.0,
        worths, ((1.4, 880.0), (1.7, 950.0)),
    )  # fmt: skip
    arms = tuple(
        ArmGained(
            name, 320, 9.0, 40.0, Range(130.0, 100.0, 160.0), Range(25.0, 20.0, 30.0), Range(0.5, 0.45, 0.55),
            Range(quarter, quarter - 0.05, quarter + 0.05), 60.0,
        )
        for name, quarter in (("alone", 0.2), ("learned", 0.25))
    )  # fmt: skip
    return msgspec.structs.replace(Gained(12, 2000, arms, (plane,)), **changes)


def test_costs_are_told_a_group_month_and_a_member_month_with_intervals_in_whole_units():
    page = report_page(told(gained=bought()), "x")
    row = "<th>learned</th><td>9.0</td><td>1.30 (1.00 to 1.60)</td><td>40.0</td><td>0.25 (0.20 to 0.30)</td>"
    assert row in page
    assert "<td>9.00 (7.00 to 11.00)</td><td>1.5 (0.5 to 2.5)</td><td>6.00</td>" in page
    assert "<th>5.00</th><th>pays</th>" in page
    assert "−1.50 (−4.00 to 1.00)" in page


def test_the_plane_has_its_reference_rays_and_currency():
    drawings = figures_of(report_page(told(gained=bought()), "x"))
    assert len(drawings) == 4
    plane, quarters = drawings[2:]
    assert all(f">{word}<" in plane for word in ("alone", "learned", "5 INR", "10 INR"))
    assert ">more spent a group, INR<" in plane
    assert 'aria-label="Against alone, a group: learned +1.5 months and +9.00 INR"' in plane
    assert all(f">{word}<" in quarters for word in ("alone", "learned", "● lower quarter", "○ all"))


def test_an_ellipse_holds_what_a_normal_cloud_leaves_it_to_hold():
    """2.4477 standard deviations each way along the axes: √(−2·ln .05)."""
    (plane,) = bought().planes
    ring = np.array(ellipse(plane))
    assert ring[:, 0].max() == pytest.approx(1.5 + 2.4477 * 0.5, abs=1e-3)
    assert ring[:, 1].max() == pytest.approx((900 + 2.4477 * 100) / 100, abs=1e-2)
    rng = np.random.default_rng(5)
    cloud = rng.multivariate_normal([1.5, 9.0], [[0.25, 0.3 * 0.5], [0.3 * 0.5, 1.0]], 4000)
    inside = Path(ring).contains_points(cloud).mean()
    assert inside == pytest.approx(0.95, abs=0.015)  # four standard errors


def test_where_no_month_was_gained_there_is_no_price_of_one():
    (plane,) = bought().planes
    without = msgspec.structs.replace(plane, ratio=None)
    assert "<td>nothing gained</td>" in report_page(told(gained=bought(planes=(without,))), "x")
    assert "nobody knows what a month costs" in report_page(told(gained=bought(planes=())), "x")


def test_the_first_page_has_three_sentences():
    three = ("One.", "Two.", "Three.")
    page = report_page(told(sentences=three), "x")
    assert re.search(r'<div class="three">(.*?)</div>', page)[1] == "".join(f"<p>{one}</p>" for one in three)


def test_draws_are_checked_against_their_probabilities(with_actions):
    assert "What was drawn is what the stored probabilities say." in with_actions
    row = "<th>none</th><td>40</td><td>41.5 ± 5.0</td><td>−0.3</td><td>30</td>"
    assert row in with_actions
    far = did(draws=(DrawCheck("call", 100, 50.0, 5.0, 100, 0),))
    page = report_page(told(actions=(far,)), "x")
    assert "Drawn more or less often than chance would have it: call." in page


def test_minus_signs_are_true_ones_in_sentences():
    assert true_minus("well-known: -3 to +4 (-1.5)") == "well-known: −3 to +4 (−1.5)"


def test_every_figure_says_in_words_what_it_shows(with_actions):
    assert all(re.match(r'<svg role="img" aria-label="[^"]{10,}"', one) for one in figures_of(with_actions))


def test_no_two_figures_share_an_id(with_actions):
    ids = re.findall(r'\bid="([^"]+)"', with_actions)
    assert len(ids) == len(set(ids)) > 7
    assert set(re.findall(r'url\(#(\w+)\)|href="#(\w+)"', with_actions)) <= {(one, "") for one in ids} | {
        ("", one) for one in ids
    }


def test_whence_the_figures_are_names_range_versions_seed_and_command():
    source = Provenance(
        "p", "0.1.0", 7, {"learned": 3}, 900, START, START, 5000, START, START, {"learned": 12},
        {"Python": "3.11", "numpy": "2.0"},
    )  # fmt: skip
    page = report_page(told(provenance=source), "engagement report --on 2028-01-31")
    for words in (
        "5000, recorded from 2027-02-03 to 2027-02-03",
        "learned (revision 3, belief version 12)",
        "seed 0, keyed by",
        "<code>engagement report --on 2028-01-31</code>, with Python 3.11, numpy 2.0",
    ):
        assert words in page


def test_without_a_trial_it_shows_no_cause_and_says_so():
    page = report_page(told(trial=None), "engagement report")
    assert "<h1>62 of 80 groups are known to be alive; of 2 nothing is heard</h1>" in page
    assert "Only a trial shows a cause" in page


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
    drawings = figures_of(with_actions)
    assert len(drawings) == 7  # of the trial two; sizes, slices, the lower quarter, learning, months
    for drawing in drawings:
        ET.fromstring(drawing)  # noqa: S314  # drawn by the test itself
    sizes, slices, quarter, learned, months = drawings[2:]
    assert ">call<" in sizes
    assert ">story<" not in sizes
    assert slices.index(">sex male<") < slices.index(">sex female<") or "sex male 0.31" in slices
    assert all(f">{word}<" in quarter for word in ("members", "● lower quarter", "○ all"))
    assert all(f">{word}<" in learned for word in ("the likeliest", "the drawn", "v. 1 to 2"))
    assert all(f">{word}<" in months for word in ("none", "call", "2027-01", "2027-11"))


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
