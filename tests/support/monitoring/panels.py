"""The three dashboards as plain lists: each panel a question, and the queries that answer it."""

from typing import Literal, NamedTuple

Kind = Literal["lines", "numbers"]
RATE = "$__rate_interval"
PROGRAM = 'program=~"$program"'
STRATEGY = "{{program}} {{strategy}}"
HTTP = "engagement_http_request_seconds"
ASKED = '{route="/v1/recommendations"}'


class Query(NamedTuple):
    """An expression, and how its series are called."""

    expr: str
    legend: str = ""


class Panel(NamedTuple):
    """One panel. title : the question      words : what is good, and what to do when it is not"""

    title: str
    words: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"


class Section(NamedTuple):
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    """A dashboard. by_program : it has a choice of programs"""

    uid: str
    title: str
    words: str
    sections: tuple[Section, ...]
    by_program: bool = True


def _rate(counter: str, by: str = "", where: str = "") -> str:
    summed = f"sum by ({by})" if by else "sum"
    return f"{summed} (rate({counter}{where}[{RATE}]))"


def _quantile(share: float, histogram: str, by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({histogram}_bucket{where}[{RATE}])))"


def _grown(counter: str, by: str) -> str:
    return f"sum by ({by}) (increase({counter}[{RATE}]))"


def _each(metric: str) -> str:
    return f"engagement_program_{metric}{{{PROGRAM}}}"


def _program(metric: str, by: str = "program", where: str = "") -> str:
    return f"sum by ({by}) (engagement_program_{metric}{{{PROGRAM}{where}}})"


SERVICE = Board(
    "engagement-service",
    "Engagement: service",
    "Is it up, fast and correct?",
    (
        Section(
            "Requests",
            (
                Panel(
                    "Is it up?",
                    "1 for each replica.",
                    "short",
                    (Query('up{job="engagement"}', "{{instance}}"),),
                ),
                Panel(
                    "How many requests are there?",
                    "By route.",
                    "reqps",
                    (Query(_rate("engagement_http_requests_total", "route"), "{{route}}"),),
                ),
                Panel(
                    "How many fail?",
                    "Server errors as a share of all; 0.1 % is promised.",
                    "percentunit",
                    (
                        Query("engagement:errors:ratio_short", "now"),
                        Query("engagement:errors:ratio_slow_long", "for hours"),
                    ),
                ),
                Panel(
                    "How long does a recommendation take?",
                    "300 ms are promised, or the safe default.",
                    "s",
                    (
                        Query(
                            _quantile(
                                0.5,
                                "engagement_http_request_seconds",
                                "route",
                                '{route="/v1/recommendations"}',
                            ),
                            "half",
                        ),
                        Query(
                            _quantile(
                                0.99,
                                "engagement_http_request_seconds",
                                "route",
                                '{route="/v1/recommendations"}',
                            ),
                            "99 of 100",
                        ),
                    ),
                ),
                Panel(
                    "How many answers are the safe default?",
                    "Members get nothing only because the service was slow.",
                    "percentunit",
                    (
                        Query("engagement:defaults:ratio_short", "now"),
                        Query("engagement:defaults:ratio_long", "longer"),
                    ),
                ),
                Panel(
                    "What decided?",
                    "The belief, a baseline, the fallback, nobody, or the clock.",
                    "reqps",
                    (Query(_rate("engagement_recommendations_total", "decided_by"), "{{decided_by}}"),),
                ),
                Panel(
                    "In which phase?",
                    "Of the groups that were decided for.",
                    "reqps",
                    (Query(_rate("engagement_recommendations_total", "phase"), "{{phase}}"),),
                ),
                Panel(
                    "Why was nothing recommended, or no belief asked?",
                    "Withheld answers and fallbacks by reason.",
                    "reqps",
                    (
                        Query(_rate("engagement_withheld_total", "reason"), "withheld: {{reason}}"),
                        Query(_rate("engagement_fallbacks_total", "reason"), "fallback: {{reason}}"),
                    ),
                ),
                Panel(
                    "Why were actions not available?",
                    "By reason; a reason that grows takes choice from the belief.",
                    "reqps",
                    (Query(_rate("engagement_refused_actions_total", "reason"), "{{reason}}"),),
                ),
                Panel(
                    "What comes twice?",
                    "Harmless; much of it means that an app does not hear our answers.",
                    "reqps",
                    (
                        Query(_rate("engagement_signals_total", "", '{status="repeated"}'), "signals"),
                        Query(_rate("engagement_recommendations_repeated_total"), "recommendations"),
                    ),
                ),
                Panel(
                    "What do apps report?",
                    "Refused signals are lost until the app sends something else.",
                    "reqps",
                    (Query(_rate("engagement_signals_total", "status"), "{{status}}"),),
                ),
            ),
        ),
        Section(
            "Desk and database",
            (
                Panel(
                    "Who waits?",
                    "Tickets behind the batch that was just taken.",
                    "short",
                    (Query("max by (lane) (engagement_desk_waiting)", "{{lane}}"),),
                ),
                Panel(
                    "How full is a lane?",
                    "At 100 % it says no.",
                    "percentunit",
                    (
                        Query(
                            "max by (lane) (engagement_desk_waiting / engagement_desk_waiting_most)",
                            "{{lane}}",
                        ),
                    ),
                ),
                Panel(
                    "How many share a commit?",
                    "Units in a transaction, half of them have fewer.",
                    "short",
                    (Query(_quantile(0.5, "engagement_desk_batch_units", "lane"), "{{lane}}"),),
                ),
                Panel(
                    "How long does a transaction take?",
                    "99 of 100, commit included.",
                    "s",
                    (Query(_quantile(0.99, "engagement_desk_transaction_seconds", "lane"), "{{lane}}"),),
                ),
                Panel(
                    "What went wrong on the lanes?",
                    "Refused, repeated after a lost race, run again alone; the last is normally 0.",
                    "short",
                    (
                        Query(
                            _grown("engagement_desk_refused_total", "lane"),
                            "refused: {{lane}}",
                        ),
                        Query(
                            _grown("engagement_desk_repeats_total", "lane"),
                            "repeated: {{lane}}",
                        ),
                        Query(
                            _grown("engagement_desk_reruns_total", "lane"),
                            "alone: {{lane}}",
                        ),
                    ),
                ),
                Panel(
                    "Can the database be reached?",
                    "1 while a lane cannot.",
                    "short",
                    (Query("max by (instance, lane) (engagement_desk_broken)", "{{instance}} {{lane}}"),),
                ),
                Panel(
                    "How many connections are in use?",
                    "Of those there may be.",
                    "percentunit",
                    (
                        Query(
                            "engagement_database_connections / engagement_database_connections_most",
                            "{{instance}} {{pool}}",
                        ),
                    ),
                ),
                Panel(
                    "How much room is on the disk?",
                    "Where the database is a file.",
                    "percentunit",
                    (Query("engagement_disk_free_bytes / engagement_disk_size_bytes", "{{instance}}"),),
                ),
            ),
        ),
        Section(
            "Folding and watching",
            (
                Panel(
                    "Does folding go on?",
                    "Rounds that failed, and versions published.",
                    "short",
                    (
                        Query(f"sum(increase(engagement_fold_failures_total[{RATE}]))", "failed"),
                        Query(f"sum(increase(engagement_versions_published_total[{RATE}]))", "versions"),
                    ),
                ),
                Panel(
                    "How many outcomes are folded?",
                    "In, taken out again, and without a report.",
                    "short",
                    (
                        Query(
                            _grown("engagement_fold_rows_total", "direction"),
                            "{{direction}}",
                        ),
                    ),
                ),
                Panel(
                    "How old are the figures of programs?",
                    "And how long making them took.",
                    "s",
                    (
                        Query("max(engagement_programs_age_seconds)", "age"),
                        Query("max(engagement_programs_making_seconds)", "making"),
                    ),
                ),
            ),
        ),
    ),
    by_program=False,
)

