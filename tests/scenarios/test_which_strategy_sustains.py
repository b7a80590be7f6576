"""Which strategy sustains groups, and how sure?

Groups in catchments are drawn by lot into three arms: the adviser alone, fixed reminders, learned. They live
through a year and the time after its end; some fall silent. No catchment is split, what one arm learns no
other uses, the protocol is the one that was frozen, silence is shown by arm with its bounds, the lower
quarter stands beside the mean. So few groups answer *not enough data*, and about how many it would take.
Everybody here is synthetic.
"""

import json
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import select

from engagement import cli
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template
from support.service import Client, client_of, members, new_program, on_day, roster, running_service

GROUPS = [f"g{n}" for n in range(1, 13)]
CATCHMENT = {name: f"place{n // 2}" for n, name in enumerate(GROUPS)}
SEATS = 4
MONTHS_BEFORE, MONTHS_AFTER = 3, 18
MONTH = 28
LIVES = {"alone": (2, 5, 30, 30), "reminders": (30, 3, 30, 30), "learned": (30, 30, 9, 30)}
"""How many months after the end the groups of an arm go on meeting, in order; who is in it is drawn."""
STRATEGY = {"alone": None, "reminders": "reminders", "learned": "learned_here"}
SILENT = {"alone": 3, "learned": 0}
"""Of which group of an arm nothing is heard after the end."""
TRIAL = {
    "id": "which",
    "title": "Which strategy sustains groups?",
    "unit": "catchment",
    "conditions": [
        {"id": "alone", "title": "The adviser alone"},
        {"id": "reminders", "title": "A reminder each month", "strategies": ["reminders"]},
        {"id": "learned", "title": "Learned", "strategies": ["learned_here"]},
    ],
    "starts_on": "2026-03-01",
    "strata": [],
    "blocks": [1],
    "protocol": {"primary": "months_alive", "horizon_months": 12, "smallest_difference": 2.0},
}


def program() -> Template:
    """The shipped template, with strategies of the trial's own."""
    plan = template(DEFAULT_TEMPLATE)
    learned = next(row for row in plan.strategies if row.id == "learned")
    fixed = Strategy(
        id="reminders",
        title="The same reminder each month",
        actions=("goal_reminder",),
        allocation=FixedSchedule(order=(1,)),
        floor=0.0,
    )
    own = msgspec.structs.replace(learned, id="learned_here")
    return msgspec.structs.replace(plan, strategies=(*plan.strategies, own, fixed))


def enter(client: Client) -> None:
    """Catchments, the site's end, the rhythm, and the trial."""
    site = client.get("/v1/sites").json()["items"][0]["value"]
    end = on_day(MONTHS_BEFORE * MONTH)[:10]
    client.put(f"/v1/sites/{site['id']}", site | {"ends_on": end}).raise_for_status()
    for name, place in CATCHMENT.items():
        group = client.get(f"/v1/groups/{name}").json()["value"]
        rhythm = {"every": "weeks", "first_on": on_day(0)[:10], "weeks": 4}
        client.put(f"/v1/groups/{name}", group | {"rhythm": rhythm}).raise_for_status()
        link = {"relation": "catchment", "starts_on": "2025-01-01", "to": place}
        client.post(f"/v1/groups/{name}/links", link).raise_for_status()
    client.put("/v1/trials/which", TRIAL).raise_for_status()


def assigned(client: Client) -> dict[str, str]:
    told = client.post("/v1/trials/which/assignments", {}).json()
    assert [row["group"] for row in told["assigned"]] == sorted(GROUPS)
    return {row["group"]: row["arm"] for row in told["assigned"]}


class Fate(NamedTuple):
    """How many months after the end a group meets, and whether anybody hears of it."""

    months: int
    heard: bool


def fates(arms: dict[str, str]) -> dict[str, Fate]:
    own = {arm: [group for group in GROUPS if arms[group] == arm] for arm in LIVES}
    return {
        group: Fate(LIVES[arm][place], SILENT.get(arm) != place)
        for arm, groups in own.items()
        for place, group in enumerate(groups)
    }


