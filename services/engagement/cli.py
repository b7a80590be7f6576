"""The one command line."""

import argparse
import gc
import secrets
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from sqlalchemy.exc import ArgumentError, OperationalError

from engagement.api.app import MOST_BYTES, build
from engagement.api.service import Service
from engagement.clock import Clock, SimulatedClock, SystemClock
from engagement.demonstration.options import SEATS, WORLDS, Options
from engagement.demonstration.run import demonstrate
from engagement.errors import EngagementError, Invalid, Mistake, TooLarge
from engagement.settings import Settings, from_environment
from engagement.signals.signal import AUDIENCES
from engagement.signals.tally import DAY_MS
from engagement.store import decisions, facts, keys, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import is_current, migrate
from engagement.strategy.setup import Switched
from engagement.telemetry import log_as_json
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.dhis2 import (
    count_groups,
    data_values,
    month_before,
    month_of,
    read_map,
    unmapped,
)
from engagement.workflows.example import Example, load_example
from engagement.workflows.export import RegisterWanted, RosterWanted, register_sheet, roster_sheet
from engagement.workflows.fold import fold_program
from engagement.workflows.import_log import import_log, in_words
from engagement.workflows.import_register import import_register
from engagement.workflows.import_register import in_words as register_in_words
from engagement.workflows.ingest import milliseconds
from engagement.workflows.log_mapping import read_mapping
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.plan_told import in_words as plan_in_words
from engagement.workflows.plan_told import plan_seen
from engagement.workflows.prior import WORTH_AT_MOST
from engagement.workflows.prior import in_words as prior_in_words
from engagement.workflows.prior import prior as learned_prior
from engagement.workflows.program import (
    DEFAULT_TEMPLATE,
    create_program,
    read_template,
    template,
    template_names,
)
from engagement.workflows.promotion import Wish, promote, tell_promotions
from engagement.workflows.promotion import in_words as promotion_in_words
from engagement.workflows.rebuild import compare, rebuild
from engagement.workflows.replay import Verdict, replay_decisions
from engagement.workflows.roster import import_roster
from engagement.workflows.sheet import Report, Sheet, refusals_in_words
from engagement.workflows.sheet_file import opened
from engagement.workflows.sheet_written import Filled, as_csv, as_workbook, marked
from engagement.workflows.switch import Throw, throw

Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; a mistake is one line on standard error and exit code 2."""
    arguments = _parser().parse_args(argv)
    try:
        result: int | None = arguments.run(arguments)
    except EngagementError as error:
        return _sorry(str(error) or error.title())
    except ArgumentError as error:
        return _sorry(f"--database: {error}")
    except ModuleNotFoundError as error:
        return _sorry(f"{error}; for PostgreSQL install engagement[postgres]")
    except OperationalError as error:
        return _sorry(f"the database cannot be used: {str(error.orig).strip().splitlines()[0]}")
    except KeyboardInterrupt:
        return 130
    return result or 0


def _sorry(words: str) -> int:
    print(f"engagement: {words}", file=sys.stderr)  # noqa: T201  # the command line speaks
    return 2


def say(*lines: str) -> None:
    """Prints for the person at the terminal."""
    print(*lines, sep="\n", flush=True)  # noqa: T201  # the command line speaks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="engagement",
        description="Chooses the next nudge, incentive or health-worker link for peer groups.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"engagement {version('engagement')}",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Arguments], int | None], words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.add_argument(
            "--database", help="sqlite:///file.db or postgresql://…; default: $ENGAGEMENT_DATABASE"
        )
        made.set_defaults(run=run)
        return made

    serve = command("serve", _serve, "start the service")
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", type=int, help="port to listen on, 0 for any free one")
    serve.add_argument(
        "--example", action="store_true", help="load the synthetic example program and print a key"
    )
    serve.add_argument(
        "--clock", metavar="TIME", help="simulate time from here on, such as 2026-01-01T06:00Z"
    )

    command("migrate", _migrate, "bring the database to this version's schema")

    program = command("program", _program, "create a program and print its first key, or list the programs")
    program.add_argument("what", choices=("create", "list"))
    program.add_argument(
        "--template", default=DEFAULT_TEMPLATE, help=f"one of: {', '.join(template_names())}"
    )
    program.add_argument("--file", type=Path, help="a set-up file of your own instead of a template")
    program.add_argument("--title", help="the program's title")

    _add_switches(command)

    key = command("key", _key, "create, list or revoke API keys")
    key.add_argument("what", choices=("create", "list", "revoke"))
    key.add_argument("key_id", nargs="?", help="for revoke: the key's id, as `key list` shows it")
    key.add_argument("--program", help="the program's id; not needed when there is one program")
    key.add_argument(
        "--scopes", default="recommend,signals,read", help=f"comma-separated, of: {', '.join(SCOPES)}"
    )
    key.add_argument("--audience", default="staff", choices=AUDIENCES, help="what the key's reader may see")
    key.add_argument("--days", type=int, default=365, help="days until it expires, 0 for never")

    imports: dict[str, tuple[Callable[[Arguments], int], str]] = {
        "import-roster": (_import_roster, "groups, members and seats"),
        "import-register": (_import_register, "a register of meetings"),
    }
    for name, (imported, what) in imports.items():
        sheet = command(name, imported, f"import {what} from a workbook or CSV")
        sheet.add_argument("file", type=Path)
        sheet.add_argument("--marked", type=Path, help="write the sheet here with its wrong cells marked")
        sheet.add_argument("--program", help="the program's id; not needed when there is one program")

    _ask_for_export(command("export", _export, "write a roster, a register to fill in, or counts for DHIS2"))

    log = command("import-log", _import_log, "import another system's decision log, with a mapping file")
    log.add_argument("file", type=Path)
    log.add_argument("--mapping", type=Path, required=True, help="what the log's columns mean (TOML)")
    log.add_argument("--program", help="the program to import into; a new one when absent")

    for name, run, words in (
        ("fold", _fold, "close what is due and fold every strategy's belief once"),
        ("rebuild", _rebuild, "make everything derived again from the ledger"),
    ):
        made = command(name, run, words)
        made.add_argument("--program", help="only this program")
        if name == "rebuild":
            made.add_argument("--check", action="store_true", help="only compare; change nothing")

    _describe_plan(command("plan", _plan, "plan a week of the health workers' visits, and print it"))

    replay = command("replay", _replay, "make stored decisions again and compare")
    replay.add_argument("decision", nargs="*", help="decision ids; all of the program's when none is given")
    replay.add_argument("--program", help="the program's id; not needed when there is one program")
    replay.add_argument("--deep", action="store_true", help="fold the belief again as well")

    _say_which(command("promotion", _promotion, "say how a strategy in shadow stands by its rule"))

    _ask_for_prior(command("prior", _prior, "print what a strategy has learned, as a prior for another one"))

    _ask_for_world(
        command(
            "demo", _demo, "live through a simulated program of synthetic people, and say what came of it"
        )
    )
    return parser


def _add_switches(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The two commands of a program's stop switch."""
    for name, stopped, words in (
        ("stop", True, "recommend nothing more in a program, to anybody"),
        ("resume", False, "recommend again in a program that was stopped"),
    ):
        switch = command(name, _switch, words)
        switch.add_argument("--by", required=True, help="your role, such as program-lead; no name")
        switch.add_argument("--why", required=True, help="the reason, in words")
        switch.add_argument("--program", help="the program's id; not needed when there is one program")
        switch.set_defaults(stopped=stopped)


