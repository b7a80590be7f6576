"""Silence is not death.

The program has left two groups that should meet every four weeks. One reports three times that it did
not meet: it is dissolved, and there is a day on which it was. Of the other nothing is heard: it is
silent, it stands on the work list of groups to ask after, and nothing decided in it counts as a failure.
Then its health worker reports that it met in the second month. It is alive, its history by month says
so, what was learned is corrected and equals what a rebuild learns, and at no moment was it shown as
dissolved. Everybody here is synthetic.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from engagement.signals.rhythm import EveryWeeks
from engagement.strategy.setup import Group
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template
from support.ledger import agrees_with_itself
from support.month import MINUTE, decide
from support.service import (
    START,
    Client,
    client_of,
    members,
    new_program,
    on_day,
    roster,
    running_service,
)

DISSOLVED, SILENT = "g1", "g2"
SEATS = 4
PEOPLE = members(2, SEATS)
EXPECTED = (0, 28, 56, 84)
"""Days of expected meetings: 10 March, 7 April, 5 May and 2 June. Both groups met on the first."""
TODAY = 120
"""8 July. The window of the last decision, of day 57, closed on day 92."""
NEVER_BEFORE = [None] * 7
"""August to February."""


def plan() -> Template:
    """Two groups at a site where the program ended the day before."""
    shipped = template(DEFAULT_TEMPLATE)
    (site,) = shipped.sites
    left = msgspec.structs.replace(site, ends_on=START.date() - timedelta(days=1))
    rhythm = EveryWeeks(first_on=START.date())
    groups = tuple(Group(id=name, site=site.id, rhythm=rhythm) for name in (DISSOLVED, SILENT))
    return msgspec.structs.replace(shipped, sites=(left,), groups=groups)


@contextmanager
def living(url: str, folder: Path) -> Iterator[Client]:
    """A caller of the service on the day of the first meeting, which both groups held."""
    key = new_program(url, roster(2, SEATS), plan()).key
    with running_service(url, folder, on_day(0)) as service, client_of(service, key) as client:
        report(client, held(DISSOLVED, 0, 1), held(SILENT, 0, 1))
        yield client


def held(group: str, day: float, value: int, by: str = "adviser") -> dict[str, Any]:
    """Whether a group met on a day, as somebody reports it."""
    signal = {"kind": "meeting_held", "group": group, "value": value}
    return signal | {"id": f"{group}/{day}", "occurred_at": on_day(day), "reported_by": by}


def came(member: str, day: float, value: int) -> dict[str, Any]:
    """Whether a member came to the meeting of a day, as the health worker reports it."""
    signal = {"kind": "attendance", "member": member, "value": value}
    return signal | {"id": f"{member}/{day}", "occurred_at": on_day(day), "reported_by": "health_worker"}


def report(client: Client, *signals: dict[str, Any]) -> None:
    """Tells it, and makes sure that all of it is stored."""
    told = client.insist("/v1/signals", {"signals": [signal | {"source": "visit"} for signal in signals]})
    assert [row["receipt"]["status"] for row in told["results"]] == ["stored"] * len(signals)


def live_on(client: Client) -> tuple[dict[str, list[str]], set[str]]:
    """Decides the day after each of three meetings, and lets one group report that it did not meet.

    returns : the decisions of each group, and the states in which the silent one was ever shown
    """
    decided: dict[str, list[str]] = {DISSOLVED: [], SILENT: []}
    shown: set[str] = set()
    for day in range(1, TODAY, 7):
        client.move_clock(on_day(day))
        shown.add(state_shown(client, SILENT))
        if day - 1 in EXPECTED[1:]:
            report(client, held(DISSOLVED, day - 1, 0))
        if day - 1 in EXPECTED[:3]:
            for number, name in enumerate((DISSOLVED, SILENT)):
                seats = PEOPLE[number * SEATS :][:SEATS]
                decided[name] += decide(client, seats, ["learned"], f"after-{day - 1}")
    client.move_clock(on_day(TODAY))
    shown.add(state_shown(client, SILENT))
    return decided, shown


def picture(client: Client, group: str) -> Any:
    """How a group is doing."""
    return client.get(f"/v1/groups/{group}/engagement").raise_for_status().json()


def state_shown(client: Client, group: str) -> str:
    """Its state today; the list and the picture must say the same."""
    standing = picture(client, group)["standing"]
    assert group in listed(client, standing["state"])
    return str(standing["state"])


def listed(client: Client, state: str) -> list[str]:
    """The groups on the list of a state."""
    items = client.get(f"/v1/groups?state={state}").raise_for_status().json()["items"]
    return [item["value"]["id"] for item in items]


def to_ask_after(client: Client) -> list[str]:
    """The groups to ask after on the work list of the program's staff."""
    tasks = client.get("/v1/worklists/staff").raise_for_status().json()["tasks"]
    return [task["group"] for task in tasks if task["about"] == "check"]


