"""How a page of the console is drawn: its words, its template, and what every template may call."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment

from engagement.api.console import figures, numbers
from engagement.api.pages import page as pages
from engagement.api.pages.page import day_in_words
from engagement.workflows.tell import moment as told_moment

HERE = Path(__file__).parent
LANGUAGES = ("en", "hi")
"""Languages of the console: a folder of words each."""


@cache
def words_of(language: str, name: str) -> Mapping[str, Any]:
    """The words of one page in a language; `common` are those of the frame around every page."""
    words: dict[str, Any] = msgspec.toml.decode((HERE / "words" / language / f"{name}.toml").read_bytes())
    return words


@cache
def environment() -> Environment:
    """The console's templates, with the figures and the ways of writing numbers they may call."""
    made = pages.environment(HERE / "templates")
    made.filters.update(numbers.FILTERS)
    made.globals.update(figures.HELPERS)
    return made


def spoken(*wishes: str | None) -> str:
    """The first of these languages that the console speaks, else English."""
    return next((wish for wish in wishes if wish in LANGUAGES), LANGUAGES[0])


def drawn(template: str, name: str, language: str, time_zone: str, **values: Any) -> str:
    """A template with the words of a page as `w` and those of the frame as `c`.

    Its `day`, `short_day`, `month`, `month_of` and `time` write dates and moments as people there read them.
    """
    zone = ZoneInfo(time_zone)
    calendar = pages.words_of(language)["common"]

    short_months = words_of(language, "common")["months"]["short"]

    def local(moment: date | datetime) -> date:
        return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment

    def day(moment: date | datetime) -> str:
        return day_in_words(local(moment), language)

    def short_day(moment: date | datetime) -> str:
        found = local(moment)
        return f"{found.day} {calendar['months'][found.month - 1]} {found.year}"

    def month(moment: date | datetime) -> str:
        found = local(moment)
        return f"{short_months[found.month - 1]} {found.year}"

    def month_of(written: str) -> str:
        return month(date.fromisoformat(f"{written}-01"))

    def month_name(written: str) -> str:
        return str(calendar["months"][int(written[5:7]) - 1])

    return (
        environment()
        .get_template(template)
        .render(
            name=name,
            language=language,
            languages=LANGUAGES,
            w=words_of(language, name),
            c=words_of(language, "common"),
            words_of=words_of,
            day=day,
            short_day=short_day,
            month=month,
            month_of=month_of,
            month_name=month_name,
            moment=told_moment,
            time=lambda moment: f"{moment.astimezone(zone):%H:%M}",
            **values,
        )
    )
