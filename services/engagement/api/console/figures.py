"""Figures and turns of phrase that the templates of several pages call, from what the workflows tell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from markupsafe import Markup

from engagement.api.console.charts import rows
from engagement.api.console.charts.alive import NARROW, WIDE, Words, alive
from engagement.api.console.charts.spark import Bar, spark
from engagement.workflows.glance import GroupGlanced

Said = Mapping[str, Any]


class Last(NamedTuple):
    """The last month with a meeting heard of. came, expected : None where nobody said who came"""

    held: bool | None
    came: int | None
    expected: int | None


def last_meeting(group: GroupGlanced) -> Last:
    """What is known of a group's latest meeting."""
    month = next((one for one in reversed(group.months) if one.held or one.missed), None)
    if month is None:
        return Last(None, None, None)
    if not month.held:
        return Last(held=False, came=None, expected=None)
    return Last(True, month.came, month.expected)


def last_words(last: Last, words: Said) -> str:
    """The same in words."""
    if last.held is None or (last.held and last.came is None):
        return str(words["unheard"])
    if not last.held:
        return str(words["not_held"])
    return str(words["came"].format(came=last.came, expected=last.expected))


def spark_of(group: GroupGlanced, label: str) -> Markup:
    """A group's months as bars."""
    bars = [
        Bar(
            month.came if month.held else (0 if month.missed else None),
            bool(month.held),
            month.after,
        )
        for month in group.months
    ]
    return spark(bars, label)


def spark_label(group: GroupGlanced, words: Said) -> str:
    """What the bars say to whoever does not see them."""
    return str(
        words["label"].format(
            group=group.group,
            held=sum(month.held for month in group.months),
            months=len(group.months),
            last=last_words(last_meeting(group), words),
        )
    )


def alive_figure(
    months: Sequence[Any],
    end: int | None,
    label: str,
    words: Said,
    ends_on: date | None,
    short_day: Callable[[date], str],
    month_of: Callable[[str], str],
    wide: bool,
) -> Markup:
    """Groups alive and groups that met, month by month."""
    first, now = months[0], months[-1]
    end_words = "" if ends_on is None else words["end"].format(day=short_day(ends_on))
    told = Words(
        label,
        words["first"].format(alive=first.alive),
        words["alive"].format(alive=now.alive),
        words["met"].format(met=now.met),
        end_words if wide else words["end_short"],
        month_of(first.month),
        month_of(now.month),
    )
    return alive([(month.alive, month.met) for month in months], end, told, WIDE if wide else NARROW)


HELPERS: Mapping[str, Callable[..., Any]] = {
    "last_meeting": last_meeting,
    "last_words": last_words,
    "spark_of": spark_of,
    "spark_label": spark_label,
    "alive_figure": alive_figure,
    "share_bar": rows.share,
}
"""What every template may call."""
