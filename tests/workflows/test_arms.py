"""Control and shadow in a program: who decides, what is stored of it, and what is learned from it."""

from datetime import date
from itertools import count

import msgspec
import pytest

from engagement.randomness import uniform
from engagement.signals.signal import Audience
from engagement.store import beliefs, decisions, setup
from engagement.strategy.arms import Control, Shadow, in_control
from engagement.strategy.baseline import EvenChance, FixedOrder
from engagement.strategy.promotion import Rule
from engagement.workflows.ingest import ingest
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from engagement.workflows.sight import Sight
from engagement.workflows.story import story
from engagement.workflows.tell import seen_by
from support.peer_groups import LEARNED, a_program, ask, came, decided, ms, seat, with_strategy

HALF = Control(0.5, FixedOrder(("call",)))
WATCHING = Shadow(date(2026, 6, 30), EvenChance(), Rule(outcomes=1, groups=2))


def group_of(here, control, *, inside):
    """A group's name that is in the control share, or one that is not."""
    with here.db.read() as conn:
        secret = setup.draw_secret(conn, here.kept, here.id)
    names = (f"g{n}" for n in count())
    return next(name for name in names if in_control(control, secret, here.id, "learned", name) == inside)


def seated(here, group, *members):
    seat(here, *(f"{group},{name},{n}" for n, name in enumerate(members, start=1)))
    return members


def rows(here, ids):
    return list(here.read(decisions.by_id, ids).values())


def verdicts(here, ids):
    with here.db.read() as conn:
        return list(replay_decisions(conn, here.kept, here.id, ids, deep=True))


@pytest.fixture
def halved(db):
    """A program with half of the groups in control, and members x1, x2 of such a group and y1, y2 of none."""
    here = a_program(db, with_strategy(control=HALF))
    seated(here, group_of(here, HALF, inside=True), "x1", "x2")
    seated(here, group_of(here, HALF, inside=False), "y1", "y2")
    return here


@pytest.fixture
def watching(db):
    """A program in shadow, and members m1 and m2."""
    here = a_program(db, with_strategy(shadow=WATCHING))
    seated(here, "g", "m1", "m2")
    return here


def test_a_whole_group_is_in_control_or_none_of_it(halved):
    assert [told.arm for told in ask(halved, "x1", "x2", "y1", "y2")] == [
        "control",
        "control",
        "learning",
        "learning",
    ]


def test_in_control_the_declared_baseline_decides_for_certain(halved):
    (told,) = ask(halved, "x1")
    assert (told.action.id, told.probability, told.randomised) == ("call", 1.0, False)
    assert told.why == "The strategy's fixed order decided."


def test_a_group_of_another_day_faces_the_same_arm(halved):
    asked = [ask(halved, "x1", "y1", day=day)[0].arm for day in (0, 40, 80)]
    assert asked == ["control"] * 3


def test_a_member_who_moves_has_the_arm_of_the_new_group(halved):
    ask(halved, "x1")
    elsewhere = group_of(halved, HALF, inside=False)
    seat(halved, f"{elsewhere},x1,9", day=2.0)
    assert ask(halved, "x1", day=40.0)[0].arm == "learning"


def test_nothing_is_learned_from_control_groups_and_their_outcomes_are_kept(halved):
    made = decided(halved, "x1", "y1")
    halved.run(ingest, [came("x1", 5), came("y1", 5)], day=6)
    (folded,) = halved.fold()
    assert folded.header.rows_in == 1
    learned = halved.read(beliefs.entries_of_version, "learned", 1)
    assert [entry.decision_id for entry in learned] == [made[1]]
    rewards = halved.read(decisions.outcomes, made)
    assert [rewards[name][0].reward for name in made] == [pytest.approx(2 / 3)] * 2


def test_decisions_in_control_are_made_again_the_same(halved):
    found = verdicts(halved, decided(halved, "x1", "y1"))
    assert [verdict.agrees for verdict in found] == [True, True]


