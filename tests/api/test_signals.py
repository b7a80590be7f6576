"""Reporting what was observed."""

from typing import Any

import pytest

from engagement.signals.signal import Audience
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
    sound, flawed = program.caller("signals").post(SIGNALS, body).json()["results"]
    assert list(sound) == ["receipt"]
    assert flawed["problem"]["detail"].startswith("signals[1].occurred_at: ")


@pytest.mark.parametrize("value", ["1", 1.5, True])
def test_a_value_of_another_type_is_not_bent_into_a_number(program: Program, value: object) -> None:
    [flawed] = (
        program.caller("signals").post(SIGNALS, {"signals": [report("a", value=value)]}).json()["results"]
    )
    assert flawed["problem"]["status"] == 400
    assert flawed["problem"]["detail"].startswith("signals[0].value: ")


def test_a_cry_for_help_is_heard_beside_a_malformed_report(program: Program) -> None:
    caller = program.caller("signals", "recommend")
    body = {"signals": [report("a", value="often"), report("b", kind="distress", value=1)]}
    caller.post(SIGNALS, body)
    assert caller.post("/v1/recommendations", {"member": "ben"}).json()["withheld"] == "referred"


@pytest.mark.parametrize(
    ("audience", "kind", "more", "stored"),
    [
        ("adviser", "referral_answered", {}, False),
        ("health_worker", "referral_answered", {}, True),
        ("adviser", "distress", {"corrects": "first", "value": None}, False),
        ("health_worker", "distress", {"corrects": "first", "value": None}, False),
        ("staff", "distress", {"corrects": "first", "value": None}, True),
        ("adviser", "distress", {}, True),  # whoever sees distress may say so
    ],
)
def test_nobody_takes_back_or_answers_what_they_may_not_see(
    program: Program, audience: Audience, kind: str, more: dict[str, Any], stored: bool
) -> None:
    program.caller("signals").post(SIGNALS, {"signals": [report("first", kind="distress", value=1)]})
    mine = report("second", kind=kind, **({"value": 1} | more))
    if kind == "referral_answered":
        mine["reported_by"] = "staff"
    [result] = (
        program.caller("signals", audience=audience).post(SIGNALS, {"signals": [mine]}).json()["results"]
    )
    assert ("receipt" in result) is stored


def test_a_member_who_stopped_messages_is_recommended_nothing_on_the_next_call(program: Program) -> None:
    caller = program.caller("signals", "recommend")
    caller.post(SIGNALS, {"signals": [report("stop", kind="stopped_messages", value=1)]})
    assert caller.post("/v1/recommendations", {"member": "ben"}).json()["withheld"] == "messages_declined"
