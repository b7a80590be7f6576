"""The gauges of programs: what `vital_signs` found, in the names and labels that Prometheus reads.

One process computes them, whichever is asked, from the ledger alone: they are not of a replica but of the
installation. A label is a program of the installation or a word of its catalogue (a strategy, a payer), or
a word of ours; never a member, a group or a health worker. Every series is there from the first reading on,
but those of which nothing can be said yet.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from engagement.signals.states import STATES
from engagement.workflows.program_watch import Watched
from engagement.workflows.strategy_signs import DECIDED_BY, PHASES, StrategySigns
from engagement.workflows.vital_signs import VitalSigns

Labels = tuple[str, ...]
Sample = tuple[str, Labels, float]
"""A metric's short name, the values of its labels in order, its value."""
PREFIX = "engagement_program_"
SECOND_MS = 1000


class Metric(NamedTuple):
    """A metric of programs. name : after `PREFIX`      labels : after `program`, which all have"""

    name: str
    words: str
    labels: Labels = ()
    kind: Literal["gauge", "counter"] = "gauge"


METRICS = (
    Metric("stopped", "1 while the program's switch is thrown: nothing is recommended"),
    Metric("groups", "Groups by how they stand", ("phase", "state")),
    Metric("members", "Members who sit in a group", ("phase",)),
    Metric(
        "engagement_index",
        "Engagement index from 0 to 100: mean of groups and of members, and a quarter of members is below",
        ("phase", "of"),
    ),
    Metric("attendance_came", "Seats that came to meetings of the last 8 weeks", ("phase",)),
    Metric("attendance_expected", "Seats of which something was said there", ("phase",)),
    Metric("decisions_ever", "Decisions in the ledger", (), "counter"),
    Metric("decisions", "Decisions of the last 30 days", ("strategy", "phase")),
    Metric("decided", "Decisions of the last 30 days by what decided", ("strategy", "decided_by")),
    Metric(
        "outcomes",
        "Decisions that closed in the last 30 days or are open, by what is known of them",
        ("strategy", "state"),
    ),
    Metric("unfolded", "Closed decisions from which nothing was learned yet", ("strategy",)),
    Metric("fold_lag_seconds", "How long ago the first of them closed, 0 for none", ("strategy",)),
    Metric("version", "Version of the belief, 0 before the first", ("strategy",)),
    Metric("version_age_seconds", "How long ago it was published", ("strategy",)),
    Metric("belief_usable", "1 while the belief gives numbers", ("strategy",)),
    Metric("belief_shift_sds", "Largest shift of a score within 7 days, in its sds", ("strategy",)),
    Metric("belief_precision", "Smallest eigenvalue of what is known of an action's effect", ("strategy",)),
    Metric("drawn", "Decisions of the last 30 days drawn by chance, by kind of action", ("strategy", "kind")),
    Metric("drawn_expected", "The sum of the probabilities they were drawn with", ("strategy", "kind")),
    Metric("drawn_gap_sds", "Largest gap between the two of an action, in its sds", ("strategy",)),
    Metric("propensity_breaches", "Drawn decisions with a share out of its bounds", ("strategy", "bound")),
    Metric("unmet_minimum_service", "Units without the visit they were promised", ("strategy",)),
    Metric("referrals", "Referrals that nobody has answered", ("kind", "state")),
    Metric("budget_limit_minor", "A payer's money in this period, in minor units", ("payer",)),
    Metric("budget_left_minor", "What is neither spent nor reserved of it", ("payer",)),
    Metric("minutes_limit", "Minutes of carriers this month; of health workers this week", ("carrier",)),
    Metric("minutes_left", "What is not taken of them", ("carrier",)),
    Metric("doses", "Dose of all members: each action 1, and 0.8 of that a month later", ("kind",)),
    Metric("dose_per_member", "The same for each member who sits in a group", ("kind",)),
    Metric("replayed", "Decisions of the last week made again in the day's sample"),
    Metric("replay_mismatches", "Those of them that came out otherwise"),
    Metric("seal_age_seconds", "How long ago the ledger was last sealed, or the program created"),
)  # fmt: skip
INSTALLATION = (
    Metric("engagement_programs", "Programs in the database"),
    Metric("engagement_programs_left_out", "Programs beyond those of which figures are given"),
    Metric("engagement_programs_age_seconds", "How long ago the figures of programs were made"),
    Metric("engagement_programs_making_seconds", "How long making them took"),
    Metric("engagement_self_check_age_seconds", "How long ago the daily line was last sent; absent before"),
)
"""Of the installation as a whole: no label, and their whole name."""


def names_of(signs: Sequence[VitalSigns]) -> list[str]:
    """The label `program` of each: its id in the set-up, and the end of its long id where some share it."""
    times = Counter(one.program for one in signs)
    return [
        one.program if times[one.program] == 1 else f"{one.program}-{one.program_id[-8:]}" for one in signs
    ]


