"""Known weaknesses stop the gate, what nobody could ask about is named, and an exception has a last day."""

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.audit import Accepted, Answered, Weakness, accepted_in, asked, judged, packages, rounds
from support.sbom import Pinned

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 10)
BAD = Pinned("urllib3", "1.26.4", "", ())
GOOD = Pinned("tzdata", "2026.1", "", ())
FOUND = Answered("urllib3", "1.26.4", (Weakness("PYSEC-2021-108", ("1.26.5",), ("CVE-2021-33503",)),))
SOUND = Answered("tzdata", "2026.1")
LOCK = """\
tzdata==2026.1 \\
    --hash=sha256:{0}
urllib3==1.26.4 ; sys_platform == 'win32' \\
    --hash=sha256:{0}
"""


def exception(until: date, name: str = "PYSEC-2021-108") -> Accepted:
    return Accepted(name, "urllib3", "The service sends nothing to strangers.", until)


def test_a_weakness_stops_the_gate_and_says_where_it_is_mended() -> None:
    verdict = judged([BAD, GOOD], [FOUND, SOUND], (), TODAY)
    assert verdict.failures == ("urllib3 1.26.4: PYSEC-2021-108, mended in 1.26.5",)
    assert (verdict.asked, verdict.unasked) == (2, {})


@pytest.mark.parametrize("name", ["PYSEC-2021-108", "CVE-2021-33503"])
def test_an_exception_holds_until_its_last_day_and_not_after(name: str) -> None:
    assert judged([BAD], [FOUND], [exception(TODAY, name)], TODAY).failures == ()
    (failure,) = judged([BAD], [FOUND], [exception(date(2026, 3, 9), name)], TODAY).failures
    assert failure.endswith("it was accepted until 2026-03-09 only")


def test_an_exception_for_what_is_mended_has_to_go() -> None:
    clean = Answered("urllib3", "1.26.4")
    assert judged([BAD], [clean], [exception(TODAY)], TODAY).failures == (
        "urllib3 has PYSEC-2021-108 no more: take it out of deploy/audit.toml",
    )
    silent = Answered("urllib3", "1.26.4", skip_reason="out of reach")
    assert judged([BAD], [silent], [exception(TODAY)], TODAY).failures == ()


def test_what_could_not_be_asked_about_is_named_and_stops_nothing() -> None:
    silent = Answered("urllib3", "1.26.4", skip_reason="Dependency not found on PyPI")
    verdict = judged([BAD, GOOD], [silent], (), TODAY)
    assert (verdict.failures, verdict.asked) == ((), 0)
    assert verdict.unasked == {
        ("urllib3", "1.26.4"): "Dependency not found on PyPI",
        ("tzdata", "2026.1"): "the answer does not speak of it",
    }
    assert "    urllib3 1.26.4: Dependency not found on PyPI" in verdict.lines()


def test_every_package_of_both_lock_files_is_asked_about_wherever_it_would_be_installed() -> None:
    lock = LOCK.format("0a" * 32)
    assert [(row.name, row.version) for row in packages([lock, lock])] == [
        ("tzdata", "2026.1"),
        ("urllib3", "1.26.4"),
    ]
    ours = packages((ROOT / name).read_text() for name in ("requirements.lock", "requirements-dev.lock"))
    assert {"litestar", "numpy", "colorama", "pytest", "hatchling"} <= {row.name for row in ours}


def test_two_versions_of_one_package_are_asked_about_one_after_the_other() -> None:
    newer = BAD._replace(version="2.0.0")
    assert rounds([BAD, GOOD, newer]) == [[BAD, GOOD], [newer]]


def test_the_exceptions_that_are_kept_can_be_read() -> None:
    text = (ROOT / "deploy/audit.toml").read_text()
    assert isinstance(accepted_in(text), tuple)
    example = "\n".join(line.removeprefix("# ") for line in text.splitlines() if "=" in line or "[[" in line)
    (shown,) = accepted_in(example)
    assert (shown.package, shown.until) == ("example", date(2026, 12, 31))


def test_without_the_tool_every_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("support.programs.TOOLS_FOLDER", Path("/nowhere"))
    told = asked([BAD, GOOD])
    assert [row.name for row in told] == ["urllib3", "tzdata"]
    assert {row.skip_reason for row in told} == {"pip-audit is absent; to get it: make tools"}


class Osv(BaseHTTPRequestHandler):
    """A vulnerability service that knows one weakness, and answers in the form of api.osv.dev/v1/query."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        events = [{"introduced": "0"}, {"fixed": "1.26.5"}]
        affected = {"package": {"name": name, "ecosystem": "PyPI"}}
        affected |= {"ranges": [{"type": "ECOSYSTEM", "events": events}]}
        weakness = {"id": "PYSEC-2021-108", "summary": "Slow", "affected": [affected]}
        answer = json.dumps({"vulns": [weakness]} if name == "urllib3" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.needs("pip-audit")
def test_a_service_is_asked_about_each_package_by_the_tool(osv: str) -> None:
    pinned = [BAD, GOOD, GOOD._replace(version="2025.1")]
    verdict = judged(pinned, asked(pinned, ("-s", "osv", "--osv-url", osv)), (), TODAY)
    assert verdict.failures == ("urllib3 1.26.4: PYSEC-2021-108, mended in 1.26.5",)
    assert (verdict.asked, verdict.unasked) == (3, {})


@pytest.mark.needs("pip-audit")
def test_a_service_out_of_reach_leaves_every_package_named() -> None:
    told = asked([BAD, GOOD], ("-s", "osv", "--osv-url", "http://127.0.0.1:9/v1/query"))
    assert [(row.name, bool(row.skip_reason)) for row in told] == [("urllib3", True), ("tzdata", True)]


@pytest.mark.needs("pip-audit")
def test_a_service_that_never_answers_is_given_up(osv: str) -> None:
    told = asked([BAD, GOOD], ("-s", "osv", "--osv-url", osv), seconds=0.01)
    assert {row.skip_reason for row in told} == {"no answer within 0.01 seconds"}
