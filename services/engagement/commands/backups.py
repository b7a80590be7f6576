"""The commands that copy a whole database and put it back, and the one that brings in a program."""

from contextlib import closing
from pathlib import Path

from engagement.clock import SystemClock
from engagement.commands.terminal import Arguments, Command, acting, opened, say, settings_of, zip_of
from engagement.store import setup
from engagement.store.acts import note, under
from engagement.store.database import Database
from engagement.store.leaving import patiently
from engagement.store.migrate import is_current
from engagement.store.wall import LISTING, NOBODY
from engagement.workflows.backup import backup, manifest_of, restore
from engagement.workflows.sealed import unseal_program


def add(command: Command) -> None:
    """Names the commands of this file."""
    for name, run, words in (
        ("backup", _backup, "copy the whole database into a file, while it serves"),
        ("restore", _restore, "put a backup where there is no database yet"),
    ):
        command(name, run, words).add_argument("file", type=Path, help="the backup; its manifest lies beside")
    words = "bring in a program that `export program` sealed, under its own ids"
    sealed = command("import-program", _import_program, words)
    sealed.add_argument("file", type=Path, help="the sealed program (.zip)")


def _backup(arguments: Arguments) -> None:
    with closing(Database(settings_of(arguments).database)) as db:
        made = backup(db, arguments.file, SystemClock().now_ms())
    say(
        f"{made.size} rows of {len(made.rows)} tables, {made.bytes} bytes, schema {made.schema}",
        f"Written: {arguments.file}",
        f"Written: {manifest_of(arguments.file)}",
        "Both hold what the database holds, secrets too: keep them as close.",
    )


def _restore(arguments: Arguments) -> None:
    with closing(Database(settings_of(arguments).database)) as db:
        made = restore(db, arguments.file)
        current = is_current(db)
        if current:
            _note_restored(acting(db, arguments))
    say(f"Restored: {made.size} rows of {len(made.rows)} tables, as many as were backed up.")
    if not current:
        say(f"The schema is {made.schema}, of engagement {made.engagement}; run `engagement migrate`.")
    say("Now compare what is derived with the ledger: engagement rebuild --check")


def _note_restored(db: Database) -> None:
    with db.read(LISTING) as conn:
        programs = setup.program_ids(conn)
    for program_id in programs:
        with db.write(program_id) as conn:
            note(conn, program_id, "restored")


def _import_program(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept), zip_of(arguments.file) as archive, db.write(NOBODY) as conn:
        patiently(conn)
        with under(conn, None):  # its rows name the acts that they were stored under there
            sealed = unseal_program(conn, kept, archive)
        note(conn, sealed.program, "imported")
    say(
        f"{sealed.title} ({sealed.program}): {sealed.size} rows of {len(sealed.tables)} tables, compared.",
        "What is derived was made again. Its keys and links open it here as they did there:",
        "send the apps here, and stop the program there (`engagement stop`), so that it lives once.",
    )
