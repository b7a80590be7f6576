"""What is wrong with a deployment, and how it is mended. It only looks.

A check gives findings. `wrong` is what loses data, stops the service or teaches it nothing; `doubtful` is
what will become so, or is unwise; `well` is said too, so that whoever reads knows what was looked at.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from engagement.actions.availability import DAY_MS
from engagement.clock import Clock
from engagement.errors import EngagementError
from engagement.settings import Settings
from engagement.store import facts, fitness, keys, seals, setup
from engagement.store import tables as t
from engagement.store.copies import file_of
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import TOO_OLD, head, standing
from engagement.store.wall import LISTING, NOBODY
from engagement.strategy.cadence import local_date
from engagement.strategy.retention import kept_until, left_too_long
from engagement.workflows.concerns import SEAL_DAYS

State = Literal["well", "doubtful", "wrong"]
MIB = 1024 * 1024
GIB = 1024 * MIB
SKEW_S = (1.0, 30.0)
"""From here on doubtful, wrong. What an app reports is refused ten minutes ahead of the service's clock."""
DISK_BYTES = (GIB, 64 * MIB)
MEMORY_BYTES = 256 * MIB
OPEN_FILES = 1024
KEY_DAYS = 30
LATE_MS = DAY_MS
"""A decision that closed so long ago has its outcome, if anything folds."""
NO_LOCKS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs")
"""File systems that other machines share: SQLite's log needs memory that all readers share."""
HERE = Path("/proc/mounts")
LIMIT = Path("/sys/fs/cgroup/memory.max")


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a check found. remedy : what to do, where there is something to be done"""

    check: str
    state: State
    found: str
    remedy: str = ""


def examine(settings: Settings, now_ms: int, clock: Clock) -> list[Finding]:
    """Every finding, in the order of the checks; none after one that makes the others senseless.

    now_ms : the moment at which keys end and decisions wait      clock : compared with the database's own
    """
    found = list(_machine())
    try:
        with closing(Database(settings.database)) as db:
            if db.is_sqlite and not file_of(db).exists():
                return [*found, Finding("database", "wrong", f"there is no file {file_of(db)}", START)]
            found += _database(db, now_ms, clock)
    except ModuleNotFoundError as flaw:
        found.append(Finding("database", "wrong", str(flaw), "install engagement[postgres]"))
    except EngagementError as flaw:
        found.append(Finding("database", "wrong", str(flaw), "see docs/operations.md, Settings"))
    except SQLAlchemyError as flaw:
        words = str(getattr(flaw, "orig", flaw)).strip().splitlines()[0]
        if "statement pooling" in words:
            remedy = "set pool_mode = transaction in PgBouncer: a change here is several statements"
            found.append(Finding("pooler", "wrong", words, remedy))
        else:
            found.append(Finding("database", "wrong", f"it does not answer: {words}", UNREACHABLE))
    return found


START = "`engagement migrate` makes it; or name another one with ENGAGEMENT_DATABASE"
UNREACHABLE = "start it, or correct the address in ENGAGEMENT_DATABASE: host, port, name, user, password"


def worst(findings: list[Finding]) -> State:
    """The worst state there is."""
    states = {finding.state for finding in findings}
    return "wrong" if "wrong" in states else "doubtful" if "doubtful" in states else "well"


def _machine() -> Iterator[Finding]:
    yield Finding("version", "well", f"engagement {version('engagement')}, Python {sys.version.split()[0]}")
    free = _memory()
    if free is not None:
        state: State = "doubtful" if free < MEMORY_BYTES else "well"
        remedy = "" if state == "well" else f"give it {MEMORY_BYTES // MIB} MiB"
        yield Finding("memory", state, f"{free // MIB} MiB of memory to be had", remedy)
    files = _open_files()
    if files is not None and files < OPEN_FILES:
        remedy = f"raise it to {OPEN_FILES} (`ulimit -n`): every connection is one"
        yield Finding("open files", "doubtful", f"at most {files} files may be open", remedy)


def _memory() -> int | None:
    """Bytes that the machine, or the container's limit, leaves; None where that cannot be known."""
    try:
        told = Path("/proc/meminfo").read_text().split()
        free = int(told[told.index("MemAvailable:") + 1]) * 1024
    except (OSError, ValueError):
        return None
    try:
        return min(free, int(LIMIT.read_text()))
    except (OSError, ValueError):  # no limit reads "max"
        return free


