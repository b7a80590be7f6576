"""The daily line and the ping reach a real web server and a real mail server, once, and say what is true."""

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from engagement import cli
from engagement.api.herald import Herald, line_of, send, ways
from engagement.clock import SimulatedClock
from engagement.errors import Invalid, Unavailable
from engagement.settings import Settings, from_environment
from engagement.store import facts
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.concerns import concerns
from engagement.workflows.ingest import ingest
from engagement.workflows.program_watch import watch
from engagement.workflows.self_check import self_check
from support.databases import sqlite_database
from support.peer_groups import a_program, ms, said, seat_members
from support.running import PATIENCE_S, running, wait_until
from support.service import started
from support.sinks import Mail, Web, mail_sink, web_sink
from support.troubled import TODAY, troubled

NOTHING = "nothing learned yet; 0 of 0 outcomes not reported"
MORNING = 1.0 + 1 / 24
"""Half past seven UTC of the second day."""


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as opened:
        a_program(opened)
        yield opened


@pytest.fixture
def web() -> Iterator[Web]:
    with web_sink() as sink:
        yield sink


@pytest.fixture
def mailbox() -> Iterator[Mail]:
    with mail_sink() as sink:
        yield sink


def settings(web: Web | None = None, mail: Mail | None = None, **more: object) -> Settings:
    given: dict[str, object] = {} if web is None else {"self_check_url": f"{web.address}/line"}
    if mail is not None:
        given |= {"self_check_to": "lead@example.org", "self_check_from": "service@example.org"}
        given |= {"mail_server": mail.address}
    return msgspec.convert(given | more, Settings)


def herald(db: Database, day: float, chosen: Settings) -> Herald:
    return Herald(db, SimulatedClock(ms(day)), chosen, pause_s=0)


def test_the_line_is_posted_as_json_whose_text_says_what_is_true(db: Database, web: Web) -> None:
    told = line_of(db, Kept(), SimulatedClock(ms(MORNING)))
    send(told, ways(settings(web)))
    ((method, path, body),) = web.told
    assert (method, path) == ("POST", "/line")
    assert body["text"].splitlines() == [
        "Engagement on 2026-03-11 07:30 UTC: all is well.",
        "Time is simulated, and so are the people.",
        f"program: 0 decisions in 30 days; {NOTHING}; groups: none has met yet",
    ]
    assert (body["well"], body["concerns"], body["at"]) == (True, [], "2026-03-11T07:30:00Z")


def test_the_line_is_mailed_with_its_first_line_as_subject(db: Database, mailbox: Mail) -> None:
    told = line_of(db, Kept(), SimulatedClock(ms(MORNING)))
    send(told, ways(settings(mail=mailbox)))
    (message,) = mailbox.told
    assert message["Subject"] == told.text.splitlines()[0]
    assert (message["From"], message["To"]) == ("service@example.org", "lead@example.org")
    assert message.get_content().replace("\r\n", "\n").strip() == told.text


def test_what_fails_is_tried_three_times(db: Database, web: Web, mailbox: Mail) -> None:
    told = line_of(db, Kept(), SimulatedClock(ms(MORNING)))
    web.refuse = mailbox.refuse = 2
    send(told, ways(settings(web, mailbox)), pause_s=0)
    assert (len(web.told), len(mailbox.told)) == (3, 1)
    web.refuse = 3
    with pytest.raises(Unavailable):
        send(told, ways(settings(web)), pause_s=0)


def test_one_way_that_works_is_enough(db: Database, web: Web, mailbox: Mail) -> None:
    web.refuse = 3
    send(line_of(db, Kept(), SimulatedClock(ms(1))), ways(settings(web, mailbox)), pause_s=0)
    assert len(mailbox.told) == 1


def test_of_several_processes_one_sends_a_days_line_and_the_next_day_one_again(
    db: Database, web: Web
) -> None:
    for day in (MORNING, MORNING + 0.1, MORNING + 1):
        for one in [herald(db, day, settings(web)) for _ in range(2)]:
            one.close(PATIENCE_S)  # after its first look
    assert len(web.told) == 2
    with db.read() as conn:
        assert facts.self_check_sent_ms(conn) == ms(MORNING + 1)


