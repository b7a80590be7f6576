"""The application: every route, its errors, its description, and what surrounds it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar, MediaType, Response, get
from litestar.routes import HTTPRoute
from litestar.static_files import create_static_files_router

from engagement.api import (
    brief,
    candidates,
    decisions,
    engagement,
    erasures,
    evaluations,
    exports,
    handover,
    history,
    links,
    operations,
    places,
    plans,
    promotion,
    recommendations,
    referrals,
    register,
    reports,
    setup,
    signals,
    switch,
    trials,
    worklists,
)
from engagement.api.adapters import (
    cht,
    cloudevents,
    commcare,
    dhis2,
    fhir,
    openfeature,
    personalizer,
    rapidpro,
)
from engagement.api.allowance import Allowances
from engagement.api.bodies import Typed
from engagement.api.console import serve as console
from engagement.api.description import described
from engagement.api.express import Express
from engagement.api.fading import fading_routes
from engagement.api.guards import KeyRing
from engagement.api.middleware import Observed
from engagement.api.pages import serve
from engagement.api.problems import HANDLERS
from engagement.api.service import Service
from engagement.settings import MOST_BYTES

STATIC = Path(__file__).parent / "static"
FILES = "/static"


def build(service: Service, keys: KeyRing | None = None, allowances: Allowances | None = None) -> Observed:
    """The ASGI application of one process. It closes the service when it stops."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        service.close()

    @get("/schema/openapi.json", include_in_schema=False)
    async def description() -> Response[bytes]:
        """The API in OpenAPI 3.1."""
        return Response(written, media_type="application/vnd.oai.openapi+json")

    @get("/schema", media_type=MediaType.HTML, include_in_schema=False)
    async def page() -> str:
        """The same for people."""
        return shown

    app = Litestar(
        route_handlers=[
            recommendations.recommend_one,
            recommendations.recommend_many,
            recommendations.recommend_all,
            signals.report_signals,
            switch.stop_program,
            switch.resume_program,
            switch.list_switches,
            referrals.list_referrals,
            register.import_register_sheet,
            decisions.list_work,
            worklists.work_list,
            decisions.tell_decision,
            decisions.answer_many,
            decisions.answer_decision,
            decisions.post_outcome,
            *plans.HANDLERS,
            *links.HANDLERS,
            *serve.HANDLERS,
            *console.HANDLERS,
            *brief.HANDLERS,
            handover.site_handover,
            engagement.member_engagement,
            engagement.group_engagement,
            candidates.group_adviser_candidates,
            *history.HANDLERS,
            *setup.HANDLERS,
            *trials.HANDLERS,
            *places.HANDLERS,
            erasures.erase_member,
            *exports.HANDLERS,
            dhis2.export_dhis2,
            fhir.ROUTER,
            *evaluations.HANDLERS,
            *reports.HANDLERS,
            promotion.read_promotion,
            promotion.promote_strategy,
            *cht.ROUTES,
            *commcare.ROUTES,
            *rapidpro.ROUTES,
            *personalizer.ROUTES,
            *cloudevents.ROUTES,
            *openfeature.ROUTES,
            operations.live,
            operations.ready,
            operations.metrics,
            operations.program_metrics,
            operations.fold_now,
            *((operations.read_clock, operations.move_clock) if service.simulated else ()),
            description,
            page,
            create_static_files_router(FILES, [STATIC], include_in_schema=False),
        ],
        request_class=Typed,
        exception_handlers=HANDLERS,
        openapi_config=None,
        lifespan=[lifespan],
        logging_config=None,
        request_max_body_size=MOST_BYTES,
    )
    keys = keys or KeyRing()
    app.state["service"] = service
    app.state["keys"] = keys
    allowances = allowances or Allowances(service.settings.requests_a_minute)
    app.state["allowances"] = allowances
    written = described(app)
    shown = (STATIC / "schema" / "page.html").read_text()
    routes = [
        (str(method), route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
    ]
    return Observed(
        Express(app, service, keys, allowances),
        service.metrics,
        routes,
        FILES + "/",
        fading_routes(app.routes),
        simulated=service.simulated,
    )
