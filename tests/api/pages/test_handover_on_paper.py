"""The handover on paper, printed by a real browser: an A4 page a group, and one for the new keeper.

The set-up is the template with everything it offers, three months before its end. Everybody is synthetic.
"""

import re
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import sync_playwright

from engagement.api.pages.handover import goodbye_sheets, handover_sheets
from engagement.store import setup
from engagement.store.database import Database
from engagement.strategy.setup import Group, Site
from engagement.workflows.handover import Handover, handover
from engagement.workflows.keeper import KeeperWanted
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.wording import LANGUAGES
from support.databases import sqlite_database
from support.peer_groups import a_program, ms, seat
from support.programs import find

pytestmark = pytest.mark.needs("chromium")
PAGE = re.compile(rb"/Type\s*/Page[^s]")


@pytest.fixture
def told(migrated_sqlite: Path, tmp_path: Path) -> Handover:
    """Three groups, each in another language, of eight people for whom four months were decided."""
    sites = (Site(id="here", title="Here", ends_on=date(2026, 9, 30)),)
    plan = msgspec.structs.replace(template(DEFAULT_TEMPLATE), sites=sites)
    with closing(Database(sqlite_database(migrated_sqlite, tmp_path))) as db:
        here = a_program(db, plan)
        for name in LANGUAGES:
            with db.write() as conn:
                setup.revise(conn, here.id, [Group(id=name, site="here", language=name)], ms(-1))
            lines = (f"{name},{name}{n},{n},{'adviser' if n == 1 else 'member'},yes" for n in range(1, 9))
            seat(here, *lines, columns="group,member,seat,role,health_worker")
            asks = [Ask(group=name), Ask(member=f"{name}1", strategy="adviser_learned")]
            asks += [Ask(member=f"{name}{n}") for n in range(1, 9)]
            for month in range(4):
                here.run(recommend, asks, day=31.0 * month)
        return here.run(handover, KeeperWanted("here"), day=115)  # type: ignore[arg-type]  # gives one


def test_a_group_is_told_on_one_page_in_its_language(told: Handover) -> None:
    assert all(len(group.tried) > 5 and group.stops and group.stays for group in told.groups)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        for sheets, pages in (
            (handover_sheets(told), len(LANGUAGES) + 1),
            (goodbye_sheets(told), len(LANGUAGES)),
        ):
            page = chromium.new_page()
            page.set_content(sheets)
            assert len(PAGE.findall(page.pdf(prefer_css_page_size=True))) == pages
        chromium.close()
