"""A group: its two years on one line, what is suggested now, its chain, and who sits in it."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.desk import Work
from engagement.api.engagement import Look
from engagement.api.engagement import groups as pictures
from engagement.api.service import Service, each, one
from engagement.errors import Mistake
from engagement.signals.signal import may_see
from engagement.store.kept import Kept
from engagement.workflows.engagement import Engagement
from engagement.workflows.group_course import CourseWanted, GroupCourse, courses
from engagement.workflows.group_open import OpenNow, PlaceInPlan, open_in, place_in_plan
from engagement.workflows.plan_told import READERS
from engagement.workflows.why import Weighed, WeighedWanted, weighed


class Read(NamedTuple):
    """What was read beforehand."""

    picture: Engagement
    course: GroupCourse


class GroupPage(msgspec.Struct, frozen=True):
    """A group. weighed : its own open decision, None where there is none      others : of its members"""

    picture: Engagement
    course: GroupCourse
    weighed: Weighed | None
    others: tuple[OpenNow, ...]
    place: PlaceInPlan | None


async def gather(service: Service, visit: Visit) -> Read:
    """The picture and the course, each read by itself, so that nobody waits for both."""
    program_id = visit.who.key.program_id
    look = Look(visit.of, visit.audience, visit.simulated)
    picture = await one(service, "read", Work(program_id, pictures), look)
    wanted = CourseWanted(visit.of, visit.audience)
    return Read(picture, await one(service, "read", Work(program_id, courses), wanted))


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[GroupPage | Mistake]:
    """The rest of each group's page."""
    return each(lambda visit: _page(conn, kept, program_id, visit, now_ms), visits)


def _page(conn: Connection, kept: Kept, program_id: str, visit: Visit, now_ms: int) -> GroupPage:
    found: Read = visit.found
    rows = open_in(conn, kept, program_id, visit.of, now_ms)
    own = next((row for row in rows if row.member is None), None)
    plans = may_see(visit.audience, READERS)
    return GroupPage(
        found.picture,
        found.course,
        None
        if own is None
        else weighed(
            conn,
            kept,
            program_id,
            WeighedWanted(own.decision_id, visit.audience, visit.simulated),
            now_ms,
        ),
        tuple(row for row in rows if row.member is not None),
        place_in_plan(conn, kept, program_id, visit.of, visit.audience, now_ms) if plans else None,
    )


PAGE = ConsolePage("group", "/groups/{of:str}", read, under="groups", first=gather)
