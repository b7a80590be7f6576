"""A program that has lived through three months, and browsers that go nowhere by themselves."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from engagement.clock import SimulatedClock
from engagement.signals.signal import Audience
from engagement.store.keys import Scope
from engagement.workflows.ingest import milliseconds
from support.lived_program import START, Enter, Small, live
from support.running import Program, running

MONTHS = 3


@pytest.fixture(scope="session")
def small(shared_url: str) -> Iterator[Small]:
    with running(shared_url, clock=SimulatedClock(milliseconds(START)), deadline_ms=20_000) as served:
        program = served.program()
        yield Small(program, live(program, MONTHS))


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Signs somebody in to a program: `enter(program, "read", audience="staff")`."""
    with ExitStack() as opened:

        def entered(program: Program, *scopes: Scope, audience: Audience = "staff") -> httpx.Client:
            tab = opened.enter_context(httpx.Client(base_url=program.running.address, timeout=30))
            key = program.key(*(scopes or ("read",)), audience=audience)[0]
            assert tab.post("/console/sign-in", data={"key": key}).status_code == 303
            return tab

        yield entered
