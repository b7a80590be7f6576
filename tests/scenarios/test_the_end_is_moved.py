"""The end comes, and is moved.

The program ends at site A on 30 June and at site B on 31 December. On 1 July only A is sustaining: what
the program paid for is unavailable there and says why, what costs nothing remains. Then A is extended
to September. From that day on its phase is another, and no stored decision is. The pages for the handover
print one for each group. The list of groups, the console, the metrics and the report count as many in each
state as the ledger does when it is read directly. Everybody here is synthetic.
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from engagement.cli import main
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.strategy.setup import Site
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template
from support.ledger import agrees_with_itself
from support.month import decide
from support.service import (
    PATIENCE_SECONDS,
    START,
    Client,
    Service,
    client_of,
    members,
    new_program,
    on_day,
    running_service,
)

SITE_OF = {"g1": "a", "g2": "a", "g3": "b", "g4": "b"}
SEATS = 2
PEOPLE = members(4, SEATS)
AT_A, AT_B = PEOPLE[: 2 * SEATS], PEOPLE[2 * SEATS :]
MET = {"g1": (1, 1, 1, 1), "g2": (1, 1, 1, 0), "g3": (1, 1, 0, 0), "g4": (1, 0, 0, 0)}
"""Whether each group met in March, April, May and June; they meet once a month."""
STATE_AFTER = ("thriving", "wavering", "dormant", "dissolved")
"""By how many meetings were missed in a row."""
PROGRAM_PAYS = {"recognition", "transport_token", "chw_joins"}
FREE = {"goal_reminder", "win_story", "move_meeting"}
"""The shipped actions of the strategy asked here, by who pays."""


def day_of(year: int, month: int, day: int) -> int:
    """The distance of a date from the start."""
    return (date(year, month, day) - START.date()).days


FIRST_OF_JULY = day_of(2026, 7, 1)
EXTENDED_ON = day_of(2026, 7, 10)
FIRST_OF_AUGUST = day_of(2026, 8, 1)


def site_a(ends_on: date) -> Site:
    """Site A with its end; the handover are the last 92 days."""
    return Site(id="a", title="A", ends_on=ends_on)


def plan() -> Template:
    """The shipped template with two sites in the place of its one."""
    sites = (site_a(date(2026, 6, 30)), Site(id="b", title="B", ends_on=date(2026, 12, 31)))
    return msgspec.structs.replace(template(DEFAULT_TEMPLATE), sites=sites)


def roster() -> str:
    """Everybody in the seats of four groups at two sites."""
    lines = ["group,site,seat,member,joined_on,health_worker"]
    for name in PEOPLE:
        group, seat = name.split("-m")
        lines.append(f"{group},{SITE_OF[group]},{seat},{name},2025-01-01,yes")
    return "\n".join(lines)


class Here(NamedTuple):
    """A service, its key and a caller on 1 July; march : the decisions made for everybody on 10 March"""

    service: Service
    key: str
    client: Client
    march: list[str]


@contextmanager
def four_months_later(url: str, folder: Path) -> Iterator[Here]:
    """The scenario up to 1 July."""
    key = new_program(url, roster(), plan()).key
    with (
        running_service(url, folder, on_day(0), program_metrics_s=0) as service,
        client_of(service, key) as client,
    ):
        made = decide(client, PEOPLE, ["even"], "march")
        client.move_clock(on_day(FIRST_OF_JULY))
        reports = [
            {
                "source": "register",
                "id": f"{group}/{month}",
                "kind": "meeting_held",
                "group": group,
                "value": value,
                "occurred_at": f"2026-{month:02}-20T10:00:00+05:30",
            }
            for group, values in MET.items()
            for month, value in enumerate(values, start=3)
        ]
        told = client.insist("/v1/signals", {"signals": reports})["results"]
        assert [row["receipt"]["status"] for row in told] == ["stored"] * len(reports)
        yield Here(service, key, client, made)


def bodies(client: Client, decisions: Sequence[str]) -> list[dict[str, Any]]:
    """The decisions as they were told."""
    stories = [client.get(f"/v1/decisions/{name}").raise_for_status().json() for name in decisions]
    return [story["recommendation"] for story in stories]


def phases(told: Sequence[dict[str, Any]]) -> list[str]:
    """The phase each was decided in."""
    return [body["phase"] for body in told]


def payer_ended(body: dict[str, Any]) -> set[str]:
    """Actions that are unavailable because their payer has ended."""
    return {row["action"] for row in body["unavailable"] if row["reason"] == "payer_ended"}


def possible(body: dict[str, Any]) -> set[str]:
    """Actions that could have been drawn."""
    return {row["action"] for row in body["chances"] if row["probability"] > 0}


def listed(client: Client) -> tuple[Counter[str], dict[str, str]]:
    """How many groups the list counts in each state, and the phase it gives each group."""
    found: dict[str, str] = {}
    for state in STATE_AFTER:
        answer = client.get(f"/v1/groups?state={state}").raise_for_status().json()
        found |= {item["value"]["id"]: item["standing"]["phase"] for item in answer["items"]}
        assert len(answer["items"]) == answer["counts"][state]
    return Counter(answer["counts"]), found


def in_the_ledger(url: str) -> Counter[str]:
    """Groups by state, from the rows of reported meetings and by a rule of three lines."""
    s = t.signals.c
    rows = select(s.unit_id, s.value).where(s.kind == "meeting_held").order_by(s.occurred_at)
    missed: dict[str, int] = defaultdict(int)
    with closing(Database(url)) as db, db.read() as conn:
        for group, value in conn.execute(rows):
            missed[group] = 0 if value else missed[group] + 1
    return Counter(STATE_AFTER[run] for run in missed.values())


def on_the_console(here: Here) -> Counter[str]:
    """The heads of the wall of groups, as somebody who is signed in sees them."""
    with httpx.Client(base_url=here.service.address, timeout=30, trust_env=False) as browser:
        assert browser.post("/console/sign-in", data={"key": here.key}).status_code == 303
        page = browser.get("/console").raise_for_status().text
    heads = re.findall(
        r'<p class="wallhead"><span class="state st-(\w+)">.*?</span> (\d+) <small>', page, re.DOTALL
    )
    return Counter({state: int(number) for state, number in heads})


def in_the_metrics(client: Client) -> Counter[str]:
    """Summed over phases."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(client.get("/metrics/programs").raise_for_status().text):
        for sample in family.samples:
            if sample.name == "engagement_program_groups":
                found[sample.labels["state"]] += int(sample.value)
    return +found


