"""Reporting what was observed."""

from typing import Any

import pytest

from support.running import Program

SIGNALS = "/v1/signals"


def report(name: str, **more: Any) -> dict[str, Any]:
    """A synthetic report: ben came to a meeting in March."""
    return {
        "source": "register",
        "id": name,
        "kind": "attendance",
        "member": "ben",
        "occurred_at": "2026-03-01T10:00:00Z",
    } | more


def test_a_report_is_stored_and_then_repeated(program: Program) -> None:
    caller = program.caller("signals")
    answers = [caller.post(SIGNALS, {"signals": [report("a")]}).json()["results"] for _ in range(2)]
    receipt = {"source": "register", "id": "a"}
    assert answers == [
        [{"receipt": receipt | {"status": "stored"}}],
        [{"receipt": receipt | {"status": "repeated"}}],
    ]


def test_other_content_under_the_same_id_is_a_conflict_for_that_report_alone(program: Program) -> None:
    caller = program.caller("signals")
    caller.post(SIGNALS, {"signals": [report("a")]})
    results = caller.post(SIGNALS, {"signals": [report("a", value=0), report("b")]}).json()["results"]
    assert results[0]["problem"]["status"] == 409
    assert results[1]["receipt"]["status"] == "stored"


def test_every_bad_report_of_a_batch_is_told_what_is_wrong(program: Program) -> None:
    bad = [
        report("kind", kind="mood"),
        report("value", value=7),
        report("nobody", member="nobody"),
        report("ahead", occurred_at="2999-01-01T00:00:00Z"),
        report("both", group="north"),
    ]
    results = program.caller("signals").post(SIGNALS, {"signals": [*bad, report("good")]}).json()["results"]
    problems = [row["problem"]["status"] for row in results[:-1]]
    assert (problems, results[-1]["receipt"]["status"]) == ([400, 400, 404, 400, 400], "stored")
    words = ("mood", "from 0 to 1", "`nobody`", "ten minutes", "`member` or `group`")
    assert all(word in row["problem"]["detail"] for word, row in zip(words, results[:-1], strict=True))


def test_a_thousand_reports_get_a_thousand_receipts_in_their_order(program: Program) -> None:
    names = [f"n{number}" for number in range(1000)]
    answer = program.caller("signals").post(SIGNALS, {"signals": [report(name) for name in names]})
    assert [row["receipt"]["id"] for row in answer.json()["results"]] == names


def test_a_time_without_a_zone_is_refused_by_its_place(program: Program) -> None:
    body = {"signals": [report("a"), report("b", occurred_at="2026-03-01T10:00:00")]}
    answer = program.caller("signals").post(SIGNALS, body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "signals[1].occurred_at")


@pytest.mark.parametrize("value", ["1", 1.5, True])
def test_a_value_of_another_type_is_not_bent_into_a_number(program: Program, value: object) -> None:
    answer = program.caller("signals").post(SIGNALS, {"signals": [report("a", value=value)]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "signals[0].value")


def test_a_member_who_stopped_messages_is_recommended_nothing_on_the_next_call(program: Program) -> None:
    caller = program.caller("signals", "recommend")
    caller.post(SIGNALS, {"signals": [report("stop", kind="stopped_messages", value=1)]})
    assert caller.post("/v1/recommendations", {"member": "ben"}).json()["withheld"] == "messages_declined"
