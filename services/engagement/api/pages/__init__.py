"""Pages that short-lived links open, for people who type no key. One file a kind of page, one entry here."""

from collections.abc import Mapping

from engagement.api.pages import brief, worklist
from engagement.api.pages.page import Page

PAGES: Mapping[str, Page] = {
    "brief": brief.PAGE,
    "worklist": worklist.PAGE,
}
"""Every kind of page by its name, which `POST /v1/links` takes as `opens`."""
