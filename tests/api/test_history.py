"""What was decided before, page by page, and where a member sat."""

from typing import Any

import pytest

from engagement.signals.signal import AUDIENCES, Audience
from support.running import Caller, Program

ASK = "/v1/recommendations"


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("admin")


@pytest.fixture
def decided(caller: Caller) -> dict[str, list[str]]:
    """Decisions by whom they are for, in the order in which they were made; ben's are five."""

    def made(**ask: str) -> dict[str, Any]:
        answer: dict[str, Any] = caller.post(ASK, ask).json()
        caller.post(f"/v1/decisions/{answer['decision_id']}/answers", {"status": "declined"})
        return answer

    return {
        "ben": [made(member="ben", decision_point=f"meeting-{n}")["decision_id"] for n in range(5)],
        "cat": [made(member="cat")["decision_id"]],
        "north": [made(group="north")["decision_id"]],
        "eva": [made(member="eva")["decision_id"]],
    }


def ids(caller: Caller, path: str, limit: int) -> list[list[str]]:
    """The decisions of a list, page by page."""
    pages, after = [], ""
    while after is not None:
        page = caller.get(path, params={"after": after, "limit": limit}).json()
        pages.append([row["decision_id"] for row in page["items"]])
        after = page["next"]
    return pages


def test_a_members_decisions_come_the_newest_first(caller: Caller, decided: dict[str, list[str]]) -> None:
    five, four, three, two, one = reversed(decided["ben"])
    assert ids(caller, "/v1/members/ben/decisions", 2) == [[five, four], [three, two], [one]]
    assert ids(caller, "/v1/members/ben/decisions", 5) == [[five, four, three, two, one]]


def test_a_groups_decisions_are_its_own_and_its_members(
    caller: Caller, decided: dict[str, list[str]]
) -> None:
    own = decided["ben"] + decided["cat"] + decided["north"]
    assert ids(caller, "/v1/groups/north/decisions", 100) == [sorted(own, reverse=True)]


def test_each_says_for_whom_what_and_how_it_stands(caller: Caller, decided: dict[str, list[str]]) -> None:
    for row in caller.get("/v1/groups/north/decisions").json()["items"]:
        told = caller.get(f"/v1/decisions/{row['decision_id']}").json()
        made = told["recommendation"]
        assert (row["title"], row["action"]) == (made["action"]["title"], made["action"]["id"])
        assert row["status"] == told["status"] == "declined"
        same = ("member", "group", "strategy", "decision_point", "decided_at", "expires_at")
        if row["decision_id"] in decided["north"]:
            assert (row["member"], row["group"]) == (None, "north")
        assert {name: row[name] for name in same} == {name: made[name] for name in same}


@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_reader_is_told_no_more_in_a_list_than_of_each_decision_read_by_itself(
    program: Program, caller: Caller, decided: dict[str, list[str]], audience: Audience, shares: bool
) -> None:
    consent = {"health_worker": shares}
    caller.put("/v1/members/ben", {"id": "ben", "consent": consent}).raise_for_status()
    reader = program.caller("read", audience=audience)
    rows = reader.get("/v1/members/ben/decisions").json()["items"]
    assert len(rows) == len(decided["ben"])
    for row in rows:
        story = reader.get(f"/v1/decisions/{row['decision_id']}").json()
        told = story["recommendation"]
        own = {name: told[name] for name in row.keys() & told.keys()} | {"status": story["status"]}
        assert row == own | {"action": told["action"]["id"], "title": told["action"]["title"]}


def test_of_whom_nothing_was_decided_the_list_is_empty(caller: Caller) -> None:
    assert caller.get("/v1/members/ana/decisions").json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "path", ["members/nobody/decisions", "groups/none/decisions", "members/nobody/memberships"]
)
def test_who_does_not_exist_is_not_found(caller: Caller, path: str) -> None:
    assert caller.get(f"/v1/{path}").status_code == 404


def test_what_to_go_on_behind_is_a_decision(caller: Caller) -> None:
    assert caller.get("/v1/members/ben/decisions", params={"after": "ben"}).status_code == 400


def test_a_move_and_an_end_stand_behind_the_first_seat(caller: Caller) -> None:
    path = "/v1/members/ben/memberships"
    caller.post(path, {"member": "ben", "starts_on": "2026-02-01", "group": "south", "seat": 9})
    caller.post(path, {"member": "ben", "starts_on": "2026-03-01", "reason": "left"})
    seats = [(row["starts_on"], row["group"], row["seat"]) for row in caller.get(path).json()]
    assert seats == [("2026-01-01", "north", 2), ("2026-02-01", "south", 9), ("2026-03-01", None, None)]


@pytest.mark.parametrize(
    ("audience", "status"), [("group", 403), ("adviser", 403), ("health_worker", 200), ("staff", 200)]
)
def test_where_a_member_has_been_is_for_health_workers_and_staff(
    program: Program, audience: Any, status: int
) -> None:
    reader = program.caller("read", audience=audience)
    assert reader.get("/v1/members/ben/memberships").status_code == status


@pytest.mark.parametrize(("audience", "status"), [("health_worker", 403), ("staff", 200)])
def test_where_somebody_has_been_who_does_not_share_is_not_for_health_workers(
    program: Program, audience: Any, status: int
) -> None:
    assert program.caller("read", audience=audience).get("/v1/members/cat/memberships").status_code == status
