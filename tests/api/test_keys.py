"""Who may call what."""

from typing import get_args

import pytest
from sqlalchemy import event

from engagement.api.guards import look_up
from engagement.errors import Unauthenticated
from engagement.store import keys
from engagement.store.kept import Kept
from engagement.store.keys import ApiKey, Scope
from support.running import Caller, Program, Running, Watch, readers_busy

OPERATIONS: list[tuple[Scope, str, str]] = [
    ("recommend", "POST", "/v1/recommendations"),
    ("recommend", "POST", "/v1/recommendations/batch"),
    ("recommend", "POST", "/v1/recommendations/all"),
    ("recommend", "POST", "/v1/answers"),
    ("read", "GET", "/v1/decisions"),
    ("recommend", "POST", f"/v1/decisions/{'0' * 8}-0000-0000-0000-{'0' * 12}/answers"),
    ("signals", "POST", "/v1/signals"),
    ("signals", "POST", "/v1/register"),
    ("signals", "POST", f"/v1/decisions/{'0' * 8}-0000-0000-0000-{'0' * 12}/outcome"),
    ("read", "GET", f"/v1/decisions/{'0' * 8}-0000-0000-0000-{'0' * 12}"),
    ("recommend", "POST", "/v1/plans"),
    ("read", "GET", "/v1/plans"),
    ("read", "GET", f"/v1/plans/{'0' * 8}-0000-0000-0000-{'0' * 12}"),
    ("recommend", "POST", f"/v1/plans/{'0' * 8}-0000-0000-0000-{'0' * 12}/swap"),
    ("recommend", "POST", f"/v1/plans/{'0' * 8}-0000-0000-0000-{'0' * 12}/share"),
    ("read", "GET", "/v1/referrals"),
    ("read", "POST", "/v1/links"),
    ("read", "GET", "/v1/links"),
    ("read", "POST", f"/v1/links/{'0' * 16}/revoke"),
    ("read", "GET", "/v1/members/ben/engagement"),
    ("read", "GET", "/v1/groups/north/engagement"),
    ("read", "GET", "/v1/groups/north/adviser-candidates"),
    ("read", "GET", "/v1/groups/north/members"),
    ("read", "GET", "/v1/groups/north/decisions"),
    ("read", "GET", "/v1/members/ben/decisions"),
    ("read", "GET", "/v1/members/ben/memberships"),
    ("read", "GET", "/v1/worklists/adviser"),
    ("read", "GET", "/v1/groups/north/brief"),
    ("signals", "POST", "/v1/groups/north/month"),
    ("read", "GET", "/v1/sites/site-1/handover"),
    ("read", "GET", "/v1/program"),
    ("admin", "PUT", "/v1/program"),
    ("admin", "POST", "/v1/program/stop"),
    ("admin", "POST", "/v1/program/resume"),
    ("read", "GET", "/v1/program/switch"),
    ("admin", "POST", "/v1/members/ben/memberships"),
    ("admin", "POST", "/v1/groups/north/merge"),
    ("admin", "POST", "/v1/groups/north/split"),
    ("admin", "POST", "/v1/members/ben/merge"),
    ("admin", "POST", "/v1/members/ben/erasure"),
    *(
        row
        for unit in ("groups/north", "members/ben", "health_workers/hw1")
        for row in [("read", "GET", f"/v1/{unit}/links"), ("admin", "POST", f"/v1/{unit}/links")]
    ),
    ("admin", "POST", "/v1/imports/roster"),
    *(("read", "GET", f"/v1/exports/{name}") for name in ("roster.xlsx", "roster.csv")),
    *(("read", "GET", f"/v1/exports/{name}") for name in ("register.xlsx", "register.csv")),
    ("read", "GET", "/v1/exports/dhis2"),
    ("research", "POST", "/v1/evaluations"),
    ("research", "GET", "/v1/evaluations"),
    ("research", "GET", "/v1/evaluations/first"),
    ("research", "POST", "/v1/reports"),
    *(("research", "GET", f"/v1/reports{path}") for path in ("", "/first", "/first/page")),
    ("admin", "POST", "/v1/folds"),
    *(("recommend", "POST", f"/adapters/rapidpro/{name}") for name in ("recommendation", "answer")),
    *(("signals", "POST", f"/adapters/rapidpro/{name}") for name in ("month", "signal")),
    ("read", "POST", "/adapters/rapidpro/brief"),
    *(("signals", "POST", f"/adapters/commcare/{name}") for name in ("forms", "cases")),
    ("read", "GET", "/adapters/commcare/cases"),
    ("read", "GET", "/adapters/commcare/mapping"),
    ("admin", "PUT", "/adapters/commcare/mapping"),
    ("signals", "POST", "/adapters/cht/records"),
    ("read", "GET", "/adapters/cht/docs"),
    ("read", "GET", "/v1/strategies/learned/promotion"),
    ("admin", "POST", "/v1/strategies/learned/promotion"),
    ("research", "GET", "/v1/trials/which/assignments"),
    ("admin", "POST", "/v1/trials/which/assignments"),
    *(
        row
        for plural, name in [
            ("sites", "site-1"),
            ("groups", "north"),
            ("members", "ben"),
            ("actions", "win_story"),
            ("strategies", "learned"),
            ("budgets", "program"),
            ("health_workers", "hw1"),
            ("trials", "which"),
        ]
        for row in [
            ("read", "GET", f"/v1/{plural}"),
            ("read", "GET", f"/v1/{plural}/{name}"),
            ("admin", "PUT", f"/v1/{plural}/{name}"),
        ]
    ),
]  # type: ignore[assignment]  # the words are scopes
each_operation = pytest.mark.parametrize(
    ("scope", "method", "path"), OPERATIONS, ids=[f"{method} {path}" for _, method, path in OPERATIONS]
)


