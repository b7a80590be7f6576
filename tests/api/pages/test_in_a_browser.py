"""A work list in a real browser: narrow, without script, by keyboard, on paper, nothing from outside.

The service runs at a real address on a database of its own; everybody on the page is synthetic.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from engagement.api.pages.page import LANGUAGES, words_of
from support.databases import sqlite_database
from support.programs import find
from support.running import Caller, Program, running

pytestmark = pytest.mark.needs("chromium")
NARROW = {"width": 360, "height": 740}
CALL = {"kind": "nudge", "id": "call", "title": "Call them before the meeting", "minutes": 25}
CALL |= {
    "content": [
        {"language": "en", "text": "Ask seat {seat} which day was easiest, and say when you meet next."},
        {
            "language": "hi",
            "text": "सीट {seat} से पूछिए कि कौन सा दिन सबसे आसान रहा, और बताइए कि अगली बैठक कब है।",
        },
        {"language": "te", "text": "సీటు {seat} వారిని ఏ రోజు తేలికగా అనిపించిందో అడగండి, తర్వాతి సమావేశం ఎప్పుడో చెప్పండి."},
    ]
}
CALLS = {"id": "calls", "title": "Calls", "actions": ["call"], "fallback": {"name": "f", "actions": ["call"]}}


class Site(NamedTuple):
    """Where a work list is open: the service's address, the link's path, and staff who can look behind it."""

    address: str
    path: str
    staff: Caller
    decisions: dict[str, str]

    @property
    def url(self) -> str:
        return self.address + self.path


class Seen(NamedTuple):
    """A tab, with what went wrong in it and what it asked for."""

    page: Page
    errors: list[str]
    requests: list[Request]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def site(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Site]:
    with running(sqlite_database(migrated_sqlite, tmp_path), deadline_ms=20_000) as served:
        yield _site(served.address, served.program())


def _site(address: str, program: Program) -> Site:
    staff = program.caller("admin")
    staff.put("/v1/actions/call", CALL).raise_for_status()
    staff.put("/v1/strategies/calls", CALLS).raise_for_status()
    staff.put(
        "/v1/program", staff.get("/v1/program").json()["value"] | {"adviser_minutes": 60}
    ).raise_for_status()
    decisions = {}
    for name in ("ben", "cat"):
        staff.put(f"/v1/members/{name}", {"id": name, "consent": {"chance": False}}).raise_for_status()
        told = staff.post("/v1/recommendations", {"member": name, "strategy": "calls"}).json()
        decisions[name] = told["decision_id"]
    staff.put(
        "/v1/program", staff.get("/v1/program").json()["value"] | {"adviser_minutes": 40}
    ).raise_for_status()
    made = staff.post("/v1/links", {"opens": "worklist", "of": "ana"}).raise_for_status().json()
    return Site(address, made["path"], staff, decisions)


@pytest.fixture
def tabs() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def tab(browser: Browser, tabs: ExitStack, *, script: bool = False, dark: bool = False) -> Seen:
    """A new tab 360 points wide. script : whether the browser would run any"""
    context: BrowserContext = browser.new_context(
        viewport=NARROW, java_script_enabled=script, color_scheme="dark" if dark else "light"
    )
    tabs.callback(context.close)
    page = context.new_page()
    seen = Seen(page, [], [])

    def note(told: ConsoleMessage) -> None:
        if told.type in ("error", "warning"):
            seen.errors.append(told.text)

    def ask(request: Request) -> None:
        seen.requests.append(request)

    page.on("console", note)
    page.on("request", ask)
    return seen


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_fits_a_narrow_phone_and_asks_for_nothing_elsewhere(
    browser: Browser, tabs: ExitStack, site: Site, language: str
) -> None:
    seen = tab(browser, tabs, script=True)
    seen.page.goto(f"{site.url}?lang={language}")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    small = seen.page.evaluate(
        "[...document.querySelectorAll('button, summary, select, nav a')]"
        ".map(e => e.getBoundingClientRect()).filter(r => r.height && r.height < 44).length"
    )
    assert small == 0
    assert seen.errors == []
    assert {request.url.split("/l/")[0].split("/static/")[0] for request in seen.requests} == {site.address}
    assert not [row for row in seen.requests if "referer" in row.all_headers()]
    assert seen.page.title() == words_of(language)["worklist"]["carriers"]["adviser"]


def test_a_button_answers_without_any_script_and_a_double_tap_is_harmless(
    browser: Browser, tabs: ExitStack, site: Site
) -> None:
    seen = tab(browser, tabs)
    ben = site.decisions["ben"]
    seen.page.goto(site.url)
    seen.page.locator(f"#d-{ben} button[value=done]").dblclick()
    seen.page.wait_for_url(re.compile(f"#d-{ben}$"))
    assert words_of("en")["worklist"]["said"]["done"] in seen.page.locator(f"#d-{ben}").inner_text()
    steps = site.staff.get(f"/v1/decisions/{ben}").json()["steps"]
    assert [step["status"] for step in steps] == ["done"]
    seen.page.reload()
    assert seen.page.locator(f"#d-{ben} button").count() == 0
    assert seen.errors == []


def test_the_keyboard_alone_says_why_something_did_not_happen(
    browser: Browser, tabs: ExitStack, site: Site
) -> None:
    seen = tab(browser, tabs)
    cat = site.decisions["cat"]
    page = seen.page
    page.goto(site.url)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == words_of("en")["common"]["skip"]
    details = page.locator(f"#d-{cat} details")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("no time")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("value") == "not_done"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"#d-{cat}$"))
    [step] = site.staff.get(f"/v1/decisions/{cat}").json()["steps"]
    assert (step["status"], step["reason"]) == ("not_done", "no_time")


def test_a_screen_reader_hears_of_which_thing_each_button_speaks(
    browser: Browser, tabs: ExitStack, site: Site
) -> None:
    seen = tab(browser, tabs, script=True)
    seen.page.goto(site.url)
    told = seen.page.evaluate(
        "[...document.querySelectorAll('button, summary')].map(e =>"
        " document.getElementById(e.getAttribute('aria-describedby'))?.textContent.trim())"
    )
    assert set(told) == {CALL["title"]}
    assert seen.page.get_by_label(words_of("en")["worklist"]["why"]).count() == 2
    assert seen.page.get_by_role("heading", level=1).count() == 1
    assert seen.page.get_by_role("main").count() == 1


def test_paper_has_boxes_to_tick_and_no_buttons(browser: Browser, tabs: ExitStack, site: Site) -> None:
    seen = tab(browser, tabs, script=True)
    seen.page.goto(site.url)
    seen.page.emulate_media(media="print")
    assert not seen.page.locator("button").first.is_visible()
    assert seen.page.locator(".boxes").first.is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_what_is_behind_them(
    browser: Browser, tabs: ExitStack, site: Site, *, dark: bool
) -> None:
    seen = tab(browser, tabs, script=True, dark=dark)
    seen.page.goto(site.url)
    for name in ("h1", ".note", ".open", ".tag", "button.main", "button:not(.main)", "summary", "footer p"):
        assert seen.page.locator(name).first.evaluate(CONTRAST) >= 4.5, name


CONTRAST = """element => {
    const parts = text => text.match(/[\\d.]+/g).map(Number);
    const behind = node => {
        const colour = parts(getComputedStyle(node).backgroundColor);
        return colour.length === 4 && colour[3] === 0 ? behind(node.parentElement) : colour;
    };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const both = [parts(getComputedStyle(element).color), behind(element)].map(light);
    const [a, b] = both.sort((x, y) => y - x);
    return (a + .05) / (b + .05);
}"""
"""Contrast of an element's text with its background (WCAG 2.2, 1.4.3)."""
