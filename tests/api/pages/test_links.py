"""Links to pages: what they open, for how long, to whom, and what they give away."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from engagement.api.pages import PAGES
from engagement.api.pages.page import LANGUAGES, words_of
from engagement.clock import SimulatedClock
from engagement.workflows.page_link import LONGEST_HOURS
from support.running import Caller, Program, Running, running
from support.service import START_MS

ASK = {"opens": "worklist", "of": "adviser", "hours": 1, "audience": "adviser"}


def link(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = caller.post("/v1/links", ASK | fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def said(answer: httpx.Response) -> str:
    """The page's text without its marks."""
    return re.sub(r"<[^>]+>", " ", answer.text)


def test_a_link_opens_its_page_without_any_key(program: Program) -> None:
    made = link(program.caller("read", "recommend"))
    answer = program.running.stranger().get(made["path"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert words_of("en")["worklist"]["carriers"]["adviser"] in said(answer)
    assert "set-cookie" not in answer.headers


def test_a_link_is_shorter_than_a_message_of_hindi(program: Program) -> None:
    path = link(program.caller("read", "recommend"))["path"]
    assert len(path) < 67


def test_a_link_is_no_key_to_the_interface(program: Program) -> None:
    token = link(program.caller("read", "recommend"))["path"].removeprefix("/l/")
    prefixed = f"eng_{program.id.replace('-', '')}_{token}"
    for key in (token, prefixed):
        assert program.running.stranger(key).get("/v1/sites").status_code == 401


def test_a_link_can_be_no_more_than_the_key_that_makes_it(program: Program) -> None:
    reader = program.caller("read")
    answer = reader.post("/v1/links", ASK)
    assert (answer.status_code, "`recommend`" in answer.json()["detail"]) == (403, True)
    neighbour = program.caller("read", "recommend", audience="adviser")
    assert neighbour.post("/v1/links", ASK | {"audience": "staff"}).status_code == 403
    assert neighbour.post("/v1/links", ASK).status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"opens": "everything"}, 400, "`opens` must be one of"),
        ({"of": "nobody"}, 404, "nobody"),
        ({"hours": 0}, 400, "hours"),
        ({"hours": 745}, 400, "hours"),
        ({"audience": "everybody"}, 400, "audience"),
    ],
)
def test_what_no_link_can_be_is_refused_by_name(
    program: Program, fields: dict[str, Any], status: int, words: str
) -> None:
    answer = program.caller("admin").post("/v1/links", ASK | fields)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_a_token_is_told_once_and_then_only_its_link(program: Program) -> None:
    caller = program.caller("read", "recommend")
    made = link(caller)
    listed = caller.get("/v1/links").json()
    assert listed["items"] == [{key: value for key, value in made.items() if key != "path"}]
    assert made["path"].removeprefix("/l/") not in caller.get("/v1/links").text


def test_links_are_listed_page_by_page_and_only_to_those_who_could_make_them(program: Program) -> None:
    staff = program.caller("read", "recommend")
    ids = sorted(link(staff)["link_id"] for _ in range(3))
    link(staff, audience="staff")
    neighbour = program.caller("read", audience="adviser")
    first = neighbour.get("/v1/links?limit=2").json()
    rest = neighbour.get(f"/v1/links?limit=2&after={first['next']}").json()
    assert [row["link_id"] for row in (*first["items"], *rest["items"])] == ids
    assert rest["next"] is None


def test_a_link_that_was_ended_says_so_at_once(program: Program) -> None:
    caller = program.caller("read", "recommend")
    made = link(caller)
    ended = caller.post(f"/v1/links/{made['link_id']}/revoke")
    assert ended.json()["revoked_at"] is not None
    assert caller.post(f"/v1/links/{made['link_id']}/revoke").json() == ended.json()
    answer = program.running.stranger().get(made["path"])
    assert answer.status_code == 410
    for language in LANGUAGES:
        assert words_of(language)["common"]["trouble"]["ended"] in answer.text
    assert caller.get("/v1/links").json() == {"items": [], "next": None}


def test_a_link_is_ended_by_nobody_who_could_not_have_made_it(program: Program, other: Program) -> None:
    made = link(program.caller("read", "recommend"), audience="staff")
    for caller in (
        program.caller("read"),
        program.caller("read", "recommend", audience="adviser"),
        other.caller("admin"),
    ):
        assert caller.post(f"/v1/links/{made['link_id']}/revoke").status_code == 404
    assert program.running.stranger().get(made["path"]).status_code == 200