def samples(watched: Watched) -> Iterator[Sample]:
    """Everything that is told of one program, without its label."""
    signs = watched.signs
    yield "stopped", (), float(signs.stopped)
    yield "decisions_ever", (), signs.decisions
    yield from _phases(signs)
    for strategy in signs.strategies:
        yield from _strategy(strategy, signs.at_ms)
    for waiting in signs.referrals:
        yield "referrals", (waiting.kind, "overdue"), waiting.overdue
        yield "referrals", (waiting.kind, "in_time"), waiting.unanswered - waiting.overdue
    for money in signs.budgets:
        yield "budget_limit_minor", (money.of,), money.limit
        yield "budget_left_minor", (money.of,), money.left
    for minutes in signs.minutes:
        yield "minutes_limit", (minutes.of,), minutes.limit
        yield "minutes_left", (minutes.of,), minutes.left
    for dose in signs.doses:
        yield "doses", (dose.kind,), dose.dose
        yield "dose_per_member", (dose.kind,), dose.per_member
    yield "replayed", (), watched.replayed.number
    yield "replay_mismatches", (), watched.replayed.differ
    yield "seal_age_seconds", (), (signs.at_ms - signs.sealed_at_ms) / SECOND_MS


def _phases(signs: VitalSigns) -> Iterator[Sample]:
    for row in signs.phases:
        for state in STATES:
            yield "groups", (row.phase, state), getattr(row.groups, state)
        yield "members", (row.phase,), row.members
        yield "attendance_came", (row.phase,), row.came
        yield "attendance_expected", (row.phase,), row.expected
        yield from _known("engagement_index", (row.phase, "group"), row.group_index)
        yield from _known("engagement_index", (row.phase, "member"), row.member_index)
        yield from _known("engagement_index", (row.phase, "lower_quarter"), row.lower_quarter)


def _strategy(row: StrategySigns, now_ms: int) -> Iterator[Sample]:
    own = (row.strategy,)
    for phase, number in zip(PHASES, row.phases, strict=True):
        yield "decisions", (*own, phase), number
    for word, number in zip(DECIDED_BY, row.decided_by, strict=True):
        yield "decided", (*own, word), number
    for state, number in row.outcomes._asdict().items():
        yield "outcomes", (*own, state), number
    for kind in row.kinds:
        yield "drawn", (*own, kind.kind), kind.observed
        yield "drawn_expected", (*own, kind.kind), kind.expected
    yield "drawn_gap_sds", own, row.gap_sds
    yield "propensity_breaches", (*own, "floor"), row.below_floor
    yield "propensity_breaches", (*own, "cap"), row.above_cap
    yield from _known("unfolded", own, row.unfolded)
    yield from _known("fold_lag_seconds", own, _seconds(row.lag_ms))
    yield from _known("version", own, row.version)
    age_ms = None if row.published_at_ms is None else now_ms - row.published_at_ms
    yield from _known("version_age_seconds", own, _seconds(age_ms))
    yield from _known("belief_usable", own, row.usable)
    yield from _known("belief_shift_sds", own, row.shift)
    yield from _known("belief_precision", own, row.precision)
    yield from _known("unmet_minimum_service", own, row.unmet)


def _known(name: str, labels: Labels, value: float | None) -> Iterator[Sample]:
    if value is not None:
        yield name, labels, float(value)


def _seconds(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / SECOND_MS


class Told(NamedTuple):
    """What is to be exposed. installation : in the order of `INSTALLATION`, None for what is absent"""

    watched: Sequence[Watched]
    installation: tuple[float | None, ...]


class _Once(Collector):
    """Figures as they stand, for one exposition."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """The families, each with all its samples."""
        for metric, value in zip(INSTALLATION, self._told.installation, strict=True):
            yield (
                GaugeMetricFamily(metric.name, metric.words, value=value)
                if value is not None
                else (GaugeMetricFamily(metric.name, metric.words))
            )
        families = {metric.name: _family(metric) for metric in METRICS}
        signs = [one.signs for one in self._told.watched]
        for program, one in zip(names_of(signs), self._told.watched, strict=True):
            for name, labels, value in samples(one):
                families[name].add_metric((program, *labels), value)
        yield from families.values()


def _family(metric: Metric) -> GaugeMetricFamily | CounterMetricFamily:
    kind = GaugeMetricFamily if metric.kind == "gauge" else CounterMetricFamily
    return kind(PREFIX + metric.name, metric.words, labels=("program", *metric.labels))


def exposition(told: Told) -> bytes:
    """Everything in Prometheus's classic text format."""
    registry = CollectorRegistry()
    registry.register(_Once(told))
    return generate_latest(registry)


def metric_names() -> list[str]:
    """The full name of every metric of programs and of the installation, as it is exposed."""
    own = [PREFIX + metric.name + ("_total" if metric.kind == "counter" else "") for metric in METRICS]
    return [*own, *(metric.name for metric in INSTALLATION)]
