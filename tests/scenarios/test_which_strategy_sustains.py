"""Which strategy sustains groups, and how sure?

Groups in catchments are drawn by lot into three arms: the adviser alone, fixed reminders, learned with a
health worker. Every catchment has one who could go; her visits are planned, made and paid for in the third
arm alone. The groups live through a year and the time after its end; some fall silent. No catchment is split,
what one arm learns no other uses, the protocol is the one that was frozen, silence is shown by arm with its
bounds, the lower quarter stands beside the mean. Twenty groups answer *not enough data*, and about how many
it would take; 300 groups in 100 catchments tell the arms apart, and the interval holds what was lived. How
often intervals do over hundreds of trials is in `tests/workflows/test_trial_coverage.py`. What a visit does
for a group is not simulated: how long it lives is its arm's alone. Everybody here is synthetic.
"""

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import select

from engagement import cli
from engagement.actions.chw_linkage import ChwLinkage
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.strategy.planning import Planning
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template
from support.service import Client, client_of, members, new_program, on_day, roster, running_service

MONTHS_AFTER = 18
MONTH, A_MONTH = 28, 30.4
"""Days between meetings, and of a month of the analysis."""
LIVES = {"alone": (2, 5, 30, 30), "reminders": (30, 3, 30, 30), "learned": (30, 30, 9, 30)}
"""How many months after the end the groups of an arm go on meeting, in turn; who is in it is drawn."""
STRATEGY = {"alone": None, "reminders": "reminders", "learned": "learned_here"}
"""What decides for the members of an arm."""
HOURS, VISIT_MINUTES, VISIT_MINOR = 1.0, 45, 8000
"""What a health worker has in a week is one visit; what it takes and costs is the template's."""
MONTHS_BETWEEN_VISITS = 3
"""One week in so many months is planned, not every week: it is the plans that would take most of the time."""
SEVEN = 7
SILENT = {"alone": 3, "reminders": 5, "learned": 0}
"""Of which one of seven groups of an arm nothing is heard after the end."""
HORIZON = 12
TRIAL = {
    "id": "which",
    "title": "Which strategy sustains groups?",
    "unit": "catchment",
    "conditions": [
        {"id": "alone", "title": "The adviser alone"},
        {"id": "reminders", "title": "A reminder each month", "strategies": ["reminders"]},
        {
            "id": "learned",
            "title": "Learned, with a health worker",
            "strategies": ["learned_here", "chw_weeks"],
        },
    ],
    "starts_on": "2026-03-01",
    "strata": [],
    "blocks": [1],
    "protocol": {"primary": "months_alive", "horizon_months": HORIZON, "smallest_difference": 2.0},
}


class Size(NamedTuple):
    """How many groups of how many, in catchments of how many, and months before the end."""

    groups: int
    seats: int
    per_place: int
    before: int

    @property
    def names(self) -> list[str]:
        """The groups."""
        return [f"g{n}" for n in range(1, self.groups + 1)]

    @property
    def catchment(self) -> dict[str, str]:
        """The catchment of each group."""
        return {name: f"place{n // self.per_place}" for n, name in enumerate(self.names)}

    @property
    def people(self) -> dict[str, list[str]]:
        """The members of each group."""
        everybody, seats = members(self.groups, self.seats), self.seats
        return {name: everybody[n * seats : (n + 1) * seats] for n, name in enumerate(self.names)}


FEW, MANY = Size(20, 4, 2, 3), Size(300, 3, 3, 12)
"""Of 300 groups of three the service takes everybody at once; all three come while a group meets."""


def program() -> Template:
    """The shipped template, with strategies of the trial's own.

    The health workers promise no minimum service: it could not be kept in the few weeks that are planned.
    """
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
    shipped = [
        msgspec.structs.replace(row, plan=Planning()) if row.id == "chw_weeks" else row
        for row in plan.strategies
    ]
    return msgspec.structs.replace(plan, strategies=(*shipped, own, fixed))


def enter(client: Client, here: Size) -> None:
    """Catchments, a health worker in each, the site's end, the rhythm, and the trial."""
    site = client.get("/v1/sites").json()["items"][0]["value"]
    end = on_day(here.before * MONTH)[:10]
    client.put(f"/v1/sites/{site['id']}", site | {"ends_on": end}).raise_for_status()
    for name, place in here.catchment.items():
        group = client.get(f"/v1/groups/{name}").json()["value"]
        rhythm = {"every": "weeks", "first_on": on_day(0)[:10], "weeks": 4}
        client.put(f"/v1/groups/{name}", group | {"rhythm": rhythm}).raise_for_status()
        link = {"relation": "catchment", "starts_on": "2025-01-01", "to": place}
        client.post(f"/v1/groups/{name}/links", link).raise_for_status()
    for place in sorted(set(here.catchment.values())):
        worker = f"chw-{place}"
        client.put(f"/v1/health_workers/{worker}", {"id": worker, "hours_a_week": HOURS}).raise_for_status()
        link = {"relation": "catchment", "starts_on": "2025-01-01", "to": place}
        client.post(f"/v1/health_workers/{worker}/links", link).raise_for_status()
    client.put("/v1/trials/which", TRIAL).raise_for_status()


def assigned(client: Client, here: Size) -> dict[str, str]:
    told = client.post("/v1/trials/which/assignments", {}).json()
    assert [row["group"] for row in told["assigned"]] == sorted(here.names)
    return {row["group"]: row["arm"] for row in told["assigned"]}


class Fate(NamedTuple):
    """How many months after the end a group meets, and whether anybody hears of it."""

    months: int
    heard: bool


