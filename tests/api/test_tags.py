"""Two people may change the same thing, and neither overwrites what the other has not seen."""

import asyncio
from typing import Any

import pytest

from api.test_setup import NOUNS, each_noun
from engagement.api.desk import Work
from engagement.strategy.setup import Site
from engagement.workflows.edit import Condition, Edit, edit
from support.running import Caller, Program

SITE = "/v1/sites/site-1"


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("admin")


def titled(title: str) -> dict[str, Any]:
    return {"id": "site-1", "title": title}


@each_noun
def test_whatever_is_read_or_changed_says_which_revision_it_is(
    caller: Caller, plural: str, thing: dict[str, Any]
) -> None:
    path = f"/v1/{plural}/new"
    assert [caller.put(path, thing).headers["etag"], caller.get(path).headers["etag"]] == ['"1"', '"1"']


def test_the_program_says_which_revision_it_is(caller: Caller) -> None:
    read = caller.get("/v1/program")
    changed = caller.put("/v1/program", read.json()["value"] | {"title": "Renamed"})
    assert [int(answer.headers["etag"].strip('"')) for answer in (read, changed)] == [
        answer.json()["revision"] for answer in (read, changed)
    ]


def test_of_two_who_have_read_the_same_the_second_is_refused(caller: Caller) -> None:
    tag = caller.get(SITE).headers["etag"]
    first, second = (
        caller.put(SITE, titled(title), headers={"If-Match": tag}) for title in ("First", "Second")
    )
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (second.status_code, second.json()["type"]) == (412, "urn:engagement:problem:precondition-failed")
    assert caller.get(SITE).json()["value"]["title"] == "First"


def test_of_two_who_share_a_transaction_the_second_is_refused(program: Program) -> None:
    both = [
        Edit(Site(id="site-1", title=title), Condition(among=frozenset({1}))) for title in ("First", "Second")
    ]
    desk = program.running.service.desk
    first, second = asyncio.run(desk.ask("record", Work(program.id, edit), both))
    assert first.revision == 2
    assert "stands at revision 2" in str(second)


def test_without_a_condition_the_last_one_wins(caller: Caller) -> None:
    assert [caller.put(SITE, titled(title)).status_code for title in ("First", "Second")] == [200, 200]
    assert caller.get(SITE).json()["value"]["title"] == "Second"


@pytest.mark.parametrize(
    ("header", "tags", "status"),
    [
        ("If-Match", '"1"', 200),
        ("If-Match", '"7", "1"', 200),
        ("If-Match", "*", 200),
        ("If-Match", '"2"', 412),
        ("If-Match", 'W/"1"', 412),
        ("If-Match", '"else"', 412),
        ("If-Match", "", 412),
        ("If-Match", "1", 400),
        ("If-Match", '"1', 400),
        ("If-Match", '"1" "2"', 400),
        ("If-None-Match", "*", 412),
        ("If-None-Match", '"1"', 412),
        ("If-None-Match", '"2"', 200),
    ],
)
def test_a_change_is_made_as_its_condition_says(caller: Caller, header: str, tags: str, status: int) -> None:
    assert caller.put(SITE, titled("New"), headers={header: tags}).status_code == status
    assert caller.get(SITE).json()["value"]["title"] == ("New" if status == 200 else "First site")


@pytest.mark.parametrize(
    ("header", "tags", "status"),
    [("If-None-Match", "*", 200), ("If-Match", "*", 412), ("If-Match", '"1"', 412)],
)
def test_something_new_is_created_where_the_condition_allows(
    caller: Caller, header: str, tags: str, status: int
) -> None:
    for plural, thing in NOUNS:
        assert caller.put(f"/v1/{plural}/new", thing, headers={header: tags}).status_code == status
        assert caller.get(f"/v1/{plural}/new").status_code == (200 if status == 200 else 404)


@pytest.mark.parametrize(
    ("tags", "status"),
    [('"1"', 304), ('W/"1"', 304), ('"7", "1"', 304), ("*", 304), ('"2"', 200), ("1", 400)],
)
def test_who_has_the_newest_revision_is_not_sent_it_again(caller: Caller, tags: str, status: int) -> None:
    answer = caller.get(SITE, headers={"If-None-Match": tags})
    assert answer.status_code == status
    if status == 304:
        assert (answer.content, answer.headers["etag"]) == (b"", '"1"')


def test_what_a_reader_may_not_see_is_not_confirmed_either(program: Program) -> None:
    neighbour = program.caller("read", audience="group")
    assert neighbour.get("/v1/members/ben", headers={"If-None-Match": "*"}).status_code == 403


def described(caller: Caller, verb: str) -> list[dict[str, Any]]:
    paths = caller.get("/schema/openapi.json").json()["paths"]
    return [paths[f"/v1/{plural}/{{name}}"][verb] for plural, _ in NOUNS] + [paths["/v1/program"][verb]]


@pytest.mark.parametrize(
    ("verb", "headers", "statuses"),
    [("get", {"If-None-Match"}, {"304"}), ("put", {"If-Match", "If-None-Match"}, {"412"})],
)
def test_tags_are_described(caller: Caller, verb: str, headers: set[str], statuses: set[str]) -> None:
    for told in described(caller, verb):
        assert headers <= {row["name"] for row in told["parameters"] if row["in"] == "header"}
        assert "ETag" in told["responses"]["200"]["headers"]
        assert statuses <= set(told["responses"])
