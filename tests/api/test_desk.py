"""The desk: requests wait a moment and share one durable commit."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from engagement.api.desk import CUT, Desk, LaneName, Work, Workflow
from engagement.clock import SimulatedClock
from engagement.errors import Fault, Invalid, Overloaded, Unavailable
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.telemetry import Metrics
from support.databases import sqlite_database
from support.running import PATIENCE_S, wait_until

PROGRAM = "00000000-0000-7000-8000-000000000001"
OTHER = "00000000-0000-7000-8000-000000000002"


class Place:
    """A desk, its metrics, and the database behind it."""

    def __init__(self, url: str, **options: Any) -> None:
        self.db = Database(url)
        self.metrics = Metrics()
        self.desk = Desk(self.db, Kept(), SimulatedClock(0), self.metrics, **{"limit": 100} | options)

    def count(self, name: str, lane: str = "record") -> float:
        return self.metrics.registry.get_sample_value(f"engagement_desk_{name}", {"lane": lane}) or 0.0

    def programs(self) -> set[str]:
        with self.db.read() as conn:
            return set(conn.execute(t.programs.select().with_only_columns(t.programs.c.program_id)).scalars())

    def close(self) -> None:
        self.desk.close()
        self.db.close()


@pytest.fixture
def place(database_url: str) -> Iterator[Place]:
    with closing(Place(database_url)) as made:
        yield made


class Held:
    """A workflow that keeps its first batch until it is let go, and notes what every batch held."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def __call__(
        self, _conn: object, _kept: object, program: str, items: Sequence[Any], _now: int
    ) -> list[Any]:
        self.batches.append(list(items))
        if not self.begun.is_set():
            self.begun.set()
            assert self.let_go.wait(PATIENCE_S)
        return [f"{program[-1]}:{item}" for item in items]


def meanwhile(
    place: Place, held: Held, asked: Sequence[tuple[Work, list[Any]]], lane: LaneName = "record"
) -> list[list[Any]]:
    """What is answered to those who ask, in this order, while the lane is busy with somebody else."""

    async def scene() -> list[list[Any]]:
        first = asyncio.create_task(place.desk.ask(lane, Work(PROGRAM, held), ["first"]))
        await asyncio.to_thread(held.begun.wait, PATIENCE_S)
        others = [asyncio.create_task(place.desk.ask(lane, work, items)) for work, items in asked]
        await asyncio.sleep(0)  # each task runs up to where it waits for its answer
        held.let_go.set()
        await first
        return await asyncio.gather(*others)

    return asyncio.run(scene())


def ask(place: Place, workflow: Workflow, items: list[Any], lane: LaneName = "record") -> list[Any]:
    return asyncio.run(place.desk.ask(lane, Work(PROGRAM, workflow), items))


def create(conn: Connection, _kept: object, _program: str, names: Sequence[str], _now: int) -> list[str]:
    """Stores a program for each name, whose last digit becomes the program's; `x…` raises after the write."""
    for name in names:
        row = {"program_id": PROGRAM[:-1] + name[-1], "draw_secret": b"", "created_at": 0}
        conn.execute(t.programs.insert(), row)
        if name.startswith("x"):
            raise ZeroDivisionError
    return list(names)


def test_who_comes_while_a_commit_is_on_its_way_shares_the_next(place: Place) -> None:
    held = Held()
    work = Work(PROGRAM, held)
    answers = meanwhile(place, held, [(work, ["a"]), (work, ["b", "c"]), (work, ["d"])])
    assert held.batches == [["first"], ["a", "b", "c", "d"]]
    assert answers == [["1:a"], ["1:b", "1:c"], ["1:d"]]


def test_a_batch_is_cut_by_program(place: Place) -> None:
    held = Held()
    mine, theirs = Work(PROGRAM, held), Work(OTHER, held)
    answers = meanwhile(place, held, [(mine, ["a"]), (theirs, ["b"]), (mine, ["c"])])
    assert held.batches == [["first"], ["a", "c"], ["b"]]
    assert answers == [["1:a"], ["2:b"], ["1:c"]]


def test_a_batch_is_cut_by_workflow(place: Place) -> None:
    held, other = Held(), Held()
    other.begun.set()
    meanwhile(place, held, [(Work(PROGRAM, held), ["a"]), (Work(PROGRAM, other), ["b"])])
    assert (held.batches, other.batches) == ([["first"], ["a"]], [["b"]])