def _open_files() -> int | None:
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _database(db: Database, now_ms: int, clock: Clock) -> Iterator[Finding]:
    if db.is_sqlite:
        yield from _file(file_of(db))
    found = standing(db)
    yield _schema(found)
    if found in ("empty", "beyond"):
        return
    yield from _sqlite(db) if db.is_sqlite else _postgresql(db, clock)
    with db.read(LISTING) as conn:
        unguarded = fitness.unguarded_tables(conn)
        simulated = facts.is_simulated(conn)
        programs = setup.program_ids(conn)
    if not db.is_sqlite and found != "behind":
        yield _wall(db, len(programs))
    newest = max((at for program_id in programs if (at := _newest_ms(db, program_id))), default=None)
    if unguarded:
        said = f"the ledger's tables {', '.join(unguarded)} can be changed: their triggers are gone"
        yield Finding("ledger", "wrong", said, "restore the newest backup that `doctor` finds well")
    else:
        yield Finding("ledger", "well", "insert-only, by triggers")
    if simulated:
        yield Finding("clock", "well", "time is simulated")
    elif newest is not None and newest > now_ms + 1000 * SKEW_S[0]:
        said = (
            f"something was recorded {_span(newest - now_ms)} from now: a clock was ahead, or is behind now"
        )
        yield Finding("clock", "wrong", said, "let every machine take its time by NTP")
    if found == "current":
        for program_id in programs:
            yield from _program(db, program_id, now_ms, simulated=simulated)
    if not programs:
        yield Finding("programs", "doubtful", "there is none", "`engagement init` writes the file of one")


def _schema(found: str) -> Finding:
    if found == "current":
        return Finding("schema", "well", f"of this version ({head()})")
    if found == "ahead":
        said = "of a later version, on which this one runs"
        return Finding("schema", "doubtful", said, "install that version when the roll-back is over")
    if found == "beyond":
        return Finding("schema", "wrong", TOO_OLD, "install that version, or restore a backup made before it")
    said = "the database is empty" if found == "empty" else "of an earlier version"
    return Finding("schema", "wrong", said, "`engagement migrate`; back up first")


def _file(file: Path) -> Iterator[Finding]:
    mode = file.stat().st_mode & 0o777
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        said = f"{file} or its folder cannot be written"
        yield Finding(
            "file", "wrong", said, "make both belong to the service's user: a log is kept beside it"
        )
    elif mode & 0o077:
        said = f"{file} can be read by others ({mode:o}); it holds the draw secret"
        yield Finding("file", "doubtful", said, f"chmod 600 {file}*")
    else:
        yield Finding("file", "well", f"{file}, for its owner alone")
    kind = _file_system(file)
    if kind in NO_LOCKS:
        said = f"the file lies on {kind}, where SQLite's log does not work"
        yield Finding("file system", "wrong", said, "put it on a disk of this machine, or use PostgreSQL")
    free, size = shutil.disk_usage(file.parent).free, file.stat().st_size
    doubtful, wrong = max(DISK_BYTES[0], size), DISK_BYTES[1]
    state: State = "wrong" if free < wrong else "doubtful" if free < doubtful else "well"
    remedy = "" if state == "well" else "free some: a full disk refuses writes; a backup needs as much again"
    yield Finding("disk", state, f"{free // MIB} MiB free, the database has {size // MIB}", remedy)


def _file_system(file: Path) -> str:
    """The kind of file system a file lies on; empty where that is not told."""
    try:
        mounts = [line.split()[1:3] for line in HERE.read_text().splitlines()]
    except OSError:
        return ""
    above = [str(folder) for folder in file.resolve().parents]
    return next((kind for folder in above for place, kind in reversed(mounts) if place == folder), "")


