"""The dashboard of programs: how groups and members fare, who is served, what is left."""

from support.monitoring.panels import PROGRAM, STRATEGY, Board, Panel, Query, Section, each, program

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
                    (Query(program("groups", "state"), "{{state}}"),),
                    "numbers",
                ),
                Panel(
                    "How do they stand in each phase?",
                    "",
                    "short",
                    (Query(program("groups", "phase, state"), "{{phase}}: {{state}}"),),
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
                            each("engagement_index"),
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
                    (Query(program("members", "phase"), "{{phase}}"),),
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
                    (Query(program("referrals", "kind, state"), "{{kind}}: {{state}}"),),
                ),
                Panel(
                    "Who had no visit although one was promised?",
                    "0 as long as the minimum service is kept.",
                    "short",
                    (
                        Query(
                            each("unmet_minimum_service"),
                            STRATEGY,
                        ),
                    ),
                ),
                Panel(
                    "How much was each member given lately?",
                    "The dose by kind of action: each counts 1, and 0.8 of that a month later.",
                    "short",
                    (Query(each("dose_per_member"), "{{program}} {{kind}}"),),
                ),
                Panel(
                    "Is a program stopped?",
                    "1 while its switch is thrown.",
                    "short",
                    (Query(program("stopped"), "{{program}}"),),
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
                            f"{each('budget_left_minor')} / {each('budget_limit_minor')}",
                            "{{program}} {{payer}}",
                        ),
                    ),
                ),
                Panel(
                    "How much time is left?",
                    "Minutes of advisers and staff this month, of health workers this week.",
                    "short",
                    (Query(each("minutes_left"), "{{program}} {{carrier}}"),),
                ),
            ),
        ),
    ),
)
