"""Signing in to the console: what begins a session, what ends it, and what it is no use for."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from engagement.api.console.drawn import LANGUAGES, words_of
from engagement.clock import SimulatedClock
from engagement.store import keys
from engagement.workflows.console_session import LASTS_MS
from support.running import Program, Running, running
from support.service import START_MS

SIGN_IN = "/console/sign-in"
Tab = httpx.Client


@pytest.fixture
def tab(served: Running) -> Iterator[Tab]:
    with browser(served) as opened:
        yield opened


def browser(served: Running) -> Tab:
    """A browser of its own, with its own cookies, that goes nowhere by itself."""
    return httpx.Client(base_url=served.address, timeout=30)


def sign_in(tab: Tab, key: str, **fields: str) -> httpx.Response:
    return tab.post(SIGN_IN, data={"key": key, **fields})


def signed_in(tab: Tab, program: Program, *scopes: Any, **more: Any) -> Tab:
    assert sign_in(tab, program.key(*(scopes or ("read",)), **more)[0]).status_code == 303
    return tab


def sign(page: httpx.Response) -> str:
    """The sign in a page's forms."""
    found = re.search(r'name="sign" value="(\w{64})"', page.text)
    assert found is not None, page.text
    return found[1]


def turned_away(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith(SIGN_IN)


def test_nobody_sees_a_page_without_signing_in(tab: Tab) -> None:
    answer = tab.get("/console")
    assert turned_away(answer)
    assert "set-cookie" not in answer.headers


def test_a_key_opens_the_console_and_stands_nowhere_in_it(tab: Tab, program: Program) -> None:
    key = program.key("read")[0]
    answer = sign_in(tab, key)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert key not in str(answer.headers)
    page = tab.get("/console")
    assert page.status_code == 200
    assert "north" in page.text
    assert key not in page.text


@pytest.mark.parametrize("key", ["", "eng_x", "eng_" + 32 * "0" + "_secret", "{other}"])
def test_a_key_that_is_none_opens_nothing(tab: Tab, program: Program, key: str) -> None:
    answer = sign_in(tab, key.replace("{other}", program.key("read")[0][:-1] + "?"))
    assert answer.status_code == 403
    assert words_of("en", "sign_in")["why"]["unknown"] in answer.text
    assert "set-cookie" not in answer.headers


def test_a_key_that_may_not_read_is_told_so(tab: Tab, program: Program) -> None:
    answer = sign_in(tab, program.key("signals")[0])
    assert answer.status_code == 403
    assert words_of("en", "sign_in")["why"]["no_read"] in answer.text


def test_the_cookie_is_for_this_site_and_no_script(tab: Tab, program: Program) -> None:
    said = sign_in(tab, program.key("read")[0]).headers["set-cookie"].lower()
    for word in ("httponly", "samesite=strict", "path=/console", "max-age=43"):
        assert word in said
    assert "secure" not in said


def test_over_https_the_cookie_is_bound_to_it_and_to_the_host(tab: Tab, program: Program) -> None:
    safe = {"X-Forwarded-Proto": "https"}
    answer = tab.post(SIGN_IN, data={"key": program.key("read")[0]}, headers=safe)
    said = answer.headers["set-cookie"]
    assert said.startswith("__Host-console=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(said.split("; "))
    token = said.partition("=")[2].partition(";")[0]
    assert turned_away(tab.get("/console", headers={"Cookie": f"console={token}"} | safe))
    assert tab.get("/console", headers={"Cookie": f"__Host-console={token}"} | safe).status_code == 200


def test_signing_in_makes_a_new_session_and_ends_the_old(tab: Tab, program: Program) -> None:
    """A token that somebody else put into a browser is worth nothing after its user has signed in."""
    before = signed_in(tab, program).cookies["console"]
    signed_in(tab, program)
    assert tab.cookies["console"] != before
    with browser(program.running) as other:
        assert turned_away(other.get("/console", headers={"Cookie": f"console={before}"}))


def test_a_made_up_token_becomes_no_session(tab: Tab, program: Program) -> None:
    made_up = 64 * "A"
    tab.cookies.set("console", made_up, path="/console")
    assert turned_away(tab.get("/console"))
    sign_in(tab, program.key("read")[0])
    with browser(program.running) as other:
        assert turned_away(other.get("/console", headers={"Cookie": f"console={made_up}"}))


def test_signing_out_ends_the_session_everywhere(tab: Tab, program: Program) -> None:
    token = signed_in(tab, program).cookies["console"]
    answer = tab.post("/console/sign-out", data={"sign": sign(tab.get("/console"))})
    assert turned_away(answer)
    assert words_of("en", "sign_in")["why"]["out"] in tab.get(answer.headers["location"]).text
    with browser(program.running) as other:
        assert turned_away(other.get("/console", headers={"Cookie": f"console={token}"}))


def test_a_revoked_key_ends_its_session_at_once(tab: Tab, program: Program) -> None:
    text, key = program.key("read")
    sign_in(tab, text)
    assert tab.get("/console").status_code == 200
    with program.running.service.db.write(program.id) as conn:
        assert keys.revoke(conn, program.id, key.key_id, program.running.service.clock.now_ms())
    answer = tab.get("/console")
    assert turned_away(answer)
    assert "why=ended" in answer.headers["location"]


def test_a_session_ends_by_itself_and_no_later_than_its_key(shared_url: str) -> None:
    clock = SimulatedClock(START_MS)
    with running(shared_url, clock=clock) as served, browser(served) as long, browser(served) as short:
        program = served.program()
        signed_in(long, program)
        signed_in(short, program, expires_at=START_MS + 60_000)
        clock.move_to(START_MS + 60_000)
        assert turned_away(short.get("/console"))
        assert long.get("/console").status_code == 200
        clock.move_to(START_MS + LASTS_MS)
        assert turned_away(long.get("/console"))


def test_a_form_without_the_sign_of_its_session_changes_nothing(tab: Tab, program: Program) -> None:
    signed_in(tab, program)
    with browser(program.running) as other:
        theirs = sign(signed_in(other, program).get("/console"))
    for fields in ({}, {"sign": ""}, {"sign": "x"}, {"sign": theirs}):
        assert tab.post("/console/sign-out", data=fields).status_code == 400
    assert tab.get("/console").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_comes_from_elsewhere_is_refused(tab: Tab, program: Program, site: str) -> None:
    text = program.key("read")[0]
    headers = {"Sec-Fetch-Site": site}
    assert tab.post(SIGN_IN, data={"key": text}, headers=headers).status_code == 403
    assert turned_away(tab.get("/console"))
    sign_in(tab, text)
    fields = {"sign": sign(tab.get("/console"))}
    assert tab.post("/console/sign-out", data=fields, headers=headers).status_code == 400
    assert tab.get("/console").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/console/groups/north", "/console/groups/north"),
        ("", "/console"),
        ("https://elsewhere.example/", "/console"),
        ("//elsewhere.example/console", "/console"),
        ("/console/../v1", "/console"),
        ("/console\\@elsewhere.example", "/console"),
        ("/consolement", "/console"),
        ("/console/\r\nSet-Cookie: x=y", "/console"),
    ],
)
def test_after_signing_in_one_is_inside_the_console(
    tab: Tab, program: Program, wanted: str, place: str
) -> None:
    assert sign_in(tab, program.key("read")[0], next=wanted).headers["location"] == place


