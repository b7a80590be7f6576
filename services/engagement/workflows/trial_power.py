"""What a declared trial would find: it is drawn, lived and analysed in a simulated world, again and again.

Units are drawn into arms by the service's own blocks and strata; each arm's groups live under the strategies
of its condition, which learn from them alone and cross over when the arm does; months of which nothing is
heard are missing from the reports; and at the end `trial_analysis.analysed` says what was found. Once where
actions do what the world says, and once where none does anything: what is found there is false.

*The smallest difference found in four of five trials* is (z_{1−α/2} + z_{.8})·s, s the standard deviation of
the differences that the repeats found. With so many units of which a difference δ is wanted, s shrinks with
their root, so about n·(that/δ)² would do. Everything is simulated: people may be otherwise.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np
from scipy.special import ndtr, ndtri

from engagement.errors import Invalid, NotFound
from engagement.estimators.arms import POWER
from engagement.randomness import generator
from engagement.records import Bools, Integers
from engagement.signals.expected import Report
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.simulation.asking import Names, named
from engagement.simulation.calendar import FIRST, last_day, meeting
from engagement.simulation.contender import Contender, Planned
from engagement.simulation.living import Lived, Part, lived_in_parts
from engagement.simulation.registry import World, begin
from engagement.simulation.setting import Setting, Size
from engagement.simulation.stress import NoEffect, Unreported
from engagement.simulation.virtual_community import VirtualCommunity
from engagement.store.assignments import Assignment
from engagement.strategy.allotment import arm_at, stratum_of
from engagement.strategy.setup import Group, Site
from engagement.strategy.standing import Heard, Revision
from engagement.strategy.trial import Trial, TrialCondition
from engagement.workflows.program import Template
from engagement.workflows.simulated_program import months_between, setting_of, simulable
from engagement.workflows.trial import MIXED
from engagement.workflows.trial_analysis import analysed, arms_compared
from engagement.workflows.trial_found import PLURAL, ComparisonFound
from engagement.workflows.trial_rows import GroupRow, Spent, row_of

REPEATS, QUICK = 200, 40
SILENCE = 0.1
"""Share of months of which nothing is heard; a guess."""
PER_UNIT = 4
"""Groups of a catchment or a health worker; a guess."""
SHARED = 0.5
"""Part of the variance between groups that a catchment or a health worker has in common; a guess."""
BEYOND = 4
"""Months after the horizon: dissolution shows when three meetings have failed."""
FEWEST_UNITS = 4

Spread = Callable[[Callable[[int], "Repeat"], Sequence[int]], Iterable["Repeat"]]


class PowerQuestion(NamedTuple):
    """A declared trial. groups : None for as many as the file names      per_unit : groups of what is drawn

    silence : share of months of which nothing is heard
    """

    plan: Template
    trial: str
    world: World
    groups: int | None = None
    per_unit: int = PER_UNIT
    silence: float = SILENCE


class Design(NamedTuple):
    """What all repeats have in common.

    parts : a contender, and the condition whose groups it decides about
    under : arm → condition by month      notes : what could not be simulated as it is declared
    """

    trial: Trial
    setting: Setting
    world: World
    units: int
    per_unit: int
    parts: tuple[tuple[str, Contender], ...]
    under: dict[str, tuple[str, ...]]
    site: Site
    notes: tuple[str, ...]

    @property
    def groups(self) -> int:
        """All of them."""
        return self.units * self.per_unit


class Repeat(NamedTuple):
    """One trial, and the same where no action does anything: J comparisons each."""

    found: tuple[ComparisonFound, ...]
    null: tuple[ComparisonFound, ...]


class Share(msgspec.Struct, frozen=True):
    """A share of the repeats with its Monte-Carlo standard error."""

    value: float
    error: float


class PowerOf(msgspec.Struct, frozen=True):
    """One comparison, of the second arm less the first.

    power : found `better` or `worse`      false : the same where no action does anything
    difference : mean over the repeats      smallest : found in four trials of five
    power_of_smallest : to find the difference that the protocol says would matter; null where it says none
    units_needed : an arm, for the mean difference to be found in four of five; null for none that is enough
    unknown : repeats in which an arm was not followed to the horizon
    """

    first: str
    second: str
    power: Share
    false: Share
    difference: float
    smallest: float
    power_of_smallest: float | None
    units_needed: int | None
    unknown: int


class Powered(msgspec.Struct, frozen=True):
    """What the declared trial would find, `repeats` times over."""

    trial: str
    title: str
    unit: str
    primary: str
    world: str
    units: int
    groups: int
    months: int
    silence: float
    repeats: int
    comparisons: tuple[PowerOf, ...]
    notes: tuple[str, ...]


def powered(question: PowerQuestion, repeats: int = REPEATS, spread: Spread = map) -> Powered:
    """The answer. raises : NotFound, Invalid for a trial that cannot be simulated, with why"""
    made = design(question)
    rows = list(spread(partial(repeat, made), range(1, repeats + 1)))
    pairs = arms_compared(made.trial)
    return Powered(
        made.trial.id,
        made.trial.title,
        made.trial.unit,
        made.trial.protocol.primary,
        question.world.name,
        made.units,
        made.groups,
        made.setting.size.months,
        question.silence,
        len(rows),
        tuple(_power(made, pair, place, rows) for place, pair in enumerate(pairs)),
        made.notes,
    )


# --- what is declared ---------------------------------------------------------------------------------


def design(question: PowerQuestion) -> Design:
    """What the file declares, as the world can live it."""
    plan = question.plan
    trial = next((one for one in plan.trials if one.id == question.trial), None)
    if trial is None:
        named_ = ", ".join(one.id for one in plan.trials) or "none"
        raise NotFound(f"the file declares no trial `{question.trial}`; it declares: {named_}")
    if isinstance(question.world.people, VirtualCommunity):
        raise Invalid("a trial of virtual communities is not simulated: one community is one unit, and large")
    per_unit = 1 if trial.unit == "group" else question.per_unit
    units = _groups(question, trial) // per_unit
    if units < max(FEWEST_UNITS, len(trial.arms)):
        raise Invalid(
            f"{units} {PLURAL[trial.unit]} are too few for {len(trial.arms)} arms; say how many groups there "
            "will be with --groups"
        )
    end = _end(plan, trial)
    running = months_between(trial.starts_on, end)
    if running < 1:
        raise Invalid("the program ends within a month of the trial's start, so no condition would be lived")
    size = Size(
        groups=units * per_unit,
        months_running=min(running, 120),
        months_after=min(trial.protocol.horizon_months + BEYOND, 120),
    )
    parts, notes = _parts(plan, trial)
    site = Site(id="site", title="Simulated", ends_on=last_day(size.months_running))
    world = msgspec.structs.replace(
        question.world, stress=(*question.world.stress, Unreported(share=question.silence))
    )
    under = {arm.id: _under(trial, arm.id, size.months) for arm in trial.arms}
    setting = setting_of(plan, size, (site,))
    return Design(trial, setting, world, units, per_unit, parts, under, site, notes)


def _groups(question: PowerQuestion, trial: Trial) -> int:
    count = question.groups or sum(trial.takes(group.site) for group in question.plan.groups)
    if not count:
        raise Invalid("the file names no groups that take part; say how many there will be with --groups")
    return count


def _end(plan: Template, trial: Trial) -> date:
    ends = [site.ends_on for site in plan.sites if trial.takes(site.id) and site.ends_on is not None]
    if not ends:
        raise Invalid(
            "no site that takes part has a last day, and the outcome is counted from it: give `ends_on`"
        )
    return max(ends)


def _under(trial: Trial, arm: str, months: int) -> tuple[str, ...]:
    """The condition of an arm in each month, counted from the trial's start."""
    courses = [
        (months_between(trial.starts_on, course.starts_on), course.condition)
        for course in trial.arm(arm).courses
    ]
    return tuple([name for start, name in courses if start <= month][-1] for month in range(months))


