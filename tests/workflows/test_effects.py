"""What the actions did, from a ledger whose truth is known. Everybody in it is synthetic."""

import json
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.nudge import Nudge
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.propensity import ONE
from engagement.cli import main
from engagement.errors import Invalid, NotFound, TooLarge
from engagement.estimators.excursion import Excursions, against_none, difference, log_ratio
from engagement.store import decisions
from engagement.strategy.planning import Planning
from engagement.strategy.setup import Link
from engagement.strategy.strategy import Outcome, Strategy
from engagement.strategy.trial import Protocol, Trial, TrialCondition
from engagement.workflows.effects import effects, material
from engagement.workflows.effects_told import in_words
from engagement.workflows.link import Linking, link
from engagement.workflows.logged import LeftOut
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.report import ReportWanted, report
from engagement.workflows.revise import revise
from engagement.workflows.trial import ToAssign, assign_asked
from support.peer_groups import FOLDED, START, Here, a_program, decided, ms, seat

GROUPS = 30
NAMES = ("none", "call", "story")
EVENLY = Strategy(
    id="evenly",
    title="By even chance",
    actions=("call", "story"),
    features=("attendance",),
    allocation=Uniform(),
    outcome=Outcome("posted", 35),
)
RURAL, URBAN = 0.4, 0.0
"""What a call adds to a mean reward, 8 standard errors and more; a story adds nothing."""


def near(size, truth: float) -> bool:
    """Within the width of an interval, which is 4.8 standard errors: wrong once in 20,000."""
    return abs(size.value - truth) < size.high - size.low


class Lived(NamedTuple):
    """A program, what was drawn for each of its members in order, and what that earned."""

    here: Here
    action: np.ndarray
    reward: np.ndarray
    group: np.ndarray


def seated(here: Here, groups: int = GROUPS) -> list[str]:
    """Eight in each group: every second group is urban, the last four seats are men, the first two lead."""
    lead = ("adviser", "deputy")
    lines = [
        f"g{n // 8},m{n},{n % 8 + 1},{'urban' if n // 8 % 2 else 'rural'},"
        f"{'female' if n % 8 < 4 else 'male'},{lead[n % 8] if n % 8 < 2 else 'member'}"
        for n in range(8 * groups)
    ]
    seat(here, *lines, columns="group,member,seat,setting,sex,role")
    return [f"m{n}" for n in range(8 * groups)]


def live(here: Here, members: list[str], *, binary: bool = False, strategy: str = "evenly") -> Lived:
    ids = decided(here, *members, strategy=strategy)
    rows = here.read(decisions.by_id, ids)
    action = np.array([NAMES.index(rows[name].action_id) for name in ids])
    group = np.arange(len(ids)) // 8
    rng, man = np.random.default_rng(3), np.arange(len(ids)) % 8 >= 4
    # men stand 6 standard errors below towns, so that the draw of actions does not settle who is worst off
    mean = 0.4 + (action == 1) * np.where(group % 2, URBAN, RURAL) - 0.3 * man
    reward = (rng.random(len(ids)) < mean) * 1.0 if binary else mean + rng.uniform(-0.1, 0.1, len(ids))
    posted = [(name, Posted(float(one))) for name, one in zip(ids, reward, strict=True)]
    here.run(post_outcomes, posted, day=2.0)
    return Lived(here, action, reward, group)


@pytest.fixture(scope="module")
def lived(db) -> Lived:
    """240 members in 30 groups, each decided for once by even chance."""
    here = a_program(db)
    here.run(revise, [EVENLY])
    return live(here, seated(here))


def found(here, moderator=None, *, strategy="evenly", day=FOLDED, most=10_000):
    with here.db.read() as conn:
        read = material(conn, here.kept, here.id, strategy, ms(day), most)
    return effects(read, moderator)


def by_hand(lived: Lived) -> Excursions:
    n = len(lived.action)
    third, ones = np.full((n, 3), 1 / 3), np.ones((n, 1))
    return Excursions(lived.reward, lived.action, third, third, ones, ones, lived.group)


def test_effects_are_those_of_the_estimator_on_the_same_arrays(lived):
    told = found(lived.here)
    assert (told.scale, told.decisions, told.clusters) == ("difference", 240, {"group": GROUPS})
    for number, row in enumerate(told.effects, start=1):
        pair = against_none(by_hand(lived), number, np.ones((240, 3), np.bool_))
        effect = difference(pair).effect(1, alpha=0.05 / 2)
        # counted in units of 2⁻³², a third is a third to nine digits
        assert (row.size.value, row.size.low, row.size.high) == pytest.approx(
            (effect.value, *effect.interval), abs=10 / ONE
        )
        assert (row.decisions, row.given) == (len(pair.action), pair.action.sum())


def test_what_a_call_adds_is_found_and_that_a_story_adds_nothing(lived):
    call, story = found(lived.here).effects
    assert call.size.low > 0
    assert near(call.size, (RURAL + URBAN) / 2)
    assert near(story.size, 0)


