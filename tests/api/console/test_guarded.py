"""Every page and every form: nobody without a session, no form without its sign, headers on every answer."""

import re
from collections.abc import Iterator

import httpx
import pytest

from engagement.api.console import PAGES
from engagement.api.middleware import ALWAYS
from support.running import Program, Running

FORMS = [page for page in PAGES if page.take is not None]
SUBJECT = {"group": "north", "member": "ben", "ends": "site-1"}
POST_FORM = re.compile(r'<form[^>]*method="post"[^>]*>(.*?)</form>', re.DOTALL)


def address(path: str, name: str) -> str:
    return "/console" + re.sub(r"\{[^}]*\}", SUBJECT.get(name, "north"), path)


@pytest.fixture
def tab(program: Program) -> Iterator[httpx.Client]:
    """A browser in which somebody is signed in who may do everything."""
    with httpx.Client(base_url=program.running.address, timeout=30) as opened:
        key = program.key("admin", "recommend", "signals", "read", "research", audience="research")[0]
        assert opened.post("/console/sign-in", data={"key": key}).status_code == 303
        yield opened


def guarded(answer: httpx.Response) -> bool:
    """Whether an answer carries all that browsers are told every time, and is kept nowhere."""
    said = {name.decode(): value.decode() for name, value in ALWAYS}
    return all(answer.headers.get(name) == value for name, value in said.items()) and (
        answer.headers["cache-control"] == "no-store"
    )


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_a_page_and_its_forms_are_shown_to_nobody_without_a_session(served: Running, name: str) -> None:
    page = next(page for page in PAGES if page.name == name)
    path = address(page.path, page.name)
    with httpx.Client(base_url=served.address, timeout=30) as stranger:
        answers = [stranger.get(path)]
        if page.take is not None:
            answers.append(stranger.post(path, data={"sign": 64 * "0"}))
    for answer in answers:
        assert (answer.status_code, answer.headers["location"][:16]) == (303, "/console/sign-in")
        assert guarded(answer)


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_a_page_carries_its_headers_and_every_form_in_it_its_sign(tab: httpx.Client, name: str) -> None:
    page = next(page for page in PAGES if page.name == name)
    answer = tab.get(address(page.path, page.name))
    assert guarded(answer)
    for form in POST_FORM.findall(answer.text):
        assert re.search(r'name="sign" value="[0-9a-f]{64}"', form), form[:200]


@pytest.mark.parametrize("name", [page.name for page in FORMS])
def test_a_form_without_its_sign_or_from_elsewhere_is_not_taken(tab: httpx.Client, name: str) -> None:
    page = next(page for page in FORMS if page.name == name)
    path = address(page.path, page.name)
    own = re.search(r'name="sign" value="([0-9a-f]{64})"', tab.get("/console").text)
    assert own is not None
    sent = [
        tab.post(path, data={"step": "look"}),
        tab.post(path, data={"step": "look", "sign": 64 * "0"}),
        tab.post(path, data={"step": "look", "sign": own[1][:-1]}),
        tab.post(path, data={"step": "look", "sign": own[1]}, headers={"Sec-Fetch-Site": "cross-site"}),
        tab.post(
            path, data={"step": "look", "sign": own[1]}, headers={"Origin": "https://elsewhere.example"}
        ),
        tab.post(path, files={"file": b"group,member,seat\n"}),
    ]
    assert [answer.status_code for answer in sent] == [400] * len(sent)
    assert all(guarded(answer) and "did not come from a page" in answer.text for answer in sent)
    taken = tab.post(path, data={"step": "look", "sign": own[1]})
    assert "did not come from a page" not in taken.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/groups",
        "/v1/nothing",
        "/v1/recommendations",
        "/schema",
        "/schema/openapi.json",
        "/health/live",
        "/l/nothing",
        "/console/sign-in",
        "/console/nothing",
        "/fhir/R4/metadata",
    ],
)
def test_whatever_is_answered_carries_the_headers(served: Running, path: str) -> None:
    answer = served.client.get(path)
    for name, value in ALWAYS:
        assert answer.headers[name.decode()] == value.decode(), (path, answer.status_code)
