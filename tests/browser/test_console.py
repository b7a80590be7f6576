"""Every page of the console in a real browser: wide and narrow, by keyboard, without script, on paper."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from engagement.api.console import PAGES
from engagement.api.console.drawn import LANGUAGES, words_of
from support.console_tabs import Seen, Site, opened, sign_in

pytestmark = pytest.mark.needs("chromium")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
MOST_BYTES = 170 * 1024
STYLE_BYTES = 35 * 1024
GRAVE = ("serious", "critical")
KINDS = ("groups", "group", "member", "why", "why of a group", "strategies", "learning")

each_kind = pytest.mark.parametrize("kind", KINDS)


def test_every_page_is_looked_at(site: Site) -> None:
    assert set(KINDS) == set(site.paths())
    assert {page.name for page in PAGES} <= {kind.partition(" ")[0] for kind in KINDS}


@each_kind
def test_a_page_is_quiet_fits_and_has_no_serious_finding(tab: Seen, site: Site, kind: str) -> None:
    page = tab.page
    del tab.errors[:], tab.requests[:]
    answer = page.goto(site.served.address + site.paths()[kind])
    assert answer is not None
    assert answer.status == 200
    assert len(answer.body()) <= MOST_BYTES
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {urlsplit(row.url).netloc for row in tab.requests} == {urlsplit(site.served.address).netloc}
    assert tab.errors == []
    assert page.get_by_role("heading", level=1).count() == 1
    assert len(page.locator("h1").inner_text()) > 10
    assert findings(page) == []


def findings(page: Page) -> list[tuple[str, list[str]]]:
    """What axe calls serious or worse, with where."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        (row["id"], [node["html"][:120] for node in row["nodes"]][:3])
        for row in found
        if row["impact"] in GRAVE
    ]


@each_kind
def test_a_page_speaks_hindi_and_still_fits(tab: Seen, site: Site, kind: str) -> None:
    page = tab.page
    page.goto(f"{site.served.address}{site.paths()[kind]}?lang=hi")
    try:
        assert page.locator("html").get_attribute("lang") == "hi"
        assert words_of("hi", "common")["sign_out"] in page.locator(".tools").inner_text()
        width = page.viewport_size["width"] if page.viewport_size else 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        page.goto(f"{site.served.address}/console?lang=en")


def test_the_replay_button_makes_the_decision_again_in_place(tab: Seen, site: Site) -> None:
    page = tab.page
    del tab.errors[:]
    page.goto(site.served.address + site.paths()["why"])
    page.evaluate("document.querySelector('h1').dataset.mark = 'same page'")
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        page.click("#replay button")
    assert sent.value.status == 200
    page.wait_for_selector("#replay .ok")
    assert page.locator("h1").get_attribute("data-mark") == "same page"
    assert words_of("en", "why")["replay"]["same"] in page.locator("#replay").inner_text()
    assert tab.errors == []


def test_a_table_sorts_by_its_headings(tab: Seen, site: Site) -> None:
    page = tab.page
    page.goto(f"{site.served.address}/console")
    if page.viewport_size and page.viewport_size["width"] < 720:
        assert page.locator("th button").count() == 0
        return
    names = page.locator(".t-prog tbody th a")
    before = names.all_inner_texts()
    page.get_by_role("button", name=words_of("en", "groups")["look"]["group"], exact=True).click()
    assert names.all_inner_texts() == sorted(before)


@pytest.fixture(scope="module")
def plain(browser: Browser, site: Site) -> Seen:
    """Somebody whose browser runs no script."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    return sign_in(opened(context), site)


def test_without_script_a_page_says_the_same_and_replays(plain: Seen, site: Site) -> None:
    page = plain.page
    page.goto(site.served.address + site.paths()["why"])
    page.click("#replay button")
    assert words_of("en", "why")["replay"]["same"] in page.locator("#replay").inner_text()


def test_signing_out_without_script_ends_it(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    seen = sign_in(opened(context), site)
    seen.page.click(".tools button")
    seen.page.wait_for_url(re.compile("sign-in"))
    seen.page.goto(f"{site.served.address}/console")
    assert "/console/sign-in" in seen.page.url
    context.close()


def test_the_keyboard_reaches_the_page_first_and_the_menu_next(plain: Seen, site: Site) -> None:
    page = plain.page
    page.goto(f"{site.served.address}/console")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == words_of("en", "common")["skip"]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("aria-current") == "page"


def test_paper_has_no_menu_and_is_light(browser: Browser, site: Site) -> None:
    context = browser.new_context(color_scheme="dark")
    seen = sign_in(opened(context), site)
    seen.page.goto(site.served.address + site.paths()["group"])
    dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    seen.page.emulate_media(media="print")
    assert not seen.page.locator(".top nav").is_visible()
    assert (
        seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)" != dark
    )
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_has_no_serious_finding_either(
    browser: Browser, site: Site, language: str, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme="dark" if scheme == "dark" else "light"
    )
    seen = opened(context)
    seen.page.goto(f"{site.served.address}/console/sign-in?lang={language}")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert findings(seen.page) == []
    assert seen.errors == []
    context.close()


def test_the_style_sheet_keeps_its_budget(site: Site) -> None:
    assert len(site.served.client.get("/static/console/console.css").content) <= STYLE_BYTES
