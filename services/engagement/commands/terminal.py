"""What every command needs: to speak, its database, its program, the time."""

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, event
from tqdm import tqdm  # type: ignore[import-untyped]  # its stubs are a package of their own

from engagement.actions.availability import DAY_MS
from engagement.clock import SystemClock
from engagement.errors import Invalid
from engagement.settings import Settings, from_environment
from engagement.store import facts, leaving, setup
from engagement.store.acts import By
from engagement.store.database import Database
from engagement.store.erasure_list import ErasureList, erasure_list
from engagement.store.kept import Kept
from engagement.store.migrate import TOO_OLD, Standing, migrate, standing
from engagement.store.wall import LISTING, NOBODY
from engagement.strategy.cadence import midnight_ms
from engagement.workflows.erase import carry_out

Arguments = argparse.Namespace
HALF_A_DAY_MS = DAY_MS // 2
ONE_PROGRAM = "the program's id; not needed when there is one program"
T = TypeVar("T")
R = TypeVar("R")
Run = Callable[[Arguments], int | None]
"""What a command does; returns its exit code, None for 0."""
Command = Callable[[str, Run, str], argparse.ArgumentParser]
"""Names a command to the command line, with what help says of it; its parser, for arguments of its own."""


def say(*lines: str) -> None:
    """Prints for the person at the terminal."""
    if lines:
        print(*lines, sep="\n", flush=True)  # noqa: T201  # the command line speaks


def settings_of(arguments: Arguments) -> Settings:
    """The settings of the environment, with what the command was told instead."""
    given = {
        name: value
        for name in ("database", "host", "port")
        if (value := getattr(arguments, name, None)) is not None
    }
    return from_environment(given=given)


def acting(db: Database, arguments: Arguments) -> Database:
    """The database, in which what is changed from now on is an act of this command."""
    words = [arguments.command, getattr(arguments, "what", "")]
    return db.acting(By("command", None, " ".join(filter(None, words))), SystemClock().now_ms)


@contextmanager
def opened(arguments: Arguments) -> Iterator[tuple[Database, Kept]]:
    """The database, with a schema that this version runs on; or a sealed program, which nothing changes."""
    url = settings_of(arguments).database
    if url.startswith(ARCHIVE):
        with _sealed(Path(url.removeprefix(ARCHIVE))) as db:
            yield db, Kept()
        return
    with closing(Database(url)) as db:
        refusal = REFUSED.get(standing(db))
        if refusal is not None:
            raise Invalid(refusal)
        kept = Kept()
        carry_out_erasures(db, kept, settings_of(arguments))
        yield acting(db, arguments), kept


ARCHIVE = "archive:"
REFUSED: Mapping[Standing, str] = {
    "empty": "the database is empty; run `engagement migrate` first",
    "behind": "the database has another version's schema; run `engagement migrate` first",
    "beyond": TOO_OLD,
}


@contextmanager
def _sealed(file: Path) -> Iterator[Database]:
    """A sealed program in a database of its own, as long as it is looked at; no change is ever kept."""
    from engagement.workflows.sealed import unseal_program  # noqa: PLC0415  few commands are given one

    with (
        zip_of(file) as archive,
        tempfile.TemporaryDirectory(prefix="engagement-") as folder,
        closing(Database(f"sqlite:///{folder}/sealed.db")) as db,
    ):
        migrate(db)
        with db.write(NOBODY) as conn:
            unseal_program(conn, Kept(), archive)
        event.listen(db.engine(), "commit", _refuse)
        yield db


def _refuse(_: Connection) -> None:
    raise Invalid("a sealed program cannot be changed; `engagement import-program` brings it back to life")


