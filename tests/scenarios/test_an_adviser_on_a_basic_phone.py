"""An adviser on a basic phone.

She speaks Telugu, was trained, and has 60 minutes a month. Her brief comes as voice and as an SMS of at most
three parts. She answers "1 | 1 3 4 6 8 | 3 6" five days late, twice, and once with a wrong seat, which gets
one kind line. In the end all is as in a group whose adviser filled in the form. What she is asked to do in
a month never takes more than 60 minutes. Everybody here is synthetic.
"""

from pathlib import Path
from typing import Any

import msgspec

from engagement.actions.action import NONE
from engagement.actions.content import parts
from engagement.signals.rhythm import EveryWeeks
from engagement.strategy.setup import Group
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from support.ledger import agrees_with_itself
from support.service import START, Client, client_of, new_program, on_day, running_service

SEATS = (1, 2, 3, 4, 5, 6, 7, 8)
PHONE, FORM = "phone", "form"
ROSTER = "group,member,seat,role,joined_on\n" + "".join(
    f"{group},{group}-{n},{n},{'adviser' if n == 1 else 'member'},2025-01-01\n"
    for group in (PHONE, FORM)
    for n in SEATS
)
MARCH, APRIL, LATE = 0, 28, 33
GOALS = [{"seat": seat, "category": "food"} for seat in (3, 4, 6)]
MINUTES = 60


def pictures(client: Client, group: str) -> str:
    """How the group and everybody in it are doing, and what its next brief says, without their names."""
    seen: list[Any] = [client.get(f"/v1/groups/{group}/engagement").json()]
    seen += [client.get(f"/v1/members/{group}-{n}/engagement").json() for n in SEATS]
    brief = client.get(f"/v1/groups/{group}/brief").json()
    for goal in brief["goals"]:
        goal.pop("chain")  # made from the group's name
    for member in seen:
        for goal in member["open_goals"]:
            goal.pop("chain")
    return msgspec.json.encode([*seen, brief]).decode().replace(f"{group}-", "-").replace(f'"{group}"', '"-"')


def answer(client: Client, text: str) -> Any:
    return client.insist(f"/v1/groups/{PHONE}/month", {"text": text})


def asked_minutes(client: Client) -> int:
    """Minutes of all that the adviser of one group is asked to do, in answers to everybody's requests."""
    minutes = 0
    for level in ("member", "group"):
        everybody = {"level": level, "group": PHONE}
        for row in client.insist("/v1/recommendations/all", everybody)["answers"]:
            action = row["recommendation"]["action"]
            minutes += action["minutes"] if action["carrier"] == "adviser" else 0
    ask = {"member": f"{PHONE}-1", "strategy": "adviser_learned"}
    advice = client.insist("/v1/recommendations", ask)["action"]
    return minutes + (advice["minutes"] if advice["carrier"] == "adviser" else 0)


def test_an_adviser_on_a_basic_phone(database_url: str, tmp_path: Path) -> None:
    shipped = template(DEFAULT_TEMPLATE)
    rhythm = EveryWeeks(first_on=START.date())
    groups = tuple(
        Group(id=name, site=shipped.sites[0].id, rhythm=rhythm, language="te") for name in (PHONE, FORM)
    )
    made = new_program(database_url, ROSTER, msgspec.structs.replace(shipped, groups=groups))
    with (
        running_service(database_url, tmp_path, on_day(MARCH)) as service,
        client_of(service, made.key) as client,
    ):
        for group in (PHONE, FORM):
            client.put(f"/v1/members/{group}-1", {"id": f"{group}-1", "phone": "basic", "language": "te"})
            month = {"held": True, "present": [*SEATS], "new_goals": GOALS}
            client.insist(f"/v1/groups/{group}/month", month)

        client.move_clock(on_day(APRIL - 1))
        sms = client.get(f"/v1/groups/{PHONE}/brief?format=sms").json()
        assert sms["parts"] == parts(sms["text"]) <= 3
        assert (sms["alphabet"], sms["language"], sms["whole"]) == ("UCS-2", "te", True)
        assert "3 4 6" in sms["text"]
        voice = client.get(f"/v1/groups/{PHONE}/brief?format=voice").json()
        assert max(section["seconds"] for section in voice["sections"]) <= 60
        assert any("సీటు 4" in section["text"] for section in voice["sections"])

        client.move_clock(on_day(APRIL))
        form = {"held": True, "present": [1, 3, 4, 6, 8], "met": [3, 6]}
        client.insist(f"/v1/groups/{FORM}/month", form)
        client.move_clock(on_day(LATE))
        wrong = answer(client, "1 | 1 3 4 6 8 12 | 3 6")
        assert wrong["wrong"] == [{"where": "present", "said": "12"}]
        assert (wrong["status"], wrong["meeting"], wrong["language"]) == ("stored", on_day(APRIL)[:10], "te")
        assert "12" in wrong["reply"]
        assert len(wrong["reply"].splitlines()) == 1
        assert answer(client, "1 | 1 3 4 6 8 | 3 6")["status"] == "stored"
        assert answer(client, "1 | 1 3 4 6 8 | 3 6")["status"] == "unchanged"
        assert pictures(client, PHONE) == pictures(client, FORM)
        assert '"asked_before":false' in pictures(client, PHONE)  # seat 4's goal, of which nobody spoke

        assert asked_minutes(client) <= MINUTES
        first = [row["action"] for row in client.get(f"/v1/decisions?group={PHONE}").json()["items"]]
        assert sum(one["minutes"] for one in first if one["carrier"] == "adviser") <= MINUTES
        assert all(one["id"] != NONE for one in first)
    assert agrees_with_itself(database_url)
