"""Rank, reward and activate as Azure AI Personalizer had them, in both its families of addresses.

Statuses, names and codes of errors are that service's (its published API specification, versions 1.0 and
2022-09-01-preview), for its clients raise on any other. What is said of events is stored, learned and made
again like everything else here.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from typing import Annotated, Any, NamedTuple, cast

import msgspec
import numpy as np
from litestar import Request, Response, delete, get, post, put
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.guards import Connected, Needs
from engagement.api.problems import HANDLERS, headers_of, response_to
from engagement.api.service import Call, one, only, service_of
from engagement.api.terms import by_of
from engagement.bandits import featured
from engagement.bandits.propensity import ONE
from engagement.errors import EngagementError, Invalid, NotFound
from engagement.records import Named
from engagement.signals.free_features import named
from engagement.store import setup
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.keys import Scope
from engagement.strategy.ranking import LONGEST_WAIT_S, Aggregation, Mode, Ranking, Reward
from engagement.workflows.acted import Deed, acted
from engagement.workflows.event_report import EventReport, report_events
from engagement.workflows.personal import refusal
from engagement.workflows.rank import RankAsk, RankTold, Slot, rank_events
from engagement.workflows.tell import moment

KEY = "Ocp-Apim-Subscription-Key"
CALL = "x-ms-client-request-id"
ADDRESS = "@"
MOST_ACTIONS = 50
MOST_MOMENT = 256
MOST_OWN = 64
"""Features of the moment, and of one action, that a rank may have."""
LEAST_WAIT_S = 5
RANK_S = 2.0
Json = dict[str, Any]
LONGEST = 256
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class _Camel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """What is written in that service's way of naming fields."""


class Rankable(_Camel, frozen=True):
    """An action with whatever is known of it."""

    id: Name
    features: list[Any] | None = None


class RankBody(_Camel, frozen=True):
    """A rank of actions for one place."""

    actions: tuple[Rankable, ...]
    context_features: list[Any] | None = None
    excluded_actions: tuple[str, ...] | None = None
    event_id: Name | None = None
    defer_activation: bool | None = False


class SlotBody(_Camel, frozen=True):
    """A place that shows one action. baseline_action : shown where nothing else is known"""

    id: Name
    baseline_action: str
    features: list[Any] | None = None
    excluded_actions: tuple[str, ...] | None = None


class ManyBody(_Camel, frozen=True):
    """A rank for several places at once."""

    actions: tuple[Rankable, ...]
    slots: Annotated[tuple[SlotBody, ...], msgspec.Meta(min_length=1, max_length=MOST_ACTIONS)]
    context_features: list[Any] | None = None
    event_id: Name | None = None
    defer_activation: bool | None = False


class RewardBody(_Camel, frozen=True):
    """What an event earned."""

    value: Reward


class SlotReward(_Camel, frozen=True):
    """What one slot of an event earned."""

    slot_id: Name
    value: Reward


class ManyRewards(_Camel, frozen=True):
    """What slots of an event earned."""

    reward: Annotated[tuple[SlotReward, ...], msgspec.Meta(min_length=1, max_length=MOST_ACTIONS)]


class ServiceConfiguration(_Camel, frozen=True):
    """The settings of that service. Those that mean something here are required; see `told`."""

    reward_wait_time: timedelta
    default_reward: Reward
    reward_aggregation: Aggregation
    exploration_percentage: Annotated[float, msgspec.Meta(ge=0, le=1)]
    model_export_frequency: timedelta
    log_retention_days: int = -1
    model_retrain_days: int = 0
    learning_mode: Mode = "Online"
    last_configuration_edit_date: datetime | None = None
    log_mirror_enabled: bool | None = False
    log_mirror_sas_uri: str | None = None
    is_auto_optimization_enabled: bool | None = False
    auto_optimization_frequency: str | None = None
    auto_optimization_start_date: str | None = None
    latest_apprentice_mode_metrics: Any = None


class Refused(Invalid):
    """A value is missing, malformed or out of range."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


# --- errors, keys, addresses ----------------------------------------------------------------------

CODES = {
    401: "InvalidApiAccess",
    403: "InvalidApiAccess",
    404: "ResourceNotFound",
    413: "PayloadSizeExceeded",
}


def in_its_words(request: Request[Any, Any, Any], error: Exception) -> Response[Json]:
    """Any error in that service's shape, with its code. The status is ours; so are the words."""
    answered = response_to(request, error)
    problem = answered.content
    code = CODES.get(problem.status, "InternalServerError" if problem.status >= 500 else "BadRequest")
    if problem.status in (400, 409):
        code = getattr(error, "code", None) or request.route_handler.opt.get("code", code)
    said: Json = {"code": code, "message": problem.detail or problem.title}
    flaws = problem.errors or ()
    if flaws and flaws[0].field:
        said["target"] = flaws[0].field
    return Response({"error": said}, status_code=problem.status, headers=headers_of(problem))


