"""What ops can see: metrics in a registry of their own, and logs as JSON without bodies.

Labels come from catalogues and route templates only, never from a member, a group, a key or a raw
path; label children are made beforehand, so that ratios of errors are not empty.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import NamedTuple, get_args

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from engagement.actions.action import Phase
from engagement.actions.availability import Reason

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 10)
UNITS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
LANES = ("decide", "record", "read")
KINDS = ("none", "nudge", "incentive", "chw_linkage")
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
PHASES: tuple[str, ...] = get_args(Phase)
NO_PHASE = "none"
"""Of an answer that is about no group, or that could not look at one."""
DECIDERS = ("belief", "baseline", "fallback", "withheld", "deadline")
FALLBACKS = ("belief_unusable", "chance_declined", "imported", "deadline")
WITHHELD = (
    "referred", "program_stopped", "strategy_paused", "messages_declined", "consent_withdrawn", "group_ended",
    "trial", "not_now",
)  # fmt: skip
REFUSALS = tuple(reason.name.lower() for reason in Reason if reason != Reason.AVAILABLE)


class Serving(NamedTuple):
    """The request that is being served: its id, and the trace of its caller, None where none was named."""

    request_id: str
    trace_id: str | None


SERVING: ContextVar[Serving | None] = ContextVar("serving", default=None)
"""Every line that is logged meanwhile bears both."""


class LaneMetrics(NamedTuple):
    """One lane's children, bound once."""

    waiting: Gauge
    batch: Histogram
    seconds: Histogram
    reruns: Counter
    repeats: Counter
    refused: Counter
    most: Gauge
    broken: Gauge


