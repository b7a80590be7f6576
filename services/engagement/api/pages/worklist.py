"""The page of a work list: what waits to be done, with buttons to say what became of each thing."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.pages.page import Opened, Page, Sent, Shown, Taken, spoken
from engagement.api.service import Service
from engagement.api.worklists import Beside, WeekPage, beside
from engagement.errors import Conflict, Mistake
from engagement.store import decisions, setup
from engagement.store.kept import Kept
from engagement.store.page_links import PageLink
from engagement.strategy.cadence import local_date
from engagement.workflows.answer import DecisionId, Reply, answer
from engagement.workflows.carriers import whose
from engagement.workflows.week_list import WeekWanted, on_list, week_lists
from engagement.workflows.week_sums import for_phone

UNTIL_DONE = ("proposed", "accepted", "expired", "not_done")
"""Where a decision stands that could still be done: what keeps it from that is that it was not earned."""


class Answer(Reply, frozen=True, kw_only=True):
    """What a form says became of one thing."""

    decision_id: DecisionId


def may(conn: Connection, kept: Kept, program_id: str, subject: str, now_ms: int) -> None:
    """Raises NotFound where nobody has such a list."""
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    whose(conn, program_id, subject, local_date(now_ms, program.time_zone))


async def first(service: Service, link: PageLink) -> Beside:
    """What the list has beside decisions."""
    return await beside(service, link.program_id, link.subject)


def show(
    conn: Connection, kept: Kept, program_id: str, opened: Sequence[Opened], now_ms: int
) -> list[Shown | Mistake]:
    """The page of each link."""
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    wanted = [
        WeekWanted(
            one.link.subject,
            one.link.audience,
            one.language or None,
            silent=one.found.silent,
            cares=one.found.cares,
        )
        for one in opened
    ]
    lists = week_lists(conn, kept, program_id, wanted, now_ms)
    return [
        week
        if isinstance(week, Mistake)
        else Shown(
            "worklist.html",
            spoken(one.language, week.language, program.language),
            program,
            WeekPage(for_phone(week), answerable=True),
        )
        for one, week in zip(opened, lists, strict=True)
    ]


def take(
    conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int
) -> list[Taken | Mistake]:
    """Stores what each form says became of a thing, if that stands on the link's list."""
    return [_taken(conn, kept, program_id, one, now_ms) for one in sent]


def _taken(conn: Connection, kept: Kept, program_id: str, sent: Sent, now_ms: int) -> Taken | Mistake:
    first_of = {name: values[0] for name, values in sent.form.items() if values[0]}
    try:
        said = msgspec.convert(first_of, Answer)
    except msgspec.ValidationError:
        return Taken("not_understood")
    decision = decisions.by_id(conn, program_id, [said.decision_id]).get(said.decision_id)
    try:
        here = decision is not None and on_list(conn, kept, program_id, sent.link.subject, decision, now_ms)
    except Mistake as gone:
        return gone
    if not here:
        return Taken("not_here")
    reply = Reply(said.status, said.reason, said.occurred_at)
    stood = answer(conn, kept, program_id, [(said.decision_id, reply)], now_ms)[0]
    if isinstance(stood, Conflict):
        life = decisions.answers(conn, program_id, [said.decision_id])[said.decision_id]
        stands = life[-1].status if life else "proposed"
        return Taken("not_earned" if said.status == "done" and stands in UNTIL_DONE else "already")
    return Taken("not_understood") if isinstance(stood, Mistake) else Taken(place=f"d-{said.decision_id}")


PAGE = Page(scope="recommend", may=may, show=show, take=take, first=first)
