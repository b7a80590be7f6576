"""The commands of the chain of seals: is the ledger as it was sealed, and seal it now."""

import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]  # its stubs are a package of their own

from engagement.commands.terminal import (
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
    text_of,
)
from engagement.errors import Invalid
from engagement.store import seals, setup
from engagement.store.copies import one_moment
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.wall import LISTING
from engagement.workflows.audit import Audit, Flaw, audit
from engagement.workflows.seal import seal
from engagement.workflows.tell import moment

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
ADVICE = "Keep the database as it is, take a backup, and read docs/audit.md before anything is changed."


def add(command: Command) -> None:
    """Names the command of this file."""
    made = command("audit", _audit, "compare the ledger with its nightly seals, or seal it now")
    made.add_argument("what", choices=("verify", "seal"))
    made.add_argument("--program", help="only this program")
    made.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="DIGEST",
        help="for verify: a digest that was written down, or a file with some; it must be in the chain",
    )
    made.add_argument("--strict", action="store_true", help="exit code 1 also where rows were sealed late")


def _audit(arguments: Arguments) -> int:
    noted = [digest for given in arguments.against for digest in _digests(given)]
    with opened(arguments) as (db, kept):
        with db.read(LISTING) as conn:
            programs = setup.program_ids(conn)
        if arguments.program is not None:
            programs = [only_program(db, arguments)]
        if not programs:
            raise Invalid("there are 0 programs; `engagement init` writes the file of one")
        if arguments.what == "seal":
            return _seal(db, programs, now_of(db))
        return _verify(db, kept, programs, noted, strict=arguments.strict)


def _digests(given: str) -> list[str]:
    """Of what was given the digests: itself, or those in the file that it names."""
    if DIGEST.fullmatch(given):
        return [given]
    found = DIGEST.findall(text_of(Path(given)))
    if not found:
        raise Invalid(f"there is no digest in {given}: 64 hexadecimal digits, as `audit verify` prints them")
    return list(dict.fromkeys(found))


def _seal(db: Database, programs: Sequence[str], now_ms: int) -> int:
    missed = 0
    for program_id in programs:
        made = seal(db, program_id, f"command-{secrets.token_hex(8)}", now_ms)
        if made is None:
            missed += 1
            say(f"{program_id}: another is sealing it, or somebody was erased just now; try again")
        else:
            rows = sum(part.rows for part in made.says.parts)
            say(f"{program_id}: seal {made.number}, {_many(rows, 'row')}", f"  {made.digest.hex()}")
    return 1 if missed else 0


def _verify(db: Database, kept: Kept, programs: Sequence[str], noted: list[str], *, strict: bool) -> int:
    known: set[str] = set()
    bad = doubtful = 0
    for program_id in programs:
        with one_moment(db, program_id) as conn:
            revision = setup.catalogue_revision(conn, program_id)
            title = setup.catalogue(conn, kept, program_id, revision).program.title
            rows = sum(seals.count(conn, program_id, table) for table in seals.SEALED)
            with tqdm(total=rows, desc=title, unit=" rows", disable=not sys.stderr.isatty()) as bar:
                found = audit(conn, program_id, bar.update, known)
        bad, doubtful = bad + bool(found.flaws), doubtful + bool(found.late)
        say(f"{title} ({program_id}): {_in_short(found)}")
        say(*(f"  ! {_told(flaw)}" for flaw in found.flaws), *(f"  ? {_told(flaw)}" for flaw in found.late))
        if found.newest is not None:
            made_at = moment(found.newest.made_at)
            say(f"  seal {found.newest.number}, {made_at:%Y-%m-%d %H:%M} UTC: {found.newest.digest.hex()}")
    strange = [digest for digest in noted if digest not in known]
    for digest in strange:
        say(f"! {digest} is in no chain: seals were made anew or taken away, or a backup was restored")
    if noted and not strange:
        say(
            f"{len(noted)} written down: in the chain"
            if len(noted) > 1
            else "What was written down is in it."
        )
    if bad or strange:
        say(ADVICE)
    return 1 if bad or strange or (strict and doubtful) else 0


def _in_short(found: Audit) -> str:
    if found.newest is None and not found.flaws:
        return f"not sealed yet, {_many(found.fresh, 'row')}"
    state = "NOT as it was sealed" if found.flaws else "as it was sealed"
    words = [f"{state}; {_many(found.nights, 'night')}, {_many(found.rows, 'row')}"]
    if found.erasures:
        words.append(f"{_many(found.erased, 'row')} gone with {_many(found.erasures, 'erasure')}")
    return ", ".join([*words, f"{found.fresh} newer"])


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _told(flaw: Flaw) -> str:
    return f"seal {flaw.number}{f', {flaw.table}' if flaw.table else ''}: {flaw.words}"
