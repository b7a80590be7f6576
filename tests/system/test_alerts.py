"""Every alert is raised by what it is about, and by nothing less: Prometheus's own tool tries the rules."""

import subprocess
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from support.monitoring.alerts import Pace, alerts
from support.monitoring.files import FOLDER
from support.programs import find

pytestmark = pytest.mark.needs("promtool")
SPAN, RATED = ("2h", "5m"), ("80m", "1m")
"""For how long the series go on, at the end of which they are looked at, and how often they have a value."""
LONGER = {
    **dict.fromkeys(("ErrorsBurnFast", "DefaultsBurnFast", "AnswersSlow", "LanesFull"), RATED),
    **dict.fromkeys(("BatchesRerun", "SignalsRefused", "FoldFailing"), RATED),
    "ErrorsBurnSlowly": ("7h", "5m"),
    "DefaultsBurnSlowly": ("7h", "5m"),
    # below the five minutes for which a recorded value is seen: groups of rules are tried in any order
    "GroupsSilent": ("25h", "4m"),
    "ProgramStopped": ("25h", "4m"),
    "SelfCheckNeverSent": ("27h", "4m"),
}
STEPS = 420
P = 'program="p"'
S = f'{P},strategy="s"'


def flat(series: str, value: float) -> tuple[str, str]:
    return series, f"{value}x{STEPS}"


def growing(series: str, each: float) -> tuple[str, str]:
    """A counter that grows by so much with every value."""
    return series, f"0+{each}x{STEPS}"


def requests(status: str, each: float) -> tuple[str, str]:
    return growing(f'engagement_http_requests_total{{status="{status}"}}', each)


def answers(by: str, each: float) -> tuple[str, str]:
    return growing(f'engagement_recommendations_total{{decided_by="{by}"}}', each)


def outcomes(state: str, number: int) -> tuple[str, str]:
    return flat(f'engagement_program_outcomes{{{S},state="{state}"}}', number)


def decided(by: str, number: int) -> tuple[str, str]:
    return flat(f'engagement_program_decided{{{S},decided_by="{by}"}}', number)


def groups(state: str, number: int) -> tuple[str, str]:
    return flat(f'engagement_program_groups{{{P},phase="running",state="{state}"}}', number)


def bucket(at_most: str, each: float) -> tuple[str, str]:
    return growing(
        f'engagement_http_request_seconds_bucket{{route="/v1/recommendations",le="{at_most}"}}', each
    )


def asked(each: float) -> tuple[str, str]:
    return growing('engagement_http_request_seconds_count{route="/v1/recommendations"}', each)


class Case(NamedTuple):
    """Series by which an alert is raised, and such by which it is not."""

    raised: tuple[tuple[str, str], ...]
    quiet: tuple[tuple[str, str], ...]


def one(series: str, raised: float, quiet: float) -> Case:
    return Case((flat(series, raised),), (flat(series, quiet),))


def grows(series: str, raised: float, quiet: float) -> Case:
    return Case((growing(series, raised),), (growing(series, quiet),))


A_THOUSAND = 1_000


def errors(bad: float) -> tuple[tuple[str, str], ...]:
    return requests("5xx", bad), requests("2xx", A_THOUSAND - bad)


def defaults(bad: float) -> tuple[tuple[str, str], ...]:
    return answers("deadline", bad), answers("belief", A_THOUSAND - bad)


def signals(refused: float, stored: float) -> tuple[tuple[str, str], ...]:
    return tuple(
        growing(f'engagement_signals_total{{status="{status}"}}', each)
        for status, each in (("refused", refused), ("stored", stored))
    )


def of_most(series: str, most: str, label: str, value: float, limit: float) -> tuple[tuple[str, str], ...]:
    return flat(series + label, value), flat(most + label, limit)


def lane(waiting: float) -> tuple[tuple[str, str], ...]:
    return of_most("engagement_desk_waiting", "engagement_desk_waiting_most", '{lane="decide"}', waiting, 100)


def connections(used: float) -> tuple[tuple[str, str], ...]:
    used_of = ("engagement_database_connections", "engagement_database_connections_most")
    return of_most(*used_of, '{pool="both"}', used, 16)


def disk(free: float) -> tuple[tuple[str, str], ...]:
    return of_most("engagement_disk_free_bytes", "engagement_disk_size_bytes", "", free, 100)


def money(left: float, limit: float) -> tuple[tuple[str, str], ...]:
    both = ("engagement_program_budget_left_minor", "engagement_program_budget_limit_minor")
    return of_most(*both, f'{{{P},payer="a"}}', left, limit)


def figures(age_s: float) -> tuple[tuple[str, str], ...]:
    return flat("engagement_programs_age_seconds", age_s), flat("engagement_programs", 1)


