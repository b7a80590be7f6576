"""The interface as a Postman collection (format 2.1.0), which Bruno and Insomnia read as well.

`python -m support.collection` writes it anew from the frozen description: a folder a tag, a request an
operation, with its example as the body. Set `base` and `key` once for all of them.
"""

import json
import re
from typing import Any

from support.contract import FROZEN

FILE = FROZEN.parent / "engagement.postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
IN_BRACES = re.compile(r"\{([a-z_]+)\}")


def collection(description: dict[str, Any]) -> dict[str, Any]:
    """The collection of a description."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            tag = next(iter(told.get("tags", ())), "other")
            folders.setdefault(tag, []).append(_item(path, method, told))
    return {
        "info": {
            "name": description["info"]["title"],
            "description": "Made from docs/openapi.json. Set `base` and `key`; `make run` prints a key.",
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}]},
        "variable": [{"key": "base", "value": "http://127.0.0.1:8000"}, {"key": "key", "value": ""}],
        "item": [{"name": tag, "item": items} for tag, items in sorted(folders.items())],
    }


def _item(path: str, method: str, told: dict[str, Any]) -> dict[str, Any]:
    parameters = told["parameters"]
    query = [
        {"key": row["name"], "value": "", "description": row.get("description", ""), "disabled": True}
        for row in parameters
        if row["in"] == "query"
    ]
    variables = [
        {"key": row["name"], "value": str(_example(row)), "description": row.get("description", "")}
        for row in parameters
        if row["in"] == "path"
    ]
    parts = [IN_BRACES.sub(r":\1", part) for part in path.strip("/").split("/")]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": told.get("description", ""),
        "header": [],
        "url": {
            "raw": "{{base}}/" + "/".join(parts),
            "host": ["{{base}}"],
            "path": parts,
            "query": query,
            "variable": variables,
        },
    }
    for media_type, content in told.get("requestBody", {}).get("content", {}).items():
        example = _example(content)
        text = example if isinstance(example, str) else json.dumps(example, indent=1, ensure_ascii=False)
        request["header"].append({"key": "Content-Type", "value": media_type})
        request["body"] = {"mode": "raw", "raw": text}
        break
    return {"name": told.get("summary", told["operationId"]), "request": request}


def _example(told: dict[str, Any]) -> Any:
    """What the description shows; nothing where it shows nothing."""
    if "example" in told:
        return told["example"]
    shown = list(told.get("examples", {}).values()) if isinstance(told.get("examples"), dict) else []
    return shown[0].get("value", "") if shown else ""


def now() -> str:
    """The collection of the frozen description."""
    return json.dumps(collection(json.loads(FROZEN.read_text())), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(now())
