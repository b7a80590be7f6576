"""Quiet hours: when nobody is to be rung, knocked at or written to.

They turn no action away, for a decision is for a month or a week: they say from when on it may be carried
out. Only where that is later than the offer lasts is it none.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

Clock = Annotated[time, msgspec.Meta(tz=False)]


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From one time of the day to another, in the program's time zone, usually across midnight.

    starts : the first quiet moment      ends : the first one that is not
    """

    starts: Clock
    ends: Clock

    def __post_init__(self) -> None:
        """Refuses hours that never begin, or never end."""
        if self.starts == self.ends:
            raise ValueError("the quiet hours end when they start; leave them out, or give them a length")

    def cover(self, clock: time) -> bool:
        """Whether it is quiet at a time of the day."""
        if self.starts < self.ends:
            return self.starts <= clock < self.ends
        return clock >= self.starts or clock < self.ends


def deliver_from(quiet: QuietHours | None, now_ms: int, time_zone: str) -> int:
    """The first moment from now on that is not quiet, in milliseconds since the epoch.

    Where the clocks jump over that time of the day, it is the moment at which they have done so.
    """
    if quiet is None:
        return now_ms
    zone = ZoneInfo(time_zone)
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    clock = now.time()
    if not quiet.cover(clock):
        return now_ms
    ends_today = clock < quiet.ends
    day = now.date() + timedelta(days=not ends_today)
    # of an hour that the clocks show twice, the second is over only the second time
    ends = datetime.combine(day, quiet.ends, zone).replace(fold=now.fold if ends_today else 0)
    return int(ends.timestamp() * 1000)
