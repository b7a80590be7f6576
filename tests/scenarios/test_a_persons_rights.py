"""A person's rights, a neighbour's eyes.

A member whose every name is a canary (her id, the sources and ids of what is reported of her, the chains it
belongs to) says that her family works against her, and the clinic that her pressure is not under control.
The adviser is a neighbour: her brief, its voice and its SMS, her work list in every form, the pages that her
links open and every reason she can ask for hold no canary, no barrier and no clinical value. The member then
wants no more chance: the next pick is the fixed order's, and so recorded. Then no more messages: the very
next answer is `none`, and nothing waits for her any longer. Everybody here is synthetic.
"""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

from engagement.store.database import Database
from engagement.store.keys import Scope
from engagement.workflows.access import create_key
from support.service import START_MS, Client, client_of, new_program, on_day, running_service

CANARY = "canary4711"
HER = f"{CANARY}-id"
SECRET = (CANARY, "sabotage", "pressure", "glucose", "control", "family_", "motivation")
IDS = re.compile(r'"(?:member|chain)":"[^"]*"')
"""What an app is told in order to report about it; none of it stands on a page or in a message."""
NEAR: tuple[Scope, ...] = ("recommend", "signals", "read")
"""What the app in the adviser's hand may do."""
ROSTER = "\n".join(
    [
        "group,setting,seat,member,role,joined_on,chance,health_worker",
        "g1,urban,1,g1-adviser,adviser,2025-01-01,yes,yes",
        f"g1,urban,2,{HER},member,2025-01-01,yes,yes",
        *(f"g1,urban,{seat},g1-m{seat},member,2025-01-01,yes,yes" for seat in range(3, 9)),
    ]
)


def reported(client: Client) -> None:
    """What is said of her, and that she met nobody lately."""
    kinds = {"family_sabotage": 1, "pressure_controlled": 0, "glucose_controlled": 0, "motivation": 1}
    told = [
        {"kind": kind, "value": value, "member": HER, "source": f"{CANARY}-source", "id": f"{CANARY}/{kind}"}
        | {"occurred_at": on_day(-1)}
        for kind, value in kinds.items()
    ]
    goal = {"kind": "goal_set", "value": "medicine", "member": HER, "chain": f"{CANARY}-goal"}
    told.append(goal | {"source": f"{CANARY}-source", "id": f"{CANARY}/goal", "occurred_at": on_day(-20)})
    told += [
        {"kind": "attendance", "value": int(seat > 2), "source": "register", "id": f"{name}/{seat}"}
        | {"member": name, "occurred_at": on_day(-20)}
        for seat, name in [(2, HER), *((n, f"g1-m{n}") for n in range(3, 9))]
    ]
    results = client.insist("/v1/signals", {"signals": told})["results"]
    assert [row["receipt"]["status"] for row in results] == ["stored"] * len(told)


def barriers(client: Client) -> None:
    """The check at joining says the same."""
    member = client.get(f"/v1/members/{HER}").json()["value"]
    known = {"sabotage": "yes", "motivation": "yes", "money": "no", "awareness": "no", "time": "no"}
    changed = member | {
        "barriers": known,
        "barriers_checked_on": on_day(-30)[:10],
        "conditions": ["diabetes"],
    }
    client.put(f"/v1/members/{HER}", changed).raise_for_status()


def seen_by_neighbour(reader: Client) -> dict[str, str]:
    """All that the adviser's key, her pages and her phone can show her, by where."""
    found = {"everybody": reader.post("/v1/recommendations/all", {"group": "g1"}).text}
    paths = [
        *(f"/v1/groups/g1/brief?format={form}" for form in ("json", "html", "sms", "voice")),
        *(f"/v1/worklists/g1-adviser?format={form}" for form in ("json", "html", "text", "csv")),
        "/v1/groups/g1/engagement",
        "/v1/groups/g1/adviser-candidates",
        "/v1/referrals",
    ]
    for path in paths:
        answer = reader.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found[path] = answer.text
    for opens, of in (("brief", "g1"), ("worklist", "g1-adviser")):
        link = reader.post("/v1/links", {"opens": opens, "of": of}).json()["path"]
        found[f"link to a {opens}"] = reader.get(link).text
    return found


def consents(client: Client, **changes: bool) -> None:
    member = client.get(f"/v1/members/{HER}").json()["value"]
    changed = member | {"consent": member["consent"] | changes}
    client.put(f"/v1/members/{HER}", changed).raise_for_status()


def asked(client: Client, point: str) -> Any:
    return client.insist("/v1/recommendations", {"member": HER, "decision_point": point})


def test_a_persons_rights(database_url: str, tmp_path: Path) -> None:
    made = new_program(database_url, ROSTER)
    with closing(Database(database_url)) as db, db.write() as conn:
        near = create_key(conn, made.program_id, NEAR, "adviser", START_MS, None).text
    with (
        running_service(database_url, tmp_path, on_day(0)) as service,
        client_of(service, made.key) as client,
        client_of(service, near) as neighbour,
    ):
        reported(client)
        barriers(client)
        told = client.get(f"/v1/members/{HER}").text + client.get("/v1/groups/g1/adviser-candidates").text
        assert "sabotage" in told
        assert "Under control in 0 of" in told  # so there is something to hide
        for place, text in seen_by_neighbour(neighbour).items():
            shown = IDS.sub("", text if "csv" not in place else text.replace(HER, "")).lower()
            assert [word for word in SECRET if word in shown] == [], place

        drawn = asked(client, "first")
        client.insist(f"/v1/decisions/{drawn['decision_id']}/answers", {"status": "done"})
        consents(client, chance=False)
        fixed = asked(client, "second")
        assert (fixed["randomised"], fixed["fallback"]) == (False, "chance_declined")
        assert fixed["probability"] == 1.0
        kept = client.get(f"/v1/decisions/{fixed['decision_id']}").json()
        assert kept["recommendation"]["fallback"] == "chance_declined"

        consents(client, messages=False)
        silent = asked(client, "third")
        assert (silent["withheld"], silent["decision_id"], silent["action"]["id"]) == (
            "messages_declined",
            None,
            "none",
        )
        waiting = client.get("/v1/worklists/g1-adviser").json()["tasks"]
        assert HER not in {task.get("member") for task in waiting}
