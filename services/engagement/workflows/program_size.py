"""Is a program large enough? It is simulated as its file describes it, with learning and without.

Three ways of choosing live through the same simulated programs: the program's own learning strategy; the same
reminder for everybody, every month; and an even chance for each of the strategy's actions, which is all that
variety without learning gives. What is compared is attendance, and who still meets at the end of it all.

*How many groups it would take.* In a trial half of n groups get one strategy and half the other, and a mean
over groups has the standard error s·√(4/n), s the standard deviation between groups. A difference δ is found
at the 5 % level in four of five trials when δ ≥ (1.96 + .84)·s·√(4/n), so n = 4·(2.8·s/δ)². δ and s are those
of the simulated program; δ is held fixed while n is scaled, though a larger program learns a little more.

Health workers' visits are left out of what is learned: there are few of them, and they are planned.
Everything here is simulated. It says what would happen if people were like the profile, not that they are.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.special import stdtrit

from engagement.actions.chw_linkage import ChwLinkage
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.pooled import Pooled
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.errors import Invalid
from engagement.randomness import generator
from engagement.records import Floats
from engagement.simulation.contender import Contender
from engagement.simulation.examples import always
from engagement.simulation.living import Lived, lived
from engagement.simulation.program_effects import effects_of
from engagement.simulation.registry import World
from engagement.simulation.setting import Setting, Size
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import Template

FOUND = 1.96 + 0.84
"""Standard errors that a difference must measure to be found at the 5 % level in four of five trials."""
FEWEST_GROUPS = 4
PAYS = 0.01
"""A gain of less than one point of attendance is not worth the trouble of learning; a guess."""
MONTHS_RUNNING, MONTHS_AFTER = 12, 12


class Question(NamedTuple):
    """A program to be sized. groups : None for as many as the file names

    months_after : how long after the program's end it is judged
    """

    plan: Template
    world: World
    groups: int | None
    today: date
    months_after: int = MONTHS_AFTER


class Compared(NamedTuple):
    """What S simulated programs say of two strategies, one less the other.

    each : (S,), the difference of every program      mean, low, high : with the 95 % interval of the mean
    spread : standard deviation between groups
    """

    each: Floats
    mean: float
    low: float
    high: float
    spread: float

    def groups(self, difference: float) -> float:
        """How many groups a trial would take to find a difference; ∞ for none."""
        return 4 * (FOUND * self.spread / difference) ** 2 if difference > 0 else np.inf


class Sized(NamedTuple):
    """The answer.

    attendance, survival : learning less reminders      variety : attendance, learning less an even chance
    alive : shares of groups still meeting, with learning and with reminders
    decided_in : the first month in which the trial's difference in attendance is found, None for never
    """

    programs: int
    groups: int
    seats: int
    months: int
    learned: str
    fixed: str
    attendance: Compared
    variety: Compared
    survival: Compared
    alive: tuple[float, float]
    decided_in: int | None


def sized(question: Question, seeds: Iterable[int]) -> Sized:
    """Simulates the program once for each seed. raises : Invalid where the file leaves nothing to simulate"""
    setting, strategy, fixed = _program(question)
    contenders = (
        Contender(name="learning", title=strategy.title, strategy=strategy),
        Contender(name="fixed", title="Always the same", strategy=fixed),
        Contender(name="even", title="By chance", strategy=_even(strategy)),
    )
    learning: list[_Seen] = []
    reminded: list[_Seen] = []
    even: list[_Seen] = []
    for seed in seeds:
        keyed = setting._replace(secret=generator(seed, "draw secret").bytes(32))
        for kept, contender in zip((learning, reminded, even), contenders, strict=True):
            kept.append(_seen(lived(keyed, question.world, contender, seed)))
    size, running = setting.size, setting.size.months_running
    by_month = [_difference(learning, reminded, slice(0, month)) for month in range(1, running + 1)]
    one, other = (float(np.mean([seen.alive for seen in kept])) for kept in (learning, reminded))
    return Sized(
        len(learning),
        size.groups,
        size.seats,
        size.months,
        strategy.id,
        fixed.actions[0],
        by_month[-1],
        _difference(learning, even, slice(0, running)),
        compared([seen.alive for seen in learning], [seen.alive for seen in reminded]),
        (one, other),
        next((n for n, row in enumerate(by_month, start=1) if row.groups(row.mean) <= size.groups), None),
    )


class _Seen(NamedTuple):
    """came : (T, G), share of the seats      alive : (G,), in the last month"""

    came: Floats
    alive: Floats


def _seen(months: Sequence[Lived]) -> _Seen:
    came = np.array([month.happened.attended.mean(axis=1) for month in months])
    return _Seen(came, months[-1].happened.alive.astype(np.float64))


def _difference(one: Sequence[_Seen], other: Sequence[_Seen], months: slice) -> Compared:
    return compared(
        [seen.came[months].mean(axis=0) for seen in one], [seen.came[months].mean(axis=0) for seen in other]
    )


def compared(one: Sequence[Floats], other: Sequence[Floats]) -> Compared:
    """Two strategies over the groups, (G,) each, of S programs."""
    each = np.array([a.mean() - b.mean() for a, b in zip(one, other, strict=True)])
    mean, programs = float(each.mean()), len(each)
    reach = float("inf")
    if programs > 1:
        reach = float(stdtrit(programs - 1, 0.975) * each.std(ddof=1) / np.sqrt(programs))
    within = np.mean([np.var(part, ddof=1) if len(part) > 1 else 0.0 for part in (*one, *other)])
    return Compared(each, mean, mean - reach, mean + reach, float(np.sqrt(within)))


def _program(question: Question) -> tuple[Setting, Strategy, Strategy]:
    """The program as a setting, its learning strategy, and the reminder for everybody."""
    plan, groups = question.plan, question.groups or len(question.plan.groups)
    if not groups:
        raise Invalid("the file names no groups; say how many there are or will be with --groups")
    strategy = _learning(plan)
    size = Size(groups=groups, months_running=_months(question), months_after=question.months_after)
    catalogue = Catalogue(
        0,
        plan.program,
        {},
        {budget.id: budget for budget in plan.budgets},
        {action.id: action for action in plan.actions},
        {},
        {},
    )
    fixed = always(next(iter(strategy.fallback.actions), strategy.actions[0]), strategy.level)
    return Setting(catalogue, effects_of(plan.actions), size, plan.program.id, b""), strategy, fixed


def _learning(plan: Template) -> Strategy:
    """The program's default strategy for members, or for groups, without health workers' visits."""
    name = plan.program.default_strategy or plan.program.default_group_strategy
    found = next((one for one in plan.strategies if one.id == name), None)
    if found is None:
        raise Invalid("the program has no default strategy for members or for groups, so nothing would learn")
    visits = {action.id for action in plan.actions if isinstance(action, ChwLinkage)}
    strategy = _only(found, [action for action in found.actions if action not in visits])
    try:
        Contender(name="learning", title=found.title, strategy=strategy)
    except ValueError as flaw:
        raise Invalid(str(flaw)) from flaw
    return strategy


def _only(strategy: Strategy, actions: Sequence[str]) -> Strategy:
    """The strategy with some of its actions, everywhere and from the first day."""
    if not actions:
        raise Invalid(f"`{strategy.id}` chooses among health workers' visits only; those are planned")
    belief = strategy.posterior
    kept = [strategy.actions.index(action) for action in actions]
    if isinstance(belief, Pooled):
        means = tuple(belief.effect_means[place] for place in kept) if belief.effect_means else ()
        belief = msgspec.structs.replace(belief, effect_means=means)
    elif belief.expected:
        rows = tuple(belief.expected[place] for place in (0, *(1 + place for place in kept)))
        belief = msgspec.structs.replace(belief, expected=rows)
    fallback = tuple(action for action in strategy.fallback.actions if action in actions)
    return msgspec.structs.replace(
        strategy,
        actions=tuple(actions),
        posterior=belief,
        fallback=msgspec.structs.replace(strategy.fallback, actions=fallback),
        control=None,
        shadow=None,
    )


def _even(strategy: Strategy) -> Strategy:
    return msgspec.structs.replace(
        strategy, posterior=BetaBernoulli(), allocation=Uniform(), features=(), prices=type(strategy.prices)()
    )


def _months(question: Question) -> int:
    """Whole months until the program's last day anywhere; a year where none is set."""
    ends = [site.ends_on for site in question.plan.sites if site.ends_on is not None]
    if not ends:
        return MONTHS_RUNNING
    months = round((max(ends) - question.today).days / 30.44)
    if months < 1:
        raise Invalid("the program ends within the month: there is nothing left to decide")
    return min(months, 120)


