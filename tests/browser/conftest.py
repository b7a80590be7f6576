"""The console in a real browser, on a program that has lived through sixteen months."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from engagement.clock import SimulatedClock
from engagement.workflows.ingest import milliseconds
from support.databases import sqlite_database
from support.lived_program import START, Lived, live
from support.programs import find
from support.running import Program, Running, running

WIDTHS = (1280, 360)


class Site(NamedTuple):
    """Where the console is open, and a program to look at."""

    served: Running
    program: Program
    lived: Lived

    def paths(self) -> dict[str, str]:
        """A path of every kind of page."""
        return {
            "groups": "/console",
            "group": "/console/groups/g1",
            "member": "/console/members/g1-m2",
            "why": f"/console/decisions/{self.lived.decision}",
            "why of a group": f"/console/decisions/{self.lived.own}",
            "strategies": "/console/strategies",
            "learning": "/console/learning",
        }


class Seen(NamedTuple):
    """A tab, with what went wrong in it and what it asked for."""

    page: Page
    errors: list[str]
    requests: list[Request]


@pytest.fixture(scope="session")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = sqlite_database(migrated_sqlite, tmp_path_factory.mktemp("console"))
    with running(url, clock=SimulatedClock(milliseconds(START)), deadline_ms=20_000) as served:
        program = served.program()
        yield Site(served, program, live(program))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(context: BrowserContext) -> Seen:
    """A tab of a browser."""
    page = context.new_page()
    seen = Seen(page, [], [])

    def note(told: ConsoleMessage) -> None:
        if told.type in ("error", "warning"):
            seen.errors.append(f"{page.url}: {told.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.requests.append)
    return seen


def sign_in(seen: Seen, site: Site, *, audience: str = "research") -> Seen:
    key = site.program.key("admin" if audience == "research" else "read", audience=audience)[0]
    seen.page.goto(f"{site.served.address}/console/sign-in")
    seen.page.fill("#key", key)
    seen.page.click("form.sign button")
    seen.page.wait_for_url(f"{site.served.address}/console")
    return seen


@pytest.fixture(scope="session", params=WIDTHS)
def tab(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Seen]:
    """Somebody signed in, at one of two widths."""
    width: int = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="light")
    yield sign_in(opened(context), site)
    context.close()
