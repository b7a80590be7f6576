"""Every file that is generated, by its place in `deploy/`."""

from pathlib import Path

import msgspec

from support.monitoring.alerts import RUNBOOKS, Pace, as_rules
from support.monitoring.grafana import as_json
from support.monitoring.learning_board import LEARNING
from support.monitoring.programs_board import PROGRAMS
from support.monitoring.service_board import SERVICE

BOARDS = (SERVICE, LEARNING, PROGRAMS)
FOLDER = Path(__file__).parents[3] / "deploy"
HEAD = "# Generated: `python -m support.monitoring` writes it; change tests/support/monitoring instead.\n"


def files(runbooks: str = RUNBOOKS, pace: Pace | None = None) -> dict[str, str]:
    """The content of each file. pace : for a test that cannot wait"""
    recording, alerting = as_rules(pace or Pace(), runbooks)
    boards = {f"grafana/{board.uid}.json": as_json(board) for board in BOARDS}
    return {
        **boards,
        "prometheus/recording.yml": HEAD + msgspec.yaml.encode(recording).decode(),
        "prometheus/alerts.yml": HEAD + msgspec.yaml.encode(alerting).decode(),
    }
