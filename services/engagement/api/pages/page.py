"""What a page is that a link opens, and how its words are found. A new page is one `Page` in `PAGES`."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from engagement.api.desk import Workflow
from engagement.api.service import Service
from engagement.store.keys import Scope
from engagement.store.page_links import PageLink
from engagement.strategy.setup import Program
from engagement.workflows.page_link import May

HERE = Path(__file__).parent
LANGUAGES = ("en", "hi", "te")
"""Languages that pages are written in: one file of words each."""
Form = Mapping[str, tuple[str, ...]]
"""What a form sent: every value of every field."""


class Page(NamedTuple):
    """A kind of page.

    scope : what a key must have to give such a link, since whoever holds the link can do as much
    may : whether there is such a page: raises a `Mistake` where there is not
    show : a workflow that reads: `Opened` → `Shown`      take : one that writes: `Sent` → `Taken`
    first : what takes too long for one go, read in parts beforehand; it comes with `Opened`
    """

    scope: Scope
    may: May
    show: Workflow
    take: Workflow
    first: Callable[[Service, PageLink], Awaitable[Any]] | None = None


class Opened(NamedTuple):
    """A link that somebody opened. language : asked for, "" for none      found : of the page's `first`"""

    link: PageLink
    language: str
    found: Any = None


class Sent(NamedTuple):
    """A form that was sent to a link."""

    link: PageLink
    form: Form


class Taken(NamedTuple):
    """What became of a form.

    trouble : "" when it was taken, else the key of a sentence below the page's own words
    place : the id on the page where to go on
    """

    trouble: str = ""
    place: str = ""


class Shown(NamedTuple):
    """A page as it is to be drawn: `content` is what its template calls `page`."""

    template: str
    language: str
    program: Program
    content: msgspec.Struct


def spoken(*wishes: str | None) -> str:
    """The first of these languages that pages are written in, else English."""
    return next((wish for wish in wishes if wish in LANGUAGES), LANGUAGES[0])


@cache
def words_of(language: str) -> Mapping[str, Any]:
    """The words of a language: `common` to all pages, and those of each kind of page."""
    words: dict[str, Any] = msgspec.toml.decode((HERE / "words" / f"{language}.toml").read_bytes())
    return words


def day_in_words(day: date, language: str) -> str:
    """A day with its weekday, such as Tuesday 10 March."""
    words = words_of(language)["common"]
    return f"{words['weekdays'][day.weekday()]} {day.day} {words['months'][day.month - 1]}"


@cache
def style() -> str:
    """The style sheet, for a page that is kept as a file of its own."""
    return (HERE.parent / "static" / "pages.css").read_text()


@cache
def environment(folder: Path = HERE / "templates") -> Environment:
    """Templates that refuse a name they do not know; those of pages escape everything."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def drawn(template: str, language: str, time_zone: str, **values: Any) -> str:
    """A template in a language. Its `day` and `time` write dates and moments as people there read them."""
    zone = ZoneInfo(time_zone)

    def day(moment: date | datetime) -> str:
        local = moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
        return day_in_words(local, language)

    return (
        environment()
        .get_template(template)
        .render(
            language=language,
            languages=LANGUAGES,
            w=words_of(language),
            words_of=words_of,
            day=day,
            time=lambda moment: f"{moment.astimezone(zone):%H:%M}",
            **values,
        )
    )
