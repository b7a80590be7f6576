"""A trial's answer so far: who lived, for how long, at what cost, and how sure that is.

All groups assigned are in the arm they were drawn into, whatever became of them. Time runs from the program's
last day at each group's site; who dissolved before has lived no month after it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
from sqlalchemy import Connection

from engagement.errors import Invalid, NotFound
from engagement.estimators.arms import compared, icc, lived
from engagement.estimators.cost import cost_of_gain, plane, spread
from engagement.estimators.sample import Estimate, Term, estimate, numbered
from engagement.estimators.survival import Lives, at_risk, band, cox, curve, log_rank
from engagement.randomness import generator
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.allotment import protocol_hash
from engagement.strategy.cadence import local_date
from engagement.strategy.lifetime import Lived
from engagement.strategy.trial import Trial
from engagement.workflows.trial_found import Analysis, ArmFound, ComparisonFound, CurvePoint, Range, sentences
from engagement.workflows.trial_lives import account_of, followed, lives_of
from engagement.workflows.trial_rows import GroupRow, rows_of

STEP_MONTHS = 3


def analyse(conn: Connection, kept: Kept, program_id: str, name: str, now_ms: int) -> Analysis:
    """The analysis as the protocol has it, of what happened until today.

    raises : NotFound for an unknown trial; Invalid when nobody was assigned
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    trial = catalogue.trials.get(name)
    if trial is None:
        raise NotFound(f"there is no trial `{name}` in this program")
    cut_on = local_date(now_ms, catalogue.program.time_zone)
    return analysed(trial, rows_of(conn, kept, program_id, catalogue, trial, cut_on), cut_on)


def analysed(trial: Trial, rows: Sequence[GroupRow], on: date) -> Analysis:
    """The analysis of a trial's groups."""
    if not rows:
        raise Invalid(f"nobody was assigned in trial `{trial.id}` by {on}")
    by_arm = {arm.id: [row for row in rows if row.assigned.arm == arm.id] for arm in trial.arms}
    arms = tuple(_arm(trial, name, some) for name, some in by_arm.items())
    comparisons = _comparisons(trial, by_arm)
    return Analysis(
        trial.id,
        trial.title,
        on,
        trial.unit,
        trial.protocol.primary,
        trial.protocol.horizon_months,
        protocol_hash(trial),
        dict(Counter(row.assigned.protocol for row in rows)),
        trial.amendments,
        tuple(sentences(trial, arms, comparisons)),
        arms,
        comparisons,
        _log_rank(trial, by_arm),
    )


def _arm(trial: Trial, name: str, rows: Sequence[GroupRow]) -> ArmFound:
    horizon = float(trial.protocol.horizon_months)
    ended, lives = followed(rows), lives_of(rows)
    found = lived(lives, horizon)
    shares = [(share, row.assigned.unit_id) for row in rows for share in row.attended]
    alike = icc(np.array([share for share, _ in shares]), numbered([unit for _, unit in shares]))
    size = len(shares) / max(len({unit for _, unit in shares}), 1)
    known, unreported = (sum(getattr(row, what) for row in rows) for what in ("known", "unreported"))
    return ArmFound(
        arm=name,
        groups=len(rows),
        units=len({row.assigned.unit_id for row in rows}),
        ended=len(ended),
        no_end=sum(row.ends_on is None for row in rows),
        before_end=sum(life.seen == Lived(0.0, died=True) for _, life in ended),
        dissolved=sum(life.seen.died for _, life in ended),
        silent=sum(life.silent for _, life in ended),
        members=sum(row.seated for row in rows),
        alive=_range(found.alive),
        alive_best=_value(lived(lives_of(rows, lambda life: life.best), horizon).alive),
        alive_worst=_value(lived(lives_of(rows, lambda life: life.worst), horizon).alive),
        months=_range(found.months),
        attendance=_attendance(rows),
        lower_quarter=_lower_quarter([share for share, _ in shares]),
        icc=None if np.isnan(alike) else alike,
        design_effect=None if np.isnan(alike) else 1 + (size - 1) * alike,
        unreported=unreported / (known + unreported) if known + unreported else None,
        cost_minor=sum(row.spent.cost_minor for row in rows) / max(len(rows), 1),
        minutes=sum(row.spent.minutes for row in rows) / max(len(rows), 1),
        cost_of_month=_cost_of_month(rows, horizon),
        harms=sum(row.harms for row in rows),
        curve=_curve(lives, horizon),
    )


def _range(found: Estimate | None, alpha: float = 0.05) -> Range | None:
    if found is None:
        return None
    interval = found.interval(alpha)
    return Range(found.value, interval.low, interval.high)


def _value(found: Estimate | None) -> float | None:
    return None if found is None else found.value


