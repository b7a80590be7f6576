"""Two replicas of the service on one PostgreSQL, at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from threading import Barrier

import msgspec
import pytest
from sqlalchemy import event

from engagement.actions.contacts import Contacts
from engagement.store import decisions, resources
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.strategy import Fallback
from engagement.workflows.import_register import cuts, plan_register, record
from engagement.workflows.ingest import ingest
from engagement.workflows.rebuild import compare
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from support.peer_groups import (
    CALL,
    FOLDED,
    LEARNED,
    PLAN,
    a_program,
    always,
    came,
    decided,
    held,
    seat_members,
)

CAPPED = msgspec.structs.replace(CALL, weekly_cap=1)


@pytest.fixture(scope="module")
def databases(shared_postgresql_url: str) -> Iterator[tuple[Database, Database]]:
    with closing(Database(shared_postgresql_url)) as one, closing(Database(shared_postgresql_url)) as other:
        yield one, other


def both(here, databases, *work):
    """What each replica makes of its piece of work, started together."""
    start = Barrier(len(work))

    def run(pair):
        db, (workflow, what) = pair
        replica = here._replace(db=db, kept=Kept())
        start.wait()
        return replica.run(workflow, what)

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(run, zip(databases, work, strict=True)))


def asking(*members):
    return recommend, [Ask(member=name) for name in members]


def test_the_last_unit_of_money_goes_to_exactly_one(databases):
    for _ in range(8):
        here = a_program(databases[0], always("token", limit_minor=50))
        seat_members(here, 2, chance="no")
        ((one,), (other,)) = both(here, databases, asking("m0"), asking("m1"))
        assert sorted((one.action.id, other.action.id)) == ["none", "token"]
        assert here.read(resources.taken_by_ledger) == {("fund", "2026-03"): 50}
        assert compare(here.db, here.kept, here.id) == []


def test_the_last_minutes_of_staff_go_to_exactly_one(databases):
    for _ in range(8):
        here = a_program(databases[0], always("call"))
        staff = msgspec.structs.replace(CALL, carrier="staff", minutes=20)
        here.run(revise, [staff, msgspec.structs.replace(PLAN.program, staff_minutes=39)])
        seat_members(here, 9, chance="no")  # two groups
        ((one,), (other,)) = both(here, databases, asking("m0"), asking("m8"))
        assert sorted((one.action.id, other.action.id)) == ["call", "none"]
        assert here.read(resources.taken_by_ledger) == {("staff/", "2026-03"): 20}


@pytest.mark.parametrize(
    "limits",
    [[msgspec.structs.replace(PLAN.program, contacts=Contacts(weekly=1))], [CAPPED]],
    ids=["contacts", "weekly-cap"],
)
def test_two_strategies_at_two_replicas_share_what_a_week_allows(databases, limits):
    for _ in range(8):
        here = a_program(databases[0], always("call"))
        seat_members(here, 1, chance="no")
        other_strategy = msgspec.structs.replace(LEARNED, id="other", fallback=Fallback("call", ("call",)))
        here.run(revise, [*limits, other_strategy])
        named = recommend, [Ask(member="m0", strategy="other")]
        ((one,), (other,)) = both(here, databases, asking("m0"), named)
        assert sorted((one.action.id, other.action.id)) == ["call", "none"]


def test_one_member_gets_one_decision_and_both_are_told_it(databases):
    for _ in range(8):
        here = a_program(databases[0])
        seat_members(here, 1)
        one, other = both(here, databases, asking("m0"), asking("m0"))
        assert one == other
        assert here.read(decisions.count) == 1


def test_opposite_orders_of_asking_do_not_lock_each_other_out(databases):
    for _ in range(4):
        here = a_program(databases[0], always("token", limit_minor=150))
        members = seat_members(here, 16, chance="no")
        one, other = both(here, databases, asking(*members), asking(*members[::-1]))
        assert one == other[::-1]
        assert [answer.action.id for answer in one].count("token") == 3


def test_the_same_report_at_both_is_counted_once(databases):
    reports = [came("m0", 0), came("m8", 0, 0), held("g0", 0), held("g1", 0, 0)]
    for _ in range(4):
        here = a_program(databases[0])
        seat_members(here, 9)
        one, other = both(here, databases, (ingest, reports), (ingest, reports[::-1]))
        for first, second in zip(one, other[::-1], strict=True):
            assert sorted((first.status, second.status)) == ["repeated", "stored"]
        assert compare(here.db, here.kept, here.id) == []


def test_a_report_and_its_correction_at_both_at_once_leave_one_of_them(databases):
    for _ in range(8):
        here = a_program(databases[0])
        seat_members(here, 1)
        wrong, right = held("g0", 0, 1, id="a"), held("g0", 0, 0, id="b", corrects="a")
        both(here, databases, (ingest, [wrong]), (ingest, [right]))
        assert compare(here.db, here.kept, here.id) == []


def test_a_meeting_reported_while_a_decision_matures_is_seen_or_revises_it(databases):
    db, other = databases
    here = a_program(db)
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    with ThreadPoolExecutor(1) as threads:
        reported = []

        def report_meanwhile(_conn, _cursor, statement, *_):
            if statement.startswith("INSERT INTO outcomes") and not reported:
                reports = [held("g0", 5, 0)]
                reported.append(threads.submit(here._replace(db=other).run, ingest, reports, day=FOLDED))
                wait(reported, timeout=0.5)  # it is either done by now, unseen, or waiting for a lock

        event.listen(db.engine(), "before_cursor_execute", report_meanwhile)
        try:
            here.fold()
        finally:
            event.remove(db.engine(), "before_cursor_execute", report_meanwhile)
    assert reported[0].result()
    assert here.read(decisions.outcomes, [decision])[decision][-1].reward == 0


def test_a_register_at_both_is_told_once_and_so_is_its_correction(databases):
    for _ in range(4):
        here = a_program(databases[0])
        seat_members(here, 16)
        for came_to in ("1 2 3", "4 5 6"):
            text = f"group,date,held,came\ng0,2026-03-10,yes,{came_to}\ng1,2026-03-10,yes,{came_to}\n"
            (told,) = cuts(here.run(plan_register, text))
            one, other = both(here, databases, (record, told), (record, told[::-1]))
            for first, second in zip(one, other[::-1], strict=True):
                assert "unchanged" in (first, second)
            # 2 meetings and 16 attendances the first time; three who came and three who did not the second
            told_new = sum(answer != "unchanged" for answer in (*one, *other))
            assert told_new == (18 if came_to == "1 2 3" else 12)
        assert compare(here.db, here.kept, here.id) == []


def test_of_two_registers_at_both_one_corrects_the_other(databases):
    for _ in range(8):
        here = a_program(databases[0])
        seat_members(here, 8)
        text = "group,date,held,came\ng0,2026-03-10,yes,{}\n"
        registers = [here.run(plan_register, text.format(seats)) for seats in ("1 2 3", "4 5 6")]
        work = [(record, next(cuts(register))) for register in registers]
        answers = sorted(sorted(told) for told in both(here, databases, *work))
        assert answers == [
            ["corrected"] * 6 + ["unchanged"] * 4,  # held, not put off, and seats 7 and 8 at neither
            ["stored"] * 9 + ["unchanged"],  # that it was not put off needs no report
        ]
        assert compare(here.db, here.kept, here.id) == []