# --- in words -----------------------------------------------------------------------------------------


def in_words(answer: Sized) -> tuple[str, ...]:
    """Five lines."""
    return _gain(answer), _survival(answer), _when(answer), _how_many(answer), verdict(answer)


def _gain(answer: Sized) -> str:
    gain, variety = answer.attendance, answer.variety
    few, many = np.quantile(gain.each, [0.05, 0.95])
    return (
        f"Simulated {answer.programs} times, {answer.groups} groups of {answer.seats} for {answer.months} "
        f"months: learning (`{answer.learned}`) brings {_points(gain.mean)} points of attendance more than "
        f"`{answer.fixed}` for everybody ({_points(gain.low)} to {_points(gain.high)}; nine programs in ten "
        f"{_points(few)} to {_points(many)}), and {_points(variety.mean)} more than an even chance for each "
        f"action ({_points(variety.low)} to {_points(variety.high)})."
    )


def _survival(answer: Sized) -> str:
    survival = answer.survival
    return (
        f"Groups still meeting in month {answer.months}: {answer.alive[0]:.0%} with learning, "
        f"{answer.alive[1]:.0%} with `{answer.fixed}`, {_points(survival.mean)} points "
        f"({_points(survival.low)} to {_points(survival.high)})."
    )


def _when(answer: Sized) -> str:
    attendance = (
        "the difference in attendance would not be decided before the program's end"
        if answer.decided_in is None
        else f"the difference in attendance would be decided by month {answer.decided_in}"
    )
    enough = answer.survival.groups(answer.survival.mean) <= answer.groups
    last = f"by month {answer.months}" if enough else "not at all"
    return f"With half of the groups under each, {attendance}; that in who still meets, {last}."


