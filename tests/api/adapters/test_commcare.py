"""CommCare: forms and cases come in as it forwards them, and what is due goes out as its cases take it."""

from itertools import permutations

import pytest

from engagement.workflows.tallies import standing
from support.commcare import MAPPING, case, form
from support.running import Caller, Program

FORMS, CASES, MAP = "/adapters/commcare/forms", "/adapters/commcare/cases", "/adapters/commcare/mapping"
TOML = {"Content-Type": "application/toml"}
RULE = "[[rules]]\nform = 'x'\n"


def put(program: Program, content: str):
    return program.caller("admin").call("PUT", MAP, content=content, headers=TOML)


@pytest.fixture
def caller(program: Program) -> Caller:
    """CommCare, whose mapping is known."""
    assert put(program, MAPPING).json() == {"revision": 1, "forms": 2, "cases": 1}
    return program.caller("signals", "read", "recommend")


def visit(name: str = "f-1", who: str = "ben", *, changed: str = "2026-03-05T10:00:00Z", **answers: str):
    return form(name, "home-visit", who, changed=changed, answers={"visit": answers})


def known(program: Program, member: str = "ben") -> dict[str, int | None]:
    """What counts of a member from CommCare's reports."""
    with program.running.service.db.read(program.id) as conn:
        rows = standing(conn, program.id, [member], [])
    return {row.kind: row.value for row in rows if row.source == "commcare" and row.unit_id == member}


def test_a_form_is_stored_once_however_often_it_is_sent(caller, program):
    sent = [caller.post(FORMS, visit(met="yes", medicine="1", clinic="went")).json() for _ in range(3)]
    assert [row["status"] for row in sent] == ["stored", "unchanged", "unchanged"]
    assert known(program) == {"health_worker_contact": 1, "medicine_taken": 1, "clinic_follow_up": 1}


def test_a_form_that_was_edited_says_what_it_says_now(caller, program):
    caller.post(FORMS, visit(met="yes", medicine="1"))
    edited = visit(met="yes", medicine="0", changed="2026-03-06T08:00:00Z")
    assert caller.post(FORMS, edited).json()["status"] == "corrected"
    assert known(program) == {"health_worker_contact": 1, "medicine_taken": 0}


def test_shuffled_late_and_repeated_forms_leave_the_newest(program):
    versions = [
        visit(met="yes", medicine="1", changed="2026-03-05T10:00:00Z"),
        visit(met="yes", clinic="went", changed="2026-03-06T10:00:00Z"),
        visit(medicine="0", changed="2026-03-09T10:00:00Z"),
    ]
    for order in permutations(versions):
        here = program.running.program()
        put(here, MAPPING)
        caller = here.caller("signals")
        answers = [caller.post(FORMS, body) for body in (*order, *order)]
        assert {answer.status_code for answer in answers} == {200}
        assert known(here) == {"medicine_taken": 0}


def test_an_archived_form_is_taken_back(caller, program):
    caller.post(FORMS, visit(met="yes"))
    gone = visit(met="yes", changed="2026-03-07T08:00:00Z") | {"archived": True}
    assert caller.post(FORMS, gone).json()["status"] == "corrected"
    assert known(program) == {}


def test_time_comes_from_the_body_and_not_from_its_arrival(caller, program):
    caller.post(FORMS, visit(met="yes"))
    with program.running.service.db.read(program.id) as conn:
        [row] = [one for one in standing(conn, program.id, ["ben"], []) if one.source == "commcare"]
    assert row.occurred_at == 1772703000000  # 2026-03-05T09:30:00Z


def test_a_meeting_form_speaks_of_its_group_on_the_meetings_day(caller):
    body = form("m-1", "meeting", "north", answers={"held": "yes", "meeting_date": "2026-02-14"})
    assert caller.post(FORMS, body).json()["status"] == "stored"
    story = caller.get("/v1/groups/north/engagement").json()
    assert [row for row in story["months"] if row["held"]] or story["standing"][
        "last_known_meeting"
    ] == "2026-02-14"


def test_a_form_without_a_rule_is_ignored_and_not_sent_again(caller):
    answer = caller.post(FORMS, form("x-1", "registration", "ben"))
    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")


