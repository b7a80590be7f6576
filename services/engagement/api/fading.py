"""Routes that are on their way out say so with every answer: since when, until when, and what to use instead.

`Deprecation` is RFC 9745's, `Sunset` RFC 8594's; of the links `deprecation` leads to the
description of the interface, `successor-version` (RFC 5829) to the route to use instead.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from litestar.routes import BaseRoute, HTTPRoute

SUPPORT_DAYS = 365
"""A route goes on working for at least so long after it was declared to be on its way out."""
Header = tuple[bytes, bytes]


class Fades(NamedTuple):
    """A route on its way out. since : declared; until : it is sure to work; instead : the route to use"""

    since: date
    until: date
    instead: str

    @property
    def headers(self) -> tuple[Header, ...]:
        """What every answer of the route says."""
        links = f'</schema>; rel="deprecation", <{self.instead}>; rel="successor-version"'
        return (
            (b"deprecation", b"@%d" % _start(self.since).timestamp()),
            (b"sunset", format_datetime(_start(self.until), usegmt=True).encode()),
            (b"link", links.encode()),
        )


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def fading(since: date, until: date, instead: str) -> Mapping[str, Any]:
    """Options of a handler on its way out: `@get("/v1/old", **fading(…))`.

    raises : ValueError where callers would have less time than is promised
    """
    if (until - since).days < SUPPORT_DAYS:
        raise ValueError(f"a route works for {SUPPORT_DAYS} days after it was declared to be on its way out")
    return MappingProxyType({"deprecated": True, "fades": Fades(since, until, instead)})


def fading_routes(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], tuple[Header, ...]]:
    """Headers by method and template, of every route that is on its way out."""
    return {
        (str(method), route.path_format): handler.opt["fades"].headers
        for route in routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "fades" in handler.opt
        for method in handler.http_methods
    }
