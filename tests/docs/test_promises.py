"""Every proof that docs/promises.md names is a test that is there, and every system test is named there."""

import ast
import re

import pytest

from docs.pages import ROOT

PAGE = (ROOT / "docs/promises.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FAULTS = (
    "kills",
    "silence",
    "full_disk",
    "rolling_restarts",
    "plans",
    "folds",
    "replicas",
    "clocks",
    "delivery",
)
"""What is tried in tests/system/ with processes, lines, disks and clocks that fail."""


def facts_of(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text())
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) if node.name.startswith("test_")
    }


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED.findall(PAGE))))
def test_a_proof_that_is_named_is_there(file: str, name: str) -> None:
    assert name in facts_of(file)


def test_whatever_is_in_the_words_of_a_path_is_read_as_a_proof() -> None:
    assert len(NAMED.findall(PAGE)) == PAGE.count("`tests/")


@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_fault_that_is_tried_is_told(fault: str) -> None:
    assert f"tests/system/test_{fault}.py::" in PAGE
