"""The dashboard of the service: is it up, fast and correct?"""

from support.monitoring.panels import RATE, Board, Panel, Query, Section, grown, quantile, rate

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
                    (Query(rate("engagement_http_requests_total", "route"), "{{route}}"),),
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
                            quantile(
                                0.5,
                                "engagement_http_request_seconds",
                                "route",
                                '{route="/v1/recommendations"}',
                            ),
                            "half",
                        ),
                        Query(
                            quantile(
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
                    (Query(rate("engagement_recommendations_total", "decided_by"), "{{decided_by}}"),),
                ),
                Panel(
                    "In which phase?",
                    "Of the groups that were decided for.",
                    "reqps",
                    (Query(rate("engagement_recommendations_total", "phase"), "{{phase}}"),),
                ),
                Panel(
                    "Why was nothing recommended, or no belief asked?",
                    "Withheld answers and fallbacks by reason.",
                    "reqps",
                    (
                        Query(rate("engagement_withheld_total", "reason"), "withheld: {{reason}}"),
                        Query(rate("engagement_fallbacks_total", "reason"), "fallback: {{reason}}"),
                    ),
                ),
                Panel(
                    "Why were actions not available?",
                    "By reason; a reason that grows takes choice from the belief.",
                    "reqps",
                    (Query(rate("engagement_refused_actions_total", "reason"), "{{reason}}"),),
                ),
                Panel(
                    "What comes twice?",
                    "Harmless; much of it means that an app does not hear our answers.",
                    "reqps",
                    (
                        Query(rate("engagement_signals_total", "", '{status="repeated"}'), "signals"),
                        Query(rate("engagement_recommendations_repeated_total"), "recommendations"),
                    ),
                ),
                Panel(
                    "What do apps report?",
                    "Refused signals are lost until the app sends something else.",
                    "reqps",
                    (Query(rate("engagement_signals_total", "status"), "{{status}}"),),
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
                    (Query(quantile(0.5, "engagement_desk_batch_units", "lane"), "{{lane}}"),),
                ),
                Panel(
                    "How long does a transaction take?",
                    "99 of 100, commit included.",
                    "s",
                    (Query(quantile(0.99, "engagement_desk_transaction_seconds", "lane"), "{{lane}}"),),
                ),
                Panel(
                    "What went wrong on the lanes?",
                    "Refused, repeated after a lost race, run again alone; the last is normally 0.",
                    "short",
                    (
                        Query(
                            grown("engagement_desk_refused_total", "lane"),
                            "refused: {{lane}}",
                        ),
                        Query(
                            grown("engagement_desk_repeats_total", "lane"),
                            "repeated: {{lane}}",
                        ),
                        Query(
                            grown("engagement_desk_reruns_total", "lane"),
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
                            grown("engagement_fold_rows_total", "direction"),
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
