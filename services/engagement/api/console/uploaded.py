"""What pages that take a file share: its bytes come once, are looked at, and come back with the agreement.

Between the look and the agreement the service keeps nothing: the page that shows what a file would do
carries the file, packed, in its form. The sign of what was seen is what counts, so a changed form stores
nothing that nobody has seen.
"""

import zlib
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.errors import Invalid, Mistake, TooLarge
from engagement.store.kept import Kept
from engagement.store.keys import Scope
from engagement.workflows import sheet_file
from engagement.workflows.uploads import Upload

MOST_BYTES = 512 * 1024
"""Of a file; what comes packed is no longer than a half more."""
MOST_FORM = 4 * 1024 * 1024
"""So much is read at all, to be able to say kindly that it was too much."""
BROKEN = "the file did not come back whole; choose it again"
FILE, PACKED, SEEN = "file", "packed", "seen"


class Opened(msgspec.Struct, frozen=True):
    """A file that came with a form. content : as its kind reads it, or why that cannot be read"""

    packed: str
    content: Any
    seen: str | None


class Shown(msgspec.Struct, frozen=True):
    """What a page tells of a file.

    packed : the file, for the form that agrees      found : what it does, None where it could not be read
    wrong : why it could not      again : it was agreed to, and does something else by now
    """

    packed: str = ""
    found: Any = None
    wrong: str = ""
    again: bool = False


def packed(content: bytes) -> str:
    """Bytes as they stand in a form."""
    return b64encode(zlib.compress(content, 9)).decode()


def unpacked(text: str) -> bytes:
    """Those bytes again. Raises `Invalid` or `TooLarge`."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(b64decode(text, validate=True), MOST_BYTES + 1)
    except (NoBase64, ValueError, zlib.error):
        raise Invalid(BROKEN) from None
    if len(content) > MOST_BYTES:
        raise TooLarge(f"a file is at most {MOST_BYTES // 1024} KiB here")
    if not unpacking.eof:
        raise Invalid(BROKEN)
    return content


def opener(read: Callable[[bytes], Any]) -> Callable[[Sent], Sent]:
    """Reads a form's file. read : a file of the page's kind; what is wrong with it comes as a `Mistake`"""

    def prepare(sent: Sent) -> Sent:
        try:
            content = _content(sent)
            opened = Opened(packed(content), read(content), sent.said(SEEN) or None)
        except Mistake as mistake:
            opened = Opened("", mistake, None)
        return sent._replace(found=opened)

    return prepare


def _content(sent: Sent) -> bytes:
    held = sent.said(PACKED)
    content = unpacked(held) if held else sent.files.get(FILE, b"")
    if not content:
        raise Invalid("no file was chosen, or it is empty")
    if len(content) > MOST_BYTES:
        raise TooLarge(f"a file is at most {MOST_BYTES // 1024} KiB here; upload it in parts")
    return content


def page_of_files(
    name: str,
    scope: Scope,
    shown: msgspec.Struct,
    upload: Callable[[Connection, Kept, str, Sequence[Upload], int], Sequence[Any]],
) -> ConsolePage:
    """A page of staff below the program's that takes sheets.

    shown : what it says before there is one, the same to everybody
    upload : looks at a sheet or stores it; what it gives has `stored`, or is a `Mistake`
    """

    def read(
        _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
    ) -> list[msgspec.Struct]:
        return [shown] * len(visits)

    def take(conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int) -> list[Taken]:
        def act(one: Upload) -> Any:
            return upload(conn, kept, program_id, [one], now_ms)[0]

        return [told(one, act, lambda tried: tried.stored) for one in sent]

    return ConsolePage(
        name,
        f"/program/{name}",
        read,
        scope=scope,
        audience="staff",
        under="program",
        take=take,
        most_bytes=MOST_FORM,
        prepare=opener(sheet_file.opened),
    )


def told(sent: Sent, act: Callable[[Upload], Any], stored: Callable[[Any], bool]) -> Taken:
    """What came of a form's file. act : looks or stores      stored : whether what it gave is stored"""
    opened: Opened = sent.found
    if isinstance(opened.content, Mistake):
        return Taken(told=Shown(wrong=words(opened.content)))
    found = act(Upload(opened.content, opened.seen))
    if isinstance(found, Mistake):
        return Taken(told=Shown(wrong=words(found)))
    again = opened.seen is not None and not stored(found)
    return Taken(told=Shown(opened.packed, found, again=again))


def words(mistake: Mistake) -> str:
    """What is wrong, as a sentence."""
    text = str(mistake) or mistake.title()
    return f"{text[:1].upper()}{text[1:]}."
