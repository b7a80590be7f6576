"""A demonstration from beginning to end."""

import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import msgspec
from sqlalchemy import make_url
from tqdm import tqdm  # type: ignore[import-untyped]  # its stubs are a package of their own

from engagement.client import Client
from engagement.demonstration.audit import audit
from engagement.demonstration.beliefs import learned
from engagement.demonstration.course import live
from engagement.demonstration.options import Options
from engagement.demonstration.server import serving
from engagement.demonstration.summary import summary
from engagement.errors import EngagementError, Fault, Invalid
from engagement.simulation.calendar import FIRST, last_day
from engagement.store import facts, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import migrate
from engagement.store.wall import LISTING
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.ingest import milliseconds
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, create_program, template

TITLE = "Demonstration (simulated)"


class _Opened(NamedTuple):
    program_id: str
    key: str


def demonstrate(options: Options, database: str | None) -> tuple[str, bool]:
    """The summary of a demonstration, and whether the ledger agreed with itself at the end.

    database : one of its own, which stays; None for a temporary one, which stays only if it disagreed
    Raises `Invalid` for a database that holds anything, `Fault` with the place of the server's log.
    """
    began = time.perf_counter()
    with ExitStack() as tidying:
        folder = Path(mkdtemp(prefix="engagement-demo-"))
        tidying.callback(shutil.rmtree, folder)
        url = database or f"sqlite:///{folder / 'demonstration.db'}"
        plan = planned(options)
        opened = _open(url, plan)
        log = folder / "server.log"
        try:
            with serving(url, FIRST, log) as address, Client(address, opened.key) as client:
                course = live(client, options, plan.sites[0].id, _by_month)
                beliefs = learned(client, options, course)
        except Exception as error:
            tidying.pop_all()
            place = f"The server's log is {log}"
            if isinstance(error, EngagementError):
                raise Fault(f"{error}\n{place}") from error
            error.add_note(place)
            raise
        found = audit(url, opened.program_id)
        seconds = time.perf_counter() - began
        text = summary(options, plan, course, beliefs, found, seconds)
        if not found.agrees:
            tidying.pop_all()
            text += f"\nThe ledger does not agree with itself; it is kept in {make_url(url)!r}"
    return text, found.agrees


def planned(options: Options) -> Template:
    """The template, ending at its one site on the program's last day, and there with all that it pays."""
    plan = template(DEFAULT_TEMPLATE)
    ends_on = last_day(options.months_running)
    program = msgspec.structs.replace(plan.program, title=TITLE)
    if options.strategy != "none":
        program = msgspec.structs.replace(program, default_strategy=options.strategy)
    return msgspec.structs.replace(
        plan,
        program=program,
        sites=tuple(msgspec.structs.replace(site, ends_on=ends_on) for site in plan.sites),
    )


def _open(url: str, plan: Template) -> _Opened:
    """Migrates the database, creates the program in it and a key with every scope."""
    with closing(Database(url)) as db:
        migrate(db)
        now_ms = milliseconds(FIRST)
        with db.write(LISTING) as conn:
            if setup.program_ids(conn) or facts.kind_of_time(conn) == "real":
                raise Invalid("a demonstration needs a database of its own; this one is in use")
            program_id = create_program(conn, Kept(), plan, now_ms)
            key = create_key(conn, program_id, SCOPES, "research", now_ms, None)
    return _Opened(program_id, key.text)


def _by_month(months: Sequence[int]) -> Iterable[int]:
    """The months with a bar and the time left; silent where nobody watches."""
    bar: Iterable[int] = tqdm(months, desc="months", unit="month", disable=not sys.stderr.isatty())
    return bar