def fates(arms: dict[str, str], here: Size) -> dict[str, Fate]:
    own = {arm: [group for group in here.names if arms[group] == arm] for arm in LIVES}
    return {
        group: Fate(LIVES[arm][place % len(LIVES[arm])], place % SEVEN != SILENT[arm])
        for arm, groups in own.items()
        for place, group in enumerate(groups)
    }


def a_month(client: Client, here: Size, month: int, told_of: dict[str, Fate], draws: Random) -> list[str]:
    """What the registers say of a month, and what everybody was recommended; the groups that were visited."""
    client.move_clock(on_day(month * MONTH + 0.1))
    reports: list[dict[str, Any]] = []
    people = here.people
    for group, fate in told_of.items():
        after = month - here.before
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
            for seat, name in enumerate(people[group])
        ]
    told = client.insist("/v1/signals", {"signals": reports})["results"]
    assert {row["receipt"]["status"] for row in told} <= {"stored", "repeated"}
    client.insist("/v1/recommendations/all", {})
    return [] if month % MONTHS_BETWEEN_VISITS else visits_made(client)


def visits_made(client: Client) -> list[str]:
    """A week is planned, and each health worker makes the visit she has time for; the groups visited."""
    items = client.insist("/v1/plans", {"strategy": "chw_weeks"})["items"]
    assert [item["problem"] for item in items if "problem" in item] == []
    plans = [item["plan"] for item in items]
    going = [row for one in plans for row in one["units"] if row["going"]]
    assert [row["going"]["worker"] for row in going] == [f"chw-{one['pool']}" for one in plans]
    done = [{"decision_id": row["decision_id"], "status": "done"} for row in going]
    told = client.insist("/v1/answers", {"answers": done})["items"]
    assert [row["standing"]["status"] for row in told] == ["done"] * len(plans)
    return [row["group"] for row in going]


def live(client: Client, here: Size, told_of: dict[str, Fate]) -> Counter[str]:
    """How often each group was visited."""
    draws, visited = Random(20260301), Counter[str]()
    for month in range(here.before + MONTHS_AFTER):
        visited.update(a_month(client, here, month, told_of, draws))
    client.insist("/v1/folds")
    return visited


def found(url: str, here: Size, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    day = on_day((here.before + MONTHS_AFTER) * MONTH)[:10]
    assert cli.main(["trial", "which", "--database", url, "--found", "--json", "--on", day]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("here", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_which_strategy_sustains(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], here: Size
) -> None:
    made = new_program(database_url, roster(here.groups, here.seats), program())
    with (
        running_service(database_url, tmp_path, on_day(0)) as service,
        client_of(service, made.key, timeout_s=600) as client,  # of a fold of everything
    ):
        enter(client, here)
        arms = assigned(client, here)
        of_place = {(here.catchment[group], arm) for group, arm in arms.items()}
        assert len(of_place) == len(set(here.catchment.values()))
        drawn = Counter(arms.values())
        assert max(drawn.values()) - min(drawn.values()) <= here.per_place * (len(of_place) % len(LIVES) > 0)
        for group in here.names:
            told = client.insist("/v1/recommendations", {"member": here.people[group][0]})
            assert told["strategy"] == STRATEGY[arms[group]]
        frozen = client.get("/v1/trials/which/assignments").json()["protocol"]
        told_of = fates(arms, here)
        visited = live(client, here, told_of)

    weeks = len(range(0, here.before + MONTHS_AFTER, MONTHS_BETWEEN_VISITS))
    places = Counter(here.catchment[group] for group in visited.elements())
    assert places == {place: weeks for place, arm in of_place if arm == "learned"}
    assert visits_stored(database_url, arms) == ({"learned"}, visited)

    analysis = found(database_url, here, capsys)
    assert analysis["protocol"] == frozen
    assert analysis["protocols"] == {frozen: here.groups}
    by_arm = {row["arm"]: row for row in analysis["arms"]}
    for arm, row in by_arm.items():
        own = [fate for group, fate in told_of.items() if arms[group] == arm]
        assert row["silent"] == sum(not fate.heard for fate in own)
        assert row["dissolved"] == sum(fate.heard and fate.months < MONTHS_AFTER for fate in own)
        assert row["alive_worst"] <= row["alive_best"]
        assert row["lower_quarter"] <= row["attendance"]["value"]
        visits = sum(visited[group] for group in here.names if arms[group] == arm)
        assert row["minutes"] == visits * VISIT_MINUTES / row["groups"]
        assert row["cost_minor"] == visits * VISIT_MINOR / row["groups"]
    if here == FEW:
        assert [row["verdict"] for row in analysis["comparisons"]] == ["not_enough_data"] * 2
        assert all(row["clusters_needed"] > 2 for row in analysis["comparisons"])
        assert "catchments in each arm would do" in analysis["sentences"][0]
    else:
        more = next(row for row in analysis["comparisons"] if row["second"] == "learned")
        lived = {arm: mean(min(months, HORIZON) for months in LIVES[arm]) for arm in LIVES}
        truth = (lived["learned"] - lived["alone"]) * MONTH / A_MONTH
        assert more["verdict"] == "better"
        assert more["difference"]["low"] < truth < more["difference"]["high"]
    assert shared_rows(database_url, arms) == set()


def visits_stored(url: str, arms: dict[str, str]) -> tuple[set[str], Counter[str]]:
    """The arms in which anything a health worker does was decided; how often each group was visited."""
    d, a = t.decisions.c, t.answers.c
    hers = [row.id for row in program().actions if isinstance(row, ChwLinkage)]
    decided = select(d.group_id).where(d.action_id.in_(hers)).distinct()
    done = select(d.group_id).join(t.answers, a.decision_id == d.decision_id).where(a.status == "done")
    with closing(Database(url)) as db, db.read() as conn:
        return {arms[group] for (group,) in conn.execute(decided)}, Counter(conn.scalars(done))


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
