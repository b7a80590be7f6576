"""The figures of programs over HTTP: from one path, kept for a while, and as few as there are words."""

import re
import threading
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engagement.api.exporter import Exporter
from engagement.clock import SimulatedClock
from engagement.errors import Unavailable
from engagement.signals import tally
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.strategy.setup import Group, Member
from engagement.workflows.program_metrics import metric_names
from support.databases import sqlite_database
from support.peer_groups import Here, a_program, ms
from support.running import Program, Running, running, wait_until

PATH = "/metrics/programs"
PEOPLE, SEATS = 10_000, 8


def series(text: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def crowd(here: Here) -> None:
    """Ten thousand members in groups of eight, put into the tables as they would lie there; all came once."""
    encoded = {
        kind: tally.encoded(tally.of([tally.Event(code, 1, ms(-1), "register", "1")]))
        for kind, code in (("member", ATTENDANCE.code), ("group", MEETING_HELD.code))
    }
    groups = [f"g{number}" for number in range(PEOPLE // SEATS)]
    people = [(f"m{number}", groups[number // SEATS], number % SEATS + 1) for number in range(PEOPLE)]
    own = {"program_id": here.id}
    things: list[tuple[str, str, Any]] = [("group", name, Group(id=name, site="here")) for name in groups]
    things += [("member", name, Member(id=name)) for name, _, _ in people]
    revisions = [
        {
            **own,
            "noun": noun,
            "id": name,
            "revision": 1,
            "catalogue": None,
            "body": msgspec.json.encode(thing),
            "recorded_at": ms(-2),
        }
        for noun, name, thing in things
    ]
    tallies = [
        {**own, "unit_kind": noun, "unit_id": name, "tally": encoded[noun]} for noun, name, _ in things
    ]
    memberships = [
        {
            **own,
            "member_id": name,
            "starts_on": date(2026, 1, 1),
            "revision": 1,
            "group_id": group,
            "seat": seat,
            "role": "member",
            "reason": "joined",
            "recorded_at": ms(-2),
        }
        for name, group, seat in people
    ]
    with here.db.write(here.id) as conn:
        for table, rows in ((t.revisions, revisions), (t.tallies, tallies), (t.memberships, memberships)):
            conn.execute(table.insert(), rows)


def first_figures(db: Database) -> str:
    """What a new exporter tells, however long a busy machine takes: each asking waits five seconds."""
    exporter = Exporter(db, SimulatedClock(ms(0)), 0)
    for _ in range(20):
        with suppress(Unavailable):
            return exporter.exposition().decode()
    raise AssertionError("no figures after twenty askings")


def test_ten_thousand_members_have_the_series_of_none(migrated_sqlite: Path, tmp_path: Path) -> None:
    with closing(Database(sqlite_database(migrated_sqlite, tmp_path))) as db:
        here = a_program(db)
        before = series(first_figures(db))
        crowd(here)
        text = first_figures(db)
        after = series(text)
    new = {(name, dict(labels)["of"]) for name, labels in after - before}
    # of the index nothing could be said before
    assert new == {("engagement_program_engagement_index", of) for of in ("group", "member", "lower_quarter")}
    assert before <= after
    assert len(after) < 400
    assert 'engagement_program_members{phase="running",program="program"} 10000.0' in text
    assert not re.search(r'"(g|m)\d+"', text)


def test_the_path_needs_no_key_and_has_every_metric(program: Program, served: Running) -> None:
    wait_until(lambda: served.client.get(PATH).status_code == 200)
    answer = served.client.get(PATH)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(answer.text)
    }
    assert families == set(metric_names())
    assert program.id


def test_figures_are_kept_and_made_anew_when_they_are_old(database_url: str) -> None:
    with running(database_url, program_metrics_s=3600) as kept:
        assert "engagement_programs 0.0" in kept.client.get(PATH).text
        kept.program()
        assert "engagement_programs 0.0" in kept.client.get(PATH).text
    with running(database_url, program_metrics_s=0) as fresh:
        assert "engagement_programs 1.0" in fresh.client.get(PATH).text
        fresh.program()
        # whoever asks gets the last ones, and the next are begun
        wait_until(lambda: "engagement_programs 2.0" in fresh.client.get(PATH).text)


def test_no_lane_waits_for_figures(database_url: str) -> None:
    with running(database_url, program_metrics_s=0) as service:
        program = service.program()
        with service.service.exporter._beginning:  # somebody is at it
            asked = threading.Thread(target=lambda: service.client.get(PATH))
            asked.start()
            answer = program.caller("recommend").post("/v1/recommendations", {"member": "ben"})
            assert answer.status_code == 200
        asked.join()


def test_what_was_withheld_is_counted_by_why(program: Program) -> None:
    registry, labels = program.running.service.metrics.registry, {"reason": "messages_declined"}
    before = registry.get_sample_value("engagement_withheld_total", labels) or 0
    caller = program.caller("admin")
    caller.put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    caller.post("/v1/recommendations", {"member": "ben"})
    assert registry.get_sample_value("engagement_withheld_total", labels) == before + 1


def test_a_recommendation_counts_its_phase_its_refusals_and_that_it_was_there_already(
    program: Program,
) -> None:
    registry = program.running.service.metrics.registry

    def counted(name: str, **labels: str) -> float:
        found = [
            sample.value
            for family in registry.collect()
            for sample in family.samples
            if sample.name == f"engagement_{name}_total" and labels.items() <= sample.labels.items()
        ]
        return sum(found)

    phases = counted("recommendations", phase="running")
    refused, repeated = counted("refused_actions"), counted("recommendations_repeated")
    caller = program.caller("recommend", "read")
    answer = caller.post("/v1/recommendations", {"member": "ben"}).json()
    assert counted("recommendations", phase=answer["phase"]) == phases + (answer["phase"] == "running")
    assert counted("refused_actions") == refused + len(answer["unavailable"])
    assert counted("recommendations_repeated") == repeated
    caller.post("/v1/recommendations", {"member": "ben"})
    assert counted("recommendations_repeated") == repeated + 1


def test_connections_and_disk_are_told(served: Running) -> None:
    registry = served.service.metrics.registry
    pools = ("write", "read") if served.service.db.is_sqlite else ("both",)
    for pool in pools:
        most = registry.get_sample_value("engagement_database_connections_most", {"pool": pool})
        assert most == 16
    free = registry.get_sample_value("engagement_disk_free_bytes")
    size = registry.get_sample_value("engagement_disk_size_bytes")
    if served.service.db.is_sqlite:
        assert free is not None
        assert size is not None
        assert 0 <= free <= size
    else:
        assert (free, size) == (None, None)


class HeldClock(SimulatedClock):
    """Tells the time once it is let go."""

    def __init__(self) -> None:
        super().__init__(ms(0))
        self.go_on = threading.Event()

    def now_ms(self) -> int:
        assert self.go_on.wait(30)
        return super().now_ms()


def test_who_asks_before_there_are_figures_is_told_to_ask_again(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engagement.api.exporter.FIRST_S", 0.01)
    clock = HeldClock()
    with closing(Database(sqlite_database(migrated_sqlite, tmp_path))) as db:
        exporter = Exporter(db, clock, 60)
        with pytest.raises(Unavailable, match="ask again shortly"):
            exporter.exposition()
        clock.go_on.set()
        exporter.close(30)
        assert "engagement_programs 0.0" in exporter.exposition().decode()
