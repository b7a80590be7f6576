"""Figures and turns of phrase that the templates of several pages call, from what the workflows tell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from markupsafe import Markup

from engagement.api.console import answers, numbers, suggestions
from engagement.api.console.charts import rows, survival
from engagement.api.console.charts.alive import NARROW, WIDE, Words, alive
from engagement.api.console.charts.draw import draw
from engagement.api.console.charts.spark import Bar, spark
from engagement.api.console.charts.svg import circle, drawing, line
from engagement.api.console.charts.timeline import MIDDLE as MIDDLE_LINE
from engagement.api.console.charts.timeline import NARROW as NARROW_LINE
from engagement.api.console.charts.timeline import WIDE as WIDE_LINE
from engagement.api.console.charts.timeline import ActionDrawn, GoalDrawn, MonthDrawn, timeline
from engagement.api.console.charts.timeline import Words as TimelineWords
from engagement.workflows.glance import GroupGlanced
from engagement.workflows.group_course import GroupCourse
from engagement.workflows.trial_found import Analysis, Range

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


def course_figure(course: GroupCourse, words: Said, common: Said, said: Said, size: str) -> Markup:
    """A group's months on one line. said : what was made out of the group's own figures: `label` and `end`"""
    months = [
        MonthDrawn(
            common["months"]["short"][int(row.month[5:]) - 1],
            row.came,
            row.expected,
            bool(row.held),
            bool(row.missed),
            row.index,
            row.state,
            row.phase,
            row.goals_met,
            row.goals_missed,
        )
        for row in course.months
    ]
    goals = [
        GoalDrawn(
            words["goal"].format(
                seat=goal.seat or "?", category=words["categories"][goal.category or "other"]
            )
            + ("" if goal.ending in ("met", None) else f", {words['endings'][goal.ending]}"),
            max(goal.from_month, 0),
            goal.to_month,
            goal.ending,
        )
        for goal in course.goals
    ]
    actions = [ActionDrawn(row.month, row.kind, row.count) for row in course.actions]
    names = {name: words[name] for name in LANES}
    told = TimelineWords(
        label=said["label"],
        end=said["end"],
        enrolled=lambda seats: str(words["enrolled"].format(seats=seats)),
        phases=dict(common["phases"]),
        states={name: str(common["states"][name]).lower() for name in common["states"]},
        kinds=dict(words["kinds"]),
        **names,
    )
    room = {"wide": WIDE_LINE, "mid": MIDDLE_LINE}.get(size, NARROW_LINE)
    return timeline(months, goals, actions, told, room)


def dots(came: Sequence[bool | None], label: str) -> Markup:
    """Who came to which meeting: filled for came, open for stayed away, a stroke where nobody said."""
    parts = [
        line(4 + 15 * place, 8, 10 + 15 * place, 8, "ax")
        if one is None
        else circle(7 + 15 * place, 8, 4.5 if one else 4, "f" if one else "hollow")
        for place, one in enumerate(came)
    ]
    return drawing(max(15 * len(came) + 4, 15), 16, label, *parts, kind="spark")


def dots_of(came: int, expected: int, label: str) -> Markup:
    """The same where only counts are known."""
    return dots([place < came for place in range(min(expected, 8))], label)


LANES = (
    "came",
    "came_unit",
    "picture",
    "picture_unit",
    "state",
    "goals",
    "goals_unit",
    "actions",
    "actions_unit",
)


def survival_figure(
    trial: Analysis,
    words: Said,
    label: str,
    wide: bool,
) -> Markup:
    """How long the groups of each arm live."""
    arms = [
        survival.Arm(
            row.arm,
            [(point.months, point.alive) for point in row.curve],
            words["unknown"]
            if row.alive is None
            else words["alive"].format(alive=numbers.number(100 * row.alive.value)),
        )
        for row in trial.arms
        if row.curve
    ]
    return survival.survival(
        arms,
        float(trial.horizon_months),
        label,
        words["unit"],
        words["horizon"].format(months=trial.horizon_months),
        survival.WIDE if wide else survival.NARROW,
    )


def quarter_figure(least: float, everybody: float, label: str, words: Said) -> Markup:
    """Those who gained least and everybody, so that the gap is the thing seen."""
    return rows.quarter(least, everybody, label, (words["quarter_short"], words["everybody"]))


def span_of(found: Range | None, times: float, places: int, *, share: bool = False) -> str:
    """A value with its interval, a dash where there is none. share : no side lies beyond none or all"""
    if found is None:
        return "–"
    text = numbers.number(times * found.value, places)
    if found.low is None or found.high is None:
        return text
    sides = (min(max(side, 0.0), 1.0) if share else side for side in (found.low, found.high))
    low, high = (numbers.number(times * side, places) for side in sides)
    return f"{text} ({low}–{high})"


HELPERS: Mapping[str, Callable[..., Any]] = {
    "last_meeting": last_meeting,
    "last_words": last_words,
    "spark_of": spark_of,
    "spark_label": spark_label,
    "alive_figure": alive_figure,
    "share_bar": rows.share,
    "course_figure": course_figure,
    "dots": dots,
    "dots_of": dots_of,
    "axis_figure": rows.axis,
    "interval_figure": rows.interval,
    "reference_figure": rows.reference,
    "chance_figure": rows.chance,
    "parts_figure": rows.parts,
    "gap_figure": rows.gap,
    "gap_axis": rows.gap_axis,
    "shift_figure": rows.measure,
    "draw_figure": draw,
    "axis_of": rows.axis_of,
    "survival_figure": survival_figure,
    "quarter_figure": quarter_figure,
    "span_of": span_of,
    "answer_of": answers.answer_of,
    "answers_of": answers.counted,
    "effect_points": answers.in_points,
    "effect_scale": answers.effect_scale,
    "range_points": answers.range_points,
    "range_scale": answers.range_scale,
    "most_of": suggestions.most_of,
    "scale_of": suggestions.scale_of,
    "points_of": suggestions.points,
}
"""What every template may call."""
