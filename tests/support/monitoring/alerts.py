"""What Prometheus computes beforehand, and what it raises an alarm about.

An alert's limit stands once, in `engagement.workflows.concerns`, where the daily line asks the same. Rates
burn an error budget on two windows (Beyer et al., The Site Reliability Workbook, chapter 5): a long one so
that it matters, and a short one so that it is still so.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from engagement.workflows.concerns import (
    BUDGET_SHARE,
    FALLBACK_SHARE,
    FEWEST_CLOSED,
    GAP_SDS,
    LAG_HOURS,
    MISSING_SHARE,
    SEAL_DAYS,
    SHIFT_SDS,
    SILENT_SHARE,
)

Severity = Literal["red", "yellow", "none"]
RUNBOOKS = "docs/runbooks"
"""Where the pages are; `--runbooks` names the address at which people find them."""
FAST, SLOW = 14.4, 6.0
"""How many times too fast a month's error budget is spent: in an hour 2 % of it, in six hours 5 %."""


class Pace(NamedTuple):
    """How long things take. A test has less time than operations.

    waits : whether an alert waits for `for`      stale : after how long figures of programs are old
    """

    short: str = "5m"
    long: str = "1h"
    slow_short: str = "30m"
    slow_long: str = "6h"
    waits: bool = True
    stale_s: int = 3600


class Recording(NamedTuple):
    """A rule that is computed beforehand."""

    record: str
    expr: str


class Alert(NamedTuple):
    """An alert. red : somebody gets up      yellow : somebody looks in the morning"""

    name: str
    severity: Severity
    expr: str
    lasting: str
    summary: str


class Objective(NamedTuple):
    """Something promised of a share of requests. bad, all : counters"""

    name: str
    bad: str
    all: str
    budget: float


OBJECTIVES = (
    Objective(
        "errors",
        'engagement_http_requests_total{status="5xx"}',
        "engagement_http_requests_total",
        0.001,
    ),
    Objective(
        "defaults",
        'engagement_recommendations_total{decided_by="deadline"}',
        "engagement_recommendations_total",
        0.005,
    ),
)
MISSING = (
    'sum by (program, strategy) (engagement_program_outcomes{state=~"missing|due"})'
    ' / sum by (program, strategy) (engagement_program_outcomes{state=~"missing|due|known"})'
)
FALLBACK = (
    'sum by (program, strategy) (engagement_program_decided{decided_by="belief_unusable"})'
    ' / sum by (program, strategy) (engagement_program_decided{decided_by=~"belief|belief_unusable"})'
)
SLOW_SHARE = (
    '1 - sum(rate(engagement_http_request_seconds_bucket{{route="/v1/recommendations",le="0.3"}}[{window}]))'
    ' / sum(rate(engagement_http_request_seconds_count{{route="/v1/recommendations"}}[{window}]))'
)


def recordings(pace: Pace) -> list[Recording]:
    """Everything that is computed beforehand."""
    rows = [
        Recording(
            f"engagement:{one.name}:ratio_{name}",
            f"sum(rate({one.bad}[{window}])) / sum(rate({one.all}[{window}]))",
        )
        for one in OBJECTIVES
        for name, window in windows(pace)
    ]
    return [
        *rows,
        Recording("engagement:slow_recommendations:ratio_long", SLOW_SHARE.format(window=pace.long)),
        Recording("engagement:outcomes_missing:ratio", MISSING),
        Recording("engagement:fallback:ratio", FALLBACK),
        Recording(
            "engagement:attendance:ratio",
            "sum by (program) (engagement_program_attendance_came)"
            " / sum by (program) (engagement_program_attendance_expected)",
        ),
        Recording(
            "engagement:groups_silent:ratio",
            'sum by (program) (engagement_program_groups{state="silent"}) / '
            'sum by (program) (engagement_program_groups{state=~"thriving|wavering|dormant|silent"})',
        ),
    ]


def windows(pace: Pace) -> tuple[tuple[str, str], ...]:
    """The windows of an error budget by name."""
    return (
        ("short", pace.short),
        ("long", pace.long),
        ("slow_short", pace.slow_short),
        ("slow_long", pace.slow_long),
    )


def _burning(objective: Objective, times: float, short: str, long: str) -> str:
    limit = f"{times * objective.budget:g}"
    name = f"engagement:{objective.name}:ratio"
    return f"{name}_{long} > {limit} and {name}_{short} > {limit}"


