"""The commands of a program's set-up: its database, itself, its switch, its keys."""

from contextlib import closing
from pathlib import Path

import msgspec

from engagement.clock import SystemClock
from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
    settings_of,
    text_of,
)
from engagement.errors import Invalid, Mistake
from engagement.signals.signal import AUDIENCES
from engagement.signals.tally import DAY_MS
from engagement.store import decisions, facts, keys, setup
from engagement.store.database import Database
from engagement.store.migrate import migrate, standing
from engagement.store.wall import LISTING, NOBODY, enter
from engagement.strategy.setup import Switched
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.load_program import load_program
from engagement.workflows.program import (
    DEFAULT_TEMPLATE,
    Template,
    create_program,
    template,
    template_names,
)
from engagement.workflows.program_file import read_program
from engagement.workflows.switch import Throw, throw


def add(command: Command) -> None:
    """Names the commands of this file."""
    command("migrate", _migrate, "bring the database to this version's schema")

    program = command(
        "program", _program, "create a program, load its file again and again, list the programs"
    )
    program.add_argument("what", choices=("create", "load", "list"))
    program.add_argument("path", type=Path, nargs="?", help="for load: the program file")
    program.add_argument("--program", help="for load: the program's id, where several go by the file's id")
    program.add_argument(
        "--dry-run", action="store_true", help="for load: say what would change, and no more"
    )
    program.add_argument(
        "--template", default=DEFAULT_TEMPLATE, help=f"one of: {', '.join(template_names())}"
    )
    program.add_argument("--file", type=Path, help="a set-up file of your own instead of a template")
    program.add_argument("--title", help="the program's title")

    _add_switches(command)

    key = command("key", _key, "create, list or revoke API keys")
    key.add_argument("what", choices=("create", "list", "revoke"))
    key.add_argument("key_id", nargs="?", help="for revoke: the key's id, as `key list` shows it")
    key.add_argument("--program", help=ONE_PROGRAM)
    key.add_argument(
        "--scopes", default="recommend,signals,read", help=f"comma-separated, of: {', '.join(SCOPES)}"
    )
    key.add_argument("--audience", default="staff", choices=AUDIENCES, help="what the key's reader may see")
    key.add_argument("--days", type=int, default=365, help="days until it expires, 0 for never")


def _migrate(arguments: Arguments) -> None:
    with closing(Database(settings_of(arguments).database)) as db:
        migrate(db)
        ahead = standing(db) == "ahead"
    say(f"The database has {'a later' if ahead else 'this'} version's schema{', which runs here' * ahead}.")


def _program(arguments: Arguments) -> int:
    work = {"create": _create, "load": _load, "list": _list}[arguments.what]
    return work(arguments) or 0


def _list(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept), db.read(LISTING) as conn:
        for program_id in setup.program_ids(conn):
            enter(conn, program_id)
            revision = setup.catalogue_revision(conn, program_id)
            title = setup.catalogue(conn, kept, program_id, revision).program.title
            say(f"{program_id}  {title}  {decisions.count(conn, program_id)} decisions")


def _load(arguments: Arguments) -> int:
    if arguments.path is None:
        raise Invalid("say which file: `engagement program load FILE`")
    file = read_program(text_of(arguments.path))
    if file.plan is None:
        say(*(mistake.told(str(arguments.path)) for mistake in file.mistakes))
        raise Invalid(f"{arguments.path} has mistakes, see above; nothing was changed")
    with opened(arguments) as (db, kept):
        chosen = None if arguments.program is None else only_program(db, arguments)
        now_ms = now_of(db)
        with db.write(chosen or LISTING) as conn:
            loaded = load_program(conn, kept, file, now_ms, program_id=chosen)
            key = None
            if arguments.dry_run:
                conn.rollback()
            elif loaded.created:
                key = create_key(conn, loaded.program_id, SCOPES, "research", now_ms, None)
    say(*(change.told() for change in loaded.changes), *(gone.told() for gone in loaded.gone))
    counts = (
        f"{sum(row.new for row in loaded.changes)} new, {sum(not row.new for row in loaded.changes)} changed"
    )
    say(f"{counts}, {loaded.unchanged} as before")
    if arguments.dry_run:
        say("Nothing was changed: this was a dry run.")
    elif key is not None:
        say(f"Program {loaded.program_id}", f"Key with every scope, shown this once: {key.text}")
    return 0