def test_a_session_is_no_key_to_the_interface(tab: Tab, program: Program) -> None:
    token = signed_in(tab, program).cookies["console"]
    assert tab.get("/v1/groups").status_code == 401
    assert tab.get("/v1/groups", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_pages_are_kept_nowhere_and_run_nothing_inline(tab: Tab, program: Program) -> None:
    page = signed_in(tab, program).get("/console")
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert " style=" not in page.text
    assert not re.search(r"<script(?! src)|\son\w+=", page.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_that_was_chosen_is_remembered(tab: Tab, program: Program, language: str) -> None:
    signed_in(tab, program)
    assert f'<html lang="{language}">' in tab.get(f"/console?lang={language}").text
    assert f'<html lang="{language}">' in tab.get("/console").text


def test_a_browsers_own_language_is_spoken_until_one_is_chosen(tab: Tab) -> None:
    hindi = {"Accept-Language": "hi-IN,hi;q=0.9,en;q=0.8"}
    assert '<html lang="hi">' in tab.get(SIGN_IN, headers=hindi).text
    assert '<html lang="en">' in tab.get(f"{SIGN_IN}?lang=en", headers=hindi).text
    assert '<html lang="en">' in tab.get(f"{SIGN_IN}?lang=xx").text


def test_requests_of_a_session_count_against_its_key(tab: Tab, program: Program) -> None:
    signed_in(tab, program)
    assert "ratelimit" in tab.get("/console").headers
