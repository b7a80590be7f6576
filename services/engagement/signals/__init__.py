"""What is observed: the catalogue of signals, the tally of a unit, and what is read from it.

    signal → one file a family → catalogue      which signals there are
    corrections                                 which recorded signals count
    tally                                       what is kept of them: one row a unit
    reading → picture, features; index          what they say at a moment
    history                                     what they say month by month
    chains → cases; advising                    what they say of one goal, one safety case, one adviser
    rhythm → expected, virtual → states         how a group stands: its meetings, one by one

Times are integers, milliseconds since 1970 UTC, in names that end in `_ms`; weeks start on Mondays,
UTC. Everything here is pure, and decay happens at reading: a tally never ages.
"""
