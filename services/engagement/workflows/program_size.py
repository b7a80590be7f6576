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

from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.errors import Invalid
from engagement.randomness import generator
from engagement.records import Floats
from engagement.simulation.contender import Contender
from engagement.simulation.examples import always
from engagement.simulation.living import Lived, lived
from engagement.simulation.registry import World
from engagement.simulation.setting import Setting, Size
from engagement.simulation.virtual_community import VirtualCommunity
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import Template
from engagement.workflows.simulated_program import setting_of, simulable

FOUND = 1.96 + 0.84
"""Standard errors that a difference must measure to be found at the 5 % level in four of five trials."""
FEWEST_GROUPS = 4
A_PAIR = 2
PAYS = 0.01
"""A gain of less than one point of attendance is not worth the trouble of learning; a guess."""
MONTHS_RUNNING, MONTHS_AFTER = 12, 12
VIRTUAL = (
    "A virtual community: the end of the program means nothing there but that incentives stop, and what "
    "every action does to writing is a guess."
)


class Question(NamedTuple):
    """A program to be sized. groups : None for as many as the file names

    months_after : how long after the program's end it is judged
    strategy : the one asked about; the program's default when None
    """

    plan: Template
    world: World
    groups: int | None
    today: date
    months_after: int = MONTHS_AFTER
    strategy: str | None = None


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
    notes: tuple[str, ...] = ()
    virtual: bool = False


def sized(question: Question, seeds: Iterable[int]) -> Sized:
    """Simulates the program once for each seed. raises : Invalid where the file leaves nothing to simulate"""
    setting, strategy, fixed, notes = _program(question)
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
        notes,
        isinstance(question.world.people, VirtualCommunity),
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


def _program(question: Question) -> "_Program":
    """The program as a setting, its learning strategy, and the reminder for everybody."""
    plan, groups = question.plan, question.groups or question.world.groups or len(question.plan.groups)
    if not groups:
        raise Invalid("the file names no groups; say how many there are or will be with --groups")
    asked = simulable(plan, _chosen(plan, question.strategy))
    strategy = asked.strategy
    size = Size(
        groups=groups,
        seats=question.world.seats or Size().seats,
        months_running=_months(question),
        months_after=question.months_after,
    )
    fixed = always(next(iter(strategy.fallback.actions), strategy.actions[0]), strategy.level)
    fixed = msgspec.structs.replace(fixed, outcome=strategy.outcome)
    return _Program(setting_of(plan, size), strategy, fixed, asked.notes)


class _Program(NamedTuple):
    """notes : in what its strategy is not asked as it would be"""

    setting: Setting
    strategy: Strategy
    fixed: Strategy
    notes: tuple[str, ...]


def _chosen(plan: Template, name: str | None) -> Strategy:
    """The strategy asked about, or else the program's default for members, for groups, or for advisers."""
    program = plan.program
    known = {one.id: one for one in plan.strategies}
    if name is not None and name not in known:
        raise Invalid(f"the file has no strategy `{name}`; it has: {', '.join(known) or 'none'}")
    defaults = program.default_strategy, program.default_group_strategy, program.default_adviser_strategy
    found = known.get(name or next((one for one in defaults if one is not None), ""))
    if found is None:
        raise Invalid("the program has no default strategy, so nothing would learn; name one with --strategy")
    return found


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
    """Five lines, and what could not be simulated as it would be."""
    return (
        _gain(answer),
        _survival(answer),
        _when(answer),
        _how_many(answer),
        verdict(answer),
        *answer.notes,
        *([VIRTUAL] if answer.virtual else []),
    )


def _gain(answer: Sized) -> str:
    gain, variety = answer.attendance, answer.variety
    few, many = np.quantile(gain.each, [0.05, 0.95])
    who = f"{answer.groups} {'communities' if answer.virtual else 'groups'} of {answer.seats:,}"
    of_what = "members who write in a month" if answer.virtual else "attendance"
    return (
        f"Simulated {answer.programs} times, {who} for {answer.months} "
        f"months: learning (`{answer.learned}`) brings {_points(gain.mean)} points of {of_what} more than "
        f"`{answer.fixed}` for everybody ({_points(gain.low)} to {_points(gain.high)}; nine programs in ten "
        f"{_points(few)} to {_points(many)}), and {_points(variety.mean)} more than an even chance for each "
        f"action ({_points(variety.low)} to {_points(variety.high)})."
    )


def _survival(answer: Sized) -> str:
    survival = answer.survival
    what = "Communities still alive" if answer.virtual else "Groups still meeting"
    return (
        f"{what} in month {answer.months}: {answer.alive[0]:.0%} with learning, "
        f"{answer.alive[1]:.0%} with `{answer.fixed}`, {_points(survival.mean)} points "
        f"({_points(survival.low)} to {_points(survival.high)})."
    )


def _when(answer: Sized) -> str:
    if answer.groups < A_PAIR:
        return (
            f"With so few {'communities' if answer.virtual else 'groups'} no trial could decide it: any two "
            "differ anyway."
        )
    attendance = (
        "the difference in attendance would not be decided before the program's end"
        if answer.decided_in is None
        else f"the difference in attendance would be decided by month {answer.decided_in}"
    )
    enough = answer.survival.groups(answer.survival.mean) <= answer.groups
    last = f"by month {answer.months}" if enough else "not at all"
    return f"With half of the groups under each, {attendance}; that in who still meets, {last}."


def _how_many(answer: Sized) -> str:
    if answer.groups < A_PAIR:
        return (
            f"How many it takes cannot be told from {answer.groups}: how far they lie apart is not seen: "
            "ask with --groups."
        )
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
