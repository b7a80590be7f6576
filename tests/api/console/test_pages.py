"""What the console's pages show, to whom, and that looking at them changes nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from engagement.api.console import PAGES, drawn
from engagement.api.console.drawn import LANGUAGES, words_of
from engagement.store import tables as t
from support.lived_program import Enter, Small
from support.running import Program

FILES = sorted(path.stem for path in (drawn.HERE / "words" / "en").glob("*.toml"))


FOR_HEALTH_WORKERS = {
    "groups", "group", "member", "why", "visits", "work", "referrals", "program", "digest",
}  # fmt: skip
FOR_STAFF = FOR_HEALTH_WORKERS | {"learning", "money", "data", "trail"}
each_page = pytest.mark.parametrize("name", [page.name for page in PAGES])


def said(answer: httpx.Response) -> str:
    """The page's text without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def leaves(words: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, sentence) of all words."""
    if isinstance(words, dict):
        for name, inner in words.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(words, list):
        for number, inner in enumerate(words):
            yield from leaves(inner, f"{path}.{number}")
    else:
        yield path, str(words)


@pytest.mark.parametrize("name", FILES)
def test_both_languages_say_the_same_things_with_the_same_blanks(name: str) -> None:
    blanks = [
        {path: set(re.findall(r"\{\w+\}", text)) for path, text in leaves(words_of(language, name))}
        for language in LANGUAGES
    ]
    assert blanks[0].keys() == blanks[1].keys()
    assert [path for path in blanks[0] if blanks[0][path] != blanks[1][path]] == []


def test_every_page_has_a_template_and_words() -> None:
    for page in PAGES:
        assert (drawn.HERE / "templates" / f"{page.name}.html").exists()
        assert page.name in FILES
        assert "menu" in words_of("en", page.name) or not page.menu


def test_pages_have_names_and_paths_of_their_own() -> None:
    assert len({page.name for page in PAGES}) == len({page.path for page in PAGES}) == len(PAGES)


@each_page
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_opens_in_every_language(small: Small, enter: Enter, name: str, language: str) -> None:
    tab = enter(small.program, "admin", audience="research")
    answer = tab.get(f"{small.lived.console_paths()[name]}?lang={language}")
    assert answer.status_code == 200, said(answer)
    assert words_of(language, "common")["simulated"] in answer.text


@each_page
def test_looking_stores_nothing(small: Small, enter: Enter, name: str) -> None:
    tab = enter(small.program, "admin", audience="research")
    before = rows(small)
    assert tab.get(small.lived.console_paths()[name]).status_code == 200
    assert rows(small) == before


def rows(small: Small) -> dict[str, int]:
    """How many rows each table has for the program."""
    with small.program.running.service.db.read() as conn:
        return {
            table.name: conn.execute(
                select(func.count()).select_from(table).where(table.c.program_id == small.program.id)
            ).scalar_one()
            for table in t.metadata.sorted_tables
            if "program_id" in table.c
        }


def test_making_a_decision_again_stores_nothing_and_says_the_same(small: Small, enter: Enter) -> None:
    tab = enter(small.program, "read", audience="staff")
    path = small.lived.console_paths()["why"]
    found = re.search(r'name="sign" value="(\w+)"', tab.get(path).text)
    assert found is not None
    before = rows(small)
    answer = tab.post(path, data={"sign": found[1]})
    assert answer.status_code == 200
    assert words_of("en", "why")["replay"]["same"] in said(answer)
    assert rows(small) == before
    assert tab.post(path, data={"sign": "forged"}).status_code == 400


@pytest.mark.parametrize("name", ["group", "member", "why"])
def test_what_belongs_to_another_program_is_not_there(small: Small, enter: Enter, name: str) -> None:
    stranger = small.program.running.program()
    tab = enter(stranger, "admin", audience="research")
    answer = tab.get(small.lived.console_paths()[name])
    assert answer.status_code == 404
    assert words_of("en", "trouble")["kinds"]["not-found"]["heading"] in answer.text
    assert "g1-m2" not in said(answer).replace(urlsplit(str(answer.url)).path, "").replace("`g1-m2`", "")


def test_the_groups_of_one_program_are_not_on_the_page_of_another(small: Small, enter: Enter) -> None:
    tab = enter(small.program.running.program(), "admin")
    assert "/console/groups/g1" not in tab.get("/console").text