def _create(arguments: Arguments) -> None:
    plan = template(arguments.template) if arguments.file is None else _plan_of(arguments.file)
    with opened(arguments) as (db, kept):
        now_ms = now_of(db)
        with db.write(NOBODY) as conn:
            program_id = create_program(conn, kept, plan, now_ms, title=arguments.title)
            key = create_key(conn, program_id, SCOPES, "research", now_ms, None)
    say(f"Program {program_id}", f"Key with every scope, shown this once: {key.text}")


def _plan_of(path: Path) -> Template:
    """The plan of a program file; its first mistake is raised, the others are for `check` to tell."""
    file = read_program(text_of(path))
    if file.plan is None:
        raise Invalid(file.mistakes[0].told(str(path)))
    return file.plan


def _add_switches(command: Command) -> None:
    """The two commands of a program's stop switch."""
    for name, stopped, words in (
        ("stop", True, "recommend nothing more in a program, to anybody"),
        ("resume", False, "recommend again in a program that was stopped"),
    ):
        switch = command(name, _switch, words)
        switch.add_argument("--by", required=True, help="your role, such as program-lead; no name")
        switch.add_argument("--why", required=True, help="the reason, in words")
        switch.add_argument("--program", help=ONE_PROGRAM)
        switch.set_defaults(stopped=stopped)


def _switch(arguments: Arguments) -> None:
    try:
        switched = msgspec.convert({"by": arguments.by, "why": arguments.why}, Switched)
    except msgspec.ValidationError as flaw:
        raise Invalid(f"--by is a role such as program-lead, --why a reason in words: {flaw}") from flaw
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        with db.write(program_id) as conn:
            (stands,) = throw(conn, kept, program_id, [Throw(arguments.stopped, switched)], now_ms)
    if isinstance(stands, Mistake):
        raise stands
    stands_so = "is stopped" if stands.stopped else "recommends"
    say(f"The program {stands_so} since {stands.at:%Y-%m-%d %H:%M} UTC.")


def _key(arguments: Arguments) -> None:
    with opened(arguments) as (db, _):
        program_id = only_program(db, arguments)
        if arguments.what == "list":
            with db.read(program_id) as conn:
                found = keys.all_keys(conn, program_id)
            now_ms = SystemClock().now_ms()
            say(f"{'id':10} {'state':8} {'audience':14} scopes")
            for key in found:
                state = "live" if key.is_live(now_ms) else "ended"
                say(f"{key.key_id:10} {state:8} {key.audience:14} {', '.join(key.scopes)}")
            return
        now_ms = SystemClock().now_ms()
        if arguments.what == "revoke":
            if arguments.key_id is None:
                raise Invalid("say which key: `engagement key revoke KEY_ID`")
            with db.write(program_id) as conn:
                if not keys.revoke(conn, program_id, arguments.key_id, now_ms):
                    raise Invalid(f"there is no live key `{arguments.key_id}`")
            say("Revoked; it stops working within five seconds.")
            return
        scopes = [scope.strip() for scope in arguments.scopes.split(",") if scope.strip()]
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise Invalid(f"scopes are {', '.join(SCOPES)}; `{', '.join(unknown) or 'none'}` is not")
        with db.write(program_id) as conn:
            # simulated years pass in seconds, so there a key holds until it is revoked
            lasts = arguments.days and not facts.is_simulated(conn)
            expires = now_ms + arguments.days * DAY_MS if lasts else None
            made = create_key(conn, program_id, scopes, arguments.audience, now_ms, expires)
        say(f"Key {made.key.key_id}, shown this once: {made.text}")
