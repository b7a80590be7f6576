"""Bodies as nobody should send them: mutated bytes, and mutated values written as JSON.

All is drawn from the generator that is given, so that a number names a body.
"""

import gzip
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

NUMBERS = (
    "0", "-0", "-0.0", "1", "-1", "2", "1.0", "1e0", "0.5", "-0.5", "0.30000000000000004", "1e-320",
    "5e-324", "1e15", "1e308", "-1e308", "1e400", "-1e400", "1e-400", "2147483647", "2147483648",
    "4294967296", "9007199254740991", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "1" + "0" * 30, "9" * 400, "-62135596800000", "-62135596800001", "253402300799999", "253402300800000",
    "1767592800000", "1e18", "01", "+1", "1.", ".5", "0x10", "1_000", "NaN", "Infinity", "-Infinity",
)  # fmt: skip
"""As they are written: some are no JSON, and some no float holds."""
WORDS = (
    "", " ", "0", "1", "-1", "none", "null", "true", "yes", "program", "NaN", "1e400", "\0", "a\0b", "\t",
    "a\nb", "\r\n", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\U0010ffff", "\u200b", "\u202eabc",
    "e\u0301", "\u00e9", "\u0130", "\u1e9e", "\ufb03", "\uff11\uff12", "\u0663", "\u00b2", "\u0967",
    "\u2167", "\u2212" + "1", "1,5", "1\u00a0000", "../../etc/passwd", "..", ".", "/", "a/b", "%00",
    "%2e%2e", "%", "%s%n", "{0}", "{{7*7}}", "${x}", "'; DROP TABLE members;--", '"', "'", "\\", "`",
    "<script>", "=1+1", "@SUM(A1)", "a" * 64, "a" * 65, "a" * 129, "a" * 300, "a-" * 500,
    "00000000-0000-0000-0000-000000000000", "*", "$", "a,b", "a;b", "-", "_",
)  # fmt: skip
MOMENTS = (
    "2026-01-05", "2026-02-30", "2024-02-29", "2025-02-29", "0000-01-01", "0001-01-01", "9999-12-31",
    "10000-01-01", "+002026-01-01", "-0001-01-01", "20260105", "2026-W01-1", "2026-001", "1970-01-01",
    "1969-12-31", "1583-01-01", "05/01/2026", "5.1.26", "2026-01-05T06:00:00", "2026-01-05T06:00:00Z",
    "2026-01-05t06:00:00z", "2026-01-05 06:00:00+05:30", "2026-01-05T24:00:00Z", "2026-01-05T23:59:60Z",
    "2026-01-05T06:00:00.9999999999Z", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999Z", "2026-01-05T06:00:00+24:00",
    "2026-01-05T06:00:00+00:00:30", "1969-12-31T23:59:59Z", "2262-04-12T00:00:00Z", "3000-01-01T00:00:00Z",
    "1900-01-01T00:00:00Z", "2026-03-29T02:30:00", "PT0S", "-PT1H", "P1Y", "PT1H", "P999999999999D",
    "PT1e400S", "P1D", "Europe/Berlin", "Asia/Kolkata", "UTC", "Mars/Base", "../UTC",
)  # fmt: skip
CONTENT_TYPES = (
    "", "application/json", "application/json; charset=utf-8", "application/json; charset=utf-16",
    "text/json", "application/json; charset=nonsense", "text/plain", "text/csv",
    "text/csv; charset=latin-1", "application/toml", "application/xml", "application/x-www-form-urlencoded",
    "multipart/form-data", "multipart/form-data; boundary=x", "application/x-msgpack",
    "application/octet-stream", "application/cloudevents+json", "nonsense", "a/b/c", ";",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/cloudevents-batch+json", "application/JSON", "application/json, text/csv", "\xff\xfe",
    "application/problem+json",
)  # fmt: skip
HEADERS = (
    ("content-encoding", ("gzip", "deflate", "br", "identity", "nonsense")),
    ("if-match", ('"1"', "*", "1", 'W/"1"', '"999999999999999999999"', "", '"1", "2"', '"\xff"', '"-1"')),
    ("if-none-match", ('"1"', "*", "", "x")),
    ("idempotency-key", ("a", "", "a" * 5000, "\xff", "a b", "k1")),
    ("accept", ("text/html", "*/*", "", "application/xml", CONTENT_TYPES[-6], "a" * 300)),
    ("accept-language", ("hi", "xx", "*", "", "en;q=2", "en;q=x", "\xff", "hi-IN,en;q=0.5,*;q=0.1")),
    ("traceparent", ("00-" + "1" * 32 + "-" + "2" * 16 + "-01", "00", "\xff")),
    ("transfer-encoding", ("chunked", "gzip, chunked")),
    ("expect", ("100-continue",)),
    ("content-length", ("0", "5", "99999999999", "-1", "x")),
    ("origin", ("http://example.org", "null")),
)
PACKED = b"PK\x03\x04"
DEEP = ("[" * 3000 + "]" * 3000, '{"a":' * 3000 + "0" + "}" * 3000)
ESCAPES = ('"\\ud800"', '"\\udc00\\ud800"', '"a\\u0000"', '"\\x"', '"\xff"')
FORM = re.compile(rb"[\w.%+-]+=[^&=\s]*(?:&[\w.%+-]+=[^&=\s]*)*")
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
LIMIT = 4 * 1024 * 1024
"""Of a body; what is a little larger must be refused in words."""
PIECES = (
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\0", b"\x1a",
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r", b"\t", b"'", b"\\u0000", b"\\ud800",
    b"\\udc00", b"/*x*/", b"#", b";", b"=", b"\xe2\x80\xa8", b"\xe2\x88\x92", b"\xc2\xa0", b"null",
    b"1e400", b"-0", b"NaN", b'"""', b"'''",
)  # fmt: skip


