"""Work lists, many answers at once, and recommendations for everybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.running import Caller, Program

EVERYBODY = "/v1/recommendations/all"
NAMES = ["ana", "ben", "cat", "dev", "eva"]


@pytest.fixture
def staff(program: Program) -> Caller:
    return program.caller("recommend", "read", "admin")


def told(staff: Caller, body: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Everybody's recommendations; a problem fails the test."""
    return [row["recommendation"] for row in staff.post(EVERYBODY, body or {}).json()["answers"]]


def work(staff: Caller, **wanted: Any) -> dict[str, Any]:
    answer = staff.get("/v1/decisions", params=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def proposed(staff: Caller) -> list[dict[str, Any]]:
    """Everybody's recommendations that are something to do."""
    return [row for row in told(staff) if row["action"]["id"] != "none"]


# --- everybody ------------------------------------------------------------------------------------


def test_everybody_of_a_program_is_answered_in_order_of_id(staff: Caller) -> None:
    assert [row["member"] for row in told(staff)] == NAMES


def test_everybody_of_a_group_is_who_sits_in_it(staff: Caller) -> None:
    assert [row["member"] for row in told(staff, {"group": "south"})] == ["dev", "eva"]


def test_each_gets_the_decision_they_would_have_got_alone(staff: Caller) -> None:
    together = told(staff)
    alone = [staff.post("/v1/recommendations", {"member": name}).json() for name in NAMES]
    assert together == alone


def test_advisers_are_those_who_lead_a_group_today(staff: Caller) -> None:
    wanted = {"strategy": "adviser_learned"}
    assert [row["member"] for row in told(staff, wanted)] == ["ana", "dev"]


def test_groups_are_asked_for_by_level(staff: Caller) -> None:
    found = told(staff, {"level": "group", "strategy": "group_learned"})
    assert [(row["member"], row["group"]) for row in found] == [(None, "north"), (None, "south")]


def test_a_program_is_gone_through_page_by_page(staff: Caller) -> None:
    first = staff.post(EVERYBODY, {"limit": 2}).json()
    second = staff.post(EVERYBODY, {"limit": 2, "after": first["next"]}).json()
    last = staff.post(EVERYBODY, {"limit": 2, "after": second["next"]}).json()
    names = [row["recommendation"]["member"] for page in (first, second, last) for row in page["answers"]]
    assert (names, last["next"]) == (NAMES, None)


def test_who_sits_nowhere_is_not_meant(staff: Caller) -> None:
    staff.post("/v1/members/ben/memberships", {"member": "ben", "starts_on": "2026-01-02", "reason": "left"})
    assert [row["member"] for row in told(staff)] == ["ana", "cat", "dev", "eva"]


def test_a_group_that_has_ended_is_not_meant(staff: Caller) -> None:
    staff.put("/v1/groups/south", {"id": "south", "site": "site-1", "ended": True})
    assert [row["member"] for row in told(staff)] == ["ana", "ben", "cat"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"group": "nowhere"}, 404),
        ({"strategy": "none-such"}, 404),
        ({"limit": 0}, 400),
        ({"limit": 1001}, 400),
    ],
)
def test_what_is_wrong_with_asking_for_everybody_is_said(
    staff: Caller, body: dict[str, Any], status: int
) -> None:
    assert staff.post(EVERYBODY, body).status_code == status


def test_nobody_is_nobody(staff: Caller) -> None:
    assert staff.post(EVERYBODY, {"after": "zzz"}).json() == {"answers": [], "next": None}


# --- work lists -----------------------------------------------------------------------------------


def test_what_was_proposed_waits_to_be_done_with_the_seat_it_is_for(staff: Caller) -> None:
    wanted = {(row["decision_id"], row["member"], row["action"]["id"]) for row in proposed(staff)}
    items = work(staff)["items"]
    assert {(row["decision_id"], row["member"], row["action"]["id"]) for row in items} == wanted
    seats = {"ana": 1, "ben": 2, "cat": 3, "dev": 1, "eva": 2}
    assert all(row["seat"] == seats[row["member"]] for row in items)
    assert {row["status"] for row in items} <= {"proposed"}


