"""Bytes of the brief's page in each language, and how long a browser takes to load it over slow 3G.

    PYTHONPATH=services:tests python benchmarks/brief_page.py

Slow 3G is 400 kbit/s and 400 ms a round trip, as DevTools reckon it; nothing is cached. The group is
synthetic: nine seats, five open goals, four who stayed away.
"""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from engagement.workflows.wording import LANGUAGES
from support.databases import migrate, sqlite_url
from support.programs import find
from support.running import Program, running

KBITS, ROUND_TRIP_MS = 400, 400
SEATS = range(1, 10)
GOALS = {2: "food", 3: "medicine", 4: "doctor", 6: "activity", 8: "other"}
TIMES = 5


def a_group(program: Program) -> str:
    """A group with a meeting behind it; a link to its brief."""
    admin = program.caller("admin")
    lines = (f"hill,h{n},{n},{'adviser' if n == 1 else 'member'},2026-01-01\n" for n in SEATS)
    roster = "group,member,seat,role,joined_on\n" + "".join(lines)
    admin.call("POST", "/v1/imports/roster", content=roster, headers={"Content-Type": "text/csv"})
    goals = [{"seat": seat, "category": category} for seat, category in GOALS.items()]
    month = {"held": True, "present": [1, 2, 3, 4, 6], "new_goals": goals, "wins": [3]}
    admin.post("/v1/groups/hill/month", month).raise_for_status()
    path: str = admin.post("/v1/links", {"opens": "brief", "of": "hill"}).json()["path"]
    return path


def load(browser: Browser, address: str) -> dict[str, Any]:
    """One load with nothing cached: milliseconds to the first paint and to the end, and bytes of the body."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    rate = KBITS * 1000 / 8
    slow = {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": rate, "uploadThroughput": rate}
    session.send("Network.emulateNetworkConditions", slow)
    page.goto(address, wait_until="load")
    page.evaluate(
        """() => new Promise(seen => new PerformanceObserver(list => {
            if (list.getEntriesByName('first-contentful-paint').length) seen();
        }).observe({type: 'paint', buffered: true}))"""
    )
    found: dict[str, Any] = page.evaluate(
        """() => ({
            load: performance.getEntriesByType('navigation')[0].loadEventEnd,
            paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
            bytes: performance.getEntriesByType('navigation')[0].decodedBodySize,
            rest: performance.getEntriesByType('resource').reduce((sum, one) => sum + one.decodedBodySize, 0),
            requests: 1 + performance.getEntriesByType('resource').length,
        })"""
    )
    context.close()
    return found


def main() -> None:
    """Prints a line a language."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "brief.db")
        migrate(url)
        with running(url, deadline_ms=20_000) as service, sync_playwright() as play:
            link = service.address + a_group(service.program())
            browser = play.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
            for language in LANGUAGES:
                loads = [load(browser, f"{link}?lang={language}") for _ in range(TIMES)]
                middle = sorted(loads, key=lambda one: one["load"])[TIMES // 2]
                paint, loaded = middle["paint"] / 1000, middle["load"] / 1000
                print(
                    f"{language}: page {middle['bytes']:,} bytes, style sheets {middle['rest']:,}; "
                    f"first paint {paint:.2f} s, loaded {loaded:.2f} s, {middle['requests']} requests "
                    f"(median of {TIMES})"
                )
            browser.close()


if __name__ == "__main__":
    main()
