"""The page of a brief, to read on a phone or to print, and below it the form for after the meeting."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection

from engagement.api.pages.page import Form, Opened, Page, Sent, Shown, Taken
from engagement.errors import Mistake
from engagement.signals.hour import TALKS, Topic
from engagement.signals.signal import Audience, Reporter
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.workflows.brief import Brief, Look, brief
from engagement.workflows.month import Asked, MonthKept, group_that_meets, tell_months
from engagement.workflows.month_told import Month
from engagement.workflows.wording import Words, words_in

SEAT_FIELD = re.compile(r"(goal|new)\.(\d{1,4})(?:\.([A-Za-z0-9._:-]{1,64}))?")
SAVED = "saved"
REPORTER: Mapping[Audience, Reporter] = MappingProxyType(
    {"group": "adviser", "adviser": "adviser", "health_worker": "health_worker"}
)
"""Who tells of a meeting, by whose eyes the link is for."""
PRINTED = 3
"""Of those we missed, and of wins: a printed page has room for so many."""


class Goal(msgspec.Struct, frozen=True):
    """A goal on the form: its field, and what it is about, "" where that is not to be seen here."""

    field: str
    words: str


class Row(msgspec.Struct, frozen=True):
    """A seat on the form."""

    seat: int
    goals: tuple[Goal, ...]


class Content(msgspec.Struct, frozen=True):
    """What stands on the page.

    more : topics that were not suggested, with their words      printed : of each thing, so many on paper
    form : whether there is one, which there is where a link was opened
    """

    brief: Brief
    words: Words
    rows: tuple[Row, ...]
    more: tuple[tuple[Topic, str], ...]
    printed: int
    form: bool


@cache
def brief_style() -> str:
    """The page's own style sheet, for a page that is kept as a file."""
    return (Path(__file__).parents[1] / "static" / "brief.css").read_text()


def may(conn: Connection, _kept: Kept, program_id: str, subject: str, _now_ms: int) -> None:
    """Raises where there is no group of this name that meets."""
    group_that_meets(conn, program_id, subject)


def show(
    conn: Connection, kept: Kept, program_id: str, opened: Sequence[Opened], now_ms: int
) -> list[Shown | Mistake]:
    """The page of each link."""
    looks = [Look(one.link.subject, one.link.audience, one.language) for one in opened]
    return _pages(conn, kept, program_id, looks, now_ms, form=True)


def pages(
    conn: Connection, kept: Kept, program_id: str, looks: Sequence[Look], now_ms: int
) -> list[Shown | Mistake]:
    """The pages that a key asks for. Without a link there is nowhere to send a form."""
    return _pages(conn, kept, program_id, looks, now_ms, form=False)


def _pages(
    conn: Connection, kept: Kept, program_id: str, looks: Sequence[Look], now_ms: int, *, form: bool
) -> list[Shown | Mistake]:
    found: list[Shown | Mistake] = []
    for look in looks:
        try:
            found.append(_shown(conn, kept, program_id, look, now_ms, form=form))
        except Mistake as mistake:
            found.append(mistake)
    return found


def _shown(conn: Connection, kept: Kept, program_id: str, look: Look, now_ms: int, *, form: bool) -> Shown:
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    told = brief(conn, kept, program_id, look, now_ms)
    today = local_date(now_ms, program.time_zone)
    seats = [row.seat for row in setup.members_of_group(conn, program_id, look.group, today) if row.seat]
    words = words_in(told.language)
    content = Content(
        told,
        words,
        tuple(_rows(told, seats)) if form else (),
        tuple((topic, words.topics[topic]) for topic in TALKS if topic not in told.topics),
        PRINTED,
        form,
    )
    return Shown("brief.html", told.language, program, content)


def _rows(told: Brief, seats: Iterable[int]) -> Iterator[Row]:
    """Every seat, with each goal that waits; where goals are not to be seen, one question to each."""
    for seat in seats:
        waiting = [goal for goal in told.goals if goal.seat == seat]
        if len(waiting) > 1:
            yield Row(seat, tuple(Goal(f"goal.{seat}.{goal.chain}", goal.words) for goal in waiting))
        elif waiting or not told.whole:
            yield Row(seat, (Goal(f"goal.{seat}", waiting[0].words if waiting else ""),))
        else:
            yield Row(seat, ())


def take(
    conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int
) -> list[Taken | Mistake]:
    """Stores the meeting that each form tells of."""
    found: list[Taken | Mistake] = []
    for one in sent:
        month = month_of(one.form, REPORTER.get(one.link.audience, "staff"))
        if month is None:
            found.append(Taken("form_flaw"))
            continue
        asked = Asked(one.link.subject, month, whole=True)
        kept_month = tell_months(conn, kept, program_id, [asked], now_ms)[0]
        fine = isinstance(kept_month, MonthKept) and kept_month.status != "refused"
        found.append(Taken(place=SAVED) if fine else Taken("form_flaw"))
    return found


def month_of(form: Form, by: Reporter = "adviser") -> Month | None:
    """What a form tells, None where it cannot be read. Where nothing was ticked nothing is said."""
    first = {name: values[0] for name, values in form.items() if values and values[0]}
    goals, new = list[dict[str, Any]](), list[dict[str, Any]]()
    for name, value in first.items():
        field = SEAT_FIELD.fullmatch(name)
        if field is not None and field[1] == "goal":
            goals.append({"seat": int(field[2]), "became": value, "chain": field[3]})
        elif field is not None and field[3] is None:
            new.append({"seat": int(field[2]), "category": value})
    given: dict[str, Any] = {"held": first.get("held") == "1" if first.get("held") in ("0", "1") else None}
    given |= {"date": first.get("date"), "reported_by": by}
    if given["held"]:
        given["goals"] = goals
        given["new_goals"] = new or None
        given["present"] = form.get("came") or None
        given["met"] = form.get("met") or None
        given["wins"] = form.get("win") or None
        given["agenda"] = _agenda(form, first)
    try:
        return msgspec.convert(given, Month, strict=False)  # seats come as text
    except msgspec.ValidationError:
        return None


def _agenda(form: Form, first: dict[str, str]) -> dict[str, Any] | None:
    agreed = dict.fromkeys([*form.get("agreed", ()), *filter(None, form.get("add", ()))])
    if not agreed:
        return None
    suggested = form.get("suggested", ())
    return {"agreed": [*agreed], "suggested": suggested, "changed_by": first.get("changed_by", "members")}


PAGE = Page(scope="signals", may=may, show=show, take=take)
