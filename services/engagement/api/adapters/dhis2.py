"""DHIS2: a month's counts by site, as its `dataValueSets` takes them."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.service import Call, each, one, service_of
from engagement.errors import Forbidden, Mistake
from engagement.signals.signal import may_see
from engagement.store.kept import Kept
from engagement.workflows.dhis2 import (
    Counted,
    DataValueSet,
    count_groups,
    data_values,
    month_before,
    month_of,
)

InPeriod = Annotated[
    str,
    QueryParameter(
        name="period",
        pattern=r"^(2\d{3}(0[1-9]|1[0-2]))?(?!\n)$",
        description="The month, such as 202603; the last that is over when absent",
    ),
]
AtLeast = Annotated[
    int,
    QueryParameter(name="least", ge=0, le=100, description="Leave out numbers below this, but not 0"),
]


@get("/v1/exports/dhis2", guards=[Needs("read")], tags=["exports"])
async def export_dhis2(request: Call, period: InPeriod = "", least: AtLeast = 0) -> DataValueSet:
    """Count a month's groups, meetings and goals by site, for DHIS2.

    For staff. Sites and counts go by their codes: import with `orgUnitIdScheme=CODE` and
    `dataElementIdScheme=CODE`. To go by uids, use `engagement export dhis2` with a map.
    """
    if not may_see(request.auth.audience, "staff"):
        raise Forbidden("counts for a health information system are for staff")
    service, program_id = service_of(request), request.auth.program_id
    month: date = await one(service, "read", Work(program_id, months), month_of(period) if period else None)
    counts: Counter[tuple[str, str]] = Counter()
    after: str | None = ""
    while after is not None:
        counted: Counted = await one(service, "read", Work(program_id, counting), (month, after))
        counts.update(counted.counts)
        after = counted.next
    return data_values(counts, f"{month:%Y%m}", None, least)


def months(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[date | None], now_ms: int
) -> list[date]:
    """The month that is meant by each wish."""
    return [month or month_before(conn, kept, program_id, now_ms) for month in wanted]


def counting(
    conn: Connection, kept: Kept, program_id: str, cuts: Sequence[tuple[date, str]], now_ms: int
) -> list[Counted | Mistake]:
    """The counts of some groups for each wish. cuts : (month, the id to go on behind) each"""
    return each(lambda cut: count_groups(conn, kept, program_id, *cut, now_ms), cuts)