def alerts(pace: Pace) -> list[Alert]:
    """Every alert."""
    return [*_of_service(pace), *_of_store(pace), *_of_learning(), *_of_programs(), *_of_watching(pace)]


def _of_service(pace: Pace) -> Sequence[Alert]:
    errors, defaults = OBJECTIVES
    return (
        Alert("ServiceDown", "red", 'up{job="engagement"} == 0', "2m", "A replica does not answer."),
        Alert(
            "ErrorsBurnFast",
            "red",
            _burning(errors, FAST, "short", "long"),
            "2m",
            "More than 1.4 % of all requests fail with a server error.",
        ),
        Alert(
            "ErrorsBurnSlowly",
            "yellow",
            _burning(errors, SLOW, "slow_short", "slow_long"),
            "15m",
            "More than 0.6 % of all requests fail with a server error, for hours.",
        ),
        Alert(
            "DefaultsBurnFast",
            "red",
            _burning(defaults, FAST, "short", "long"),
            "2m",
            "More than 7 % of all recommendations are the safe default.",
        ),
        Alert(
            "DefaultsBurnSlowly",
            "yellow",
            _burning(defaults, SLOW, "slow_short", "slow_long"),
            "15m",
            "More than 3 % of all recommendations are the safe default, for hours.",
        ),
        Alert(
            "AnswersSlow",
            "yellow",
            "engagement:slow_recommendations:ratio_long > 0.05",
            "15m",
            "More than 5 % of recommendations take longer than 300 ms.",
        ),
        Alert(
            "LanesFull",
            "red",
            f"increase(engagement_desk_refused_total[{pace.short}]) > 0"
            " or engagement_desk_waiting / engagement_desk_waiting_most > 0.5",
            "1m",
            "A lane of {{ $labels.instance }} is full: {{ $labels.lane }}.",
        ),
        Alert(
            "BatchesRerun",
            "yellow",
            f"increase(engagement_desk_reruns_total[{pace.long}]) > 0",
            "0s",
            "A write failed that should have been refused before: {{ $labels.lane }}.",
        ),
        Alert(
            "SignalsRefused",
            "yellow",
            f'sum(rate(engagement_signals_total{{status="refused"}}[{pace.long}]))'
            f" / sum(rate(engagement_signals_total[{pace.long}])) > 0.2",
            "15m",
            "A fifth of what apps report cannot be used.",
        ),
    )


def _of_store(pace: Pace) -> Sequence[Alert]:
    return (
        Alert(
            "DatabaseUnreachable",
            "red",
            "max by (instance) (engagement_desk_broken) > 0",
            "30s",
            "{{ $labels.instance }} cannot reach its database.",
        ),
        Alert(
            "ConnectionsExhausted",
            "yellow",
            "engagement_database_connections / engagement_database_connections_most > 0.9",
            "5m",
            "Nearly every connection to the database is in use: {{ $labels.pool }}.",
        ),
        Alert(
            "DiskNearlyFull",
            "red",
            "engagement_disk_free_bytes / engagement_disk_size_bytes < 0.1",
            "5m",
            "Less than a tenth of the database's disk is free.",
        ),
        Alert(
            "FoldFailing",
            "red",
            f"increase(engagement_fold_failures_total[{pace.long}]) > 2",
            "0s",
            "Rounds of folding fail on {{ $labels.instance }}.",
        ),
    )