def test_a_batch_is_cut_at_256_units(place: Place) -> None:
    held = Held()
    work = Work(PROGRAM, held)
    meanwhile(place, held, [(work, list(range(200))), (work, list(range(57))), (work, list(range(56)))])
    assert [len(batch) for batch in held.batches] == [1, 256, 57]


def test_more_than_a_cut_holds_goes_in_parts_and_comes_back_whole(place: Place) -> None:
    held = Held()
    [answer] = meanwhile(place, held, [(Work(PROGRAM, held), list(range(600)))])
    assert [len(batch) for batch in held.batches] == [1, CUT, CUT, 600 - 2 * CUT]
    assert answer == [f"1:{number}" for number in range(600)]


def test_without_shared_commits_everybody_has_a_transaction_of_their_own(database_url: str) -> None:
    held = Held()
    work = Work(PROGRAM, held)
    with closing(Place(database_url, shared=False)) as place:
        meanwhile(place, held, [(work, ["a"]), (work, ["b"])])
    assert held.batches == [["first"], ["a"], ["b"]]


def test_what_is_answered_is_stored(place: Place) -> None:
    assert ask(place, create, ["1"]) == ["1"]
    assert place.programs() == {PROGRAM}


def test_a_ticket_whose_write_fails_harms_no_other_and_is_counted(place: Place) -> None:
    held = Held()
    work = Work(PROGRAM, create)
    good, bad, last = meanwhile(place, held, [(work, ["1"]), (work, ["x2"]), (work, ["3"])])
    assert (good, last) == (["1"], ["3"])
    assert [type(result) for result in bad] == [Fault]
    assert place.programs() == {PROGRAM, PROGRAM[:-1] + "3"}
    assert place.count("reruns_total") == 1


def test_a_mistake_that_is_raised_is_told_to_its_own_caller(place: Place) -> None:
    def refuse(_conn: object, _kept: object, _program: str, items: Sequence[str], _now: int) -> list[str]:
        if "bad" in items:
            raise Invalid("it is bad")
        return list(items)

    work = Work(PROGRAM, refuse)
    good, bad = meanwhile(place, Held(), [(work, ["good"]), (work, ["bad"])])
    assert (good, [str(result) for result in bad]) == (["good"], ["it is bad"])


def test_a_lost_race_for_a_key_is_run_again_whole(place: Place) -> None:
    ask(place, create, ["1"])
    tried: list[int] = []

    def race(conn: Connection, _kept: object, _program: str, items: Sequence[str], _now: int) -> list[str]:
        tried.append(len(items))
        create(conn, None, "", ["1" if len(tried) == 1 else "2"], 0)
        return list(items)

    work = Work(PROGRAM, race)
    assert meanwhile(place, Held(), [(work, ["a"]), (work, ["b"])]) == [["a"], ["b"]]
    assert tried == [2, 2]
    assert (place.count("repeats_total"), place.count("reruns_total")) == (1, 0)


def test_a_key_that_is_lost_for_good_is_a_fault_for_its_own_ticket_alone(place: Place) -> None:
    ask(place, create, ["1"])
    work = Work(PROGRAM, create)
    lost, won = meanwhile(place, Held(), [(work, ["1"]), (work, ["2"])])
    assert ([type(result) for result in lost], won) == ([Fault], ["2"])


def test_too_few_results_are_nobodys_and_nothing_is_stored(place: Place) -> None:
    def forgetful(conn: Connection, *rest: Any) -> list[str]:
        create(conn, *rest)
        return []

    [answer] = ask(place, forgetful, ["1"])
    assert type(answer) is Fault
    assert place.programs() == set()


