"""No free text about a person is accepted anywhere: whatever takes text has its place in a list here.

A new field fails the first tests until somebody says what it is for. Each is then tried with what would
identify somebody, and the database is searched for it.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import msgspec
import pytest

from engagement.api import examples
from engagement.api.adapters import openfeature, personalizer
from engagement.api.pages import brief, worklist
from engagement.workflows import register, roster, survey
from support.examples import example_service, play
from support.running import Caller, Program, Running

SERVICES = Path(brief.__file__).parents[2]
PHONE, IN_WORDS = "9876543210", "ring 98765 43210"
Json = dict[str, Any]

IDS = """
.by .chains.* .conditions[].id .decision_point .fallback.name .goals[].chain .id .payer
.requests[].decision_point .signals[].chain .signals[].corrects .signals[].corrects_source
.signals[].id .signals[].source .switched.by .to .content[].template_id .advisers.screening.near[]
.advisers.screening.willing[] .rev
"""
"""The caller's own names: at most 128 signs of ASCII without a blank, so that no sentence fits."""

NAMED = """
.actions[] .conditions[].strategies[] .control.baseline.actions[] .shadow.baseline.actions[]
.answers[].decision_id .decision_id .default_strategy .default_adviser_strategy
.default_group_strategy .fallback.actions[] .features[] .posterior.expected[].action
.posterior.offset[] .posterior.slopes[].features[] .first .second .group .groups[] .into .member
.members[].member .of .pool .question.strategy .question.target.action .question.target.strategy
.requests[].group .requests[].member .requests[].strategy .seats[].member .signals[].group
.signals[].member .site .sites[] .strategy .trial .after .kind .signals[].kind .opens
"""
"""What must name something that is there already, and is refused where it does not."""

CODES = """
.content[].language .language .languages[] .floors[].where.language .currency .neighbourhood .period
.time_zone .amendments[].made_on .answers[].occurred_at .at .barriers_checked_on
.content[].reviewed_on .date .design.crosses_on .design.steps[] .ends_on .enrols_until
.leave[].ends_on .leave[].starts_on .now .occurred_at .on .payer_until .quiet_hours.ends
.quiet_hours.starts .reported_at .rhythm.first_on .shadow.until .signals[].occurred_at .starts_on
.signals[].value .value .signals.*
"""
"""Words of a vocabulary, days and moments; no other text is let in."""

TYPED = ".text .month.came .month.held .month.met .month.missed"
"""A month as it is typed on a phone: read for seats and yes or no, which are stored, and thrown away."""

SETUP = """
.amendments[].why .conditions[].title .content[].text .protocol.harms .protocol.stopping
.referrals[].role .switched.why .title .why
"""
"""Texts of the set-up, about actions, places and the program: by people who may change it, and of nobody."""

SHEETS = "(a sheet)"
"""A roster or a register, column by column below."""
FOREIGN = ".* .*[] .*.*"
"""A form of CommCare, whole: its mapping says which numbers and ids are read, and nothing else is stored."""

HIDDEN = """
.actions[].id .actions[].features[] .baselineAction .contextFeatures[] .eventId .excludedActions[]
.slots[].id .slots[].baselineAction .slots[].features[] .slots[].excludedActions[] .reward[].slotId
.context.* .rewardWaitTime .modelExportFrequency .lastConfigurationEditDate .logMirrorSasUri
.autoOptimizationFrequency .autoOptimizationStartDate .latestApprenticeModeMetrics
"""
"""Of protocols that are served as others have written them: ids, and features kept as digests."""

COLUMNS = {
    "ids": "arm catchment group group_health_worker member site",
    "codes": "age_band barrier_awareness barrier_money barrier_motivation barrier_sabotage barrier_time"
    " can_read chance channel compared conditions group_language health_worker language messages my_signals"
    " neighbourhood phone_kind role setting sex",
    "days and numbers": "barriers_checked_on came date goals_met goals_missed goals_set goal goal_set held"
    " joined_on seat",
}
FORMS = {
    "codes and days": "add agreed changed_by date ends_on held none reason status step stop suggested why",
    "seats": "came met missed win",
    "ids": "by decision_id revision",
    "words of whoever pauses the program": "note",
    "secrets, files and where to go": "file key next packed seen sign",
}
NO_FIELDS = {"htmx-config", "robots", "viewport"}


