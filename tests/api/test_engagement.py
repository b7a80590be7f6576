"""The picture of a member and of a group, as far as the key's reader may see it."""

import pytest

from engagement.signals.tally import DAY_MS
from engagement.store.keys import Audience
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