@pytest.mark.parametrize(("inside", "agrees"), [(True, True), (False, False)])
def test_an_arm_that_is_not_the_groups_is_detected(halved, inside, agrees):
    """A copy of a control group's decision under another point, its draw keyed to that."""
    (row,) = rows(halved, decided(halved, "x1"))
    with halved.db.write() as conn:
        secret = setup.draw_secret(conn, halved.kept, halved.id)
        copy = row._replace(
            decision_id="00000000-0000-7000-8000-000000000001",
            decision_point="another",
            group_id=group_of(halved, HALF, inside=inside),
            evidence=msgspec.structs.replace(
                row.evidence, uniform=uniform(secret, halved.id, "learned", "member:x1", "another")
            ),
        )
        decisions.insert_decisions(conn, halved.id, [copy])
    assert [verdict.agrees for verdict in verdicts(halved, [copy.decision_id])] == [agrees]


def test_a_shadow_answers_the_baseline_and_keeps_what_it_would_have_done(watching):
    (told,) = ask(watching, "m1")
    assert told.arm == "shadow"
    assert [chance.probability for chance in told.chances] == pytest.approx([1 / 3] * 3)
    assert told.why.startswith("Drawn by lot among 3 that fit")
    (row,) = rows(watching, [told.decision_id])
    assert len(row.evidence.beside) == 3 * 8


def test_a_story_tells_staff_what_the_belief_would_have_done(watching):
    (told,) = ask(watching, "m1")
    with watching.db.read() as conn:
        found = story(conn, watching.kept, watching.id, told.decision_id, "staff", ms(0), simulated=False)
    assert [chance.action for chance in found.beside] == ["none", "call", "token"]
    assert sum(chance.probability for chance in found.beside) == pytest.approx(1)


def test_a_belief_learns_beside_the_baseline_of_a_shadow(watching):
    decided(watching, "m1", "m2")
    watching.run(ingest, [came("m1", 5), came("m2", 5)], day=6)
    (folded,) = watching.fold()
    assert folded.header.rows_in == 2


def test_decisions_in_a_shadow_are_made_again_the_same_on_every_version(watching):
    made = decided(watching, "m1", "m2")
    watching.run(ingest, [came("m1", 5), came("m2", 5)], day=6)
    watching.fold()
    found = verdicts(watching, [*made, *decided(watching, "m1", day=40.0)])
    assert {verdict.decision.version for verdict in found} == {0, 1}
    assert [(verdict.agrees, verdict.replayed.score_gap is not None) for verdict in found] == [
        (True, True)
    ] * 3


def test_a_shadow_whose_belief_was_no_number_is_made_again_too(watching):
    decided(watching, "m1")
    watching.run(ingest, [came("m1", 5)], day=6)
    watching.fold()
    with watching.db.write() as conn:
        node = beliefs.read_nodes(conn, watching.id, "learned", [""], 1)[""]
        beliefs.write_nodes(conn, watching.id, "learned", 1, {"": node * float("nan")})
    (verdict,) = verdicts(watching, decided(watching, "m1", day=40.0))
    assert (verdict.decision.fallback, verdict.decision.evidence.beside) == (None, b"")
    assert verdict.agrees


@pytest.mark.parametrize(("audience", "arm"), [("staff", "shadow"), ("health_worker", None), ("group", None)])
def test_only_staff_see_which_arm_decided(watching, audience: Audience, arm):
    assert seen_by(Sight(audience, {}), ask(watching, "m1")[0]).arm == arm


@pytest.mark.parametrize("control", [None, Control(0.2, FixedOrder(("call",))), Control(0.5, EvenChance())])
def test_a_control_share_cannot_be_changed(halved, control):
    changed = msgspec.structs.replace(LEARNED, control=control)
    (refused,) = halved.run(revise, [changed])
    assert "cannot change" in str(refused)
    assert ask(halved, "x1")[0].arm == "control"


def test_a_shadow_cannot_be_ended_by_hand(watching):
    (refused,) = watching.run(revise, [LEARNED])
    assert "ends by its rule" in str(refused)
    assert ask(watching, "m1")[0].arm == "shadow"
