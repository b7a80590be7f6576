"""A program set up in a real browser, 360 points wide: by keyboard, without script, with a double click.

Everybody in it is synthetic, and time stands still.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from engagement.clock import SimulatedClock
from engagement.store.database import Database
from support.busy_program import a_busy_program
from support.databases import sqlite_database
from support.peer_groups import ms
from support.running import Program, running

pytestmark = pytest.mark.needs("chromium")
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
NARROW = {"width": 360, "height": 740}
ROSTER = b"group,member,seat,site\ng01,g01-m7,7,here\ng09,g09-m1,one,here\n"


class Seen(NamedTuple):
    """A tab in which somebody is signed in, and what went wrong or was asked of others in it."""

    page: Page
    address: str
    errors: list[str]
    elsewhere: list[str]

    def open(self, path: str) -> Page:
        """Goes to a page of the console."""
        answer = self.page.goto(f"{self.address}/console{path}")
        assert answer is not None
        assert answer.status == 200, path
        return self.page

    def check(self) -> None:
        """Whatever stands on the page: it fits, is silent, fetches nothing elsewhere, and axe is content."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, self.page.url
        assert (self.errors, self.elsewhere) == ([], []), self.page.url
        assert serious(self.page) == [], self.page.url


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical, in short."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{row['id']}: {row['nodes'][0]['html'][:200]}"
        for row in found["violations"]
        if row["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def busy(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    url = sqlite_database(migrated_sqlite, tmp_path_factory.mktemp("browser"))
    with closing(Database(url)) as db:
        here = a_busy_program(db)
    with running(url, clock=SimulatedClock(ms(0)), deadline_ms=20_000) as served:
        yield Program(served, here.id)


@pytest.fixture
def tab(browser: Browser, busy: Program) -> Iterator[Callable[..., Seen]]:
    """Call it for a new tab. Without script it still has to do."""
    with ExitStack() as opened:

        def new(*, script: bool = True) -> Seen:
            context = browser.new_context(viewport=NARROW, java_script_enabled=script)
            opened.callback(context.close)
            page, address = context.new_page(), busy.running.address
            seen = Seen(page, address, [], [])
            page.on(
                "console", lambda told: told.type in ("error", "warning") and seen.errors.append(told.text)
            )
            page.on("pageerror", lambda error: seen.errors.append(str(error)))
            page.on(
                "request",
                lambda asked: asked.url.startswith((address, "data:")) or seen.elsewhere.append(asked.url),
            )
            page.goto(f"{address}/console/sign-in")
            page.fill("#key", busy.key("admin")[0])
            page.click("form.sign button")
            return seen

        yield new


def test_a_roster_is_uploaded_without_any_script_and_a_double_click_stores_once(
    tab: Callable[..., Seen],
) -> None:
    seen = tab(script=False)
    page = seen.open("/program/roster")
    page.set_input_files("#file", {"name": "r.csv", "mimeType": "text/csv", "buffer": ROSTER})
    page.click("form.sign button")
    assert page.inner_text("h1") == "One line would be stored"
    page.dblclick("text=Store one line")
    page.wait_for_selector("h1[role=status], .alert.wait")
    page = seen.open("/program/roster")
    page.set_input_files("#file", {"name": "r.csv", "mimeType": "text/csv", "buffer": ROSTER})
    page.click("form.sign button")
    assert page.inner_text("h1") == "Nothing would be stored"


def test_the_program_is_paused_and_resumed_by_keyboard_alone(tab: Callable[..., Seen]) -> None:
    seen = tab()
    for state in ("paused", "recommends"):
        page = seen.open("/program/switch")
        page.focus("#by")
        page.keyboard.type("program-lead")
        page.keyboard.press("Tab")
        page.keyboard.type("The data")
        page.keyboard.press("Tab")
        page.keyboard.type("dates are off")
        page.keyboard.press("Enter")
        page.wait_for_selector("input[name=step][value=throw]", state="attached")
        seen.check()
        page.focus("main .btn")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1[role=status]")
        seen.check()
        assert state in seen.open("/program").inner_text("h1")


def test_an_end_is_moved_after_a_look_at_what_that_changes(tab: Callable[..., Seen]) -> None:
    seen = tab()
    page = seen.open("/program/ends/here")
    page.fill("#ends_on", "2026-09-30")
    page.click("form.sign button")
    seen.check()
    assert page.inner_text("h1") == "Vizag: from 31 March 2026 to 30 September 2026?"
    page.click("text=Move the end")
    assert page.inner_text("h1") == "Vizag: the program ends on 30 September 2026"
    seen.check()


def test_a_program_file_with_mistakes_tells_their_lines(tab: Callable[..., Seen]) -> None:
    seen = tab()
    page = seen.open("/program/file")
    text = b'[program]\nid = "program"\ntitle = "X"\nstoped = true\nlanguage = 3\n'
    page.set_input_files("#file", {"name": "p.toml", "mimeType": "text/plain", "buffer": text})
    page.click("form.sign button")
    assert page.inner_text("h1") == "2 mistakes keep it from being loaded"
    assert [row.inner_text() for row in page.query_selector_all("tbody th")] == ["4", "5"]
    seen.check()