def _parts(plan: Template, trial: Trial) -> tuple[tuple[tuple[str, Contender], ...], tuple[str, ...]]:
    parts, notes = [], []
    for condition in trial.conditions:
        contender, more = _contender(plan, condition)
        notes += more
        if contender is not None:
            parts.append((condition.id, contender))
    return tuple(parts), tuple(dict.fromkeys(notes))


def _contender(plan: Template, condition: TrialCondition) -> tuple[Contender | None, list[str]]:
    known = {one.id: one for one in plan.strategies}
    missing = next((name for name in condition.strategies if name not in known), None)
    if missing is not None:
        raise Invalid(
            f"condition `{condition.id}` names the strategy `{missing}`, which the file does not have"
        )
    named_ = [known[name] for name in condition.strategies]
    plans, others = [one for one in named_ if one.plan], [one for one in named_ if not one.plan]
    if len(others) > 1:
        raise Invalid(
            f"condition `{condition.id}` decides for several levels at once, and the simulated world gives "
            "each member one thing a month: simulate it with one strategy and, if wanted, a plan"
        )
    if not named_:
        return None, []
    notes = [f"Visits of `{one.id}` are planned monthly, for groups, in this simulation." for one in plans]
    asked = simulable(plan, others[0]) if others else None
    contender = Contender(
        name=condition.id,
        title=condition.title,
        strategy=None if asked is None else asked.strategy,
        visits=Planned() if plans else None,
    )
    if asked is not None:
        notes += asked.notes
        notes += [f"Health workers' visits are left out of `{others[0].id}`."] if asked.without_visits else []
    return contender, notes


