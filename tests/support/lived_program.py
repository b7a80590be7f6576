"""A small program that has lived through sixteen months: every state of a group, a trial, things to do.

Eight groups of four in two settings; the program ends after six months. Everybody in it is synthetic.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import httpx

from support.running import Caller, Program

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
MONTHS = 16
ENDS_ON = "2026-06-30"
GROUPS = [f"g{number}" for number in range(1, 9)]
ROSTER = "group,member,seat,role,joined_on,health_worker\n" + "".join(
    f"{group},{group}-m{seat},{seat},{'adviser' if seat == 1 else 'member'},2026-01-01,yes\n"
    for group in GROUPS
    for seat in range(1, 5)
)
CAME = {"g1": 4, "g2": 4, "g3": 3, "g4": 3, "g5": 4, "g6": 4, "g7": 4, "g8": 4}
"""How many come while a group thrives."""
FAILS_FROM = {"g5": 15, "g6": 14, "g7": 11}
"""Months from which nobody comes: the first wavers by now, the second is dormant, the third has dissolved."""
SILENT_FROM = {"g8": 12}
TRIAL = {
    "id": "which",
    "title": "Which keeps groups going?",
    "conditions": [
        {"id": "alone", "title": "The adviser alone"},
        {"id": "learned", "title": "Learned", "strategies": ["counted"]},
    ],
    "starts_on": "2026-01-01",
    "blocks": [2],
    "strata": [],
    "sites": ["site-2"],
    "protocol": {"horizon_months": 6, "smallest_difference": 0.5},
}


class Lived(NamedTuple):
    """The program by now. decision : one of a member      own : one of a group, drawn today"""

    staff: Caller
    decision: str
    own: str
    plan: str

    def console_paths(self) -> dict[str, str]:
        """A path of every page of the console, by the page's name."""
        return {
            "groups": "/console",
            "group": "/console/groups/g1",
            "member": "/console/members/g1-m2",
            "why": f"/console/decisions/{self.own}",
            "strategies": "/console/strategies",
            "learning": "/console/learning",
            "visits": "/console/visits",
            "work": "/console/work",
            "referrals": "/console/referrals",
            "program": "/console/program",
            "digest": "/console/digest",
            "money": "/console/money",
            "data": "/console/data",
            "trail": "/console/trail",
            "switch": "/console/program/switch",
            "ends": "/console/program/ends/site-1",
            "file": "/console/program/file",
            "roster": "/console/program/roster",
            "register": "/console/program/register",
        }


class Small(NamedTuple):
    """A program with some months behind it."""

    program: Program
    lived: Lived


Enter = Callable[..., httpx.Client]
"""Signs somebody in to the console of a program: `enter(program, "read", audience="staff")`."""


