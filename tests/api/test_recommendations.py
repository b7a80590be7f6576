"""Asking what to try next."""

import pytest

from support.running import Program

ASK = "/v1/recommendations"
MANY = f"{ASK}/batch"


def test_a_member_gets_a_decision_with_everything_it_was_made_of(program: Program) -> None:
    answer = program.caller("recommend").post(ASK, {"member": "ben"})
    told = answer.json()
    assert (answer.status_code, told["member"], told["group"], told["strategy"]) == (
        200,
        "ben",
        "north",
        "learned",
    )
    assert told["action"]["id"] in {chance["action"] for chance in told["chances"]}
    assert told["fallback"] is None
    assert told["withheld"] is None


def test_the_probabilities_of_what_was_available_add_up_to_one(program: Program) -> None:
    told = program.caller("recommend").post(ASK, {"member": "ben"}).json()
    assert sum(chance["probability"] for chance in told["chances"]) == 1.0  # counted in whole units of 2⁻³²


def test_asking_five_times_gives_one_body_to_the_byte(program: Program) -> None:
    caller = program.caller("recommend")
    assert len({caller.post(ASK, {"member": "ben", "decision_point": "m-7"}).content for _ in range(5)}) == 1


def test_an_open_decision_is_returned_under_any_other_name(program: Program) -> None:
    caller = program.caller("recommend")
    first = caller.post(ASK, {"member": "ben", "decision_point": "m-7"})
    assert caller.post(ASK, {"member": "ben", "decision_point": "m-8"}).content == first.content


def test_a_thousand_requests_get_a_thousand_answers_in_their_order(program: Program) -> None:
    members = ["ana", "ben", "cat", "dev", "nobody"] * 200
    answer = program.caller("recommend").post(MANY, {"requests": [{"member": name} for name in members]})
    answers = answer.json()["answers"]
    assert len(answers) == 1000
    assert [row["recommendation"]["member"] if "recommendation" in row else "nobody" for row in answers] == (
        members
    )


def test_one_bad_request_of_a_batch_harms_no_other(program: Program) -> None:
    requests = [{"member": "ben"}, {"member": "nobody"}, {"member": "eva"}]
    answers = program.caller("recommend").post(MANY, {"requests": requests}).json()["answers"]
    assert [list(row) for row in answers] == [["recommendation"], ["problem"], ["recommendation"]]
    assert answers[1]["problem"]["detail"] == "there is no member `nobody` in this program"
    assert answers[1]["problem"]["status"] == 404


def test_a_batch_and_single_requests_give_the_same_decisions(program: Program) -> None:
    caller = program.caller("recommend")
    together = caller.post(MANY, {"requests": [{"member": "ben"}, {"member": "eva"}]}).json()["answers"]
    alone = [caller.post(ASK, {"member": name}).json() for name in ("ben", "eva")]
    assert [row["recommendation"] for row in together] == alone


@pytest.mark.parametrize("requests", [[], [{"member": "ben"}] * 1001], ids=["none", "1,001"])
def test_a_batch_has_from_one_to_a_thousand_requests(program: Program, requests: list[object]) -> None:
    answer = program.caller("recommend").post(MANY, {"requests": requests})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "requests"


def test_who_is_unknown_is_not_found(program: Program) -> None:
    answer = program.caller("recommend").post(ASK, {"member": "nobody"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:engagement:problem:not-found")


def test_withdrawn_consent_holds_on_the_very_next_call(program: Program) -> None:
    caller = program.caller("admin")
    caller.post(ASK, {"member": "ben"})
    caller.put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    told = caller.post(ASK, {"member": "ben"}).json()
    assert (told["decision_id"], told["withheld"], told["action"]["id"]) == (
        None,
        "messages_declined",
        "none",
    )


def test_the_switch_stops_and_resumes_every_recommendation(program: Program) -> None:
    caller = program.caller("admin")
    said = {"by": "program-lead", "why": "A complaint is being looked into."}
    caller.post("/v1/program/stop", said)
    assert caller.post(ASK, {"member": "ben"}).json()["withheld"] == "program_stopped"
    caller.post("/v1/program/resume", said)
    assert caller.post(ASK, {"member": "ben"}).json()["withheld"] is None
    told = caller.get("/v1/program/switch").json()["items"]
    assert [(row["stopped"], row["by"]) for row in told] == [
        (False, "program-lead"),
        (True, "program-lead"),
        (False, None),
    ]


def test_a_stopped_program_recommends_nothing_from_the_very_next_call(program: Program) -> None:
    caller = program.caller("admin")
    standing = caller.get("/v1/program").json()["value"]
    caller.put("/v1/program", standing | {"stopped": True})
    told = caller.post(ASK, {"member": "ben"}).json()
    assert (told["decision_id"], told["withheld"]) == (None, "program_stopped")