# --- one trial ----------------------------------------------------------------------------------------


def repeat(made: Design, seed: int) -> Repeat:
    """The trial once, and once where no action does anything; both drawn alike."""
    null = msgspec.structs.replace(made.world, stress=(*made.world.stress, NoEffect()))
    return Repeat(found(made, made.world, seed), found(made, null, seed))


def found(made: Design, world: World, seed: int) -> tuple[ComparisonFound, ...]:
    """What the analysis says of one trial."""
    secret = generator(seed, "draw secret").bytes(32)
    setting = made.setting._replace(secret=secret)
    cluster = np.repeat(np.arange(made.units), made.per_unit)
    state = begin(world, made.groups, setting.size.seats, len(setting.effects), seed)
    drawn = _drawn(made, secret, state.urban, cluster)
    parts = [Part(contender, _mine(made, drawn, name)) for name, contender in made.parts]
    if not parts:
        parts = [Part(Contender(name="nothing", title="Nothing"), _mine(made, drawn, ""))]
    months = lived_in_parts(setting, world, parts, seed, partial(_alike, made, cluster, seed))
    rows = _rows(made, setting, drawn, state.urban, months)
    return analysed(made.trial, rows, last_day(setting.size.months)).comparisons


def _drawn(made: Design, secret: bytes, urban: Bools, cluster: Integers) -> list[Assignment]:
    """The assignment of each group, unit by unit, as the service makes it."""
    trial, taken, out = made.trial, dict[str, int](), []
    for unit in range(made.units):
        stratum = stratum_of(trial, [_fact(urban[cluster == unit], fact) for fact in trial.strata])
        place = taken.get(stratum, 0)
        taken[stratum] = place + 1
        arm = arm_at(secret, made.setting.program_id, trial, stratum, place)
        out += [
            Assignment(trial.id, f"{unit}/{number}", f"u{unit}", stratum, place, arm, "", 0)
            for number in range(made.per_unit)
        ]
    return out


def _fact(urban: Bools, fact: str) -> str:
    """Of the facts only the setting differs in a simulated world."""
    if fact != "setting":
        return "same"
    return MIXED if urban.any() and not urban.all() else "urban" if urban.all() else "rural"


def _mine(made: Design, drawn: Sequence[Assignment], condition: str) -> Bools:
    """(T, G): where and when a condition holds."""
    return np.array([[name == condition for name in made.under[row.arm]] for row in drawn]).T


def _alike(made: Design, cluster: Integers, seed: int, state: Any) -> Any:
    """The groups, with a part of what sets them apart shared within each unit; as far apart as before."""
    if made.per_unit == 1:
        return state
    common = generator(seed, "units").normal(0.0, float(made.world.people.sd_group), made.units)[cluster]  # type: ignore[union-attr]  # no virtual community comes here
    own = state.group_leaning
    return state._replace(group_leaning=np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own)


def _rows(
    made: Design, setting: Setting, drawn: Sequence[Assignment], urban: Bools, months: Sequence[Lived]
) -> list[GroupRow]:
    """A row a group, from the reports of its meetings, as the ledger's are made."""
    began, cut_on = FIRST.date(), last_day(setting.size.months)
    names = named(made.groups, setting.size.seats)
    cost, minutes = (
        np.sum([getattr(month, what) for month in months], axis=0)
        for what in ("cost_minor", "health_worker_minutes")
    )
    rows = []
    for place, row in enumerate(drawn):
        group = Group(id=row.group_id, site=made.site.id, setting="urban" if urban[place] else "rural")
        heard = Heard((Revision(group, began),), _reports(months, place, names))
        seats = names.members[place * names.seats : (place + 1) * names.seats]
        lived = row_of(row, group, began, setting.catalogue, heard, seats, cut_on)
        rows.append(lived._replace(spent=Spent(int(cost[place]), int(minutes[place]))))
    return rows


