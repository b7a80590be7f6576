"""Records of other systems: sent again, late, shuffled and changed, they leave what the newest says."""

from itertools import permutations

import pytest

from engagement.errors import Conflict, Invalid, NotFound
from engagement.signals import tally
from engagement.store import signals, units
from engagement.store.units import Unit
from engagement.workflows.answer import Reply
from engagement.workflows.foreign_record import Answered, Heard, Record, Said, hear
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare
from engagement.workflows.tallies import standing
from support.peer_groups import a_program, came, decided, moment, seat_members

KINDS = ("attendance", "goal_met")


def record(version: int | None, *said: Said, unit: str | None = "m0", day: float = 0.0, **more):
    """A synthetic form about a member."""
    about = None if unit is None else Unit("member", unit)
    given = {"id": "form-1", "kinds": KINDS, "answered": None, "audience": "staff"} | more
    return Record(
        source="forms", version=version, unit=about, at=moment(day), reported_by="health_worker",
        said=said, **given,
    )  # fmt: skip


def heard(here, *records, day: float = 1.0):
    """What became of records, each sent in a request of its own."""
    return [here.run(hear, [one], day=day)[0] for one in records]


def counted(here, *members: str):
    """What counts of these members: (member, kind, value, day's number), in order."""
    rows = here.read(standing, members, ["g0"])
    return sorted((row.unit_id, row.kind, row.value, row.occurred_at) for row in rows)


CAME, STAYED, MET = Said("attendance", 1), Said("attendance", 0), Said("goal_met", 1)


def test_a_record_sent_again_is_known_and_stored_once(here):
    seat_members(here, 2)
    first, again = heard(here, record(5, CAME, MET), record(5, CAME, MET))
    assert first == Heard("form-1", 2, 0, outdated=False, decision_status=None)
    assert again == Heard("form-1", 0, 0, outdated=False, decision_status=None)
    assert len(here.read(signals.of_members, ["m0"])) == 2


def test_a_changed_record_says_what_it_says_now(here):
    seat_members(here, 2)
    _, changed = heard(here, record(5, CAME, MET), record(6, STAYED))
    assert (changed.stored, changed.corrected) == (0, 2)
    assert [row[:3] for row in counted(here, "m0")] == [("m0", "attendance", 0)]


@pytest.mark.parametrize(
    "versions",
    [
        [record(1, CAME), record(2, STAYED, MET), record(3, CAME)],
        [record(1, CAME, MET), record(2), record(3, MET, day=-2.0)],
        [record(1, CAME), record(2)],
        [record(1, CAME), record(2, CAME, unit="m1")],
        [record(1, CAME), record(2, STAYED, unit="m1"), record(3, MET)],
    ],
    ids=["values", "emptied-between", "emptied", "another-member", "there-and-back"],
)
def test_any_order_and_repetition_leaves_what_the_newest_version_says(db, versions):
    left = []
    for order in permutations(versions):
        here = a_program(db)
        seat_members(here, 2)
        heard(here, *order)
        left.append(counted(here, "m0", "m1"))
        heard(here, *reversed(order), *order)
        left.append(counted(here, "m0", "m1"))
    expected = sorted(
        (versions[-1].unit.id, said.kind, said.value, int(versions[-1].at.timestamp() * 1000))
        for said in versions[-1].said
    )
    assert left == [expected] * len(left)


def test_tallies_are_what_a_rebuild_makes_of_the_ledger(here):
    seat_members(here, 2)
    here.run(hear, [record(1, CAME), record(2, STAYED, MET), record(1, MET, id="form-2", unit="m1")], day=1)
    before = here.read(units.read_tallies, "member", ["m0", "m1"])
    assert compare(here.db, here.kept, here.id) == []
    assert tally.decoded(before["m1"]) != tally.EMPTY


def test_versions_in_one_batch_are_like_versions_in_many(here):
    seat_members(here, 2)
    told = here.run(hear, [record(2, STAYED), record(1, CAME), record(2, STAYED), record(3, CAME)], day=1)
    assert [(one.stored, one.corrected, one.outdated) for one in told] == [
        (1, 0, False),
        (0, 0, True),
        (0, 0, False),
        (0, 1, False),
    ]
    assert [row[:3] for row in counted(here, "m0")] == [("m0", "attendance", 1)]


