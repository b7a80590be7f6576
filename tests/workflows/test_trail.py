"""The audit trail: what was changed and when, told from the ledger, in parts that tear no transaction."""

import msgspec
import pytest

from engagement.errors import Forbidden
from engagement.store import keys, setup
from engagement.strategy.setup import Budget, Site, Switched
from engagement.strategy.trial import Amendment, Trial, TrialCondition
from engagement.workflows.access import create_key
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.switch import Throw, throw
from engagement.workflows.trail import Entry, Field, TrailWanted, trails
from support.peer_groups import PLAN, a_program, came, moment, ms, seat, seat_members
from support.visits import a_planned_program, add_groups, add_worker, planned

LATE = ms(10_000)


def part(here, before_ms=LATE, moments=50, audience="staff"):
    with here.db.read() as conn:
        (found,) = trails(conn, here.kept, here.id, [TrailWanted(audience, before_ms, moments)], ms(0))
    return found


def entries(here, day):
    """What was done on one day."""
    return [entry for entry in part(here).entries if entry.at == moment(day)]


def test_a_new_program_begins_its_trail_with_what_it_was_made_of(here):
    told = {(entry.did, entry.noun): (entry.count, entry.ids) for entry in part(here).entries}
    assert told["new", "program"] == (1, ("program",))
    assert told["new", "site"] == (1, ("here",))
    assert part(here).before is None


def test_a_change_tells_each_field_as_it_was_and_is(here):
    here.run(revise, [Budget(id="fund", period="year", limit_minor=20_000)], day=1)
    assert entries(here, 1) == [
        Entry(
            moment(1), "changed", "budget", 1, ("fund",),
            (Field("period", '"month"', '"year"'), Field("limit_minor", "10000", "20000")),
        )
    ]  # fmt: skip


def test_many_new_things_of_one_moment_are_counted_and_the_first_are_named(here):
    here.run(revise, [Site(id=f"s{n}", title="A place") for n in range(6)], day=1)
    assert entries(here, 1) == [Entry(moment(1), "new", "site", 6, ("s0", "s1", "s2", "s3", "s4"))]


def test_the_switch_tells_who_and_why(here):
    for stopped, day in ((True, 1), (False, 2)):
        here.run(throw, [Throw(stopped, Switched(by="lead", why="A flood"))], day=day)
    assert entries(here, 1) == [Entry(moment(1), "stopped", "program", by="lead", why="A flood")]
    assert entries(here, 2) == [Entry(moment(2), "resumed", "program", by="lead", why="A flood")]


def test_a_roster_is_counted_and_its_second_import_is_no_change(here):
    for day in (1, 2):
        seat(here, "g0,m0,1", "g0,m1,2", day=day)
    did = {(entry.did, entry.noun, entry.how): entry.count for entry in entries(here, 1)}
    assert did == {("new", "group", ""): 1, ("new", "member", ""): 2, ("seated", "member", "joined"): 2}
    assert entries(here, 2) == []


def test_parts_of_a_register_are_one_entry_and_other_sources_are_none(here):
    members = seat_members(here, 3)
    for offset, member in zip((0, 20_000, 40_000), members, strict=True):
        here.run(ingest, [came(member, 4)], day=5 + offset / 86_400_000)
    here.run(ingest, [came(members[0], 3, source="app", id="x")], day=7)
    told = [entry for entry in part(here).entries if entry.did == "register"]
    assert [(entry.count, entry.at) for entry in told] == [(3, moment(5 + 40_000 / 86_400_000))]


def test_keys_are_told_when_they_are_made_and_when_they_end(here):
    with here.db.write() as conn:
        made = create_key(conn, here.id, ["read"], "staff", ms(1), None).key
        keys.revoke(conn, here.id, made.key_id, ms(2))
    assert entries(here, 1) == [Entry(moment(1), "key_made", "key", 1, (made.key_id,), how="read, staff")]
    assert entries(here, 2) == [Entry(moment(2), "key_revoked", "key", 1, (made.key_id,), how="read, staff")]


def test_a_plan_of_a_week_and_the_links_before_it_are_told(db):
    here = a_planned_program(db)
    add_groups(here, "hill", "a")
    add_worker(here, "hill", "asha")
    planned(here, day=1)
    assert [(entry.did, entry.how) for entry in entries(here, 1)] == [("planned", "2026-W11")]
    assert ("linked", "catchment") in {(entry.did, entry.how) for entry in entries(here, 0)}


@pytest.mark.parametrize("size", [1, 2, 3])
def test_parts_follow_each_other_without_a_gap_or_a_repetition(here, size):
    for day in (1, 2, 3, 4):
        here.run(revise, [Budget(id="fund", limit_minor=day)], day=day)
        here.run(revise, [Site(id="here", title=f"Day {day}")], day=day)
    whole, found, before = part(here).entries, [], LATE
    while before is not None:
        some = part(here, before, size)
        found += some.entries
        before = None if some.before is None else int(some.before.timestamp() * 1000)
    assert tuple(found) == whole
    assert len(whole) >= 8


def test_an_amendment_is_told_with_its_reason(here):
    trial = Trial(
        id="t", title="Two ways", starts_on=moment(0).date(),
        conditions=(
            TrialCondition(id="a", title="A", strategies=("learned",)),
            TrialCondition(id="b", title="B", strategies=("counted",)),
        ),
    )  # fmt: skip
    with here.db.write() as conn:
        setup.revise(conn, here.id, [trial], ms(1))
        amended = msgspec.structs.replace(
            trial, amendments=(Amendment(made_on=moment(2).date(), why="A flood"),)
        )
        setup.revise(conn, here.id, [amended], ms(2))
    assert entries(here, 2) == [Entry(moment(2), "amended", "trial", 1, ("t",), why="A flood")]


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_the_trail_is_for_staff(here, audience):
    assert isinstance(part(here, audience=audience), Forbidden)


def test_another_program_has_a_trail_of_its_own(db, here):
    other = a_program(db, PLAN)
    other.run(revise, [Budget(id="fund", limit_minor=1)], day=1)
    assert entries(here, 1) == []


def test_it_takes_as_many_statements_for_many_changes_as_for_one(here, statements):
    def count():
        with statements() as sent:
            part(here)
        return len(sent)

    few = count()
    for day in range(1, 20):
        here.run(revise, [Budget(id="fund", limit_minor=day)], day=day)
    assert count() == few
