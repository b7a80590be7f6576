"""Pages of the console that are read: who may open which, what they say of an empty and of a busy program."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engagement.api.console.drawn import LANGUAGES
from engagement.clock import SimulatedClock
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.digest import whole_digest
from support.busy_program import a_busy_program
from support.databases import sqlite_database
from support.peer_groups import ms
from support.running import Program, running
from support.signed_in import Tab, heading, tab_of, words

READ = ("/visits", "/work", "/referrals", "/program", "/digest", "/money", "/data", "/trail")
FOR_ADMIN = ("/program/switch", "/program/ends/main", "/program/file", "/program/roster")
FOR_SIGNALS = ("/program/register",)
EVERY = (*READ, *FOR_ADMIN, *FOR_SIGNALS)


@pytest.fixture
def tab(program: Program) -> Iterator[Tab]:
    with tab_of(program, "admin") as opened:
        yield opened


@pytest.fixture(scope="module")
def busy(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The busy program, at noon of the day on which it stands."""
    url = sqlite_database(migrated_sqlite, tmp_path_factory.mktemp("busy"))
    with closing(Database(url)) as db:
        here = a_busy_program(db)
    with running(url, clock=SimulatedClock(ms(0)), deadline_ms=20_000) as served:
        yield Program(served, here.id)


def site_of(program: Program) -> str:
    """The id of the program's first site."""
    items = program.caller("read").get("/v1/sites").json()["items"]
    return str(items[0]["value"]["id"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_a_fresh_program_has_something_to_say(
    tab: Tab, program: Program, language: str
) -> None:
    site = site_of(program)
    for path in EVERY:
        page = tab.get(path.replace("ends/main", f"ends/{site}"), params={"lang": language})
        assert page.status_code == 200, (path, words(page))
        assert heading(page)


@pytest.mark.parametrize("path", [*FOR_ADMIN, *FOR_SIGNALS])
def test_setting_up_needs_the_scope_for_it(program: Program, path: str) -> None:
    with tab_of(program, "read") as reader:
        assert reader.get(path).status_code == 403
        assert reader.send(path).status_code == 403


def test_what_one_may_not_open_is_not_offered_either(program: Program) -> None:
    with tab_of(program, "read") as reader:
        page = reader.get("/program").text
    assert "/console/money" in page
    assert "/console/program/" not in page


def test_another_programs_things_are_not_there(program: Program, other: Program) -> None:
    program.caller("admin").put(
        "/v1/sites/theirs-alone", {"id": "theirs-alone", "title": "Theirs"}
    ).raise_for_status()
    with tab_of(other, "admin") as elsewhere:
        assert elsewhere.get("/program/ends/theirs-alone").status_code == 404
        assert elsewhere.send("/program/ends/theirs-alone", none="1").status_code == 404
        assert elsewhere.get("/work", params={"of": "ana"}).status_code == 200  # its own adviser ana
        for path in READ:
            assert "theirs-alone" not in elsewhere.get(path).text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/work?of=nobody-here", 404),
        ("/visits?week=tomorrow", 400),
        ("/visits?week=2026-W99", 400),
        ("/visits?plan=x", 200),
        ("/trail?before=yesterday", 400),
        ("/trail?before=2026-01-01", 400),
        ("/trail?before=0", 200),
        ("/program/ends/nowhere", 404),
    ],
)
def test_what_is_not_understood_or_not_there_is_said_kindly(tab: Tab, path: str, status: int) -> None:
    page = tab.get(path)
    assert page.status_code == status
    assert heading(page)


SAYS = {
    "/visits": "2 visits for 3 groups, 9 – 15 March 2026",
    "/referrals": "One safety case is past its time",
    "/program": "Sonipat and Vizag recommends, since 8 March 2026",
    "/digest": "First: safety cases past their time: 1. The oldest waits since Friday 6 March for: program "
    "lead.",
    "/money": "492.50 INR of 500.00 INR are left with “program”, the tightest budget",
    "/data": "Somebody should look at the registers of 2 groups",
    "/trail": "The last change was on Tuesday 10 March",
}


@pytest.mark.parametrize("path", sorted(SAYS))
def test_the_heading_is_the_answer(busy: Program, path: str) -> None:
    with tab_of(busy, "read") as reader:
        assert heading(reader.get(path)) == SAYS[path]


def test_a_health_workers_list_has_the_visits_that_the_plan_gives_her(busy: Program) -> None:
    with tab_of(busy, "read") as reader:
        visits = reader.get("/visits").text.count(">meera</td>")
        said = heading(reader.get("/work", params={"of": "meera"}))
    assert (visits, said) == (2, "2 things to do for meera")


def test_the_digest_on_the_page_is_the_one_of_the_workflow(busy: Program) -> None:
    with busy.running.service.db.read(busy.id) as conn:
        told = whole_digest(conn, Kept(), busy.id, "staff", "en", ms(0))
    with tab_of(busy, "read") as reader:
        assert all(line.text in words(reader.get("/digest")) for line in told.lines)


def test_a_health_worker_sees_no_load_and_no_money(busy: Program) -> None:
    with tab_of(busy, "read", audience="health_worker") as worker:
        assert "How full each week is" not in words(worker.get("/visits"))
        assert "INR" not in words(worker.get("/digest"))
        assert "g01-m4" not in words(worker.get("/referrals"))


def test_pages_of_the_trail_lead_to_what_was_before(busy: Program) -> None:
    with tab_of(busy, "read") as reader:
        page = reader.get("/trail", params={"before": str(ms(-2.0))})
    assert heading(page) == "What was changed up to Saturday 7 March"
    assert "the river is over its banks" in words(page)


def test_no_page_is_heavier_than_it_may_be(busy: Program) -> None:
    with tab_of(busy, "admin") as reader:
        for path in READ:
            assert len(reader.get(path).content) < 170_000
