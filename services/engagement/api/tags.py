"""Entity tags (RFC 9110, sections 8.8.3 and 13): the number of a thing's newest revision, in quotes."""

import re
from typing import Any

from litestar import Request

from engagement.errors import Invalid
from engagement.workflows.edit import Condition, Revisions

LISTED = re.compile(r'[ \t]*(?P<weak>W/)?"(?P<tag>[!\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')


def tag(revision: int) -> str:
    """The tag of a revision."""
    return f'"{revision}"'


def condition_of(request: Request[Any, Any, Any]) -> Condition:
    """What `If-Match` and `If-None-Match` ask for. A weak tag never matches what is to be changed."""
    return Condition(
        _revisions(request, "If-Match", weak=False), _revisions(request, "If-None-Match", weak=True)
    )


def is_known(request: Request[Any, Any, Any], revision: int) -> bool:
    """Whether the reader has said to have this revision already."""
    return Condition(not_among=_revisions(request, "If-None-Match", weak=True)).flaw(revision) is not None


def _revisions(request: Request[Any, Any, Any], header: str, *, weak: bool) -> Revisions | None:
    """The revisions that a header names, None where it is not there. A tag that is not ours names none."""
    said = request.headers.get(header)
    if said is None:
        return None
    if said.strip() == "*":
        return "any"
    tags, place = [], 0
    while place < len(said):
        found = LISTED.match(said, place)
        if found is None:
            raise Invalid(f"`{header}` is `*`, or tags in quotes as an `ETag` gives them")
        tags.append(found)
        place = found.end()
    named = (found["tag"] for found in tags if weak or not found["weak"])
    return frozenset(int(name) for name in named if name.isascii() and name.isdecimal() and len(name) < 10)
