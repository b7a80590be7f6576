"""`/v1/sites/{id}/handover`: who may read it, and that it says what the command prints."""

import msgspec
import pytest

from engagement.signals.signal import Audience
from engagement.workflows.handover import Handover, handover
from engagement.workflows.keeper import KeeperWanted
from support.running import Program, Running


@pytest.fixture
def program(served: Running) -> Program:
    return served.program()


def test_it_is_what_the_workflow_tells(program: Program) -> None:
    staff = program.caller("read")
    told = staff.get("/v1/sites/site-1/handover?language=hi").raise_for_status()
    service = program.running.service
    with service.db.read(program.id) as conn:
        expected = handover(
            conn, service.kept, program.id, KeeperWanted("site-1", "hi"), service.clock.now_ms()
        )
    assert msgspec.json.decode(told.content, type=Handover) == expected
    assert [group.language for group in expected.groups] == ["hi", "hi"]


@pytest.mark.parametrize(
    ("audience", "status"),
    [("adviser", 403), ("health_worker", 403), ("group", 403), ("staff", 200), ("research", 200)],
)
def test_it_is_for_staff(program: Program, audience: Audience, status: int) -> None:
    caller = program.caller("read", audience=audience)
    assert caller.get("/v1/sites/site-1/handover").status_code == status


def test_a_site_that_is_not_there_is_not_found(program: Program) -> None:
    assert program.caller("read").get("/v1/sites/nowhere/handover").status_code == 404


def test_another_programs_groups_are_not_in_it(program: Program, served: Running) -> None:
    admin = served.program().caller("admin")
    admin.put("/v1/groups/canary", {"id": "canary", "site": "site-1"}).raise_for_status()
    assert "canary" in admin.get("/v1/sites/site-1/handover").text
    assert "canary" not in program.caller("read").get("/v1/sites/site-1/handover").text