def months(number: int = MONTHS) -> Iterator[date]:
    """The fifteenth of each of so many months."""
    return (date(2026 + place // 12, place % 12 + 1, 15) for place in range(number))


def live(program: Program, so_many: int = MONTHS) -> Lived:
    """Lives through it, on a service whose simulated clock stands at `START`."""
    staff = program.caller("admin", audience="research")
    _set_up(staff)
    decided: list[str] = []
    for number, day in enumerate(months(so_many)):
        _move(staff, datetime(day.year, day.month, 2, 6, tzinfo=UTC))
        decided += _suggested(staff, number)
        _move(staff, datetime(day.year, day.month, 16, 6, tzinfo=UTC))
        _ok(staff.post("/v1/signals", {"signals": list(_reported(number, day))}))
        _ok(staff.post("/v1/folds"))
    own = _ok(staff.post("/v1/recommendations", {"group": "g1", "strategy": "group_learned"}))
    week = _ok(staff.post("/v1/plans", {"strategy": "chw_weeks"}))
    return Lived(staff, decided[-1], own["decision_id"], week["items"][0]["plan"]["plan_id"])


def _ok(answer: Any) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


def _move(staff: Caller, to: datetime) -> None:
    _ok(staff.post("/v1/clock", {"now": to.isoformat()}))


def _set_up(staff: Caller) -> None:
    site = _ok(staff.get("/v1/sites/site-1"))["value"] | {"ends_on": ENDS_ON, "handover_days": 60}
    _ok(staff.put("/v1/sites/site-1", site))
    _ok(staff.put("/v1/sites/site-2", site | {"id": "site-2", "title": "Second site"}))
    for number, group in enumerate(GROUPS):
        where = {"site": "site-2" if number >= 4 else "site-1", "setting": "urban" if number % 2 else "rural"}
        _ok(staff.put(f"/v1/groups/{group}", {"id": group, **where}))
    roster = staff.call(
        "POST", "/v1/imports/roster", content=ROSTER.encode(), headers={"Content-Type": "text/csv"}
    )
    _ok(roster)
    barriers = {"time": "yes", "money": "no"}
    member = {"id": "g1-m2", "barriers": barriers, "barriers_checked_on": "2026-01-01"}
    _ok(staff.put("/v1/members/g1-m2", member))
    _ok(staff.put("/v1/health_workers/asha", {"id": "asha"}))
    start = {"relation": "catchment", "starts_on": "2026-01-01", "to": "hill"}
    _ok(staff.post("/v1/health_workers/asha/links", start))
    for group in GROUPS:
        _ok(staff.post(f"/v1/groups/{group}/links", start))
    _ok(staff.put("/v1/trials/which", TRIAL))
    _ok(staff.post("/v1/trials/which/assignments", {}))


def _suggested(staff: Caller, number: int) -> list[str]:
    """Asks for everybody, and says of some what became of it."""
    answers = [
        row
        for group in ("g1", "g5", "g8")
        for row in _ok(staff.post("/v1/recommendations/all", {"group": group}))["answers"]
    ]
    told = [row["recommendation"] for row in answers if row.get("recommendation")]
    drawn = [row for row in told if row["decision_id"] and row["action"]["id"] != "none"]
    said = [
        {"decision_id": row["decision_id"], "status": "done" if (place + number) % 3 else "declined"}
        for place, row in enumerate(drawn)
        if place % 4
    ]
    if said:
        _ok(staff.post("/v1/answers", {"answers": said}))
    return [row["decision_id"] for row in drawn]


def _reported(number: int, day: date) -> Iterator[dict[str, Any]]:
    at = f"{day}T10:00:00Z"
    for group in GROUPS:
        if number >= SILENT_FROM.get(group, MONTHS):
            continue
        if number >= FAILS_FROM.get(group, MONTHS):
            yield _signal(f"{group}-{number}-held", "meeting_held", 0, at, group=group)
            continue
        yield _signal(f"{group}-{number}-held", "meeting_held", 1, at, group=group)
        for seat in range(1, 5):
            member, came = f"{group}-m{seat}", int(seat <= CAME[group])
            yield _signal(f"{member}-{number}", "attendance", came, at, member=member)
            if came and number:
                chain = f"{member}-goal-{number - 1}"
                met = (number + seat) % 3 > 0
                yield _signal(f"{chain}-met", "goal_met", met, at, member=member, chain=chain)
            if came:
                chain = f"{member}-goal-{number}"
                later = f"{day}T10:30:00Z"
                yield _signal(chain, "goal_set", "activity", later, member=member, chain=chain)
            if not came:
                yield _signal(f"{member}-{number}-why", "absence_reason", "time", at, member=member)
    if number >= FAILS_FROM["g6"]:
        yield _signal(f"g6-{number}-why", "absence_reason", "work", at, member="g6-m3")


def _signal(name: str, kind: str, value: int | str, at: str, **about: str) -> dict[str, Any]:
    number = int(value) if isinstance(value, bool) else value
    return {"source": "test", "id": name, "kind": kind, "value": number, "occurred_at": at, **about}
