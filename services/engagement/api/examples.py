"""Examples of requests and answers, as they were sent and answered; `examples.json` holds them in order."""

import json
from pathlib import Path
from typing import Any

STEPS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text())
"""One after the other on a fresh service; some only prepare others and are not shown."""
SHOWN: dict[str, dict[str, Any]] = {step["operation"]: step for step in STEPS if step.get("shown")}
"""The example of each operation, by its id."""
