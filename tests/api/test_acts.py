"""Whose key changed something: kept of every change of the set-up and of rights, and of nothing else."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from engagement.store import tables as t
from engagement.store.erasure_list import ErasureList
from support.commcare import MAPPING
from support.running import Caller, Program, Running
from support.signed_in import tab_of, words

CSV = {"Content-Type": "text/csv"}
TOML = {"Content-Type": "application/toml"}
ROSTER = "group,member,seat,role,joined_on,health_worker\nnorth,fay,7,member,2026-01-01,no\n"
REGISTER = "group,date,seat,came,goal_set,goal\nnorth,2026-02-14,2,yes,,\n"
LINK = {"relation": "catchment", "starts_on": "2026-01-01", "to": "hill"}
SWITCH = {"by": "lead", "why": "A complaint."}
TRIAL = {
    "id": "which",
    "title": "Which?",
    "conditions": [
        {"id": "alone", "title": "Alone"},
        {"id": "learned", "title": "Learned", "strategies": ["counted"]},
    ],
    "starts_on": "2026-01-01",
    "blocks": [2],
    "strata": [],
    "protocol": {"horizon_months": 6, "smallest_difference": 0.5},
}


class Change(NamedTuple):
    """A request that changes something. first : such as are needed before it      field : what of a thing"""

    method: str
    path: str
    json: Any = None
    content: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    first: tuple["Change", ...] = ()
    field: Mapping[str, Any] = MappingProxyType({})


WORKERS = tuple(
    Change("PUT", f"/v1/health_workers/{name}", {"id": name, "hours_a_week": 0.75})
    for name in ("asha", "bina")
)
LINKED = tuple(
    Change("POST", f"/v1/{unit}/links", LINK)
    for unit in ("health_workers/asha", "health_workers/bina", "groups/north", "groups/south")
)
STOPPED = Change("POST", "/v1/program/stop", SWITCH)
IN_TRIAL = Change("PUT", "/v1/trials/which", TRIAL)

CHANGES: dict[str, Change] = {
    "change_program": Change("PUT", "/v1/program", field={"title": "Another"}),
    "change_site": Change("PUT", "/v1/sites/new", {"id": "new", "title": "New"}),
    "change_group": Change("PUT", "/v1/groups/new", {"id": "new", "site": "site-1"}),
    "change_member": Change("PUT", "/v1/members/new", {"id": "new"}),
    "change_health_worker": WORKERS[0],
    "change_action": Change("PUT", "/v1/actions/win_story", field={"title": "Another"}),
    "change_strategy": Change("PUT", "/v1/strategies/learned", field={"title": "Another"}),
    "change_trial": IN_TRIAL,
    "change_budget": Change("PUT", "/v1/budgets/state", {"id": "state", "limit_minor": 7}),
    "stop_program": STOPPED,
    "resume_program": Change("POST", "/v1/program/resume", SWITCH, first=(STOPPED,)),
    "seat_member": Change(
        "POST",
        "/v1/members/ben/memberships",
        {"member": "ben", "group": "south", "seat": 9, "starts_on": "2026-02-01"},
    ),
    "link_group": LINKED[2],
    "link_member": Change(
        "POST",
        "/v1/members/ben/links",
        {"relation": "health_worker", "starts_on": "2026-01-01", "to": "asha"},
        first=WORKERS,
    ),
    "link_health_worker": LINKED[0]._replace(first=WORKERS),
    "merge_group": Change("POST", "/v1/groups/north/merge", {"into": "south", "on": "2026-02-01"}),
    "split_group": Change(
        "POST",
        "/v1/groups/north/split",
        {"into": "south", "on": "2026-02-01", "members": [{"member": "ben"}]},
    ),
    "merge_member": Change("POST", "/v1/members/ben/merge", {"into": "cat"}),
    "erase_member": Change("POST", "/v1/members/ben/erasure"),
    "import_roster_sheet": Change("POST", "/v1/imports/roster", content=ROSTER, headers=CSV),
    "import_register_sheet": Change("POST", "/v1/register", content=REGISTER, headers=CSV),
    "put_commcare_mapping": Change("PUT", "/adapters/commcare/mapping", content=MAPPING, headers=TOML),
    "assign_groups": Change("POST", "/v1/trials/which/assignments", {}, first=(IN_TRIAL,)),
    "plan_visits": Change("POST", "/v1/plans", {}, first=(*WORKERS, *LINKED)),
}
OTHERWISE = {
    "swap_visits": "needs the ids of a plan, see below",
    "share_visits": "needs the id of a plan, see below",
    "promote_strategy": "needs a shadow that has lived through its time, see tests/workflows/test_acted.py",
}
NO_ACT = {
    "recommend_one", "recommend_many", "recommend_all", "report_signals", "answer_many", "answer_decision",
    "post_outcome", "group_month", "cht_records", "commcare_forms", "commcare_cases",
    "rapidpro_recommendation", "rapidpro_answer", "rapidpro_brief", "rapidpro_month", "rapidpro_signal",
    "ask_evaluation", "ask_report", "fold_now", "move_clock", "make_link", "revoke_link",
}  # fmt: skip
"""What apps do all day, questions, and what ends by itself."""
REFERRING = [table for table in t.metadata.sorted_tables if "act_id" in table.c and table is not t.acts]
each_change = pytest.mark.parametrize("name", CHANGES)


def send(caller: Caller, change: Change, **more: Any) -> int:
    """The status of the answer; a thing that is to be changed is read first."""
    body = change.json
    if change.field:
        body = caller.get(change.path).raise_for_status().json()["value"] | dict(change.field)
    headers = dict(change.headers) | more.pop("headers", {})
    if change.content is not None:
        more["content"] = change.content
    elif body is not None:
        more["json"] = body
    return caller.call(change.method, change.path, headers=headers, **more).status_code


def prepared(program: Program, name: str) -> tuple[Caller, str]:
    """Somebody with a key that has done nothing yet, and its id; another has prepared the change."""
    staff = program.caller("admin")
    for change in CHANGES[name].first:
        assert send(staff, change) == 200
    text, key = program.key("admin")
    return Caller(program.running.client, text), key.key_id


def acts(program: Program) -> dict[str, tuple[Any, ...]]:
    """Every act of a program: way, key, operation and what no row tells."""
    a = t.acts.c
    query = select(a.act_id, a.way, a.key_id, a.operation, a.did).where(a.program_id == program.id)
    with program.running.service.db.read(program.id) as conn:
        return {act_id: tuple(told) for act_id, *told in conn.execute(query)}


def named(program: Program) -> dict[str, list[str | None]]:
    """Of each table that names acts, those of the program's rows."""
    out = {}
    with program.running.service.db.read(program.id) as conn:
        for table in REFERRING:
            query = select(table.c.act_id).where(table.c.program_id == program.id)
            out[table.name] = list(conn.execute(query.order_by(*table.primary_key)).scalars())
    return out


