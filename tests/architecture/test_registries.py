"""Whoever writes a choice must name it: a file whose Struct is in no union is reachable by nobody.

Another room joins by a line in REGISTRIES: its package and its union.
"""

from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from engagement.bandits import allocations, posteriors
from engagement.estimators import off_policy

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
