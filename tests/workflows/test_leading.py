"""Who leads a group decides what is offered there: nothing to lead for the untrained, less for the tired."""

import msgspec
import pytest
from numpy import frombuffer

from engagement.actions.nudge import Nudge
from engagement.store import decisions
from engagement.store.database import Database
from engagement.strategy.advisers import Advisers
from engagement.strategy.strategy import Fallback, Strategy
from engagement.workflows.answer import Reply, answer
from engagement.workflows.engagement import of_member
from engagement.workflows.ingest import ingest
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from support.peer_groups import PLAN, Here, a_program, ask, said, seat

CALL = Nudge(id="call", title="The adviser calls", minutes=20)
TELL = Nudge(id="tell", title="The adviser tells of it", needs_training=True)
SHOW = Nudge(id="show", title="The adviser shows it", level="adviser", minutes=20, needs_training=True)


def strategy(name: str, *actions: str, **more) -> Strategy:
    fixed = {"fallback": Fallback(name, actions), "features": ("group_adviser_tired",)}
    return Strategy(id=name, title=name, actions=actions, **fixed | more)


PROGRAM = msgspec.structs.replace(PLAN.program, default_strategy="calls")
SHOWN = {"level": "adviser", "features": ("adviser_tired", "adviser_tired_missing")}
PEOPLE = msgspec.structs.replace(
    PLAN,
    program=PROGRAM,
    actions=(CALL, TELL, SHOW),
    strategies=(strategy("calls", "call"), strategy("tells", "tell"), strategy("shows", "show", **SHOWN)),
)


@pytest.fixture
def north(db: Database) -> Here:
    """A group with its adviser ana and her deputy cat, of whom nobody wants chance to choose."""
    here = a_program(db, PEOPLE)
    lines = ("north,ana,1,adviser,no", "north,ben,2,member,no", "north,cat,3,deputy,no")
    seat(here, *lines, columns="group,member,seat,role,chance")
    return here


def offered(here: Here, member: str, day: float, **more: str) -> tuple[str, str]:
    """What is offered, or else why the only action is not."""
    [told] = ask(here, member, day=day, decision_point=f"d{day}", **more)
    return (told.action.id, told.unavailable[0].reason if told.unavailable else "")


def reply(here: Here, status: str, day: float, member: str = "ben", **more: str) -> None:
    """Asks for something on a day, and says what became of it."""
    [told] = ask(here, member, day=day, decision_point=f"d{day}", **more)
    assert told.action.id != "none", told.unavailable
    here.run(answer, [(told.decision_id, Reply(status))], day=day)  # type: ignore[arg-type]  # one of the five


def refuse(here: Here, *days: float, **more: str) -> None:
    for day in days:
        reply(here, "declined", day, **more)


def step(here: Here, member: str, word: str, day: float) -> None:
    here.run(ingest, [said("adviser_step", day, word, member=member)], day=day)


# --- training -------------------------------------------------------------------------------------


def test_where_nothing_was_ever_reported_of_training_nobody_is_untrained(north: Here) -> None:
    assert offered(north, "ben", 0, strategy="tells") == ("tell", "")


def test_who_was_only_screened_gets_nothing_to_lead_until_trained(north: Here) -> None:
    step(north, "ana", "screened", 0)
    assert offered(north, "ben", 1, strategy="tells") == ("none", "untrained")
    assert offered(north, "ben", 1) == ("call", "")
    north.run(ingest, [said("training_done", 2, "disease", member="ana")], day=2)
    assert offered(north, "ben", 32, strategy="tells") == ("tell", "")


def test_it_is_the_training_of_who_leads_that_counts_and_nobody_else_s(north: Here) -> None:
    step(north, "cat", "screened", 0)
    assert offered(north, "ben", 1, strategy="tells") == ("tell", "")
    assert offered(north, "ana", 1, strategy="shows") == ("show", "")
    assert offered(north, "cat", 1, strategy="shows") == ("none", "untrained")


# --- tiredness ------------------------------------------------------------------------------------


