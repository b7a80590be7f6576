"""The command that ends a program: it counts, writes everything out, and deletes only when that is meant."""

from collections.abc import Sequence
from pathlib import Path

from engagement.api.pages.handover import goodbye_sheets
from engagement.commands.exports import archived, write_archive
from engagement.commands.handover import handed
from engagement.commands.terminal import ONE_PROGRAM, Arguments, Command, only_program, opened, say, write
from engagement.errors import Invalid
from engagement.store import leaving, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.leaving import Part
from engagement.store.tables import LEDGER
from engagement.store.wall import LISTING
from engagement.workflows.wording import LANGUAGES


def add(command: Command) -> None:
    """Names the commands of this file."""
    bye = command("goodbye", _goodbye, "say goodbye: a page a group, everything exported, everything deleted")
    bye.add_argument("program", nargs="?", help=ONE_PROGRAM)
    bye.add_argument("--site", help="only the pages of this site; a site alone cannot be deleted")
    bye.add_argument(
        "--out", type=Path, help="a folder for the pages and the export; without it: only counts"
    )
    bye.add_argument("--language", choices=LANGUAGES, help="of every page; each group's own when absent")
    bye.add_argument("--on", metavar="DAY", help="pages as of this day; today when absent")
    bye.add_argument("--delete", action="store_true", help="delete every row of the program, for ever")
    bye.add_argument("--yes", metavar="TITLE", help="for --delete: the program's title, letter by letter")


def _goodbye(arguments: Arguments) -> int:
    with opened(arguments) as (db, kept):
        if arguments.delete and _is_gone(db, arguments.program):
            say(f"There is no program {arguments.program} here.")
            return _wiped(db)
        program_id = only_program(db, arguments, "after `goodbye`")
        title, sites = _told_of(db, kept, program_id)
        if arguments.delete:
            _must_be_meant(arguments, title)
        if arguments.out is None:
            _say_what_would_go(db, program_id, title)
            return 0
        wanted = [arguments.site] if arguments.site else sites
        pages = {site: _page(arguments, db, kept, program_id, site) for site in wanted}
        _make(arguments.out)
        for site, page in pages.items():
            write(arguments.out / f"goodbye-{site}.html", page)
        return 0 if arguments.site else _write_out(arguments, db, program_id)


def _page(arguments: Arguments, db: Database, kept: Kept, program_id: str, site: str) -> bytes:
    """The page of a site. Raises Invalid for what cannot be told, before anything is written."""
    return goodbye_sheets(handed(db, kept, program_id, site, arguments.language, arguments.on)).encode()


def _write_out(arguments: Arguments, db: Database, program_id: str) -> int:
    """The export, and where it is meant the end."""
    archive = arguments.out / f"export-{program_id}.zip"
    if not arguments.delete:
        write_archive(db, program_id, archive)
        say("Nothing was deleted.")
        return 0
    parts = _delete(db, program_id, archive)
    say(f"Written: {archive}", f"Deleted: {_sum_of(parts)}.")
    return _wiped(db)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as flaw:
        raise Invalid(f"cannot write into {folder}: {flaw.strerror}") from flaw


def _is_gone(db: Database, program_id: str | None) -> bool:
    with db.read(LISTING) as conn:
        return program_id is not None and program_id not in setup.program_ids(conn)


def _told_of(db: Database, kept: Kept, program_id: str) -> tuple[str, list[str]]:
    """The program's title, and the ids of its sites."""
    with db.read(program_id) as conn:
        catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    return catalogue.program.title, sorted(catalogue.sites)


def _must_be_meant(arguments: Arguments, title: str) -> None:
    """Nothing is deleted by a slip: not a part, not before it is exported, not without its title typed."""
    if arguments.site is not None:
        raise Invalid("what was learned is the whole program's, so a site alone cannot be deleted")
    if arguments.out is None:
        raise Invalid("nothing is deleted before it is exported: give a folder with --out")
    if arguments.yes != title:
        raise Invalid(f'to delete everything for ever, add --yes "{title}"')


def _say_what_would_go(db: Database, program_id: str, title: str) -> None:
    with db.read(program_id) as conn:
        parts = leaving.counted(conn, program_id)
    say(f"{title} ({program_id}) has", *(f"  {part.rows:>9} {part.table}" for part in parts))
    say(
        f"Nothing was changed. This would delete {_sum_of(parts)}:",
        f'  engagement goodbye {program_id} --out FOLDER --delete --yes "{title}"',
    )


def _sum_of(parts: Sequence[Part]) -> str:
    return f"{sum(part.rows for part in parts)} rows of {len(parts)} tables"


def _delete(db: Database, program_id: str, archive: Path) -> tuple[Part, ...]:
    """Exports and deletes a program in one transaction: of the ledger only what is in the export.

    raises : RuntimeError when more would go than was written; then nothing has
    """
    with db.write(program_id) as conn:
        leaving.patiently(conn)
        with leaving.unguarded(conn):
            written = set(archived(conn, program_id, archive))
            gone = leaving.delete(conn, program_id)
            ledger = {table.name for table in LEDGER}
            if {part for part in gone if part.table in ledger} != written:
                raise RuntimeError("the export does not hold all that would be deleted; nothing was deleted")
    return gone


def _wiped(db: Database) -> int:
    if leaving.wipe(db):
        say("The database was written anew. Copies elsewhere are yours to delete: backups, and the export.")
        return 0
    say(
        "Everything is deleted, but somebody else has the file open, so traces may still stand in its log.",
        "Stop the service and give the same command again.",
    )
    return 1
