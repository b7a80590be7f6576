"""The forms of pages, as browsers would send them: found by following every link from where one begins."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

import httpx

BOUNDARY = "----a-boundary-of-forms"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
MULTIPART = "multipart/form-data"


class Found(NamedTuple):
    """A form with what stands in it. path : where it is sent"""

    path: str
    media_type: str
    body: bytes


class _Page(HTMLParser):
    """Gathers a page's links and forms."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, list[tuple[str, str]]]] = []
        self._path = path
        self._within = False
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes notice of a link, a form or a field."""
        told = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in told:
            self.links.append(urldefrag(urljoin(self._path, told["href"])).url)
        elif tag == "form":
            self._within = told.get("method", "get").lower() == "post"
            if self._within:
                to = urljoin(self._path, told.get("action") or self._path)
                self.forms.append((to, told.get("enctype", "application/x-www-form-urlencoded"), []))
        elif self._within and tag == "select":
            self._select = told.get("name")
        elif self._within and tag == "option" and self._select is not None:
            self.forms[-1][2].append((self._select, told.get("value", "")))
            self._select = None
        elif self._within and tag in {"input", "textarea", "button"} and "name" in told:
            given = {"date": "2026-01-04", "number": "3"}.get(told.get("type", ""), "1 3 4")
            self.forms[-1][2].append((told["name"], told.get("value") or given))

    def handle_endtag(self, tag: str) -> None:
        """Leaves a form."""
        if tag == "form":
            self._within = False


def forms(client: httpx.Client, start: str, files: Mapping[str, str], most: int) -> Iterator[Found]:
    """Every form of the pages that links lead to, and of what a file that is sent is answered with.

    files : what to send where a file is wanted, by the end of the address      most : pages that are opened
    """
    waiting, seen, kinds = [start], {start}, set[tuple[str, ...]]()
    root = start.split("/")[1]
    for _ in range(most):
        if not waiting:
            return
        page = _read(client.get(waiting[0]), waiting.pop(0))
        while page.forms:
            to, media_type, fields = page.forms.pop()
            kind = (ID.sub("", to), media_type, *(name for name, _ in fields))
            if kind in kinds:
                continue
            kinds.add(kind)
            found = _found(to, media_type, fields, files.get(to.rpartition("/")[2], ""))
            yield found
            if any(name == "file" for name, _ in fields):
                answer = client.post(to, content=found.body, headers={"Content-Type": found.media_type})
                page.forms += _read(answer, to).forms
        new = [link for link in dict.fromkeys(page.links) if link not in seen and _inside(link, root)]
        seen.update(new)
        waiting += new


def _read(answer: httpx.Response, path: str) -> _Page:
    page = _Page(path)
    if answer.headers.get("content-type", "").startswith("text/html"):
        page.feed(answer.text)
    return page


def _inside(link: str, root: str) -> bool:
    parts = urlsplit(link)
    return not parts.netloc and parts.path.startswith(f"/{root}")


def _found(to: str, media_type: str, fields: list[tuple[str, str]], file: str) -> Found:
    if media_type != MULTIPART:
        return Found(to, media_type, urlencode(fields).encode())
    lines = []
    for name, value in fields:
        told = '; filename="sheet.csv"' if name == "file" else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{told}\r\n\r\n'
        lines.append(f"{head}{file if name == 'file' else value}\r\n")
    body = "".join(lines) + f"--{BOUNDARY}--\r\n"
    return Found(to, f"{MULTIPART}; boundary={BOUNDARY}", body.encode())
