"""Limited visits: whom a few health workers go to, as a restless bandit with known propensities.

    counts ── chains ──▶ transitions        (M, C, 2, S, S)    what is believed of each cluster's chain
    transitions ── whittle ──▶ index        (M, C, S)          what a visit is worth in each state
    index ── inclusion ──▶ π, Σπ = B        (N,)               how often each unit would be visited
    π ── pivotal ──▶ chosen, turn           (N,)               exactly B, and who is next
    chosen ── assignment ──▶ worker         (N,)               who goes, and why somebody cannot
    all of it ── plan                                          one pure function, and its evidence

Letters beside those of `records`: N units of a pool, C clusters of alike units, S states from the worst
(0) to the best, actions 0 (no visit) and 1 (visit), M draws from the belief, B visits of the period.
"""
