"""The first page of a report: three sentences that a program director can repeat."""

from collections import Counter
from collections.abc import Mapping, Sequence

from engagement.signals.states import ALIVE, State
from engagement.workflows.effects import ActionsFound
from engagement.workflows.effects_told import side
from engagement.workflows.fading import Fading
from engagement.workflows.gained import ArmGained, Gained
from engagement.workflows.trial_found import PLURAL, Analysis, ComparisonFound
from engagement.workflows.wording import money

MINUS = "−"
Three = tuple[str, str, str]


def of_trial(found: Analysis, bought: Gained | None, currency: str) -> Three:
    """What was compared, how sure it is, and what it cost; of the comparison that says most."""
    told = headline(found.comparisons)
    if told is None:
        return _too_early(found)
    return _lived(found, told), _sure(found, told), _paid(told, bought, currency)


def of_program(states: Mapping[State, int], actions: Sequence[ActionsFound], why: Fading) -> Three:
    """How groups stand, what can be told of the actions, and that nothing was compared."""
    return _standing(states), _actions(actions), _reason(why)


def headline(comparisons: Sequence[ComparisonFound]) -> ComparisonFound | None:
    """The comparison that is decided and whose difference is largest, or else simply the largest."""
    known = [row for row in comparisons if row.difference is not None]

    def weight(row: ComparisonFound) -> tuple[bool, float]:
        return row.verdict in ("better", "worse"), abs(row.difference.value if row.difference else 0.0)

    return max(known, key=weight, default=None)


def _too_early(found: Analysis) -> Three:
    groups, months = sum(arm.groups for arm in found.arms), found.horizon_months
    gone, silent = (sum(getattr(arm, what) for arm in found.arms) for what in ("dissolved", "silent"))
    heard = f", and of {silent} nothing is heard" if silent else ""
    early = "It is too early to say which keeps groups going: no two arms were followed for"
    return (
        f"{early} {months} months after the program's end.",
        f"Of {groups} drawn, {gone} {'is' if gone == 1 else 'are'} known to have dissolved{heard}.",
        "Until then no figure here should decide anything.",
    )


def _lived(found: Analysis, told: ComparisonFound) -> str:
    one, other = (next(arm for arm in found.arms if arm.arm == name) for name in (told.first, told.second))
    when = f"{found.horizon_months} months after the program's end"
    if found.primary == "alive_after_end":
        first, second = (round(100 * arm.alive.value) if arm.alive else 0 for arm in (one, other))
        alive = f"Of 100 groups under {told.second}, {second} were alive {when}"
        return f"{alive}; of 100 under {told.first}, {first}."
    first_lived, second_lived = (arm.months.value if arm.months else 0.0 for arm in (one, other))
    lived = f"A group under {told.second} lived {second_lived:.1f} of the {when}"
    return f"{lived}; one under {told.first}, {first_lived:.1f}."


def _sure(found: Analysis, told: ComparisonFound) -> str:
    assert told.difference is not None  # noqa: S101  # a headline has one
    alive = found.primary == "alive_after_end"
    scale, unit, digits = (100.0, "groups of 100", 0) if alive else (1.0, "months", 1)
    value, low, high = (
        _signed(scale * (part or 0.0), digits)
        for part in (told.difference.value, told.difference.low, told.difference.high)
    )
    size = f"That is a difference of {value} {unit} ({low} to {high})"
    if told.verdict in ("better", "worse"):
        return f"{size}, which chance alone would rarely make."
    if told.verdict == "no_difference_that_matters":
        return f"{size}, too little to matter by what was written down beforehand."
    words = f"{size}, and that is not enough to tell them apart"
    if told.clusters_needed is None:
        return f"{words}."
    units = next(words for unit, words in PLURAL.items() if unit == found.unit)
    return f"{words}; about {told.clusters_needed:,} {units} in each arm would do."


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS)


def _paid(told: ComparisonFound, bought: Gained | None, currency: str) -> str:
    """The cost of one more month where one was gained, and the members who came least."""
    arms = {row.arm: row for row in ([] if bought is None else bought.arms)}
    one, other = arms.get(told.first), arms.get(told.second)
    if told.cost is None:
        words = "What it cost is not known yet"
    elif told.ratio is not None and told.ratio > 0:
        real = told.gain is not None and told.gain.low is not None and told.gain.low > 0
        each = "Each" if real else "If the difference is real, each"
        words = f"{each} further month of a living group cost {money(round(told.ratio), currency)} more"
    elif told.cost.value <= 0:
        words = f"{told.second} cost no more than {told.first}"
    else:
        words = f"{told.second} cost {money(round(told.cost.value), currency)} more a group"
    return f"{words}{_quarter(one, other)}."


def _quarter(one: ArmGained | None, other: ArmGained | None) -> str:
    if one is None or other is None or one.quarter is None or other.quarter is None:
        return ""
    first, second = (round(100 * row.value) for row in (one.quarter, other.quarter))
    return (
        f"; the quarter of members who came least came to {second} of 100 meetings under {other.arm}, "
        f"to {first} under {one.arm}"
    )


def _standing(states: Mapping[State, int]) -> str:
    groups, alive = sum(states.values()), sum(states[state] for state in ALIVE)
    parts = [f"{alive} are known to be alive", f"{states['dissolved']} have dissolved"]
    parts += [f"{states['ended']} were ended"] if states["ended"] else []
    parts += [f"of {states['silent']} nothing is heard"] if states["silent"] else []
    return f"Of {groups} groups, {', '.join(parts[:-1])}, and {parts[-1]}."


def _actions(actions: Sequence[ActionsFound]) -> str:
    told = [(row, found.scale) for found in actions for row in found.effects if row.size is not None]
    if not any(found.decisions for found in actions):
        return "No action has been tried by chance and followed up yet, so nobody knows what helps."
    up, down = (
        sorted({row.action for row, scale in told if row.size and side(row.size, scale) == way})
        for way in (1, -1)
    )
    if not up and not down:
        return "Of no action can be told yet whether it does more than doing nothing."
    parts = [
        f"{_listed(names)} earned {word} than doing nothing"
        for names, word in ((up, "more"), (down, "less"))
        if names
    ]
    return f"At the next meeting {' and '.join(parts)}; of every other action that cannot be told."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reason(why: Fading) -> str:
    words = "Nothing was compared by lot here, so this report describes and shows no cause"
    if not why.reasons:
        return f"{words}; nobody said why they stayed away."
    count: Counter[str] = Counter()
    for row in why.reasons:
        count[row.reason] += row.count
    [(most, _)] = count.most_common(1)
    return f"{words}; the reason given most often for staying away or leaving is {most}."
