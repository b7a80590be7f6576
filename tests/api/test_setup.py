"""The set-up: listing, reading and changing every noun of it."""

from itertools import chain
from typing import Any

import pytest

from engagement.signals.signal import Audience
from support.running import Caller, Program

NOUNS: list[tuple[str, dict[str, Any]]] = [
    ("sites", {"id": "new", "title": "A new site"}),
    ("groups", {"id": "new", "site": "site-1"}),
    ("members", {"id": "new"}),
    ("actions", {"id": "new", "kind": "nudge", "title": "Something new"}),
    ("strategies", {"id": "new", "title": "A new way", "actions": ["win_story"]}),
    ("budgets", {"id": "new", "limit_minor": 100}),
    ("health_workers", {"id": "new", "minutes_a_visit": 30}),
]
each_noun = pytest.mark.parametrize(("plural", "thing"), NOUNS, ids=[plural for plural, _ in NOUNS])


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("admin")


@each_noun
def test_a_new_thing_is_stored_and_read_back(caller: Caller, plural: str, thing: dict[str, Any]) -> None:
    stored = caller.put(f"/v1/{plural}/new", thing)
    assert (stored.status_code, stored.json()["revision"]) == (200, 1)
    assert stored.json()["value"].items() >= thing.items()
    assert caller.get(f"/v1/{plural}/new").json() == stored.json()


@each_noun
def test_storing_the_same_twice_changes_nothing(caller: Caller, plural: str, thing: dict[str, Any]) -> None:
    bodies = [caller.put(f"/v1/{plural}/new", thing).content for _ in range(2)]
    assert bodies[0] == bodies[1]


@each_noun
def test_every_list_is_read_page_by_page_without_gap_or_repetition(
    caller: Caller, plural: str, thing: dict[str, Any]
) -> None:
    for name in ("p1", "p2", "p3"):
        assert caller.put(f"/v1/{plural}/{name}", thing | {"id": name}).status_code == 200
    whole = [row["value"]["id"] for row in caller.get(f"/v1/{plural}").json()["items"]]
    pages, after = [], ""
    while after is not None:
        page = caller.get(f"/v1/{plural}", params={"after": after, "limit": 2}).json()
        pages += [[row["value"]["id"] for row in page["items"]]]
        after = page["next"]
    assert list(chain(*pages)) == whole == sorted(whole)
    assert {len(page) for page in pages[:-1]} == {2}
    assert pages[-1]


@each_noun
def test_an_id_other_than_the_addresss_is_refused(caller: Caller, plural: str, thing: dict[str, Any]) -> None:
    answer = caller.put(f"/v1/{plural}/old", thing)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "the address says `old`, the body's `id` says `new`"


@each_noun
def test_an_unknown_field_is_refused_by_name(caller: Caller, plural: str, thing: dict[str, Any]) -> None:
    answer = caller.put(f"/v1/{plural}/new", thing | {"phone": "1"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "phone")
    assert caller.get(f"/v1/{plural}/new").status_code == 404


@each_noun
def test_what_does_not_exist_is_not_found(caller: Caller, plural: str, thing: dict[str, Any]) -> None:
    assert caller.get(f"/v1/{plural}/{thing['id']}").status_code == 404


def test_a_change_is_a_new_revision(caller: Caller) -> None:
    caller.put("/v1/sites/new", {"id": "new", "title": "First"})
    changed = caller.put("/v1/sites/new", {"id": "new", "title": "Second"}).json()
    assert (changed["revision"], changed["value"]["title"]) == (2, "Second")


def test_the_program_is_read_and_changed_under_its_own_address(caller: Caller) -> None:
    standing = caller.get("/v1/program").json()
    changed = caller.put("/v1/program", standing["value"] | {"title": "Renamed"}).json()
    assert (changed["revision"], changed["value"]["title"]) == (standing["revision"] + 1, "Renamed")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "a\u0000", "A" * 300, "Asia"])
def test_a_time_zone_must_exist(caller: Caller, zone: str) -> None:
    standing = caller.get("/v1/program").json()["value"]
    assert caller.put("/v1/program", standing | {"time_zone": zone}).status_code == 400


def test_what_a_strategy_has_learned_by_cannot_change(caller: Caller) -> None:
    standing = caller.get("/v1/strategies/learned").json()["value"]
    answer = caller.put("/v1/strategies/learned", standing | {"actions": standing["actions"][::-1]})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:engagement:problem:conflict")


def test_a_member_is_seated_moved_and_seated_again_without_change(caller: Caller) -> None:
    path = "/v1/members/ben/memberships"
    moved = {"member": "ben", "group": "south", "seat": 9, "starts_on": "2026-02-01"}
    seatings = [caller.post(path, moved).json() for _ in range(2)]
    assert [(row["group"], row["changed"]) for row in seatings] == [("south", True), ("south", False)]
    assert "ben" in {row["member"] for row in caller.get("/v1/groups/south/members").json()}
    assert "ben" not in {row["member"] for row in caller.get("/v1/groups/north/members").json()}


