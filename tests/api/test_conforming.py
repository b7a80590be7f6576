"""The running service does what its description says: requests that schemathesis makes, good ones and bad."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.running import Program, Running, wait_until

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
FEW, MANY = 3, 60
"""Requests for each operation, good ones and bad: the same few every time, many new ones in a long run."""
IN_ALL = {FEW: 120, MANY: 2_500}
"""So many good ones, and again bad ones, at the least on each database; some operations take but one."""


@schemathesis.serializer("application/toml")
def as_text(_: object, value: object) -> bytes:
    """A body that is a text goes out as it is."""
    return str(value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("many", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_answers_are_as_described_whatever_is_asked(
    served: Running, program: Program, mode: GenerationMode, many: int
) -> None:
    described = schemathesis.openapi.from_url(f"{served.address}/schema/openapi.json")
    headers = {"Authorization": f"Bearer {program.key('admin')[0]}"}
    # of every program that other tests left here: whoever asks first may be told to ask again
    wait_until(lambda: served.client.get("/metrics/programs").status_code == 200, patience_s=300)
    found = [result.ok() for result in described.get_all_operations()]
    takes = [operation for operation in found if operation.body or list(operation.iter_parameters())]
    assert 25 < len(takes) < len(found)
    asked = 0
    for operation in takes if mode.is_negative else found:

        @settings(
            max_examples=many,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=many == FEW,
            deadline=None,
        )
        @given(case=operation.as_strategy(mode))
        def holds(case: Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=headers, checks=CHECKS)

        holds()
    assert asked >= IN_ALL[many]
