"""The API describes itself: in OpenAPI for programs, and as a page for people that asks no other host."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from support.running import Running

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def described(served: Running) -> dict[str, Any]:
    told: dict[str, Any] = served.client.get("/schema/openapi.json").json()
    return told


@pytest.fixture(scope="module")
def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": told
        for path, methods in described["paths"].items()
        for method, told in methods.items()
    }


def test_it_is_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"


def test_every_operation_has_a_summary_people_can_read(operations: dict[str, dict[str, Any]]) -> None:
    for name, told in operations.items():
        words = told["summary"].split()
        assert len(words) >= 3, name
        assert len(told["summary"]) <= 80, name
        assert not told["summary"].endswith("."), name
        assert told["description"], name


def test_no_two_operations_share_an_id(operations: dict[str, dict[str, Any]]) -> None:
    ids = [told["operationId"] for told in operations.values()]
    assert len(set(ids)) == len(ids)


def test_every_problem_is_declared_as_problem_details(
    described: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    for name, told in operations.items():
        problems = {status: row for status, row in told["responses"].items() if status >= "400"}
        assert {"400", "500", "503"} <= set(problems), name
        for status, row in problems.items():
            assert row == {"$ref": f"#/components/responses/{status}"}
            assert list(described["components"]["responses"][status]["content"]) == [PROBLEM]


def test_every_operation_of_the_api_needs_the_key_and_says_which_scope(
    described: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    assert described["security"] == [{"key": []}]
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for name, told in operations.items():
        public = " /v1/" not in name and " /adapters/" not in name
        assert (told.get("security") == []) is public, name
        assert ("Needs a key with the scope" in told["description"]) is not public, name


def test_every_reference_leads_somewhere(served: Running, described: dict[str, Any]) -> None:
    text = served.client.get("/schema/openapi.json").text
    for kind, name in set(re.findall(r'"#/components/(\w+)/([^"]+)"', text)):
        assert name in described["components"][kind]


def test_names_of_schemas_are_without_modules(described: dict[str, Any]) -> None:
    assert not [name for name in described["components"]["schemas"] if "." in name]


def test_two_types_of_one_name_are_told_apart(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert set(schemas["PromotionRule"]["properties"]) == {"outcomes", "groups", "most_unusable", "gain"}
    assert "reward" in schemas["PlanRule"]["properties"]
    assert "days_before_end" in schemas["TaperStep"]["properties"]
    assert "occurred_at" in schemas["StoryStep"]["properties"]
    assert {"Rule", "Step"}.isdisjoint(schemas)


def test_what_is_refused_is_described_as_refused(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert schemas["Ask"]["additionalProperties"] is False
    assert schemas["Signals"]["properties"]["signals"]["maxItems"] == 1000
    kinds = schemas["Page_Nudge___Incentive___ChwLinkage_"]["properties"]["items"]["items"]["$ref"]
    value = schemas[kinds.rpartition("/")[2]]["properties"]["value"]
    assert value["discriminator"]["propertyName"] == "kind"


def test_bounds_of_parameters_are_described(operations: dict[str, dict[str, Any]]) -> None:
    [after, limit] = operations["GET /v1/members"]["parameters"]
    assert (after["in"], after["required"], limit["schema"]["maximum"]) == ("query", False, 1000)
    name = operations["GET /v1/members/{name}"]["parameters"][0]
    assert (name["in"], name["required"], "pattern" in name["schema"]) == ("path", True, True)


class Page(HTMLParser):
    """What a page loads, and what it would run or style without loading it."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "poster"):
                self.loads.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)


@pytest.fixture(scope="module")
def page(served: Running) -> Page:
    answer = served.client.get("/schema")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    read = Page()
    read.feed(answer.text)
    return read


def test_the_page_loads_from_this_host_only(served: Running, page: Page) -> None:
    assert len(page.loads) == 4  # an empty icon, a style sheet, two scripts
    for address in page.loads:
        assert address.startswith(("/static/", "data:")), address
        if address.startswith("/"):
            assert served.client.get(address).status_code == 200


def test_the_page_runs_nothing_inline_so_its_policy_has_no_exception(page: Page) -> None:
    assert page.inline == []


def test_our_own_script_names_no_other_host(served: Running) -> None:
    text = served.client.get("/static/schema/page.js").text
    assert "/schema/openapi.json" in text
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text)


def test_the_style_sheet_loads_nothing_but_its_own_pictures(served: Running) -> None:
    text = served.client.get("/static/swagger-ui/swagger-ui.css").text
    addresses = re.findall(r"url\(\s*['\"]?([^'\")]{0,20})", text)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "@import" not in text
