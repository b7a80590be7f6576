"""A program is set up from a phone: looked at first, agreed to, done once, and nothing half done."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from openpyxl import Workbook

from engagement.api.console.uploaded import MOST_BYTES, packed, unpacked
from engagement.errors import Invalid, TooLarge
from support.running import Program
from support.signed_in import Tab, field, heading, tab_of, words

ROSTER = "group,member,seat\nnorth,fay,9\nnorth,gus,ten\n"
REGISTER = "group,date,seat,came\nnorth,2026-02-10,1,yes\nnorth,2026-02-10,77,yes\n"
PATHS = ("/program/roster", "/program/register", "/program/file")


@pytest.fixture
def tab(program: Program) -> Iterator[Tab]:
    with tab_of(program, "admin") as opened:
        yield opened


def revision(program: Program, path: str) -> int:
    return int(program.caller("read").get(path).json()["revision"])


def members(program: Program, group: str = "north") -> set[str]:
    return {row["member"] for row in program.caller("read").get(f"/v1/groups/{group}/members").json()}


# --- the switch -----------------------------------------------------------------------------------


def switch(tab: Tab, stop: str, step: str = "throw", **fields: str) -> str:
    given = {"by": "program-lead", "why": "data", "note": "dates are off"} | fields
    return heading(tab.send("/program/switch", step=step, stop=stop, **given))


def test_a_pause_is_looked_at_first_and_then_takes_effect(tab: Tab, program: Program) -> None:
    staff = program.caller("admin")
    assert switch(tab, "1", "look") == "Pause recommendations for 2 groups?"
    assert not staff.get("/v1/program/switch").json()["items"][0]["stopped"]
    assert switch(tab, "1").startswith("Paused since")
    first = staff.get("/v1/program/switch").json()["items"][0]
    assert (first["stopped"], first["by"], first["why"]) == (True, "program-lead", "data: dates are off")
    assert staff.post("/v1/recommendations", {"member": "ben"}).json()["withheld"] == "program_stopped"


def test_a_pause_that_is_sent_twice_is_one_pause(tab: Tab, program: Program) -> None:
    switch(tab, "1")
    switch(tab, "1", why="money")
    items = program.caller("read").get("/v1/program/switch").json()["items"]
    assert [row["why"] for row in items if row["stopped"]] == ["data: dates are off"]
    assert " is paused since " in heading(tab.get("/program"))


def test_only_a_reason_that_there_is_and_a_role_that_is_no_name_are_taken(tab: Tab, program: Program) -> None:
    for fields in ({"by": "Asha Devi"}, {"why": "because"}, {"why": ""}, {"note": "x" * 500}, {"by": ""}):
        answer = tab.send(
            "/program/switch", step="throw", stop="1", **({"by": "lead", "why": "data"} | fields)
        )
        assert answer.status_code == 409
        assert "Nothing was changed" in words(answer)
    assert len(program.caller("read").get("/v1/program/switch").json()["items"]) == 1


# --- the end --------------------------------------------------------------------------------------


@pytest.fixture
def site(program: Program) -> str:
    staff = program.caller("admin")
    staff.put(
        "/v1/sites/vizag", {"id": "vizag", "title": "Vizag", "ends_on": "2030-03-31"}
    ).raise_for_status()
    return "vizag"


def test_an_extension_says_what_it_changes_and_moves_the_end_once(
    tab: Tab, program: Program, site: str
) -> None:
    path = f"/program/ends/{site}"
    looked = tab.send(path, ends_on="2031-03-31")
    assert heading(looked) == "Vizag: from 31 March 2030 to 31 March 2031?"
    before = revision(program, f"/v1/sites/{site}")
    for _ in range(2):
        done = tab.send(path, step="move", ends_on="2031-03-31", revision=field(looked, "revision"))
        assert heading(done) == "Vizag: the program ends on 31 March 2031"
    assert revision(program, f"/v1/sites/{site}") == before + 1


def test_an_end_that_somebody_moved_meanwhile_is_looked_at_again(
    tab: Tab, program: Program, site: str
) -> None:
    path = f"/program/ends/{site}"
    looked = tab.send(path, ends_on="2031-03-31")
    theirs = {"id": site, "title": "Vizag", "ends_on": "2032-01-01"}
    program.caller("admin").put(f"/v1/sites/{site}", theirs).raise_for_status()
    again = tab.send(path, step="move", ends_on="2031-03-31", revision=field(looked, "revision"))
    assert "Somebody has changed this site meanwhile" in words(again)
    assert heading(again) == "Vizag: from 1 January 2032 to 31 March 2031?"
    value = program.caller("read").get(f"/v1/sites/{site}").json()["value"]
    assert value["ends_on"] == "2032-01-01"


@pytest.mark.parametrize("day", ["", "soon", "2031-02-30", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_moves_nothing(tab: Tab, site: str, day: str) -> None:
    answer = tab.send(f"/program/ends/{site}", ends_on=day)
    assert answer.status_code == 409
    assert "This is not a day" in words(answer)


def test_without_having_looked_nothing_moves(tab: Tab, program: Program, site: str) -> None:
    before = revision(program, f"/v1/sites/{site}")
    assert heading(tab.send(f"/program/ends/{site}", step="move", ends_on="2031-03-31")).endswith("?")
    assert revision(program, f"/v1/sites/{site}") == before


# --- files ----------------------------------------------------------------------------------------


def test_a_roster_is_told_line_by_line_and_stored_on_agreement(tab: Tab, program: Program) -> None:
    before = members(program)
    looked = tab.upload("/program/roster", ROSTER)
    assert heading(looked) == "One line would be stored"
    assert "3 C3 ten is not a whole number" in words(looked)
    assert members(program) == before
    done = tab.agree("/program/roster", looked)
    assert heading(done) == "One line is stored"
    assert members(program) == before | {"fay"}


@pytest.mark.parametrize(
    ("purpose", "heard"), [("messages", "messages_declined"), ("health_worker", "consent_withdrawn")]
)
def test_a_consent_that_is_withdrawn_here_is_heard_by_the_very_next_call(
    tab: Tab, program: Program, purpose: str, heard: str
) -> None:
    staff = program.caller("admin")
    visit = {
        "id": "visit",
        "kind": "chw_linkage",
        "title": "A visit",
        "carrier": "health_worker",
        "minutes": 5,
    }
    staff.put("/v1/actions/visit", visit).raise_for_status()
    strategy = {"id": "only", "title": "Only", "actions": ["visit"], "fallback": {"actions": ["visit"]}}
    staff.put("/v1/strategies/only", strategy).raise_for_status()
    agreed = {"messages": True, "chance": False, "health_worker": True}
    staff.put("/v1/members/ben", {"id": "ben", "consent": agreed}).raise_for_status()
    ask = {"member": "ben", "strategy": "only"}
    assert staff.post("/v1/recommendations", ask).json()["action"]["id"] == "visit"
    looked = tab.upload("/program/roster", f"group,member,seat,{purpose}\nnorth,ben,2,no\n")
    assert staff.post("/v1/recommendations", ask).json()["withheld"] is None
    assert heading(tab.agree("/program/roster", looked)) == "One line is stored"
    told = staff.post("/v1/recommendations", ask).json()
    assert (told["withheld"], told["decision_id"], told["action"]["id"]) == (heard, None, "none")
    assert staff.get("/v1/decisions").json()["items"] == []


def test_agreeing_twice_stores_once_and_says_so(tab: Tab) -> None:
    looked = tab.upload("/program/roster", ROSTER)
    tab.agree("/program/roster", looked)
    again = tab.agree("/program/roster", looked)
    assert heading(again) == "Nothing would be stored"
    assert "it is stored already" in words(again)
    assert 'name="packed"' not in again.text


def test_what_was_agreed_to_and_has_changed_meanwhile_is_shown_again(tab: Tab, program: Program) -> None:
    looked = tab.upload("/program/roster", "group,member,seat\nnorth,fay,9\nnorth,gus,10\n")
    with tab_of(program, "admin") as colleague:
        other = colleague.upload("/program/roster", "group,member,seat\nnorth,fay,9\n")
        colleague.agree("/program/roster", other)
    again = tab.agree("/program/roster", looked)
    assert heading(again) == "One line would be stored"
    assert "gus" not in members(program)
    assert heading(tab.agree("/program/roster", again)) == "One line is stored"
    assert "gus" in members(program)


def test_a_register_is_told_stored_once_and_needs_no_more_than_signals(program: Program) -> None:
    with tab_of(program, "read", "signals") as tab:
        looked = tab.client.post(
            "/console/program/register",
            data={"sign": tab.sign()},
            files={"file": ("r.csv", REGISTER)},
        )
        assert heading(looked) == "2 reports would be stored"
        assert heading(tab.agree("/program/register", looked)) == "2 reports are stored"
        assert heading(tab.agree("/program/register", looked)) == "Nothing would be stored"


def test_a_workbook_does_as_well(tab: Tab) -> None:
    book, file = Workbook(), BytesIO()
    for line in ROSTER.splitlines():
        book.active.append(line.split(","))
    book.save(file)
    assert heading(tab.upload("/program/roster", file.getvalue())) == "One line would be stored"


def test_a_program_file_with_mistakes_is_told_line_by_line(tab: Tab, program: Program) -> None:
    before = revision(program, "/v1/program")
    looked = tab.upload("/program/file", '[program]\nid = "x"\ntitle = "X"\nstoped = true\n')
    assert heading(looked) == "One mistake keeps it from being loaded"
    assert 'name="packed"' not in looked.text
    assert revision(program, "/v1/program") == before


def test_a_sound_program_file_is_loaded_on_agreement(tab: Tab, program: Program) -> None:
    told = program.caller("read").get("/v1/program").json()["value"]
    text = f'template = "ncd-peer-groups"\n[program]\nid = "{told["id"]}"\ntitle = "Renamed"\n'
    looked = tab.upload("/program/file", text)
    assert heading(looked) == "It would change one thing"
    assert program.caller("read").get("/v1/program").json()["value"]["title"] != "Renamed"
    assert heading(tab.agree("/program/file", looked)) == "Loaded: one thing is changed"
    assert program.caller("read").get("/v1/program").json()["value"]["title"] == "Renamed"
    assert heading(tab.agree("/program/file", looked)) == "It would change nothing"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\xfa", b"a" * (MOST_BYTES + 1)], ids=["empty", "noise", "large"]
)
def test_what_cannot_be_read_is_said_kindly_and_stores_nothing(tab: Tab, path: str, content: bytes) -> None:
    answer = tab.upload(path, content)
    assert answer.status_code == 200
    assert 'name="packed"' not in answer.text
    assert "Nothing was stored" in words(answer)


@pytest.mark.parametrize(
    "told",
    [
        b'form-data; name="file"; filename="sheet\x84.csv"',
        b'form-data; name="f\x84ile"; filename="sheet.csv"',
        b'form-data; name="sign"\r\nContent-Type: text/plain; charset=nonsense',
    ],
)
def test_a_form_that_is_no_text_is_refused_kindly(tab: Tab, told: bytes) -> None:
    content = b"--x\r\nContent-Disposition: " + told + b"\r\n\r\n\x84\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = tab.client.post("/console/program/roster", content=content, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/program/switch", "/sign-in", "/sign-out"])
def test_a_form_that_is_too_large_is_refused_as_that(tab: Tab, path: str) -> None:
    answer = tab.client.post(f"/console{path}", data={"note": "a" * 100_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")


def test_what_is_far_too_large_is_not_even_read(tab: Tab) -> None:
    answer = tab.upload("/program/roster", b"a" * (5 * 1024 * 1024))
    assert answer.status_code == 413
    assert heading(answer)


@pytest.mark.parametrize("path", [*PATHS, "/program/switch"])
def test_a_form_without_the_sign_of_its_session_does_nothing(tab: Tab, program: Program, path: str) -> None:
    assert tab.upload(path, ROSTER, signed=False).status_code == 400
    assert tab.send(path, signed=False, step="throw", stop="1", by="x", why="data").status_code == 400
    headers = {"Sec-Fetch-Site": "cross-site"}
    sent = {"sign": tab.sign(), "step": "throw", "stop": "1", "by": "x", "why": "data"}
    assert tab.client.post(f"/console{path}", data=sent, headers=headers).status_code == 400
    assert "fay" not in members(program)
    assert len(program.caller("read").get("/v1/program/switch").json()["items"]) == 1


def test_a_made_up_sign_of_what_was_seen_stores_nothing(tab: Tab, program: Program) -> None:
    sent = {"sign": tab.sign(), "packed": packed(ROSTER.encode()), "seen": "0" * 64}
    answer = tab.client.post("/console/program/roster", data=sent)
    assert heading(answer) == "One line would be stored"
    assert "fay" not in members(program)


def test_what_comes_back_packed_is_bounded() -> None:
    assert unpacked(packed(b"x" * MOST_BYTES)) == b"x" * MOST_BYTES
    with pytest.raises(TooLarge):
        unpacked(packed(b"x" * (MOST_BYTES + 1)))
    for broken in ("", "?", "AAAA", packed(b"abc")[:-4]):
        with pytest.raises(Invalid):
            unpacked(broken)
