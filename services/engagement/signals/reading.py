"""What a tally says at a moment: pure functions of (tally, time). Decay happens here and nowhere else.

Only the 26 weeks that end with the given one are read; what is older counts as not known. Reports from
after the moment are left out, so that an earlier moment can be read from a later tally: it then sees
what the tally still holds, at least 18 weeks when it is read eight weeks back.
"""

from collections.abc import Iterable, Iterator
from math import isnan, nan
from typing import NamedTuple

from engagement.signals.catalogue import CATALOGUE
from engagement.signals.goals import GOAL_MET, GOAL_NOT_FOLLOWED_UP, GOAL_PARTLY_MET
from engagement.signals.signal import Signal
from engagement.signals.tally import WEEK_MS, WEEKS, Tally, Week, kind_of, week_of

ASKED_ABOUT = (GOAL_MET, GOAL_PARTLY_MET)
FOLLOWED_UP_WEEKS = min(signal.weeks for signal in (*ASKED_ABOUT, GOAL_NOT_FOLLOWED_UP))
"""What one of the kinds that are compared has forgotten, none of them may remember."""
CONTACTS = tuple(signal for signal in CATALOGUE if signal.is_contact)


def decay(age_weeks: float, half_life_days: float) -> float:
    """What a report still weighs: 2^(−age / half-life), 1 when it is new."""
    return float(2.0 ** (-7.0 * age_weeks / half_life_days))


_WEIGHTS = {
    signal.code: tuple(decay(age, signal.half_life_days) for age in range(WEEKS)) for signal in CATALOGUE
}


def weeks_read(tally: Tally, signal: Signal, week: int) -> Iterator[tuple[int, Week]]:
    """(age in weeks before `week`, its sums) of each week with a report, the newest first."""
    kind = kind_of(tally, signal.code)
    if kind is None:
        return
    behind = week - kind.newest
    for sums in kind.weeks:
        if 0 <= behind + sums.age < WEEKS:
            yield behind + sums.age, sums


def share(tally: Tally, signal: Signal, week: int) -> float:
    """Σ w·total / Σ w·count over the weeks read, with w = 2^(−age / half-life); NaN when not known.

    signal : of the unit `yes_no`, so that the share of yes is in [0, 1]
    """
    weight = _WEIGHTS[signal.code]
    count = total = 0.0
    for age, sums in weeks_read(tally, signal, week):
        count += weight[age] * sums.count
        total += weight[age] * sums.total
    return total / count if count else nan


class Counted(NamedTuple):
    """What reports of yes and no weigh together. Build it with `weighed`, and add it up with `together`.

    yes, of : Σ w·total and Σ w·count, w as in `share`      came, reports : the same without weights
    """

    yes: float = 0.0
    of: float = 0.0
    came: int = 0
    reports: int = 0


def together(parts: Iterable[Counted]) -> Counted:
    """The sum of several."""
    yes = of = 0.0
    came = reports = 0
    for part in parts:
        yes += part.yes
        of += part.of
        came += part.came
        reports += part.reports
    return Counted(yes, of, came, reports)


def weighed(tally: Tally, signal: Signal, now_ms: int) -> Counted:
    """What the reports of a kind weigh now; nothing where the latest is not of the 26 weeks read.

    signal : of the unit `yes_no`. Where weeks are not kept apart, all reports are as old as the latest
    """
    week = week_of(now_ms)
    if signal.weeks:
        return _by_week(tally, signal, week)
    kind = kind_of(tally, signal.code)
    if kind is None or not 0 <= week - kind.newest < WEEKS:
        return Counted()
    weight = _WEIGHTS[signal.code][week - kind.newest]
    count, total = kind.older_count, kind.older_total
    return Counted(weight * total, weight * count, total, count)


def _by_week(tally: Tally, signal: Signal, week: int) -> Counted:
    weight = _WEIGHTS[signal.code]
    yes = of = 0.0
    came = reports = 0
    for age, sums in weeks_read(tally, signal, week):
        yes += weight[age] * sums.total
        of += weight[age] * sums.count
        came += sums.total
        reports += sums.count
    return Counted(yes, of, came, reports)


def followed_up(tally: Tally, week: int) -> float:
    """Goals asked about, among those asked about and those known not to have been; NaN when none is known.

    Over the last eight weeks, with the weights of `share`. A goal met, missed or met in part was asked about.
    Not known either for an earlier week than that of the latest report: eight weeks is all that is kept.
    """
    kinds = (kind_of(tally, signal.code) for signal in (GOAL_PARTLY_MET, GOAL_NOT_FOLLOWED_UP))
    if any(kind is not None and kind.newest > week for kind in kinds):
        return nan
    asked = sum(_reported(tally, signal, week) for signal in ASKED_ABOUT)
    known = asked + _reported(tally, GOAL_NOT_FOLLOWED_UP, week)
    return asked / known if known else nan


def _reported(tally: Tally, signal: Signal, week: int) -> float:
    """Σ w·count over the weeks of follow-up: how much was reported; 0 for nothing."""
    weights, weeks = _WEIGHTS[signal.code], weeks_read(tally, signal, week)
    return sum(weights[age] * sums.count for age, sums in weeks if age < FOLLOWED_UP_WEEKS)


def counted(tally: Tally, signal: Signal, week: int) -> float:
    """How often it happened in the weeks that the kind keeps apart, the present one among them.

    NaN when it was not reported in them
    """
    ages = [sums.total for age, sums in weeks_read(tally, signal, week) if age < signal.weeks]
    return float(sum(ages)) if ages else nan


def latest(tally: Tally, signal: Signal, now_ms: int) -> float:
    """The latest value, if it is of the 26 weeks read; NaN when it is not known."""
    kind = kind_of(tally, signal.code)
    if kind is None or week_of(now_ms) - kind.newest >= WEEKS:
        return nan
    return float(kind.latest[0].value)


def freshness(tally: Tally, signals: Iterable[Signal], now_ms: int) -> float:
    """2^(−age / half-life) of when one of these last happened, the greatest; NaN when none ever did.

    returns : in (0, 1]; what is dated ahead of `now_ms` is new
    """
    fresh = nan
    for signal in signals:
        kind = kind_of(tally, signal.code)
        if kind is not None and kind.last_ms is not None:
            value = decay(max(now_ms - kind.last_ms, 0) / WEEK_MS, signal.half_life_days)
            fresh = value if isnan(fresh) else max(fresh, value)
    return fresh


def weeks_since_contact(tally: Tally, now_ms: int) -> float:
    """Weeks since somebody met or heard from the member, at least 0; NaN when nobody ever has."""
    last = _last_contact_ms(tally)
    return nan if last is None else max(now_ms - last, 0) / WEEK_MS


def _last_contact_ms(tally: Tally) -> int | None:
    """The newest time at which a signal of contact was reported with a value above 0."""
    kinds = (kind_of(tally, signal.code) for signal in CONTACTS)
    return max(
        (kind.last_ms for kind in kinds if kind is not None and kind.last_ms is not None), default=None
    )


def newest_with_some(weeks: Iterable[tuple[int, Week]]) -> int | None:
    """Age of the newest week in which it happened at all; None when it did in none of them."""
    return next((age for age, sums in weeks if sums.total > 0), None)