def _sqlite(db: Database) -> Iterator[Finding]:
    with db.read(NOBODY) as conn:
        mode, synchronous = fitness.pragma(conn, "journal_mode"), fitness.pragma(conn, "synchronous")
        try:
            flaw = fitness.pragma(conn, "quick_check")
        except DatabaseError as error:
            flaw = str(error.orig)
    durable = (mode, synchronous) == ("wal", 2)
    said = f"journal_mode={mode}, synchronous={'FULL' if synchronous == 2 else synchronous}"
    remedy = "" if durable else "nothing but the service sets them; is another program using the file?"
    yield Finding("durability", "well" if durable else "wrong", said, remedy)
    if flaw == "ok":
        yield Finding("pages", "well", "quick_check finds them sound")
    else:
        yield Finding(
            "pages", "wrong", f"the file is damaged: {flaw}", "stop the service, restore the last backup"
        )


def _postgresql(db: Database, clock: Clock) -> Iterator[Finding]:
    with db.read(NOBODY) as conn:
        lossy = fitness.lossy(conn)
        code = fitness.encoding(conn)
        most, taken = fitness.room(conn)
        barred = fitness.may_not(conn, tuple(t.metadata.sorted_tables))
        super_user = fitness.is_superuser(conn)
        pooled, skew = fitness.pooled(conn), fitness.ahead_s(conn, clock)
        server = ".".join(map(str, (conn.dialect.server_version_info or ())[:2]))
    yield Finding("database", "well", f"PostgreSQL {server}, {taken} of {most} connections taken")
    if most - taken < 16:
        said = f"{most - taken} of {most} connections are left; one replica opens up to 16"
        yield Finding("connections", "doubtful", said, "raise max_connections, or put PgBouncer in between")
    for name, value in lossy.items():
        said = f"{name} is {value}: what was acknowledged may be lost with the power"
        yield Finding("durability", "wrong", said, f"set {name} = on, and reload PostgreSQL")
    if not lossy:
        yield Finding("durability", "well", f"{', '.join(fitness.DURABLE)} are on")
    if code != "UTF8":
        said = f"text is stored as {code}; Hindi or Telugu cannot be stored"
        yield Finding("encoding", "wrong", said, "make the database anew with ENCODING 'UTF8'")
    if barred:
        said = f"this user may not write {', '.join(barred)}"
        yield Finding("rights", "wrong", said, "GRANT SELECT, INSERT, UPDATE, DELETE on them")
    elif super_user:
        said = "this user is a superuser, whom no trigger and no policy need hold"
        yield Finding("rights", "doubtful", said, "give the service a user of its own, owner of its tables")
    if pooled:
        yield Finding("pooler", "well", "a pooler stands in between, in a mode with whole transactions")
    yield _skew(skew)


def _newest_ms(db: Database, program_id: str) -> int | None:
    with db.read(program_id) as conn:
        return fitness.newest_ms(conn, program_id)


def _wall(db: Database, programs: int) -> Finding:
    """Whether PostgreSQL itself keeps programs apart, for the user that asks."""
    with db.read(NOBODY) as conn:
        gaps, behind = fitness.without_policy(conn), fitness.behind_the_wall(conn)
    if gaps:
        said = f"the policies that part programs are gone from {', '.join(gaps)}, or switched off"
        return Finding("wall", "wrong", said, SECOND_WALL)
    if behind:
        said = "PostgreSQL shows this user one program a transaction, and no other's rows"
        return Finding("wall", "well", said)
    said = "this user owns the tables, so that only the service's own statements keep programs apart"
    if programs > 1:
        return Finding("wall", "doubtful", said, SECOND_WALL)
    return Finding("wall", "well", f"{said}; there are fewer than two")


SECOND_WALL = "see docs/operations.md, A second wall between programs"


def _skew(skew: float) -> Finding:
    said = f"the database's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    state: State = (
        "wrong" if abs(skew) > SKEW_S[1] else "doubtful" if abs(skew) > SKEW_S[0] else "well"
    )  # asking took a few milliseconds, so that a second is more than noise
    return Finding("clock", state, said, "" if state == "well" else "let both take their time by NTP")


