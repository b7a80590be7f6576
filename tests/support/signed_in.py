"""Somebody signed in to the console of a running service, who reads pages and sends forms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any, NamedTuple

import httpx

from support.running import Program

SIGN_IN = "/console/sign-in"


class Tab(NamedTuple):
    """Somebody who is signed in."""

    client: httpx.Client

    def get(self, path: str, **request: Any) -> httpx.Response:
        """A page, by its path below `/console`."""
        return self.client.get(f"/console{path}", **request)

    def sign(self) -> str:
        """The sign that every form of this session carries."""
        return field(self.get("/program"), "sign")

    def send(self, path: str, signed: bool = True, **fields: str) -> httpx.Response:
        """A form of a page."""
        own = {"sign": self.sign()} if signed else {}
        return self.client.post(f"/console{path}", data=own | fields)

    def upload(self, path: str, content: str | bytes, signed: bool = True, **fields: str) -> httpx.Response:
        """A form with a file, as browsers send it."""
        own = {"sign": self.sign()} if signed else {}
        return self.client.post(f"/console{path}", data=own | fields, files={"file": ("file", content)})

    def agree(self, path: str, looked: httpx.Response) -> httpx.Response:
        """Sends the form with which one agrees to what was looked at."""
        fields = {name: (None, field(looked, name)) for name in ("sign", "packed", "seen")}
        return self.client.post(f"/console{path}", files=fields)


def field(page: httpx.Response, name: str) -> str:
    """The value of a hidden field; of several of this name the last."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return unescape(str(found[-1]))


def heading(page: httpx.Response) -> str:
    """The heading of a page: its answer."""
    (found,) = re.findall(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found))).strip()


def words(page: httpx.Response) -> str:
    """What stands on a page, without its marks."""
    inside = re.sub(r"</?code>", "", page.text.partition("<main")[2])
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", inside)))


@contextmanager
def tab_of(program: Program, *scopes: Any, **more: Any) -> Iterator[Tab]:
    """Somebody with a key of these scopes. more : of the key, such as its audience"""
    with httpx.Client(base_url=program.running.address, timeout=30) as client:
        key = program.key(*(scopes or ("read",)), **more)[0]
        assert client.post(SIGN_IN, data={"key": key}).status_code == 303
        yield Tab(client)
