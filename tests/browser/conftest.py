"""The console in a real browser, on a program that has lived through sixteen months."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from engagement.clock import SimulatedClock
from engagement.workflows.ingest import milliseconds
from support.console_tabs import Seen, Site, opened, sign_in
from support.databases import sqlite_database
from support.lived_program import START, live
from support.programs import find
from support.running import running

WIDTHS = (1280, 360)


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = sqlite_database(migrated_sqlite, tmp_path_factory.mktemp("console"))
    with running(url, clock=SimulatedClock(milliseconds(START)), deadline_ms=20_000) as served:
        program = served.program()
        yield Site(served, program, live(program))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a file: while it is open nothing else in this process can run an event loop."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=WIDTHS)
def tab(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Seen]:
    """Somebody signed in, at one of two widths."""
    width: int = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="light")
    yield sign_in(opened(context), site)
    context.close()
