"""A row of the ledger as a leaf: the first 16 bytes of its SHA-256, by which it is known again.

What is hashed is one JSON array, `["signals",{"event_id":"e1",…}]`: the table's name and the row's columns
in order of their names, each as it is stored (bytes in base64, a day as a date), without those that are
empty. So a column that is added later, and is empty in older rows, changes no leaf.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Table

from engagement.records import Bools

LEAF = 16
"""Bytes. To find another row with the same leaf would take 2¹²⁸ tries."""
KIND = f"S{LEAF}"
Leaves = NDArray[np.bytes_]
Row = Sequence[Any]

_encoder = msgspec.json.Encoder()


def columns(table: Table) -> list[Column[Any]]:
    """A table's columns, in order of their names."""
    return sorted(table.c, key=lambda column: column.name)


def leaf_of(table: Table) -> Callable[[Row], bytes]:
    """What makes a leaf of a row of this table, whose values stand in the order of `columns`."""
    name, names = str(table.name), [str(column.name) for column in columns(table)]

    def leaf(row: Row) -> bytes:
        told = {key: value for key, value in zip(names, row, strict=True) if value is not None}
        return sha256(_encoder.encode((name, told))).digest()[:LEAF]

    return leaf


def leaves_in(content: bytes) -> Leaves:
    """Leaves one behind another, as an array of them."""
    return np.frombuffer(content, KIND)


def ordered(leaves: Leaves) -> bytes:
    """The same in their order, one behind another."""
    return np.sort(leaves).tobytes()


def sealed(salt: bytes, content: bytes) -> bytes:
    """The digest of some rows: SHA-256 of a random salt and of their leaves in order.

    Once the salt and one of the leaves are gone, it tells nobody which leaf that was.
    """
    return sha256(salt + content).digest()


class Known:
    """Leaves that were sealed, to look rows up in. place : of the part that each is in, (N,)"""

    def __init__(self, leaves: Leaves, place: NDArray[np.int32]) -> None:
        order = np.argsort(leaves)
        self._leaves, self._place = leaves[order], place[order]
        self._met = np.zeros(leaves.size, bool)

    def look_up(self, leaves: Leaves) -> Bools:
        """Which of these are known, (N,); those count as met from now on."""
        if not self._leaves.size:
            return np.zeros(leaves.size, bool)
        where = np.minimum(np.searchsorted(self._leaves, leaves), self._leaves.size - 1)
        found: Bools = self._leaves[where] == leaves
        self._met[where[found]] = True
        return found

    def unmet(self, parts: int) -> NDArray[np.int64]:
        """How many leaves of each part nobody has met, (parts,)."""
        return np.bincount(self._place[~self._met], minlength=parts)


def shard(leaves: Leaves, number: int, of: int) -> Bools:
    """Which leaves belong to one of so many equal shares, (N,): to look at one share at a time."""
    first = leaves.view(np.uint8).reshape(-1, LEAF)[:, :2].astype(np.uint32)
    share: Bools = ((first[:, 0] << 8 | first[:, 1]) * of) >> 16 == number
    return share


def joined(leaves: Iterable[bytes]) -> Leaves:
    """An array of leaves."""
    return leaves_in(b"".join(leaves))