def _say_which(promotion: argparse.ArgumentParser) -> None:
    promotion.add_argument("strategy", help="the strategy's id")
    promotion.add_argument("--program", help="the program's id; not needed when there is one program")
    promotion.add_argument("--apply", action="store_true", help="end the shadow, if the rule is met")


def _ask_for_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("what", choices=("roster", "register", "dhis2"))
    export.add_argument("file", type=Path, help="ending in .xlsx or .csv; for dhis2 in .json")
    export.add_argument("--site", default="", help="a roster or register of this site only")
    export.add_argument("--group", default="", help="a roster or register of this group only")
    export.add_argument("--month", metavar="MONTH", help="such as 2026-03; for dhis2 the last one by default")
    export.add_argument("--layout", choices=("seat", "meeting"), default="seat", help="lines of a register")
    export.add_argument("--map", type=Path, help="uids for sites and counts (TOML); codes when absent")
    export.add_argument("--least", type=int, default=0, help="leave out counts below this, but not 0")
    export.add_argument("--program", help="the program's id; not needed when there is one program")


def _ask_for_world(demo: argparse.ArgumentParser) -> None:
    demo.add_argument(
        "--keep",
        dest="database",
        metavar="DATABASE",
        help="the same as --database: one of its own, which stays; a temporary one by default",
    )
    for name, words in (
        ("groups", f"groups of {SEATS}"),
        ("seed", "of everything that is drawn"),
        ("months-running", "months until the program ends"),
        ("months-after", "months after that"),
    ):
        default = getattr(Options(), name.replace("-", "_"))
        demo.add_argument(f"--{name}", type=int, default=default, help=f"{words}; {default} by default")
    demo.add_argument("--world", default=Options().world, choices=tuple(WORLDS))
    demo.add_argument(
        "--strategy", default=Options().strategy, choices=("learned", "counted", "even", "none")
    )


