"""Every message that the code writes to the log stands on the page about logs, and no other."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from docs.pages import ROOT, named_below
from engagement.telemetry import JsonLines

PAGE = (ROOT / "docs/logs.md").read_text()
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


class Line(NamedTuple):
    """What one call writes. fields : those of its own, beside the ones that every line has"""

    message: str
    logger: str
    level: str
    fields: frozenset[str]


def lines() -> Iterator[Line]:
    """Every call of a logger in the code."""
    for file in sorted((ROOT / "services/engagement").rglob("*.py")):
        tree = ast.parse(file.read_text())
        loggers = {
            node.targets[0].id: node.value.args[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "logging.getLogger"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = ast.unparse(node.func.value)
                if name in loggers and node.func.attr in LEVELS:
                    yield line(node, loggers[name], LEVELS[node.func.attr])


def line(call: ast.Call, logger: str, level: str) -> Line:
    message = ast.literal_eval(call.args[0])  # a message that is put together would fail here
    extra = next((word.value for word in call.keywords if word.arg == "extra"), ast.Dict([], []))
    assert isinstance(extra, ast.Dict)
    fields = frozenset(key.value for key in extra.keys if isinstance(key, ast.Constant))
    return Line(message.replace("%s", "…"), logger, level, fields)


def test_every_message_is_explained_with_its_loggers_and_its_level() -> None:
    written: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for said in lines():
        written[said.message].add((said.logger, said.level))
    assert len(written) >= 9
    explained = named_below(PAGE, "Messages")
    assert explained.keys() == written.keys()
    for message, (loggers, level, meaning) in explained.items():
        told = {(name.strip("` "), level) for name in loggers.split(",")}
        assert told == written[message], message
        assert meaning


def test_no_line_has_a_field_that_is_left_out() -> None:
    for said in lines():
        assert said.fields <= set(JsonLines.FIELDS), said


@pytest.mark.parametrize("field", ["body", "member", "group", "key", "query", "user"])
def test_no_field_tells_of_a_person(field: str) -> None:
    assert field not in named_below(PAGE, "Fields")