def test_a_ticket_that_nobody_waits_for_is_not_begun(place: Place) -> None:
    held = Held()

    async def scene() -> None:
        work = Work(PROGRAM, held)
        first = asyncio.create_task(place.desk.ask("record", work, ["first"]))
        await asyncio.to_thread(held.begun.wait, PATIENCE_S)
        gone = asyncio.create_task(place.desk.ask("record", work, ["gone"]))
        stays = asyncio.create_task(place.desk.ask("record", work, ["stays"]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        held.let_go.set()
        await asyncio.gather(first, stays)

    asyncio.run(scene())
    assert held.batches == [["first"], ["stays"]]


def test_a_ticket_that_is_too_late_is_answered_and_what_was_begun_is_stored(place: Place) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(conn: Connection, *rest: Any) -> list[str]:
        begun.set()
        assert go.wait(PATIENCE_S)
        return create(conn, *rest)

    async def scene() -> list[Any]:
        work = Work(PROGRAM, slow)
        answer = await place.desk.ask("record", work, ["1"], deadline_s=0.01)
        assert begun.wait(PATIENCE_S)
        go.set()
        return answer

    [late] = asyncio.run(scene())
    assert (type(late), str(late)) == (Unavailable, "nothing came back in time")
    wait_until(lambda: place.programs() == {PROGRAM})


def test_some_of_a_large_request_may_be_in_time_and_the_rest_not(place: Place) -> None:
    go = threading.Event()

    def slow(_conn: object, _kept: object, _program: str, items: Sequence[int], _now: int) -> list[int]:
        if 0 not in items:
            go.wait(PATIENCE_S)
        return list(items)

    async def scene() -> list[Any]:
        try:
            return await place.desk.ask("record", Work(PROGRAM, slow), list(range(CUT + 1)), deadline_s=0.5)
        finally:
            go.set()

    answers = asyncio.run(scene())
    assert answers[:CUT] == list(range(CUT))
    assert type(answers[CUT]) is Unavailable


def test_a_full_lane_says_so_at_once_and_keeps_those_who_wait(database_url: str) -> None:
    held = Held()
    work = Work(PROGRAM, held)
    with closing(Place(database_url, limit=2)) as place:
        answers = meanwhile(place, held, [(work, ["a"]), (work, ["b"]), (work, ["c"])])
        assert place.count("refused_total") == 1
    assert answers[:2] == [["1:a"], ["1:b"]]
    assert [type(result) for result in answers[2]] == [Overloaded]


@pytest.mark.parametrize("lane", ["decide", "record", "read"])
@pytest.mark.parametrize("death", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError])
def test_nothing_a_workflow_raises_ends_its_lane(
    place: Place, lane: LaneName, death: type[BaseException]
) -> None:
    def dies(*_: object) -> list[Any]:
        raise death

    for _ in range(3):  # more often than a lane has threads
        [answer] = ask(place, dies, ["a"], lane)
        assert isinstance(answer, Fault)
    held = Held()
    held.let_go.set()
    assert ask(place, held, ["b"], lane) == ["1:b"]


def test_a_caller_whose_event_loop_is_gone_harms_nobody(place: Place) -> None:
    held = Held()

    async def leaves() -> None:
        task = asyncio.create_task(place.desk.ask("record", Work(PROGRAM, held), ["gone"]))
        await asyncio.to_thread(held.begun.wait, PATIENCE_S)
        task.cancel()

    asyncio.run(leaves())
    held.let_go.set()
    assert ask(place, held, ["b"]) == ["1:b"]


def test_closing_serves_what_is_queued_and_refuses_what_comes(database_url: str) -> None:
    held = Held()
    place = Place(database_url)

    async def scene() -> list[list[Any]]:
        work = Work(PROGRAM, held)
        tasks = [asyncio.create_task(place.desk.ask("record", work, ["first"]))]
        await asyncio.to_thread(held.begun.wait, PATIENCE_S)
        tasks.append(asyncio.create_task(place.desk.ask("record", work, ["queued"])))
        await asyncio.sleep(0)
        closing_down = asyncio.create_task(asyncio.to_thread(place.desk.close))
        late: list[Any] = []
        while not late or not isinstance(late[0], Overloaded):
            late = await place.desk.ask("read", work, ["late"], deadline_s=0.001)
        held.let_go.set()
        answers = await asyncio.gather(*tasks)
        await closing_down
        return answers

    assert asyncio.run(scene()) == [["1:first"], ["1:queued"]]
    place.db.close()


def test_how_many_wait_is_told_while_they_wait(place: Place) -> None:
    held = Held()

    async def scene() -> float:
        work = Work(PROGRAM, held)
        tasks = [asyncio.create_task(place.desk.ask("record", work, ["first"]))]
        await asyncio.to_thread(held.begun.wait, PATIENCE_S)
        tasks += [asyncio.create_task(place.desk.ask("record", work, [name])) for name in "ab"]
        await asyncio.sleep(0)
        waiting = place.count("waiting")
        held.let_go.set()
        await asyncio.gather(*tasks)
        return waiting

    assert asyncio.run(scene()) == 2


# --- the database is silent, gone, or full ----------------------------------------------------------


@contextmanager
def postgresql_place(fresh_database: Callable[[], str], **options: Any) -> Iterator[Place]:
    with closing(Place(fresh_database(), **options)) as made:
        yield made


def test_a_connection_that_stays_silent_is_cut_and_the_lane_recovers(
    fresh_database: Callable[[], str],
) -> None:
    tried: list[str] = []

    def silent_once(conn: Connection, *rest: Any) -> list[str]:
        tried.append("begun")
        if len(tried) == 1:
            conn.execute(text("SELECT pg_sleep(600)"))
        return create(conn, *rest)

    with postgresql_place(fresh_database, silent_s=0.2) as place:
        assert ask(place, silent_once, ["1"]) == ["1"]
        assert place.programs() == {PROGRAM}
        assert (tried, place.count("repeats_total")) == (["begun", "begun"], 1)


def test_the_watchdog_outlives_connections_that_are_gone_before_it_comes(
    fresh_database: Callable[[], str],
) -> None:
    def closes_and_waits(conn: Connection, *rest: Any) -> list[str]:
        driver: Any = conn.connection.driver_connection
        driver.close()
        threading.Event().wait(0.5)  # the watchdog finds it closed, several times
        return create(conn, *rest)

    def silent(conn: Connection, *_: Any) -> list[str]:
        conn.execute(text("SELECT pg_sleep(600)"))
        return []

    with postgresql_place(fresh_database, silent_s=0.1) as place:
        ask(place, closes_and_waits, ["a"])
        [answer] = ask(place, silent, ["b"])
        assert isinstance(answer, Unavailable)


def test_a_server_that_ends_the_session_is_asked_again(fresh_database: Callable[[], str]) -> None:
    tried: list[str] = []

    def ended_once(conn: Connection, *rest: Any) -> list[str]:
        tried.append("begun")
        if len(tried) == 1:
            conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return create(conn, *rest)

    with postgresql_place(fresh_database) as place:
        assert ask(place, ended_once, ["1"]) == ["1"]


def test_a_full_disk_is_said_to_be_one_and_ends_when_there_is_room(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    with closing(Place(sqlite_database(migrated_sqlite, tmp_path))) as place:

        def limited(conn: Connection, *rest: Any) -> list[str]:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
            conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            conn.execute(t.facts.insert(), {"name": "ballast", "value": "x" * 1_000_000})
            return create(conn, *rest)

        def roomy(conn: Connection, *rest: Any) -> list[str]:
            conn.exec_driver_sql("PRAGMA max_page_count = 1000000")
            return create(conn, *rest)

        [answer] = ask(place, limited, ["1"])
        assert (type(answer), str(answer)) == (Unavailable, "the disk is full")
        assert ask(place, roomy, ["1"]) == ["1"]


def test_a_statement_that_is_simply_wrong_does_not_count_as_a_database_out_of_reach(place: Place) -> None:
    def wrong(conn: Connection, *_: Any) -> list[str]:
        conn.execute(text("SELECT nothing FROM nowhere"))
        return []

    [answer] = ask(place, wrong, ["a"])
    assert type(answer) is Fault
    assert not place.desk.broken
    assert place.count("repeats_total") == 0


def test_a_database_out_of_reach_is_left_alone_for_a_pause_and_then_tried_again() -> None:
    with closing(Place("postgresql://nobody:x@127.0.0.1:1/nowhere")) as place:
        lane = place.desk.lanes["record"]
        assert isinstance(ask(place, create, ["1"])[0], Unavailable)
        repeats = place.count("repeats_total")
        assert lane.broken
        assert isinstance(ask(place, create, ["1"])[0], Unavailable)
        assert place.count("repeats_total") == repeats  # it was not even tried
        wait_until(lambda: not lane.broken)
        ask(place, create, ["1"])
        assert place.count("repeats_total") > repeats
