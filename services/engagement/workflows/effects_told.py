"""What the actions did as lines for a person: plain words first, then the figures."""

from collections.abc import Sequence

from engagement.estimators.each_action import ActionEffect, Scale, Size
from engagement.workflows.actions_over_time import ActionMonth
from engagement.workflows.effects import ActionsFound, Moderated
from engagement.workflows.evaluation_told import not_counted, table
from engagement.workflows.slices import Quarter, Slice, Sliced
from engagement.workflows.trial_found import PLURAL

SYNTHETIC = "Synthetic: time and people here are made up. No figure is evidence."
APPROXIMATE = (
    "The intervals are approximate: what was drawn for a group followed also from what other groups had "
    "earned, and the errors take groups for independent."
)


def in_words(found: ActionsFound) -> list[str]:
    """The whole answer."""
    return [
        *([SYNTHETIC] if found.simulated else []),
        f"{found.title}: what its actions did, by {found.decisions:,} decisions{_of(found)}.",
        *not_counted(found.left_out, found.reports),
        "",
        *sentences(found),
        *([] if found.moderated is None else ["", *_moderated(found.moderated, found.scale)]),
        "",
        *_slices(found.sliced),
        "",
        *_months(found.months),
    ]


def sentences(found: ActionsFound) -> list[str]:
    """What each action did, one sentence each, and how to read them."""
    if not found.decisions:
        return ["Not enough data: no decision counts."]
    lines = [effect_in_words(row, found.scale, _noun(found)) for row in found.effects]
    return [*lines, shared(found), *([APPROXIMATE] if found.approximate else [])]


def shared(found: ActionsFound) -> str:
    """How alpha is shared out among the actions."""
    count = len(found.effects)
    if count == 1:
        return f"One action, so its interval is the one of {1 - found.alpha:.0%}."
    wide = f"{100 * (1 - found.alpha / count):.4g} %"
    return (
        f"The {count} actions share a chance of {found.alpha:.0%} of a false finding (Bonferroni): "
        f"each interval is one of {wide}."
    )


def effect_in_words(row: ActionEffect, scale: Scale, clusters: str = "groups") -> str:
    """One sentence on one action. clusters : what errors are summed by"""
    if row.size is None:
        return f"{row.action}: not enough data. {_capital(row.why or '')}."
    based = f"{row.decisions:,} decisions of {row.groups:,} {clusters}, {row.given:,} of them with it"
    return f"{row.action} {_verdict(row.size, scale)}: {size_in_words(row.size, scale)}; by {based}."


def size_in_words(size: Size, scale: Scale) -> str:
    """A size with its interval."""
    if scale == "ratio":
        return f"×{size.value:.2f} ({size.low:.2f} to {size.high:.2f})"
    return f"{size.value:+.3f} ({size.low:+.3f} to {size.high:+.3f})"


def side(size: Size, scale: Scale) -> int:
    """Whether the interval lies above no effect, 1, or below, −1; 0 where it holds it."""
    neutral = 1.0 if scale == "ratio" else 0.0
    return int(size.low > neutral) - int(size.high < neutral)


def _verdict(size: Size, scale: Scale) -> str:
    return ("cannot be told from nothing", "earned more than nothing", "earned less than nothing")[
        side(size, scale)
    ]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _noun(found: ActionsFound) -> str:
    return " and ".join(PLURAL[kind] for kind in found.clusters)


def _of(found: ActionsFound) -> str:
    told = [
        f"{count:,} {PLURAL[kind] if count > 1 else kind.replace('_', ' ')}"
        for kind, count in found.clusters.items()
    ]
    return f" of {' and '.join(told)}" if told else ""


def _moderated(told: Moderated, scale: Scale) -> list[str]:
    first, second = told.levels
    lines = [f"Does it depend on {told.by}? It is known of {told.decisions:,} decisions."]
    for row in told.effects:
        if row.size is None:
            lines.append(f"  {row.action}: not enough data. {_capital(row.why or '')}.")
            continue
        verdict = ("cannot be told", "yes, more", "yes, less")[side(row.size, scale)]
        parts = "; ".join(f"{at.level} {size_in_words(at.size, scale)}" for at in row.levels)
        lines.append(
            f"  {row.action}: {verdict}. {_capital(parts)}. {_capital(second)} against {first}: "
            f"{size_in_words(row.size, scale)}."
        )
    return lines


def _slices(told: Sliced) -> list[str]:
    if not told.slices:
        return ["Who gained least: no slice has enough groups to be told.", *_quarter(told.quarter)]
    head = ("", "mean reward", "95 %", "groups", "decisions")
    lines = table([head, *(_slice(row) for row in told.slices)])
    small = [f"{told.small} slices have too few groups to be told."] if told.small else []
    return [worst_in_words(told.worst), *lines, *small, *_quarter(told.quarter)]


def worst_in_words(worst: Slice | None) -> str:
    """Which slice has the lowest mean reward."""
    if worst is None:
        return "Who gained least is not known."
    return (
        f"The lowest mean reward: {worst.fact.replace('_', ' ')} {worst.value}, {worst.mean.value:.3f}. "
        "Slices overlap and were not drawn, so a difference between them is described, not caused."
    )


def _slice(row: Slice) -> tuple[str, ...]:
    mean = row.mean
    span = "" if mean.low is None or mean.high is None else f"{mean.low:.3f} to {mean.high:.3f}"
    name = f"{row.fact.replace('_', ' ')} {row.value}"
    return name, f"{mean.value:.3f}", span, f"{row.groups:,}", f"{row.decisions:,}"


def _quarter(told: Quarter | None) -> list[str]:
    if told is None:
        return []
    shares = ", ".join(f"{row.action} {row.quarter:.0%} ({row.everybody:.0%})" for row in told.shares)
    against = f"{told.mean:.3f}, against {told.everybody:.3f} of everybody"
    return [
        f"The lower quarter: {told.units:,} with a mean reward of {against}.",
        f"  By {told.decisions:.1f} decisions each; where those are few, chance alone makes a low quarter.",
        f"  what they got (everybody): {shares}",
    ]


def _months(months: Sequence[ActionMonth]) -> list[str]:
    if not months:
        return ["Actions over time: nothing was drawn yet."]
    head = ("month", "decisions", *(row.action for row in months[0].shares))
    rows = [
        (
            one.month,
            f"{one.decisions:,}",
            *(f"{row.probability:.0%}, picked {row.picked:.0%}" for row in one.shares),
        )
        for one in months
    ]
    return ["Actions over time: mean probability, and share of picks.", *table([head, *rows])]