WANTED = flat("engagement_self_check_wanted", 1)
CASES = {
    "ServiceDown": one('up{job="engagement"}', 0, 1),
    # 14.4 and 6 times a budget of one in a thousand
    "ErrorsBurnFast": Case(errors(15), errors(14)),
    "ErrorsBurnSlowly": Case(errors(7), errors(5)),
    # of five in a thousand
    "DefaultsBurnFast": Case(defaults(73), defaults(71)),
    "DefaultsBurnSlowly": Case(defaults(31), defaults(29)),
    "AnswersSlow": Case((bucket("0.3", 94), asked(100)), (bucket("0.3", 96), asked(100))),
    "LanesFull": Case(lane(51), (*lane(49), growing('engagement_desk_refused_total{lane="decide"}', 0))),
    "BatchesRerun": grows('engagement_desk_reruns_total{lane="record"}', 1, 0),
    "SignalsRefused": Case(signals(21, 79), signals(19, 81)),
    "DatabaseUnreachable": one('engagement_desk_broken{lane="read"}', 1, 0),
    "ConnectionsExhausted": Case(connections(15), connections(14)),
    "DiskNearlyFull": Case(disk(9), disk(11)),
    # six in an hour, and fewer than two
    "FoldFailing": grows("engagement_fold_failures_total", 0.1, 0.03),
    "FoldMissed": one(f"engagement_program_fold_lag_seconds{{{S}}}", 86_401, 86_399),
    "BeliefUnusable": one(f"engagement_program_belief_usable{{{S}}}", 0, 1),
    "BeliefShifted": one(f"engagement_program_belief_shift_sds{{{S}}}", 3.1, 2.9),
    "FallbackShareHigh": Case(
        (decided("belief_unusable", 6), decided("belief", 94)),
        (decided("belief_unusable", 5), decided("belief", 95), decided("chance_declined", 50)),
    ),
    "PropensityOutOfBounds": one(f'engagement_program_propensity_breaches{{{S},bound="floor"}}', 1, 0),
    "DrawsUnlikely": one(f"engagement_program_drawn_gap_sds{{{S}}}", 4.1, 3.9),
    "ReplayMismatch": one(f"engagement_program_replay_mismatches{{{P}}}", 1, 0),
    "SealMissed": one(f"engagement_program_seal_age_seconds{{{P}}}", 172_801, 172_799),
    # 41 of 100; and 19 of 19 is too few to tell
    "OutcomesMissing": Case(
        (outcomes("missing", 30), outcomes("due", 11), outcomes("known", 59)),
        (outcomes("missing", 19), outcomes("pending", 900)),
    ),
    "ReferralUnanswered": one(f'engagement_program_referrals{{{P},kind="harm",state="overdue"}}', 1, 0),
    "MinimumServiceUnmet": one(f"engagement_program_unmet_minimum_service{{{S}}}", 1, 0),
    "GroupsSilent": Case(
        (groups("silent", 26), groups("thriving", 74)),
        (groups("silent", 25), groups("thriving", 75), groups("ended", 1)),
    ),
    "BudgetNearlySpent": Case(money(9, 100), money(0, 0)),
    "ProgramStopped": one(f"engagement_program_stopped{{{P}}}", 1, 0),
    "FiguresStale": Case(figures(3601), figures(3599)),
    "SelfCheckMissing": one("engagement_self_check_age_seconds", 93_601, 93_599),
    "SelfCheckNeverSent": Case((WANTED,), (WANTED, flat("engagement_self_check_age_seconds", 60))),
}
"""Watchdog has no case: it is always on."""


def tried(
    name: str, series: tuple[tuple[str, str], ...], span: tuple[str, str], *, raised: bool
) -> dict[str, object]:
    """A case as promtool reads it."""
    until, interval = span
    counted = f'count(count by (alertname) (ALERTS{{alertname="{name}",alertstate="firing"}}))'
    return {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [
            {
                "expr": counted,
                "eval_time": until,
                "exp_samples": [{"labels": "{}", "value": 1}] if raised else [],
            }
        ],
    }


def told_by_promtool(folder: Path, interval: str, *tests: dict[str, object]) -> str:
    """What the tool has to say against the shipped rules; nothing where all is as expected."""
    file = folder / "tests.yml"
    rules = [str(FOLDER / "prometheus" / kind) for kind in ("recording.yml", "alerts.yml")]
    content = {"rule_files": rules, "evaluation_interval": interval, "tests": list(tests)}
    file.write_bytes(msgspec.yaml.encode(content))
    return run("test", "rules", str(file))


def run(*arguments: str) -> str:
    command = [str(find("promtool")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_alert_is_raised_by_what_it_is_about_and_not_by_a_little_less(name: str, tmp_path: Path) -> None:
    case, span = CASES[name], LONGER.get(name, SPAN)
    flaws = told_by_promtool(
        tmp_path,
        span[1],
        tried(name, case.raised, span, raised=True),
        tried(name, case.quiet, span, raised=False),
    )
    assert not flaws, flaws


def test_no_alert_is_left_untried() -> None:
    assert {alert.name for alert in alerts(Pace())} == {*CASES, "Watchdog"}


def test_figures_that_nobody_makes_are_stale_and_the_watchdog_is_always_on(tmp_path: Path) -> None:
    series = (flat('up{job="engagement"}', 1),)
    both = (tried(name, series, SPAN, raised=True) for name in ("FiguresStale", "Watchdog"))
    assert not told_by_promtool(tmp_path, SPAN[1], *both)


def test_the_tool_finds_the_rules_in_order() -> None:
    files = [str(FOLDER / "prometheus" / name) for name in ("recording.yml", "alerts.yml")]
    assert not run("check", "rules", *files)
    assert not run("check", "config", str(FOLDER / "prometheus" / "prometheus.yml"))
