"""The client against a real server, and against networks that lose what they carry."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from engagement.client import Client, pause
from engagement.demonstration.server import serving
from engagement.errors import Conflict, Fault, Forbidden, Invalid, NotFound, Unavailable
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.setup import Member
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.answer import Reply, Standing
from engagement.workflows.everybody import AskAll
from engagement.workflows.ingest import Signal, milliseconds
from engagement.workflows.month_told import Month
from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template
from engagement.workflows.recommend import Ask
from engagement.workflows.roster import import_roster
from engagement.workflows.tell import Recommendation
from support.databases import sqlite_database

NOW = datetime(2026, 1, 1, 6, tzinfo=UTC)
ROSTER = "group,seat,member,setting\n" + "".join(f"g{n},1,m{n},urban\n" for n in range(1, 20))
NOBODY = "00000000-0000-7000-8000-000000000000"


class Prepared(NamedTuple):
    """A database with one synthetic group, a key that opens everything, and one that only reads."""

    url: str
    key: str
    reading: str
    log: Path


def prepare(template_file: Path, folder: Path) -> Prepared:
    url, kept, now_ms = sqlite_database(template_file, folder), Kept(), milliseconds(NOW)
    with closing(Database(url)) as db, db.write() as conn:
        program = create_program(conn, kept, template(DEFAULT_TEMPLATE), now_ms)
        import_roster(conn, kept, program, ROSTER, now_ms)
        key = create_key(conn, program, SCOPES, "research", now_ms, None).text
        reading = create_key(conn, program, ["read"], "staff", now_ms, None).text
    return Prepared(url, key, reading, folder / "server.log")


@pytest.fixture
def prepared(migrated_sqlite: Path, tmp_path: Path) -> Prepared:
    """For a test that starts a server of its own."""
    return prepare(migrated_sqlite, tmp_path)


@pytest.fixture(scope="module")
def shared(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Behind the server that most tests share: each speaks of a member, a seat of the roster, of its own."""
    return prepare(migrated_sqlite, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def address(shared: Prepared) -> Iterator[str]:
    with serving(shared.url, NOW, shared.log) as found:
        yield found


@pytest.fixture(scope="module")
def client(shared: Prepared, address: str) -> Iterator[Client]:
    with Client(address, shared.key) as made:
        yield made


def count(prepared: Prepared, table: str, member: str) -> int:
    query = f"SELECT COUNT(*) FROM {table} WHERE unit_id = :member"  # noqa: S608  names of our tables
    with closing(Database(prepared.url)) as db, db.read() as conn:
        found: int = conn.execute(text(query), {"member": member}).scalar_one()
        return found


def came(member: str, name: str, value: int = 1) -> Signal:
    return Signal(
        source="app", id=f"{member}-{name}", kind="attendance", member=member, value=value, occurred_at=NOW
    )


def test_asking_twice_gives_one_decision(client: Client, shared: Prepared) -> None:
    first, second = client.recommend(Ask(member="m1")), client.recommend(Ask(member="m1"))
    assert (first, count(shared, "decisions", "m1")) == (second, 1)


def test_what_is_wrong_with_one_request_stands_in_its_place(client: Client) -> None:
    answers = client.recommend_many([Ask(member="m2"), Ask(member="nobody"), Ask(member="m19")])
    assert [type(answer) for answer in answers] == [Recommendation, NotFound, Recommendation]


def test_more_than_the_service_takes_at_once_is_sent_in_parts(client: Client) -> None:
    receipts = client.signals([came("m3", f"a{number}") for number in range(1001)])
    assert [getattr(receipt, "status", receipt) for receipt in receipts] == ["stored"] * 1001


def test_a_signal_that_is_refused_names_its_error(client: Client) -> None:
    stored, other, strange = client.signals([came("m4", "a1"), came("m4", "a1", 0), came("nobody", "a2")])
    assert (getattr(stored, "status", ""), type(other), type(strange)) == ("stored", Conflict, NotFound)


def test_a_decision_lives_through_the_client(client: Client) -> None:
    made = client.recommend(Ask(member="m5"))
    assert made.decision_id is not None
    assert client.answer(made.decision_id, Reply("done")).status == "done"
    assert client.post_outcome(made.decision_id, 0.5).reward == 0.5
    story = client.story(made.decision_id)
    assert [step.status for step in story.steps] == ["done"]
    assert [outcome.reward for outcome in story.outcomes] == [0.5]


def test_the_picture_of_a_member_and_of_a_group_can_be_read(client: Client) -> None:
    client.signals([came("m6", "a1")])
    assert sum(month.came for month in client.engagement_of_member("m6").months) == 1
    assert sum(month.expected for month in client.engagement_of_group("g6").months) == 1


def test_a_safety_case_is_reported_listed_and_answered_through_the_client(client: Client) -> None:
    def told(kind: str) -> Signal:
        return Signal(source="app", id=kind, kind=kind, member="m11", chain="case", occurred_at=NOW)

    client.signals([told("red_flag")])
    assert client.recommend(Ask(member="m11")).withheld == "referred"
    assert [(row.member, row.kind, row.chain) for row in client.referrals()] == [("m11", "red_flag", "case")]
    client.signals([told("referral_answered")])
    assert client.referrals() == ()


def test_the_set_up_is_changed_through_the_client(client: Client) -> None:
    assert client.put(Member(id="m7", language="te")) == 2
    report = client.import_roster("group,seat,member,setting\nh1,1,chitra,rural\n")
    assert (report.stored, report.refused) == (1, ())


def test_a_register_is_imported_through_the_client(client: Client) -> None:
    client.import_roster("group,seat,member,joined_on\nh2,1,devi,2025-12-01\n")
    report = client.import_register("group,date,held,came\nh2,2025-12-15,yes,1 2\n")
    assert (report.signals, [flaw.column for flaw in report.refused]) == (2, ["came"])


def test_time_is_moved_and_versions_are_made_through_the_client(client: Client) -> None:
    client.recommend(Ask(member="m8"))
    later = NOW + timedelta(days=36)
    assert client.move_clock(later) == later
    assert [(made.strategy, made.version) for made in client.fold()] == [("learned", 1)]


def test_refusals_carry_the_services_own_names(client: Client, address: str, shared: Prepared) -> None:
    with pytest.raises(NotFound, match="no decision"):
        client.story(NOBODY)
    with pytest.raises(Invalid):
        client.move_clock(NOW - timedelta(days=1))
    with Client(address, shared.reading) as reader, pytest.raises(Forbidden, match="recommend"):
        reader.recommend(Ask(member="m9"))


def test_names_cannot_leave_their_place_in_an_address(client: Client) -> None:
    with pytest.raises((Invalid, NotFound)):
        client.engagement_of_member("m10/../../groups/g10")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        port: int = held.getsockname()[1]
        return port


def test_a_service_that_is_not_there_yet_is_waited_for(prepared: Prepared) -> None:
    port = free_port()
    address, signal = f"http://127.0.0.1:{port}", came("m11", "a1")
    with Client(address, prepared.key, tries=1) as hasty, pytest.raises(Unavailable):
        hasty.signals([signal])
    with Client(address, prepared.key, tries=30) as patient, ThreadPoolExecutor(1) as other:
        sent = other.submit(patient.signals, [signal])
        with serving(prepared.url, NOW, prepared.log, port=port):
            assert [getattr(receipt, "status", "") for receipt in sent.result()] == ["stored"]
    assert count(prepared, "signals", "m11") == 1


def test_a_full_queue_is_waited_out_and_nothing_is_stored_twice(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGEMENT_QUEUE", "1")
    with (
        serving(prepared.url, NOW, prepared.log) as address,
        Client(address, prepared.key, tries=30) as client,
    ):
        assert client.engagement_of_member("m12").id == "m12"  # its key is known from here on
        with ThreadPoolExecutor(4) as people:
            with closing(Database(prepared.url)) as db, db.write():  # nobody else can write now
                sent = [people.submit(client.signals, [came("m12", f"a{number}")]) for number in range(4)]
                refused = wait_for(lambda: refusals(address))
            statuses = [getattr(done.result()[0], "status", "") for done in sent]
    assert (statuses, count(prepared, "signals", "m12")) == (["stored"] * 4, 4)
    assert refused >= 1


def refusals(address: str) -> float:
    """How many requests the record lane has refused so far."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if "refused" in line and 'lane="record"' in line)


def wait_for(look: Callable[[], float]) -> float:
    """The first value that is not 0."""
    while not (found := look()):
        threading.Event().wait(0.02)
    return found


def forward(source: socket.socket, target: socket.socket) -> None:
    """Carries bytes until one side hangs up, and then hangs up on the other."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def losing_the_first_answer(address: str) -> Iterator[str]:
    """A line to the service that carries the first request and hangs up when its answer begins."""
    host, port = address.removeprefix("http://").split(":")

    def carry(listening: socket.socket) -> None:
        for number in range(2):
            here, _ = listening.accept()
            with here, socket.create_connection((host, int(port))) as there:
                asking = threading.Thread(target=forward, args=(here, there))
                asking.start()
                if number:
                    forward(there, here)
                else:
                    there.recv(1)
                    here.shutdown(socket.SHUT_RDWR)
                asking.join()

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(30)
        line = threading.Thread(target=carry, args=(listening,))
        line.start()
        yield "http://{}:{}".format(*listening.getsockname())
        line.join()


def test_an_answer_that_is_lost_is_asked_for_again(address: str, shared: Prepared) -> None:
    with losing_the_first_answer(address) as line, Client(line, shared.key, timeout_s=10) as client:
        receipt = client.signals([came("m13", "a1")])[0]
    assert (getattr(receipt, "status", ""), count(shared, "signals", "m13")) == ("repeated", 1)


def test_a_decision_whose_answer_was_lost_is_told_and_not_made_again(address: str, shared: Prepared) -> None:
    with losing_the_first_answer(address) as line, Client(line, shared.key, timeout_s=10) as client:
        assert client.recommend(Ask(member="m14")).decision_id is not None
    assert count(shared, "decisions", "m14") == 1


@contextmanager
def page(status: int, headers: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A proxy that answers every request with a page of its own; with the paths asked for."""
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        serving.join()


def test_a_pause_beyond_all_patience_is_not_sat_out() -> None:
    with page(503, {"Retry-After": "3600"}) as (address, asked), Client(address, "key") as client:
        with pytest.raises(Unavailable, match="503"):
            client.fold()
        assert len(asked) == 1


def test_the_last_try_tells_what_was_answered() -> None:
    with page(502, {}) as (address, asked), Client(address, "key", tries=2) as client:
        with pytest.raises(Unavailable, match="502"):
            client.fold()
        assert len(asked) == 2


def test_a_page_that_is_no_problem_is_a_fault() -> None:
    with page(404, {}) as (address, asked), Client(address, "key") as client:
        with pytest.raises(Fault, match="404"):
            client.fold()
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("attempt", "asked_for", "chance", "expected"),
    [
        (1, 0.0, 0.0, 0.05),  # 0.1 · ½
        (3, 0.0, 0.5, 0.3),  # 0.4 · ¾
        (3, 2.0, 0.5, 2.3),  # the service's own 2 seconds come first
        (60, 0.0, 0.0, 2.5),  # 5 · ½, however often it failed
    ],
)
def test_pauses_double_up_to_five_seconds(
    attempt: int, asked_for: float, chance: float, expected: float
) -> None:
    assert pause(attempt, asked_for, chance) == pytest.approx(expected, rel=1e-12)


@given(st.integers(1, 60), st.floats(0, 60), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_shorter_than_the_service_asks(
    attempt: int, asked_for: float, chance: float
) -> None:
    assert pause(attempt, asked_for, chance) > asked_for


def test_everybody_is_asked_for_page_by_page_and_what_is_to_be_done_is_listed_and_answered(
    client: Client,
) -> None:
    answered = [row for row in client.recommend_all(AskAll(limit=5)) if isinstance(row, Recommendation)]
    members = [row.member for row in answered]
    assert members == sorted(set(members), key=str)
    assert len(members) > 5
    waiting = {row.decision_id for row in answered if row.action.id != "none"}
    assert waiting <= {item.decision_id for item in client.work()}
    replies = [(key, Reply("done")) for key in sorted(waiting)]
    standing = client.answer_many([*replies, ("00000000-0000-7000-8000-000000000000", Reply("done"))])
    assert [row.status for row in standing[:-1] if isinstance(row, Standing)] == ["done"] * len(replies)
    assert isinstance(standing[-1], NotFound)
    assert not waiting & {item.decision_id for item in client.work(status="open")}


def test_a_brief_comes_in_three_forms_and_a_month_is_told_twice_as_one(client: Client) -> None:
    assert client.brief("g19").group == "g19"
    assert client.brief_by_sms("g19").parts <= 3
    assert client.brief_by_voice("g19").menu[0].id == "start"
    day = NOW.date()  # nobody had a seat before
    told = [client.tell_month("g19", Month(date=day, held=True, present=(1,))) for _ in range(2)]
    assert [kept.status for kept in told] == ["stored", "unchanged"]
