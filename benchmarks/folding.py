"""How long it takes to learn from 100,000 outcomes, and to make 10,000 decisions again.

Everything is synthetic: members, decisions drawn at random by the default strategy's own engine, rewards of
chance. The decisions are stored by the store's functions, not asked for over HTTP. Prints times, the peak of
memory while folding, and whether every replayed decision agrees.

    python benchmarks/folding.py --outcomes 100000 --replayed 10000 --database sqlite
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np

from engagement.actions.availability import DAY_MS, Reason
from engagement.bandits.propensity import ONE
from engagement.randomness import generator, uniform
from engagement.records import Course, Evidence, Points
from engagement.store import decisions, setup
from engagement.store.database import Database
from engagement.store.decisions import Decision, OutcomeRow
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.migrate import migrate
from engagement.strategy.decide import Asked, decide
from engagement.strategy.purse import unlimited
from engagement.strategy.setup import Catalogue
from engagement.workflows.fold import fold_program
from engagement.workflows.ingest import milliseconds
from engagement.workflows.replay import replay_decisions
from support.databases import sqlite_url
from support.postgres import running_server
from systems import file_system, fsync_ms
from world import World, group, member, month, seat

PEOPLE = 10_000
BLOCK = 1_000
"""Decisions made and stored at once."""


def drawn(world: World, catalogue: Catalogue, secret: bytes, first: int, count: int) -> list[Decision]:
    """Synthetic decisions of the default strategy before it has learned anything, on random features."""
    strategy = catalogue.strategies[catalogue.program.default_strategy or ""]
    actions = 1 + len(strategy.actions)
    draws = generator(1, "folding", str(first))
    features = np.hstack([np.ones((count, 1)), draws.uniform(-0.5, 0.5, (count, len(strategy.columns) - 1))])
    refusals = np.where(draws.random((count, actions)) < 0.3, np.uint8(Reason.COOL_DOWN), np.uint8(0))
    refusals[:, 0] = Reason.AVAILABLE
    numbers = [number % PEOPLE for number in range(first, first + count)]
    point = f"{month(first // PEOPLE):%Y-%m}"
    names, groups = tuple(map(member, numbers)), tuple(map(group, numbers))
    points = Points(features, groups, names, Course(np.zeros(count, np.int64), np.full(count, 120.0)))
    lots = tuple(uniform(secret, world.program_id, strategy.id, f"member:{name}", point) for name in names)
    question = Asked(points, refusals, lots, (False,) * count)
    made = decide(strategy, {}, question, unlimited(count, actions))
    at = milliseconds(month(first // PEOPLE))
    ids = ("none", *strategy.actions)
    return [
        Decision(
            decision_id=uuid7(at),
            strategy_id=strategy.id,
            unit_kind="member",
            unit_id=names[row],
            group_id=groups[row],
            decision_point=point,
            action_id=ids[made.picked[row]],
            probability=int(made.probability[row, made.picked[row]]),
            randomised=int(made.probability[row].max()) < ONE,
            fallback=None,
            arm="learning",
            phase="running",
            language="en",
            strategy_revision=1,
            catalogue=catalogue.revision,
            version=0,
            decided_at=at,
            expires_at=at + 28 * DAY_MS,
            closes_at=at + strategy.outcome.window_days * DAY_MS,
            evidence=Evidence(
                actions=ids,
                features=features[row].tobytes(),
                refusals=made.refusals[row].tobytes(),
                family=made.scores.family,
                mean=made.scores.mean[row].tobytes(),
                sd=made.scores.sd[row].tobytes(),
                probability=made.probability[row].tobytes(),
                uniform=lots[row],
                remaining=120.0,
            ),
        )
        for row in range(count)
    ]


def fill(db: Database, outcomes: int) -> World:
    """Synthetic members, decisions and what they earned."""
    kept = Kept()
    world = seat(db, kept, PEOPLE)
    with db.read() as conn:
        revision = setup.catalogue_revision(conn, world.program_id)
        catalogue = setup.catalogue(conn, kept, world.program_id, revision)
        secret = setup.draw_secret(conn, kept, world.program_id)
    rewards = generator(1, "rewards").choice([0.0, 2 / 3, 1.0], outcomes)
    for first in range(0, outcomes, BLOCK):
        rows = drawn(world, catalogue, secret, first, min(BLOCK, outcomes - first))
        earned = [
            (row.strategy_id, OutcomeRow(row.decision_id, 1, float(reward), "signals", row.closes_at))
            for row, reward in zip(rows, rewards[first:], strict=False)
        ]
        with db.write() as conn:
            decisions.insert_decisions(conn, world.program_id, rows)
            decisions.insert_outcomes(conn, world.program_id, earned)
    return world


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of a kind."""
    if kind == "sqlite":
        yield sqlite_url(folder / "folding.db")
        return
    with running_server(fsync=True) as server:
        yield server.create("folding")


def peak_mb() -> float:
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux


def measure(db: Database, outcomes: int, replayed: int) -> None:
    """Fills, folds and replays, and prints what each took."""
    start = time.perf_counter()
    world = fill(db, outcomes)
    print(
        f"made and stored {outcomes} synthetic decisions with outcomes: {time.perf_counter() - start:.1f} s"
    )
    now_ms = milliseconds(month(2 + outcomes // PEOPLE))
    before = peak_mb()
    start = time.perf_counter()
    folded = fold_program(db, Kept(), world.program_id, "benchmark", now_ms)
    seconds = time.perf_counter() - start
    rows = sum(made.header.rows_in for made in folded)
    each_us = 1e6 * seconds / rows
    print(
        f"folded {rows} outcomes into {len(folded)} versions: {seconds:.1f} s, {each_us:.0f} µs each; "
        f"peak memory of the process {peak_mb():.0f} MB, {before:.0f} MB before"
    )
    with db.read() as conn:
        ids = decisions.all_ids(conn, world.program_id)[:replayed]
        start = time.perf_counter()
        agreed = sum(one.replayed.agrees for one in replay_decisions(conn, Kept(), world.program_id, ids))
        seconds = time.perf_counter() - start
    print(f"replayed {len(ids)}, {agreed} agree: {seconds:.1f} s, {1e6 * seconds / len(ids):.0f} µs each")


def main() -> None:
    """All of it, in a folder that is removed at the end."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--outcomes", type=int, default=100_000)
    parser.add_argument("--replayed", type=int, default=10_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: a temporary one")
    given = parser.parse_args()
    with ExitStack() as opened:
        name = opened.enter_context(tempfile.TemporaryDirectory(prefix="engagement-bench-", dir=given.folder))
        folder = Path(name)
        folder.chmod(0o1777)  # PostgreSQL may run as another user, which removes its own files
        tempfile.tempdir = name
        print(f"{given.database} on {file_system(folder)}, where an fsync takes {fsync_ms(folder):.2f} ms")
        db = opened.enter_context(closing(Database(opened.enter_context(database(given.database, folder)))))
        migrate(db)
        measure(db, given.outcomes, given.replayed)


if __name__ == "__main__":
    main()