def _program(db: Database, program_id: str, now_ms: int, *, simulated: bool) -> Iterator[Finding]:
    with db.read(program_id) as conn:
        revision = setup.catalogue_revision(conn, program_id)
        program = setup.catalogue(conn, Kept(), program_id, revision).program
        held = keys.all_keys(conn, program_id)
        waiting = fitness.waiting(conn, program_id, now_ms - LATE_MS)
    if program.stopped:
        said = f"{program.title}: nothing is recommended, the program is stopped"
        yield Finding("stop switch", "doubtful", said, "`engagement resume`, when that is meant")
    if simulated:
        return
    if waiting.decisions and waiting.closed_at is not None:
        late = _span(now_ms - waiting.closed_at)
        said = f"{program.title}: {waiting.decisions} decisions closed, one {late} ago, and taught nothing"
        remedy = "set ENGAGEMENT_FOLD_EVERY_S above 0 where `serve` runs, or run `engagement fold` regularly"
        yield Finding("folding", "wrong", said, remedy)
    else:
        yield Finding("folding", "well", f"{program.title}: whatever has closed was learned from")
    yield from _keys(program.title, held, now_ms)
    yield from _kept_too_long(db, program_id, now_ms)
    yield from _sealing(db, program_id, program.title, now_ms)


def _kept_too_long(db: Database, program_id: str, now_ms: int) -> Iterator[Finding]:
    """What is kept longer than the program itself says; nothing where it says nothing."""
    with db.read(program_id) as conn:
        catalogue = setup.catalogue(conn, Kept(), program_id, setup.catalogue_revision(conn, program_id))
        program = catalogue.program
        today = local_date(now_ms, program.time_zone)
        day, until = left_too_long(catalogue, today), kept_until(catalogue)
        gone = [] if day is None else setup.left_before(conn, program_id, day)
    if day is None:
        return
    if until is not None and until < today:
        said = f"{program.title}: it was to be kept until {until}, {program.retention_months} months"
        yield Finding("retention", "doubtful", said, "`engagement goodbye` exports and deletes it")
    elif gone:
        said = f"{program.title}: {len(gone)} left more than {program.retention_months} months ago"
        yield Finding("retention", "doubtful", said, f"`engagement erase --left-before {day}`")
    else:
        yield Finding("retention", "well", f"{program.title}: nobody is kept longer than it says")


def _sealing(db: Database, program_id: str, title: str, now_ms: int) -> Iterator[Finding]:
    with db.read(program_id) as conn:
        night = seals.newest(conn, program_id, "night")
        since = setup.created_at(conn, program_id) if night is None else night.made_at
    if now_ms - since > SEAL_DAYS * DAY_MS:
        said = f"{title}: the ledger was not sealed for {_span(now_ms - since)}"
        yield Finding("seals", "doubtful", said, "see docs/runbooks/SealMissed.md")
    elif night is not None:
        said = f"{title}: seal {night.number}, {_span(now_ms - since)} ago"
        yield Finding("seals", "well", said)


def _keys(title: str, held: list[keys.ApiKey], now_ms: int) -> Iterator[Finding]:
    live = [key for key in held if key.is_live(now_ms)]
    soon = now_ms + KEY_DAYS * DAY_MS
    ending = [key for key in live if key.expires_at is not None and key.expires_at < soon]
    if not live:
        yield Finding("keys", "wrong", f"{title}: no key is live; nobody can call", "`engagement key create`")
    for key in ending:
        said = f"{title}: key {key.key_id} ends in {_span((key.expires_at or now_ms) - now_ms)}"
        yield Finding("keys", "doubtful", said, "create another, hand it over, revoke this one")
    if live and not ending:
        yield Finding("keys", "well", f"{title}: {len(live)} live, none ends within {KEY_DAYS} days")


def _span(milliseconds: float) -> str:
    """A length of time in words."""
    for name, length in (("days", DAY_MS), ("hours", 3_600_000), ("minutes", 60_000)):
        if milliseconds >= 2 * length:
            return f"{milliseconds / length:.0f} {name}"
    return f"{milliseconds / 1000:.0f} s"