def test_before_its_hour_no_line_is_sent(db: Database, web: Web) -> None:
    chosen = settings(web, self_check_hour=8)
    early = herald(db, MORNING, chosen)
    early.close(PATIENCE_S)
    assert web.told == []
    late = herald(db, MORNING + 1 / 24, chosen)
    wait_until(lambda: len(web.told) == 1)
    late.close(PATIENCE_S)


def test_a_line_that_could_not_be_sent_is_left_to_whoever_can(db: Database, web: Web) -> None:
    with web_sink() as gone:
        nowhere = settings(gone)
    lost = herald(db, MORNING, nowhere)
    lost.close(PATIENCE_S)
    found = herald(db, MORNING, settings(web))
    wait_until(lambda: len(web.told) == 1)
    found.close(PATIENCE_S)


def test_the_ping_comes_while_the_database_answers(database_url: str, web: Web) -> None:
    with running(database_url, ping_url=f"{web.address}/alive", ping_every_s=1) as service:
        wait_until(lambda: len(web.told) >= 2)
        assert web.told[0] == ("GET", "/alive", None)
        assert not service.service.herald.sends


def test_everything_that_alerts_is_in_the_line_in_words(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = sqlite_database(migrated_sqlite, tmp_path)
    troubled(url, Path(url.removeprefix("sqlite:///")))
    with closing(Database(url)) as db:
        watched, _ = watch(db, Kept(), ms(TODAY), {})
        told = self_check(watched, ms(TODAY), simulated=False)
    assert {concern.alert for one in watched for concern in concerns(one)} == {
        "ReferralUnanswered",
        "ReplayMismatch",
        "SealMissed",
        "PropensityOutOfBounds",
        "MinimumServiceUnmet",
        "BeliefUnusable",
        "FoldMissed",
        "OutcomesMissing",
        "DrawsUnlikely",
        "GroupsSilent",
        "BudgetNearlySpent",
        "ProgramStopped",
    }
    assert not told.well
    assert len(told.concerns) == 16
    lines = told.text.splitlines()
    assert lines[0].endswith("16 things to look at.")
    assert lines[-1] == "and 8 more concerns"
    assert "! troubled: 1 referral not answered in time (ReferralUnanswered)" in lines
    assert "m31" not in told.text


def test_a_line_holds_nobody(db: Database) -> None:
    here = a_program(db)
    seat_members(here, 8)
    here.run(ingest, [said("red_flag", 0, member="m3")])
    told = line_of(db, Kept(), SimulatedClock(ms(3)))
    assert "m3" not in told.text.split()
    assert "g0" not in told.text


@pytest.mark.parametrize(
    "given",
    [
        {"SELF_CHECK_TO": "lead@example.org"},
        {"SELF_CHECK_FROM": "a@example.org", "MAIL_SERVER": "smtp://host:25"},
        {"MAIL_SERVER": "host"},
        {"SELF_CHECK_URL": "example.org"},
        {"PING_URL": "ftp://example.org"},
    ],
)
def test_half_an_address_is_refused_at_the_start(given: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        from_environment({f"ENGAGEMENT_{name}": value for name, value in given.items()})


def test_the_exporter_serves_the_figures_from_a_process_of_its_own(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    url = sqlite_database(migrated_sqlite, tmp_path)
    process = started(tmp_path, "log", "exporter", "--database", url, "--port", "0")
    try:
        wait_until(lambda: b"http://" in (tmp_path / "log").read_bytes() or process.poll() is not None)
        address = (tmp_path / "log").read_text().split()[-1]
        assert "engagement_programs 0.0" in httpx.get(address, trust_env=False).text
        assert httpx.get(address.replace("/metrics/programs", "/"), trust_env=False).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()


def test_the_command_prints_the_line_and_sends_it_when_told(
    database_url: str, web: Web, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(*words: str) -> tuple[int, str]:
        code = cli.main(["self-check", "--database", database_url, *words])
        return code, "".join(capsys.readouterr())

    assert "there is no program yet." in check()[1]
    code, said_so = check("--send")
    assert (code, "there is nowhere to send it" in said_so) == (2, True)
    monkeypatch.setenv("ENGAGEMENT_SELF_CHECK_URL", f"{web.address}/line")
    code, said_so = check("--send")
    assert (code, "Sent by webhook." in said_so, len(web.told)) == (0, True, 1)
    with closing(Database(database_url)) as db, db.read() as conn:
        assert facts.self_check_sent_ms(conn) is not None
