"""What a neighbour must not learn of a member is in nothing that a neighbour's key can read."""

import pytest

from engagement.signals.tally import DAY_MS
from engagement.workflows.carriers import CARRIERS
from engagement.workflows.tell import moment
from support.running import Program

SECRET = ["sabotage", "control", "pressure", "glucose", "motivat", "harm", "referred", "family_", "unsafe"]
"""Parts of words that would give it away."""


@pytest.fixture
def known(program: Program) -> Program:
    """Of ben it is known that the family undermines him, the pressure is high and he has lost heart."""
    now_ms = program.running.service.clock.now_ms()
    told = [("family_sabotage", 1), ("pressure_controlled", 0), ("glucose_controlled", 0), ("motivation", 1)]
    told += [("attendance", 1), ("not_safe_at_home", 1)]
    signals = [
        {"source": "clinic", "id": kind, "kind": kind, "value": value, "member": "ben"}
        | {"occurred_at": moment(now_ms - DAY_MS).isoformat()}
        for kind, value in told
    ]
    signals.append(
        {"source": "clinic", "id": "answered", "kind": "referral_answered", "member": "ben"}
        | {"occurred_at": moment(now_ms - DAY_MS // 2).isoformat()}
    )
    answer = program.caller("signals").post("/v1/signals", {"signals": signals}).json()
    assert all("receipt" in result for result in answer["results"])
    admin = program.caller("admin")
    invitation = {"kind": "nudge", "id": "together", "title": "Come together", "contacts_family": True}
    strategy = {"id": "sees-all", "title": "Sees all", "actions": ["together", "win_story"]}
    strategy |= {"features": ["attendance", "sabotage", "pressure_controlled", "motivation"]}
    assert admin.put("/v1/actions/together", invitation).status_code == 200
    assert admin.put("/v1/strategies/sees-all", strategy).status_code == 200
    return program


def everything(program: Program, audience: str) -> dict[str, str]:
    """All that a key with this audience can read of ben, by where."""
    reader = program.caller("recommend", "read", audience=audience)  # type: ignore[arg-type]  # one of the five
    asked = reader.post("/v1/recommendations", {"member": "ben", "strategy": "sees-all"})
    batch = reader.post(
        "/v1/recommendations/batch", {"requests": [{"member": "ben", "strategy": "sees-all"}]}
    )
    decision = asked.json()["decision_id"]
    return {"asked": asked.text, "batch": batch.text} | {
        path: reader.get(path).text
        for path in (
            f"/v1/decisions/{decision}",
            "/v1/members/ben/engagement",
            "/v1/groups/north/engagement",
            "/v1/groups/north/adviser-candidates",
            "/v1/groups/north/members",
            "/v1/referrals",
            "/v1/exports/register.csv",
            "/v1/exports/roster.csv",
            "/fhir/R4/Task",
            "/fhir/R4/CommunicationRequest",
            "/fhir/R4/Group",
            *(
                f"/v1/worklists/{name}?format={form}"
                for name in CARRIERS
                for form in ("json", "html", "text")
            ),
        )
    }


@pytest.mark.parametrize("audience", ["group", "adviser"])
def test_a_neighbour_reads_nothing_of_it_anywhere(known: Program, audience: str) -> None:
    for place, text in everything(known, audience).items():
        told = text.lower()
        assert [word for word in SECRET if word in told] == [], place


def test_staff_read_it_so_there_was_something_to_hide(known: Program) -> None:
    read = " ".join(everything(known, "staff").values())
    for word in ("sabotage", "pressure_controlled", "motivation", "family_unsafe", "Under control in 0 of"):
        assert word in read


def test_an_open_case_is_no_more_than_not_now_to_a_neighbour(known: Program) -> None:
    now = moment(known.running.service.clock.now_ms()).isoformat()
    report = {"source": "app", "id": "x", "kind": "harm", "member": "ben", "occurred_at": now}
    known.caller("signals").post("/v1/signals", {"signals": [report]})
    for audience, withheld in (("adviser", "not_now"), ("staff", "referred")):
        reader = known.caller("recommend", "read", audience=audience)  # type: ignore[arg-type]  # one of the five
        answer = reader.post("/v1/recommendations", {"member": "ben"}).json()
        assert (answer["withheld"], answer["referral"] is None) == (withheld, audience == "adviser")
        listed = reader.get("/v1/referrals").json()["items"]
        assert [row["member"] for row in listed] == ([] if audience == "adviser" else ["ben"])