def texts_in(schema: Any, whole: Json, path: str = "", above: frozenset[str] = frozenset()) -> Iterator[str]:
    """Where in what a schema describes any text may stand."""
    if not isinstance(schema, dict):
        if schema is True:
            yield path
        return
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        if name not in above:
            yield from texts_in(whole[name], whole, path, above | {name})
        return
    for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from texts_in(one, whole, path, above)
    kinds = schema.get("type", ())
    if "array" in kinds or "items" in schema:
        yield from texts_in(schema.get("items", True), whole, f"{path}[]", above)
    for key, value in schema.get("properties", {}).items():
        yield from texts_in(value, whole, f"{path}.{key}", above)
    if "additionalProperties" in schema and schema["additionalProperties"] is not False:
        yield from texts_in(schema["additionalProperties"], whole, f"{path}.*", above)
    if "string" in kinds and not {"enum", "const"} & schema.keys():
        yield path
    if not schema.keys() - {"description", "title", "default"}:  # anything at all
        yield path


def placed(*lists: str) -> set[str]:
    """The fields of some lists."""
    return {field for one in lists for field in one.split()}


@pytest.fixture
def described(served: Running) -> Json:
    document: Json = served.client.get("/schema/openapi.json").json()
    return document


def bodies(described: Json) -> Iterator[tuple[str, str, Any]]:
    """(operation, media type, schema) of every body."""
    for methods in described["paths"].values():
        for told in methods.values():
            for media_type, content in told.get("requestBody", {}).get("content", {}).items():
                yield told["operationId"], media_type, content["schema"]


def test_every_text_of_every_body_is_something_that_is_written_down_here(described: Json) -> None:
    known = placed(IDS, NAMED, CODES, TYPED, SETUP, FOREIGN)
    whole = described["components"]["schemas"]
    found = set()
    for operation, media_type, schema in bodies(described):
        for field in texts_in(schema, whole):
            found.add(field)
            if not field:
                assert media_type.partition(";")[0] in (
                    "text/csv",
                    "application/toml",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ), operation
            else:
                assert field in known, f"{operation} takes text in `{field}`: say here what it is for"
    only_simulated = {".now"}
    assert known - found <= placed(FOREIGN) | only_simulated, "these fields are gone"


def test_every_text_of_the_protocols_that_are_not_described_is_written_down_too() -> None:
    found = set()
    for route in (*personalizer.ROUTES, *openfeature.ROUTES):
        for handler in getattr(route, "route_handlers", [route]):
            kind = get_type_hints(handler.fn, include_extras=True).get("data")
            if kind is not None:
                schemas, whole = msgspec.json.schema_components([kind])
                found |= {
                    field
                    for schema in schemas
                    for field in texts_in(schema, whole)
                    if "PlainValidator" not in field
                }
    assert found <= placed(HIDDEN), found - placed(HIDDEN)


def test_every_column_of_a_sheet_is_an_id_a_code_or_a_number() -> None:
    of_sheets = {*roster.COLUMNS, *survey.FACTS, *(name for one in register.COLUMNS.values() for name in one)}
    assert of_sheets == placed(*COLUMNS.values())


def test_every_field_of_a_form_has_its_place() -> None:
    pages = [*SERVICES.rglob("*.html"), *(Path(module.__file__) for module in (brief, worklist))]
    found = {
        name
        for page in pages
        for name in re.findall(r'<(?:input|select|textarea|button)\b[^>]*?\bname="([^"]+)"', page.read_text())
    }
    found = {name for name in found if "{" not in name}
    assert found - NO_FIELDS <= placed(*FORMS.values())
    asking = [page for page in pages if re.search(r"<textarea(?![^>]*\breadonly)", page.read_text())]
    assert not asking, "a page asks for sentences"


