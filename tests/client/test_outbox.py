"""Signals that wait on the disk: none is lost, none counts twice, whoever is killed and whenever."""

import asyncio
import os
import signal as signals
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

import engagement
from engagement.client import AsyncClient, Client, Outbox, observed
from engagement.errors import Conflict, Fault, Forbidden, Invalid, Overloaded, Unauthenticated
from engagement.store.database import Database
from engagement.workflows.ingest import Signal
from support.service import START


def came(number, member="g1-m1"):
    """A signal of simulated time."""
    moment = START - timedelta(minutes=number + 1)
    return Signal(source="app", id=f"s{number}", kind="attendance", member=member, occurred_at=moment)


@pytest.fixture
def outbox(tmp_path):
    with Outbox(tmp_path / "out.db") as made:
        yield made


@pytest.fixture
def client(line):
    with Client(line.address, line.program.key, tries=1) as made:
        yield made


def stored(line):
    """The ids that the service holds."""
    with closing(Database(line.url)) as db, db.read() as conn:
        return sorted(conn.execute(text("SELECT event_id FROM signals")).scalars())


def test_what_waits_is_sent_once_and_in_order_and_leaves_the_file(line, client, outbox):
    outbox.put([came(number) for number in range(3)])
    assert len(outbox) == 3
    assert client.flush(outbox) == (3, 0, (), 0, None)
    assert (len(outbox), stored(line)) == (0, ["s0", "s1", "s2"])
    assert client.flush(outbox) == (0, 0, (), 0, None)


def test_an_awaited_client_flushes_as_well(line, outbox):
    async def flush():
        async with AsyncClient(line.address, line.program.key) as client:
            return await client.flush(outbox)

    outbox.put([came(0)])
    assert asyncio.run(flush()).stored == 1


def test_an_outage_raises_nothing_keeps_everything_and_says_why(line, client, outbox):
    outbox.put([came(0)])
    line.service.kill()
    flushed = client.flush(outbox)
    assert (flushed.stored, flushed.waiting, bool(flushed.stopped_by)) == (0, 1, True)
    line.restart()
    assert client.flush(outbox).stored == 1


def test_what_was_stored_and_whose_answer_was_lost_is_sent_again_and_counts_once(line, client, outbox):
    reports = [came(number) for number in range(3)]
    client.signals(reports[:2])  # whoever sent these was killed before it heard of it
    outbox.put(reports)
    flushed = client.flush(outbox)
    assert (flushed.stored, flushed.repeated, stored(line)) == (1, 2, ["s0", "s1", "s2"])


def test_what_is_refused_is_told_and_holds_up_nobody(client, outbox):
    outbox.put([came(0, "stranger"), came(1), came(2, "stranger")])
    flushed = client.flush(outbox)
    assert (flushed.stored, flushed.waiting, flushed.stopped_by) == (1, 0, None)
    assert [(row.signal.id, row.problem) for row in flushed.refused] == [
        ("s0", "NotFound"),
        ("s2", "NotFound"),
    ]
    assert tuple(outbox.refused()) == flushed.refused
    client.import_roster("group,seat,member\ng9,1,stranger\n")
    outbox.retry()
    assert (len(outbox), outbox.refused()) == (2, [])
    flushed = client.flush(outbox)
    assert {row.problem for row in flushed.refused} <= {"Invalid", "NotFound"}
    outbox.forget()
    assert outbox.refused() == []


def test_a_key_that_may_not_report_is_told_and_everything_stays(line, outbox):
    outbox.put([came(0)])
    with Client(line.address, "eng_wrong") as stranger, pytest.raises((Unauthenticated, Forbidden)):
        stranger.flush(outbox)
    assert len(outbox) == 1


def test_it_is_bounded_and_takes_all_or_nothing(tmp_path):
    with Outbox(tmp_path / "small.db", most=3) as small:
        small.put([came(0), came(1)])
        with pytest.raises(Overloaded, match="at most"):
            small.put([came(2), came(3)])
        assert [signal.id for signal in small.oldest(9)] == ["s0", "s1"]
        small.put([came(2)])
        small.put([came(1)])  # it waits already
        assert len(small) == 3


