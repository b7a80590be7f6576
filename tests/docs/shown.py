"""Whether what a page shows is what a command printed."""

import json
import re
from typing import Any

ANY = "…"


def same_text(shown: str, printed: str) -> bool:
    """Line for line, `…` standing for anything within and beyond a line."""
    pattern = ".*".join(re.escape(part.strip()) for part in shown.split(ANY))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def same_json(shown: str, printed: str) -> bool:
    """Value for value; see `pages`."""
    return _same(json.loads(shown), json.loads(printed))


def _same(shown: Any, printed: Any) -> bool:
    if shown == ANY:
        return True
    if isinstance(shown, dict) and isinstance(printed, dict):
        keys = shown.keys() - {ANY}
        complete = keys <= printed.keys() if ANY in shown else keys == printed.keys()
        return complete and all(_same(shown[key], printed[key]) for key in keys)
    if isinstance(shown, list) and isinstance(printed, list):
        more = shown[-1:] == [ANY]
        wanted = shown[:-1] if more else shown
        return (len(wanted) <= len(printed) if more else len(wanted) == len(printed)) and all(
            map(_same, wanted, printed)
        )
    return type(shown) is type(printed) and shown == printed
