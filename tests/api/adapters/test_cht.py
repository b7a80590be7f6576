"""CHT: its outbound push as its documentation tells it, and suggestions as documents of its database."""

from itertools import permutations

import pytest

from engagement.workflows.tallies import standing
from support.running import Caller, Program

RECORDS, DOCS = "/adapters/cht/records", "/adapters/cht/docs"


def pushed(rev: str | None = "1-" + "a" * 32, /, **more):
    """A synthetic report of a home visit, as the mapping of docs/connect-cht.md makes it."""
    own = {} if rev is None else {"rev": rev}
    return {"id": "6b6e1b3e-visit", "reported_at": 1772703000000, "member": "ben"} | own | more


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("signals", "read", "recommend")


def known(program: Program, *members: str) -> dict[tuple[str, str], int | None]:
    with program.running.service.db.read(program.id) as conn:
        rows = standing(conn, program.id, members or ("ben",), [])
    return {(row.unit_id, row.kind): row.value for row in rows if row.source == "cht"}


def test_a_push_is_stored_once_however_often_it_is_retried(caller, program):
    body = pushed(signals={"health_worker_contact": True, "medicine_taken": "yes", "clinic_follow_up": 0})
    told = [caller.post(RECORDS, body).json() for _ in range(3)]
    assert [(row["stored"], row["corrected"]) for row in told] == [(3, 0), (0, 0), (0, 0)]
    assert known(program)["ben", "medicine_taken"] == 1


def test_a_changed_document_is_a_correction_and_what_it_leaves_out_is_taken_back(caller, program):
    caller.post(RECORDS, pushed(signals={"health_worker_contact": 1, "medicine_taken": 1}))
    told = caller.post(RECORDS, pushed("2-bb", signals={"medicine_taken": 0})).json()
    assert (told["stored"], told["corrected"]) == (0, 2)
    assert known(program) == {("ben", "medicine_taken"): 0}


def test_shuffled_and_repeated_pushes_leave_the_newest_revision(program):
    versions = [
        pushed("1-aa", signals={"medicine_taken": 1}),
        pushed("2-bb", signals={"medicine_taken": 0, "clinic_follow_up": 1}, member="cat"),
        pushed("10-cc", signals={"clinic_follow_up": 1}),
    ]
    for order in permutations(versions):
        here = program.running.program()
        sender = here.caller("signals")
        assert {sender.post(RECORDS, body).status_code for body in (*order, *order)} == {200}
        assert known(here, "ben", "cat") == {("ben", "clinic_follow_up"): 1}


def test_without_a_revision_the_last_word_counts(caller, program):
    for value in (1, 0, 1):
        caller.post(RECORDS, pushed(None, signals={"medicine_taken": value}))
    assert known(program) == {("ben", "medicine_taken"): 1}


def test_the_key_comes_as_basic_or_in_the_one_header(program):
    text, _ = program.key("signals")
    client, body = program.running.client, pushed(signals={"medicine_taken": 1})
    assert client.post(RECORDS, json=body, auth=("admin", text)).status_code == 200
    for value in (f"Bearer {text}", f"Token {text}"):
        assert client.post(RECORDS, json=body, headers={"Authorization": value}).status_code == 200
    assert client.post(RECORDS, json=body, auth=("admin", "wrong")).status_code == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (pushed(signals={"mood": 1}), "there is no signal 'mood'"),
        (pushed(signals={"medicine_taken": "sometimes"}), "signals.medicine_taken: `sometimes` is neither"),
        (pushed(signals={}, reported_at="yesterday"), "reported_at: `yesterday` is no time"),
        (pushed(signals={"medicine_taken": 1}, group="north"), "give `member` or `group`"),
        (pushed(signals={"medicine_taken": 1}, rev="three"), "rev"),
        (pushed(status="done"), "`decision_id` with `status`"),
        (pushed(signals={"medicine_taken": 1}, name="a name"), "name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_stored(caller, program, body, words):
    answer = caller.post(RECORDS, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert words in str(answer.json())
    assert known(program) == {}


def waiting(caller: Caller) -> dict:
    """A suggestion that waits, for one of the members; something is drawn for one of them soon."""
    for point in range(60):
        for name in ("ana", "ben", "cat", "dev", "eva"):
            told = caller.post("/v1/recommendations", {"member": name, "decision_point": f"p{point}"}).json()
            if told["action"]["id"] != "none":
                return told
            caller.post(f"/v1/decisions/{told['decision_id']}/answers", {"status": "done"})
    raise AssertionError("nothing but `none` was drawn")


def test_a_suggestion_is_a_document_that_couchdb_takes_once(caller):
    told = waiting(caller)
    first, again = caller.get(DOCS).json(), caller.get(DOCS).json()
    assert first == again
    [doc] = [row for row in first["docs"] if row["_id"] == f"engagement:{told['decision_id']}"]
    assert {
        "type": "data_record",
        "form": "engagement_suggestion",
        "content_type": "xml",
    }.items() <= doc.items()
    assert isinstance(doc["reported_date"], int)
    assert doc["fields"]["patient_id"] == told["member"]
    assert doc["fields"]["decision_id"] == told["decision_id"]
    assert doc["fields"]["text"]
    assert set(first) == {"docs"}


def test_a_report_answers_a_suggestion_and_it_waits_no_more(caller):
    told = waiting(caller)
    body = pushed(
        "1-aa", id="task-done", member=told["member"], decision_id=told["decision_id"], status="declined",
        reason="not_home",
    )  # fmt: skip
    answers = [caller.post(RECORDS, body).json()["decision_status"] for _ in range(2)]
    assert answers == ["declined", "declined"]
    assert told["decision_id"] not in caller.get(DOCS).text


def test_documents_come_in_pages_that_lead_on(caller):
    for name in ("ana", "ben", "cat", "dev", "eva"):
        caller.post("/v1/recommendations", {"member": name})
    whole = [row["_id"] for row in caller.get(DOCS).json()["docs"]]
    seen, page = [], DOCS + "?limit=1"
    while page:
        answer = caller.get(page)
        seen += [row["_id"] for row in answer.json()["docs"]]
        page = answer.links.get("next", {}).get("url")
    assert seen == whole
    assert caller.get(DOCS + "?after=ben").status_code == 400
