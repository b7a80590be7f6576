"""The frozen description of the interface, `docs/openapi.json`: what it would be now, and what was lost.

`python -m support.contract` writes it anew, and with `sign` says in the types which description they are
of. What callers rely on may only be removed or narrowed with a word in the change log: a line below “Changed”
or “Removed” of the unreleased part that names it.
"""

import json
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engagement.api.app import build
from engagement.api.description import described
from engagement.api.service import Service
from engagement.clock import SimulatedClock
from engagement.settings import Settings
from engagement.store.database import Database

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "docs" / "openapi.json"
TYPES = ROOT / "docs" / "engagement.d.ts"
CHANGES = ROOT / "CHANGELOG.md"
BOUNDS = ("type", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "format")


def now() -> str:
    """The description as the service gives it; of a simulated one, so that its clock is in it."""
    with TemporaryDirectory() as folder:
        service = Service(
            Database(f"sqlite:///{folder}/none.db"), SimulatedClock(0), Settings(fold_every_s=0)
        )
        try:
            told = json.loads(described(build(service).app.app))
        finally:
            service.close()
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def taken_away(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What callers could rely on and cannot any more: operations, parameters, and parts of schemas."""
    found: list[str] = []
    for path, methods in before["paths"].items():
        for method, told in methods.items():
            name = f"{method.upper()} {path}"
            new = after["paths"].get(path, {}).get(method)
            found += [name] if new is None else [f"{name}: {words}" for words in _of_operation(told, new)]
    schemas = after["components"]["schemas"]
    for name, schema in before["components"]["schemas"].items():
        if name in schemas:
            found += _of_schema(name, schema, schemas[name])
    return found


def _of_operation(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    old, new = ({row["name"]: row for row in told["parameters"]} for told in (before, after))
    yield from (f"parameter `{name}` is gone" for name in old.keys() - new.keys())
    for name, row in new.items():
        if row["required"] and not old.get(name, {}).get("required"):
            yield f"parameter `{name}` must be given"
        if name in old:
            yield from _of_schema(f"parameter `{name}`", old[name]["schema"], row["schema"])
    if "requestBody" in after and "requestBody" not in before:
        yield "a body must be given"
    for where in ("requestBody", "responses"):
        if _refers(before.get(where)) - _refers(after.get(where)):
            yield f"{where} is of another type"


def _refers(value: Any) -> set[str]:
    """The schemas and media types that a part of an operation names."""
    return set(re.findall(r'"#/components/schemas/[^"]+"|"[a-z]+/[a-z.+]+": \{', json.dumps(value)))


def _of_schema(where: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    yield from (f"{where}: `{name}` is another" for name in BOUNDS if before.get(name) != after.get(name))
    if before.get("$ref") != after.get("$ref"):
        yield f"{where} is of another type"
    old, new = before.get("properties", {}), after.get("properties", {})
    yield from (f"{where}.{name} is gone" for name in old.keys() - new.keys())
    required = set(after.get("required", ())) - set(before.get("required", ()))
    yield from (f"{where}.{name} must be given" for name in sorted(required))
    gone = [value for value in before.get("enum", ()) if value not in after.get("enum", ())]
    yield from (f"{where}: {value!r} is gone" for value in gone)
    for name in old.keys() & new.keys():
        yield from _of_schema(f"{where}.{name}", old[name], new[name])
    for name in ("items", "additionalProperties"):
        if isinstance(before.get(name), dict) and isinstance(after.get(name), dict):
            yield from _of_schema(f"{where}[]", before[name], after[name])
    for name in ("anyOf", "prefixItems"):
        pairs = zip(before.get(name, ()), after.get(name, ()), strict=False)
        for place, (one, other) in enumerate(pairs):
            yield from _of_schema(f"{where}|{place}", one, other)
        if len(before.get(name, ())) > len(after.get(name, ())):
            yield f"{where}: a choice is gone"


def unexplained(taken: list[str], changes: str) -> list[str]:
    """What was taken away without a word. changes : the change log"""
    unreleased = changes.partition("## [Unreleased]")[2].partition("\n## ")[0]
    told = "".join(re.findall(r"(?ms)^### (?:Changed|Removed)\n(.*?)(?=^### |\Z)", unreleased))
    return [words for words in taken if words.split(": ")[0].split(" is ")[0].split(" must ")[0] not in told]


def signature() -> str:
    """The first lines of the types: whose they are."""
    digest = sha256(FROZEN.read_bytes()).hexdigest()
    return f"// Types of docs/openapi.json, made by `make openapi`. SHA-256 of that file:\n// {digest}\n"


def main() -> None:
    """Writes the description, unless it takes away what the change log does not name."""
    text = now()
    if FROZEN.exists():
        silent = unexplained(
            taken_away(json.loads(FROZEN.read_text()), json.loads(text)), CHANGES.read_text()
        )
        if silent:
            sys.exit(
                "Callers would lose this; name each in CHANGELOG.md, Unreleased, below “### Changed” or "
                "“### Removed”:\n  " + "\n  ".join(silent)
            )
    FROZEN.write_text(text)


def sign() -> None:
    """Says in the types which description they are of."""
    TYPES.write_text(signature() + TYPES.read_text())


if __name__ == "__main__":
    (sign if sys.argv[1:] == ["sign"] else main)()
