"""The monthly hour.

Five goals were set in March, by seat. In April a short-lived link opens the brief: each open goal stands on
it once. The group swaps one topic of the suggested hour, and the form is sent twice. One meeting is stored,
and that what was agreed differs from what was suggested, and who changed it; two goals are met, one is
missed, two were not followed up. May's brief carries the right ones. Everybody here is synthetic.
"""

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec

from engagement.signals.rhythm import EveryWeeks
from engagement.store import signals
from engagement.store.database import Database
from engagement.strategy.setup import Group
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from engagement.workflows.tallies import counting
from support.ledger import agrees_with_itself
from support.service import START, Client, Program, Service, client_of, new_program, on_day, running_service

SEATS = (1, 2, 3, 4, 5, 6, 7, 8)
ROSTER = "group,member,seat,role,joined_on\n" + "".join(
    f"hill,h{n},{n},{'adviser' if n == 1 else 'member'},2025-01-01\n" for n in SEATS
)
MARCH, APRIL, MAY = 0, 28, 56
"""10 March, 7 April and 5 May, in days from the start."""
GOALS = {2: "food", 3: "activity", 4: "medicine", 6: "doctor", 8: "food"}


class Fields(HTMLParser):
    """The form of a page as a browser would send it untouched, and the choices of each field."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.filled: list[tuple[str, str]] = []
        self.choices: dict[str, list[str]] = {}
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a field."""
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "select":
            self._select = name
        elif tag == "option":
            self.choices.setdefault(self._select, []).append(value)
        elif tag == "input":
            self.choices.setdefault(name, []).append(value)
            if given.get("type") == "hidden" or "checked" in given:
                self.filled.append((name, value))


def program(url: str) -> Program:
    shipped = template(DEFAULT_TEMPLATE)
    rhythm = EveryWeeks(first_on=START.date())
    groups = (Group(id="hill", site=shipped.sites[0].id, rhythm=rhythm),)
    return new_program(url, ROSTER, msgspec.structs.replace(shipped, groups=groups))


def opened(client: Client, service: Service) -> tuple[str, httpx.Response]:
    """A new link, and the page that it opens to somebody without a key."""
    link = client.insist("/v1/links", {"opens": "brief", "of": "hill", "hours": 72})["path"]
    with httpx.Client(trust_env=False) as stranger:
        return service.address + link, stranger.get(service.address + link)


def goals_on(page: str) -> list[int]:
    """The seats whose goals stand on the page to be asked about, once for each goal."""
    asked = page.partition("First, ask about these goals")[2].partition("</section>")[0]
    return [int(seat) for seat in re.findall(r"</span>(\d+)</span> \w", asked)]


def of_group(url: str, program_id: str) -> list[signals.Recorded]:
    database = Database(url)
    try:
        with database.read() as conn:
            return counting(signals.of_groups(conn, program_id, ["hill"]))
    finally:
        database.close()


def told(rows: list[signals.Recorded], kind: str, day: int) -> dict[str, Any]:
    """What counts of a kind on the day of a meeting: values by member, or by topic."""
    at = int((START + timedelta(days=day)).timestamp() * 1000)
    return {
        row.unit_id if row.unit_kind == "member" else (row.chain or "").rpartition(".")[2]: row.value
        for row in rows
        if row.kind == kind and row.occurred_at == at
    }


def test_the_monthly_hour(database_url: str, tmp_path: Path) -> None:
    made = program(database_url)
    with (
        running_service(database_url, tmp_path, on_day(MARCH)) as service,
        client_of(service, made.key) as client,
    ):
        new = [{"seat": seat, "category": category} for seat, category in GOALS.items()]
        client.insist("/v1/groups/hill/month", {"held": True, "present": [*SEATS], "new_goals": new})

        client.move_clock(on_day(APRIL))
        address, page = opened(client, service)
        assert page.status_code == 200
        assert "<h1>Tuesday 7 April</h1>" in page.text
        assert goals_on(page.text) == [2, 3, 4, 6, 8]
        assert "<script" not in page.text

        form = Fields(page.text)
        suggested = [value for name, value in form.filled if name == "suggested"]
        talk = suggested[3]
        other = next(value for value in form.choices["add"] if value)
        answers = {"goal.2": "met", "goal.3": "met", "goal.4": "missed"}
        answers |= {"goal.6": "not_followed_up", "goal.8": "not_followed_up", "new.2": "doctor"}
        assert set(answers) <= set(form.choices)
        sent = [(name, value) for name, value in form.filled if (name, value) != ("agreed", talk)]
        sent += [("held", "1"), ("add", other), ("changed_by", "members"), *answers.items()]
        sent += [("came", str(seat)) for seat in (1, 2, 3, 4, 6, 8)] + [("win", "3")]
        with httpx.Client(trust_env=False) as stranger:
            body = httpx.QueryParams(sent)
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            first = stranger.post(address, content=str(body), headers=kind)
            before = of_group(database_url, made.program_id)
            again = stranger.post(address, content=str(body), headers=kind)
            assert (first.status_code, again.status_code) == (303, 303)
            assert first.headers["location"].endswith("#saved")
            after = stranger.get(address).text
        rows = of_group(database_url, made.program_id)
        assert rows == before

        assert sum(row.kind == "meeting_held" for row in rows) == 2  # March's and April's
        came = told(rows, "attendance", APRIL)
        assert came == {f"h{seat}": int(seat in (1, 2, 3, 4, 6, 8)) for seat in SEATS}
        assert told(rows, "goal_met", APRIL) == {"h2": 1, "h3": 1, "h4": 0}
        assert told(rows, "goal_not_followed_up", APRIL) == {"h6": 1, "h8": 1}
        assert told(rows, "win_shared", APRIL) == {"h3": 1}
        assert set(told(rows, "topic_suggested", APRIL)) == set(suggested)
        assert set(told(rows, "topic_agreed", APRIL)) == {*suggested, other} - {talk}
        assert told(rows, "topic_changed", APRIL) == {talk: 1, other: 1}  # the members: first of the choices

        assert "<h1>Tuesday 5 May</h1>" in after
        assert goals_on(after) == [2, 6, 8]  # a new one, and the two that nobody asked about
        may = client.get("/v1/groups/hill/brief").json()
        assert [(goal["seat"], goal["category"]) for goal in may["goals"]] == [
            (2, "doctor"), (6, "doctor"), (8, "food"),
        ]  # fmt: skip
        assert sorted(one["seat"] for one in may["missed"]) == [5, 7]
        assert [(win["seat"], win["what"]) for win in may["wins"]] == [(3, "win"), (2, "goal"), (3, "goal")]
        assert other not in [talk["topic"] for talk in may["agenda"]]
    assert agrees_with_itself(database_url)
