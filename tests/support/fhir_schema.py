"""The official JSON schema of FHIR R4, cut down to the resources that this service writes.

The whole schema has 680 definitions in 3.4 MB. What is kept is unchanged but for two things: the list of
resources names those below only, and a definition that none of them reaches is left out. To make the file
again from the published `fhir.schema.json` of release 4.0.0 (4.0.1 corrected the text around it):

    python tests/support/fhir_schema.py fhir.schema.json tests/api/adapters/fhir/fhir.schema.r4.json.gz
"""

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

KEPT = ("Bundle", "CapabilityStatement", "CommunicationRequest", "Group", "OperationOutcome", "Task")
FILE = Path(__file__).parents[1] / "api" / "adapters" / "fhir" / "fhir.schema.r4.json.gz"


def pruned(whole: dict[str, Any]) -> dict[str, Any]:
    """The schema with the kept resources and what they are made of."""
    listed = [{"$ref": f"#/definitions/{name}"} for name in KEPT]
    known = {**whole["definitions"], "ResourceList": {"oneOf": listed}}
    reached: set[str] = set()
    waiting = list(KEPT)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += re.findall(r'"#/definitions/([^"]+)"', json.dumps(known[name]))
    return {
        "$schema": whole["$schema"],
        "description": whole["description"],
        "oneOf": listed,
        "definitions": {name: known[name] for name in sorted(reached)},
    }


def read() -> dict[str, Any]:
    """The schema as it is kept beside the tests."""
    schema: dict[str, Any] = json.loads(gzip.decompress(FILE.read_bytes()))
    return schema


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    text = json.dumps(pruned(json.loads(source.read_text())), separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), mtime=0))