def test_where_every_reward_is_0_or_1_effects_are_ratios(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    lived = live(here, seated(here), binary=True)
    told = found(here)
    pair = against_none(by_hand(lived), 1, np.ones((240, 3), np.bool_))
    assert told.scale == "ratio"
    assert told.effects[0].size.value == pytest.approx(np.exp(log_ratio(pair).effect(1).value), rel=1e-6)


def test_an_effect_that_is_another_in_towns_is_told_by_setting(lived):
    told = found(lived.here, "setting").moderated
    call, story = told.effects
    assert (told.levels, told.decisions) == (("rural", "urban"), 240)
    rural, urban = (row.size for row in call.levels)
    assert near(rural, RURAL)
    assert near(urban, URBAN)
    assert near(call.size, URBAN - RURAL)
    assert call.size.high < 0
    assert near(story.size, 0)


def test_a_moderator_that_is_the_same_for_all_gives_no_figure(lived):
    told = found(lived.here, "sustaining").moderated
    assert {row.why for row in told.effects} == {"all of its decisions are of one level"}


def test_the_role_is_known_of_every_member(lived):
    told = found(lived.here, "role").moderated
    assert told.decisions == 240
    assert told.effects[0].size is not None


def test_a_dose_that_was_not_looked_at_is_refused(lived):
    with pytest.raises(Invalid, match="does not look at `dose`"):
        found(lived.here, "dose")


def test_a_dose_that_was_looked_at_is_known(db):
    here = a_program(db)
    here.run(revise, [msgspec.structs.replace(EVENLY, features=("attendance", "dose"))])
    live(here, seated(here, 1))
    assert found(here, "dose").moderated.decisions == 8


def test_too_few_groups_are_told_with_how_many_are_needed(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    live(here, seated(here, 6))
    told = found(here)
    assert [(row.size, row.groups, row.needed) for row in told.effects] == [(None, 6, 12)] * 2
    assert "6 groups, and 12 are needed" in told.effects[0].why


def test_groups_drawn_together_in_a_trial_are_one_cluster(db):
    here = a_program(db)
    conditions = (
        TrialCondition(id="alone", title="The adviser alone"),
        TrialCondition(id="counted", title="Counted", strategies=("counted",)),
    )
    trial = Trial(
        id="which", title="Which?", conditions=conditions, unit="catchment", blocks=(2,),
        starts_on=START.date(), protocol=Protocol(horizon_months=12, smallest_difference=0.5),
    )  # fmt: skip
    here.run(revise, [EVENLY])
    live(here, seated(here, 6))
    here.run(revise, [trial])
    places = [
        Linking("group", f"g{n}", Link(relation="catchment", starts_on=START.date(), to=f"place{n // 2}"))
        for n in range(5)
    ]
    here.run(link, places)
    here.run(assign_asked, [("which", ToAssign())])
    assert found(here).clusters == {"catchment": 3, "group": 1}


def test_errors_are_called_approximate_once_a_belief_that_decides_has_learned(db):
    here = a_program(db)
    learning = msgspec.structs.replace(EVENLY, id="learning", allocation=HorizonThompson())
    here.run(revise, [EVENLY, learning])
    members = seated(here, 2)
    live(here, members[:8], strategy="learning")
    live(here, members[:8])
    assert not found(here, strategy="learning").approximate
    here.fold()
    live_on = {"day": FOLDED + 1}
    for strategy in ("learning", "evenly"):
        ids = decided(here, *members[8:], strategy=strategy, **live_on)
        here.run(post_outcomes, [(name, Posted(0.5)) for name in ids], day=FOLDED + 2)
    later = 2 * FOLDED
    assert found(here, strategy="learning", day=later).approximate
    assert not found(here, day=later).approximate


def test_what_does_not_count_is_counted_by_its_reason(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    seat(here, "g0,m0,1,yes", "g0,m1,2,yes", "g0,m2,3,no", columns="group,member,seat,chance")
    first, *_ = decided(here, "m0", "m1", "m2", strategy="evenly")
    here.run(post_outcomes, [(first, Posted(0.4))], day=2.0)
    told = found(here)
    assert (told.decisions, told.left_out) == (1, LeftOut(waiting=1, forced=1))
    assert found(here, day=1.0).left_out == LeftOut(open=2, forced=1)
    assert found(here, day=-1.0).left_out == LeftOut()


def test_slices_have_the_mean_reward_of_their_members_and_the_worst_is_named(lived):
    told = found(lived.here).sliced
    slices = {(row.fact, row.value): row for row in told.slices}
    men = lived.reward[np.arange(240) % 8 >= 4]
    assert slices["sex", "male"].mean.value == pytest.approx(men.mean())
    assert slices["setting", "urban"].groups == 15
    assert (slices["role", "adviser"].units, slices["role", "adviser"].decisions) == (GROUPS, GROUPS)
    assert told.worst == slices["sex", "male"]
    assert near(slices["sex", "female"].acting.size, (RURAL + URBAN) / 4)
    assert "language" in {fact for fact, _ in slices}
    assert "age_band" not in {fact for fact, _ in slices}


def test_slices_of_few_groups_are_not_told(db):
    here = a_program(db)
    here.run(revise, [EVENLY])
    live(here, seated(here, 4))
    told = found(here).sliced
    assert (told.slices, told.worst) == ((), None)
    assert told.small == 8  # two settings, three roles, two sexes, one language


def test_the_lower_quarter_stands_beside_everybody_with_what_it_got(lived):
    quarter = found(lived.here).sliced.quarter
    lowest = np.argsort(lived.reward, kind="stable")[:60]
    assert (quarter.units, quarter.decisions) == (60, 1.0)
    assert quarter.mean == pytest.approx(lived.reward[lowest].mean())
    assert quarter.everybody == pytest.approx(lived.reward.mean())
    call = quarter.shares[1]
    assert (call.action, call.quarter) == ("call", pytest.approx((lived.action[lowest] == 1).mean()))
    assert call.everybody == pytest.approx((lived.action == 1).mean())


def test_of_groups_decided_for_as_such_setting_and_language_are_known_and_no_role(db):
    here = a_program(db)
    together = msgspec.structs.replace(EVENLY, id="together", level="group", actions=("thanks",))
    here.run(revise, [Nudge(id="thanks", title="The group thanks", level="group"), together])
    seated(here, 10)
    asked = [Ask(group=f"g{n}", strategy="together") for n in range(10)]
    told = here.run(recommend, asked)
    here.run(post_outcomes, [(one.decision_id, Posted(0.5)) for one in told], day=2.0)
    sliced = found(here, strategy="together").sliced
    assert {(row.fact, row.value, row.units) for row in sliced.slices} == {
        ("setting", "rural", 5),
        ("setting", "urban", 5),
        ("language", "en", 10),
    }
    assert sliced.quarter.units == 2
    assert found(here, "role", strategy="together").moderated.decisions == 0


def test_every_month_has_the_probability_and_the_picks_of_each_action(lived):
    [month] = found(lived.here).months
    assert (month.month, month.decisions) == ("2026-03", 240)
    assert [row.probability for row in month.shares] == pytest.approx([1 / 3] * 3, abs=1 / ONE)
    assert [row.picked for row in month.shares] == pytest.approx(np.bincount(lived.action) / 240)


def test_a_strategy_without_decisions_has_nothing_and_says_so(db):
    here = a_program(db)
    told = found(here, strategy="counted")
    assert (told.decisions, told.sliced.slices, told.sliced.quarter, told.months) == (0, (), None, ())
    assert all(row.why for row in told.effects)


def test_what_cannot_be_asked_is_refused_in_words(lived):
    here = lived.here
    with pytest.raises(NotFound, match="no strategy `nobody`"):
        found(here, strategy="nobody")
    with pytest.raises(TooLarge, match="more than 100 decisions"):
        found(here, most=100)


def test_a_plan_has_no_effects_visit_by_visit(db):
    here = a_program(db)
    weekly = Strategy(id="visits", title="Visits", actions=("visit",), cadence="week", plan=Planning())
    here.run(revise, [ChwLinkage(id="visit", title="A visit", minutes=30), weekly])
    with pytest.raises(Invalid, match="drawn together"):
        found(here, strategy="visits")


@pytest.fixture
def command(lived, capsys):
    url = lived.here.db.url.render_as_string(hide_password=False)

    def run(*words: str) -> str:
        given = ["--strategy", "evenly", "--program", lived.here.id, "--database", url, *words]
        assert main(["effects", *given]) == 0
        return capsys.readouterr().out

    return run


def test_the_command_says_it_in_plain_words_first(command):
    said = command("--moderator", "setting")
    lines = said.splitlines()
    assert lines[0] == "By even chance: what its actions did, by 240 decisions of 30 groups."
    assert "call earned more than nothing: +0." in said
    assert "story cannot be told from nothing" in said or "story earned" in said  # one time in 40
    assert "The 2 actions share a chance of 5% of a false finding" in said
    assert "each interval is one of 97.5 %" in said
    assert "call: yes, less. Rural +0." in said
    assert "The lowest mean reward: sex male" in said
    assert "The lower quarter: 60" in said
    assert "2026-03" in said
    assert "approximate" not in said


def test_what_is_made_up_says_so_first(lived):
    told = found(lived.here)
    assert not told.simulated
    assert in_words(msgspec.structs.replace(told, simulated=True))[0].startswith("Synthetic")


def test_the_command_gives_everything_as_json(command):
    told = json.loads(command("--json"))
    assert told["effects"][0]["action"] == "call"
    assert told["sliced"]["worst"]["value"] == "male"
    assert told["moderated"] is None


def test_a_report_holds_every_strategy_that_has_decided_and_no_other(lived):
    with lived.here.db.read() as conn:
        told = report(conn, lived.here.kept, lived.here.id, ReportWanted(), ms(FOLDED))
    assert told.actions == (found(lived.here),)


def test_a_report_of_a_day_knows_nothing_of_later(lived):
    with lived.here.db.read() as conn:
        told = report(conn, lived.here.kept, lived.here.id, ReportWanted(), ms(-1.0))
    assert told.actions == ()
