"""The whole service serves as ever for a database user whom PostgreSQL shows one program a transaction."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from engagement.api import examples
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.example import load_example
from engagement.workflows.rebuild import compare
from support.backup import rows
from support.databases import postgresql_database
from support.examples import START_MS, example_running, play
from support.running import Caller, Program, Running
from support.signed_in import tab_of
from support.wall import behind_the_wall


@pytest.fixture(scope="module")
def owners_url(postgres: Any, migrated_postgresql: str) -> Iterator[str]:
    with postgresql_database(postgres, migrated_postgresql) as url:
        yield url


@pytest.fixture(scope="module")
def walled(owners_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service behind the wall that may erase people."""
    listed = tmp_path_factory.mktemp("wall") / "erasures"
    with example_running(behind_the_wall(owners_url), erasures=str(listed)) as service:
        yield service


def test_every_operation_works_and_no_other_program_is_touched(walled: Running, owners_url: str) -> None:
    """The examples, one of each operation: the set-up, signals, decisions, a fold, a plan, a report, an
    export, an erasure."""
    other = walled.program()
    mine = load_example(walled.service.db, Kept(), START_MS)
    with closing(Database(owners_url)) as owner:
        before = rows(owner, other.id)
        played = list(play(walled.stranger(mine.key), examples.STEPS))
        refused = {step["operation"]: answer.text for step, answer in played if not answer.is_success}
        assert not refused
        assert rows(owner, other.id) == before
        assert compare(owner, Kept(), mine.program_id) == []
    (metrics,) = (answer.text for step, answer in played if step["operation"] == "program_metrics")
    assert "engagement_programs 2.0" in metrics


def test_the_console_opens_and_its_forms_are_taken(walled: Running) -> None:
    program = walled.program()
    with tab_of(program, "admin", "read") as tab:
        for page in ("", "/program", "/groups/north", "/members/ben", "/learning", "/work", "/trail"):
            assert tab.get(page).status_code == 200, page
        assert tab.upload("/program/roster", "group,member\nwest,zoe\n").status_code == 200


@pytest.fixture
def everything(walled: Running) -> Caller:
    program: Program = walled.program()
    return program.caller("admin", "read", "recommend", "signals", "research")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/fhir/R4/Group", None),
        ("POST", "/ofrep/v1/evaluate/flags/learned", {"context": {"targetingKey": "ben"}}),
        ("POST", "/personalizer/v1.0/rank", {"actions": [{"id": "a", "features": [{"x": 1}]}]}),
    ],
)
def test_other_protocols_are_spoken(everything: Caller, method: str, path: str, body: Any) -> None:
    answer = everything.call(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
