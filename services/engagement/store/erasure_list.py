"""Who was erased, kept outside of the database: a backup that is restored knows it from here.

A line is a moment in milliseconds and a mark (`randomness.erasure_mark`): without the secret in the database
it stands for nobody. Lines are only ever added, and are on the disk before anything is deleted.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import make_url

from engagement.errors import Invalid

LINE = re.compile(rb"([0-9]{1,15}) ([0-9a-f]{64})")
BESIDE = "beside"
VOID = b" -\n"
"""Ends a line that somebody was cut off in; nothing was deleted for it."""


class ErasureList(NamedTuple):
    """The list's file; None where no setting names one."""

    file: Path | None

    def add(self, marks: Sequence[str], at_ms: int) -> None:
        """Adds somebody's marks, on the disk before this returns. raises : Invalid where that cannot be"""
        if self.file is None:
            raise Invalid(
                "nobody is erased without a list outside of the database, from which a restored backup "
                "learns of it: name a file in ENGAGEMENT_ERASURES"
            )
        lines = b"".join(f"{at_ms} {mark}\n".encode() for mark in marks)
        try:
            is_new = not self.file.exists()
            with self.file.open("ab+") as file:
                if file.seek(0, os.SEEK_END):
                    file.seek(-1, os.SEEK_END)
                    lines = lines if file.read(1) == b"\n" else VOID + lines
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                _keep_name(self.file.parent)
        except OSError as flaw:
            raise Invalid(f"cannot write the erasure list {self.file}: {flaw.strerror}") from flaw

    def read(self, *, expected: bool) -> dict[str, int]:
        """The last moment of each mark. expected : somebody was erased, so there must be a list

        raises : Invalid for a list that is not there although it must be, or that cannot be read
        """
        if self.file is None:
            if expected:
                raise Invalid(
                    "people were erased from this database, and no setting says where the list of them is: "
                    "name its file in ENGAGEMENT_ERASURES"
                )
            return {}
        try:
            content = self.file.read_bytes()
        except FileNotFoundError as flaw:
            if not expected:
                return {}
            raise Invalid(
                f"people were erased from this database, and the list of them, {self.file}, is not there: "
                "put it back, or name it in ENGAGEMENT_ERASURES. If it is lost for good, make an empty file "
                "in its place; whoever is in a backup restored after that has to be erased again by hand"
            ) from flaw
        except OSError as flaw:
            raise Invalid(f"cannot read the erasure list {self.file}: {flaw.strerror}") from flaw
        return self._marks(content)

    def _marks(self, content: bytes) -> dict[str, int]:
        out: dict[str, int] = {}
        *lines, _cut_off = content.split(b"\n")
        for number, line in enumerate(lines, start=1):
            found = LINE.fullmatch(line)
            if found is not None:
                out[found[2].decode()] = max(int(found[1]), out.get(found[2].decode(), 0))
            elif line and not line.endswith(VOID.rstrip()):
                raise Invalid(
                    f"line {number} of the erasure list {self.file} is not a moment and a mark; "
                    "restore the file, or take out what was never written by this service"
                )
        return out


def erasure_list(named: str, database: str) -> ErasureList:
    """The list that a setting names, or that lies `beside` an SQLite file."""
    if named != BESIDE:
        return ErasureList(Path(named))
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and url.database:
        return ErasureList(Path(url.database + ".erasures"))
    return ErasureList(None)


def _keep_name(folder: Path) -> None:
    """Has a folder remember the name of a new file."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
