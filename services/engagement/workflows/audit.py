"""Whether the ledger is as it was sealed: every row, every seal, and what erasures explain."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table

from engagement.store import seals
from engagement.store.leaves import LEAF, columns, sealed
from engagement.store.seals import FIRST, Held, Look, Seal
from engagement.workflows.seal import lateness

EXAMPLES = 3
Looked = Callable[[int], None]


class Flaw(NamedTuple):
    """Something that is not as it was sealed. table : "" of the chain itself      number : of the seal"""

    table: str
    number: int
    words: str


class Audit(NamedTuple):
    """What was found of one program.

    nights, erasures : seals there are of each      newest : the last of all
    rows : that are as they were sealed      erased : that are gone, as the seals behind erasures say
    fresh : that no seal holds yet      flaws : what is wrong      late : rows sealed later than they say
    """

    nights: int
    erasures: int
    newest: Seal | None
    rows: int
    erased: int
    fresh: int
    flaws: tuple[Flaw, ...]
    late: tuple[Flaw, ...]


def audit(
    conn: Connection, program_id: str, looked: Looked = lambda _: None, known: set[str] | None = None
) -> Audit:
    """Compares a program's ledger with its seals, as one transaction sees both. It only reads.

    looked : is told how many more rows were looked at
    known : the digests of its seals, in hexadecimal, are added to this
    """
    flaws: list[Flaw] = []
    late: list[Flaw] = []
    found: list[Seal] = []
    before = FIRST
    for seal in seals.chain(conn, program_id):
        flaws += _link(program_id, seal, before, found[-1].number + 1 if found else 1)
        late += [Flaw(table, seal.number, LATE.format(_rows(rows))) for table, rows in seal.says.late.items()]
        before = seal.digest
        found.append(seal)
    if known is not None:
        known |= {seal.digest.hex() for seal in found}
    parts = seals.held(conn, program_id)
    flaws += _parts(found, parts)
    rows = fresh = 0
    last = next((seal for seal in reversed(found) if seal.kind == "night"), None)
    for table in seals.SEALED:
        told = _table(conn, program_id, table, last, looked)
        flaws += told.flaws
        rows, fresh = rows + told.rows, fresh + told.fresh
    nights = [seal for seal in found if seal.kind == "night"]
    sealed_once = sum(part.rows for seal in nights for part in seal.says.parts)
    return Audit(
        len(nights),
        len(found) - len(nights),
        found[-1] if found else None,
        rows,
        max(0, sealed_once - sum(part.rows for part in parts)),
        fresh,
        tuple(flaws),
        tuple(late),
    )


LATE = "{} of this table came with it, recorded before the seal before as they say, and not in that"
NEVER = "{} of this table in no seal, recorded before this one as they say: {}"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


def _link(program_id: str, seal: Seal, before: bytes, number: int) -> Iterator[Flaw]:
    if seal.number != number:
        yield Flaw("", number, f"is missing: the next one there is, is {seal.number}")
    elif seals.digest_of(program_id, seal, before) != seal.digest:
        yield Flaw("", number, "is not what it was, or the one before is not: its digest is another")


def _parts(found: Sequence[Seal], parts: Sequence[Held]) -> Iterator[Flaw]:
    """What seals hold, against what they say: by itself, and after an erasure by what that left."""
    said = {
        (seal.number, part.table, part.part): part for seal in found for part in seal.says.parts
    }  # of nights alone
    last = next((seal for seal in reversed(found) if seal.kind == "erasure"), None)
    left = [part for part in parts if last is not None and part.number < last.number]
    explained = last is not None and seals.standing(left) == last.says.standing
    there = {part.key: part for part in parts}
    for key in sorted(said.keys() | there.keys()):
        number, table, _ = key
        if key not in there:
            yield Flaw(table, number, "what it holds of this table is gone")
        elif key not in said:
            yield Flaw(table, number, "holds rows of this table that it does not name")
        elif there[key].digest.hex() != said[key].digest and not (
            explained and last is not None and number < last.number and there[key].rows <= said[key].rows
        ):
            yield Flaw(table, number, "what it holds of this table is not what it names")
    if last is not None and not explained:
        yield Flaw("", last.number, "what is left of the seals before is not what it says was left")


class _Told(NamedTuple):
    rows: int
    fresh: int
    flaws: list[Flaw]


def _table(conn: Connection, program_id: str, table: Table, last: Seal | None, looked: Looked) -> _Told:
    look = Look(conn, program_id, table)
    flaws = []
    for part in look.parts:
        content = seals.leaves_of(conn, program_id, part)
        if sealed(part.salt, content) != part.digest or len(content) != LEAF * part.rows:
            flaws.append(Flaw(part.table, part.number, "what it holds of this table was changed"))
    is_late = lateness(conn, program_id, table, last)
    fresh, so_late, named = 0, 0, list[str]()
    for _, row in look.unknown(looked=looked):
        fresh += 1
        if is_late(row):
            so_late += 1
            named += [_key(table, row)] if so_late <= EXAMPLES else []
    gone: dict[int, int] = {}
    for part, unmet in zip(look.parts, look.unmet.tolist(), strict=True):
        gone[part.number] = gone.get(part.number, 0) + unmet
    flaws += [
        Flaw(table.name, number, f"{_rows(rows)} that it holds of this table: gone, or changed since")
        for number, rows in sorted(gone.items())
        if rows
    ]
    if so_late and last is not None:
        names = ", ".join([*named, *(["…"] if so_late > EXAMPLES else [])])
        flaws.append(Flaw(table.name, last.number, NEVER.format(_rows(so_late), names)))
    return _Told(look.rows - int(look.unmet.sum()), fresh, flaws)


def _key(table: Table, row: Sequence[object]) -> str:
    """What names a row in its table."""
    values = dict(zip((column.name for column in columns(table)), row, strict=True))
    return " ".join(str(values[column.name]) for column in table.primary_key if column.name != "program_id")
