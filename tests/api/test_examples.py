"""The examples of the description are true: each is sent, in order, and answered as described."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engagement.api import examples
from support.examples import Played, example_service, play, said


@pytest.fixture(scope="module")
def described_and_played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Played]]:
    with example_service(Path(tmp_path_factory.mktemp("examples"))) as caller:
        return caller.get("/schema/openapi.json").json(), list(play(caller, examples.STEPS))


@pytest.fixture
def described(described_and_played: Any) -> dict[str, Any]:
    document: dict[str, Any] = described_and_played[0]
    return document


@pytest.fixture
def played(described_and_played: Any) -> list[Played]:
    answers: list[Played] = described_and_played[1]
    return answers


def operations(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in described["paths"].values():
        yield from methods.values()


def flaws(described: dict[str, Any], told: dict[str, Any], value: Any) -> list[str]:
    """What does not fit the schema of a media type."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **told["schema"]}
    checker = jsonschema.Draft202012Validator(whole | {"components": described["components"]})
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def answered(told: dict[str, Any]) -> dict[str, Any]:
    """What an operation answers where nothing is wrong."""
    return dict(next(row for status, row in told["responses"].items() if status in ("200", "202")))


def only(content: dict[str, Any]) -> dict[str, Any]:
    """The first media type, which is the one that is shown."""
    return dict(next(iter(content.values())))


def test_every_example_is_answered(played: list[Played]) -> None:
    refused = {step["operation"]: answer.text for step, answer in played if not answer.is_success}
    assert not refused


def test_every_operation_has_an_example_of_what_it_takes_and_answers(described: dict[str, Any]) -> None:
    for told in operations(described):
        name = told["operationId"]
        assert name in examples.SHOWN, f"add {name} to examples.json and run `make examples`"
        assert "example" in only(answered(told)["content"]), name
        if "requestBody" in told:
            assert "example" in only(told["requestBody"]["content"]), name
        lacking = [row["name"] for row in told["parameters"] if row["required"] and "example" not in row]
        assert not lacking, name


def test_no_example_is_of_an_operation_that_is_gone(described: dict[str, Any]) -> None:
    assert set(examples.SHOWN) == {told["operationId"] for told in operations(described)}


def test_what_is_answered_now_and_what_is_shown_fit_the_schema(
    described: dict[str, Any], played: list[Played]
) -> None:
    by_name = {told["operationId"]: told for told in operations(described)}
    for step, answer in played:
        told = only(answered(by_name[step["operation"]])["content"])
        for value in (said(answer), step["answer"]):
            assert flaws(described, told, value) == [], step["operation"]


def test_requests_that_are_shown_fit_the_schema(described: dict[str, Any]) -> None:
    for told in operations(described):
        if "requestBody" in told:
            content = only(told["requestBody"]["content"])
            assert flaws(described, content, content["example"]) == [], told["operationId"]


def shape(value: Any) -> Any:
    """The names in an answer, whatever their values."""
    return sorted(value) if isinstance(value, dict) else type(value)


def test_what_is_shown_has_the_form_of_what_is_answered_now(played: list[Played]) -> None:
    for step, answer in played:
        assert shape(step["answer"]) == shape(said(answer)), f"{step['operation']}: run `make examples`"