def _of_learning() -> Sequence[Alert]:
    strategy = "{{ $labels.strategy }} of {{ $labels.program }}"
    return (
        Alert(
            "FoldMissed",
            "red",
            f"engagement_program_fold_lag_seconds > {LAG_HOURS * 3600}",
            "10m",
            f"{strategy} has not learned for a day from what has closed.",
        ),
        Alert(
            "BeliefUnusable",
            "red",
            "engagement_program_belief_usable == 0",
            "5m",
            f"The belief of {strategy} gives no numbers.",
        ),
        Alert(
            "BeliefShifted",
            "yellow",
            f"engagement_program_belief_shift_sds > {SHIFT_SDS:g}",
            "10m",
            f"The belief of {strategy} moved far within a week.",
        ),
        Alert(
            "FallbackShareHigh",
            "red",
            f"engagement:fallback:ratio > {FALLBACK_SHARE:g}",
            "10m",
            f"The fallback decides for {strategy}.",
        ),
        Alert(
            "PropensityOutOfBounds",
            "red",
            "engagement_program_propensity_breaches > 0",
            "0s",
            f"Probabilities of {strategy} are out of their bounds: {{{{ $labels.bound }}}}.",
        ),
        Alert(
            "DrawsUnlikely",
            "yellow",
            f"engagement_program_drawn_gap_sds > {GAP_SDS:g}",
            "1h",
            f"What was drawn for {strategy} is not what its probabilities say.",
        ),
        Alert(
            "ReplayMismatch",
            "red",
            "engagement_program_replay_mismatches > 0",
            "0s",
            "Decisions of {{ $labels.program }} differ when they are made again.",
        ),
        Alert(
            "SealMissed",
            "yellow",
            f"engagement_program_seal_age_seconds > {SEAL_DAYS * 86_400}",
            "0s",
            "The ledger of {{ $labels.program }} was not sealed for two days.",
        ),
        Alert(
            "OutcomesMissing",
            "yellow",
            f"engagement:outcomes_missing:ratio > {MISSING_SHARE:g} and "
            'sum by (program, strategy) (engagement_program_outcomes{state=~"missing|due|known"})'
            f" >= {FEWEST_CLOSED}",
            "1h",
            f"Outcomes of {strategy} are not reported.",
        ),
    )


def _of_programs() -> Sequence[Alert]:
    program = "{{ $labels.program }}"
    return (
        Alert(
            "ReferralUnanswered",
            "red",
            'sum by (program, kind) (engagement_program_referrals{state="overdue"}) > 0',
            "0s",
            f"A referral of {program} was not answered in time: {{{{ $labels.kind }}}}.",
        ),
        Alert(
            "MinimumServiceUnmet",
            "red",
            "engagement_program_unmet_minimum_service > 0",
            "1h",
            f"Units of {program} have not had the visit they were promised.",
        ),
        Alert(
            "GroupsSilent",
            "yellow",
            f"engagement:groups_silent:ratio > {SILENT_SHARE:g}",
            "1d",
            f"Nothing is heard of many groups of {program}.",
        ),
        Alert(
            "BudgetNearlySpent",
            "yellow",
            "engagement_program_budget_left_minor"
            f" / (engagement_program_budget_limit_minor > 0) < {BUDGET_SHARE:g}",
            "1h",
            f"Little money is left in {program}: {{{{ $labels.payer }}}}.",
        ),
        Alert(
            "ProgramStopped",
            "yellow",
            "engagement_program_stopped == 1",
            "1d",
            f"The switch of {program} has been thrown for a day.",
        ),
    )


def _of_watching(pace: Pace) -> Sequence[Alert]:
    return (
        Alert(
            "FiguresStale",
            "yellow",
            f"engagement_programs_age_seconds > {pace.stale_s} or absent(engagement_programs)",
            "10m",
            "The figures of programs are old, or nobody makes them.",
        ),
        Alert(
            "SelfCheckMissing",
            "yellow",
            f"engagement_self_check_age_seconds > {26 * 3600}",
            "0s",
            "The daily line was not sent.",
        ),
        Alert(
            "SelfCheckNeverSent",
            "yellow",
            "max(engagement_self_check_wanted) == 1 unless on () engagement_self_check_age_seconds",
            "26h",
            "The daily line was never sent.",
        ),
        Alert("Watchdog", "none", "vector(1)", "0s", "Always on: where it is missed, no alert arrives."),
    )


def as_rules(pace: Pace, runbooks: str = RUNBOOKS) -> tuple[object, object]:
    """The two files' content: recording rules, and alert rules."""
    recorded = [row._asdict() for row in recordings(pace)]
    told = [
        {
            "alert": row.name,
            "expr": row.expr,
            **({"for": row.lasting} if pace.waits and row.lasting != "0s" else {}),
            "labels": {"severity": row.severity},
            "annotations": {
                "summary": row.summary,
                "runbook_url": f"{runbooks}/{row.name}.md",
            },
        }
        for row in alerts(pace)
    ]
    return (
        {"groups": [{"name": "engagement-recording", "rules": recorded}]},
        {"groups": [{"name": "engagement-alerts", "rules": told}]},
    )
