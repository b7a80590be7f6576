"""A program file is loaded again and again: what differs becomes a revision, and nothing else."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from engagement.errors import Conflict, Invalid
from engagement.store import links, setup
from engagement.store import tables as t
from engagement.store.kept import Kept
from engagement.strategy.setup import Switched
from engagement.workflows.load_program import load_program
from engagement.workflows.program_file import read_program
from engagement.workflows.switch import Throw, throw

NOW = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
HEAD = """\
template = "ncd-peer-groups"
[program]
id = "{id}"
[[sites]]
id = "north"
title = "North"
ends_on = 2027-03-31
"""
WORKER = """\
[[health_workers]]
id = "hw-1"
languages = ["hi"]
[[links]]
health_worker = "hw-1"
catchment = "east"
starts_on = 2026-03-01
"""


@pytest.fixture
def text(request):
    """A file of a program of its own."""
    return HEAD.format(id=f"p-{abs(hash(request.node.nodeid)):x}")


def load(db, text, now_ms=NOW, **which):
    with db.write() as conn:
        return load_program(conn, Kept(), read_program(text), now_ms, **which)


def revisions(db, program_id):
    with db.read() as conn:
        query = select(func.count()).where(t.revisions.c.program_id == program_id)
        return conn.execute(query).scalar_one()


def told(loaded):
    return [change.told() for change in loaded.changes]


def test_the_first_time_makes_a_program_with_everything_and_the_second_time_changes_nothing(db, text):
    first = load(db, text + WORKER)
    stored = revisions(db, first.program_id)
    second = load(db, text + WORKER)
    assert (first.created, second.created, second.program_id) == (True, False, first.program_id)
    assert (second.changes, second.gone, revisions(db, first.program_id)) == ((), (), stored)
    assert second.unchanged == len(read_program(text + WORKER).plan.things())
    with db.read() as conn:
        (row,) = links.links_of(conn, first.program_id, "health_worker", ["hw-1"])["hw-1"]
    assert (row.relation, row.to) == ("catchment", "east")


def test_only_what_differs_becomes_a_revision_and_is_told(db, text):
    before = load(db, text)
    stored = revisions(db, before.program_id)
    changed = (
        text.replace("2027-03-31", "2027-06-30") + '[[actions]]\nid = "transport_token"\ncost_minor = 4000\n'
    )
    loaded = load(db, changed)
    assert told(loaded) == [
        'changed  site `north`: ends_on "2027-03-31" → "2027-06-30"',
        "changed  action `transport_token`: cost_minor 5000 → 4000",
    ]
    assert revisions(db, before.program_id) == stored + 2


def test_what_the_file_no_longer_has_stays_and_is_named_with_how_to_end_it(db, text):
    own = '[[actions]]\nkind = "nudge"\nid = "walk"\ntitle = "Walk"\n'
    own += '[[budgets]]\nid = "trust"\nlimit_minor = 5\n'
    before = load(db, text + own + WORKER)
    loaded = load(db, text + '[[health_workers]]\nid = "hw-2"\n')
    assert [(gone.noun, gone.id) for gone in loaded.gone] == [
        ("budget", "trust"), ("action", "walk"), ("health_worker", "hw-1"),
    ]  # fmt: skip
    assert "retired = true" in loaded.gone[1].told()
    with db.read() as conn:
        assert setup.newest(conn, before.program_id, "action", ["walk"])["walk"].revision == 1
    ended = own.replace('title = "Walk"', 'title = "Walk"\nretired = true').replace("= 5", "= 0")
    load(db, text + ended + WORKER.replace("languages", "hours_a_week = 0.0\nlanguages"))
    assert load(db, text).gone == ()


def test_a_change_that_does_not_fit_what_is_stored_changes_nothing_at_all(db, text):
    before = load(db, text)
    stored = revisions(db, before.program_id)
    changed = (
        text.replace("North", "Further north") + '[[strategies]]\nid = "framing"\nactions = ["win_story"]\n'
    )
    with pytest.raises(Conflict, match="under a new id"):
        load(db, changed)
    assert revisions(db, before.program_id) == stored


def test_loading_a_file_throws_no_switch(db, text):
    before = load(db, text)
    stop = Throw(stopped=True, switched=Switched(by="lead", why="rest"))
    with db.write() as conn:
        throw(conn, Kept(), before.program_id, [stop], NOW)
    loaded = load(db, text.replace("North", "Further north"))
    assert [change.id for change in loaded.changes] == ["north"]
    with db.read() as conn:
        revision = setup.catalogue_revision(conn, before.program_id)
        assert setup.catalogue(conn, Kept(), before.program_id, revision).program.stopped


def test_of_two_programs_of_one_id_the_one_to_load_has_to_be_named(db, text):
    first = load(db, text)
    with db.write() as conn:
        second = load_program(conn, Kept(), read_program(text.replace('id = "p-', 'id = "q-')), NOW)
    assert second.program_id != first.program_id
    with db.write() as conn:
        setup.revise(conn, second.program_id, [read_program(text).plan.program], NOW)
    with pytest.raises(Invalid, match="2 programs go by the id"):
        load(db, text)
    assert load(db, text, program_id=second.program_id).program_id == second.program_id


def test_a_file_with_mistakes_is_not_loaded(db, text):
    with pytest.raises(Invalid, match="mistakes"):
        load(db, text + "[[actions]]\n")