@pytest.fixture(autouse=True)
def listed(served: Running, tmp_path: Path) -> Iterator[None]:
    """A list of who was erased, on either database."""
    before = served.service.erasures
    served.service.erasures = ErasureList(tmp_path / "erasures")
    yield
    served.service.erasures = before


def test_every_operation_that_changes_anything_is_in_a_list_above(served: Running) -> None:
    paths = served.client.get("/schema/openapi.json").json()["paths"]
    told = {row["operationId"] for methods in paths.values() for how, row in methods.items() if how != "get"}
    assert told - {"move_clock"} == (CHANGES.keys() | OTHERWISE.keys() | NO_ACT) - {"move_clock"}


@each_change
def test_a_change_is_an_act_of_the_key_that_asked_for_it(program: Program, name: str) -> None:
    caller, key_id = prepared(program, name)
    before, rows = acts(program), named(program)
    assert send(caller, CHANGES[name]) == 200
    fresh = {act_id: told for act_id, told in acts(program).items() if act_id not in before}
    did = "erased" if name == "erase_member" else None
    assert list(fresh.values()) == [("key", key_id, name, did)]
    new = [act_id for table, some in named(program).items() for act_id in some if act_id not in rows[table]]
    assert {*new} == (set() if did else {*fresh})


@each_change
def test_what_is_so_already_and_what_is_only_tried_is_none(program: Program, name: str) -> None:
    caller, _ = prepared(program, name)
    before = acts(program)
    send(caller, CHANGES[name], params={"dry_run": "true"})
    assert acts(program) == before
    send(caller, CHANGES[name])
    once = acts(program)
    send(caller, CHANGES[name])
    assert acts(program) == once


@each_change
def test_under_a_name_it_is_one_act_however_often_it_is_sent(program: Program, name: str) -> None:
    caller, _ = prepared(program, name)
    before = len(acts(program))
    for _ in range(2):
        send(caller, CHANGES[name], headers={"Idempotency-Key": "once"})
    assert len(acts(program)) == before + 1


def test_what_is_refused_is_none(program: Program) -> None:
    caller = program.caller("admin")
    before = acts(program)
    for change, status in (
        (Change("PUT", "/v1/groups/new", {"id": "new", "site": "nowhere"}), 400),
        (Change("PUT", "/v1/sites/site-1", {"id": "site-1", "title": "X"}, headers={"If-Match": '"9"'}), 412),
        (Change("POST", "/v1/members/nobody/erasure"), 404),
        (Change("POST", "/v1/members/ben/merge", {"into": "ben"}), 400),
        (Change("POST", "/v1/imports/roster", content="nothing\n", headers=CSV), 400),
    ):
        assert send(caller, change) == status
    assert send(program.caller("read"), STOPPED) == 403
    assert acts(program) == before