def _reports(months: Sequence[Lived], group: int, names: Names) -> list[Report]:
    """What is heard of a group's meetings; of one that is gone, that it does not meet."""
    out = []
    for number, month in enumerate(months):
        if not month.reported[group]:
            continue
        at = meeting(number, group)
        day, at_ms, held = at.date(), int(at.timestamp() * 1000), int(month.happened.held[group])
        out.append(Report(day, at_ms, MEETING_HELD.code, held, ""))
        out += [
            Report(
                day,
                at_ms,
                ATTENDANCE.code,
                int(month.happened.attended[group, seat]),
                names.members[group * names.seats + seat],
            )
            for seat in np.flatnonzero(month.there[group])
            if held
        ]
    return out


# --- what they say together ---------------------------------------------------------------------------


def _power(made: Design, pair: tuple[str, str], place: int, rows: Sequence[Repeat]) -> PowerOf:
    some = [row.found[place] for row in rows]
    values = np.array([one.difference.value for one in some if one.difference is not None])
    alpha = some[0].alpha
    sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    mean = float(values.mean()) if len(values) else float("nan")
    reach = float(ndtri(1 - alpha / 2))
    smallest = (reach + float(ndtri(POWER))) * sd
    wanted = made.trial.protocol.smallest_difference
    an_arm = made.units / len(made.trial.arms)
    needed = an_arm * (smallest / mean) ** 2 if mean and np.isfinite(mean) else np.inf
    return PowerOf(
        *pair,
        share(np.array([one.verdict in ("better", "worse") for one in some])),
        share(np.array([row.null[place].verdict in ("better", "worse") for row in rows])),
        mean,
        smallest,
        float(ndtr(wanted / sd - reach)) if wanted is not None and sd > 0 else None,
        int(np.ceil(needed)) if needed < 1e5 else None,
        len(some) - len(values),
    )


def share(yes: Bools) -> Share:
    """A share with its standard error; where all or none said yes, that of a share one half repeat away."""
    value, count = float(yes.mean()), len(yes)
    inside = min(max(value, 0.5 / count), 1 - 0.5 / count)
    return Share(value, float(np.sqrt(inside * (1 - inside) / count)))


def in_words(answer: Powered) -> list[str]:
    """The answer first, a few lines a comparison; then what is assumed."""
    noun = PLURAL[answer.unit]  # type: ignore[index]  # one of its keys
    lines = []
    for row in answer.comparisons:
        lines += _comparison(answer, row, noun)
    drawn = f"{answer.units} {noun}" + (f" of {answer.groups} groups" if answer.unit != "group" else "")
    assumed = (
        f"Simulated {answer.repeats} times each: {drawn}, {answer.months} months, people as in "
        f"`{answer.world}`, nothing heard of {answer.silence:.0%} of months. ± is one Monte-Carlo error."
    )
    return [*lines, assumed, *answer.notes]


def _comparison(answer: Powered, row: PowerOf, noun: str) -> list[str]:
    how_often = (
        f"{row.second} against {row.first}: found in {_share(row.power)} of such trials; where no action "
        f"does anything, in {_share(row.false)}, and that would be false."
    )
    how_large = (
        f"  It would differ by {_size(answer, row.difference)}; the smallest difference found in four of "
        f"five is {_size(answer, row.smallest)}."
    )
    lines = [how_often, how_large, f"  {_needed(row, noun)}"]
    if row.power_of_smallest is not None:
        lines.append(f"  What the protocol says would matter is found in about {row.power_of_smallest:.0%}.")
    if row.unknown:
        lines.append(f"  In {row.unknown} of them an arm was not followed to the horizon.")
    return lines


def _share(one: Share) -> str:
    return f"{one.value:.0%} ± {max(100 * one.error, 0.1):.1f}"


def _size(answer: Powered, value: float) -> str:
    if not np.isfinite(value):
        return "unknown"
    return (
        f"{100 * value:+.1f} groups of 100" if answer.primary == "alive_after_end" else f"{value:+.1f} months"
    )


def _needed(row: PowerOf, noun: str) -> str:
    if row.units_needed is None:
        return "No number of them is enough for a difference like that."
    return f"About {row.units_needed:,} {noun} in each arm would find it in four of five."
