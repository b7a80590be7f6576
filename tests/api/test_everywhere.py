"""Every signal of a member is a canary, and every address that can be read is read with a neighbour's key.

Whatever a neighbour may not see of a member must be in none of it: not the name of the report, its source or
its chain, and not the word for what was observed. A new address is in this test by itself.
"""

import re
from collections.abc import Iterator

import httpx
import pytest

from engagement.api.console import PAGES
from engagement.signals.catalogue import CATALOGUE
from engagement.signals.signal import Audience, Signal, may_see
from engagement.signals.tally import DAY_MS
from engagement.workflows.tell import moment
from support.running import Program

CANARY = "canary4711"
OF_NOBODY = {
    "/schema",
    "/schema/openapi.json",
    "/metrics",
    "/metrics/programs",
    "/health/live",
    "/health/ready",
}
"""What needs no key tells of no person: `test_canary.py` looks for one there."""
OF_ALL = ("/v1/program", "/v1/actions", "/v1/strategies", "/v1/exports/register")
"""Set-up and an empty form: these speak of kinds, and of nobody in particular."""
ORDINARY = {"left", "moved", "died", "harm", "complaint", "distress"}
"""Kinds that are called by a word which pages use for other things, too."""
SAID = ("sabotage", "pressure", "eard from")
"""What pages and answers say of such reports in words of their own, to health workers and staff alone."""
FORMS = ("", "?format=html", "?format=text", "?format=csv", "?format=sms", "?format=voice")
HIDDEN = (
    "/fhir/R4/metadata",
    "/fhir/R4/Task",
    "/fhir/R4/CommunicationRequest",
    "/fhir/R4/Group",
    "/fhir/R4/Group/north",
)
SUBJECTS = {
    "member_id": "ben",
    "group_id": "north",
    "carrier": "adviser",
    "decision_id": "{decision}",
    "plan_id": "{decision}",
    "link_id": "0123456789abcdef",
}
NAMES = {
    "members": "ben",
    "groups": "north",
    "sites": "site-1",
    "health_workers": "worker",
    "actions": "win_story",
    "strategies": "sees-all",
    "budgets": "program",
}
OF_CONSOLE = {"member": "ben", "ends": "site-1", "why": "{decision}"}


def canary(signal: Signal) -> str:
    """What stands in everything that a caller may name in a report of this kind."""
    return f"{CANARY}-{signal.kind}-x"


@pytest.fixture
def known(program: Program) -> Program:
    """Of ben everything has been reported that can be of a member; then his cases were answered."""
    now_ms = program.running.service.clock.now_ms()
    ago = moment(now_ms - DAY_MS).isoformat()
    admin = program.caller("admin", "signals")
    admin.put("/v1/health_workers/worker", {"id": "worker"}).raise_for_status()
    reports = [
        {"source": canary(one), "id": canary(one), "kind": one.kind, "value": one.low, "member": "ben"}
        | {"occurred_at": ago, "reported_by": one.reported_by[0]}
        | ({} if one.chain == "never" else {"chain": canary(one)})
        for one in CATALOGUE
        if one.level == "member" and one.kind not in ("left", "moved", "died", "stopped_messages")
    ]
    told = admin.post("/v1/signals", {"signals": reports}).json()["results"]
    assert [row["problem"] for row in told if "problem" in row] == []
    consent = {"messages": True, "health_worker": True, "family": True}
    barriers = {"barriers": {"sabotage": "yes", "motivation": "yes"}, "barriers_checked_on": "2026-01-01"}
    admin.put("/v1/members/ben", {"id": "ben", "consent": consent} | barriers).raise_for_status()
    strategy = {"id": "sees-all", "title": "Sees all", "actions": ["win_story"]}
    strategy |= {"features": ["attendance", "sabotage", "pressure_controlled", "motivation"]}
    admin.put("/v1/strategies/sees-all", strategy).raise_for_status()
    return program