async def in_its_program(connection: Connected, _: BaseRouteHandler) -> None:
    """A guard: an address that names a program is for that program's keys."""
    said = connection.path_params.get("program")
    own: str = connection.scope["auth"].program_id
    if said is not None and said.replace("-", "").lower() != own.replace("-", ""):
        raise NotFound("there is no such program for this key")


def _at(tail: str) -> list[str]:
    """Both families of an address, each as it is and within a program."""
    return [
        f"{program}/personalizer{version}/{tail}"
        for program in ("", "/programs/{program:str}")
        for version in ("/v1.0", "")
    ]


def _how(scope: Scope, **options: Any) -> Json:
    """What every handler here has."""
    return {
        "guards": [Needs(scope, KEY), in_its_program],
        "exception_handlers": dict.fromkeys(HANDLERS, in_its_words),
        "include_in_schema": False,
        **options,
    }


# --- rank -----------------------------------------------------------------------------------------


@post(_at("rank"), **_how("recommend", status_code=201, code="InvalidRankRequest"))
async def rank(request: Call, data: JSONBody[RankBody]) -> Json:
    """Choose one of some actions."""
    told = await _ranked(request, data)
    [slot] = told.slots
    return {
        "ranking": [{"id": row.action, "probability": row.probability / ONE} for row in slot.ranking],
        "eventId": told.event_id,
        "rewardActionId": slot.chosen,
        **_more(request, told),
    }


@post(_at("multislot/rank"), **_how("recommend", status_code=201, code="InvalidRankRequest"))
async def rank_slots(request: Call, data: JSONBody[ManyBody]) -> Json:
    """Choose an action for each of several places, none twice."""
    told = await _ranked(request, data)
    slots = [{"id": slot.name, "rewardActionId": slot.chosen} for slot in told.slots]
    return {"slots": slots, "eventId": told.event_id, **_more(request, told)}


def _more(request: Call, told: RankTold) -> Json:
    """What its answers did not say: which model answered, since when, and until when rewards are awaited."""
    more = {
        "modelVersion": told.version,
        "modelUpdatedAt": None if told.updated_at is None else moment(told.updated_at),
        "learningMode": told.mode,
        "rewardUntil": moment(told.closes_at),
    }
    return more | ({"simulated": True} if service_of(request).simulated else {})


async def _ranked(request: Call, body: RankBody | ManyBody) -> RankTold:
    """Asks the desk. That protocol knows no safe default, so a rank waits longer than a recommendation."""
    service, key = service_of(request), request.auth
    call = _call(request)
    event_id = body.event_id or (uuid7(service.clock.now_ms()) if call is None else f"call-{call}")
    _check(body, event_id)
    digest = sha256(msgspec.json.encode(body, order="deterministic")).digest()
    # crossing features is arithmetic of some milliseconds: neither the event loop nor a lane waits for it
    ask = await asyncio.to_thread(_understood, body, event_id, digest, key.program_id.encode())
    work = Work(key.program_id, rank_events)
    [told] = await service.desk.ask("decide", work, [ask], deadline_s=RANK_S)
    if isinstance(told, EngagementError):
        raise told
    return cast("RankTold", told)