def test_after_three_refusals_half_the_minutes_are_asked(north: Here) -> None:
    refuse(north, 0, 1, 2)
    assert offered(north, "ben", 3) == ("call", "")  # 20 of 30
    assert offered(north, "cat", 4) == ("none", "minutes")  # 20 more would be 40
    assert offered(north, "cat", 22) == ("call", "")  # April is a month of its own


def test_after_two_all_of_them(north: Here) -> None:
    refuse(north, 0, 1)
    assert [offered(north, name, 3)[0] for name in ("ana", "ben", "cat")] == ["call"] * 3


@pytest.mark.parametrize("ending", ["done", "replaced"])
def test_doing_something_again_ends_it(north: Here, ending: str) -> None:
    refuse(north, 0, 1, 2)
    reply(north, ending, 3)
    assert [offered(north, name, 4)[0] for name in ("ana", "ben")] == ["call"] * 2


def test_the_word_active_ends_it(north: Here) -> None:
    refuse(north, 0, 1, 2)
    step(north, "ana", "active", 3)
    assert [offered(north, name, 4)[0] for name in ("ana", "ben")] == ["call"] * 2


def test_how_many_refusals_and_how_much_less_is_the_program_s(north: Here) -> None:
    rules = Advisers(refusals=1, tired_percent=0)
    north.run(revise, [msgspec.structs.replace(PROGRAM, advisers=rules)])
    refuse(north, 0)
    assert offered(north, "ben", 1) == ("none", "minutes")


def test_refusals_are_not_handed_on_to_a_successor(north: Here) -> None:
    refuse(north, 0, 1, 2)
    seat(north, "north,ben,2,adviser,2026-03-13", columns="group,member,seat,role,joined_on", day=3)
    seat(north, "north,ana,1,member,2026-03-13", columns="group,member,seat,role,joined_on", day=3)
    assert [offered(north, name, 3.5)[0] for name in ("ana", "ben")] == ["call"] * 2


def test_what_a_deputy_declines_as_deputy_is_not_the_adviser_s(north: Here) -> None:
    refuse(north, 0, 1, 2, member="cat", strategy="shows")
    assert [offered(north, name, 3)[0] for name in ("ana", "ben")] == ["call"] * 2


def seen(here: Here, member: str, day: float, **more: str) -> list[float]:
    """The features of a decision, the intercept first."""
    [told] = ask(here, member, day=day, decision_point=f"f{day}", **more)
    evidence = here.read(decisions.by_id, [told.decision_id])[told.decision_id].evidence
    return frombuffer(evidence.features).tolist()


def test_beliefs_see_that_she_is_tired(north: Here) -> None:
    assert seen(north, "ana", 0, strategy="shows") == [1.0, 0.0, 1.0]
    north.run(answer, [(told.decision_id, Reply("declined")) for told in ask(north, "ana", strategy="shows")])
    refuse(north, 1, 2)
    assert seen(north, "ana", 3, strategy="shows") == [1.0, 1.0, 0.0]
    assert seen(north, "ben", 3) == [1.0, 1.0]


def test_staff_read_it_in_her_picture_and_she_does_not(north: Here) -> None:
    refuse(north, 0, 1, 2)
    with north.db.read() as conn:
        staff, own = (
            of_member(conn, north.kept, north.id, "ana", reader, NOW_MS, simulated=False).advising
            for reader in ("staff", "adviser")
        )
    assert staff is not None
    assert staff.path is not None
    assert (staff.path.step, staff.path.refusals) == ("tired", 3)
    assert own is not None
    assert own.path is None


NOW_MS = 1_773_383_400_000
"""Of day 3."""


def test_who_leads_takes_one_statement_however_many_groups_there_are(north: Here, statements) -> None:
    lines = (f"g{n},m{n},1,adviser,no" for n in range(40))
    seat(north, *lines, columns="group,member,seat,role,chance")

    def sent(*members: str) -> list[int]:
        with statements() as found:
            asks = [Ask(member=name, decision_point="x") for name in members]
            north.run(recommend, asks, day=1)
        return [len(found), sum("inner_memberships" in statement for statement in found)]

    sent("m0")  # the memory now holds what it keeps
    one, many = sent("m1"), sent(*(f"m{n}" for n in range(2, 40)))
    assert one == many
    assert one[1] == 1
