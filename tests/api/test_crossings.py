"""What belongs to one program is invisible to another's key."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from support.running import Caller, Program

CROSSINGS = 1_000


class Side(NamedTuple):
    """A program, somebody who may do everything in it, and the names of all that is its own."""

    caller: Caller
    mark: str
    decision: str
    names: dict[str, str]


def side(program: Program, mark: str) -> Side:
    """Fills a program with things whose ids carry its mark and that the other does not have."""
    caller = program.caller("admin", "read", "recommend", "signals")
    site, group, member, action, strategy, payer = (f"{mark}-{noun}" for noun in "sgmaxp")
    for path, body in [
        (f"sites/{site}", {"id": site, "title": mark}),
        (f"groups/{group}", {"id": group, "site": site}),
        (f"members/{member}", {"id": member}),
        (f"actions/{action}", {"id": action, "kind": "nudge", "title": mark}),
        (f"strategies/{strategy}", {"id": strategy, "title": mark, "actions": [action]}),
        (f"budgets/{payer}", {"id": payer, "limit_minor": 1}),
    ]:
        assert caller.put(f"/v1/{path}", body).status_code == 200
    seat = {"member": member, "group": group, "seat": 1, "starts_on": "2026-01-01"}
    assert caller.post(f"/v1/members/{member}/memberships", seat).status_code == 200
    ask = {"member": member, "strategy": strategy}
    decision = caller.post("/v1/recommendations", ask).json()["decision_id"]
    names = {"sites": site, "groups": group, "members": member}
    names |= {"actions": action, "strategies": strategy, "budgets": payer}
    return Side(caller, mark, decision, names)


def crossing(draw: random.Random, theirs: Side) -> tuple[str, str, Any]:
    """A request that names something of the other program, of some kind, in some place."""
    noun = draw.choice(sorted(theirs.names))
    name, member, group = theirs.names[noun], theirs.names["members"], theirs.names["groups"]
    strategy = theirs.names["strategies"]
    report = {"source": "s", "id": str(draw.random()), "kind": "attendance"}
    report |= {"occurred_at": "2026-01-05T00:00:00Z"}
    reports = [report | {"member": member}, report | {"group": group}]
    ways: list[Callable[[], tuple[str, str, Any]]] = [
        lambda: ("GET", f"/v1/{noun}/{name}", None),
        lambda: ("GET", f"/v1/{noun}?limit=1000&after={draw.choice(['', name[:-1], theirs.mark])}", None),
        lambda: ("GET", f"/v1/members/{member}/engagement", None),
        lambda: ("GET", f"/v1/groups/{group}/engagement", None),
        lambda: ("GET", f"/v1/groups/{group}/adviser-candidates", None),
        lambda: ("GET", f"/v1/groups/{group}/members", None),
        lambda: ("GET", f"/v1/groups?state=any&limit=1000&after={group[:-1]}", None),
        lambda: ("GET", f"/v1/groups/{group}/links", None),
        lambda: (
            "POST",
            f"/v1/groups/{group}/links",
            {"relation": "catchment", "starts_on": "2026-01-01", "to": "hill"},
        ),
        lambda: ("POST", f"/v1/groups/{group}/merge", {"into": group, "on": "2026-01-01"}),
        lambda: ("POST", f"/v1/members/{member}/merge", {"into": member}),
        lambda: ("POST", f"/v1/members/{member}/erasure", None),
        lambda: ("GET", f"/v1/decisions/{theirs.decision}", None),
        lambda: ("POST", f"/v1/decisions/{theirs.decision}/answers", {"status": "done"}),
        lambda: ("POST", f"/v1/decisions/{theirs.decision}/outcome", {"reward": 1}),
        lambda: ("GET", f"/v1/worklists/{draw.choice(['adviser', 'staff', member])}", None),
        lambda: ("POST", "/v1/links", {"opens": "worklist", "of": member}),
        lambda: ("POST", "/v1/recommendations", {"member": member}),
        lambda: ("POST", "/v1/recommendations", {"member": "ben", "strategy": strategy}),
        lambda: ("POST", "/v1/recommendations/batch", {"requests": [{"member": member}, {"member": "ben"}]}),
        lambda: ("POST", "/v1/signals", {"signals": reports}),
        lambda: (
            "POST",
            f"/v1/members/{member}/memberships",
            {"member": member, "group": group, "seat": 2, "starts_on": "2026-01-01"},
        ),
    ]
    return draw.choice(ways)()


def everything(own: Side) -> list[bytes]:
    """All that a program shows of itself."""
    paths = [f"/v1/{noun}" for noun in own.names]
    paths += [f"/v1/groups/{own.names['groups']}/members", f"/v1/decisions/{own.decision}"]
    paths += [f"/v1/members/{own.names['members']}/engagement"]
    return [own.caller.get(path).content for path in paths]


def test_a_thousand_random_crossings_meet_nothing_and_leave_nothing(program: Program, other: Program) -> None:
    draw = random.Random(20260301)
    sides = [side(program, "left"), side(other, "right")]
    before = [everything(own) for own in sides]
    for _ in range(CROSSINGS):
        own, theirs = draw.sample(sides, 2)
        method, path, body = crossing(draw, theirs)
        answer = own.caller.call(method, path, json=body)
        assert answer.status_code in (200, 404), (method, path, answer.text)
        if answer.status_code == 200:
            told = answer.text
            for row in (body or {}).get("requests", (body or {}).get("signals", ())):
                told = told.replace(str(row.get("member")), "").replace(str(row.get("group")), "")
            assert theirs.mark not in told, (method, path, answer.text)
            assert theirs.decision not in told
    assert [everything(own) for own in sides] == before


@pytest.mark.parametrize("path", ["/v1/program", "/v1/members", "/v1/sites"])
def test_one_programs_secret_under_anothers_name_opens_neither(
    program: Program, other: Program, path: str
) -> None:
    texts = [program.key("admin")[0], other.key("admin")[0]]
    assert [program.running.stranger(text).get(path).status_code for text in texts] == [200, 200]
    mine, theirs = (text.split("_", 2) for text in texts)
    for mixed in ("_".join([*mine[:2], theirs[2]]), "_".join([*theirs[:2], mine[2]])):
        assert program.running.stranger(mixed).get(path).status_code == 401


def test_the_same_id_in_two_programs_is_two_members(program: Program, other: Program) -> None:
    mine, theirs = program.caller("admin"), other.caller("admin")
    mine.put("/v1/members/ben", {"id": "ben", "language": "te"})
    assert theirs.get("/v1/members/ben").json()["value"]["language"] is None


def test_the_same_event_id_in_two_programs_is_two_reports(program: Program, other: Program) -> None:
    report = {"source": "s", "id": "1", "kind": "attendance", "member": "ben"}
    body = {"signals": [report | {"occurred_at": "2026-01-05T00:00:00Z"}]}
    for caller in (program.caller("signals"), other.caller("signals")):
        assert caller.post("/v1/signals", body).json()["results"][0]["receipt"]["status"] == "stored"
