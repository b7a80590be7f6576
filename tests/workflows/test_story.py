"""A decision told: the answer in words, and the story from beginning to end."""

from itertools import accumulate

import msgspec
import pytest

from engagement.actions.content import Content
from engagement.errors import NotFound
from engagement.strategy.setup import Site
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.story import story
from engagement.workflows.tell import safe_default
from support.peer_groups import (
    CALL,
    FOLDED,
    PLAN,
    STORY,
    a_program,
    always,
    ask,
    came,
    decided,
    held,
    moment,
    ms,
    seat,
    seat_members,
    with_strategy,
)


def told(here, decision, day=1.0, audience="research"):
    with here.db.read() as conn:
        return story(conn, here.kept, here.id, decision, audience, ms(day), simulated=False)


def test_a_story_holds_what_was_answered(here):
    (answered,) = ask(here, *seat_members(here, 1))
    assert told(here, answered.decision_id).recommendation == answered


def test_a_story_tells_what_became_of_it(here):
    (decision,) = decided(here, *seat_members(here, 1))
    here.run(answer, [(decision, Reply("declined", "no_time", moment(0.5)))], day=1)
    here.run(ingest, [came("m0", 5, 0)], day=6)
    here.fold()
    told_late = told(here, decision, FOLDED)
    assert told_late.status == "declined"
    assert [(step.status, step.reason, step.occurred_at) for step in told_late.steps] == [
        ("declined", "no_time", moment(0.5))
    ]
    assert [(row.revision, row.reward) for row in told_late.outcomes] == [(1, 0.0)]


def test_a_provisional_value_is_shown_while_the_window_is_open_and_is_not_learned(here):
    (decision,) = decided(here, *seat_members(here, 1))
    assert told(here, decision).provisional is None
    here.run(ingest, [came("m0", 5)], day=6)
    assert told(here, decision, 7).provisional == pytest.approx(2 / 3)
    here.fold(7)
    early = told(here, decision, 7)
    assert (early.outcomes, early.provisional) == ((), pytest.approx(2 / 3))
    here.fold()
    late = told(here, decision, FOLDED)
    assert late.provisional is None
    assert [row.reward for row in late.outcomes] == [pytest.approx(2 / 3)]


def test_a_story_tells_whether_the_group_lived_three_months_later(here):
    (decision,) = decided(here, *seat_members(here, 1))
    (group,) = {row.group for row in [told(here, decision).recommendation]}
    here.run(ingest, [held(group, 85)], day=86)
    assert told(here, decision, 90).alive_three_months_later is None
    assert told(here, decision, 92).alive_three_months_later is True
    assert told(here, decision, 92, "group").alive_three_months_later is None


def test_a_story_tells_the_belief_and_the_draw(here):
    (answered,) = ask(here, *seat_members(here, 1))
    found = told(here, answered.decision_id)
    assert [belief.action for belief in found.beliefs] == ["none", "call", "token"]
    assert (found.beliefs[0].mean, found.beliefs[0].sd) == (0, 0)  # an effect against itself
    assert found.features[0] == type(found.features[0])("intercept", 1.0)
    tops = accumulate(chance.probability for chance in answered.chances)
    drawn = next(chance for chance, top in zip(answered.chances, tops, strict=True) if found.uniform < top)
    assert drawn.action == answered.action.id


def test_a_story_shows_each_reader_what_is_meant_for_them(here):
    (answered,) = ask(here, *seat_members(here, 1))
    adviser = told(here, answered.decision_id, audience="adviser")
    names = {feature.name for feature in adviser.features}
    assert "attendance" in names
    assert not names & {"weeks_since_contact", "weeks_since_contact_missing", "dose"}
    assert (adviser.beliefs, adviser.uniform) == ((), None)
    assert told(here, answered.decision_id, audience="staff").beliefs


def test_an_unanswered_decision_has_expired_when_its_time_is_over(here):
    (decision,) = decided(here, *seat_members(here, 1))
    assert [told(here, decision, day).status for day in (21, 22)] == ["proposed", "expired"]


def test_of_an_unknown_decision_there_is_no_story(here):
    with pytest.raises(NotFound):
        told(here, "00000000-0000-7000-8000-000000000000")


