"""A program's report as one file that needs nothing else: to read, to send, to print."""

import re
from pathlib import Path
from typing import NamedTuple

from engagement.api.pages import cost_figures, figures
from engagement.api.pages.page import environment, style
from engagement.estimators.each_action import Size
from engagement.workflows.effects import ActionsFound
from engagement.workflows.effects_told import sentences, worst_in_words
from engagement.workflows.evaluation_told import kind_in_words
from engagement.workflows.gained import Gained
from engagement.workflows.harms import rate_in_words
from engagement.workflows.impact_found import DIGITS, TOO_FEW, refusals
from engagement.workflows.personalised import in_words as personalised_in_words
from engagement.workflows.report import Report
from engagement.workflows.report_told import headline
from engagement.workflows.slices import Quarter, Sliced
from engagement.workflows.trial_found import PLURAL, Analysis, Range

CONDITIONS = {
    "no_adviser": "no adviser when the program ended",
    "no_fund": "nobody paid into a fund in the half year before",
    "no_reader": "nobody in the group reads",
    "few_goals_followed_up": "fewer than half of the goals were followed up",
}
LARGE_MINOR = 10_000
MINUS, NO_BREAK = "−", "\N{NARROW NO-BREAK SPACE}"


def report_page(told: Report, command: str) -> str:
    """The report. command : how it was made"""
    found, bought = told.trial, told.gained
    return (
        environment()
        .get_template("report.html")
        .render(
            page=told,
            command=command,
            style=style() + (Path(__file__).parents[1] / "static" / "report.css").read_text(),
            survival=None if found is None or not _followed(found) else figures.survival(found),
            differences=None if found is None else _differences(found),
            answer=None if found is None else _answer(found),
            planes=[] if bought is None else cost_figures.planes(bought.planes, told.currency),
            quarters=None if bought is None else _quarters(bought),
            actions=[_actions(one) for one in told.actions],
            conditions=CONDITIONS,
            number=number,
            percent=percent,
            span=span,
            money_span=money_span,
            true_minus=true_minus,
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
    slices: str | None
    quarter: str | None
    learning: str | None
    months: str | None


def _actions(found: ActionsFound) -> ActionsShown:
    return ActionsShown(
        found,
        sentences(found),
        worst_in_words(found.sliced.worst),
        _sizes(found),
        _slices(found.sliced),
        None if found.sliced.quarter is None else _quarter(found.sliced.quarter),
        figures.learning(found.learning) if found.learning else None,
        figures.shares(found.months) if found.months else None,
    )


def _slices(told: Sliced) -> str | None:
    """Mean rewards by kind, lowest first."""
    rows = sorted(told.slices, key=lambda row: row.mean.value)
    named = [(kind_in_words(row.fact, row.value), row.mean) for row in rows]
    if not named:
        return None
    return figures.intervals(named, "mean reward a decision", nothing=None, marked=[named[0][0]])


def _quarter(told: Quarter) -> str:
    low, every = (
        Range(value, *(span or (None, None)))
        for value, span in ((told.mean, told.span), (told.everybody, told.everybody_span))
    )
    return cost_figures.quarters([("members", low, every)], "mean reward a decision", 1.0)


def _quarters(bought: Gained) -> str | None:
    rows = cost_figures.of_arms(bought.arms)
    return cost_figures.quarters(rows, "of 100 meetings come to") if rows else None


def _answer(found: Analysis) -> str:
    """The sentence on the comparison that says most."""
    told = headline(found.comparisons)
    return found.sentences[0 if told is None else found.comparisons.index(told)]


def _sizes(found: ActionsFound) -> str | None:
    sizes = [(row.action, as_range(row.size)) for row in found.effects if row.size is not None]
    rows = sorted(sizes, key=lambda row: -row[1].value)
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


def money_span(told: Range | None) -> str:
    """An amount in the currency's minor unit and its range, in whole units; small ones with two decimals."""
    parts = (0.0,) if told is None else (told.value, told.low or 0.0, told.high or 0.0)
    large = max(map(abs, parts)) >= LARGE_MINOR
    return span(told, 0.01, 0 if large else 2)


def true_minus(words: str) -> str:
    """A sentence with a minus sign where a hyphen stands before a number."""
    return re.sub(r"(?<=[\s(])-(?=\d)", MINUS, words)


def span(told: Range | None, times: float = 1.0, digits: int = 1) -> str:
    """A value and its range."""
    if told is None:
        return "unknown"
    value = number(times * told.value, digits)
    if told.low is None or told.high is None:
        return value
    return f"{value} ({number(times * told.low, digits)} to {number(times * told.high, digits)})"
