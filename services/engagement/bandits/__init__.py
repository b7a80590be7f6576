"""A bandit is a posterior and an allocation, and any posterior works with any allocation.

    nodes, batch ── fold ──▶ nodes                                what is learned
    nodes, points ── scores ──▶ mean, sd       (N, K)             posterior    what is believed
    scores, available ── probabilities ──▶ ρ   (N, K)             allocation   what one would do
    ρ, available, floor ── bounded ──▶ π       (N, K)             propensity   what is fair to learn from
    π ── in_units ──▶ n                        (N, K) of 2⁻³²     what is stored
    n, u ── pick ──▶ a                         (N,)               what is done

Compute, bound, store, draw. The K actions' mean rewards at a decision point are believed to be
independent, with the mean and sd that the posterior gives. The allocation turns them into a
probability ρ_k for each available action; ρ is a *definition*, so no approximation inside it can
make a propensity wrong. With L the floor and K′ the number of available actions,

    π_k = L + (1 − K′L)·ρ_k,        n_k ≈ 2³²·π_k with Σ n_k = 2³²,        a = min{k : Σ_{j≤k} n_j > u}

with u the first 32 of the decision point's 53 keyed bits. The action is drawn from the very integers
that are stored: the logged propensity is exact, and the draw can be replayed on any machine.

A belief never sees a probability, and an allocation never sees a reward; `stats.best_of` is what
most allocations need. How a new one joins is said at the head of tests/conformance.
"""
