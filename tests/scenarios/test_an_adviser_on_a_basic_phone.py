"""An adviser on a basic phone.

She speaks Telugu, was trained, and has 60 minutes a month. Her brief comes as voice and as an SMS of at most
three parts. She answers "1 | 1 3 4 6 8 | 3 6" five days late, twice, and once with a wrong seat, which gets
one kind line. In the end all is as in a group whose adviser filled in the form. What she is asked to do in
a month never takes more than 60 minutes. After three refusals she counts as tired: what is asked of her
falls, and a deputy is proposed, with reasons. The adviser of the other group was screened and never trained:
nothing that leads the group is offered there. Everybody here is synthetic.
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
MARCH, APRIL, LATE, MAY = 0, 28, 33, 61
GOALS = [{"seat": seat, "category": "food"} for seat in (3, 4, 6)]
MINUTES = 60
LEADS = {action.id for action in template(DEFAULT_TEMPLATE).actions if action.needs_training}


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


def asked(client: Client, group: str) -> list[Any]:
    """What is recommended for everybody in a group, for the group, and for its adviser."""
    everybody = [{"level": level, "group": group} for level in ("member", "group", "adviser")]
    answers = [row for ask in everybody for row in client.insist("/v1/recommendations/all", ask)["answers"]]
    return [row["recommendation"] for row in answers]


def minutes_of(told: list[Any]) -> int:
    """Minutes that it takes the adviser."""
    return sum(one["action"]["minutes"] for one in told if one["action"]["carrier"] == "adviser")


def report(client: Client, kind: str, group: str, day: float, value: str) -> None:
    """Somebody of staff reports something of the adviser of a group."""
    signal = {"kind": kind, "member": f"{group}-1", "value": value, "reported_by": "staff", "source": "staff"}
    signal |= {"id": f"{group}/{kind}/{value}", "occurred_at": on_day(day)}
    told = client.insist("/v1/signals", {"signals": [signal]})
    assert told["results"][0]["receipt"]["status"] == "stored", told


def refuse(client: Client, times: int) -> None:
    """The adviser declines the first things on her list."""
    tasks = client.get(f"/v1/worklists/{PHONE}-1").json()["tasks"][:times]
    said = [{"decision_id": one["decision_id"], "status": "declined", "reason": "no_time"} for one in tasks]
    assert len(said) == times
    client.insist("/v1/answers", {"answers": said})


def is_screened(client: Client, seat: int) -> None:
    """Of somebody in the group the clinic says that the disease is under control; asked, they say yes."""
    signal = {"member": f"{PHONE}-{seat}", "value": 1, "source": "staff", "occurred_at": on_day(LATE)}
    signal |= {"reported_by": "staff"}
    told = [
        signal | {"id": f"{seat}/{chain}", "kind": "screening_answer", "chain": chain}
        for chain in ("willing", "near")
    ]
    told.append(signal | {"id": f"{seat}/clinic", "kind": "pressure_controlled"})
    client.insist("/v1/signals", {"signals": told})


def untrained_persons_lead_nothing(client: Client) -> None:
    """She was trained, the other adviser was not; and of her no more is asked than her hour."""
    report(client, "training_done", PHONE, LATE - 20, "leading_a_group")
    report(client, "adviser_step", FORM, LATE - 20, "screened")
    trained, untrained = asked(client, PHONE), asked(client, FORM)
    assert not [row for row in untrained if row["action"]["id"] in LEADS]
    refused = {
        (one["action"], one["reason"])
        for row in untrained
        for one in row["unavailable"]
        if one["action"] in LEADS
    }
    assert {"own_practice", "question_of_month", "win_story"} <= {action for action, _ in refused}
    assert {reason for _, reason in refused} == {"untrained"}
    assert "untrained" not in {one["reason"] for row in trained for one in row["unavailable"]}

    assert 0 < minutes_of(trained) <= MINUTES
    items = client.get(f"/v1/decisions?group={PHONE}").json()["items"]
    first = [row["action"] for row in items]
    assert sum(one["minutes"] for one in first if one["carrier"] == "adviser") <= MINUTES
    assert all(one["id"] != NONE for one in first)
    mine = client.get(f"/v1/worklists/{PHONE}-1").json()
    assert (mine["capacity_minutes"], mine["beyond_minutes"]) == (MINUTES, 0)


def three_refusals_mark_her_tired(client: Client) -> None:
    """Then half as much is asked, and a deputy is proposed: who has it under control and would do it."""
    is_screened(client, 3)
    refuse(client, 2)
    path = f"/v1/groups/{PHONE}/adviser-candidates"
    assert client.get(path).json()["looks_for"] is None
    refuse(client, 1)
    assert client.get(f"/v1/worklists/{PHONE}-1").json()["capacity_minutes"] == MINUTES // 2
    seen = client.get(path).json()
    (leader,) = seen["leaders"]
    assert (leader["path"]["step"], leader["path"]["refusals"]) == ("tired", 3)
    assert [one["module"] for one in leader["path"]["modules"]] == ["leading_a_group"]
    assert client.get(f"/v1/members/{PHONE}-1/engagement").json()["advising"]["path"]["step"] == "tired"

    first = seen["candidates"][0]
    assert (seen["looks_for"], first["seat"], first["proposed"]) == ("deputy", 3, True)
    assert first["reasons"][0].startswith("Under control in 1 of 1 reports")
    assert first["reasons"][1:] == [
        "Came to 2 of 2 meetings", "Met 1 of 1 goals", "Would lead the group",
        "Lives near 1 of 1 others, as far as is known",
    ]  # fmt: skip
    found = [one for one in client.get("/v1/worklists/staff").json()["tasks"] if one["group"] == PHONE]
    said = [(one["about"], one["seat"], one["role"], one["why"][1:]) for one in found if one["why"]]
    assert said == [("succession", 3, "deputy", first["reasons"])]


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

        untrained_persons_lead_nothing(client)
        three_refusals_mark_her_tired(client)
        client.move_clock(on_day(MAY))
        assert 0 < minutes_of(asked(client, PHONE)) <= MINUTES // 2
    assert agrees_with_itself(database_url)
