"""Roster to first pick.

A roster of 60 groups comes as a workbook and as the CSV that Excel writes in India, each twice. One date in
it cannot be, and one note holds a phone number. Both cells are named by address; nothing else is refused, and
nobody is stored twice. Then a flow of RapidPro asks for a group of which nothing is known yet: it gets a flat
answer, none of whose texts is longer than RapidPro keeps, with an allowed action in the group's language and
chances that sum to 1 and respect the floor. Asked five times, and on another replica, the answer is the same
to the byte, and made again from the ledger the decision is the same.
Everybody here is synthetic.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from openpyxl import Workbook

from engagement import cli
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from support.ledger import agrees_with_itself
from support.service import Client, Service, client_of, new_program, on_day, running_service

GROUPS, SEATS = 60, 8
COLUMNS = ("group", "seat", "member", "role", "setting", "group_language", "joined_on", "messages", "note")
LANGUAGES = ("hi", "te", "en")
BAD_DATE, PHONE = (17, 5), (42, 3)
"""Group and seat of the two lines in which a cell is wrong."""
NEW = "group-7"
KEEPS = 640
"""Characters of a value that RapidPro keeps."""
FLOOR = 0.02
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def place(group: int, seat: int) -> int:
    """The row in which somebody stands, below the names of the columns."""
    return (group - 1) * SEATS + seat + 1


def language(group: int) -> str:
    """Of a group, in turn."""
    return LANGUAGES[group % len(LANGUAGES)]


def lines() -> Iterator[tuple[Any, ...]]:
    """The roster's lines, dates as dates."""
    for group in range(1, GROUPS + 1):
        for seat in range(1, SEATS + 1):
            where = (group, seat)
            yield (
                f"group-{group}",
                seat,
                f"member-{group}-{seat}",
                "adviser" if seat == 1 else "member",
                "urban" if group % 2 else "rural",
                language(group),
                "31-02-2026" if where == BAD_DATE else date(2026, 2, 15),
                "हाँ" if language(group) == "hi" else "yes",
                "rings on 98765 43210" if where == PHONE else "comes by bus",
            )


def as_a_workbook() -> bytes:
    """As Excel saves it."""
    book = Workbook()
    for line in (COLUMNS, *lines()):
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_excel_s_csv() -> bytes:
    """As Excel writes CSV where dates have the day first and commas stand in numbers."""
    rows = [
        [f"{cell:%d-%m-%Y}" if isinstance(cell, date) else str(cell) for cell in line] for line in lines()
    ]
    return "\r\n".join([";".join(row) for row in [list(COLUMNS), *rows]]).encode("utf-8-sig")


SHEETS = [(as_a_workbook, WORKBOOK), (as_excel_s_csv, "text/csv")]


class Replicas(NamedTuple):
    """Two processes on one database, a caller at the first, and the key."""

    one: Service
    two: Service
    client: Client
    key: str


@contextmanager
def two_replicas(url: str, folder: Path) -> Iterator[Replicas]:
    key = new_program(url, "group,member,seat\n", template(DEFAULT_TEMPLATE)).key
    with (
        running_service(url, folder, on_day(0), name="one") as one,
        running_service(url, folder, on_day(0), name="other") as other,
        client_of(one, key) as client,
    ):
        yield Replicas(one, other, client, key)


def imported(there: Replicas, content: bytes, media_type: str) -> dict[str, Any]:
    """What the service says of a roster."""
    answer = httpx.post(
        f"{there.one.address}/v1/imports/roster",
        content=content,
        headers={"Authorization": f"Bearer {there.key}", "Content-Type": media_type},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def people(client: Client) -> list[str]:
    """Every member's id, page by page."""
    found: list[str] = []
    after = ""
    while after is not None:
        page = client.get(f"/v1/members?limit=1000&after={after}").raise_for_status().json()
        found += [row["value"]["id"] for row in page["items"]]
        after = page["next"]
    return found


def asked(service: Service, key: str) -> bytes:
    """What to try with the new group, as a flow's webhook asks."""
    answer = httpx.post(
        f"{service.address}/adapters/rapidpro/recommendation",
        json={"group": NEW, "member": ""},
        headers={"Authorization": f"Token {key}"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_roster_of_sixty_groups_leads_to_a_first_pick(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with two_replicas(database_url, tmp_path) as there:
        all_lines, wrong = GROUPS * SEATS, 2
        stored = []
        for written, media_type in SHEETS:
            for _ in range(2):
                report = imported(there, written(), media_type)
                assert [(flaw["cell"], flaw["column"]) for flaw in report["refused"]] == [
                    (f"G{place(*BAD_DATE)}", "joined_on"),
                    (f"I{place(*PHONE)}", "note"),
                ]
                assert report["lines"] == all_lines
                assert report["stored"] + report["unchanged"] == all_lines - wrong
                stored.append(report["stored"])
        assert stored == [all_lines - wrong, 0, 0, 0]
        refused = {f"member-{group}-{seat}" for group, seat in (BAD_DATE, PHONE)}
        everybody = [f"member-{g}-{s}" for g in range(1, GROUPS + 1) for s in range(1, SEATS + 1)]
        assert sorted(people(there.client)) == sorted(set(everybody) - refused)

        bodies = [asked(there.one, there.key) for _ in range(5)] + [asked(there.two, there.key)]
        assert len(set(bodies)) == 1
        flat = json.loads(bodies[0])
        assert all(isinstance(text, str) and len(text) <= KEEPS for text in flat.values()), flat
        decision = flat["decision_id"]
        told = there.client.get(f"/v1/decisions/{decision}").json()["recommendation"]
        assert (told["action"]["id"], told["strategy"]) == (flat["action"], "group_learned")
        chances = {row["action"]: row["probability"] for row in told["chances"]}
        assert abs(sum(chances.values()) - 1) < 1e-9
        assert min(chances.values()) >= FLOOR - 2**-32
        assert flat["action"] in chances
        assert flat["action"] == "none" or told["action"]["language"] == language(7)
    assert cli.main(["replay", "--database", database_url, "--deep", decision]) == 0
    assert "1 replayed, 0 differ" in capsys.readouterr().out
    assert agrees_with_itself(database_url)