def test_one_id_is_one_report(outbox):
    outbox.put([came(0)])
    with pytest.raises(Conflict, match="`s0`"):
        outbox.put([came(1), msgspec.structs.replace(came(0), value=0)])
    assert len(outbox) == 1


def test_what_no_service_would_take_is_told_at_once(outbox):
    with pytest.raises(Invalid, match="occurred_at"):
        outbox.put([came(0), msgspec.structs.replace(came(1), occurred_at=START.replace(tzinfo=None))])
    with pytest.raises(Invalid, match="member"):
        observed("attendance", member="a b")
    assert len(outbox) == 0


def test_an_observation_has_its_own_id_and_moment():
    one, other = observed("attendance", member="m"), observed("attendance", member="m")
    assert one.id != other.id
    assert one.occurred_at.tzinfo is not None


def test_what_waits_is_there_after_the_file_was_closed(tmp_path):
    with Outbox(tmp_path / "out.db") as first:
        first.put([came(0)])
    with Outbox(tmp_path / "out.db") as again:
        assert again.oldest(9) == [came(0)]


def test_threads_share_it(tmp_path, line):
    with Outbox(tmp_path / "out.db") as outbox, Client(line.address, line.program.key) as client:
        threads = [
            threading.Thread(target=lambda n=n: [outbox.put([came(100 * n + k)]) for k in range(10)])
            for n in range(4)
        ]
        flushes = [threading.Thread(target=client.flush, args=(outbox,)) for _ in range(2)]
        for thread in [*threads, *flushes]:
            thread.start()
        for thread in [*threads, *flushes]:
            thread.join()
        client.flush(outbox)
        assert (len(outbox), len(stored(line))) == (0, 40)


def test_a_disk_that_does_not_take_it_is_a_fault(tmp_path):
    with Outbox(tmp_path / "out.db") as outbox, closing(sqlite3.connect(tmp_path / "out.db")) as other:
        other.execute("DROP TABLE waiting")
        with pytest.raises(Fault, match="cannot be written"):
            outbox.put([came(0)])


WRITER = """
    import sys
    from datetime import datetime, timedelta
    from engagement.client import Client, Outbox
    from engagement.workflows.ingest import Signal

    file, address, key, first, start = sys.argv[1:]
    with Outbox(file) as outbox, Client(address, key, tries=1) as client:
        for number in range(int(first), int(first) + 1000):
            moment = datetime.fromisoformat(start) - timedelta(minutes=number + 1)
            named = {"source": "app", "id": f"s{number}", "kind": "attendance", "member": "g1-m1"}
            outbox.put([Signal(**named, occurred_at=moment)])
            print(number, flush=True)
            if number % 3 == 0:
                client.flush(outbox)
"""


@pytest.mark.parametrize("round_", range(3))
def test_nothing_is_lost_or_counted_twice_when_the_app_is_killed(tmp_path, line, round_):
    """Killed five times while it puts in and flushes: every number that it said it had put in arrives."""
    said: list[int] = []
    environment = {**os.environ, "PYTHONPATH": str(Path(engagement.__file__).parents[1])}
    for life in range(5):
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "out.db"), line.address]
        command += [line.program.key, str(1000 * life), START.isoformat()]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as app:
            said += [int(app.stdout.readline()) for _ in range(4 + 3 * life + round_)]
            app.send_signal(signals.SIGKILL)
            said += [int(number) for number in app.stdout.read().split("\n")[:-1]]
    with Outbox(tmp_path / "out.db") as outbox, Client(line.address, line.program.key) as client:
        client.flush(outbox)
        assert (len(outbox), outbox.refused()) == (0, [])
    found = [int(name[1:]) for name in stored(line)]
    assert len(found) == len(set(found))
    assert set(said) <= set(found)