def test_what_apps_do_all_day_is_none(program: Program) -> None:
    caller = program.caller("admin")
    before, rows = acts(program), named(program)
    held = {"source": "app", "id": "1", "kind": "meeting_held", "group": "north", "value": 1}
    made = caller.post("/v1/recommendations", {"member": "ben"}).raise_for_status().json()
    caller.post(f"/v1/decisions/{made['decision_id']}/answers", {"status": "accepted"})
    caller.post(
        "/v1/signals", {"signals": [held | {"occurred_at": "2026-02-14T10:00:00Z"}]}
    ).raise_for_status()
    assert acts(program) == before
    assert named(program)["signals"] == [*rows["signals"], None]


def test_a_plan_that_is_changed_is_an_act_each_time(program: Program) -> None:
    caller, key_id = prepared(program, "plan_visits")
    [item] = caller.post("/v1/plans", {}).raise_for_status().json()["items"]
    first, second = (row["decision_id"] for row in item["plan"]["units"])
    path = f"/v1/plans/{item['plan']['plan_id']}"
    before = acts(program)
    caller.post(f"{path}/swap", {"first": first, "second": second}).raise_for_status()
    caller.put("/v1/health_workers/asha", {"id": "asha", "hours_a_week": 0}).raise_for_status()
    for _ in range(2):
        caller.post(f"{path}/share").raise_for_status()
    fresh = [told for act_id, told in acts(program).items() if act_id not in before]
    asked = ("swap_visits", "change_health_worker", "share_visits")
    assert sorted(fresh) == sorted(("key", key_id, name, None) for name in asked)


def test_changes_that_share_a_commit_are_acts_of_their_own_keys(program: Program) -> None:
    """Ten callers at once: whoever gets into one transaction is told apart all the same."""
    keys = [program.key("admin") for _ in range(10)]

    def change(number: int) -> None:
        caller = Caller(program.running.client, keys[number][0])
        caller.put(f"/v1/members/new{number}", {"id": f"new{number}"}).raise_for_status()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(change, range(10)))
    r = t.revisions.c
    with program.running.service.db.read(program.id) as conn:
        query = select(r.id, t.acts.c.key_id).join(
            t.acts, (t.acts.c.program_id == r.program_id) & (t.acts.c.act_id == r.act_id)
        )
        rows = conn.execute(query.where(r.program_id == program.id)).all()
    assert {row.id: row.key_id for row in rows} == {
        f"new{number}": key.key_id for number, (_, key) in enumerate(keys)
    }


def test_a_sheet_that_is_downloaded_is_an_act(program: Program) -> None:
    text, key = program.key("read")
    caller = Caller(program.running.client, text)
    caller.get("/v1/exports/roster.csv").raise_for_status()
    assert caller.get("/v1/exports/roster.csv", params={"group": "nowhere"}).status_code == 404
    assert [*acts(program).values()] == [("key", key.key_id, "export_roster_csv", "exported")]


def test_at_the_console_it_is_an_act_of_the_session_s_key(program: Program) -> None:
    with tab_of(program, "admin") as tab:
        given = {"by": "program-lead", "why": "data", "note": "dates are off", "stop": "1"}
        tab.send("/program/switch", step="look", **given)
        assert acts(program) == {}
        for _ in range(2):
            tab.send("/program/switch", step="throw", **given)
        looked = tab.upload("/program/roster", ROSTER)
        for _ in range(2):
            tab.agree("/program/roster", looked)
        [stopped, seated] = acts(program).values()
        assert (stopped[0], stopped[2:]) == ("console", ("switch", None))
        assert (seated[0], seated[2:]) == ("console", ("roster", None))
        assert stopped[1] == seated[1] is not None
        page = words(tab.get("/trail"))
    key = f"Console, key {stopped[1]}"
    assert f"Reason: data: dates are off {key} switch as program-lead" in page
    assert f"Members: 1, seated {key} roster" in page


def test_nothing_of_a_person_who_is_erased_is_left_in_the_acts(program: Program) -> None:
    caller = program.caller("admin")
    caller.put("/v1/members/canary4711", {"id": "canary4711"}).raise_for_status()
    made = {act_id for act_id in named(program)["revisions"] if act_id}
    caller.post("/v1/members/canary4711/erasure").raise_for_status()
    with program.running.service.db.read(program.id) as conn:
        rows = conn.execute(select(t.acts).where(t.acts.c.program_id == program.id)).all()
    assert made < {row.act_id for row in rows}
    assert "canary4711" not in repr(rows)
    assert "member" not in {name for row in rows for name in row._fields}
