"""A year alone.

The program has left a site of two groups. For a year each group sends one short message a month, the minimal
month, and nobody else does anything: no staff answer, nobody is paid, one process on one file folds by itself
and expires what nobody answered. Every month everybody is asked about. Whatever the program paid for or its
staff carried out is never offered, and says why; what is free and what the state health system gives remains,
and the default strategy goes on learning from the three signals alone. The groups stay alive in the picture,
nothing waits for staff, and the process fits a small machine. Everybody here is synthetic.
"""

import re
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from engagement.strategy.ending import last_day
from engagement.strategy.setup import Site
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template
from support.databases import sqlite_database
from support.ledger import learned
from support.service import PATIENCE_SECONDS, Client, Service, client_of, new_program, on_day, running_service

GROUPS, SEATS = ("g1", "g2"), 6
SITE = Site(id="site-1", title="Left", ends_on=date(2026, 2, 28))
MONTHS = 12
FIRST = 10
"""Days from the start to the first report: it is 20 March then."""
ASKED = ("learned", "adviser_learned", "group_learned")
MOST_MB = 300
"""Of memory, for a process with a year behind it; a machine of half a gigabyte runs it."""
ENDED = {"payer_ended", "staff_ended", "phase"}


def plan() -> Template:
    """The shipped template at a site whose program has ended."""
    return msgspec.structs.replace(template(DEFAULT_TEMPLATE), sites=(SITE,))


def roster() -> str:
    """Two groups with an adviser each, and the state's health worker."""
    lines = ["group,site,seat,member,role,joined_on,health_worker"]
    for group in GROUPS:
        for seat in range(1, SEATS + 1):
            role = "adviser" if seat == 1 else "member"
            lines.append(f"{group},{SITE.id},{seat},{group}-m{seat},{role},2025-01-01,yes")
    return "\n".join(lines)


def gone() -> set[str]:
    """The actions that ended with the program."""
    return {action.id for action in plan().actions if last_day(action, SITE) is not None}


def asked_about(client: Client, month: int) -> list[dict[str, Any]]:
    """What is recommended to every member, adviser and group."""
    asks: list[dict[str, Any]] = [{"group": group, "strategy": "group_learned"} for group in GROUPS]
    asks += [{"member": f"{group}-m1", "strategy": "adviser_learned"} for group in GROUPS]
    asks += [{"member": f"{group}-m{seat}"} for group in GROUPS for seat in range(1, SEATS + 1)]
    point = {"decision_point": f"month-{month}"}
    while True:
        answers = client.insist("/v1/recommendations/batch", {"requests": [ask | point for ask in asks]})
        told = [answer["recommendation"] for answer in answers["answers"]]
        if all(one["fallback"] != "deadline" for one in told):
            return told


def report(client: Client, month: int) -> None:
    """One message a group: was the meeting held, who came, who met their goal."""
    for place, group in enumerate(GROUPS):
        came = " ".join(str(seat) for seat in range(1, SEATS + 1) if (seat + month + place) % 3)
        kept = client.insist(f"/v1/groups/{group}/month", {"text": f"1 | {came} | 2"})
        assert (kept["status"], kept["wrong"]) == ("stored", [])


def has_learned(url: str, rows: int) -> bool:
    """Whether the service's own thread has folded so many outcomes, in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while learned(url)[0] < rows:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def resident_mb(service: Service) -> float:
    """Memory that the process holds."""
    said = Path(f"/proc/{service.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", said)
    assert found is not None
    return int(found[1]) / 1024


def test_a_year_alone(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = sqlite_database(migrated_sqlite, tmp_path)
    key = new_program(url, roster(), plan()).key
    offered: Counter[str] = Counter()
    with (
        running_service(url, tmp_path, on_day(0), fold_every_s=1) as service,
        client_of(service, key) as client,
    ):
        for month in range(MONTHS):
            client.move_clock(on_day(FIRST + 30.4 * month))
            report(client, month)
            for told in asked_about(client, month):
                possible = {row["action"] for row in told["chances"]}
                refused = {row["action"]: row["reason"] for row in told["unavailable"]}
                assert told["phase"] == "sustaining"
                assert not possible & gone()
                assert {refused[name] for name in gone() & set(refused)} <= ENDED
                assert abs(sum(row["probability"] for row in told["chances"]) - 1) < 1e-9
                offered.update(possible)
            assert client.get("/v1/worklists/staff").raise_for_status().json()["tasks"] == []
        assert offered.keys() >= {"goal_reminder", "chw_meeting", "question_of_month", "own_practice"}
        assert offered.keys() & gone() == set()

        client.move_clock(on_day(FIRST + 30.4 * MONTHS + 10))
        assert has_learned(url, rows=(MONTHS - 2) * len(GROUPS) * (SEATS + 2))
        alive = client.get("/v1/groups?state=thriving").raise_for_status().json()["items"]
        assert [row["value"]["id"] for row in alive] == list(GROUPS)
        handed = client.get("/v1/sites/site-1/handover").raise_for_status().json()
        assert [group["when"] for group in handed["groups"]] == ["over"] * len(GROUPS)
        assert {row["action"] for row in handed["groups"][0]["stops"]} == gone()
        assert handed["keeper"]["promises"] == []
        memory = resident_mb(service)
    assert memory < MOST_MB