def test_a_case_reports_each_visit_once_and_corrects_it(caller):
    first = case("ben", "member", last_clinic_visit="2026-02-01", bp_controlled="0")
    again = case(
        "ben", "member", last_clinic_visit="2026-02-01", bp_controlled="1", changed="2026-03-06T00:00:00Z"
    )
    later = case(
        "ben", "member", last_clinic_visit="2026-03-01", bp_controlled="1", changed="2026-03-07T00:00:00Z"
    )
    none = case("cat", "member")
    told = [caller.post(CASES, body).json()["status"] for body in (first, first, again, later, none, again)]
    assert told == ["stored", "unchanged", "corrected", "stored", "ignored", "unchanged"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (visit(met="perhaps"), 400, "health_worker_contact, `form.visit.met`: `perhaps` is neither"),
        (visit(who="nobody", met="yes"), 404, "there is no member `nobody`"),
        (visit(who="", met="yes"), 400, "is empty; it must say whom the record is about"),
        (visit(met="a long story " * 10), 400, "is a text of 129 characters"),
        (form("", "home-visit", "ben", answers={"visit": {"met": "yes"}}), 400, "`id`: is missing or no id"),
        (form("f", "home-visit", "ben", ended="soon", answers={"visit": {"met": "1"}}), 400, "is no time"),
        (visit(outcome="did_it"), 400, "`form.visit.engagement_decision`"),
        (visit(outcome="ate_it", engagement_decision="x"), 400, "`form.visit."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_path_and_nothing_is_stored(caller, program, body, status, words):
    answer = caller.post(FORMS, body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert known(program) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("rules = []\n= 3", "line 2"),
        (RULE + "member = 'a..b'\n[rules.signals]\nattendance = 'came'", "`a..b` is no JMESPath"),
        (RULE + "member = 'm'\n[rules.signals]\natendance = 'came'", "did you mean attendance"),
        (RULE + "group = 'm'\n[rules.signals]\nattendance = 'came'", "attendance is said of a member"),
        ("[[rules]]\nform = 'x'\nmember = 'm'", "says nothing"),
        ("[[rules]]\nform = 'x'\nmember = 'm'\nsignal = {}", "`rules[0]`"),
        ("[[rules]]\ncase = 'x'\nmember = 'm'\n[rules.signals]\nattendance = 'came'", "a case needs `at`"),
    ],
)  # fmt: skip
def test_a_flaw_of_a_mapping_is_named_by_its_line_or_path(program, content, words):
    answer = put(program, content)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert program.caller("read").get(MAP).text == ""


def test_a_mapping_is_read_as_it_was_sent_and_is_the_programs_own(caller, program, other):
    assert caller.get(MAP).text == MAPPING
    assert put(program, MAPPING).json()["revision"] == 1
    assert put(program, MAPPING + "\n# changed\n").json()["revision"] == 2
    refused = other.caller("signals").post(FORMS, visit(met="yes"))
    assert refused.status_code == 400
    assert MAP in refused.json()["detail"]


def test_commcare_sends_its_key_as_basic_authentication(program):
    put(program, MAPPING)
    text, _ = program.key("signals")
    client = program.running.client
    sent = client.post(FORMS, json=visit(met="yes"), auth=("commcare", text))
    assert sent.json()["status"] == "stored"
    for wrong in ({"Authorization": "Basic !"}, {"Authorization": f"Digest {text}"}, {}):
        assert client.post(FORMS, json=visit(met="yes"), headers=wrong).status_code == 401


def due(caller: Caller, **query: str) -> dict[str, dict[str, str]]:
    rows = caller.get(CASES, params=query).json()
    assert all(row["create"] is False for row in rows)
    assert all(isinstance(value, str) for row in rows for value in row["properties"].values())
    return {row["case_id"]: row["properties"] for row in rows}


def picked(caller: Caller, member: str) -> str:
    """A decision for a member that something came of, under one name after the other."""
    for point in range(60):
        asked = {"member": member, "decision_point": f"p{point}"}
        told = caller.post("/v1/recommendations", asked).json()
        if told["action"]["id"] != "none":
            return told["decision_id"]
        caller.post(f"/v1/decisions/{told['decision_id']}/answers", {"status": "done"})
    raise AssertionError("nothing but `none` was drawn")


def test_what_is_due_is_written_into_cases_until_a_form_answers_it(caller):
    decision = picked(caller, "ben")
    told = due(caller)["ben"]
    assert told["engagement_decision"] == decision
    assert told["engagement_status"] == "proposed"
    assert told["engagement_title"]
    body = visit(outcome="did_it", engagement_decision=decision)
    answers = [caller.post(FORMS, body).json() for _ in range(3)]
    assert [row["decision_status"] for row in answers] == ["done"] * 3
    assert set(due(caller)["ben"].values()) == {""}


def test_a_decline_is_read_from_a_form_with_its_reason(caller):
    decision = picked(caller, "ben")
    body = visit(outcome="refused", why_not="busy", engagement_decision=decision)
    assert caller.post(FORMS, body).json()["decision_status"] == "declined"
    story = caller.get(f"/v1/decisions/{decision}").json()
    assert [(step["status"], step["reason"]) for step in story["steps"]] == [("declined", "no_time")]


def test_who_asked_for_no_messages_is_emptied_from_the_phone(caller, program):
    picked(caller, "ben")
    program.caller("admin").put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    assert set(due(caller)["ben"].values()) == {""}


def test_cases_come_in_pages_that_lead_on(caller):
    for name in ("ana", "ben", "cat", "dev", "eva"):
        caller.post("/v1/recommendations", {"member": name})
    seen, page = [], CASES + "?limit=2"
    while page:
        answer = caller.get(page)
        seen += [row["case_id"] for row in answer.json()]
        page = answer.links.get("next", {}).get("url")
    assert seen == ["ana", "ben", "cat", "dev", "eva"]


def test_only_what_a_carrier_does_is_given_to_it(caller):
    picked(caller, "ben")
    carrier = due(caller)["ben"]["engagement_carrier"]
    other = "staff" if carrier != "staff" else "app"
    assert due(caller, carrier=carrier)["ben"]["engagement_decision"]
    assert set(due(caller, carrier=other)["ben"].values()) == {""}