def test_a_sender_without_versions_is_taken_at_its_last_word(here):
    seat_members(here, 1)
    heard(here, record(None, CAME), record(None, STAYED), record(None, CAME), record(None, CAME))
    assert [row[:3] for row in counted(here, "m0")] == [("m0", "attendance", 1)]
    assert len(here.read(signals.of_members, ["m0"])) == 3


def test_two_records_of_one_member_are_two(here):
    seat_members(here, 1)
    heard(here, record(1, CAME), record(1, CAME, id="form-2", day=-30.0))
    assert [row[2] for row in counted(here, "m0")] == [1, 1]


def test_nothing_of_a_record_is_stored_in_which_anything_is_wrong(here):
    seat_members(here, 1)
    told = heard(
        here,
        record(1, CAME, Said("goal_met", 7)),
        record(1, CAME, day=3.0),
        record(1, CAME, unit="nobody"),
        record(1, CAME, answered=Answered("00000000-0000-7000-8000-000000000000", Reply("done"))),
    )
    assert [type(one) for one in told] == [Invalid, Invalid, NotFound, NotFound]
    assert here.read(signals.of_members, ["m0"]) == []


def test_a_wrong_record_harms_no_other_of_its_batch(here):
    seat_members(here, 1)
    told = here.run(hear, [record(1, CAME, unit="nobody"), record(1, CAME, id="form-2")], day=1)
    assert isinstance(told[0], NotFound)
    assert told[1].stored == 1


def test_a_record_answers_a_decision_once_however_often_and_late_it_is_sent(here):
    seat_members(here, 1)
    [decision] = decided(here, "m0")
    accepted, done = (
        record(1, unit=None, id=name, answered=Answered(decision, Reply(status)))
        for name, status in (("form-1", "accepted"), ("form-2", "done"))
    )
    told = heard(here, accepted, done, accepted, done)
    assert [one.decision_status for one in told] == ["accepted", "done", "done", "done"]


def test_an_answer_that_cannot_follow_is_refused_with_all_of_its_record(here):
    seat_members(here, 1)
    [decision] = decided(here, "m0")
    declined, done = (Answered(decision, Reply(status)) for status in ("declined", "done"))
    told = heard(here, record(1, answered=declined), record(1, CAME, id="form-2", answered=done))
    assert isinstance(told[1], Conflict)
    assert counted(here, "m0") == []


def test_what_somebody_corrected_meanwhile_stands_until_the_record_changes(here):
    seat_members(here, 1)
    heard(here, record(1, CAME))
    [stored] = here.read(signals.of_members, ["m0"])
    staff = came("m0", 0.0, 0, source="staff", id="s1", corrects=stored.event_id, corrects_source="forms")
    here.run(ingest, [staff], day=1)
    heard(here, record(1, CAME))
    assert [row[2] for row in counted(here, "m0")] == [0]
    heard(here, record(2, CAME, MET))
    assert ("m0", "attendance") not in [row[:2] for row in counted(here, "m0") if row[2] == 1]
    heard(here, record(3, CAME, day=-1.0))
    assert [row[2] for row in counted(here, "m0")] == [1]


def test_a_key_corrects_only_what_its_audience_may_see(here):
    seat_members(here, 1)
    reason = {"kinds": ("absence_reason",), "audience": "adviser"}
    told = heard(
        here,
        record(1, Said("absence_reason", "ill"), **reason),
        record(2, Said("absence_reason", "money"), **reason),
        record(1, Said("absence_reason", "ill"), **reason),
    )
    assert (told[0].stored, type(told[1]), told[2].stored) == (1, Invalid, 0)


def test_a_record_may_move_between_few_members_only(here):
    seat_members(here, 4)
    told = heard(here, *(record(n, CAME, unit=f"m{n}") for n in range(4)))
    assert [type(one) for one in told] == [Heard, Heard, Heard, Conflict]
