"""Logs as one JSON object a line, without a word of what anybody sent."""

import json
import logging
import sys
from typing import get_args

from engagement.telemetry import FALLBACKS, WITHHELD, JsonLines, Metrics
from engagement.workflows.strategy_signs import DECIDED_BY
from engagement.workflows.tell import Withheld


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    """A record as `logging` makes it."""
    return logging.getLogger("engagement").makeRecord(
        "engagement", logging.WARNING, "file.py", 7, message, arguments, None, extra=extra
    )


def written(of: logging.LogRecord) -> dict[str, object]:
    line = JsonLines().format(of)
    assert "\n" not in line
    told: dict[str, object] = json.loads(line)
    return told


def test_a_line_holds_the_message_and_the_fields_known_to_be_harmless() -> None:
    told = written(record("answered %s", "well", status=200, route="/v1/sites", body="secret"))
    assert told["message"] == "answered well"
    assert (told["level"], told["logger"], told["status"], told["route"]) == (
        "warning",
        "engagement",
        200,
        "/v1/sites",
    )
    assert "body" not in told


def test_times_are_utc_to_the_millisecond() -> None:
    of = record("x")
    of.created = 1_772_344_800.25  # 2026-03-01T06:00:00.250Z
    assert written(of)["time"] == "2026-03-01T06:00:00.250+00:00"


def test_an_exception_is_told_by_its_kind_and_place_never_by_its_words() -> None:
    def fails() -> None:
        raise ValueError("the caller sent canary")

    of = record("it failed")
    try:
        fails()
    except ValueError:
        of.exc_info = sys.exc_info()
    told = written(of)
    assert told["error"] == "ValueError"
    assert isinstance(told["where"], list)
    assert str(told["where"][-1]).startswith("fails:")
    assert "canary" not in json.dumps(told)


def test_every_reason_that_an_answer_can_have_is_a_label_already() -> None:
    assert set(WITHHELD) == set(get_args(Withheld))
    assert set(FALLBACKS) == {*DECIDED_BY, "deadline"} - {"belief", "baseline"}


def test_what_one_thread_tallies_is_exposed_as_a_counter() -> None:
    metrics = Metrics()
    metrics.refusals.number["budget"] += 2
    found = metrics.registry.get_sample_value("engagement_refused_actions_total", {"reason": "budget"})
    assert found == 2