def _ask_for_prior(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("strategy", help="the strategy that learned")
    parser.add_argument("--program", help="the program's id; not needed when there is one program")
    parser.add_argument(
        "--worth-at-most",
        type=float,
        default=WORTH_AT_MOST,
        metavar="RESULTS",
        help=f"how many results each action's mean may count for; {WORTH_AT_MOST:.0f} by default",
    )


def _describe_plan(plan: argparse.ArgumentParser) -> None:
    plan.add_argument("--program", help="the program's id; not needed when there is one program")
    plan.add_argument("--strategy", help="the strategy; not needed when only one plans")
    plan.add_argument("--pool", help="only this catchment")
    plan.add_argument("--period", metavar="WEEK", help="such as 2026-W17; this week when absent")


def _settings(arguments: Arguments) -> Settings:
    given = {
        name: value
        for name in ("database", "host", "port")
        if (value := getattr(arguments, name, None)) is not None
    }
    return from_environment(given=given)


@contextmanager
def _opened(arguments: Arguments) -> Iterator[tuple[Database, Kept]]:
    """The database, with its schema up to date."""
    db = Database(_settings(arguments).database)
    try:
        if not is_current(db):
            raise Invalid("the database has another schema; run `engagement migrate` first")
        yield db, Kept()
    finally:
        db.close()


def _only_program(db: Database, arguments: Arguments) -> str:
    with db.read() as conn:
        known = setup.program_ids(conn)
    if arguments.program is not None:
        if arguments.program not in known:
            raise Invalid(f"there is no program `{arguments.program}`; see `engagement program list`")
        return str(arguments.program)
    if len(known) != 1:
        raise Invalid(
            f"there are {len(known)} programs; name one with --program (see `engagement program list`)"
        )
    return known[0]


def _now(db: Database) -> int:
    """The time commands work with; a simulated database has no other clock than its server's."""
    with db.read() as conn:
        if facts.is_simulated(conn):
            raise Invalid("time in this database is simulated; use the server's own addresses instead")
    return SystemClock().now_ms()


# --- serve ----------------------------------------------------------------------------------------


def _serve(arguments: Arguments) -> int:
    settings = _settings(arguments)
    clock = _clock(arguments.clock)
    log_as_json(settings.log_level)
    with _listening(settings.host, settings.port) as line, closing(Database(settings.database)) as db:
        migrate(db)
        _settle_time(db, clock)
        example = load_example(db, Kept(), clock.now_ms()) if arguments.example else None
        service = Service(db, clock, settings)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"http://{host}:{line.getsockname()[1]}"
        _run(service, line, _greeting(address, example, simulated=clock.simulated))
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket at an address; whoever connects from now on is served as soon as the service runs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        line = socket.create_server((host, port), family=family)
    except OSError as flaw:
        raise Invalid(f"cannot listen on {host}, port {port}: {flaw.strerror}") from flaw
    # Every connection inherits it. Without it the two halves of a small answer may lie 40 ms apart.
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _greeting(address: str, example: Example | None, *, simulated: bool) -> list[str]:
    """What whoever starts the service needs to know."""
    lines = [f"Engagement at {address}   API description: {address}/schema   metrics: {address}/metrics"]
    if simulated:
        lines.append("Time is simulated; it moves only by POST /v1/clock.")
    if example is not None:
        headers = f"-H 'Authorization: Bearer {example.key}' -H 'Content-Type: application/json'"
        lines += [
            f"Development key: {example.key}",
            "Paste this to ask what to try next (the example program and its people are synthetic):",
            f'curl -s {address}/v1/recommendations {headers} -d \'{{"member": "{example.member}"}}\'',
        ]
    return lines


def _settle_time(db: Database, clock: Clock) -> None:
    """A database that has seen one kind of time never starts with the other."""
    with db.write() as conn:
        kind: facts.KindOfTime = "simulated" if clock.simulated else "real"
        known = facts.settle_kind_of_time(conn, kind)
        if known != kind:
            raise Invalid(f"time in this database is {known}; it cannot be started with the other kind")


def _clock(written: str | None) -> Clock:
    """The machine's clock, or a simulated one that starts at the time written."""
    if written is None:
        return SystemClock()
    try:
        start = datetime.fromisoformat(written)
    except ValueError:
        raise Invalid(f"`{written}` is not a time; write it like 2026-01-01T06:00Z") from None
    return SimulatedClock(milliseconds(start if start.tzinfo else start.replace(tzinfo=UTC)))


def _run(service: Service, line: socket.socket, greeting: Sequence[str]) -> None:
    """Says so and serves, until SIGTERM or Ctrl-C; then finishes what has begun, and ends."""
    config = uvicorn.Config(
        build(service),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=20,
        server_header=False,
        proxy_headers=False,
    )
    # What is loaded by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    server = uvicorn.Server(config)
    # uvicorn raises the signal again when it has ended; to have ended in order is exit code 0
    signal.signal(signal.SIGTERM, server.handle_exit)
    say(*greeting)  # not before: whoever has read it may ask for the end
    server.run(sockets=[line])


# --- set-up ---------------------------------------------------------------------------------------


def _migrate(arguments: Arguments) -> None:
    db = Database(_settings(arguments).database)
    migrate(db)
    db.close()
    say("The database has this version's schema.")


def _program(arguments: Arguments) -> None:
    with _opened(arguments) as (db, kept):
        if arguments.what == "list":
            with db.read() as conn:
                for program_id in setup.program_ids(conn):
                    revision = setup.catalogue_revision(conn, program_id)
                    title = setup.catalogue(conn, kept, program_id, revision).program.title
                    say(f"{program_id}  {title}  {decisions.count(conn, program_id)} decisions")
            return
        plan = (
            read_template(_read(arguments.file).encode()) if arguments.file else template(arguments.template)
        )
        now_ms = _now(db)
        with db.write() as conn:
            program_id = create_program(conn, kept, plan, now_ms, title=arguments.title)
            key = create_key(conn, program_id, SCOPES, "research", now_ms, None)
    say(f"Program {program_id}", f"Key with every scope, shown this once: {key.text}")


def _switch(arguments: Arguments) -> None:
    try:
        switched = msgspec.convert({"by": arguments.by, "why": arguments.why}, Switched)
    except msgspec.ValidationError as flaw:
        raise Invalid(f"--by is a role such as program-lead, --why a reason in words: {flaw}") from flaw
    with _opened(arguments) as (db, kept):
        program_id, now_ms = _only_program(db, arguments), _now(db)
        with db.write() as conn:
            (stands,) = throw(conn, kept, program_id, [Throw(arguments.stopped, switched)], now_ms)
    stands_so = "is stopped" if stands.stopped else "recommends"
    say(f"The program {stands_so} since {stands.at:%Y-%m-%d %H:%M} UTC.")


def _key(arguments: Arguments) -> None:
    with _opened(arguments) as (db, _):
        program_id = _only_program(db, arguments)
        if arguments.what == "list":
            with db.read() as conn:
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
            with db.write() as conn:
                if not keys.revoke(conn, program_id, arguments.key_id, now_ms):
                    raise Invalid(f"there is no live key `{arguments.key_id}`")
            say("Revoked; it stops working within five seconds.")
            return
        scopes = [scope.strip() for scope in arguments.scopes.split(",") if scope.strip()]
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise Invalid(f"scopes are {', '.join(SCOPES)}; `{', '.join(unknown) or 'none'}` is not")
        with db.write() as conn:
            # simulated years pass in seconds, so there a key holds until it is revoked
            lasts = arguments.days and not facts.is_simulated(conn)
            expires = now_ms + arguments.days * DAY_MS if lasts else None
            made = create_key(conn, program_id, scopes, arguments.audience, now_ms, expires)
        say(f"Key {made.key.key_id}, shown this once: {made.text}")


def _read(file: Path) -> str:
    """A file's text."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as flaw:
        raise Invalid(f"cannot read {file}: {flaw}") from flaw


def _import_roster(arguments: Arguments) -> int:
    sheet = _sheet(arguments.file)
    with _opened(arguments) as (db, kept):
        program_id, now_ms = _only_program(db, arguments), _now(db)
        with db.write() as conn:
            report = import_roster(conn, kept, program_id, sheet, now_ms)
    say(
        f"{report.lines} lines: {report.stored} stored, {report.unchanged} unchanged, "
        f"{len(report.refused)} refused",
        *refusals_in_words(report),
    )
    return _marked(arguments, sheet, report)


def _import_register(arguments: Arguments) -> int:
    sheet = _sheet(arguments.file)
    with _opened(arguments) as (db, kept):
        program_id, now_ms = _only_program(db, arguments), _now(db)
        report = import_register(db, kept, program_id, sheet, now_ms)
    say(register_in_words(report))
    return _marked(arguments, sheet, report)


def _sheet(file: Path) -> Sheet:
    """A workbook or a CSV text from a file that is no longer than the service itself would take."""
    try:
        with file.open("rb") as source:
            content = source.read(MOST_BYTES + 1)
    except OSError as flaw:
        raise Invalid(f"cannot read {file}: {flaw}") from flaw
    if len(content) > MOST_BYTES:
        raise TooLarge(f"{file} is larger than {MOST_BYTES // 1024**2} MiB; import it in parts")
    return opened(content)


def _marked(arguments: Arguments, sheet: Sheet, report: Report) -> int:
    """Writes the marked sheet where it was asked for and something was refused."""
    if report.refused and arguments.marked is not None:
        _write(arguments.marked, marked(sheet, report.refused))
    return 1 if report.refused else 0


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as flaw:
        raise Invalid(f"cannot write {file}: {flaw}") from flaw
    say(f"Written: {file}")


def _export(arguments: Arguments) -> None:
    written = {"roster": _roster_file, "register": _register_file, "dhis2": _dhis2_file}[arguments.what]
    with _opened(arguments) as (db, kept):
        content = written(arguments, db, kept, _only_program(db, arguments), _now(db))
    _write(arguments.file, content)


def _roster_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    wanted = RosterWanted(arguments.site, arguments.group)
    with db.read() as conn:
        return _as_named(arguments.file, roster_sheet(conn, kept, program_id, wanted, now_ms))


def _register_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    wanted = RegisterWanted(arguments.site, arguments.group, _month(arguments), arguments.layout)
    with db.read() as conn:
        return _as_named(arguments.file, register_sheet(conn, kept, program_id, wanted, now_ms))


def _as_named(file: Path, filled: Filled) -> bytes:
    """A sheet in the form that its file's name says."""
    forms = {".xlsx": as_workbook, ".csv": as_csv}
    if file.suffix.lower() not in forms:
        raise Invalid(f"{file} must end in .xlsx or .csv")
    return forms[file.suffix.lower()](filled)


def _dhis2_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    mapping = None if arguments.map is None else read_map(_read(arguments.map).encode())
    counts: Counter[tuple[str, str]] = Counter()
    after: str | None = ""
    with db.read() as conn:
        month = _month(arguments) or month_before(conn, kept, program_id, now_ms)
        while after is not None:
            some, after = count_groups(conn, kept, program_id, month, after, now_ms)
            counts.update(some)
    made = data_values(counts, f"{month:%Y%m}", mapping, arguments.least)
    say(f"{len(made.data_values)} values of {month:%Y-%m}")
    if mapping is not None and (left := unmapped(counts, mapping)):
        say(f"  in no organisation unit, so left out: {', '.join(left)}")
    return msgspec.json.format(msgspec.json.encode(made))


def _month(arguments: Arguments) -> date | None:
    return None if arguments.month is None else month_of(arguments.month.replace("-", ""))


def _import_log(arguments: Arguments) -> int:
    mapping = read_mapping(_read(arguments.mapping).encode())
    content = _read(arguments.file)
    with _opened(arguments) as (db, kept):
        program_id = None if arguments.program is None else _only_program(db, arguments)
        now_ms = _now(db)
        with db.write() as conn:
            report = import_log(conn, kept, content, mapping, now_ms, program_id=program_id)
    say(in_words(report))
    return 1 if report.refused else 0


# --- learning and asking why ----------------------------------------------------------------------


def _programs(db: Database, arguments: Arguments) -> list[str]:
    if arguments.program is not None:
        return [_only_program(db, arguments)]
    with db.read() as conn:
        return setup.program_ids(conn)


def _fold(arguments: Arguments) -> None:
    owner = f"command-{secrets.token_hex(8)}"  # process ids repeat from container to container
    with _opened(arguments) as (db, kept):
        now_ms = _now(db)
        for program_id in _programs(db, arguments):
            made = fold_program(db, kept, program_id, owner, now_ms)
            for strategy, header in made:
                say(
                    f"{strategy}: version {header.version}; {header.rows_in} outcomes in, "
                    f"{header.rows_out} out, {header.rows_missing} without a report"
                )
            if not made:
                say(f"{program_id}: nothing new to learn")


def _rebuild(arguments: Arguments) -> int:
    with _opened(arguments) as (db, kept):
        found = []
        for program_id in _programs(db, arguments):
            work: Any = compare if arguments.check else rebuild
            found += work(db, kept, program_id)
    for difference in found:
        say(f"differs from the ledger: {difference.table} {difference.key}")
    if arguments.check:
        say("Nothing was changed." if found else "Everything derived agrees with the ledger.")
        return 1 if found else 0
    say(f"Made again; {len(found)} had differed from the ledger.")
    return 0


def _plan(arguments: Arguments) -> int:
    given = {name: getattr(arguments, name) for name in PlanAsk.__struct_fields__}
    try:
        ask = msgspec.convert(given, PlanAsk)
    except msgspec.ValidationError as flaw:
        raise Invalid(str(flaw)) from None
    with _opened(arguments) as (db, kept):
        program_id, now_ms = _only_program(db, arguments), _now(db)
        made = plan_week(db, kept, program_id, ask, now_ms)
        for row in made.pools:
            if row.plan_id is None:
                say(f"{row.pool}: {row.mistake}")
                continue
            with db.read() as conn:
                say(*plan_in_words(plan_seen(conn, kept, program_id, row.plan_id, "staff", now_ms)))
    if made.nowhere:
        say(f"In no plan: {made.nowhere} groups that are linked to no catchment")
    return 1 if any(row.plan_id is None for row in made.pools) else 0


def _replay(arguments: Arguments) -> int:
    with _opened(arguments) as (db, kept):
        program_id = _only_program(db, arguments)
        with db.read() as conn:
            wanted = arguments.decision or decisions.all_ids(conn, program_id)
            differing = done = imported = 0
            for verdict in replay_decisions(conn, kept, program_id, wanted, deep=arguments.deep):
                done += 1
                imported += verdict.agrees is None
                differing += verdict.agrees is False
                if arguments.decision or verdict.agrees is False:
                    say(_verdict_in_words(verdict))
    missing = len(wanted) - done
    words = [f"{done - imported} replayed, {differing} differ"]
    words += [f"{imported} imported, of which nothing can be compared"] if imported else []
    words += [f"{missing} unknown"] if missing else []
    say(", ".join(words))
    return 1 if differing or missing else 0


def _prior(arguments: Arguments) -> None:
    with _opened(arguments) as (db, kept), db.read() as conn:
        program_id = _only_program(db, arguments)
        found = learned_prior(conn, kept, program_id, arguments.strategy, arguments.worth_at_most)
    say(prior_in_words(found))


def _verdict_in_words(verdict: Verdict) -> str:
    decision, replayed, keyed = verdict
    if keyed is None:
        return f"{decision.decision_id}: imported; there is nothing to compare"
    score = "" if replayed.score_gap is None else f"; scores within {replayed.score_gap:.1e}"
    return (
        f"{decision.decision_id}: {'agrees' if verdict.agrees else 'DIFFERS'}; "
        f"pick {replayed.action}, stored {decision.action_id}; "
        f"probabilities within {replayed.probability_gap} · 2⁻³²{score}"
    )


def _promotion(arguments: Arguments) -> int:
    with _opened(arguments) as (db, kept):
        program_id, now_ms = _only_program(db, arguments), _now(db)
        with db.read() as conn:
            (told,) = tell_promotions(conn, kept, program_id, [arguments.strategy], now_ms)
        if isinstance(told, Mistake):
            raise told
        say(*promotion_in_words(told))
        if not arguments.apply:
            return 0
        wish = Wish(arguments.strategy, told.revision)
        with db.write() as conn:
            (told,) = promote(conn, kept, program_id, [wish], now_ms)
    if isinstance(told, Mistake):
        raise told
    say(f"Promoted: from revision {told.revision} on its belief decides.")
    return 0


# --- a demonstration ------------------------------------------------------------------------------


def _demo(arguments: Arguments) -> int:
    given = {name: getattr(arguments, name) for name in Options.__struct_fields__}
    try:
        options = msgspec.convert(given, Options)
    except msgspec.ValidationError as flaw:
        raise Invalid(str(flaw)) from None
    text, agrees = demonstrate(options, arguments.database)
    say(text)
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