def leaves(value: Any, path: str = "", at: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each text in a body: its field, and the keys that lead to it."""
    if isinstance(value, str):
        yield path, at
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, f"{path}.{key}", (*at, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from leaves(one, f"{path}[]", (*at, place))


def changed(body: Any, at: tuple[Any, ...], text: str) -> Any:
    """A body with another text at one place."""
    out = deepcopy(body)
    within = out
    for key in at[:-1]:
        within = within[key]
    within[at[-1]] = text
    return out


class Prober:
    """A caller who, before each request, sends it with a phone number in the place of each of its texts."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.answers: dict[tuple[str, str], httpx.Response] = {}

    def get(self, path: str) -> httpx.Response:
        """Reads something."""
        return self._caller.get(path)

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Tries, and then sends."""
        for field, at in leaves(request.get("json")):
            if (path, field) not in self.answers:
                text = IN_WORDS if field in placed(SETUP) else PHONE
                told = request | {"json": changed(request["json"], at, text)}
                self.answers[path, field] = self._caller.call(method, path, **told)
        return self._caller.call(method, path, **request)


def test_a_phone_number_in_the_place_of_any_text_is_refused_and_nowhere_stored(tmp_path: Path) -> None:
    with example_service(tmp_path) as caller:
        prober = Prober(caller)
        for step, answer in play(prober, examples.STEPS):  # type: ignore[arg-type]  # it calls as a caller does
            assert answer.is_success, step["operation"]
    taken = {
        field
        for (path, field), answer in prober.answers.items()
        if answer.is_success and '"problem":{' not in answer.text and "/adapters/commcare/" not in path
    }
    assert taken <= placed(TYPED)
    refused = [answer for answer in prober.answers.values() if not answer.is_success]
    assert {answer.status_code for answer in refused} <= {400, 404, 409}
    named = {field for (_, field), answer in prober.answers.items() if "problem:identifying" in answer.text}
    assert named >= {".id", ".signals[].id", ".requests[].decision_point", ".title", ".why", ".by", ".to"}
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"98765" not in stored
    assert b"CREATE TABLE" in stored


NOW = "2026-01-05T06:00:00Z"
SIGNAL = {"source": "app", "id": "1", "kind": "attendance", "member": "ben", "occurred_at": NOW}
QUESTION = {"strategy": "learned", "target": {"kind": "always", "action": "none"}}
LINK = {"starts_on": "2026-01-01", "to": PHONE}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", f"/v1/members/{PHONE}", {"id": PHONE}, "id"),
        ("PUT", "/v1/members/98765_43210", {"id": "98765_43210"}, "id"),
        ("PUT", "/v1/members/02298765432", {"id": "02298765432"}, "id"),
        ("PUT", f"/v1/groups/{PHONE}", {"id": PHONE, "site": "site-1"}, "id"),
        ("PUT", f"/v1/health_workers/{PHONE}", {"id": PHONE}, "id"),
        ("PUT", f"/v1/sites/{PHONE}", {"id": PHONE, "title": "S"}, "id"),
        ("PUT", f"/v1/budgets/{PHONE}", {"id": PHONE, "limit_minor": 1}, "id"),
        ("POST", "/v1/recommendations", {"member": "ben", "decision_point": PHONE}, "decision_point"),
        ("POST", "/v1/recommendations", {"member": "ben", "decision_point": "a@b.org"}, "decision_point"),
        ("POST", "/v1/evaluations", {"id": PHONE, "question": QUESTION}, "id"),
        ("POST", "/v1/reports", {"id": PHONE}, "id"),
        ("POST", "/v1/groups/north/links", LINK | {"relation": "catchment"}, "to"),
        ("POST", "/v1/program/stop", {"by": "lead", "why": "Ask +91 98765 43210"}, "why"),
        ("POST", "/personalizer/rank", {"eventId": PHONE, "actions": [{"id": "a"}]}, "eventId"),
    ],
)  # fmt: skip
def test_the_error_names_the_field_and_repeats_no_number(
    program: Program, method: str, path: str, body: Json, field: str
) -> None:
    answer = program.caller("admin", "recommend", "research", "read", "signals").call(method, path, json=body)
    assert answer.status_code == 400, answer.text
    assert f"`{field}` looks like " in answer.text
    assert not re.search(r"98765|43210|a@b", answer.text)


@pytest.mark.parametrize("field", ["source", "id", "chain"])
def test_a_signal_is_refused_alone_by_the_name_of_its_field(program: Program, field: str) -> None:
    chained = {"kind": "goal_met", "chain": "g"} if field == "chain" else {}
    good, bad = SIGNAL | {"id": "2"}, SIGNAL | chained | {field: PHONE}
    answer = program.caller("signals").post("/v1/signals", {"signals": [bad, good]})
    refused, taken = answer.json()["results"]
    assert refused["problem"]["type"] == "urn:engagement:problem:identifying"
    assert refused["problem"]["errors"] == [{"field": field, "message": "looks like a phone number"}]
    assert taken["receipt"]["status"] == "stored"
    assert PHONE not in answer.text


def test_the_name_of_a_request_is_looked_at_too(program: Program) -> None:
    named = {"Idempotency-Key": f"for-{PHONE}"}
    answer = program.caller("admin").put("/v1/members/zoe", {"id": "zoe"}, headers=named)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert program.caller("admin").get("/v1/members/zoe").status_code == 404