@contextmanager
def zip_of(file: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive, to read."""
    try:
        archive = zipfile.ZipFile(file)
    except Exception as flaw:  # what a broken archive does to its reader nobody has listed
        raise Invalid(f"cannot read {file}: {why(flaw)}") from flaw
    with archive:
        yield archive


def listed_by(settings: Settings) -> ErasureList:
    """The list of who was erased."""
    return erasure_list(settings.erasures, settings.database)


def carry_out_erasures(db: Database, kept: Kept, settings: Settings) -> None:
    """Erases again whom a restored backup brought back, before anything is told of them."""
    again = carry_out(db, kept, listed_by(settings))
    if again:
        clean = (
            "" if leaving.wipe(db) else "; stop whatever else has it open and start again to wipe the file"
        )
        say(f"Erased again, as the erasure list says: {again} of a restored database{clean}")


def only_program(db: Database, arguments: Arguments, named: str = "with --program") -> str:
    """The id of the program that was named, or of the only one. named : how this command takes a name"""
    with db.read(LISTING) as conn:
        known = setup.program_ids(conn)
    if arguments.program is not None:
        if arguments.program not in known:
            raise Invalid(f"there is no program `{arguments.program}`; see `engagement program list`")
        return str(arguments.program)
    if not known:
        raise Invalid("there are 0 programs; `engagement init` writes the file of one")
    if len(known) > 1:
        raise Invalid(f"there are {len(known)} programs; name one {named} (see `engagement program list`)")
    return known[0]


def now_of(db: Database, instead: str = "use the server's own addresses instead") -> int:
    """The time commands work with; a simulated database has no other clock than its server's.

    instead : what to do there
    """
    with db.read(NOBODY) as conn:
        if facts.is_simulated(conn):
            raise Invalid(f"time in this database is simulated; {instead}")
    return SystemClock().now_ms()


def moment_of(db: Database, kept: Kept, program_id: str, on: str | None) -> int:
    """Noon of a day where the program is, in milliseconds; without a day now.

    With a day no clock is asked, so that a program whose time is simulated can be looked at, too.
    """
    if on is None:
        return now_of(db, "give a day with --on")
    try:
        day = date.fromisoformat(on)
    except ValueError:
        raise Invalid(f"`{on}` is not a day; write it like 2026-06-30") from None
    with db.read(program_id) as conn:
        revision = setup.catalogue_revision(conn, program_id)
        zone = setup.catalogue(conn, kept, program_id, revision).program.time_zone
    return midnight_ms(day, zone) + HALF_A_DAY_MS


def past_moment_of(db: Database, kept: Kept, program_id: str, on: str | None) -> int:
    """The same for what looks back: on a day still to come nothing has happened yet."""
    now_ms = moment_of(db, kept, program_id, on)
    with db.read(program_id) as conn:
        if not facts.is_simulated(conn) and now_ms > SystemClock().now_ms() + DAY_MS:
            raise Invalid(f"{on} is still to come; give a day that has passed")
    return now_ms


def why(flaw: Exception) -> str:
    """Why a file cannot be read or written; the system's own words name it once more."""
    return (flaw.strerror if isinstance(flaw, OSError) else None) or str(flaw)


def text_of(file: Path, most: int | None = None) -> str:
    """A file's text; of one longer than `most` characters only enough to see that it is."""
    try:
        with file.open(encoding="utf-8-sig") as text:
            return text.read(None if most is None else most + 1)
    except (OSError, UnicodeDecodeError) as flaw:
        raise Invalid(f"cannot read {file}: {why(flaw)}") from flaw


def write(file: Path, content: bytes) -> None:
    """Writes a file and says so."""
    try:
        file.write_bytes(content)
    except OSError as flaw:
        raise Invalid(f"cannot write {file}: {why(flaw)}") from flaw
    say(f"Written: {file}")


def watched(
    spread: Callable[[Callable[[T], R], Iterable[T]], Iterator[R]], what: str
) -> Callable[[Callable[[T], R], Sequence[T]], Iterator[R]]:
    """Whoever does many things, with a bar on the terminal; silent where nobody watches. what : they are"""

    def each(do: Callable[[T], R], things: Sequence[T]) -> Iterator[R]:
        with tqdm(total=len(things), desc=what, disable=not sys.stderr.isatty()) as bar:
            for done in spread(do, things):
                bar.update()
                yield done

    return each
