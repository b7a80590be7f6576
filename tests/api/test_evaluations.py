"""Evaluations over HTTP: asked at once, computed beside the lanes."""

from typing import Any

import pytest

from engagement.api.evaluator import Evaluator
from engagement.store.asked import EVALUATIONS
from engagement.strategy.target import Even
from engagement.workflows.evaluate import Question
from engagement.workflows.evaluations import EvaluationAsk, ask_evaluations, compute
from support.running import Caller, Program, wait_until

EVENLY: dict[str, Any] = {"strategy": "learned", "target": {"kind": "even"}}


@pytest.fixture
def researcher(program: Program) -> Caller:
    return program.caller("research", audience="research")


def answered(caller: Caller, where: str) -> dict[str, Any]:
    """The evaluation once it is computed."""
    wait_until(lambda: caller.get(where).json()["state"] != "asked")
    told: dict[str, Any] = caller.get(where).json()
    return told


def test_a_question_is_accepted_with_where_to_look_and_answered_soon(researcher: Caller) -> None:
    accepted = researcher.post("/v1/evaluations", {"question": EVENLY})
    assert accepted.status_code == 202
    assert accepted.headers["retry-after"] == "2"
    assert accepted.headers["location"] == f"/v1/evaluations/{accepted.json()['id']}"
    told = answered(researcher, accepted.headers["location"])
    assert (told["state"], told["refused"]) == ("answered", None)
    assert told["evaluation"]["decisions"] == 0
    assert told["evaluation"]["value"] is None
    assert told["question"]["target"] == {"kind": "even"}


def test_decisions_that_are_open_are_told_as_left_out(program: Program, researcher: Caller) -> None:
    program.caller("recommend").post("/v1/recommendations", {"member": "ben"})
    told = answered(researcher, researcher.post("/v1/evaluations", {"question": EVENLY}).headers["location"])
    assert sum(told["evaluation"]["left_out"].values()) == 1


def test_the_same_question_under_its_id_is_asked_once(researcher: Caller) -> None:
    body = {"id": "first", "question": EVENLY}
    once, again = (researcher.post("/v1/evaluations", body) for _ in range(2))
    assert once.json()["asked_at"] == again.json()["asked_at"]
    assert [row["id"] for row in researcher.get("/v1/evaluations").json()["items"]] == ["first"]


def test_another_question_under_a_known_id_is_a_conflict(researcher: Caller) -> None:
    researcher.post("/v1/evaluations", {"id": "first", "question": EVENLY})
    other = {"id": "first", "question": EVENLY | {"look": 3}}
    assert researcher.post("/v1/evaluations", other).status_code == 409


def test_a_key_of_idempotency_gives_the_same_answer_with_the_same_place(researcher: Caller) -> None:
    headers = {"Idempotency-Key": "one"}
    first, second = (
        researcher.post("/v1/evaluations", {"question": EVENLY}, headers=headers) for _ in range(2)
    )
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert second.status_code == 202


def test_a_question_that_is_only_tried_is_not_stored(researcher: Caller) -> None:
    tried = researcher.post("/v1/evaluations?dry_run=true", {"id": "tried", "question": EVENLY})
    assert tried.status_code == 202
    assert researcher.get("/v1/evaluations/tried").status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"strategy": "nobody"}, 404),
        ({"target": {"kind": "always", "action": "fly"}}, 404),
        ({"target": {"kind": "guess"}}, 400),
        ({"look": 0}, 400),
    ],
)
def test_what_cannot_be_understood_is_refused_at_once(
    researcher: Caller, change: dict[str, Any], status: int
) -> None:
    assert researcher.post("/v1/evaluations", {"question": EVENLY | change}).status_code == status
    assert researcher.get("/v1/evaluations").json() == {"items": [], "next": None}


def test_a_list_goes_on_behind_its_next(researcher: Caller) -> None:
    for name in ("a", "b", "c"):
        researcher.post("/v1/evaluations", {"id": name, "question": EVENLY})
    page = researcher.get("/v1/evaluations?limit=2").json()
    assert ([row["id"] for row in page["items"]], page["next"]) == (["a", "b"], "b")
    rest = researcher.get("/v1/evaluations?after=b").json()
    assert ([row["id"] for row in rest["items"]], rest["next"]) == (["c"], None)


def test_how_strategies_compare_is_not_for_those_who_carry_them_out(program: Program) -> None:
    adviser = program.caller("research", audience="adviser")
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/first")):
        body = {"json": {"question": EVENLY}} if method == "POST" else {}
        assert adviser.call(method, f"/v1/evaluations{path}", **body).status_code == 403


def test_one_whose_process_ended_before_it_was_computed_is_computed_when_somebody_looks(
    program: Program, researcher: Caller
) -> None:
    service = program.running.service
    with service.db.write() as conn:
        ask = EvaluationAsk(id="lost", question=Question(strategy="learned", target=Even()))
        ask_evaluations(conn, service.kept, program.id, [ask], service.clock.now_ms())
    assert answered(researcher, "/v1/evaluations/lost")["state"] == "answered"


def test_an_answer_once_stored_stays(program: Program, researcher: Caller) -> None:
    service = program.running.service
    researcher.post("/v1/evaluations", {"id": "first", "question": EVENLY})
    before = answered(researcher, "/v1/evaluations/first")
    compute(service.db, service.kept, program.id, "first")
    compute(service.db, service.kept, program.id, "unknown")
    with service.db.write() as conn:
        EVALUATIONS.answer(conn, program.id, "first", b"{}")
    assert researcher.get("/v1/evaluations/first").json() == before


def test_what_fails_is_logged_and_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def work(_program: str, name: str) -> None:
        if name == "bad":
            raise OSError("the disk")
        done.append(name)

    evaluator = Evaluator(work)
    for name in ("bad", "good"):
        evaluator.want("p", name)
    wait_until(lambda: done == ["good"])
    evaluator.close(5)
    assert "an evaluation failed" in caplog.text


def test_a_process_that_ends_takes_nothing_more_up() -> None:
    Evaluator(lambda *_: None).close(1)
