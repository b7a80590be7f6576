"""How often intervals hold the truth of a simulated world: the figures of docs/trials.md.

    PYTHONPATH=services:tests python benchmarks/interval_coverage.py --repeats 300

The worlds are those of tests/workflows/test_trial_coverage.py. Each figure stands with its Monte-Carlo
standard error.
"""

import argparse
from datetime import date

import numpy as np

from engagement.workflows.trial_analysis import analysed
from workflows import test_trial_coverage as world

ON = date(2028, 1, 1)


def main() -> None:
    """Prints a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    repeats = parser.parse_args().repeats
    for catchments in (20, 100):
        held, priced = [], []
        expected = world.truth("learned").months - world.truth("alone").months
        for seed in range(repeats):
            found = analysed(world.TRIAL, world.rows(np.random.default_rng(seed), catchments), ON)
            (more,) = found.comparisons
            held.append(more.difference.low <= expected <= more.difference.high)
            price = next(arm.cost_of_month for arm in found.arms if arm.arm == "learned")
            priced.append(price.low <= world.truth("learned").cost <= price.high)
        _say(f"{catchments} catchments, difference in months alive", held)
        _say(f"{catchments} catchments, cost of a month", priced)
    world.HAZARD["learned"] = world.HAZARD["alone"]
    for catchments in (20, 100):
        made = (world.rows(np.random.default_rng(seed), catchments) for seed in range(repeats))
        claims = [
            analysed(world.TRIAL, some, ON).comparisons[0].verdict in ("better", "worse") for some in made
        ]
        _say(f"{catchments} catchments, a difference found where there is none", claims)


def _say(what: str, yes: list[bool]) -> None:
    share = float(np.mean(yes))
    print(f"{what:60} {share:.3f} ± {np.sqrt(share * (1 - share) / len(yes)):.3f}", flush=True)


if __name__ == "__main__":
    main()