def in_the_report(client: Client) -> Counter[str]:
    """Of today, once it is computed."""
    where = client.post("/v1/reports", {}).raise_for_status().headers["location"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (told := client.get(where).json())["state"] == "asked":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return +Counter(told["report"]["states"])


def counted_alike(here: Here, url: str) -> bool:
    """Whether all that count the groups by state count the same."""
    ledger = in_the_ledger(url)
    told = [
        +listed(here.client)[0],
        on_the_console(here),
        in_the_metrics(here.client),
        in_the_report(here.client),
    ]
    assert told == [ledger] * len(told)
    return ledger == Counter(STATE_AFTER)


def handed_over(client: Client, url: str, folder: Path) -> list[str]:
    """The groups of site A, for each of which a page is printed, and one more for the new keeper."""
    told = client.get("/v1/sites/a/handover").raise_for_status().json()
    file = folder / "handover-a.html"
    day = on_day(FIRST_OF_JULY)[:10]
    assert main(["handover", "a", "--on", day, "--out", str(file), "--database", url]) == 0
    assert file.read_text().count("<article") == len(told["groups"]) + 1
    return [group["group"] for group in told["groups"]]


def extend(client: Client) -> None:
    """Site A goes on until the end of September."""
    body = msgspec.to_builtins(site_a(date(2026, 9, 30)))
    client.put("/v1/sites/a", body).raise_for_status()


def test_the_end_comes_and_is_moved(database_url: str, tmp_path: Path) -> None:
    with four_months_later(database_url, tmp_path) as here:
        client, march = here.client, here.march
        july = decide(client, PEOPLE, ["even"], "july")
        at_a, at_b = bodies(client, july[: len(AT_A)]), bodies(client, july[len(AT_A) :])
        assert phases(at_a) == ["sustaining"] * len(AT_A)
        assert phases(at_b) == ["running"] * len(AT_B)
        assert [payer_ended(body) for body in at_a] == [PROGRAM_PAYS] * len(AT_A)
        assert [payer_ended(body) for body in at_b] == [set()] * len(AT_B)
        # whatever was given in March may be given again: the longest of the cool-downs takes 80 days
        assert [possible(body) for body in at_a] == [{"none", *FREE}] * len(AT_A)

        assert counted_alike(here, database_url)
        assert handed_over(client, database_url, tmp_path) == ["g1", "g2"]
        _, phase_of = listed(client)
        assert phase_of == {"g1": "sustaining", "g2": "sustaining", "g3": "running", "g4": "running"}

        stored = bodies(client, [*march, *july])
        client.move_clock(on_day(EXTENDED_ON))
        extend(client)
        assert bodies(client, [*march, *july]) == stored
        assert [client.recommend(name, "july", "even") for name in AT_A] == at_a
        _, phase_of = listed(client)
        assert phase_of == {"g1": "handover", "g2": "handover", "g3": "running", "g4": "running"}
        assert counted_alike(here, database_url)

        client.move_clock(on_day(FIRST_OF_AUGUST))
        august = bodies(client, decide(client, AT_A, ["even"], "august"))
        assert phases(august) == ["handover"] * len(AT_A)
        assert [payer_ended(body) for body in august] == [set()] * len(AT_A)
        assert bodies(client, [*march, *july]) == stored
        assert phases(stored) == [*["running"] * len(PEOPLE), *phases(at_a), *phases(at_b)]
    assert agrees_with_itself(database_url)
