"""RapidPro and TextIt: what a flow's webhook sends, and what it can read of the answer."""

from typing import get_args

import pytest

from engagement.workflows.tallies import standing
from engagement.workflows.tell import Withheld
from support.running import Caller, Program

ASK, ANSWER, SIGNAL = (f"/adapters/rapidpro/{name}" for name in ("recommendation", "answer", "signal"))
RUN = "0198d2ba-5c1e-7b2f-9d5c-synthetic"
AT = "2026-03-05T10:00:00.000000+05:30"


@pytest.fixture
def caller(program: Program) -> Caller:
    """A workspace that sends its key as RapidPro's own API wants keys: `Token …`."""
    text, _ = program.key("recommend", "signals", "read", audience="staff")
    return Caller(program.running.client, text)


def sent(caller: Caller, path: str, **body):
    return caller.client.post(path, json=body, headers={"Authorization": f"Token {caller.key}"})


def assert_flat(answer) -> dict[str, str]:
    """What RapidPro keeps of an answer, if it keeps it whole."""
    told = answer.json()
    assert answer.status_code == 200, told
    assert all(isinstance(value, str) and len(value) <= 640 for value in told.values()), told
    assert len(answer.content) <= 256 * 1024
    return told


@pytest.mark.parametrize("body", [{"member": "ben", "group": ""}, {"group": "north", "member": None}])
def test_the_answer_is_flat_and_of_texts_that_rapidpro_keeps_whole(caller, body):
    told = assert_flat(sent(caller, ASK, **body))
    assert told["decision_id"]
    assert 0 < float(told["probability"]) <= 1
    assert (told["withheld"], told["simulated"]) == ("", "no")


def test_asking_five_times_gives_the_same_answer(caller):
    assert len({sent(caller, ASK, member="ben").content for _ in range(5)}) == 1


def test_the_pick_is_the_one_that_the_interface_itself_gives(caller):
    told = assert_flat(sent(caller, ASK, member="ben"))
    story = caller.get(f"/v1/decisions/{told['decision_id']}").json()["recommendation"]
    assert (story["action"]["id"], story["action"]["title"]) == (told["action"], told["title"])
    assert sum(row["probability"] for row in story["chances"]) == pytest.approx(1, abs=1e-9)


def test_who_asked_for_no_messages_gets_nothing_and_the_flow_reads_why(caller, program):
    program.caller("admin").put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    told = assert_flat(sent(caller, ASK, member="ben"))
    assert (told["action"], told["decision_id"]) == ("none", "")
    assert told["withheld"] in get_args(Withheld)


def test_an_adviser_phone_learns_of_no_barrier_and_no_consent(program):
    program.caller("admin").put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    text, _ = program.key("recommend", audience="adviser")
    told = assert_flat(sent(Caller(program.running.client, text), ASK, member="ben"))
    assert told["withheld"] == "not_now"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "is the contact's field set"),
        ({"member": "", "group": ""}, 400, "is the contact's field set"),
        ({"member": "ben", "group": "north"}, 400, "one of the two"),
        ({"member": "nobody"}, 404, "`nobody`"),
        ({"member": "ben", "contact": {"name": "x", "urn": "tel:+910000000000"}}, 400, "contact"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(caller, body, status, words):
    answer = sent(caller, ASK, **body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert "+91" not in answer.text


def test_an_answer_is_told_once_however_often_and_late_it_comes(caller):
    decision = sent(caller, ASK, member="ben").json()["decision_id"]
    for status, stands in (
        ("accepted", "accepted"),
        ("done", "done"),
        ("accepted", "done"),
        ("done", "done"),
    ):
        told = assert_flat(sent(caller, ANSWER, decision_id=decision, status=status, reason="", at=AT))
        assert told == {"decision_id": decision, "status": stands}


def test_an_answer_that_cannot_follow_is_refused(caller):
    decision = sent(caller, ASK, member="ben").json()["decision_id"]
    sent(caller, ANSWER, decision_id=decision, status="declined", reason="no_time")
    assert sent(caller, ANSWER, decision_id=decision, status="done").status_code == 409


def test_what_a_run_observed_is_stored_once_and_corrected_when_it_says_otherwise(caller, program):
    given = {"id": RUN, "kind": "motivation", "member": "ben", "at": AT}
    told = [sent(caller, SIGNAL, value=value, **given).json()["status"] for value in ("4", "4", 5, "4")]
    assert told == ["stored", "unchanged", "corrected", "corrected"]
    with program.running.service.db.read(program.id) as conn:
        rows = [row for row in standing(conn, program.id, ["ben"], []) if row.source == "rapidpro"]
    assert [(row.kind, row.value) for row in rows] == [("motivation", 4)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "motivated"}, "did you mean motivation"),
        ({"kind": "motivation", "value": "very"}, "`very` is no whole number"),
        ({"kind": "motivation", "value": 9}, "must be from 1 to 5"),
        ({"kind": "motivation", "at": "2999-01-01T00:00:00Z"}, "ten minutes ahead"),
    ],
)
def test_an_observation_that_makes_no_sense_is_refused(caller, body, words):
    answer = sent(caller, SIGNAL, **({"id": RUN, "member": "ben", "at": AT} | body))
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
