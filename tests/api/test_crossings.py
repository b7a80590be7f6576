"""What belongs to one program is invisible to another's key."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

import pytest

from engagement.api.console import PAGES
from engagement.store.database import Database
from support.backup import rows
from support.crossings import (
    OF_NOBODY,
    Own,
    Theirs,
    a_marked_program,
    beyond,
    by_token,
    described,
    leaks,
    marked,
    operations,
    order,
    tokens_of,
    varied,
)
from support.databases import postgresql_database, sqlite_database
from support.examples import example_running
from support.running import Program, Running
from support.wall import behind_the_wall

WALLED = "behind the wall"


class Place(NamedTuple):
    """A service, its database as the owner opens it, and the marked program in it."""

    service: Running
    owner: Database
    theirs: Theirs


ROUND = 400
"""Crossings of one other program; what it sent itself is no leak, so each round has a new one."""


@pytest.fixture(
    scope="module",
    params=["sqlite", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("postgresql", WALLED))],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service of its own, on which only the marked program has lived; the first wall alone, or both."""
    folder = tmp_path_factory.mktemp("crossings")
    with ExitStack() as opened:
        if request.param == "sqlite":
            url = served = sqlite_database(request.getfixturevalue("migrated_sqlite"), folder)
        else:
            server, template = map(request.getfixturevalue, ("postgres", "migrated_postgresql"))
            url = opened.enter_context(postgresql_database(server, template))
            served = url if request.param == "postgresql" else behind_the_wall(url)
        service = opened.enter_context(example_running(served, erasures=str(folder / "list")))
        yield Place(service, opened.enter_context(closing(Database(url))), a_marked_program(service))


def test_every_step_of_the_marked_program_was_taken(place: Place) -> None:
    refused = {
        step["operation"]: answer.text for step, answer in place.theirs.played if not answer.is_success
    }
    assert not refused


def test_what_the_marked_program_says_is_seen_by_its_own_key(place: Place) -> None:
    """Else nothing would be found, wherever it leaked: an answer of every kind bears a mark, or an id."""
    caller = place.service.stranger(place.theirs.key)
    with Own(place.service.program()) as own:
        told = [
            leaks(place.theirs, own, {"url": path}, caller.get(path))
            for path in ("/v1/groups", "/v1/members", "/v1/sites", "/v1/plans", "/v1/program")
        ]
    assert all(told), told


def test_crossings_reach_for_every_operation_and_address(place: Place) -> None:
    where = operations(place.service.stranger().get("/schema/openapi.json").json()["paths"])
    crossed = {crossing.kind for crossing in described(place.theirs, where)}
    assert set(where) - crossed == OF_NOBODY
    assert crossed <= set(where)
    tried = {crossing.request["url"] for crossing in beyond(place.theirs)}
    pages = {page.path.partition("{")[0] for page in PAGES}
    assert [path for path in pages if not any(url.startswith(f"/console{path}") for url in tried)] == []


@pytest.mark.parametrize("number", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_crossings_meet_nothing_and_leave_nothing(place: Place, number: int) -> None:
    draw = random.Random(20260301 + number)
    where = operations(place.service.stranger().get("/schema/openapi.json").json()["paths"])
    ways = [*described(place.theirs, where), *beyond(place.theirs)]
    before = rows(place.owner, place.theirs.program.id)
    assert all(before[name] for name in ("signals", "decisions", "plans", "evaluations", "kept_answers"))
    found: list[Any] = []
    crossings = list(order(draw, ways, number))
    for start in range(0, number, ROUND):
        with Own(place.service.program()) as own:
            for crossing in crossings[start : start + ROUND]:
                request = crossing.request if start == 0 else varied(draw, place.theirs, crossing)
                answer = own.send(request)
                told = leaks(place.theirs, own, request, answer)
                # a rank waits two seconds at most: on a busy machine it may be told when to come again
                failed = answer.status_code >= 500 and "Retry-After" not in answer.headers
                if told or failed:
                    found.append((crossing.kind, answer.status_code, told, request))
    assert found == []
    after = rows(place.owner, place.theirs.program.id)
    assert {name for name in before if after[name] != before[name]} == set()


def test_tokens_of_links_and_sessions_open_nothing_in_another_place_or_program(place: Place) -> None:
    theirs = tokens_of(place.theirs.program, place.theirs.key, marked("g1"))
    client = place.service.client
    for name, token in theirs.every.items():  # else there would be nothing to leak
        if name == "session":
            opened = client.get("/console/program", headers={"Cookie": f"console={token}"})
        else:
            opened = client.get(f"/l/{token}")
        assert opened.status_code == 200
    drawn = (row.answer for row in place.theirs.played if row.step["operation"] == "recommend_one")
    decision = str(next(drawn).json()["decision_id"])
    before = rows(place.owner, place.theirs.program.id)
    found: list[Any] = []
    with Own(place.service.program()) as own:
        mine = tokens_of(own.program, own.key, "north")
        ways = by_token(theirs, mine, own.key, decision)
        assert len(ways) == 2 * (9 + 9 + 10) + 2
        for kind, request in ways:
            answer = client.request(**request)
            told = leaks(place.theirs, own, request, answer)
            where = answer.headers.get("location", "")
            refused = answer.status_code in (400, 401, 403, 404, 409) or "/sign-in" in where
            if told or not refused:
                found.append((kind, answer.status_code, told, request))
        assert own.program.caller("read").get("/v1/program").json()["value"]["stopped"] is False
    assert found == []
    after = rows(place.owner, place.theirs.program.id)
    assert {name for name in before if after[name] != before[name]} == set()


@pytest.mark.parametrize("path", ["/v1/program", "/v1/members", "/v1/sites"])
def test_one_programs_secret_under_anothers_name_opens_neither(
    program: Program, other: Program, path: str
) -> None:
    texts = [program.key("admin")[0], other.key("admin")[0]]
    assert [program.running.stranger(text).get(path).status_code for text in texts] == [200, 200]
    mine, theirs = (text.split("_", 2) for text in texts)
    for mixed in ("_".join([*mine[:2], theirs[2]]), "_".join([*theirs[:2], mine[2]])):
        assert program.running.stranger(mixed).get(path).status_code == 401


def test_the_same_id_in_two_programs_is_two_members(program: Program, other: Program) -> None:
    mine, theirs = program.caller("admin"), other.caller("admin")
    mine.put("/v1/members/ben", {"id": "ben", "language": "te"})
    assert theirs.get("/v1/members/ben").json()["value"]["language"] is None


def test_the_same_event_id_in_two_programs_is_two_reports(program: Program, other: Program) -> None:
    report = {"source": "s", "id": "1", "kind": "attendance", "member": "ben"}
    body = {"signals": [report | {"occurred_at": "2026-01-05T00:00:00Z"}]}
    for caller in (program.caller("signals"), other.caller("signals")):
        assert caller.post("/v1/signals", body).json()["results"][0]["receipt"]["status"] == "stored"
