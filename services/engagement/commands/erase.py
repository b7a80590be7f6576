"""The command that erases a person: it counts, asks, deletes, folds again, and wipes the file."""

import secrets
from datetime import date

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    listed_by,
    now_of,
    only_program,
    opened,
    say,
    settings_of,
)
from engagement.errors import Invalid
from engagement.store import leaving, setup
from engagement.store.database import Database
from engagement.store.erasure_list import ErasureList
from engagement.store.leaving import Part
from engagement.workflows.erase import Erasing, erase, nothing_of, what_there_is
from engagement.workflows.fold import fold_program


def add(command: Command) -> None:
    """Names the command of this file."""
    made = command("erase", _erase, "erase a person: all that is stored of them, for ever")
    made.add_argument("member", nargs="?", help="the member's id, or any id they were merged with")
    made.add_argument("--left-before", metavar="DAY", help="instead: everybody who left before this day")
    made.add_argument("--program", help=ONE_PROGRAM)
    made.add_argument("--yes", action="store_true", help="do not ask for the id to be typed once more")


def _erase(arguments: Arguments) -> int:
    if (arguments.member is None) == (arguments.left_before is None):
        raise Invalid("say who: a member's id, or --left-before DAY")
    member, listed = arguments.member, listed_by(settings_of(arguments))
    if member is None:
        return _erase_who_left(arguments, listed)
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        with db.read(program_id) as conn:
            ids, parts = what_there_is(conn, program_id, member)
        if not parts:
            say(nothing_of(member)[:1].upper() + nothing_of(member)[1:] + ".")
            return _wiped(db)
        now_ms = now_of(db, "erase with POST /v1/members/{id}/erasure")
        _say_what_goes(ids, parts)
        if not arguments.yes:
            _must_be_meant(member)
        made = erase(db, kept, program_id, Erasing(member, listed), now_ms)
        say(f"Erased: {sum(part.rows for part in made.rows)} rows. Tombstone: {made.erasure_id}")
        folded = fold_program(db, kept, program_id, f"erase-{secrets.token_hex(8)}", now_ms)
        again = {belief.strategy for belief in made.beliefs}
        for strategy, header in folded:
            if strategy in again:
                say(f"{strategy}: version {header.version} learned anew, from {header.rows_in} outcomes")
        return _wiped(db)


def _erase_who_left(arguments: Arguments, listed: ErasureList) -> int:
    """Everybody who left before a day, one after another; broken off, the same command goes on."""
    try:
        day = date.fromisoformat(arguments.left_before)
    except ValueError:
        raise Invalid(f"`{arguments.left_before}` is not a day; write it like 2026-06-30") from None
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        with db.read(program_id) as conn:
            names = setup.left_before(conn, program_id, day)
        if not names:
            say(f"Nobody left before {day}, or they were erased already.")
            return _wiped(db)
        now_ms = now_of(db, "erase with POST /v1/members/{id}/erasure")
        say(f"Members who left before {day}: {len(names)}", *(f"  {name}" for name in names))
        say("All that is stored of them is deleted for ever, and beliefs that learned from them begin anew.")
        if not arguments.yes:
            _must_be_meant(str(len(names)), "number")
        for name in names:
            erase(db, kept, program_id, Erasing(name, listed), now_ms)
        say(f"Erased: {len(names)}")
        fold_program(db, kept, program_id, f"erase-{secrets.token_hex(8)}", now_ms)
        return _wiped(db)


def _say_what_goes(ids: tuple[str, ...], parts: tuple[Part, ...]) -> None:
    say(
        f"Of {' and '.join(ids)} there are",
        *(f"  {part.rows:>9} {part.table}" for part in parts),
        "All of it is deleted for ever, and the belief of every strategy that learned from it begins anew.",
    )


def _must_be_meant(expected: str, what: str = "id") -> None:
    again = f"the {what} once more" if what == "id" else f"their {what}"
    try:
        typed = input(f"To erase them, type {again}: ")
    except EOFError:
        typed = ""
    if typed.strip() != expected:
        raise Invalid(f"that is not the {what}, so nothing was erased; without a terminal add --yes")


def _wiped(db: Database) -> int:
    if leaving.wipe(db):
        say("The database was written anew. Copies elsewhere, such as exports, are yours to delete.")
        return 0
    say(
        "Somebody else has the file open, so traces of what is deleted may still stand in it.",
        "Stop the service and give the same command again.",
    )
    return 1