LEARNING = Board(
    "engagement-learning",
    "Engagement: learning",
    "Does it learn, and are its draws what they say they are?",
    (
        Section(
            "Decisions and outcomes",
            (
                Panel(
                    "How many decisions were there in 30 days?",
                    "By strategy.",
                    "short",
                    (Query(_program("decisions", "program, strategy"), STRATEGY),),
                ),
                Panel(
                    "In which phase?",
                    "Of 30 days.",
                    "short",
                    (Query(_program("decisions", "phase"), "{{phase}}"),),
                ),
                Panel(
                    "What decided?",
                    "Of 30 days.",
                    "short",
                    (Query(_program("decided", "decided_by"), "{{decided_by}}"),),
                ),
                Panel(
                    "How often was the belief unusable?",
                    "Of what was the belief's to decide; 0 is normal.",
                    "percentunit",
                    (Query(f"engagement:fallback:ratio{{{PROGRAM}}}", STRATEGY),),
                ),
                Panel(
                    "What is known of outcomes?",
                    "Pending: the window is open. Due: nobody has looked yet. Missing: nothing was heard.",
                    "short",
                    (Query(_program("outcomes", "state"), "{{state}}"),),
                ),
                Panel(
                    "How many outcomes are missing?",
                    "Of those that closed in 30 days.",
                    "percentunit",
                    (Query(f"engagement:outcomes_missing:ratio{{{PROGRAM}}}", STRATEGY),),
                ),
            ),
        ),
        Section(
            "Beliefs",
            (
                Panel(
                    "Which version decides?",
                    "",
                    "short",
                    (Query(_each("version"), STRATEGY),),
                ),
                Panel(
                    "How old is it?",
                    "It ages while nothing new is known.",
                    "s",
                    (
                        Query(
                            _each("version_age_seconds"), STRATEGY
                        ),
                    ),
                ),
                Panel(
                    "How long has what closed been waiting?",
                    "0 when all of it was learned.",
                    "s",
                    (Query(_each("fold_lag_seconds"), STRATEGY),),
                ),
                Panel(
                    "How much is waiting?",
                    "Closed decisions nothing was learned from yet.",
                    "short",
                    (Query(_each("unfolded"), STRATEGY),),
                ),
                Panel(
                    "Is every belief usable?",
                    "1, or the fallback decides.",
                    "short",
                    (Query(_each("belief_usable"), STRATEGY),),
                ),
                Panel(
                    "How far did a belief move within a week?",
                    "In sds; above 3 somebody should look.",
                    "short",
                    (Query(_each("belief_shift_sds"), STRATEGY),),
                ),
                Panel(
                    "How much does it know where it knows least?",
                    "Smallest eigenvalue of a precision: it grows, or stays where results fade.",
                    "short",
                    (Query(_each("belief_precision"), STRATEGY),),
                ),
            ),
        ),
        Section(
            "Draws",
            (
                Panel(
                    "Was drawn what was to be expected?",
                    "Counts of 30 days by kind, and the sums of their probabilities.",
                    "short",
                    (
                        Query(_program("drawn", "kind"), "drawn: {{kind}}"),
                        Query(_program("drawn_expected", "kind"), "expected: {{kind}}"),
                    ),
                ),
                Panel(
                    "How far are they apart?",
                    "The largest gap of one action, in sds; above 4 somebody should look.",
                    "short",
                    (Query(_each("drawn_gap_sds"), STRATEGY),),
                ),
                Panel(
                    "Do all probabilities keep their bounds?",
                    "0, always.",
                    "short",
                    (
                        Query(
                            _program("propensity_breaches", "program, strategy, bound"),
                            "{{strategy}} {{bound}}",
                        ),
                    ),
                ),
                Panel(
                    "Do decisions come out the same when they are made again?",
                    "The day's sample; differing ones are 0, always.",
                    "short",
                    (
                        Query(_program("replayed"), "{{program}} made again"),
                        Query(_program("replay_mismatches"), "{{program}} differ"),
                    ),
                ),
            ),
        ),
    ),
)

