"""Erasing over HTTP: who may, what is answered, and that nothing is kept of having asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from engagement.store import tables as t
from engagement.store.erasure_list import ErasureList
from support.running import Program, Running


@pytest.fixture
def listed(served: Running, tmp_path: Path) -> Iterator[ErasureList]:
    """The service's list, for this test a file of its own."""
    before = served.service.erasures
    served.service.erasures = ErasureList(tmp_path / "erasures")
    yield served.service.erasures
    served.service.erasures = before


def test_the_answer_tells_what_went_and_not_who(program: Program, listed: ErasureList) -> None:
    caller = program.caller("admin")
    answer = caller.post("/v1/members/ben/erasure", headers={"Idempotency-Key": "erase-ben"})
    assert answer.status_code == 200
    assert {"revisions", "memberships", "tallies"} <= {row["table"] for row in answer.json()["rows"]}
    assert "ben" not in answer.text
    assert caller.get("/v1/members/ben").status_code == 404
    assert len(listed.read(expected=True)) == 1
    with program.running.service.db.read(program.id) as conn:
        kept = conn.execute(select(t.kept_answers).filter_by(program_id=program.id)).all()
    assert kept == []


@pytest.mark.usefixtures("listed")
def test_asked_again_it_is_kindly_not_found(program: Program) -> None:
    caller = program.caller("admin")
    assert caller.post("/v1/members/ben/erasure").status_code == 200
    again = caller.post("/v1/members/ben/erasure")
    assert (again.status_code, again.json()["type"]) == (404, "urn:engagement:problem:not-found")
    assert again.json()["detail"].startswith("nothing of `ben` is here")


def test_it_is_not_tried(program: Program, listed: ErasureList) -> None:
    caller = program.caller("admin")
    assert caller.post("/v1/members/ben/erasure?dry_run=true").status_code == 400
    assert caller.get("/v1/members/ben").status_code == 200
    assert listed.read(expected=False) == {}


def test_without_a_list_nobody_is_erased(served: Running, program: Program) -> None:
    before = served.service.erasures
    served.service.erasures = ErasureList(None)
    caller = program.caller("admin")
    answer = caller.post("/v1/members/ben/erasure")
    served.service.erasures = before
    assert answer.status_code == 400
    assert "ENGAGEMENT_ERASURES" in answer.json()["detail"]
    assert caller.get("/v1/members/ben").status_code == 200
