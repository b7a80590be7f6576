"""A route on its way out says so with every answer, and no other route does."""

from contextlib import closing
from datetime import date
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.testing import TestClient

from engagement.api.app import build
from engagement.api.fading import fading, fading_routes
from engagement.api.middleware import Observed
from engagement.api.service import Service
from engagement.clock import SimulatedClock
from engagement.settings import Settings
from engagement.store.database import Database
from engagement.telemetry import Metrics

SINCE, UNTIL = date(2026, 3, 1), date(2027, 3, 1)


@get("/v1/old/{name:str}", **fading(SINCE, UNTIL, "/v1/new"))
async def old(name: FromPath[str]) -> str:
    return name


@get("/v1/new")
async def new() -> str:
    return "new"


@pytest.fixture
def client() -> Any:
    app = Litestar([old, new], openapi_config=None)
    routes = [("GET", "/v1/old/{name}"), ("GET", "/v1/new")]
    observed = Observed(app, Metrics(), routes, "/static/", fading_routes(app.routes), simulated=False)
    with TestClient(observed) as made:
        yield made


def test_since_when_until_when_and_what_instead(client: Any) -> None:
    """2026-03-01T00:00Z is 1 772 323 200 s after the epoch: 20 513 days. A Monday is 2027-03-01."""
    headers = client.get("/v1/old/thing").headers
    assert headers["deprecation"] == f"@{20_513 * 86_400}"
    assert headers["sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert headers["link"] == '</schema>; rel="deprecation", </v1/new>; rel="successor-version"'


def test_another_route_says_nothing_of_it(client: Any) -> None:
    assert {"deprecation", "sunset", "link"}.isdisjoint(client.get("/v1/new").headers)


def test_callers_are_given_a_year() -> None:
    with pytest.raises(ValueError, match="365 days"):
        fading(SINCE, date(2027, 2, 28), "/v1/new")


def test_what_says_so_in_its_answers_says_so_in_the_description(tmp_path: Any) -> None:
    """And the other way round; today no route is on its way out."""
    with closing(Database(f"sqlite:///{tmp_path}/x.db")) as db:
        service = Service(db, SimulatedClock(0), Settings(fold_every_s=0))
        routes = build(service).app.app.routes
        said = {path for _, path in fading_routes(routes)}
        described = {
            route.path_format
            for route in routes
            for handler in getattr(route, "route_handlers", ())
            if getattr(handler, "deprecated", False)
        }
        service.close()
    assert said == described
