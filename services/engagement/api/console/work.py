"""Work lists: what each kind of carrier, each health worker and each adviser is to do, and until when."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.pages.page import words_of
from engagement.api.service import Service
from engagement.api.worklists import NOTHING_ELSE, Beside, WeekPage, beside
from engagement.errors import Mistake
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.setup import HealthWorker
from engagement.workflows.carriers import CARRIERS
from engagement.workflows.crew import PAGE as MOST_WORKERS
from engagement.workflows.week_list import WeekWanted, week_lists
from engagement.workflows.week_sums import WeekList

MOST = 200


class Work(msgspec.Struct, frozen=True):
    """One list, and whose there are. of : whose it is"""

    of: str
    workers: tuple[str, ...]
    week: WeekList
    shown: WeekPage

    @property
    def carriers(self) -> tuple[str, ...]:
        """The kinds of carriers."""
        return CARRIERS

    def words(self, language: str) -> Mapping[str, Any]:
        """The words of lists, which pages that links open use too."""
        words: Mapping[str, Any] = words_of(language)["worklist"]
        return words


def subject_of(visit: Visit) -> str:
    """Whose list somebody opens: the health workers' where they do not say."""
    return visit.query.get("of", "") or "health_worker"


async def first(service: Service, visit: Visit) -> Beside:
    """What the list has beside decisions; nothing behind its first part."""
    if visit.query.get("after"):
        return NOTHING_ELSE
    return await beside(service, visit.who.key.program_id, subject_of(visit))


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[Work | Mistake]:
    """The list of each visitor."""
    wanted = [
        WeekWanted(
            subject_of(visit),
            visit.audience,
            visit.language,
            visit.query.get("after", ""),
            MOST,
            *(visit.found or NOTHING_ELSE),
        )
        for visit in visits
    ]
    people = [row.thing for row in setup.page(conn, program_id, "health_worker", "", MOST_WORKERS)]
    workers = tuple(row.id for row in people if isinstance(row, HealthWorker) and not row.ended)
    lists = week_lists(conn, kept, program_id, wanted, now_ms)
    return [
        week
        if isinstance(week, Mistake)
        else Work(subject_of(visit), workers, week, WeekPage(week, answerable=False))
        for visit, week in zip(visits, lists, strict=True)
    ]


PAGE = ConsolePage("work", "/work", read, menu=True, first=first)
