"""A run of a RapidPro flow, as far as the flows of `examples/rapidpro` go.

It does what the flow engine's own documentation says of the few actions, tests and expressions that these
flows use, and refuses any other: what it lacks, a flow cannot use unnoticed.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx

SPEC = "13.1.0"
"""As the flows are written: `@webhook` is the body of the last answer. Newer engines migrate them."""
LOCAL = re.compile(
    r"@(?:\((?P<whole>.*)\)|(?P<path>(?:webhook|results|fields|globals|input)(?:\.\w+)+))", re.DOTALL
)
TOKEN = re.compile(r'\s*(?:(?P<text>"[^"]*")|(?P<name>[a-z_][\w.]*)|(?P<sign>[(),&=]))')
MOST_CHARACTERS = 640


class Said(NamedTuple):
    """Something that the contact reads or hears, or a webhook that was called."""

    what: str
    text: str


class Run:
    """One contact in one flow. call : sends a webhook"""

    def __init__(self, flow: Any, fields: dict[str, str], call: Callable[..., httpx.Response]) -> None:
        self.nodes = {node["uuid"]: node for node in flow["nodes"]}
        self.kind = flow["type"]
        self.said: list[Said] = []
        self._call = call
        self._context: dict[str, Any] = {
            "fields": fields,
            "results": {},
            "webhook": {},
            "input": {},
            "globals": {"engagement_url": "", "engagement_key": "KEY"},
        }
        self._waiting: Any = None
        self._go(flow["nodes"][0]["uuid"])

    @property
    def over(self) -> bool:
        """Whether the run waits for nothing more."""
        return self._waiting is None

    @property
    def read(self) -> list[str]:
        """What the contact read or heard."""
        return [one.text for one in self.said if one.what in ("send_msg", "say_msg")]

    def answer(self, text: str) -> "Run":
        """The contact answers, by SMS or on the keypad."""
        assert self._waiting is not None, "nobody waits for an answer"
        node, self._waiting = self._waiting, None
        self._context["input"] = {"text": text}
        self._go(self._route(node))
        return self

    def _go(self, name: str | None) -> None:
        while name is not None:
            node = self.nodes[name]
            for action in node["actions"]:
                self._act(action)
            if "wait" in node.get("router", {}):
                self._waiting = node
                return
            name = self._route(node) if "router" in node else node["exits"][0]["destination_uuid"]

    def _act(self, action: Any) -> None:
        match action["type"]:
            case "send_msg" | "say_msg":
                assert (action["type"] == "say_msg") == (self.kind == "voice")
                text = self.evaluated(action["text"]).strip()
                if text:
                    self.said.append(Said(action["type"], text))
            case "set_run_result":
                self._keep(action["name"], self.evaluated(action["value"]), "")
            case "call_webhook":
                headers = {name: self.evaluated(value) for name, value in action["headers"].items()}
                path = self.evaluated(action["url"])
                self.said.append(Said("call_webhook", path))
                answer = self._call(action["method"], path, self.evaluated(action["body"]), headers)
                self._context["webhook"] = answer.json()
                category = "Success" if answer.is_success else "Failure"
                self._keep(action["result_name"], str(answer.status_code), category)
            case other:
                raise AssertionError(f"no such action here: {other}")

    def _keep(self, name: str, value: str, category: str) -> None:
        self._context["results"][key_of(name)] = {
            "": value[:MOST_CHARACTERS],
            "value": value[:MOST_CHARACTERS],
            "category": category,
            "created_on": "2026-03-10T12:00:00.000000+05:30",
        }

    def _route(self, node: Any) -> str | None:
        router = node["router"]
        operand = self.evaluated(router["operand"])
        chosen = next(
            (case["category_uuid"] for case in router["cases"] if _passes(case, operand)),
            router["default_category_uuid"],
        )
        category = next(one for one in router["categories"] if one["uuid"] == chosen)
        if "result_name" in router:
            self._keep(router["result_name"], operand, category["name"])
        leaving = next(one for one in node["exits"] if one["uuid"] == category["exit_uuid"])
        destination: str | None = leaving["destination_uuid"]
        return destination

    def evaluated(self, template: str) -> str:
        """A template with its expressions in place."""
        return LOCAL.sub(lambda found: _text(self._value(found["whole"] or found["path"])), template)

    def _value(self, expression: str) -> Any:
        tokens = list(_tokens(expression))
        value, rest = self._compared(tokens)
        assert not rest, f"{rest} is left of {expression}"
        return value

    def _compared(self, tokens: list[str]) -> tuple[Any, list[str]]:
        left, tokens = self._one(tokens)
        while tokens and tokens[0] in ("&", "="):
            right, rest = self._one(tokens[1:])
            left = _text(left) + _text(right) if tokens[0] == "&" else _text(left) == _text(right)
            tokens = rest
        return left, tokens

    def _one(self, tokens: list[str]) -> tuple[Any, list[str]]:
        first, *rest = tokens
        if first.startswith('"'):
            return first[1:-1], rest
        if rest and rest[0] == "(":
            return self._applied(first, rest[1:])
        found: Any = self._context
        for part in first.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found, rest

    def _applied(self, name: str, tokens: list[str]) -> tuple[Any, list[str]]:
        given = []
        while tokens[0] != ")":
            value, tokens = self._compared(tokens)
            given.append(value)
            tokens = tokens[1:] if tokens[0] == "," else tokens
        match name:
            case "object":
                return {
                    key: _plain(value) for key, value in zip(given[::2], given[1::2], strict=True)
                }, tokens[1:]
            case "json":
                return json.dumps(given[0], ensure_ascii=False), tokens[1:]
            case "if":
                return (given[1] if given[0] else given[2]), tokens[1:]
            case other:
                raise AssertionError(f"no such function here: {other}")


def key_of(name: str) -> str:
    """The name of a result as expressions use it."""
    return name.lower().replace(" ", "_")


def _tokens(expression: str) -> Iterator[str]:
    place = 0
    while expression[place:].strip():
        found = TOKEN.match(expression, place)
        assert found is not None, expression[place:]
        place = found.end()
        yield found["text"] or found["name"] or found["sign"]


def _plain(value: Any) -> Any:
    return value[""] if isinstance(value, dict) and "" in value else value


def _text(value: Any) -> str:
    plain = _plain(value)
    return "" if plain is None else plain if isinstance(plain, str) else str(plain)


def _passes(case: Any, operand: str) -> bool:
    """Whether a case's test holds of the operand."""
    arguments = case["arguments"]
    match case["type"]:
        case "has_only_text":
            return operand.strip() == str(arguments[0])
        case "has_text":
            return bool(operand.strip())
        case "has_number_eq":
            number = re.search(r"\d+", operand)
            return number is not None and int(number[0]) == int(arguments[0])
        case other:
            raise AssertionError(f"no such test here: {other}")
