"""`/v1/groups/{id}/adviser-candidates` over HTTP, and what follows from it on the lists of staff."""

from typing import Any

import pytest

from engagement.signals.signal import Audience
from engagement.signals.tally import DAY_MS
from engagement.workflows.tell import moment
from support.running import Program

PATH = "/v1/groups/north/adviser-candidates"
AGAINST = {"barriers": {"sabotage": "yes"}, "barriers_checked_on": "2026-01-01"}


@pytest.fixture
def tired(program: Program) -> Program:
    """Ana says that it is too much and has a refresher to come; ben comes, and has somebody against him."""
    now_ms = program.running.service.clock.now_ms()

    def at(days: int) -> dict[str, str]:
        return {"source": "app", "occurred_at": moment(now_ms - days * DAY_MS).isoformat()}

    signals: list[dict[str, Any]] = [
        at(day) | {"id": f"came-{day}", "kind": "attendance", "member": "ben"} for day in (7, 14, 21, 28)
    ]
    signals.append(at(3) | {"id": "t", "kind": "adviser_step", "member": "ana", "value": "tired"})
    signals.append(at(9) | {"id": "d", "kind": "refresher_due", "member": "ana", "value": 8})
    stored = program.caller("signals").post("/v1/signals", {"signals": signals}).json()
    assert all("receipt" in row for row in stored["results"]), stored
    program.caller("admin").put("/v1/members/ben", {"id": "ben"} | AGAINST).raise_for_status()
    return program


def test_staff_read_whom_to_ask_first_and_why(tired: Program) -> None:
    told = tired.caller("read").get(PATH).json()
    assert (told["looks_for"], told["leaders"][0]["path"]["step"]) == ("deputy", "tired")
    first = told["candidates"][0]
    assert (first["member"], first["seat"], first["proposed"]) == ("ben", 2, True)
    assert first["reasons"] == [
        "Came to 4 of 4 meetings", "All this though the person named sabotage as what keeps them away",
    ]  # fmt: skip


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_nobody_else_reads_more_than_who_leads(tired: Program, audience: Audience) -> None:
    answer = tired.caller("read", audience=audience).get(PATH)
    assert [row["member"] for row in answer.json()["leaders"]] == ["ana"]
    assert not [word for word in ("ben", "sabotage", "tired", "Came", "modules") if word in answer.text]


def test_a_group_that_is_not_there_is_a_problem(program: Program) -> None:
    assert program.caller("read").get("/v1/groups/nowhere/adviser-candidates").status_code == 404


def test_staff_s_work_list_has_what_is_overdue_first_and_the_succession_with_reasons(tired: Program) -> None:
    tasks = tired.caller("read").get("/v1/worklists/staff").json()["tasks"]
    assert [(one["about"], one["seat"], one["overdue"]) for one in tasks] == [
        ("refresher", 1, True), ("succession", 2, False),
    ]  # fmt: skip
    assert tasks[1]["title"] == "Find a deputy for north: ask seat 2 first"
    assert "Came to 4 of 4 meetings" in tasks[1]["why"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("A refresher of the training is due.", "The adviser is tired.")),
        ("hi", ("प्रशिक्षण दोहराने", "सलाहकार थक गए")),
        ("te", ("శిక్షణను మళ్లీ", "సలహాదారు అలసిపోయారు")),
    ],
)
@pytest.mark.parametrize("form", ["html", "text"])
def test_both_stand_there_in_words(tired: Program, form: str, language: str, words: tuple[str, ...]) -> None:
    text = tired.caller("read").get(f"/v1/worklists/staff?format={form}&language={language}").text
    assert [word for word in words if word not in text] == []
    assert ("sabotage" in text) == (form == "html")  # words for a chat give nobody's reasons away


@pytest.mark.parametrize("audience", ["adviser", "health_worker"])
def test_on_no_list_of_others_is_a_word_of_it(tired: Program, audience: Audience) -> None:
    reader = tired.caller("read", audience=audience)
    for name in ("staff", "adviser", "ana", "health_worker"):
        tasks = reader.get(f"/v1/worklists/{name}").json()["tasks"]
        assert not {"refresher", "succession"} & {one["about"] for one in tasks}