# --- words ------------------------------------------------------------------------------------------


def test_an_answer_stays_as_it_was_when_the_set_up_changes(here):
    (before,) = ask(here, *seat_members(here, 1))
    here.run(revise, [msgspec.structs.replace(action, title="Other") for action in (CALL, STORY)])
    assert ask(here, "m0") == [before]


@pytest.mark.parametrize(
    ("own", "shared", "text"),
    [("hi", "te", "Namaste"), ("", "hi", "Namaste"), ("te", "te", "Hello"), ("", "", "Hello")],
)
def test_an_action_is_worded_in_the_first_language_there_is(db, own, shared, text):
    plan = always("call")
    worded = msgspec.structs.replace(CALL, content=(Content("en", "Hello"), Content("hi", "Namaste")))
    here = a_program(db, msgspec.structs.replace(plan, actions=(worded, *plan.actions[1:])))
    seat(here, f"g0,m0,1,no,{own},{shared}", columns="group,member,seat,chance,language,group_language")
    assert ask(here, "m0")[0].action.text == text


def test_the_words_are_for_an_app_and_whoever_carries_the_action_out(db):
    rows = (
        Content("en", "Sent", channel="sms"),
        Content("en", "You are asked", audience="member"),
        Content("en", "Ask about {goal}"),
    )
    plan = always("call")
    worded = msgspec.structs.replace(CALL, content=rows, burden=2)
    here = a_program(db, msgspec.structs.replace(plan, actions=(worded, *plan.actions[1:])))
    (answered,) = ask(here, *seat_members(here, 1, chance="no"))
    offer = answered.action
    assert (offer.text, offer.audience, offer.variables) == ("Ask about {goal}", "adviser", ("goal",))
    assert (offer.draft, offer.burden) == (True, 2)


def test_an_action_without_words_in_any_of_the_languages_is_not_offered(db):
    plan = always("call")
    worded = msgspec.structs.replace(CALL, content=(Content("hi", "Namaste"),))
    here = a_program(db, msgspec.structs.replace(plan, actions=(worded, *plan.actions[1:])))
    (answered,) = ask(here, *seat_members(here, 1, chance="no"))
    assert [(one.action, one.reason) for one in answered.unavailable] == [("call", "no_content")]


@pytest.mark.parametrize(
    ("ends_on", "phase"),
    [("2026-12-31", "running"), ("2026-03-31", "handover"), ("2026-03-09", "sustaining")],
)
def test_an_answer_names_the_phase_of_the_day(here, ends_on, phase):
    seat_members(here, 1)
    here.run(revise, [msgspec.convert({"id": "here", "title": "Here", "ends_on": ends_on}, Site)])
    assert ask(here, "m0")[0].phase == phase


def test_the_reason_says_how_likely_and_out_of_how_many(here):
    (answered,) = ask(here, *seat_members(here, 1))
    percent = round(100 * answered.probability)
    assert f"a chance of {percent} in 100 among 3 that fit" in answered.why
    assert "at least 2 in 100" in answered.why


def test_the_reason_promises_no_more_than_an_even_share(db):
    here = a_program(db, with_strategy(floor=0.5))
    (answered,) = ask(here, *seat_members(here, 1))
    assert [round(chance.probability, 6) for chance in answered.chances] == [0.333333] * 3
    assert "at least 33.3 in 100" in answered.why


def test_the_reason_says_when_chance_was_declined(here):
    (answered,) = ask(here, *seat_members(here, 1, chance="no"))
    assert answered.why.startswith("The member asked for no chance")


def test_the_reason_says_when_there_was_nothing_to_choose(db):
    here = a_program(
        db, with_strategy(limit_minor=0, actions=("token",), fallback=PLAN.strategies[1].fallback)
    )
    (answered,) = ask(here, *seat_members(here, 1))
    assert answered.why == "Only one thing could be offered. 1 could not be offered now."


def test_the_safe_default_decides_nothing():
    answered = safe_default("m0", None, simulated=True)
    assert (answered.decision_id, answered.probability, answered.fallback) == (None, None, "deadline")
    assert (answered.action.id, answered.withheld, answered.simulated) == ("none", None, True)