def a_month(client: Client, month: int, told_of: dict[str, Fate], draws: Random) -> None:
    """What the registers say of a month, and what everybody was recommended."""
    client.move_clock(on_day(month * MONTH + 0.1))
    reports = []
    for group, fate in told_of.items():
        after = month - MONTHS_BEFORE
        if after > 0 and not fate.heard:
            continue
        kept = {"source": "register", "occurred_at": on_day(month * MONTH)}
        if after > fate.months:
            report = {"kind": "meeting_held", "group": group, "value": 0}
            reports.append(kept | {"id": f"{group}/{month}"} | report)
            continue
        reports += [
            kept
            | {"id": f"{name}/{month}", "kind": "attendance", "member": name}
            | {"value": int(seat < 3 or draws.random() < 0.6)}
            for seat, name in enumerate(members_of(group))
        ]
    told = client.insist("/v1/signals", {"signals": reports})["results"]
    assert {row["receipt"]["status"] for row in told} == {"stored"}
    client.insist("/v1/recommendations/all", {})


def members_of(group: str) -> list[str]:
    return [name for name in members(len(GROUPS), SEATS) if name.split("-")[0] == group]


def live(client: Client, arms: dict[str, str]) -> None:
    draws, told_of = Random(20260301), fates(arms)
    for month in range(MONTHS_BEFORE + MONTHS_AFTER):
        a_month(client, month, told_of, draws)
    client.insist("/v1/folds")


def found(url: str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    day = on_day((MONTHS_BEFORE + MONTHS_AFTER) * MONTH)[:10]
    assert cli.main(["trial", "which", "--database", url, "--found", "--json", "--on", day]) == 0
    return json.loads(capsys.readouterr().out)


def test_which_strategy_sustains(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = new_program(database_url, roster(len(GROUPS), SEATS), program())
    with (
        running_service(database_url, tmp_path, on_day(0)) as service,
        client_of(service, made.key) as client,
    ):
        enter(client)
        arms = assigned(client)
        of_place = {(CATCHMENT[group], arm) for group, arm in arms.items()}
        assert len(of_place) == len(set(CATCHMENT.values()))
        assert sorted(arms.values()) == sorted([*LIVES] * 4)
        for group in GROUPS:
            told = client.insist("/v1/recommendations", {"member": members_of(group)[0]})
            assert told["strategy"] == STRATEGY[arms[group]]
        frozen = client.get("/v1/trials/which/assignments").json()["protocol"]
        live(client, arms)

    analysis = found(database_url, capsys)
    assert analysis["protocol"] == frozen
    assert analysis["protocols"] == {frozen: len(GROUPS)}
    by_arm = {row["arm"]: row for row in analysis["arms"]}
    assert {name: row["silent"] for name, row in by_arm.items()} == {"alone": 1, "reminders": 0, "learned": 1}
    assert {name: row["dissolved"] for name, row in by_arm.items()} == {
        "alone": 2,
        "reminders": 1,
        "learned": 1,
    }
    for row in by_arm.values():
        assert row["alive_worst"] <= row["alive_best"]
        assert row["lower_quarter"] <= row["attendance"]["value"]
    assert [row["verdict"] for row in analysis["comparisons"]] == ["not_enough_data"] * 2
    assert all(row["clusters_needed"] > 2 for row in analysis["comparisons"])
    assert "catchments in each arm would do" in analysis["sentences"][0]
    assert shared_rows(database_url, arms) == set()


def shared_rows(url: str, arms: dict[str, str]) -> set[tuple[str, str]]:
    """(strategy, group) of everything learned that was not the group's own."""
    d, f = t.decisions, t.fold_entries
    query = select(d.c.strategy_id, d.c.group_id).join(f, f.c.decision_id == d.c.decision_id)
    db = Database(url)
    try:
        with db.read() as conn:
            rows = {(strategy, group) for strategy, group in conn.execute(query)}
    finally:
        db.close()
    assert rows
    return {(strategy, group) for strategy, group in rows if strategy != STRATEGY[arms[group]]}
