"""What one process of the service is made of. Handlers find it in the application's state."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from shutil import disk_usage
from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import State
from sqlalchemy import Connection

from engagement.api.beside import Beside
from engagement.api.desk import CLOSING_S, Desk, LaneName, Work
from engagement.api.evaluator import Evaluator
from engagement.api.exporter import Exporter
from engagement.api.herald import Herald
from engagement.clock import Clock
from engagement.errors import EngagementError, Mistake
from engagement.settings import Settings
from engagement.store import leaving, setup
from engagement.store.acts import By
from engagement.store.database import POOL, Database
from engagement.store.erasure_list import erasure_list
from engagement.store.kept import Kept
from engagement.store.keys import ApiKey
from engagement.store.wall import LISTING
from engagement.telemetry import Metrics
from engagement.workflows.evaluations import compute
from engagement.workflows.fold import Folded, fold_program
from engagement.workflows.plan import PlanAsk, PlansMade, plan_week
from engagement.workflows.recommend_to import AnswerFor, AskedBy, recommend_to
from engagement.workflows.reports import compute_report
from engagement.workflows.seal import seal_if_due

log = logging.getLogger("engagement.service")
MOMENT_S = 5.0
"""So long the end waits for whoever only reads and tells; what they began is nobody's loss."""
T = TypeVar("T")
R = TypeVar("R")
Call = Request[Any, ApiKey, State]
"""A request whose key has been recognised."""


class Service:
    """One process: its database, memory, clock, desk and metrics."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self.db = db
        self.clock = clock
        self.settings = settings
        self.kept = Kept()
        self.metrics = Metrics()
        self.desk = Desk(
            db, self.kept, clock, self.metrics, limit=settings.queue, shared=settings.shared_commits
        )
        self.beside = Beside(db, self.kept, clock)
        self.evaluator = Evaluator(partial(compute, db, self.kept))
        self._watch_store()
        self.exporter = Exporter(db, clock, settings.program_metrics_s)
        self.herald = Herald(db, clock, settings)
        self.metrics.self_check_wanted.set(self.herald.sends)
        self.reporter = Evaluator(self._report)
        # in containers names and process ids repeat, and two folders must never be taken for one
        self.owner = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.erasures = erasure_list(settings.erasures, str(db.url))
        self._to_be_wiped = threading.Event()
        self._folding = threading.Lock()
        self._closed = threading.Event()
        self._folder = threading.Thread(target=self._fold_regularly, name="folder", daemon=True)
        if settings.fold_every_s:
            self._folder.start()

    def _watch_store(self) -> None:
        for name, pool in self.db.pools().items():
            self.metrics.watch_pool(name, pool.checkedout, 2 * POOL)
        folder = self.db.folder
        if folder is not None:
            self.metrics.watch_disk(lambda: disk_usage(folder).free, lambda: disk_usage(folder).total)

    @property
    def simulated(self) -> bool:
        """Whether this process runs on a simulated clock."""
        return self.clock.simulated

    def recommend(
        self, conn: Connection, kept: Kept, program_id: str, asked: Sequence[AskedBy], now_ms: int
    ) -> list[AnswerFor | Mistake]:
        """The workflow `recommend_to`, whose answers say whether time is simulated."""
        return recommend_to(conn, kept, program_id, asked, now_ms, simulated=self.simulated)

    def fold(self, program_id: str, *, sparing: bool = False) -> list[Folded]:
        """Closes what is due and folds a program's strategies; one round at a time in this process."""
        with self._folding:
            now_ms = self.clock.now_ms()
            folded = fold_program(self.db, self.kept, program_id, self.owner, now_ms, sparing=sparing)
        for made in folded:
            self.metrics.folds.inc()
            self.metrics.fold_rows.labels("in").inc(made.header.rows_in)
            self.metrics.fold_rows.labels("out").inc(made.header.rows_out)
            self.metrics.fold_rows.labels("missing").inc(made.header.rows_missing)
            log.info(
                "published a version", extra={"strategy": made.strategy_id, "version": made.header.version}
            )
        return folded

    def plan(self, program_id: str, ask: PlanAsk, by: By) -> PlansMade:
        """Plans a week's visits, pool by pool, each in a transaction of its own."""
        db = self.db.acting(by, self.clock.now_ms)
        return plan_week(db, self.kept, program_id, ask, self.clock.now_ms())

    def _report(self, program_id: str, name: str) -> None:
        from engagement.api.pages.report import report_page  # noqa: PLC0415  # pages know the service

        compute_report(self.db, self.kept, program_id, name, report_page)

    def _fold_regularly(self) -> None:
        while not self._closed.wait(self.settings.fold_every_s):
            try:
                with self.db.read(LISTING) as conn:
                    programs = setup.program_ids(conn)
                for program_id in programs:
                    self.fold(program_id, sparing=True)
                    self._seal(program_id)
                self._wipe_if_wanted()
                self.metrics.last_fold.set(self.clock.now_ms() / 1000)
            except Exception:
                self.metrics.fold_failures.inc()
                log.exception("a round of folding failed; the next one tries again")

    def _seal(self, program_id: str) -> None:
        """Seals the ledger, once a day."""
        made = seal_if_due(self.db, program_id, self.owner, self.clock.now_ms())
        if made is not None:
            digest = made.digest.hex()
            log.info(
                "sealed the ledger", extra={"program": program_id, "seal": made.number, "digest": digest}
            )
            if made.says.late:
                log.warning(
                    "rows were sealed later than they say", extra={"program": program_id, "seal": made.number}
                )

    def wipe_soon(self) -> None:
        """Has the folder write the database anew behind its next round: somebody was erased."""
        self._to_be_wiped.set()

    def _wipe_if_wanted(self) -> None:
        if self._to_be_wiped.is_set():
            self._to_be_wiped.clear()
            if not leaving.wipe(self.db):  # somebody else had the file open
                self._to_be_wiped.set()

    def close(self) -> None:
        """Serves what is queued, ends the folder between two rounds, closes the database."""
        self._closed.set()
        self.herald.close(MOMENT_S)
        self.exporter.close(MOMENT_S)
        self.evaluator.close(CLOSING_S)
        self.reporter.close(CLOSING_S)
        self.desk.close()
        if self._folder.is_alive():
            self._folder.join(timeout=CLOSING_S)
        self.db.close()


def service_of(request: Request[Any, Any, State]) -> Service:
    """The process that serves a request."""
    service: Service = request.app.state["service"]
    return service


def began(request: Request[Any, Any, State]) -> float:
    """When the request came in, on the clock of `time.perf_counter`: deadlines count from there."""
    scope: Any = request.scope
    moment: float = scope["began"]
    return moment


async def one(service: Service, lane: LaneName, work: Work, item: Any) -> Any:
    """The result for a single item; raises it when it is an error."""
    return only(await service.desk.ask(lane, work, [item]))


def only(results: Sequence[Any]) -> Any:
    """The one result; raises it when it is an error."""
    [result] = results
    if isinstance(result, EngagementError):
        raise result
    return result


def each(of: Callable[[T], R], wanted: Sequence[T]) -> list[R | Mistake]:
    """What a function that only reads gives for each, or the mistake that was in it."""
    results: list[R | Mistake] = []
    for item in wanted:
        try:
            results.append(of(item))
        except Mistake as mistake:
            results.append(mistake)
    return results
