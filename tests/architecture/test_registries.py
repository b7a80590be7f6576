"""Whoever writes a choice must name it: a file whose Struct is in no union is reachable by nobody.

Another room joins by a line in REGISTRIES: its package and its union.
"""

from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from litestar.routes import HTTPRoute

from engagement.api import adapters
from engagement.api.app import build
from engagement.api.service import Service
from engagement.bandits import allocations, posteriors
from engagement.clock import SystemClock
from engagement.estimators import off_policy
from engagement.settings import Settings
from engagement.store.database import Database

REGISTRIES = [
    (posteriors, posteriors.AnyPosterior),
    (allocations, allocations.AnyAllocation),
    (off_policy, off_policy.AnyOffPolicy),
]


def unnamed_files(folder: Path, package: str, union: Any) -> list[str]:
    """The files of the folder from which the union names nothing."""
    named = {choice.__module__ for choice in get_args(union)}
    return [
        path.name
        for path in sorted(folder.glob("*.py"))
        if path.stem != "__init__" and f"{package}.{path.stem}" not in named
    ]


@pytest.mark.parametrize(("room", "union"), REGISTRIES, ids=[room.__name__ for room, _ in REGISTRIES])
def test_every_file_of_a_room_of_choices_is_named_in_its_union(room: ModuleType, union: Any):
    unnamed = unnamed_files(Path(room.__file__).parent, room.__name__, union)
    assert not unnamed, f"written in {room.__name__}, but not named in its union: {', '.join(unnamed)}"


def test_a_file_that_is_not_named_is_found(tmp_path):
    for name in ("__init__", "uniform", "thompson", "forgotten"):
        (tmp_path / f"{name}.py").touch()
    assert unnamed_files(tmp_path, allocations.__name__, allocations.AnyAllocation) == ["forgotten.py"]


def unserved_files(folder: Path, package: str, serving: set[str]) -> list[str]:
    """The files of the folder of which no operation is served. serving : modules with an operation"""
    return [
        path.name
        for path in sorted(folder.glob("*.py"))
        if path.stem != "__init__" and f"{package}.{path.stem}" not in serving
    ]


def test_every_adapter_that_is_written_is_named_in_the_app(tmp_path):
    service = Service(Database(f"sqlite:///{tmp_path}/empty.db"), SystemClock(), Settings(fold_every_s=0))
    try:
        routes = [route for route in build(service).app.app.routes if isinstance(route, HTTPRoute)]
    finally:
        service.close()
    serving = {handler.fn.__module__ for route in routes for handler in route.route_handlers}
    unserved = unserved_files(Path(adapters.__file__).parent, adapters.__name__, serving)
    assert not unserved, f"written in {adapters.__name__}, but not named in the app: {', '.join(unserved)}"


def test_an_adapter_that_is_not_named_is_found(tmp_path):
    for name in ("__init__", "rapidpro", "forgotten"):
        (tmp_path / f"{name}.py").touch()
    assert unserved_files(tmp_path, "room", {"room.rapidpro", "elsewhere.forgotten"}) == ["forgotten.py"]
