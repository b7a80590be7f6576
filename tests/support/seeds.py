"""Requests to mutate: the examples of the description after they were played, and those of other protocols.

Everything in them is synthetic.
"""

import json
from typing import Any, NamedTuple

import httpx

from engagement.api import examples
from engagement.clock import SimulatedClock
from engagement.store.kept import Kept
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.example import load_example
from support import commcare
from support.contract import FROZEN
from support.examples import START_MS, play
from support.files import PROGRAM
from support.forms import forms
from support.fuzzing import PATIENCE_S, Seed
from support.running import Caller, running

JSON = "application/json"
FORMS, CASES = "/adapters/commcare/forms", "/adapters/commcare/cases"
MAP, RAPIDPRO = "/adapters/commcare/mapping", "/adapters/rapidpro/recommendation"
LAST = {
    "move_clock": ("POST", "/v1/clock"),
    "change_trial": ("PUT", "/v1/trials/{name}"),
    "assign_groups": ("POST", "/v1/trials/{name}/assignments"),
    "read_assignments": ("GET", "/v1/trials/{name}/assignments"),
    "erase_member": ("POST", "/v1/members/{name}/erasure"),
    "read_trial": ("GET", "/v1/trials/{name}"),
    "share_visits": ("POST", "/v1/plans/019b8cbd-af00-7000-8000-000000000000/share"),
    "stop_program": ("POST", "/v1/program/stop"),
    "resume_program": ("POST", "/v1/program/resume"),
}
"""Examples that are not played: behind them little could be asked any more. Their ids are no decision's."""


class Lived(NamedTuple):
    """A database in which every example has been played.

    now_ms : where its clock stands      words : names of fields, choices, and what stands in the answers
    """

    url: str
    key: str
    now_ms: int
    seeds: list[Seed]
    words: tuple[str, ...]


def lived(url: str) -> Lived:
    """Plays every example on a migrated database, and asks for more that can be answered."""
    clock = SimulatedClock(START_MS)
    with running(url, clock=clock, deadline_ms=600_000) as here:
        made = load_example(here.service.db, Kept(), clock.now_ms())
        with here.service.db.write() as conn:  # one that lasts, wherever the clock is moved
            key = create_key(conn, made.program_id, SCOPES, "research", clock.now_ms(), None).text
        caller = here.stranger(key)
        played = list(play(caller, [step for step in examples.STEPS if step["operation"] not in LAST]))
        requests = [answer.request for _, answer in played]
        seeds = [seed_of(row.method, row.url.raw_path.decode(), row.headers, row.content) for row in requests]
        words = set(words_of(json.loads(FROZEN.read_text())))
        for step, answer in played:
            words.update(words_of(step.get("body")))
            if answer.headers["content-type"] == JSON and len(answer.content) < 20_000:
                words.update(words_of(answer.json()))
        seeds += [last(step) for step in examples.STEPS if step["operation"] in LAST]
        seeds += [put(caller, path) for path in IN_USE]
        seeds += later(caller, words)
        seeds += foreign()
        seeds += sheets(caller)
        seeds += filled_in(caller)
        return Lived(url, key, clock.now_ms(), seeds, tuple(sorted(words)))


def seed_of(method: str, path: str, headers: Any, body: bytes) -> Seed:
    """A request with the headers that matter to the service."""
    kept = tuple((name, headers[name]) for name in ("content-type", "if-match") if name in headers)
    return Seed(method, path, kept, body)


def post(path: str, body: Any, media_type: str = JSON) -> Seed:
    """A seed that is sent."""
    return as_json("POST", path, body, media_type)


def words_of(value: Any) -> list[str]:
    """Every name and every short text in a value."""
    if isinstance(value, dict):
        found = [word for name, part in value.items() for word in (name, *words_of(part))]
    elif isinstance(value, list):
        found = [word for part in value for word in words_of(part)]
    else:
        found = [value] if isinstance(value, str) else []
    return [word for word in found if len(word) <= 64]


def as_json(method: str, path: str, body: Any, media_type: str = JSON) -> Seed:
    """A seed with a body in JSON."""
    return Seed(method, path, (("content-type", media_type),), json.dumps(body).encode())


def last(step: dict[str, Any]) -> Seed:
    """An example as it stands in the file."""
    method, path = LAST[step["operation"]]
    for name, value in step.get("path", {}).items():
        path = path.replace(f"{{{name}}}", value)
    return as_json(method, path, step["body"]) if "body" in step else Seed(method, path, (), b"")


IN_USE = (
    "sites/site-1",
    "groups/g1",
    "members/g1-m2",
    "actions/goal_reminder",
    "strategies/learned",
    "strategies/group_learned",
    "health_workers/asha-7",
    "budgets/program",
)
"""What decisions are made with: stored again, changed."""


def put(caller: Caller, path: str) -> Seed:
    """A thing of the set-up as it stands, to be stored."""
    return as_json("PUT", f"/v1/{path}", caller.get(f"/v1/{path}").raise_for_status().json()["value"])


