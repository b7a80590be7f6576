"""Tabs of a real browser in which the console is open, with what went wrong in them."""

from typing import NamedTuple

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from engagement.signals.signal import Audience
from support.lived_program import Lived
from support.running import Program, Running


class Site(NamedTuple):
    """Where the console is open, and a program to look at."""

    served: Running
    program: Program
    lived: Lived

    def paths(self) -> dict[str, str]:
        """A path of every page; of decisions one of a member and one of a group."""
        return self.lived.console_paths() | {
            "why": f"/console/decisions/{self.lived.decision}",
            "why of a group": f"/console/decisions/{self.lived.own}",
        }


class Seen(NamedTuple):
    """A tab, with what went wrong in it and what it asked for."""

    page: Page
    errors: list[str]
    requests: list[Request]


def opened(context: BrowserContext) -> Seen:
    """A tab of a browser."""
    page = context.new_page()
    seen = Seen(page, [], [])

    def note(told: ConsoleMessage) -> None:
        if told.type in ("error", "warning"):
            seen.errors.append(f"{page.url}: {told.text}")

    def ask(request: Request) -> None:
        seen.requests.append(request)

    page.on("console", note)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", ask)
    return seen


def sign_in(seen: Seen, site: Site, *, audience: Audience = "research") -> Seen:
    """Signs in with a new key: one that opens everything, or for other audiences one that reads."""
    key = site.program.key("admin" if audience == "research" else "read", audience=audience)[0]
    seen.page.goto(f"{site.served.address}/console/sign-in")
    seen.page.fill("#key", key)
    seen.page.click("form.sign button")
    seen.page.wait_for_url(f"{site.served.address}/console")
    return seen
