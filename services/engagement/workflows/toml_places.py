"""Where in a TOML text each value stands, so that a mistake in it can be shown to whoever wrote it."""

import re
from typing import NamedTuple

Path = tuple[str | int, ...]
"""A value's keys and places from the top, such as ("actions", 3, "content", 0, "text")."""
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
LONG = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}', re.DOTALL)
SPACE = re.compile(r"[ \t]*")
GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SCALAR = re.compile(r"[^,\]}\n#]*")


class Place(NamedTuple):
    """A line and a column of a text, both from 1."""

    line: int
    column: int


def places(text: str) -> dict[Path, Place]:
    """The place of every key, table and element. text : TOML that `tomllib` has read without complaint"""
    return _Reader(text).read()


class _Reader:
    """Walks through a text once. at : where it stands"""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, Place] = {}
        self._lengths: dict[Path, int] = {}
        self._line, self._line_starts_at, self._counted = 1, 0, 0

    def read(self) -> dict[Path, Place]:
        table: Path = ()
        self._skip(GAP)
        while self._at < len(self._text):
            start = self._at
            if self._text.startswith("[[", start):
                self._at += 2
                table = self._element(self._inside(self._keys()))
                self._at += 2
                self._note(table, start)
            elif self._text[start] == "[":
                self._at += 1
                table = self._inside(self._keys())
                self._at += 1
                self._note(table, start)
            else:
                self._pair(table)
            self._skip(GAP)
        return self._found

    def _skip(self, what: re.Pattern[str]) -> str:
        """Whatever matches here, and goes on behind it."""
        found = what.match(self._text, self._at)
        self._at = self._at if found is None else found.end()
        return "" if found is None else found[0]

    def _note(self, path: Path, at: int) -> None:
        self._line += self._text.count("\n", self._counted, at)
        self._line_starts_at = self._text.rfind("\n", 0, at) + 1
        self._counted = at
        self._found.setdefault(path, Place(self._line, at - self._line_starts_at + 1))

    def _keys(self) -> Path:
        """A key, in parts where it has dots."""
        parts: list[str] = []
        while True:
            self._skip(SPACE)
            quoted = self._skip(QUOTED)
            parts.append(quoted[1:-1] if quoted else self._skip(BARE_KEY))
            self._skip(SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _inside(self, keys: Path) -> Path:
        """The path that a table's name means: of an array of tables, the last one."""
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return (*path, *keys[-1:])

    def _element(self, array: Path) -> Path:
        """One table more of an array of tables."""
        self._lengths[array] = self._lengths.get(array, 0) + 1
        return (*array, self._lengths[array] - 1)

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._keys())
        self._note(path, start)
        self._at += 1  # the sign =
        self._skip(SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        mark = self._text[self._at]
        if mark == "[":
            self._list(path)
        elif mark == "{":
            self._list(path, "}")
        elif self._text.startswith(('"""', "'''"), self._at):
            self._skip(LONG)
        elif mark in "\"'":
            self._skip(QUOTED)
        else:
            self._skip(SCALAR)

    def _list(self, path: Path, end: str = "]") -> None:
        """The elements of an array, or the pairs of a table within a line."""
        self._at += 1
        number = 0
        self._skip(GAP)
        while self._text[self._at] != end:
            if end == "}":
                self._pair(path)
            else:
                self._note((*path, number), self._at)
                self._value((*path, number))
            number += 1
            self._skip(GAP)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(GAP)
        self._at += 1
