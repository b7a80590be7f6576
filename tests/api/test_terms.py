"""A change may be named, to be carried out once, or only tried."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from engagement.store import tables as t
from engagement.workflows.once import KEPT_MS, forget
from support.running import Caller, Program, running

ASK = "/v1/recommendations"
SITE = "/v1/sites/site-1"
REGISTER = "group,date,seat,came,goal_set,goal\nnorth,2026-02-14,2,yes,,\n"
ROSTER = "group,member,seat,role,joined_on,health_worker\nnorth,fay,7,member,2026-01-01,no\n"
HELD = {"source": "app", "kind": "meeting_held", "group": "north", "occurred_at": "2026-02-14T10:00:00Z"}


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("admin")


def named(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def site(title: str) -> dict[str, str]:
    return {"id": "site-1", "title": title}


def rows(program: Program) -> dict[str, int]:
    """How many rows each table has for the program."""
    with program.running.service.db.read(program.id) as conn:
        return {
            table.name: conn.execute(
                select(func.count()).select_from(table).where(table.c.program_id == program.id)
            ).scalar_one()
            for table in t.metadata.sorted_tables
            if table.name not in ("facts", "api_keys")
        }


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", ASK, {"json": {"member": "ben"}}),
    ("POST", ASK, {"json": {"group": "north"}}),
    ("POST", f"{ASK}/batch", {"json": {"requests": [{"member": "ben"}, {"member": "nobody"}, {}]}}),
    ("POST", f"{ASK}/all", {"json": {"group": "north"}}),
    ("POST", "/v1/signals", {"json": {"signals": [HELD | {"id": "1"}, HELD | {"id": "2", "group": "x"}]}}),
    ("POST", "/v1/register", {"content": REGISTER, "headers": {"Content-Type": "text/csv"}}),
    ("POST", "/v1/imports/roster", {"content": ROSTER, "headers": {"Content-Type": "text/csv"}}),
    ("PUT", SITE, {"json": site("Another")}),
    ("PUT", "/v1/members/new", {"json": {"id": "new"}}),
    (
        "POST",
        "/v1/members/ben/memberships",
        {"json": {"member": "ben", "group": "south", "seat": 9, "starts_on": "2026-02-01"}},
    ),
    (
        "POST",
        "/v1/groups/north/links",
        {"json": {"relation": "catchment", "starts_on": "2026-02-01", "to": "east"}},
    ),
    ("POST", "/v1/groups/north/merge", {"json": {"into": "south", "on": "2026-02-01"}}),
    ("POST", "/v1/members/ben/merge", {"json": {"into": "cat"}}),
    ("POST", "/v1/program/stop", {"json": {"by": "lead", "why": "A complaint."}}),
]
each_change = pytest.mark.parametrize(
    ("method", "path", "request_"), CHANGES, ids=[f"{method} {path}" for method, path, _ in CHANGES]
)


def send(
    caller: Caller, method: str, path: str, request: dict[str, Any], headers: dict[str, str] | None = None
) -> httpx.Response:
    own = request.get("headers", {}) | (headers or {})
    return caller.call(method, path, **{**request, "headers": own})


# --- once -----------------------------------------------------------------------------------------


@each_change
def test_a_named_change_sent_again_gets_the_answer_it_got_and_does_nothing(
    program: Program, caller: Caller, method: str, path: str, request_: dict[str, Any]
) -> None:
    first = send(caller, method, path, request_, headers=named("a"))
    after = rows(program)
    again = send(caller, method, path, request_, headers=named("a"))
    assert first.status_code == 200, first.text
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers.get("etag") == first.headers.get("etag")
    assert ["idempotent-replayed" in answer.headers for answer in (first, again)] == [False, True]
    assert rows(program) == after


@each_change
def test_a_name_changes_nothing_about_the_first_answer(
    program: Program, caller: Caller, method: str, path: str, request_: dict[str, Any]
) -> None:
    other = program.running.program()
    same = other.caller("admin")
    plain, keyed = (
        send(who, method, path, request_, headers=headers)
        for who, headers in ((caller, {}), (same, named("a")))
    )
    assert (plain.status_code, plain.headers["content-type"]) == (200, keyed.headers["content-type"])
    assert plain.json().keys() == keyed.json().keys() if isinstance(plain.json(), dict) else True


def test_what_somebody_did_meanwhile_is_not_undone_by_a_late_repetition(caller: Caller) -> None:
    mine = caller.put(SITE, site("Mine"), headers=named("a"))
    caller.put(SITE, site("Theirs"))
    late = caller.put(SITE, site("Mine"), headers=named("a"))
    assert late.content == mine.content
    assert caller.get(SITE).json()["value"]["title"] == "Theirs"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SITE, site("Other")),
        (f"{SITE}?dry_run=false", site("Mine")),
        ("/v1/sites/b", {"id": "b", "title": "B"}),
    ],
)
def test_another_request_under_the_same_name_is_refused(caller: Caller, path: str, body: Any) -> None:
    caller.put(SITE, site("Mine"), headers=named("a"))
    answer = caller.put(path, body, headers=named("a"))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:engagement:problem:conflict")
    assert caller.get(SITE).json()["value"]["title"] == "Mine"


def test_a_repetition_is_answered_although_its_condition_no_longer_holds(caller: Caller) -> None:
    headers = named("a") | {"If-Match": '"1"'}
    answers = [caller.put(SITE, site("Mine"), headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_of_what_was_refused_no_answer_is_kept(program: Program, caller: Caller) -> None:
    seat = {"member": "ben", "group": "south", "seat": 1, "starts_on": "2026-02-01"}
    path = "/v1/members/ben/memberships"
    assert caller.post(path, seat, headers=named("a")).status_code == 409
    assert rows(program)["kept_answers"] == 0
    assert caller.post(path, seat | {"seat": 9}, headers=named("a")).status_code == 200


def test_another_key_of_the_program_has_names_of_its_own(program: Program, caller: Caller) -> None:
    colleague = program.caller("admin")
    both = ((caller, "A"), (colleague, "B"))
    answers = [who.put(SITE, site(title), headers=named("a")) for who, title in both]
    assert [answer.json()["value"]["title"] for answer in answers] == ["A", "B"]


@pytest.mark.parametrize("name", ["", "two words", "x" * 129, "é"])
def test_a_name_that_is_none_is_refused(caller: Caller, name: str) -> None:
    answer = caller.put(SITE, site("Mine"), headers={"Idempotency-Key": name.encode("latin-1")})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert caller.get(SITE).json()["revision"] == 1


def test_the_same_request_many_times_at_once_is_carried_out_once(program: Program, caller: Caller) -> None:
    def sent(_: int) -> bytes:
        return caller.put(SITE, site("Mine"), headers=named("a")).content

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(sent, range(16)))) == 1
    assert rows(program)["kept_answers"] == 1


def test_two_replicas_carry_a_named_change_out_once(shared_url: str) -> None:
    with running(shared_url) as here, running(shared_url) as there:
        program = here.program()
        key = program.key("admin")[0]

        def sent(number: int) -> tuple[int, bytes]:
            caller = Caller((here, there)[number % 2].client, key)
            change = number // 4
            answer = caller.put(SITE, site(f"Title {change}"), headers=named(f"change-{change}"))
            return change, answer.content

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(sent, range(40)))
        assert len(answers) == 10
        assert {number for number, _ in answers} == set(range(10))
        assert Caller(here.client, key).get(SITE).json()["revision"] == 11


def test_a_batch_in_several_transactions_is_answered_again_as_well(program: Program, caller: Caller) -> None:
    body = {"signals": [HELD | {"id": str(number)} for number in range(300)]}
    answers = [caller.post("/v1/signals", body, headers=named("a")).content for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0].count(b'"stored"') == 300
    assert rows(program)["signals"] == 300


def test_an_answer_that_came_too_late_is_not_given_again(shared_url: str) -> None:
    with running(shared_url, deadline_ms=1) as hurried:
        program = hurried.program()
        answer = program.caller("admin").post(f"{ASK}/all", {"group": "north"}, headers=named("a")).json()
        assert {row["recommendation"]["fallback"] for row in answer["answers"]} == {"deadline"}
        assert rows(program)["kept_answers"] == 0


def test_folding_under_a_name_is_told_again(caller: Caller) -> None:
    answers = [caller.post("/v1/folds", headers=named("a")) for _ in range(2)]
    assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, True]


def test_an_answer_is_kept_for_a_day_and_then_forgotten(program: Program, caller: Caller) -> None:
    service = program.running.service
    caller.put(SITE, site("Mine"), headers=named("a"))
    now_ms = service.clock.now_ms()
    forget(service.db, program.id, now_ms + KEPT_MS - 60_000)
    assert rows(program)["kept_answers"] == 1
    forget(service.db, program.id, now_ms + KEPT_MS + 1)
    assert rows(program)["kept_answers"] == 0


# --- tried ----------------------------------------------------------------------------------------


@each_change
def test_what_is_only_tried_stores_nothing(
    program: Program, caller: Caller, method: str, path: str, request_: dict[str, Any]
) -> None:
    before = rows(program)
    tried = send(caller, method, f"{path}?dry_run=true", request_, headers=named("a"))
    assert tried.status_code == 200, tried.text
    assert tried.headers["engagement-dry-run"] == "true"
    assert rows(program) == before


NEW_EACH_TIME = {"decision_id", "decided_at", "closes_at", "opens_at", "deliver_from", "at"}


def lasting(answer: Any) -> Any:
    """An answer without what differs between any two moments."""
    if isinstance(answer, dict):
        return {key: lasting(value) for key, value in answer.items() if key not in NEW_EACH_TIME}
    return [lasting(value) for value in answer] if isinstance(answer, list) else answer


@each_change
def test_what_is_only_tried_is_answered_as_it_would_be(
    caller: Caller, method: str, path: str, request_: dict[str, Any]
) -> None:
    tried = send(caller, method, f"{path}?dry_run=true", request_)
    done = send(caller, method, path, request_)
    assert done.status_code == 200, done.text
    assert lasting(tried.json()) == lasting(done.json())
    assert "engagement-dry-run" not in done.headers


def test_a_decision_that_would_be_made_has_no_id_and_one_that_stands_has(caller: Caller) -> None:
    assert caller.post(f"{ASK}?dry_run=true", {"member": "ben"}).json()["decision_id"] is None
    made = caller.post(ASK, {"member": "ben"}).json()["decision_id"]
    assert caller.post(f"{ASK}?dry_run=true", {"member": "ben"}).json()["decision_id"] == made
    everybody = caller.post(f"{ASK}/all?dry_run=true", {"group": "north"}).json()["answers"]
    ids = {row["recommendation"]["member"]: row["recommendation"]["decision_id"] for row in everybody}
    assert (ids.pop("ben"), set(ids.values())) == (made, {None})


def test_what_would_be_refused_is_refused_when_it_is_tried(caller: Caller) -> None:
    answer = caller.put(f"{SITE}?dry_run=true", site("Mine"), headers={"If-Match": '"7"'})
    assert answer.status_code == 412


def test_a_change_that_was_tried_leaves_nothing_behind_in_memory(caller: Caller) -> None:
    program = caller.get("/v1/program").json()["value"]
    for title in ("Tried", "Done"):
        path = "/v1/program?dry_run=true" if title == "Tried" else "/v1/program"
        caller.put(path, program | {"title": title})
        caller.post(ASK, {"member": "ben"})
    assert caller.get("/v1/program").json()["value"]["title"] == "Done"


@pytest.mark.parametrize("said", ["yes", "1", "TRUE", ""])
def test_a_wish_that_is_no_yes_or_no_is_refused(program: Program, caller: Caller, said: str) -> None:
    before = rows(program)
    assert caller.post(f"{ASK}?dry_run={said}", {"member": "ben"}).status_code == 400
    assert rows(program) == before


@pytest.mark.parametrize("path", ["/v1/plans", "/v1/folds", "/v1/trials/which/assignments"])
def test_what_cannot_be_tried_says_so(caller: Caller, path: str) -> None:
    answer = caller.post(f"{path}?dry_run=true", {})
    assert (answer.status_code, "cannot be tried" in answer.json()["detail"]) == (400, True)


def test_what_is_only_tried_is_not_counted(caller: Caller) -> None:
    def counted() -> list[str]:
        families = ("engagement_recommendations", "engagement_signals")
        return [line for line in caller.get("/metrics").text.splitlines() if line.startswith(families)]

    before = counted()
    caller.post(f"{ASK}?dry_run=true", {"member": "ben"})
    caller.post("/v1/signals?dry_run=true", {"signals": [HELD | {"id": "1"}]})
    assert counted() == before


def test_terms_are_described_where_they_are_heeded(caller: Caller) -> None:
    paths = caller.get("/schema/openapi.json").json()["paths"]
    heeded = {
        f"{verb.upper()} {path}": {row["name"] for row in told["parameters"]} & {"dry_run", "Idempotency-Key"}
        for path, methods in paths.items()
        for verb, told in methods.items()
    }
    for name, terms in heeded.items():
        if name in ("POST /v1/plans", "POST /v1/folds", "POST /v1/trials/{name}/assignments"):
            assert terms == {"Idempotency-Key"}
        elif "/v1/links" in name or name.startswith("POST /adapters/"):
            # a link's token is kept as a digest only, and what other systems send has ids of its own
            assert not terms, name
        elif name.endswith("/erasure"):  # nothing is kept of having asked
            assert not terms, name
        else:
            assert terms == (set() if name.startswith("GET") else {"dry_run", "Idempotency-Key"}), name
