"""What a page of the console is. A new page is a file, a template, a file of words a language, and a name.

`plan.py`, `templates/plan.html`, `words/en/plan.toml` and `words/hi/plan.toml` are found by the page's name;
`PAGES` in `__init__.py` names it.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from engagement.api.desk import LaneName, Workflow
from engagement.api.pages.page import Form
from engagement.api.service import Service
from engagement.signals.signal import Audience, may_see
from engagement.store.keys import ApiKey, Scope
from engagement.workflows.console_session import SignedIn

ROOT = "/console"
"""Below which every page of the console stands."""


class ConsolePage(NamedTuple):
    """A page of the console.

    name : of its template, its words and its entry in the menu      path : below `/console`; `{of:str}` in it
    is whose page it is
    read : a workflow of the lane `read`: `Visit` → what the template calls `page`, or a `Mistake`
    scope, audience : what a key must have to open it; a page that may be opened still shows only what the
    key's audience may see
    menu : whether it stands in the menu      under : the entry of the menu that is marked on it, "" its own
    take : a workflow for the forms of a page that has any: `Sent` → `Taken`; it runs on `lane`
    most_bytes : of a form
    first : what takes too long for one go, read in parts beforehand; it comes with the visit
    htmx : whether parts of it are exchanged in place
    """

    name: str
    path: str
    read: Workflow
    scope: Scope = "read"
    audience: Audience = "health_worker"
    menu: bool = False
    under: str = ""
    take: Workflow | None = None
    lane: LaneName = "record"
    most_bytes: int = 64 * 1024
    first: Callable[[Service, "Visit"], Awaitable[Any]] | None = None
    htmx: bool = False

    def opens_to(self, key: ApiKey) -> bool:
        """Whether a key's holder may open it."""
        return key.opens(self.scope) and may_see(key.audience, self.audience)


class Visit(NamedTuple):
    """Somebody who opens a page.

    of : the id in the page's path, "" where it has none
    query : what stands behind `?` in its address, as far as it may be an id, a date or a word
    found : of the page's `first`
    """

    who: SignedIn
    of: str
    query: Mapping[str, str]
    language: str
    simulated: bool
    found: Any = None

    @property
    def audience(self) -> Audience:
        """Whose eyes the page is for."""
        return self.who.key.audience


class Sent(NamedTuple):
    """A form of a page that somebody sent, with the files that came with it."""

    visit: Visit
    form: Form
    files: Mapping[str, bytes] = MappingProxyType({})


class Taken(NamedTuple):
    """What became of a form.

    to : where to go on, below `/console`, "" for the page itself
    trouble : "" when it was taken, else the key of a sentence below `trouble` in the page's own words
    told : what the template calls `taken`: shown at once, in place of going on, where it is not None
    """

    to: str = ""
    trouble: str = ""
    told: Any = None