@pytest.mark.parametrize(
    ("audience", "scopes", "opens"),
    [
        ("adviser", ("read",), set()),
        ("group", ("read",), set()),
        ("health_worker", ("read",), FOR_HEALTH_WORKERS),
        ("staff", ("read",), FOR_STAFF),
        ("staff", ("read", "signals"), FOR_STAFF | {"register"}),
        ("research", ("read", "research"), FOR_STAFF | {"strategies"}),
        ("staff", ("admin",), {page.name for page in PAGES}),
    ],
)
def test_a_page_opens_to_those_it_is_for(
    small: Small, enter: Enter, audience: Any, scopes: Any, opens: set[str]
) -> None:
    tab = enter(small.program, *scopes, audience=audience)
    status = {name: tab.get(path).status_code for name, path in small.lived.console_paths().items()}
    assert {name for name, code in status.items() if code == 200} == opens
    assert set(status.values()) <= {200, 403}


def test_the_menu_shows_what_opens(small: Small, enter: Enter) -> None:
    for audience, count in (("health_worker", 5), ("staff", 6)):
        text = enter(small.program, audience=audience).get("/console").text
        menu = text[text.index("<nav") : text.index("</nav>")]
        assert menu.count("<li>") == count


def test_a_health_worker_sees_no_belief_no_draw_and_no_consent(small: Small, enter: Enter) -> None:
    mine, staff = enter(small.program, audience="health_worker"), enter(small.program)
    why = words_of("en", "why")
    for tab, sees in ((mine, False), (staff, True)):
        page = said(tab.get(small.lived.console_paths()["why"]))
        assert (why["beliefs"]["heading"] in page) is sees
        assert ("u = 0." in page) is sees
        assert (
            words_of("en", "member")["facts"]["consent"]
            in said(tab.get(small.lived.console_paths()["member"]))
        ) is sees


def test_the_heading_is_the_answer(small: Small, enter: Enter) -> None:
    """Eight groups meet; of the two of the template nothing was heard yet, so they are not counted."""
    tab = enter(small.program)
    heading = re.search(r"<h1>(.*?)</h1>", tab.get("/console").text)
    assert heading is not None
    assert heading[1] == words_of("en", "groups")["heading"]["fine"].format(alive=8)
    told = re.search(r"<h1>(.*?)</h1>", tab.get("/console/groups/g1").text)
    assert told is not None
    assert told[1] == "g1 is thriving: 4 of 4 came in March"


def test_figures_are_those_of_the_interface(small: Small, enter: Enter) -> None:
    picture = small.lived.staff.get("/v1/groups/g1/engagement").json()
    page = said(enter(small.program).get("/console/groups/g1"))
    assert f"Engagement index {picture['index']:.0f} " in page
    story = small.lived.staff.get(f"/v1/decisions/{small.lived.own}").json()
    why = said(enter(small.program).get(small.lived.console_paths()["why"]))
    assert story["recommendation"]["why"] in why
    for row in story["recommendation"]["chances"]:
        assert f"{row['probability']:.2f}" in why
    assert f"u = {story['uniform']:.4f}" in why


@pytest.mark.parametrize(
    "path",
    [
        "/console/groups/nobody",
        "/console/groups/%00",
        "/console/members/nobody",
        "/console/decisions/none",
        "/console/decisions/01a4ec91-2700-7014-ad22-84f8bee6b63b",
    ],
)
def test_what_is_not_there_is_said_kindly_with_a_reference(small: Small, enter: Enter, path: str) -> None:
    answer = enter(small.program).get(path)
    assert answer.status_code == 404
    assert answer.headers["x-request-id"] in said(answer)
    assert words_of("en", "trouble")["home"] in said(answer)


def test_an_empty_program_says_what_comes_next(enter: Enter, empty: Program) -> None:
    tab = enter(empty, "admin", audience="research")
    none = words_of("en", "groups")["none"]
    assert none["heading"] in said(tab.get("/console"))
    assert none["next"].split("`")[0] in said(tab.get("/console"))
    assert words_of("en", "strategies")["heading"]["nothing"] in said(tab.get("/console/strategies"))
    assert tab.get("/console/learning").status_code == 200


@pytest.fixture
def empty(small: Small) -> Program:
    """A program without anybody in it."""
    from engagement.store.kept import Kept
    from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template

    service = small.program.running.service
    with service.db.write() as conn:
        made = create_program(conn, Kept(), template(DEFAULT_TEMPLATE), service.clock.now_ms())
    return Program(small.program.running, made)


def test_no_page_is_written_with_styles_or_scripts_of_its_own() -> None:
    for path in Path(drawn.HERE / "templates").glob("*.html"):
        text = path.read_text()
        assert " style=" not in text, path.name
        assert not re.search(r"<script(?! src)|\son\w+=", text), path.name
