"""`/v1/plans`: a week of visits over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from engagement.client import Client
from engagement.errors import Invalid
from engagement.workflows.plan import PlanAsk
from engagement.workflows.plan_life import Swap
from engagement.workflows.plan_told import PlanSeen
from support.running import Caller, Program, Running

NOWHERE = f"{'0' * 8}-0000-0000-0000-{'0' * 12}"


@pytest.fixture
def staff(program: Program) -> Caller:
    """Staff of a program whose two groups and two health workers are of one catchment."""
    caller = program.caller("admin")
    for name, hours in (("asha", 0.75), ("bina", 0.75)):
        caller.put(f"/v1/health_workers/{name}", {"id": name, "hours_a_week": hours}).raise_for_status()
    for unit in ("health_workers/asha", "health_workers/bina", "groups/north", "groups/south"):
        link = {"relation": "catchment", "starts_on": "2026-01-01", "to": "hill"}
        caller.post(f"/v1/{unit}/links", link).raise_for_status()
    return caller


def planned(caller: Caller, **ask: str) -> dict[str, Any]:
    """The plan of the only catchment."""
    [item] = caller.post("/v1/plans", ask).raise_for_status().json()["items"]
    plan: dict[str, Any] = item["plan"]
    return plan


def problem(answer: Any) -> tuple[int, str]:
    """Status and words of a problem."""
    return answer.status_code, answer.json().get("detail", "")


def test_a_plan_is_answered_with_what_is_stored(staff: Caller) -> None:
    plan = planned(staff)
    assert staff.get(f"/v1/plans/{plan['plan_id']}").json() == plan
    assert (plan["pool"], plan["sentence"]) == ("hill", "2 groups asked, 2 fit.")


def test_asking_again_gives_the_same_plan(staff: Caller) -> None:
    assert planned(staff) == planned(staff)


def test_each_decision_of_a_plan_has_its_story(staff: Caller) -> None:
    row = planned(staff)["units"][0]
    story = staff.get(f"/v1/decisions/{row['decision_id']}").raise_for_status().json()
    told = story["recommendation"]
    assert (told["group"], told["probability"], told["action"]["id"]) == (row["group"], 1, "chw_group_visit")
    assert [belief["action"] for belief in story["beliefs"]] == ["none", "chw_group_visit"]


def test_a_visit_stands_on_the_health_worker_s_work_list(staff: Caller) -> None:
    wanted = {row["decision_id"] for row in planned(staff)["units"]}
    items = staff.get("/v1/decisions?carrier=health_worker").json()["items"]
    assert {item["decision_id"] for item in items} == wanted


def test_plans_are_listed_page_by_page(staff: Caller) -> None:
    first = planned(staff)
    page = staff.get("/v1/plans?limit=1&pool=hill").json()
    assert [row["plan_id"] for row in page["items"]] == [first["plan_id"]]
    assert page["next"] is None


def test_a_health_worker_s_plans_are_those_in_which_she_has_a_visit(staff: Caller) -> None:
    staff.put("/v1/health_workers/bina", {"id": "bina", "hours_a_week": 0}).raise_for_status()
    plan = planned(staff)
    of = {
        name: [row["plan_id"] for row in staff.get(f"/v1/plans?health_worker={name}").json()["items"]]
        for name in ("asha", "bina")
    }
    assert of == {"asha": [plan["plan_id"]], "bina": []}


@pytest.mark.parametrize("wanted", ["pool=dale", "strategy=even", "period=2020-W01"])
def test_a_list_holds_only_what_was_asked_for(staff: Caller, wanted: str) -> None:
    planned(staff)
    assert staff.get(f"/v1/plans?{wanted}").json() == {"items": [], "next": None}


def test_a_pool_that_cannot_be_planned_has_its_own_problem(staff: Caller) -> None:
    strategy = staff.get("/v1/strategies/chw_weeks").json()["value"]
    staff.put("/v1/strategies/chw_weeks", strategy | {"plan": {"longest_wait_weeks": 1}}).raise_for_status()
    staff.put("/v1/health_workers/asha", {"id": "asha", "hours_a_week": 0}).raise_for_status()
    [item] = staff.post("/v1/plans", {}).raise_for_status().json()["items"]
    assert item["problem"]["detail"] == (
        "the minimum service needs 2 visits this week, and the health workers have time for 1"
    )


@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [
        ({"period": "next"}, 400, "period"),
        ({"period": "2020-W01"}, 400, "a plan is for this week or the next"),
        ({"pool": "moor"}, 404, "no group is linked to a catchment `moor`"),
        ({"strategy": "learned"}, 400, "strategy `learned` does not plan"),
        ({"strategy": "nothing"}, 404, "there is no strategy `nothing`"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_says_why(staff: Caller, ask: Any, status: int, words: str) -> None:
    found, detail = problem(staff.post("/v1/plans", ask))
    assert found == status
    assert words in detail


@pytest.mark.parametrize(
    "call",
    [
        lambda caller: caller.post("/v1/plans", {}),
        lambda caller: caller.get("/v1/plans"),
        lambda caller: caller.get(f"/v1/plans/{NOWHERE}"),
        lambda caller: caller.post(f"/v1/plans/{NOWHERE}/share"),
        lambda caller: caller.post(f"/v1/plans/{NOWHERE}/swap", {"first": NOWHERE, "second": NOWHERE}),
    ],
    ids=["plan", "list", "tell", "share", "swap"],
)
def test_a_neighbour_sees_no_plan(staff: Caller, program: Program, call: Callable[[Caller], Any]) -> None:
    planned(staff)
    neighbour = program.caller("recommend", "read", audience="adviser")
    assert problem(call(neighbour)) == (403, "plans are for health workers and staff")


def test_a_health_worker_sees_no_other_s_load(staff: Caller, program: Program) -> None:
    plan = planned(staff)
    health_worker = program.caller("read", audience="health_worker")
    told = health_worker.get(f"/v1/plans/{plan['plan_id']}").raise_for_status().json()
    assert (told["workers"], told["units"][0]["worth"]) == (None, None)


def test_a_plan_of_another_program_is_not_found(staff: Caller, other: Program) -> None:
    plan = planned(staff)
    assert other.caller("read").get(f"/v1/plans/{plan['plan_id']}").status_code == 404


@pytest.mark.usefixtures("staff")
def test_the_client_plans_exchanges_and_shares_out(served: Running, program: Program) -> None:
    with Client(served.address, program.key("recommend", "read")[0]) as client:
        [plan] = client.plan(PlanAsk())
        assert isinstance(plan, PlanSeen)
        first, second = (row.going and row.going.worker for row in plan.units)
        swapped = client.swap(plan.plan_id, Swap(*(row.decision_id for row in plan.units)))
        assert [row.going and row.going.worker for row in swapped.units] == [second, first]
        assert client.share_out(plan.plan_id) == swapped == client.plan_of(plan.plan_id)
        with pytest.raises(Invalid, match="does not plan"):
            client.plan(PlanAsk(strategy="learned"))
