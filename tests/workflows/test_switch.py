"""The stop switch: what it holds up, what it lets pass, and what is kept of who threw it."""

import msgspec

from engagement.errors import Conflict
from engagement.store import setup
from engagement.strategy.setup import Switched
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from engagement.workflows.switch import Switch, Throw, switched, throw
from support.peer_groups import PLAN, ask, came, decided, moment, seat_members

LEAD = Switched(by="program-lead", why="A complaint is being looked into.")
NURSE = Switched(by="nurse", why="It was settled.")
STOP, RESUME = Throw(True, LEAD), Throw(False, NURSE)


def test_from_the_very_next_call_nothing_is_recommended_to_anybody(here):
    seat_members(here, 1)
    here.run(throw, [STOP])
    asks = [Ask(member="m0"), Ask(member="m0", strategy="counted")]
    told = here.run(recommend, asks)
    assert [(one.decision_id, one.withheld, one.randomised) for one in told] == [
        (None, "program_stopped", False)
    ] * 2


def test_a_stopped_program_takes_signals_and_answers(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    here.run(throw, [STOP])
    (receipt,) = here.run(ingest, [came("m0", 0)])
    (stands,) = here.run(answer, [(decision, Reply("declined"))])
    assert (receipt.status, stands.status) == ("stored", "declined")


def test_a_resumed_program_recommends_again(here):
    seat_members(here, 1)
    here.run(throw, [STOP])
    here.run(throw, [RESUME])
    assert ask(here, "m0")[0].decision_id is not None


def test_who_threw_the_switch_why_and_when_is_kept(here):
    here.run(throw, [STOP], day=1)
    here.run(throw, [RESUME], day=2)
    (told,) = here.run(switched, [None], day=3)
    assert told == (
        Switch(False, "nurse", "It was settled.", moment(2)),
        Switch(True, "program-lead", "A complaint is being looked into.", moment(1)),
        Switch(False, None, None, moment(0)),
    )


def test_stopping_twice_changes_nothing_and_tells_who_was_first(here):
    here.run(throw, [STOP], day=1)
    (again,) = here.run(throw, [Throw(True, NURSE)], day=2)
    assert again == Switch(True, "program-lead", "A complaint is being looked into.", moment(1))
    assert here.read(setup.newest, "program", ["program"])["program"].thing.switched == LEAD


def test_each_of_a_batch_is_told_how_the_switch_stood_then(here):
    assert [one.stopped for one in here.run(throw, [STOP, RESUME])] == [True, False]


def test_a_change_of_the_program_read_before_the_stop_does_not_undo_it(here):
    here.run(throw, [STOP])
    (refused,) = here.run(revise, [msgspec.structs.replace(PLAN.program, title="Another title")])
    assert isinstance(refused, Conflict)
    assert "resume it" in str(refused)
    assert here.read(setup.newest, "program", ["program"])["program"].thing.stopped


def test_a_change_of_a_stopped_program_keeps_who_stopped_it(here):
    here.run(throw, [STOP])
    (stored,) = here.run(revise, [msgspec.structs.replace(PLAN.program, title="New", stopped=True)])
    assert (stored.thing.title, stored.thing.switched) == ("New", LEAD)


def test_a_change_of_the_program_cannot_put_a_word_into_anybodys_mouth(here):
    (stored,) = here.run(revise, [msgspec.structs.replace(PLAN.program, stopped=True, switched=LEAD)])
    assert (stored.thing.stopped, stored.thing.switched) == (True, None)
