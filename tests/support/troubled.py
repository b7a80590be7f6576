"""A database in which everything is wrong that somebody should be told of. Everybody in it is synthetic.

Three programs: one with faults of learning and reporting, one that broke its promise of visits, one stopped.
The service starts in it on `TODAY`.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np

from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.records import ROOT
from engagement.store import beliefs, facts, resources
from engagement.store.beliefs import Version
from engagement.store.codec import evidence_bytes, evidence_of
from engagement.store.database import Database
from engagement.strategy.planning import Planning
from engagement.strategy.purse import Resource
from engagement.strategy.setup import Program, Switched
from engagement.strategy.strategy import Strategy
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.switch import Throw, throw
from support.peer_groups import (
    COUNTED,
    LEARNED,
    PLAN,
    Here,
    a_program,
    ask,
    came,
    held,
    ms,
    said,
    seat_members,
)
from support.visits import a_planned_program, add_groups, add_worker, planned

TODAY = 100.0
"""Thursday of week 2026-W25."""
DECIDED, DRAWN = 55.0, 96.0
"""What was decided 45 days ago closed ten days ago; what was drawn 4 days ago is in the day's sample."""
EVEN = Strategy(
    id="even",
    title="Draws evenly",
    actions=("call", "story", "token"),
    posterior=BetaBernoulli(),
    allocation=Uniform(),
)
PEOPLE = 32
SIGNED, MANY = 1_000_000, 10_000.0


def troubled(url: str, file: Path) -> str:
    """Fills a migrated SQLite database; a key to the first program with every scope."""
    with closing(Database(url)) as db:
        here = a_program(
            db,
            msgspec.structs.replace(
                PLAN,
                program=Program(id="troubled", title="In trouble", default_strategy="learned"),
                strategies=(LEARNED, COUNTED, EVEN),
            ),
        )
        people = seat_members(here, PEOPLE)
        _live(here, people)
        _break_belief(here)
        _spend(here)
        _broken_promise(db)
        stopped = a_program(db, msgspec.structs.replace(PLAN, program=Program(id="stopped", title="Stopped")))
        stopped.run(throw, [Throw(stopped=True, switched=Switched(by="program-lead", why="To be tried"))])
        with db.write() as conn:
            facts.note_self_check(conn, ms(TODAY - 3))
            facts.settle_kind_of_time(conn, "simulated")
            key = create_key(conn, here.id, SCOPES, "research", ms(0), None).text
    with closing(sqlite3.connect(file, isolation_level=None)) as conn:
        _change_the_past(conn)
        _make_writes_fail(conn)
    return key


def _live(here: Here, people: Sequence[str]) -> None:
    """Decisions long closed of which little is known, some of last week, and a danger nobody sees to."""
    for strategy in ("learned", "counted"):
        ask(here, *people, day=DECIDED, strategy=strategy, decision_point="then")
    ask(here, *people, day=DRAWN, strategy="even", decision_point="lately")
    here.run(
        ingest, [held("g0", 90.0), *(came(name, 90.0, n % 2) for n, name in enumerate(people[:8]))], day=90
    )
    here.run(ingest, [said("red_flag", 90.0, member=people[-1])], day=90)
    done = ask(here, *people[:4], day=DRAWN + 1, strategy="counted", decision_point="lately")
    here.run(answer, [(str(row.decision_id), Reply("done")) for row in done], day=DRAWN + 2)


def _break_belief(here: Here) -> None:
    """One belief is no number any more, another has moved a long way since last week."""
    size = len(LEARNED.columns) + 1
    sums = np.zeros((1 + len(LEARNED.actions), size**2 + 1))
    sums[:2, 0] = MANY  # of `none` and of the first action: so many rows whose only feature is the constant
    sums[1, size - 1] = 2 * MANY  # the action's sum of rewards
    with here.db.write(here.id) as conn:
        for strategy, node in (("learned", sums.ravel()), ("counted", np.full(6, np.nan))):
            beliefs.write_nodes(conn, here.id, strategy, 1, {ROOT: node})
            beliefs.publish(conn, here.id, Version(strategy, 1, 1, 0, 0, ms(TODAY - 2)))


def _spend(here: Here) -> None:
    with here.db.write(here.id) as conn:
        resources.write_counters(conn, here.id, {Resource("fund", "2026-06"): 9_900})


def _broken_promise(db: Database) -> None:
    """Two groups are promised a visit every week, and twice nobody went."""
    here = a_planned_program(db, plan=Planning(longest_wait_weeks=1))
    add_groups(here, "hill", "a", "b")
    add_worker(here, "hill", "asha")
    here.run(ingest, [held(name, day) for name in ("a", "b") for day in (14.0, 42.0, 70.0)], day=71)
    for day in (91.0, 98.0):
        for plan in planned(here, day):
            replies = [(row.decision_id, Reply("not_done")) for row in plan.units if row.going is not None]
            here.run(answer, replies, day=day + 1)


def _change_the_past(conn: sqlite3.Connection) -> None:
    """What the ledger refuses: picks that were not drawn, and a probability below its floor."""
    conn.execute("DROP TRIGGER decisions_no_update")
    conn.execute("UPDATE decisions SET action_id = 'story' WHERE strategy_id = 'even'")
    found = conn.execute("SELECT decision_id, evidence FROM decisions WHERE strategy_id = 'even'")
    name, stored = found.fetchone()
    evidence = evidence_of(stored)
    units = np.frombuffer(evidence.probability, np.uint64).copy()
    low, high = np.flatnonzero(units)[:2]
    units[high] += units[low] - np.uint64(SIGNED)
    units[low] = SIGNED
    changed = evidence_bytes(msgspec.structs.replace(evidence, probability=units.tobytes()))
    conn.execute("UPDATE decisions SET evidence = ? WHERE decision_id = ?", (changed, name))


def _make_writes_fail(conn: sqlite3.Connection) -> None:
    """No fold can be stored, nor a signal of one name."""
    conn.execute(
        "CREATE TRIGGER no_fold BEFORE INSERT ON fold_entries BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    conn.execute(
        "CREATE TRIGGER no_poison BEFORE INSERT ON signals WHEN NEW.event_id LIKE 'poison%' "
        "BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