class Tallied(Collector):
    """A counter that one thread alone adds to, a dozen times an answer: plain numbers, without a lock."""

    def __init__(self, name: str, words: str, label: str, values: Sequence[str]) -> None:
        self._name, self._words, self._label = name, words, label
        self.number = dict.fromkeys(values, 0)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The one family."""
        family = CounterMetricFamily(self._name, self._words, labels=(self._label,))
        for value, number in self.number.items():
            family.add_metric((value,), number)
        yield family


class Metrics:
    """Every metric of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._lanes = self._make_lanes()
        self.requests = Counter(
            "engagement_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "engagement_http_request_seconds",
            "Time to answer a request",
            ("method", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.recommendations = Counter(
            "engagement_recommendations",
            "Recommendations answered, by kind of action, by what decided, and by the group's phase",
            ("kind", "decided_by", "phase"),
            registry=self.registry,
        )
        known = [(kind, by, phase) for kind in KINDS for by in DECIDERS[:3] for phase in PHASES]
        known += [("none", by, NO_PHASE) for by in DECIDERS[3:]]
        self.answered = {labels: self.recommendations.labels(*labels) for labels in known}
        self.fallbacks = self._counted("fallbacks", "Answers no belief gave, by why", "reason", FALLBACKS)
        self.withheld = self._counted("withheld", "Answers without a decision, by why", "reason", WITHHELD)
        self.refusals = Tallied(
            "engagement_refused_actions", "Actions that were not available, by why", "reason", REFUSALS
        )
        self.registry.register(self.refusals)
        self.repeated = Counter(
            "engagement_recommendations_repeated",
            "Recommendations answered with a decision that was there before the request",
            registry=self.registry,
        )
        self.signals = Counter(
            "engagement_signals",
            "Signals received, by what became of them",
            ("status",),
            registry=self.registry,
        )
        for status in ("stored", "repeated", "refused"):
            self.signals.labels(status)
        self.folds = Counter(
            "engagement_versions_published", "Versions of beliefs published", registry=self.registry
        )
        self.fold_rows = Counter(
            "engagement_fold_rows", "Outcomes folded", ("direction",), registry=self.registry
        )
        for direction in ("in", "out", "missing"):
            self.fold_rows.labels(direction)
        self.fold_failures = Counter(
            "engagement_fold_failures", "Rounds of folding that raised", registry=self.registry
        )
        self.last_fold = Gauge(
            "engagement_last_fold_timestamp_seconds",
            "When a round of folding last ended well",
            registry=self.registry,
        )
        self.self_check_wanted = Gauge(
            "engagement_self_check_wanted",
            "1 where the settings say to whom the daily line goes",
            registry=self.registry,
        )
        self.connections = Gauge(
            "engagement_database_connections", "Connections in use", ("pool",), registry=self.registry
        )
        self.most_connections = Gauge(
            "engagement_database_connections_most",
            "Connections that there may be",
            ("pool",),
            registry=self.registry,
        )

    def _counted(self, name: str, words: str, label: str, values: Sequence[str]) -> dict[str, Counter]:
        """A counter's children, by the values of its one label."""
        counter = Counter(f"engagement_{name}", words, (label,), registry=self.registry)
        return {value: counter.labels(value) for value in values}

    def watch_pool(self, pool: str, in_use: Callable[[], float], most: float) -> None:
        """Shows how many of a pool's connections are in use, and how many there may be."""
        self.connections.labels(pool).set_function(in_use)
        self.most_connections.labels(pool).set(most)

    def watch_disk(self, free: Callable[[], float], size: Callable[[], float]) -> None:
        """Shows the room on the disk on which the database lies."""
        for name, words, value in (("free", "Room left", free), ("size", "Room in all", size)):
            gauge = Gauge(
                f"engagement_disk_{name}_bytes", f"{words} where the database lies", registry=self.registry
            )
            gauge.set_function(value)

    def _make_lanes(self) -> dict[str, LaneMetrics]:
        registry = self.registry
        waiting = Gauge("engagement_desk_waiting", "Tickets waiting on a lane", ("lane",), registry=registry)
        batch = Histogram(
            "engagement_desk_batch_units",
            "Units in a transaction",
            ("lane",),
            buckets=UNITS,
            registry=registry,
        )
        seconds = Histogram(
            "engagement_desk_transaction_seconds",
            "Time of a transaction, commit included",
            ("lane",),
            buckets=SECONDS,
            registry=registry,
        )
        reruns = Counter(
            "engagement_desk_reruns",
            "Batches run again one ticket a transaction; normally 0",
            ("lane",),
            registry=registry,
        )
        repeats = Counter(
            "engagement_desk_repeats",
            "Batches repeated after a lost race or connection",
            ("lane",),
            registry=registry,
        )
        refused = Counter(
            "engagement_desk_refused", "Tickets refused by a full lane", ("lane",), registry=registry
        )
        most = Gauge(
            "engagement_desk_waiting_most", "Tickets that may wait on a lane", ("lane",), registry=registry
        )
        broken = Gauge(
            "engagement_desk_broken", "1 while a lane cannot reach the database", ("lane",), registry=registry
        )
        return {
            lane: LaneMetrics(
                waiting.labels(lane),
                batch.labels(lane),
                seconds.labels(lane),
                reruns.labels(lane),
                repeats.labels(lane),
                refused.labels(lane),
                most.labels(lane),
                broken.labels(lane),
            )
            for lane in LANES
        }

    def lane(self, name: str) -> LaneMetrics:
        """A lane's own metrics."""
        return self._lanes[name]

    def exposition(self) -> bytes:
        """Everything in Prometheus's classic text format."""
        return generate_latest(self.registry)


class JsonLines(logging.Formatter):
    """One JSON object a line: what was logged and the fields given with it, nothing of a body."""

    FIELDS = (
        "method",
        "route",
        "status",
        "duration_ms",
        "lane",
        "program",
        "strategy",
        "version",
        "seal",
        "digest",
    )

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: record.__dict__[name] for name in self.FIELDS if name in record.__dict__})
        serving = SERVING.get()
        if serving is not None:
            line["request_id"] = serving.request_id
            if serving.trace_id is not None:
                line["trace_id"] = serving.trace_id
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _where(record)
        return msgspec.json.encode(line).decode()


def _where(record: logging.LogRecord) -> list[str]:
    """The frames of an exception without its message, which could hold what a caller sent."""
    frames = []
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return frames[-12:]


def log_as_json(level: str) -> None:
    """Sends every log line to standard error as JSON, in UTC.

    What no line shows is not looked up for it either, as the `logging` how-to advises under
    "Optimization": the caller's place in the source, threads, processes and tasks.
    """
    logging._srcfile = None  # noqa: SLF001  the how-to's own words
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel("WARNING")