def _call(request: Call) -> str | None:
    """What names a call, the same when its client sends it again; None where the client does not say."""
    said = request.headers.get(CALL)
    return blake2b(said.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest() if said else None


def _check(body: RankBody | ManyBody, event_id: str) -> None:
    """Refuses what could not be spoken of afterwards, and choices that are none."""
    if not event_id.isprintable() or "/" in event_id or event_id in (".", ".."):
        raise Invalid("`eventId` stands in addresses later: it may be no `.` or `..`, and hold no `/`")
    if ADDRESS in event_id:
        raise Invalid("`eventId` holds an `@`: ids are pseudonyms, no addresses")
    if (identifying := refusal("eventId", event_id)) is not None:
        raise identifying
    ids = [action.id for action in body.actions]
    if not 1 <= len(ids) <= MOST_ACTIONS:
        raise Invalid(f"`actions` are 1 to {MOST_ACTIONS}, not {len(ids)}")
    _check_ids("actions", ids)
    if isinstance(body, ManyBody):
        _check_ids("slots", [slot.id for slot in body.slots])
        if len(body.slots) > len(ids):
            raise Invalid(f"there are {len(body.slots)} slots for {len(ids)} actions")


def _check_ids(field: str, ids: Sequence[str]) -> None:
    if len(set(ids)) < len(ids):
        raise Invalid(f"`{field}` hold one id twice")
    if not all(map(str.isprintable, ids)):
        raise Invalid(f"an id among the `{field}` cannot be printed")
    if any(ADDRESS in name for name in ids):
        raise Invalid(f"an id among the `{field}` holds an `@`: ids are pseudonyms, no addresses")
    for place, name in enumerate(ids):
        if (identifying := refusal(f"{field}[{place}].id", name)) is not None:
            raise identifying


def _understood(body: RankBody | ManyBody, event_id: str, digest: bytes, key: bytes) -> RankAsk:
    """A request as the workflow takes it: features hashed and crossed."""
    ids = tuple(action.id for action in body.actions)
    own = tuple(
        named(action.features or (), key, space="action", most=MOST_OWN, extra=(f"id={action.id}",))
        for action in body.actions
    )
    shared = body.context_features or []
    if isinstance(body, RankBody):
        slots = [_slot("", ids, own, body.excluded_actions or (), None, _moment(shared, [], key))]
    else:
        slots = [
            _slot(
                slot.id,
                ids,
                own,
                slot.excluded_actions or (),
                slot.baseline_action,
                _moment(shared, [slot.features or [], {"slot": slot.id}], key),
            )
            for slot in body.slots
        ]
    return RankAsk(event_id, digest, bool(body.defer_activation), tuple(slots))


def _moment(shared: list[Any], place: list[Any], key: bytes) -> Named:
    """Features of the moment, and of the place that shows the action."""
    parts = [named(shared, key, space="moment", most=MOST_MOMENT)]
    parts += [named(place, key, space="slot", most=MOST_OWN)] if place else []
    return Named(
        np.concatenate([part.names for part in parts]), np.concatenate([part.values for part in parts])
    )


def _slot(
    name: str,
    ids: tuple[str, ...],
    own: tuple[Named, ...],
    excluded: Sequence[str],
    baseline: str | None,
    moment_: Named,
) -> Slot:
    flags = tuple(action in excluded for action in ids)
    where = f"slot `{name}`: " if name else ""
    if all(flags):
        raise Invalid(f"{where}`excludedActions` leave no action to choose")
    if baseline is None:
        place = flags.index(False)
    elif baseline not in ids or flags[ids.index(baseline)]:
        raise Invalid(f"{where}`baselineAction` is not among the actions that may be shown")
    else:
        place = ids.index(baseline)
    phi = np.stack([featured.features(moment_, features) for features in own])
    return Slot(name, ids, flags, place, moment_, own, phi)


# --- reward and activate --------------------------------------------------------------------------


@post(_at("events/{event_id:str}/reward"), **_how("signals", status_code=204, code="InvalidRewardRequest"))
async def reward(request: Call, data: JSONBody[RewardBody]) -> None:
    """Say what an event earned."""
    await _report(request, (("", data.value),), slotted=False)


@post(
    _at("events/{event_id:str}/activate"),
    **_how("recommend", status_code=204, code="InvalidEventIdToActivate"),
)
async def activate(request: Call) -> None:
    """Say that what was chosen is shown, so that the event counts."""
    await _report(request, None, slotted=False)


@post(
    _at("multislot/events/{event_id:str}/reward"),
    **_how("signals", status_code=204, code="InvalidRewardRequest"),
)
async def reward_slots(request: Call, data: JSONBody[ManyRewards]) -> None:
    """Say what slots of an event earned."""
    slots = [row.slot_id for row in data.reward]
    if len(set(slots)) < len(slots):
        raise Invalid("`reward` names a slot twice")
    await _report(request, tuple((row.slot_id, row.value) for row in data.reward), slotted=True)


@post(
    _at("multislot/events/{event_id:str}/activate"),
    **_how("recommend", status_code=204, code="InvalidEventIdToActivate"),
)
async def activate_slots(request: Call) -> None:
    """Say that what was chosen for the slots is shown."""
    await _report(request, None, slotted=True)


async def _report(request: Call, rewards: tuple[tuple[str, float], ...] | None, *, slotted: bool) -> None:
    event_id: str = request.path_params["event_id"]
    if not event_id.isprintable() or len(event_id) > LONGEST:
        raise NotFound("there is no such event in this program")
    told = EventReport(event_id, rewards, _call(request), slotted)
    await one(service_of(request), "record", Work(request.auth.program_id, report_events), told)


# --- settings, and what there is not --------------------------------------------------------------


@get(_at("configurations/service"), **_how("read"))
async def read_configuration(request: Call) -> Json:
    """Read how ranks are decided and learned."""
    work = Work(request.auth.program_id, configured)
    return _configuration(await one(service_of(request), "read", work, None))


@put(_at("configurations/service"), **_how("admin", code="InvalidServiceConfiguration"))
async def change_configuration(request: Call, data: JSONBody[ServiceConfiguration]) -> Json:
    """Change how ranks are decided and learned from now on. What was ranked keeps what held then."""
    wait_s = round(data.reward_wait_time.total_seconds())
    if not LEAST_WAIT_S <= wait_s <= LONGEST_WAIT_S:
        raise Refused("InvalidRewardWaitTime", "`rewardWaitTime` is PT5S to P370D")
    export_s = round(data.model_export_frequency.total_seconds())
    if not 1 <= export_s <= LONGEST_WAIT_S:
        raise Invalid("`modelExportFrequency` is PT1S to P370D")
    for field, wanted in (
        ("logMirrorEnabled", data.log_mirror_enabled),
        ("isAutoOptimizationEnabled", data.is_auto_optimization_enabled),
    ):
        if wanted:
            raise Refused("OperationNotAllowed", f"`{field}` can only be false here")
    wanted_settings = Ranking(
        default_reward=data.default_reward,
        wait_s=wait_s,
        aggregation=data.reward_aggregation,
        exploration=data.exploration_percentage,
        mode=data.learning_mode,
        export_s=export_s,
    )
    work = Work(request.auth.program_id, acted)
    deed = Deed(by_of(request), configured, [wanted_settings])
    return _configuration(only(await one(service_of(request), "record", work, deed)))


class Configured(NamedTuple):
    """Settings, and since when they hold; None for the defaults."""

    settings: Ranking
    since: int | None


def configured(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[Ranking | None], now_ms: int
) -> list[Configured]:
    """Stores settings where some are given, in order, and says which hold."""
    for settings in wanted:
        if settings is not None:
            setup.revise(conn, program_id, [settings], now_ms)
    found = setup.history(conn, program_id, "ranking", ["ranking"]).get("ranking", [])
    stands = Configured(*cast("tuple[Ranking, int]", found[-1])) if found else Configured(Ranking(), None)
    return [stands] * len(wanted)


def _configuration(stands: Configured) -> Json:
    """What holds, in that service's names; and what always holds here, whatever was asked for."""
    own = stands.settings
    return {
        "rewardWaitTime": duration(own.wait_s),
        "defaultReward": own.default_reward,
        "rewardAggregation": own.aggregation,
        "explorationPercentage": own.exploration,
        "modelExportFrequency": duration(own.export_s),
        "learningMode": own.mode,
        "lastConfigurationEditDate": None if stands.since is None else moment(stands.since),
        "logRetentionDays": -1,
        "modelRetrainDays": 0,
        "logMirrorEnabled": False,
        "isAutoOptimizationEnabled": False,
    }


def duration(seconds: int) -> str:
    """Seconds in ISO 8601, in its largest units."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (left, "S")) if n)
    return f"P{f'{days}D' if days else ''}{f'T{time}' if time else ''}"


OF_ITS_OWN = ("configurations", "evaluations", "featureImportances", "logs", "model", "settings")
"""What that service had beside ranks and rewards: its own kind of model, and files of it."""


async def _elsewhere(request: Call) -> Response[Json]:
    """Refuses whatever else that service had."""
    rest = request.path_params["rest"].strip("/").removeprefix("v1.0").strip("/")
    if rest.partition("/")[0] in OF_ITS_OWN:
        raise Refused("OperationNotAllowed", f"there is no `{rest}` here; see the page on moving from it")
    raise NotFound(f"there is no address `{rest}` in this protocol")


REST = [f"{program}/personalizer/{{rest:path}}" for program in ("", "/programs/{program:str}")]


@get(REST, **_how("read"))
async def read_elsewhere(request: Call) -> Response[Json]:
    """Refuse what there is not."""
    return await _elsewhere(request)


@post(REST, **_how("read", takes=None))
async def post_elsewhere(request: Call) -> Response[Json]:
    """Refuse what there is not."""
    return await _elsewhere(request)


@put(REST, **_how("read", takes=None))
async def put_elsewhere(request: Call) -> Response[Json]:
    """Refuse what there is not."""
    return await _elsewhere(request)


@delete(REST, **_how("read", status_code=200))
async def delete_elsewhere(request: Call) -> Response[Json]:
    """Refuse what there is not."""
    return await _elsewhere(request)


ROUTES = (
    rank,
    rank_slots,
    reward,
    reward_slots,
    activate,
    activate_slots,
    read_configuration,
    change_configuration,
    read_elsewhere,
    post_elsewhere,
    put_elsewhere,
    delete_elsewhere,
)
