"""Dashboards and rules in `deploy/` are those that are generated, and every alert has its page."""

import json
import re
from collections.abc import Iterator
from inspect import getsource

import pytest

from docs.pages import ROOT
from engagement.telemetry import Metrics
from engagement.workflows import concerns
from engagement.workflows.program_metrics import metric_names
from support.monitoring.alerts import Pace, alerts, recordings
from support.monitoring.files import BOARDS, FOLDER, files

ALERTS = [alert.name for alert in alerts(Pace())]
PAGES = ROOT / "docs" / "runbooks"


@pytest.mark.parametrize("name", sorted(files()))
def test_what_is_kept_is_what_the_generator_writes(name: str) -> None:
    wanted = "write it again: PYTHONPATH=services:tests python -m support.monitoring"
    assert (FOLDER / name).read_text() == files()[name], wanted


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_page_that_says_what_to_do(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    for part in ("**Look at**\n\n- ", "**Do**\n\n- "):
        assert part in page


def test_no_page_is_about_an_alert_that_is_gone() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == set(ALERTS)


def test_every_alert_leads_to_its_page() -> None:
    rules = (FOLDER / "prometheus" / "alerts.yml").read_text()
    assert sorted(re.findall(r"runbook_url: docs/runbooks/(\w+)\.md", rules)) == sorted(ALERTS)


def test_what_the_daily_line_names_is_an_alert_with_a_page() -> None:
    named = set(re.findall(r'yield "(\w+)"', getsource(concerns)))
    assert len(named) > 10
    assert named <= set(ALERTS)


def expressions() -> Iterator[str]:
    yield from (rule.expr for rule in (*recordings(Pace()), *alerts(Pace())))
    for board in BOARDS:
        kept = json.loads((FOLDER / "grafana" / f"{board.uid}.json").read_text())
        for panel in kept["panels"]:
            yield from (target["expr"] for target in panel.get("targets", ()))


def exposed() -> set[str]:
    """The names of all series."""
    process = Metrics()
    process.watch_disk(lambda: 0, lambda: 0)
    own = {
        sample
        for family in process.registry.collect()
        for sample in (family.name, *(f"{family.name}_{end}" for end in ("total", "bucket", "count")))
    }
    return {*own, *metric_names(), *(rule.record for rule in recordings(Pace()))}


def test_no_expression_asks_for_a_series_that_nobody_exposes() -> None:
    asked = {name for text in expressions() for name in re.findall(r"engagement[_:][a-z_:]+", text)}
    assert asked - exposed() == set()


def test_every_metric_is_asked_for_by_a_panel_or_an_alert() -> None:
    asked = {name for text in expressions() for name in re.findall(r"engagement_[a-z_]+", text)}
    rest = {name for name in metric_names() if name not in asked}
    # counted beside others, for whoever looks closer
    assert rest == {
        "engagement_program_decisions_ever_total",
        "engagement_program_doses",
        "engagement_program_minutes_limit",
        "engagement_programs_left_out",
    }