def test_a_link_opens_nothing_from_the_moment_it_runs_out(shared_url: str) -> None:
    clock = SimulatedClock(START_MS)
    with running(shared_url, clock=clock) as served:
        program = served.program()
        made = link(program.caller("read", "recommend"), hours=2)
        clock.move_to(START_MS + 2 * 3_600_000 - 1)
        assert served.stranger().get(made["path"]).status_code == 200
        clock.move_to(START_MS + 2 * 3_600_000)
        assert served.stranger().get(made["path"]).status_code == 410
        assert served.stranger().post(made["path"]).status_code == 410


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 44, "%C3%A9" * 43, "..", "-" * 43])
def test_a_token_that_was_never_given_out_is_told_kindly(served: Running, token: str) -> None:
    answer = served.stranger().get(f"/l/{token}")
    assert answer.status_code == 404
    if token != "..":
        assert words_of("te")["common"]["trouble"]["unknown"] in answer.text


def test_the_page_says_until_when_the_link_works(program: Program) -> None:
    made = link(program.caller("read", "recommend"))
    answer = program.running.stranger().get(made["path"])
    found = re.search(r'<time datetime="([^"]+)">', answer.text)
    assert found is not None
    assert found[1].replace("+00:00", "Z")[:19] == made["expires_at"][:19]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_there_in_every_language(program: Program, language: str) -> None:
    made = link(program.caller("read", "recommend"))
    answer = program.running.stranger().get(f"{made['path']}?lang={language}")
    assert f'<html lang="{language}">' in answer.text
    assert words_of(language)["worklist"]["carriers"]["adviser"] in said(answer)


def test_a_language_that_no_page_has_is_passed_over(program: Program) -> None:
    made = link(program.caller("read", "recommend"))
    answer = program.running.stranger().get(f"{made['path']}?lang=<script>")
    assert (answer.status_code, '<html lang="en">' in answer.text) == (200, True)
    assert "<script" not in answer.text


def test_every_answer_keeps_the_link_to_itself(program: Program) -> None:
    made = link(program.caller("read", "recommend"))
    for path in (made["path"], "/l/" + "A" * 43):
        headers = program.running.stranger().get(path).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex"
        policy = [part.strip() for part in headers["content-security-policy"].split(";")]
        assert {"default-src 'self'", "form-action 'self'", "base-uri 'none'"} <= set(policy)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False),
    ],
)
def test_a_form_from_another_site_is_not_taken(
    program: Program, headers: dict[str, str], let_in: bool
) -> None:
    made = link(program.caller("read", "recommend"))
    answer = program.running.stranger().call(
        "POST", made["path"], content="status=done", headers=FORM | headers
    )
    assert (answer.status_code == 403) is not let_in


def test_a_form_from_our_own_address_is_taken(program: Program) -> None:
    made = link(program.caller("read", "recommend"))
    headers = FORM | {"Origin": program.running.address}
    answer = program.running.stranger().call("POST", made["path"], content="", headers=headers)
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        ('{"status": "done"}', "application/json"),
        ("&".join(f"f{number}=" for number in range(501)), FORM["Content-Type"]),
        ("é", FORM["Content-Type"]),
        ("a=%ff", FORM["Content-Type"]),
    ],
)
def test_what_is_no_form_is_refused_kindly(program: Program, content: str, media_type: str) -> None:
    made = link(program.caller("read", "recommend"))
    answer = program.running.stranger().call(
        "POST", made["path"], content=content, headers={"Content-Type": media_type}
    )
    assert answer.status_code == 400
    assert words_of("hi")["common"]["trouble"]["unreadable"] in answer.text


def keys_of(words: Any, path: str = "") -> dict[str, int]:
    """Every key with the number of its words, where it has several."""
    if isinstance(words, dict):
        return {
            key: size for name, row in words.items() for key, size in keys_of(row, f"{path}.{name}").items()
        }
    return {path: len(words) if isinstance(words, list) else 0}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word(language: str) -> None:
    assert keys_of(words_of(language)) == keys_of(words_of("en"))


def test_every_kind_of_page_has_its_words() -> None:
    elsewhere = {"brief"}  # whose words a message and a voice have too: `workflows/languages/`
    assert set(PAGES) - elsewhere <= set(words_of("en"))


def test_a_link_works_no_longer_than_a_month() -> None:
    assert timedelta(hours=LONGEST_HOURS) == timedelta(days=31)