def _how_many(answer: Sized) -> str:
    return (
        f"To decide it takes this many groups: for attendance {_range(answer.attendance)}, for who still "
        f"meets {_range(answer.survival)}."
    )


def verdict(answer: Sized) -> str:
    """What to do."""
    if not (answer.attendance.low > 0 and answer.attendance.mean >= PAYS):
        return "Use a fixed strategy, learning will not pay at this size."
    if not answer.variety.low > 0:
        return (
            "Variety pays, learning adds nothing to it at this size: use an even chance for each action, "
            "which also shows best what each does."
        )
    return "Learning pays at this size, if people are like this profile."


def _points(share: float) -> str:
    """A share in points, with its sign."""
    return f"{round(100 * share, 1) + 0.0:+.1f}" if np.isfinite(share) else "?"  # + 0.0: there is no −0


def _range(one: Compared) -> str:
    """How many groups, and between which numbers by the error of the simulation."""
    likely, few, many = (one.groups(value) for value in (one.mean, one.high, one.low))
    return f"{_count(likely)} (from {_count(few)} to {_count(many)})"


def _count(groups: float) -> str:
    """Groups, to two digits."""
    if not groups < 1e6:
        return "no number is enough"
    step = 10 ** max(0, int(np.log10(max(groups, 1))) - 1)
    return f"{max(FEWEST_GROUPS, int(np.ceil(groups / step)) * step):,}"
