"""A value as lines for a person: plain words first, then the figures; and as CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Literal

import msgspec

from engagement.estimators.overlap import ENOUGH, LEAST
from engagement.estimators.value import Cover, Estimated, Span, Value
from engagement.strategy.target import Always, AnyTarget, AsLogged, Even, Watched
from engagement.workflows.logged import LeftOut, Reports
from engagement.workflows.value_slices import ValueSlice, ValueSliced

NAMES = {
    "self_normalised_dr": "self-normalised DR",
    "doubly_robust": "doubly robust",
    "shrinkage_dr": "DR with shrinkage *",
    "switch_dr": "SWITCH-DR *",
    "direct_method": "direct method *",
    "self_normalised_ips": "self-normalised IPS",
    "clipped_ips": "clipped IPS *",
    "ips": "IPS",
}
WHY: dict[str, str] = {
    "open": "are open: their window has not passed",
    "waiting": "have closed and nobody has looked what they earned: run `engagement fold`",
    "unreported": "earned nobody knows what, which is not 0",
    "forced": "had no chance in them",
    "learned": "were learned from by the version that is valued",
    "unwatched": "were made while no belief watched",
}
HEAD = ("", "value", "looked at once", "drawn anew", "every week", "more than the log", "looked at once")
SLICE_HEAD = ("", "value", "", "more than the log", "", "groups", "decisions")
Clusters = Literal["group", "unit", "line"]


def in_words(
    asked: str, decisions: int, left_out: LeftOut, reports: Sequence[Reports], value: Value | None,
    clusters: Clusters = "group",
) -> list[str]:  # fmt: skip
    """The whole answer. asked : whose value"""
    lines = [f"Asked: what {asked} would have earned, by {decisions:,} decisions of the log."]
    lines += not_counted(left_out, reports)
    if value is None:
        return [*lines, "", "Not enough data: no decision counts."]
    lines += ["", *_covered(value.cover, clusters)]
    if value.enough:
        return [*lines, "", *_figures(value, clusters)]
    return [*lines, "", *_not_enough(value, clusters)]


def slices_in_words(told: ValueSliced) -> list[str]:
    """What another strategy would have earned kind by kind, the lowest first in words."""
    rows = [row for row in (*told.slices, told.quarter) if row is not None]
    out = []
    if told.worst is not None:
        low = told.worst
        out.append(f"The lowest value: {kind_in_words(low.fact, low.name)}, {low.value.value:.3g}.")
    if told.loses:
        out.append(f"It would have earned less than the log did for: {', '.join(told.loses)}.")
    if rows:
        spans = f"{len(rows)} kinds share a chance of {told.alpha:.0%} that an interval misses"
        out.append(f"{spans} (Bonferroni): each is one of {100 * (1 - told.shared):.4g} %.")
        out += table([SLICE_HEAD, *map(_slice, rows)])
        out.append(
            "Kinds overlap and were not drawn: that they differ is described. "
            "What the strategy adds within one is an effect."
        )
    if told.quarter is not None:
        out.append(
            "The lower quarter is chosen by the first half of each unit's decisions and valued by the second."
        )
    return out + [f"Not told: {kind_in_words(row.fact, row.name)}, for {row.why}." for row in told.untold]


def kind_in_words(fact: str | None, name: str) -> str:
    """A kind of member."""
    return name if fact is None else f"{fact.replace('_', ' ')} {name}"


def _slice(row: ValueSlice) -> tuple[str, ...]:
    value, gain = row.value, row.gain
    return (
        kind_in_words(row.fact, row.name),
        f"{value.value:.4g}",
        f"{value.low:.3g} to {value.high:.3g}",
        f"{gain.value:+.3g}",
        f"{gain.low:.3g} to {gain.high:.3g}",
        f"{row.groups:,}",
        f"{row.decisions:,}",
    )


def not_counted(left_out: LeftOut, reports: Sequence[Reports]) -> list[str]:
    """How many decisions were left out and why, and after which actions reports are missing."""
    lines = [
        f"  left out: {count:,} {WHY[name]}"
        for name, count in msgspec.structs.asdict(left_out).items()
        if count
    ]
    silent = [row for row in reports if row.unreported]
    lines += [
        f"  after {row.action}: {row.unreported:,} of {row.decisions:,} were not reported" for row in silent
    ]
    if silent:
        lines.append("  Where reports are missing more often after one action, no figure below knows of it.")
    return lines


def target_in_words(target: AnyTarget) -> str:
    """Whose value it is."""
    if isinstance(target, Always):
        return f"always `{target.action}`" if target.action != "none" else "doing nothing"
    if isinstance(target, Even):
        return "an even choice among what was available"
    if isinstance(target, AsLogged):
        return "what was done"
    if isinstance(target, Watched):
        return "the belief that only watched"
    return f"strategy `{target.strategy}`"


def as_csv(value: Value | None) -> str:
    """One line an estimator; only the first when there is not enough data."""
    out = io.StringIO()
    written = csv.writer(out, lineterminator="\n")
    spans = ("interval", "bootstrap", "weekly", "gain_interval")
    head = [
        part
        for name in Estimated.__struct_fields__
        for part in ((f"{name}_low", f"{name}_high") if name in spans else (name,))
    ]
    written.writerow(head)
    for row in () if value is None else value.estimates:
        cells = [getattr(row, name) for name in Estimated.__struct_fields__]
        written.writerow([part for cell in cells for part in (cell if isinstance(cell, tuple) else (cell,))])
    return out.getvalue()


def _covered(cover: Cover, clusters: Clusters) -> list[str]:
    many = f"{cover.effective:,.0f} equally weighted decisions of {cover.effective_groups:,.0f} {clusters}s"
    weights = f"largest weight {cover.largest:.3g}, the heaviest hundredth carries {cover.heaviest:.0%}"
    return [
        f"The log covers it as well as {many} ({cover.decisions:,} of {cover.groups:,} are in the log).",
        f"  {weights}; {cover.unsupported:.2%} of its choices the log could not have made",
    ]


def _not_enough(value: Value, clusters: Clusters) -> list[str]:
    further = value.cover.further
    earned = [f"What the log itself earned: {value.earned:.4g}{_within(value.earned_interval)}."]
    if further is None:
        return ["Not enough data, and more of the same would not help: it lacks what is asked for.", *earned]
    few = value.cover.effective_groups / LEAST < value.cover.effective / ENOUGH
    new = f", of {clusters}s that are not in the log yet" if few else ""
    return [f"Not enough data. About {further:,} further decisions like these would do{new}.", *earned]


def _within(interval: Span | None) -> str:
    return "" if interval is None else f" ({_span(interval)})"


def _figures(value: Value, clusters: Clusters) -> list[str]:
    rows = [
        (
            NAMES[row.estimator],
            f"{row.value:.4g}",
            *(_span(span) for span in (row.interval, row.bootstrap, row.weekly)),
            f"{row.gain:+.3g}",
            _span(row.gain_interval),
        )
        for row in value.estimates
    ]
    own = () if value.earned_interval is None else (_span(value.earned_interval),)
    rows.append(("the log itself", f"{value.earned:.4g}", *own, *("",) * (5 - len(own))))
    lines = [
        f"Mean reward a decision, for {clusters}s like these; 95 % intervals by {clusters}:",
        *table([HEAD, *rows]),
        f"`every week` holds for all weekly looks together; this is number {value.look}.",
        "* leans on the model or cuts weights off: how far off that is, its own interval does not say.",
    ]
    if value.these is not None:
        lines.append(
            f"For these very {clusters}s at these decision points, however often one looks: "
            f"{_span(value.these)} (by IPS)."
        )
    return lines


def _span(span: Span) -> str:
    return f"{span[0]:.3g} to {span[1]:.3g}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells below one another, as wide as the widest."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