def test_a_seat_is_never_given_to_someone_else(caller: Caller) -> None:
    taken = {"member": "eva", "group": "north", "seat": 2, "starts_on": "2026-02-01"}
    assert caller.post("/v1/members/eva/memberships", taken).status_code == 409


def test_a_seat_for_another_member_than_the_addresss_is_refused(caller: Caller) -> None:
    wrong = {"member": "eva", "group": "north", "seat": 8, "starts_on": "2026-02-01"}
    assert caller.post("/v1/members/ben/memberships", wrong).status_code == 400


def test_a_group_lists_its_members_by_seat(caller: Caller) -> None:
    listed = caller.get("/v1/groups/north/members").json()
    assert [(row["seat"], row["member"], row["role"]) for row in listed] == [
        (1, "ana", "adviser"),
        (2, "ben", "member"),
        (3, "cat", "member"),
    ]


def test_a_large_group_lists_its_members_part_by_part(caller: Caller) -> None:
    path = "/v1/groups/north/members"
    everybody = caller.get(path).json()
    first = caller.get(path, params={"limit": 1}).json()
    rest = caller.get(path, params={"after": first[-1]["seat"]}).json()
    assert len(first) == 1
    assert first + rest == everybody


def test_members_of_an_unknown_group_are_not_found(caller: Caller) -> None:
    assert caller.get("/v1/groups/nowhere/members").status_code == 404


CSV = {"Content-Type": "text/csv"}


def test_a_roster_is_imported_line_by_line(caller: Caller) -> None:
    text = "group,member,seat,name\nwest,fay,1,Fay\nwest,gil,x,Gil\n"
    report = caller.call("POST", "/v1/imports/roster", content=text, headers=CSV).json()
    assert (report["lines"], report["stored"], report["ignored_columns"]) == (2, 1, ["name"])
    assert [(row["line"], row["column"]) for row in report["refused"]] == [(3, "seat")]
    assert caller.get("/v1/members/fay").status_code == 200


@pytest.mark.parametrize(
    "content",
    [b"", b"who,where\n", b"group,member,seat\n\xff", b"group,member\rseat\n", b"g" * 200_000],
    ids=["empty", "other columns", "no UTF-8", "odd line ends", "one long cell"],
)
def test_a_roster_that_cannot_be_read_stores_nothing(caller: Caller, content: bytes) -> None:
    before = caller.get("/v1/members").content
    answer = caller.call("POST", "/v1/imports/roster", content=content, headers=CSV)
    assert answer.status_code == 400
    assert caller.get("/v1/members").content == before


@pytest.mark.parametrize("audience", ["group", "adviser"])
def test_a_neighbour_reads_nobody_s_consent_barriers_or_conditions(
    program: Program, audience: Audience
) -> None:
    reader = program.caller("read", audience=audience)
    for path in ("/v1/members/ben", "/v1/members"):
        assert (reader.get(path).status_code, reader.get(path).json()["type"]) == (
            403,
            "urn:engagement:problem:forbidden",
        )


def test_a_health_worker_reads_barriers_and_conditions(caller: Caller, program: Program) -> None:
    known = {"barriers": {"sabotage": "yes"}, "barriers_checked_on": "2026-01-01", "conditions": ["diabetes"]}
    caller.put("/v1/members/ben", {"id": "ben", "consent": {"health_worker": True}} | known)
    one = program.caller("read", audience="health_worker").get("/v1/members/ben").json()["value"]
    assert (one["barriers"]["sabotage"], one["conditions"]) == ("yes", ["diabetes"])


def test_a_group_is_linked_and_its_links_are_listed(caller: Caller) -> None:
    link = {"relation": "catchment", "starts_on": "2026-01-01", "to": "hill"}
    told = [caller.post("/v1/groups/north/links", link).json() for _ in range(2)]
    assert [row["changed"] for row in told] == [True, False]
    assert caller.get("/v1/groups/north/links").json() == [told[1]]


def test_groups_are_merged_and_split_in_one_call_each(caller: Caller) -> None:
    moved = caller.post("/v1/groups/south/merge", {"into": "north", "on": "2026-01-05"}).json()
    assert [(row["member"], row["seat"]) for row in moved] == [("dev", 4), ("eva", 5)]
    assert caller.get("/v1/groups/south").json()["value"]["ended"]
    members = {"into": "south", "on": "2026-01-06", "members": [{"member": "ben", "seat": 7}]}
    assert [row["seat"] for row in caller.post("/v1/groups/north/split", members).json()] == [7]
