"""Reports over HTTP: asked at once, computed beside the lanes, then kept."""

from typing import Any

import pytest

from engagement.errors import Invalid, NotFound
from engagement.workflows.report import Report
from engagement.workflows.reports import ReportAsk, ask_reports, compute_report, tell_pages, tell_reports
from support.running import Caller, Program, wait_until


@pytest.fixture
def researcher(program: Program) -> Caller:
    return program.caller("research", audience="research")


def answered(caller: Caller, where: str) -> dict[str, Any]:
    """The report once it is computed."""
    wait_until(lambda: caller.get(where).json()["state"] != "asked")
    told: dict[str, Any] = caller.get(where).json()
    return told


def test_a_report_is_accepted_with_where_to_look_and_there_soon_as_figures_and_as_a_page(
    program: Program, researcher: Caller
) -> None:
    program.caller("recommend").post("/v1/recommendations", {"member": "ben"})
    accepted = researcher.post("/v1/reports", {})
    assert (accepted.status_code, accepted.headers["retry-after"]) == (202, "5")
    assert accepted.headers["location"] == f"/v1/reports/{accepted.json()['id']}"
    told = answered(researcher, accepted.headers["location"])
    assert (told["state"], told["refused"]) == ("answered", None)
    assert told["report"]["provenance"]["decisions"] == 1
    assert len(told["report"]["sentences"]) == 3
    [did] = told["report"]["actions"]
    assert (did["strategy"], did["left_out"]["open"]) == ("learned", 1)
    page = researcher.get(told["page"])
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>" in page.text
    assert f"engagement report --on {told['report']['on']}</code>" in page.text


def test_a_list_has_no_figures(researcher: Caller) -> None:
    for name in ("a", "b", "c"):
        answered(researcher, researcher.post("/v1/reports", {"id": name}).headers["location"])
    first = researcher.get("/v1/reports?limit=2").json()
    assert ([row["id"] for row in first["items"]], first["next"]) == (["a", "b"], "b")
    assert [(row["state"], row["report"]) for row in first["items"]] == [("answered", None)] * 2
    assert [row["id"] for row in researcher.get("/v1/reports?after=b").json()["items"]] == ["c"]


def test_the_same_report_under_its_id_is_made_once_and_another_is_a_conflict(researcher: Caller) -> None:
    once, again = (researcher.post("/v1/reports", {"id": "may"}) for _ in range(2))
    assert once.json()["asked_at"] == again.json()["asked_at"]
    assert researcher.post("/v1/reports", {"id": "may", "on": "2020-05-31"}).status_code == 409


def test_a_report_that_is_only_tried_is_not_stored(researcher: Caller) -> None:
    assert researcher.post("/v1/reports?dry_run=true", {"id": "tried"}).status_code == 202
    assert researcher.get("/v1/reports/tried").status_code == 404


def test_a_day_that_has_passed_is_looked_at_as_it_was(program: Program, researcher: Caller) -> None:
    program.caller("recommend").post("/v1/recommendations", {"member": "ben"})
    told = answered(researcher, researcher.post("/v1/reports", {"on": "2020-05-31"}).headers["location"])
    assert (told["report"]["on"], told["report"]["provenance"]["decisions"]) == ("2020-05-31", 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"trial": "nobody"}, 404), ({"on": "2999-01-01"}, 400), ({"on": "May"}, 400), ({"since": 1}, 400)],
)
def test_what_cannot_be_understood_is_refused_at_once(
    researcher: Caller, body: dict[str, Any], status: int
) -> None:
    assert researcher.post("/v1/reports", body).status_code == status
    assert researcher.get("/v1/reports").json() == {"items": [], "next": None}


def test_a_page_waits_for_its_figures_and_says_so(program: Program, researcher: Caller) -> None:
    asked(program, "slow")
    first = researcher.get("/v1/reports/slow/page")
    assert (first.status_code, first.headers["retry-after"]) == (200, "5")
    assert "is being computed" in first.text
    wait_until(lambda: "<h1>" in researcher.get("/v1/reports/slow/page").text)
    assert researcher.get("/v1/reports/unknown/page").status_code == 404


def test_a_report_is_not_for_those_whom_it_compares(program: Program) -> None:
    adviser = program.caller("research", audience="adviser")
    assert adviser.post("/v1/reports", {}).status_code == 403
    for path in ("", "/first", "/first/page"):
        assert adviser.get(f"/v1/reports{path}").status_code == 403


def test_of_another_program_nothing_is_seen(program: Program, other: Program) -> None:
    program.caller("research", audience="research").post("/v1/reports", {"id": "ours"})
    theirs = other.caller("research", audience="research")
    assert theirs.get("/v1/reports/ours").status_code == 404
    assert theirs.get("/v1/reports").json()["items"] == []


def asked(program: Program, name: str) -> None:
    service = program.running.service
    with service.db.write(program.id) as conn:
        ask_reports(conn, service.kept, program.id, [ReportAsk(id=name)], service.clock.now_ms())


def test_one_whose_process_ended_before_it_was_computed_is_computed_when_somebody_looks(
    program: Program, researcher: Caller
) -> None:
    asked(program, "lost")
    assert answered(researcher, "/v1/reports/lost")["state"] == "answered"


def test_once_told_it_stays(program: Program, researcher: Caller) -> None:
    service = program.running.service
    researcher.post("/v1/reports", {"id": "first"})
    before = answered(researcher, "/v1/reports/first")

    def other_page(_told: Report, _command: str) -> str:
        return "another page"

    for name in ("first", "unknown"):
        compute_report(service.db, service.kept, program.id, name, other_page)
    assert researcher.get("/v1/reports/first").json() == before
    assert "another page" not in researcher.get("/v1/reports/first/page").text


def test_where_figures_cannot_be_drawn_the_numbers_are_there_all_the_same(program: Program) -> None:
    service = program.running.service
    asked(program, "bare")

    def undrawn(_told: Report, _command: str) -> str:
        raise Invalid("figures need matplotlib")

    compute_report(service.db, service.kept, program.id, "bare", undrawn)
    with service.db.read(program.id) as conn:
        [told] = tell_reports(conn, service.kept, program.id, ["bare"], 0)
        [page] = tell_pages(conn, service.kept, program.id, ["bare"], 0)
    assert (told.state, told.page, told.report is None) == ("answered", None, False)
    assert isinstance(page, NotFound)
    assert "no figures can be drawn here" in str(page)


def test_what_is_too_much_to_read_is_refused_with_the_reason(program: Program, researcher: Caller) -> None:
    service = program.running.service
    for member in ("ben", "ana"):
        program.caller("recommend").post("/v1/recommendations", {"member": member})
    asked(program, "large")
    compute_report(service.db, service.kept, program.id, "large", lambda _told, _command: "", most=1)
    told = researcher.get("/v1/reports/large").json()
    assert told["state"] == "refused"
    assert "more than 1 decisions" in told["refused"]
    page = researcher.get("/v1/reports/large/page")
    assert (page.status_code, "more than 1 decisions" in page.json()["detail"]) == (404, True)