def test_a_carrier_sees_their_own_list(staff: Caller) -> None:
    told(staff)
    everything = work(staff)["items"]
    lists = {
        carrier: work(staff, carrier=carrier)["items"]
        for carrier in ("app", "adviser", "health_worker", "staff", "group_fund")
    }
    for carrier, items in lists.items():
        assert items == [row for row in everything if row["action"]["carrier"] == carrier]


def test_a_group_sees_its_own_list(staff: Caller) -> None:
    told(staff)
    everything = work(staff)["items"]
    assert work(staff, group="south")["items"] == [row for row in everything if row["group"] == "south"]


def test_what_is_answered_for_good_leaves_the_list_and_what_is_accepted_stays(staff: Caller) -> None:
    waiting = [row["decision_id"] for row in proposed(staff)]
    ends = dict(zip(waiting, ["accepted", "declined", "done", "not_done", "replaced"], strict=False))
    answers = [{"decision_id": key, "status": status} for key, status in ends.items()]
    if answers:
        staff.post("/v1/answers", {"answers": answers})
    still = {key for key in waiting if ends.get(key) == "accepted"}
    assert {row["decision_id"] for row in work(staff)["items"]} == still
    assert {row["decision_id"] for row in work(staff, status="accepted")["items"]} == still
    assert work(staff, status="proposed")["items"] == []


def test_due_before_a_moment_is_what_expires_before_it(staff: Caller) -> None:
    told(staff)
    items = work(staff)["items"]
    soon = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    late = (datetime.now(UTC) + timedelta(days=40)).isoformat()
    assert work(staff, due_before=soon)["items"] == []
    assert work(staff, due_before=late)["items"] == items


def test_a_work_list_is_gone_through_page_by_page(staff: Caller) -> None:
    told(staff)
    everything = work(staff)["items"]
    seen, after = [], ""
    while after is not None:
        page = work(staff, limit=1, **({"after": after} if after else {}))
        seen += page["items"]
        after = page["next"]
    assert seen == everything


def test_a_neighbour_sees_no_barrier_in_a_work_list(program: Program, staff: Caller) -> None:
    told(staff)
    items = work(program.caller("read", audience="adviser"))["items"]
    assert [row["action"]["barrier"] for row in items] == [None] * len(items)


@pytest.mark.parametrize(
    "wanted", [{"status": "gone"}, {"carrier": "postman"}, {"due_before": "tomorrow"}, {"after": "ben"}]
)
def test_a_wish_that_makes_no_sense_is_refused(staff: Caller, wanted: dict[str, str]) -> None:
    assert staff.get("/v1/decisions", params=wanted).status_code == 400


@pytest.mark.parametrize("why", ["safety", "consent"])
def test_what_may_not_be_done_any_more_leaves_the_list_at_once(
    program: Program, staff: Caller, why: str
) -> None:
    name = "ben"
    staff.put(f"/v1/members/{name}", {"id": name, "consent": {"chance": False}})  # so it is the reminder
    told(staff)
    assert name in {row["member"] for row in work(staff)["items"]}
    if why == "safety":
        now = datetime.now(UTC).isoformat()
        report = {"source": "app", "id": "1", "kind": "not_safe_at_home", "member": name, "occurred_at": now}
        program.caller("signals").post("/v1/signals", {"signals": [report]})
    else:
        staff.put(f"/v1/members/{name}", {"id": name, "consent": {"messages": False}})
    assert name not in {row["member"] for row in work(staff)["items"]}


# --- many answers ---------------------------------------------------------------------------------


def test_one_bad_answer_of_many_harms_no_other(staff: Caller) -> None:
    made = told(staff)[0]["decision_id"]
    nobody = "00000000-0000-7000-8000-000000000000"
    said = [{"decision_id": nobody, "status": "done"}, {"decision_id": made, "status": "done"}]
    items = staff.post("/v1/answers", {"answers": said}).json()["items"]
    assert [list(row) for row in items] == [["problem"], ["standing"]]
    assert (items[0]["problem"]["status"], items[1]["standing"]["status"]) == (404, "done")


def test_the_same_answers_again_change_nothing(staff: Caller) -> None:
    answers = [{"decision_id": row["decision_id"], "status": "done"} for row in told(staff)]
    for changed in (True, False):
        items = staff.post("/v1/answers", {"answers": answers}).json()["items"]
        assert {row["standing"]["changed"] for row in items} == {changed}