def test_the_list_above_leaves_no_operation_out(served: Running) -> None:
    paths = served.client.get("/schema/openapi.json").json()["paths"]
    kept = {
        (method.upper(), path)
        for path, row in paths.items()
        for method, told in row.items()
        if "security" not in told
    }
    assert len(kept) == len(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), [row[1:] for row in OPERATIONS])
def test_without_a_key_there_is_no_way_in(served: Running, method: str, path: str) -> None:
    answer = served.stranger().call(method, path)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:engagement:problem:unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@each_operation
def test_a_key_with_every_scope_but_one_is_refused_where_that_one_is_needed(
    program: Program, scope: Scope, method: str, path: str
) -> None:
    others = [name for name in get_args(Scope) if name not in (scope, "admin")]
    answer = program.caller(*others).call(method, path)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:engagement:problem:forbidden")
    assert f"`{scope}`" in answer.json()["detail"]


@each_operation
def test_the_scope_itself_opens_the_door(program: Program, scope: Scope, method: str, path: str) -> None:
    assert program.caller(scope).call(method, path).status_code not in (401, 403)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer nonsense",
        "Bearer eng__",
        "Bearer eng_zz_secret",
        f"Bearer eng_{'g' * 32}_secret",
        f"Bearer eng_{'0' * 32}_secret",
        "Bearer \udcff\udcfe",
        "Basic dXNlcjpwYXNz",
        "Bearer " + "x" * 10_000,
    ],
)
def test_a_garbled_key_is_no_key(served: Running, header: str) -> None:
    sent = header.encode("utf-8", "surrogateescape")
    answer = served.client.get("/v1/sites", headers={"Authorization": sent})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_secret_that_differs_in_one_letter_is_unknown(program: Program) -> None:
    text, _ = program.key("read")
    assert program.running.stranger(text).get("/v1/sites").status_code == 200
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert program.running.stranger(wrong).get("/v1/sites").status_code == 401


def test_a_key_that_has_expired_is_refused(program: Program) -> None:
    text, _ = program.key("read", expires_at=program.running.service.clock.now_ms() - 1)
    answer = program.running.stranger(text).get("/v1/sites")
    assert (answer.status_code, answer.json()["detail"]) == (401, "the key has been revoked or has expired")


def revoked_after_use(program: Program) -> Caller:
    """Somebody whose key was used and then revoked."""
    text, stored = program.key("read", "recommend")
    caller = Caller(program.running.client, text)
    assert caller.get("/v1/sites").status_code == 200
    with program.running.service.db.write(program.id) as conn:
        assert keys.revoke(conn, program.id, stored.key_id, program.running.service.clock.now_ms())
    return caller


def test_a_revoked_key_lives_no_longer_than_five_seconds(program: Program, watch: Watch) -> None:
    caller = revoked_after_use(program)
    watch.seconds += 4.9
    assert caller.get("/v1/sites").status_code == 200
    watch.seconds += 0.2
    assert caller.get("/v1/sites").status_code == 401


def test_a_refusal_is_remembered_like_an_admission(program: Program, watch: Watch) -> None:
    caller = revoked_after_use(program)
    watch.seconds += 5.1
    assert [caller.get("/v1/sites").status_code for _ in range(2)] == [401, 401]


def test_a_program_may_have_two_live_keys_while_they_are_rotated(program: Program) -> None:
    assert [program.caller("read").get("/v1/sites").status_code for _ in range(2)] == [200, 200]


def test_health_metrics_and_description_need_no_key(served: Running) -> None:
    stranger = served.stranger()
    for path in ("/health/live", "/health/ready", "/metrics", "/schema", "/schema/openapi.json"):
        assert stranger.get(path).status_code == 200


def test_a_key_that_cannot_be_looked_up_again_opens_recommendations_and_nothing_else(
    program: Program, watch: Watch
) -> None:
    caller = program.caller("admin")
    body = {"member": "ben"}
    first = caller.post("/v1/recommendations", body)
    watch.seconds += 6
    with readers_busy(program.running.service):
        assert caller.post("/v1/recommendations", body).content == first.content
        answer = caller.put("/v1/members/new", {"id": "new"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert caller.get("/v1/members/new").status_code == 404


def test_a_key_that_many_callers_hold_is_read_once_for_all(program: Program) -> None:
    text, stored = program.key("read")
    db, now_ms = program.running.service.db, program.running.service.clock.now_ms()
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    with db.read(program.id) as conn:
        event.listen(conn, "before_cursor_execute", note)
        found = look_up(conn, Kept(), program.id, [text, text, "eng_x", text], now_ms)
    assert [row if isinstance(row, ApiKey) else type(row) for row in found] == [
        stored,
        stored,
        Unauthenticated,
        stored,
    ]
    assert len(sent) == 1
