"""The picture of a member and of a group, as far as the key's reader may see it."""

import pytest

from engagement.signals.tally import DAY_MS
from engagement.store.keys import Audience
from engagement.workflows.states import CUT
from engagement.workflows.tell import moment
from support.running import Caller, Program


@pytest.fixture
def reported(program: Program) -> Program:
    """A program where somebody met ben, ben came to a meeting, and the health worker saw him."""
    yesterday = moment(program.running.service.clock.now_ms() - DAY_MS).isoformat()
    rows = [("meeting_held", {"group": "north"}), ("attendance", {"member": "ben"})]
    rows += [("health_worker_contact", {"member": "ben"})]
    signals = [
        {"source": "register", "id": kind, "kind": kind, "occurred_at": yesterday} | unit
        for kind, unit in rows
    ]
    program.caller("signals").post("/v1/signals", {"signals": signals})
    return program


def parts(caller: Caller, path: str = "/v1/members/ben/engagement") -> set[str]:
    return {part["name"] for part in caller.get(path).json()["parts"]}


@pytest.mark.parametrize("audience", ["health_worker", "staff", "research"])
def test_who_may_see_every_part_sees_the_index(reported: Program, audience: Audience) -> None:
    seen = reported.caller("read", audience=audience).get("/v1/members/ben/engagement").json()
    assert {part["name"] for part in seen["parts"]} == {"attendance", "goals", "contact"}
    assert seen["index"] is not None


@pytest.mark.parametrize("audience", ["group", "adviser"])
def test_a_neighbour_sees_neither_the_health_workers_part_nor_an_index_made_of_it(
    reported: Program, audience: Audience
) -> None:
    seen = reported.caller("read", audience=audience).get("/v1/members/ben/engagement").json()
    assert "contact" not in {part["name"] for part in seen["parts"]}
    assert (seen["index"], seen["trend"]) == (None, "unknown")
    assert "eard from" not in seen["sentence"]


def test_the_same_address_shows_each_reader_their_own(reported: Program) -> None:
    near, far = (reported.caller("read", audience=audience) for audience in ("adviser", "health_worker"))
    assert parts(near) < parts(far)
    assert parts(near) < parts(far)  # and no reader is served what another's look left behind


def test_a_group_says_how_many_came_and_never_who(reported: Program) -> None:
    answer = reported.caller("read", audience="group").get("/v1/groups/north/engagement")
    assert answer.json()["index"] is not None
    assert not {"ana", "ben", "cat"} & set(answer.text.replace('"', " ").split())


@pytest.mark.parametrize("path", ["/v1/members/nobody/engagement", "/v1/groups/nowhere/engagement"])
def test_of_what_is_unknown_there_is_no_picture(program: Program, path: str) -> None:
    assert program.caller("read").get(path).status_code == 404


def test_a_group_is_shown_with_its_state_of_today_and_of_each_month(reported: Program) -> None:
    seen = reported.caller("read").get("/v1/groups/north/engagement").json()
    assert seen["standing"].keys() >= {"state", "sentence", "since", "last_known_meeting", "members"}
    assert seen["standing"]["members"] == 3
    assert seen["standing"]["state"] == seen["months"][-1]["state"] == "wavering"  # one came of three


def test_a_member_has_no_state_of_a_group(reported: Program) -> None:
    seen = reported.caller("read").get("/v1/members/ben/engagement").json()
    assert seen["standing"] is None
    assert {month["state"] for month in seen["months"]} == {None}


def test_groups_are_listed_by_their_state_with_how_they_stand(reported: Program) -> None:
    caller = reported.caller("read")
    found = caller.get("/v1/groups", params={"state": "new"}).json()
    assert [row["value"]["id"] for row in found["items"]] == ["south"]
    assert (found["counts"]["new"], found["counts"]["wavering"], found["next"]) == (1, 1, None)
    assert found["items"][0]["standing"]["site"] == "site-1"


def test_all_groups_are_listed_with_their_states_in_parts(reported: Program) -> None:
    caller = reported.caller("read")
    first = caller.get("/v1/groups", params={"state": "any", "limit": 1}).json()
    rest = caller.get("/v1/groups", params={"state": "any", "limit": 1, "after": first["next"]}).json()
    states = [row["standing"]["state"] for part in (first, rest) for row in part["items"]]
    assert (states, rest["next"]) == (["wavering", "new"], None)


def test_a_list_that_asks_for_no_state_tells_none(reported: Program) -> None:
    plain = reported.caller("read").get("/v1/groups").json()
    assert plain.keys() == {"items", "next"}
    assert plain["items"][0].keys() == {"revision", "value"}


def test_there_are_no_groups_in_a_state_that_does_not_exist(program: Program) -> None:
    answer = program.caller("read").get("/v1/groups", params={"state": "sleepy"})
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "state: must be one of new, thriving, wavering, dormant, silent, dissolved, ended, any",
    )


def test_a_limit_that_is_no_choice_is_refused_by_what_is_wrong_with_it(program: Program) -> None:
    answer = program.caller("read").get("/v1/groups", params={"limit": 0}).json()
    assert [flaw["field"] for flaw in answer["errors"]] == ["limit"]
    assert "one of" not in answer["detail"]


def test_more_groups_than_are_looked_at_at_once_make_one_list(program: Program) -> None:
    caller = program.caller("admin")
    for number in range(CUT + 1):
        caller.put(f"/v1/groups/x{number:02}", {"id": f"x{number:02}", "site": "site-1"})
    found = caller.get("/v1/groups", params={"state": "new", "limit": 1000}).json()
    assert (len(found["items"]), found["counts"]["new"], found["next"]) == (CUT + 3, CUT + 3, None)
    part = caller.get("/v1/groups", params={"state": "new", "limit": CUT + 1}).json()
    assert (len(part["items"]), part["next"]) == (CUT + 1, part["items"][-1]["value"]["id"])
