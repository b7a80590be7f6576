"""The application: every route, its errors, its description, and what surrounds it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router

from engagement.api import decisions, engagement, operations, recommendations, setup, signals
from engagement.api.guards import KeyRing
from engagement.api.middleware import Observed
from engagement.api.problems import HANDLERS
from engagement.api.service import Service

STATIC = Path(__file__).parent / "static"
MOST_BYTES = 4 * 1024 * 1024


def build(service: Service) -> Any:
    """The ASGI application of one process. It closes the service when it stops."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        service.close()

    clock = (operations.read_clock, operations.move_clock) if service.simulated else ()
    app = Litestar(
        route_handlers=[
            recommendations.recommend_one,
            recommendations.recommend_many,
            signals.report_signals,
            decisions.tell_decision,
            decisions.answer_decision,
            decisions.post_outcome,
            engagement.member_engagement,
            engagement.group_engagement,
            *setup.HANDLERS,
            operations.live,
            operations.ready,
            operations.metrics,
            operations.fold_now,
            *clock,
            create_static_files_router("/static", [STATIC], include_in_schema=False),
        ],
        exception_handlers=HANDLERS,
        openapi_config=_description(),
        lifespan=[lifespan],
        logging_config=None,
        request_max_body_size=MOST_BYTES,
    )
    app.state["service"] = service
    app.state["keys"] = KeyRing()
    return Observed(app, service.metrics, simulated=service.simulated)


def _description() -> OpenAPIConfig:
    """OpenAPI 3.1 at `/schema`, with Swagger UI served from here."""
    files = "/static/swagger-ui"
    return OpenAPIConfig(
        title="Engagement",
        version=version("engagement"),
        summary="What to try next, so that a peer-support group goes on.",
        path="/schema",
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", description="eng_<program>_<secret>")
            }
        ),
        security=[{"key": []}],
        render_plugins=[
            SwaggerRenderPlugin(
                path=["/", "/swagger"],
                js_url=f"{files}/swagger-ui-bundle.js",
                css_url=f"{files}/swagger-ui.css",
                standalone_preset_js_url=f"{files}/swagger-ui-standalone-preset.js",
            )
        ],
    )