def later(caller: Caller, words: set[str]) -> list[Seed]:
    """What can still be answered: suggestions that are open."""
    seeds = []
    for group in ("g1", "g2"):
        told = caller.post("/v1/recommendations/all", {"group": group}).raise_for_status().json()
        words.update(words_of(told))
        found = [row["recommendation"]["decision_id"] for row in told["answers"] if row.get("recommendation")]
        for name in list(filter(None, found))[:4]:
            of = {"decision_id": name}
            task = of | {"id": name, "rev": "1-aa", "reported_at": 1772703000000, "member": "g1-m1"}
            seeds += [
                post(f"/v1/decisions/{name}/answers", {"status": "done"}),
                post(f"/v1/decisions/{name}/outcome", {"reward": 0.5}),
                post("/adapters/rapidpro/answer", of | {"status": "accepted", "reason": ""}),
                post("/adapters/cht/records", task | {"status": "declined", "reason": "not_home"}),
            ]
    return seeds


EVENT = {
    "specversion": "1.0",
    "source": "register",
    "id": "e1",
    "type": "attendance",
    "subject": "member/g1-m1",
    "time": "2026-01-04T10:00:00+05:30",
    "data": {"member": "g1-m1", "value": 1},
    "partitionkey": "7",
}
HELD = EVENT | {"id": "e3", "type": "meeting_held", "subject": "group/g1", "data": {}}
RANK: dict[str, Any] = {
    "contextFeatures": [{"time": "morning", "steps": 0.4}, {"user": {"weekend": True}}],
    "actions": [
        {"id": "call", "features": [{"kind": "voice", "minutes": 0.2}]},
        {"id": "story", "features": [{"kind": "text"}]},
        {"id": "nothing", "features": []},
    ],
    "eventId": "e-1",
    "deferActivation": False,
}
SLOTS = [
    {"id": "top", "baselineAction": "call", "features": [{"size": "large"}], "excludedActions": []},
    {"id": "side", "baselineAction": "story", "features": [], "excludedActions": ["call"]},
]
CONFIGURATION = {
    "rewardWaitTime": "PT10M",
    "defaultReward": 0.0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1H",
    "logRetentionDays": 90,
    "modelRetrainDays": 0,
    "learningMode": "Online",
}


def foreign() -> list[Seed]:
    """What other systems send."""
    headers = [(f"ce-{name}", str(value)) for name, value in EVENT.items() if name != "data"]
    about = {"targetingKey": "g1-m1"}
    seeds = [
        post("/v1/events", EVENT, "application/cloudevents+json"),
        post("/v1/events", [EVENT, EVENT | {"id": "e2"}, HELD], "application/cloudevents-batch+json"),
        Seed("POST", "/v1/events", (("content-type", JSON), *headers), b'{"value":1}'),
        post("/ofrep/v1/evaluate/flags/learned", {"context": about | {"steps": 1}}),
        post("/ofrep/v1/evaluate/flags/group_learned", {"context": about | {"valueType": "object"}}),
        post("/ofrep/v1/evaluate/flags", {"context": about | {"decisionPoint": "m7", "flags": ["learned"]}}),
        post(FORMS, commcare.form("f-1", "home-visit", "g1-m1", answers={"medicine": "1"})),
        post(CASES, commcare.case("g1-m1", "member", status="present", steps="3")),
        Seed("PUT", MAP, (("content-type", "application/toml"),), commcare.MAPPING.encode()),
        post(RAPIDPRO, {"member": "g1-m3", "group": "", "strategy": "", "decision_point": "w9"}),
    ]
    for version in ("personalizer/v1.0", "personalizer"):
        of_slots = RANK | {"slots": SLOTS, "eventId": "e-2"}
        seeds += [
            post(f"/{version}/rank", RANK | {"excludedActions": ["nothing"]}),
            post(f"/{version}/multislot/rank", of_slots),
            post(f"/{version}/events/e-1/reward", {"value": 0.5}),
            post(f"/{version}/events/e-1/activate", {}),
            post(f"/{version}/multislot/events/e-2/reward", {"reward": [{"slotId": "top", "value": 1.0}]}),
            post(f"/{version}/multislot/events/e-2/activate", {}),
            as_json("PUT", f"/{version}/configurations/service", CONFIGURATION),
        ]
    return seeds


def sheets(caller: Caller) -> list[Seed]:
    """Rosters and registers as the service itself gives them out, in both forms."""
    seeds = []
    for name, to in (("roster", "/v1/imports/roster"), ("register", "/v1/register")):
        for ending in ("csv", "xlsx"):
            query = "?group=g1&month=2026-02" if name == "register" else "?group=g1"
            answer = caller.get(f"/v1/exports/{name}.{ending}{query}").raise_for_status()
            seeds.append(seed_of("POST", to, answer.headers, answer.content))
    return seeds


FILES = {
    "roster": "group,member,seat\ng1,g1-m1,1\ng1,g1-m9,9\n",
    "register": "group,date,seat,came,goal_set,goal\ng2,2026-01-03,2,yes,,\n",
    "file": PROGRAM.decode(),
}


def filled_in(caller: Caller) -> list[Seed]:
    """The forms of the console, of somebody who stays signed in, and of the pages behind links."""
    found, address = [], caller.client.base_url
    for wanted in ({"opens": "brief", "of": "g1"}, {"opens": "worklist", "of": "adviser"}):
        told = caller.post("/v1/links", wanted | {"hours": 72, "audience": "adviser"}).raise_for_status()
        with httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
            found += list(forms(client, told.json()["path"], FILES, 3))
    with httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        assert client.post("/console/sign-in", data={"key": caller.key}).status_code == 303
        found += list(forms(client, "/console", FILES, 60))
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return [
        Seed("POST", one.path, (("content-type", one.media_type), ("cookie", cookie)), one.body)
        for one in found
        if not one.path.endswith("sign-out")
    ]