def addresses(program: Program) -> Iterator[str]:
    """Every address of the description that is read, with its blanks filled in."""
    for path, methods in program.running.client.get("/schema/openapi.json").json()["paths"].items():
        if "get" not in methods or path in OF_NOBODY:
            continue
        noun = path.split("/")[2]
        filled = path.replace("{name}", NAMES.get(noun, "none"))
        for blank, name in SUBJECTS.items():
            filled = filled.replace(f"{{{blank}}}", name)
        more = FORMS if path.endswith(("/brief", "/worklists/{carrier}")) else ("",)
        yield from (filled + form for form in more)
        if path.endswith("/worklists/{carrier}"):
            yield from (f"/v1/worklists/{name}" for name in ("ana", "worker", "staff", "app"))
    yield from HIDDEN


def everything(program: Program, audience: Audience) -> dict[str, str]:
    """All that somebody of an audience can read, by where: with a key, through links, in the console."""
    key = program.key("recommend", "signals", "read", "research", audience=audience)[0]
    out: dict[str, str] = {}
    with httpx.Client(base_url=program.running.address, timeout=30) as reader:
        reader.headers["Authorization"] = f"Bearer {key}"
        asked = reader.post("/v1/recommendations", json={"member": "ben", "strategy": "sees-all"})
        out["a recommendation"] = asked.text
        decision = asked.json()["decision_id"] or "019cd670-2640-7164-a952-b8ae95457bdd"
        for path in addresses(program):
            answer = reader.get(path.replace("{decision}", decision))
            assert answer.status_code < 500, path
            out[path] = answer.text
        for path, body in (
            ("/adapters/rapidpro/brief", {"group": "north", "phone": "smart"}),
            ("/adapters/rapidpro/recommendation", {"member": "ben"}),
            ("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "ben", "flags": ["sees-all"]}}),
            ("/v1/recommendations/all", {"group": "north"}),
            ("/v1/groups/north/month", {"text": "1 | 1 2 | 2"}),
        ):
            out[path] = reader.post(path, json=body).text
        for opens, of in (("brief", "north"), ("worklist", "ana"), ("worklist", "adviser")):
            link = reader.post("/v1/links", json={"opens": opens, "of": of}).json()
            if "path" in link:
                out[f"a link to {opens} of {of}"] = reader.get(link["path"]).text
        del reader.headers["Authorization"]
        assert reader.post("/console/sign-in", data={"key": key}).status_code == 303
        for page in PAGES:
            of = OF_CONSOLE.get(page.name, "north").replace("{decision}", decision)
            where = "/console" + re.sub(r"\{[^}]*\}", of, page.path)
            out[where] = reader.get(where).text
    return out


def told(place: str, text: str, one: Signal) -> bool:
    """Whether a text gives away that this was reported of somebody."""
    if one.kind in ORDINARY or place.startswith(OF_ALL):
        return canary(one) in text
    return canary(one) in text or re.search(rf"(?<![a-z_]){one.kind}(?![a-z_])", text) is not None


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_what_an_audience_may_not_see_is_in_nothing_it_can_read(known: Program, audience: Audience) -> None:
    hidden = [one for one in CATALOGUE if one.level == "member" and not may_see(audience, one.audience)]
    assert hidden
    found = everything(known, audience)
    assert len(found) > 80
    leaks = [(place, one.kind) for place, text in found.items() for one in hidden if told(place, text, one)]
    assert leaks == [], "\n".join(map(str, leaks))
    if audience != "health_worker":
        words = {place: [word for word in SAID if word in text] for place, text in found.items()}
        assert {place: said for place, said in words.items() if said and not place.startswith(OF_ALL)} == {}


def test_staff_read_of_it_so_there_was_something_to_hide(known: Program) -> None:
    found = " ".join(everything(known, "staff").values())
    assert [word for word in (CANARY, *SAID) if word not in found] == []