class Told(NamedTuple):
    """A token that goes into the JSON as it is written here."""

    text: str


class Mutations:
    """Draws mutated bodies. words : what else may stand in them, names of fields and ids that exist."""

    def __init__(self, rng: random.Random, words: Sequence[str] = ()) -> None:
        self.rng = rng
        self._words = tuple(words) or ("a",)

    def of(self, body: bytes) -> bytes:
        """A body, mutated within where it is packed, as JSON where it is that; now and then as bytes."""
        if body.startswith(PACKED) and self.rng.random() < 0.6:
            return self.of_packed(body)
        try:
            value = json.loads(body)
        except ValueError:
            return self.of_form(body) if FORM.fullmatch(body) else self.of_text(body)
        if self.rng.random() < 0.3:
            return self.of_bytes(body)
        for _ in range(self._few()):
            value = self.of_value(value)
        return self.written(value)

    def of_form(self, body: bytes) -> bytes:
        """The fields of a form, one or some of them changed, left out, doubled or renamed."""
        if self.rng.random() < 0.2:
            return self.of_bytes(body)
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        for _ in range(self._few()):
            place = self.rng.randrange(len(fields))
            name, value = fields[place]
            likely = self._like(value) if self.rng.random() < 0.5 else self.text()
            another = [(name, likely)]
            changes: tuple[list[tuple[str, str]], ...] = (
                another,
                another,
                [],
                [(name, value), *another],
                [(likely, value)],
            )
            fields[place : place + 1] = self.rng.choice(changes)
            fields = fields or [("a", "b")]
        return urlencode(fields, errors="surrogatepass").encode()

    def of_text(self, body: bytes) -> bytes:
        """A body of lines and cells, or any other: a word changed, or bytes."""
        if self.rng.random() < 0.4:
            return self.of_bytes(body)
        parts = re.split(rb"([\s,;=\[\]\"'|]+)", body)
        for _ in range(self._few()):
            place = self.rng.randrange(len(parts))
            match self.rng.randrange(4):
                case 0:
                    parts[place] = b""
                case 1:
                    parts[place] = self.rng.choice(parts)
                case 2:
                    parts.insert(place, self.rng.choice(parts))
                case _:
                    parts[place] = self.text().encode("utf-8", "surrogatepass")
        return b"".join(parts)

    def of_packed(self, body: bytes) -> bytes:
        """An archive with one of its files mutated, left out, or there twice under another name."""
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            chosen, what = self.rng.choice(names), self.rng.random()
            for name in names:
                content = old.read(name)
                if name != chosen:
                    new.writestr(name, content)
                elif what < 0.8:
                    new.writestr(name, self.of(content))
                elif what < 0.9:
                    new.writestr(name.upper(), content)
        return out.getvalue()

    def of_bytes(self, body: bytes) -> bytes:
        """A body with some bytes flipped, cut, doubled, put in, or all of it wrapped."""
        for _ in range(self._few()):
            body = self._one_of_bytes(body)
        return body

    def _one_of_bytes(self, body: bytes) -> bytes:
        rng = self.rng
        start, end = sorted((rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)))
        numbers = list(NUMBER.finditer(body))
        number = rng.choice(numbers).span() if numbers else (start, end)
        within = (
            (start, start, rng.choice(PIECES)),  # put in
            (start, start, rng.randbytes(rng.randrange(1, 9))),
            (start, end, b""),  # cut out
            (*number, rng.choice(NUMBERS).encode()),
            (start, start + 1, bytes(byte ^ 1 << end % 8 for byte in body[start : start + 1])),
            (0, 0, rng.choice(PIECES)),
            (len(body), len(body), rng.choice(PIECES)),
        )
        if rng.random() < 0.7:
            first, last, new = rng.choice(within)
            return body[:first] + new + body[last:]
        of_all = (body[:start], body[start:], body[end:] + body[:end], body + body, body[::-1], b"")
        coded = (gzip.compress(body), zlib.compress(body), body.decode("latin-1").encode("utf-16"))
        return rng.choice(of_all if rng.random() < 0.8 else coded)

    def gigantic(self, body: bytes) -> bytes:
        """A body of about as many bytes as are taken, of one string, list, number, or depth."""
        rng = self.rng
        size = rng.choice((LIMIT // 64, LIMIT // 8, LIMIT - len(body) - 64, LIMIT - len(body) + 64))
        large = rng.choice(
            (
                b'"' + b"a" * size + b'"',
                b'"' + b"\\u0000" * (size // 6) + b'"',
                b"[" + b"1," * (size // 2) + b"1]",
                b"[" + b"{}," * (size // 3) + b"{}]",
                b"9" * size,
                b"[" * (size // 2) + b"]" * (size // 2),
                b"{" + b",".join(b'"k%d":0' % n for n in range(size // 12)) + b"}",
                b" " * size + b"1",
                b'"' + b"1 " * (size // 2) + b'"',
                b'"' + b"|,;=\n" * (size // 5) + b'"',
            )
        )
        leaves = list(re.finditer(rb'"(?:[^"\\]|\\.)*"|\d+', body))
        if not leaves:
            return large.strip(b'"') + body
        found = rng.choice(leaves)
        return body[: found.start()] + large + body[found.end() :]

    def of_value(self, value: Any) -> Any:
        """A value with one of its parts changed."""
        places = list(_places(value))
        path = self.rng.choice(places)
        return _changed(value, path, self._part)

    def _part(self, part: Any) -> Any:
        rng = self.rng
        if isinstance(part, dict) and part and rng.random() < 0.8:
            return self._fields(part)
        if isinstance(part, list) and rng.random() < 0.7:
            return self._items(part)
        if isinstance(part, str) and rng.random() < 0.4:
            return self._like(part)
        return self.value()

    def _fields(self, part: dict[str, Any]) -> Any:
        rng = self.rng
        rows = list(part.items())
        place = rng.randrange(len(rows))
        name, held = rows[place]
        match rng.randrange(6):
            case 0:
                rows.pop(place)
            case 1:
                rows[place] = (rng.choice((self.text(), name + " ", name.upper(), self._word())), held)
            case 2:
                rows.insert(place, (name, self.value()))  # the same key twice, unless the value is a dict's
                return _Doubled(rows)
            case 3:
                rows.append((self._word(), self.value()))
            case 4:
                rows[place] = (name, self.value())
            case _:
                other = rng.randrange(len(rows))
                rows[place], rows[other] = (name, rows[other][1]), (rows[other][0], held)
        return dict(rows)

    def _items(self, part: list[Any]) -> list[Any]:
        rng = self.rng
        match rng.randrange(5):
            case 0:
                return []
            case 1:
                return part * rng.choice((2, 3, 300))
            case 2:
                return [*part, self.value()]
            case 3:
                return rng.sample(part, len(part))[1:]
            case _:
                return [part]

    def _like(self, text: str) -> str:
        rng = self.rng
        place = rng.randrange(len(text) + 1)
        return rng.choice(
            (
                text + " ", " " + text, text.upper(), text[:place], text[place:], text * 2, text + "\0",
                text[:place] + rng.choice(WORDS) + text[place:], text.replace("2026", "9999"),
                text.replace("2026", "0001"), text.replace("Z", "+23:59"), text + "\u0301", self._word(),
            )
        )  # fmt: skip

    def value(self) -> Any:
        """Any value."""
        rng = self.rng
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: rng.choice((None, True, False, [], {}, [[]], [{}], [None], {"": None})),
            lambda: Told(rng.choice(NUMBERS)),
            lambda: Told(rng.choice(NUMBERS)),
            self.text,
            self.text,
            lambda: Told(rng.choice(ESCAPES)),
            lambda: {self._word(): self.value()},
            lambda: [self.value() for _ in range(rng.randrange(4))],
            lambda: Told(rng.choice(DEEP)) if rng.random() < 0.1 else self.value(),
        )
        return rng.choice(kinds)()

    def text(self) -> str:
        """Any text."""
        return self.rng.choice(self.rng.choice((WORDS, MOMENTS, NUMBERS, self._words)))

    def _word(self) -> str:
        return self.rng.choice(self._words)

    def _few(self) -> int:
        return self.rng.choice((1, 1, 1, 1, 2, 2, 3, 6))

    def written(self, value: Any) -> bytes:
        """A value as JSON, with its tokens in place."""
        return "".join(_tokens(value)).encode("utf-8", "surrogatepass")


class _Doubled(list[Any]):
    """The fields of an object, of which two have the same name."""


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _places(part, (*path, name))
    elif isinstance(value, list) and not isinstance(value, _Doubled):
        for place, part in enumerate(value[:50]):
            yield from _places(part, (*path, place))


def _changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    copy = value.copy()
    copy[path[0]] = _changed(value[path[0]], path[1:], change)
    return copy


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, Told):
        yield value.text
    elif isinstance(value, _Doubled | dict):
        yield "{"
        rows = value if isinstance(value, _Doubled) else value.items()
        for place, (name, part) in enumerate(rows):
            yield f"{',' if place else ''}{json.dumps(name, ensure_ascii=False)}:"
            yield from _tokens(part)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for place, part in enumerate(value):
            yield "," if place else ""
            yield from _tokens(part)
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False)