PROGRAMS = Board(
    "engagement-programs",
    "Engagement: programs",
    "How do groups and members fare, is everybody served, and what is left?",
    (
        Section(
            "Groups and members",
            (
                Panel(
                    "How do groups stand?",
                    "Of all phases.",
                    "short",
                    (Query(_program("groups", "state"), "{{state}}"),),
                    "numbers",
                ),
                Panel(
                    "How do they stand in each phase?",
                    "",
                    "short",
                    (Query(_program("groups", "phase, state"), "{{phase}}: {{state}}"),),
                ),
                Panel(
                    "Of how many groups is nothing heard?",
                    "Of those that may still meet.",
                    "percentunit",
                    (Query(f"engagement:groups_silent:ratio{{{PROGRAM}}}", "{{program}}"),),
                ),
                Panel(
                    "How engaged are they?",
                    "From 0 to 100: means of groups and members, and what a quarter of the members is below.",
                    "short",
                    (
                        Query(
                            _each("engagement_index"),
                            "{{program}} {{phase}}: {{of}}",
                        ),
                    ),
                ),
                Panel(
                    "How many come?",
                    "Of the seats of which something was said, in 8 weeks.",
                    "percentunit",
                    (Query(f"engagement:attendance:ratio{{{PROGRAM}}}", "{{program}}"),),
                ),
                Panel(
                    "How many members are there?",
                    "By phase.",
                    "short",
                    (Query(_program("members", "phase"), "{{phase}}"),),
                ),
            ),
        ),
        Section(
            "Service",
            (
                Panel(
                    "Who waits for an answer to a referral?",
                    "Overdue is an emergency.",
                    "short",
                    (Query(_program("referrals", "kind, state"), "{{kind}}: {{state}}"),),
                ),
                Panel(
                    "Who had no visit although one was promised?",
                    "0 as long as the minimum service is kept.",
                    "short",
                    (
                        Query(
                            _each("unmet_minimum_service"),
                            STRATEGY,
                        ),
                    ),
                ),
                Panel(
                    "How much was done for each member in 30 days?",
                    "By kind of action.",
                    "short",
                    (Query(_each("dose_per_member"), "{{program}} {{kind}}"),),
                ),
                Panel(
                    "Is a program stopped?",
                    "1 while its switch is thrown.",
                    "short",
                    (Query(_program("stopped"), "{{program}}"),),
                    "numbers",
                ),
            ),
        ),
        Section(
            "What is left",
            (
                Panel(
                    "How much money is left?",
                    "Of each payer's in this period.",
                    "percentunit",
                    (
                        Query(
                            _each("budget_left_minor")
                            f" / engagement_program_budget_limit_minor{{{PROGRAM}}}",
                            "{{program}} {{payer}}",
                        ),
                    ),
                ),
                Panel(
                    "How much time is left?",
                    "Minutes of advisers and staff this month, of health workers this week.",
                    "short",
                    (Query(_each("minutes_left"), "{{program}} {{carrier}}"),),
                ),
            ),
        ),
    ),
)

BOARDS = (SERVICE, LEARNING, PROGRAMS)