def _attendance(rows: Sequence[GroupRow]) -> Range | None:
    """Of all members alike, with the error by what was drawn."""
    shares = np.array([share for row in rows for share in row.attended])
    units = numbered([row.assigned.unit_id for row in rows for _ in row.attended])
    if not len(shares):
        return None
    if units.max() < 1:
        return Range(float(shares.mean()), None, None)
    return _range(estimate((Term(shares, np.ones(len(shares))),), units))


def _lower_quarter(shares: Sequence[float]) -> float | None:
    """The mean of the quarter of members who came least."""
    if not shares:
        return None
    least = sorted(shares)[: max(1, len(shares) // 4)]
    return sum(least) / len(least)


def _cost_of_month(rows: Sequence[GroupRow], horizon: float) -> Range | None:
    try:
        return _range(cost_of_gain(account_of(rows, horizon)))
    except Invalid:
        return None


def _curve(lives: Lives, horizon: float) -> tuple[CurvePoint, ...]:
    """At every step, and at every death."""
    if not len(lives.time):
        return ()
    found = curve(lives)
    steps = np.arange(0, min(horizon * 2, float(lives.time.max())) + STEP_MONTHS, STEP_MONTHS)
    times = np.unique(np.concatenate([[0.0], found.time, steps]))
    places = np.searchsorted(found.time, times, side="right") - 1
    alive = np.where(places >= 0, found.alive[places] if len(found.alive) else 1.0, 1.0)
    low, high = band(lives, times)
    columns = (times, alive, at_risk(lives, times), low, high)
    return tuple(
        CurvePoint(float(time), float(share), int(count), *_ends(bottom, top))
        for time, share, count, bottom, top in zip(*columns, strict=True)
    )


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    return (None, None) if np.isnan(low) else (float(low), float(high))


def _comparisons(trial: Trial, by_arm: dict[str, list[GroupRow]]) -> tuple[ComparisonFound, ...]:
    protocol = trial.protocol
    horizon = float(protocol.horizon_months)
    pairs = arms_compared(trial)
    arms = {name: lived(lives_of(rows), horizon) for name, rows in by_arm.items()}
    primary: Literal["alive", "months"] = "alive" if protocol.primary == "alive_after_end" else "months"
    alpha = protocol.alpha / len(pairs)
    out = []
    for row in compared(arms, pairs, primary, protocol.alpha, protocol.smallest_difference):
        cost, gain, ratio = _bought(trial, by_arm[row.first], by_arm[row.second], horizon)
        out.append(
            ComparisonFound(
                row.first,
                row.second,
                _range(row.difference, alpha),
                alpha,
                row.verdict,
                row.clusters_needed,
                _hazard_ratio(by_arm[row.first], by_arm[row.second]),
                cost,
                gain,
                ratio,
            )
        )
    return tuple(out)


def arms_compared(trial: Trial) -> Sequence[tuple[str, str]]:
    """Arms that are compared: those the protocol names, or else each with the first.

    Where arms cross over they are not conditions: the last to cross, or never to, is compared with.
    """
    names = [arm.id for arm in trial.arms]
    if {name for pair in trial.comparisons for name in pair} <= set(names):
        return trial.comparisons
    return [(names[-1], name) for name in names[:-1]]


def _bought(
    trial: Trial, first: Sequence[GroupRow], second: Sequence[GroupRow], horizon: float
) -> tuple[Range | None, Range | None, float | None]:
    rng = generator(0, "trial", trial.id)
    try:
        one, other = account_of(first, horizon), account_of(second, horizon)
        found = plane(one, other, rng)
    except Invalid:
        return None, None, None
    cost, gain = spread(found.cost), spread(found.gain)
    return (
        Range(float(other.cost.mean() - one.cost.mean()), cost.low, cost.high),
        Range(float(other.gain.mean() - one.gain.mean()), gain.low, gain.high),
        found.ratio,
    )


def _hazard_ratio(first: Sequence[GroupRow], second: Sequence[GroupRow]) -> Range | None:
    lives = lives_of([*first, *second])
    arm = np.repeat([0.0, 1.0], [len(followed(first)), len(followed(second))])[:, None]
    try:
        value, interval, _ = cox(lives, arm).ratio(0)
    except Invalid:
        return None
    return Range(value, interval.low, interval.high)


def _log_rank(trial: Trial, by_arm: dict[str, list[GroupRow]]) -> float | None:
    rows = [row for some in by_arm.values() for row in some]
    lives = lives_of(rows)
    places = {name: number for number, name in enumerate(by_arm)}
    arm = np.array([places[row.assigned.arm] for row, _ in followed(rows)], np.int64)
    if trial.unit != "group" or not lives.died.any() or len(np.unique(arm)) < len(by_arm):
        return None
    return log_rank(lives, arm).chance
