"""Whoever stopped coming is visited at home.

Two health workers share the week's visits among the members of six groups in two catchments, beside the
visits to the groups themselves. Two replicas plan at once: everybody who sits in a group of the catchment
gets a decision, who does not agree to a health worker has no chance, the chances add up to the visits, and
nobody is asked for more than her hours. A visit that falls out goes to the next member in line, and
afterwards every decision replays. Everybody here is synthetic.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from engagement.strategy.planning import Planning
from engagement.strategy.strategy import Outcome, Strategy
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template
from support.ledger import agrees_with_itself
from support.service import Client, client_of, members, new_program, on_day, roster, running_service

GROUPS = [f"g{n}" for n in range(1, 7)]
CATCHMENT = {name: ("dale", "hill")[n % 2] for n, name in enumerate(GROUPS)}
WORKERS = {"asha": "dale", "bina": "hill"}
HOURS = 2.5
"""150 minutes: three visits of 45."""
SHY = ("g1-m2", "g2-m2")
"""Two members who agree to no health worker; they stopped coming, too."""
HOME_VISITS = Strategy(
    id="home_visits",
    title="Plans the health workers' visits to members",
    actions=("chw_visit",),
    cadence="week",
    outcome=Outcome(window_days=35),
    plan=Planning(),
)


def program() -> Template:
    """The shipped template with a strategy that plans the visits to members."""
    plan = template(DEFAULT_TEMPLATE)
    return msgspec.structs.replace(plan, strategies=(*plan.strategies, HOME_VISITS))


def came(member: str, meeting: int) -> int:
    """The second and third seat missed the last two meetings, the fourth the last one, all others came."""
    seat = int(member[-1])
    return int(not (seat in (2, 3) and meeting > 0) and not (seat == 4 and meeting > 1))


def enter(client: Client) -> None:
    """Catchments, health workers, consent, and who came to the last three meetings."""
    for name in WORKERS:
        body = {"id": name, "hours_a_week": HOURS}
        client.put(f"/v1/health_workers/{name}", body).raise_for_status()
    for plural, homes in (("groups", CATCHMENT), ("health_workers", WORKERS)):
        for name, place in homes.items():
            link = {"relation": "catchment", "starts_on": "2025-01-01", "to": place}
            client.post(f"/v1/{plural}/{name}/links", link).raise_for_status()
    for name in SHY:
        member = client.get(f"/v1/members/{name}").json()["value"]
        consent = member["consent"] | {"health_worker": False}
        client.put(f"/v1/members/{name}", member | {"consent": consent}).raise_for_status()
    reports = [
        {
            "source": "register",
            "id": f"{name}/{meeting}",
            "kind": "attendance",
            "member": name,
            "value": came(name, meeting),
            "occurred_at": on_day(day),
        }
        for meeting, day in enumerate((-60.0, -30.0, -1.0))
        for name in members(len(GROUPS))
    ]
    told = client.insist("/v1/signals", {"signals": reports})["results"]
    assert [row["receipt"]["status"] for row in told] == ["stored"] * len(reports)


def plan(client: Client, strategy: str = "home_visits") -> list[dict[str, Any]]:
    """The plans of the week, one of each catchment."""
    items = client.insist("/v1/plans", {"strategy": strategy})["items"]
    return [item["plan"] for item in items]


def going(plans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(health worker, pool) of every visit that holds."""
    return [
        (row["going"]["worker"], one["pool"])
        for one in plans
        for row in one["units"]
        if row["going"] and row["going"]["worker"] and row["going"]["status"] != "not_done"
    ]


def test_visits_to_members(database_url: str, tmp_path: Path) -> None:
    made = new_program(database_url, roster(len(GROUPS)), program())
    with (
        running_service(database_url, tmp_path, on_day(0)) as one,
        running_service(database_url, tmp_path, on_day(0), name="other") as other,
        client_of(one, made.key) as client,
        client_of(other, made.key) as second,
    ):
        enter(client)
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(plan, [client, second, client, second]))
        assert all(plans == told[0] for plans in told)
        dale, hill = told[0]

        assert {row["member"] for row in hill["units"]} == {
            name for name in members(len(GROUPS)) if CATCHMENT[name.split("-")[0]] == "hill"
        }
        for one_plan in (dale, hill):
            assert one_plan["visits"] == 3
            assert abs(sum(row["chance"] for row in one_plan["units"]) - 3) <= 1e-9
            chance = {row["member"]: row["chance"] for row in one_plan["units"]}
            assert {name for name in SHY if chance.get(name) == 0} == set(SHY) & set(chance)
            stopped = [chance[name] for name in chance if name[-1] == "3"]
            coming = [chance[name] for name in chance if name[-1] == "5"]
            assert min(stopped) > max(coming)
        assert all(WORKERS[worker] == pool for worker, pool in going([dale, hill]))

        late = client.insist("/v1/plans", {"strategy": "chw_weeks"})["items"]  # her week is given away
        assert ["time for 0" in item["problem"]["detail"] for item in late] == [True, True]
        first = dale["units"][0]
        client.insist(
            f"/v1/decisions/{first['decision_id']}/answers", {"status": "not_done", "reason": "not_home"}
        )
        after = client.get(f"/v1/plans/{dale['plan_id']}").json()
        filled = after["units"][3]
        assert (filled["drawn"], filled["going"]["instead_of"]) == (False, first["member"])
        assert [load["planned_minutes"] for load in after["workers"]] == [135]
        assert len(going([after, hill])) == 6

        hers = client.get("/v1/plans?health_worker=bina").json()["items"]
        assert [row["plan_id"] for row in hers] == [hill["plan_id"]]
        refused = client.post("/v1/recommendations", {"member": "g1-m3", "strategy": "wide"}).json()
        assert {"action": "chw_visit", "reason": "planned"}.items() <= _of(refused, "chw_visit").items()
    assert agrees_with_itself(database_url)


def _of(told: dict[str, Any], action: str) -> dict[str, Any]:
    """Why an action was not available."""
    found: dict[str, Any] = next(row for row in told["unavailable"] if row["action"] == action)
    return found
