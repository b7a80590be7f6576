"""A program's report as one file that needs nothing else: to read, to send, to print."""

from pathlib import Path
from typing import NamedTuple

from engagement.api.pages import figures
from engagement.api.pages.page import environment, style
from engagement.estimators.each_action import Size
from engagement.workflows.effects import ActionsFound
from engagement.workflows.effects_told import sentences, worst_in_words
from engagement.workflows.harms import rate_in_words
from engagement.workflows.impact_found import DIGITS, TOO_FEW, refusals
from engagement.workflows.personalised import in_words as personalised_in_words
from engagement.workflows.report import Report
from engagement.workflows.trial_found import PLURAL, Analysis, Range

CONDITIONS = {
    "no_adviser": "no adviser when the program ended",
    "no_fund": "nobody paid into a fund in the half year before",
    "no_reader": "nobody in the group reads",
    "few_goals_followed_up": "fewer than half of the goals were followed up",
}
MINUS, NO_BREAK = "−", "\N{NARROW NO-BREAK SPACE}"


def report_page(told: Report, command: str) -> str:
    """The report. command : how it was made"""
    found = told.trial
    return (
        environment()
        .get_template("report.html")
        .render(
            page=told,
            command=command,
            style=style() + (Path(__file__).parents[1] / "static" / "report.css").read_text(),
            survival=None if found is None or not _followed(found) else figures.survival(found),
            differences=None if found is None else _differences(found),
            actions=[_actions(one) for one in told.actions],
            conditions=CONDITIONS,
            number=number,
            percent=percent,
            span=span,
            as_range=as_range,
            measure=measure,
            refusals=refusals,
            too_few=TOO_FEW,
            plural=PLURAL,
            rate_in_words=rate_in_words,
            personalised_in_words=personalised_in_words,
        )
    )


class ActionsShown(NamedTuple):
    """What the actions of one strategy did, with its words and figures; None where there is none to draw."""

    found: ActionsFound
    sentences: list[str]
    worst: str
    sizes: str | None
    months: str | None


def _actions(found: ActionsFound) -> ActionsShown:
    months = figures.shares(found.months) if found.months else None
    return ActionsShown(found, sentences(found), worst_in_words(found.sliced.worst), _sizes(found), months)


def _sizes(found: ActionsFound) -> str | None:
    rows = [(row.action, as_range(row.size)) for row in found.effects if row.size is not None]
    if not rows:
        return None
    if found.scale == "ratio":
        return figures.intervals(rows, "times the chance with nothing", nothing=1.0)
    return figures.intervals(rows, "more reward a decision than with nothing")


def as_range(size: Size) -> Range:
    """A size as a value and its range."""
    return Range(size.value, size.low, size.high)


def _followed(found: Analysis) -> bool:
    return any(arm.curve for arm in found.arms)


def _differences(found: Analysis) -> str | None:
    rows = [
        (f"{row.second} less {row.first}", row.difference)
        for row in found.comparisons
        if row.difference is not None
    ]
    if not rows:
        return None
    if found.primary == "alive_after_end":
        return figures.intervals(rows, f"more groups of 100 alive after {found.horizon_months} months", 100.0)
    return figures.intervals(rows, f"more months lived, of {found.horizon_months}")


def number(value: float | None, digits: int = 1) -> str:
    """A number as people read it; a word where there is none."""
    return "unknown" if value is None else f"{value:,.{digits}f}".replace("-", MINUS).replace(",", NO_BREAK)


def percent(value: float | None) -> str:
    """A share of 1 in hundredths."""
    return "unknown" if value is None else f"{number(100 * value, 0)}{NO_BREAK}%"


def measure(value: float, of_100: bool = False) -> str:
    """What was measured, with no more decimals than it has; a share of 1 in hundredths."""
    told = number(100 * value, DIGITS - 2) if of_100 else number(value, DIGITS)
    return told.rstrip("0").rstrip(".") if "." in told else told


def span(told: Range | None, times: float = 1.0, digits: int = 1) -> str:
    """A value and its range."""
    if told is None:
        return "unknown"
    value = number(times * told.value, digits)
    if told.low is None or told.high is None:
        return value
    return f"{value} ({number(times * told.low, digits)} to {number(times * told.high, digits)})"