def rewards(client: Client, decisions: list[str]) -> list[list[float | None]]:
    """What each decision earned, revision by revision."""
    stories = [client.get(f"/v1/decisions/{name}").raise_for_status().json() for name in decisions]
    return [[row["reward"] for row in story["outcomes"]] for story in stories]


def folded(client: Client) -> tuple[int, int, int]:
    """Rows that a round of folding put in, took out, and found to be missing."""
    made = client.insist("/v1/folds")
    rows = [(version["rows_in"], version["rows_out"], version["rows_missing"]) for version in made]
    total = [sum(column) for column in zip(*rows, strict=True)]
    return (total[0], total[1], total[2])


def test_silence_is_not_death(database_url: str, tmp_path: Path) -> None:
    with living(database_url, tmp_path) as client:
        decided, shown = live_on(client)
        assert [len(decided[name]) for name in (DISSOLVED, SILENT)] == [3 * SEATS] * 2

        dissolved = picture(client, DISSOLVED)["standing"]
        assert (dissolved["state"], dissolved["since"]) == ("dissolved", on_day(28)[:10])
        assert dissolved["phase"] == "sustaining"
        assert (listed(client, "silent"), listed(client, "dissolved")) == ([SILENT], [DISSOLVED])
        assert to_ask_after(client) == [SILENT]
        assert [month["state"] for month in picture(client, SILENT)["months"]] == [
            *NEVER_BEFORE, "thriving", "thriving", "silent", "silent", "silent",
        ]  # fmt: skip

        # three decisions a seat: each saw one meeting fail in the one group, and none in the other
        assert folded(client) == (3 * SEATS, 0, 3 * SEATS)
        assert rewards(client, decided[DISSOLVED]) == [[0.0]] * (3 * SEATS)
        assert rewards(client, decided[SILENT]) == [[None]] * (3 * SEATS)

        seats = PEOPLE[SEATS:]
        attended = [came(name, 56 + MINUTE, int(name != seats[-1])) for name in seats]
        report(client, held(SILENT, 56, 1, "health_worker"), *attended)
        shown.add(state_shown(client, SILENT))
        assert (state_shown(client, SILENT), listed(client, "silent")) == ("thriving", [])
        assert to_ask_after(client) == []
        assert [month["state"] for month in picture(client, SILENT)["months"]] == [
            *NEVER_BEFORE, *["thriving"] * 5,
        ]  # fmt: skip

        # of the decisions made on day 29 the window holds the meeting: two thirds for coming, no goal
        assert folded(client) == (SEATS, 0, 0)
        earned = rewards(client, decided[SILENT])
        silent = [[None]] * SEATS
        assert earned == [*silent, *[[None, 1 - 1 / 3]] * (SEATS - 1), [None, 0.0], *silent]
        assert rewards(client, decided[DISSOLVED]) == [[0.0]] * (3 * SEATS)
        assert shown == {"thriving", "silent"}
    assert agrees_with_itself(database_url)
