"""The dashboard of learning: does it learn, and are its draws what they say they are?"""

from support.monitoring.panels import PROGRAM, STRATEGY, Board, Panel, Query, Section, each, program

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
                    (Query(program("decisions", "program, strategy"), STRATEGY),),
                ),
                Panel(
                    "In which phase?",
                    "Of 30 days.",
                    "short",
                    (Query(program("decisions", "phase"), "{{phase}}"),),
                ),
                Panel(
                    "What decided?",
                    "Of 30 days.",
                    "short",
                    (Query(program("decided", "decided_by"), "{{decided_by}}"),),
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
                    (Query(program("outcomes", "state"), "{{state}}"),),
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
                    (Query(each("version"), STRATEGY),),
                ),
                Panel(
                    "How old is it?",
                    "It ages while nothing new is known.",
                    "s",
                    (Query(each("version_age_seconds"), STRATEGY),),
                ),
                Panel(
                    "How long has what closed been waiting?",
                    "0 when all of it was learned.",
                    "s",
                    (Query(each("fold_lag_seconds"), STRATEGY),),
                ),
                Panel(
                    "How much is waiting?",
                    "Closed decisions nothing was learned from yet.",
                    "short",
                    (Query(each("unfolded"), STRATEGY),),
                ),
                Panel(
                    "Is every belief usable?",
                    "1, or the fallback decides.",
                    "short",
                    (Query(each("belief_usable"), STRATEGY),),
                ),
                Panel(
                    "How far did a belief move within a week?",
                    "In sds; above 3 somebody should look.",
                    "short",
                    (Query(each("belief_shift_sds"), STRATEGY),),
                ),
                Panel(
                    "How much does it know where it knows least?",
                    "Smallest eigenvalue of a precision: it grows, or stays where results fade.",
                    "short",
                    (Query(each("belief_precision"), STRATEGY),),
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
                        Query(program("drawn", "kind"), "drawn: {{kind}}"),
                        Query(program("drawn_expected", "kind"), "expected: {{kind}}"),
                    ),
                ),
                Panel(
                    "How far are they apart?",
                    "The largest gap of one action, in sds; above 4 somebody should look.",
                    "short",
                    (Query(each("drawn_gap_sds"), STRATEGY),),
                ),
                Panel(
                    "Do all probabilities keep their bounds?",
                    "0, always.",
                    "short",
                    (
                        Query(
                            program("propensity_breaches", "program, strategy, bound"),
                            "{{strategy}} {{bound}}",
                        ),
                    ),
                ),
                Panel(
                    "Do decisions come out the same when they are made again?",
                    "The day's sample; differing ones are 0, always.",
                    "short",
                    (
                        Query(program("replayed"), "{{program}} made again"),
                        Query(program("replay_mismatches"), "{{program}} differ"),
                    ),
                ),
                Panel(
                    "How long ago was the ledger sealed?",
                    "Once a day; what is sealed cannot be changed unseen.",
                    "s",
                    (Query(program("seal_age_seconds"), "{{program}}"),),
                ),
            ),
        ),
    ),
)
