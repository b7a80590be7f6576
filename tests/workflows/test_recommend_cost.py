"""What a recommendation costs the database: the same in a large program as in a small one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, event

from engagement.store.database import Database
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from engagement.workflows.recommend import Ask, recommend
from support.peer_groups import Here, a_program, ask, came, ms, seat

OFTEN = 10
"""Members in a group."""
PART = 250
"""So many are seated and decided for at once."""
ROLES = ("member", "adviser")
LATER = 40
"""A day on which everything may be offered again, and what was declined still counts."""


class Cost(NamedTuple):
    """Of one transaction. work : rows that PostgreSQL read, steps of SQLite's virtual machine"""

    statements: int
    commits: int
    work: int


@contextmanager
def worked(conn: Connection) -> Iterator[Callable[[], int]]:
    """How much a database has done since, in a unit that no clock has a part in."""
    if conn.dialect.name == "sqlite":
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        driver = conn.connection.driver_connection
        driver.set_progress_handler(step, 1)
        try:
            yield lambda: steps
        finally:
            driver.set_progress_handler(None, 1)
        return
    # a table of a few pages is read whole, which only says that it is small
    conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
    read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    before = conn.exec_driver_sql(read).scalar_one()
    yield lambda: int(conn.exec_driver_sql(read).scalar_one() - before)


def cost(here: Here, *members: str, day: float, point: str) -> Cost:
    """What it takes to decide for these members."""
    sent: list[str] = []
    commits: list[int] = []
    engine = here.db.engine()

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    def noted(_conn: object) -> None:
        commits.append(len(sent))

    event.listen(engine, "commit", noted)
    try:
        with here.db.write() as conn, worked(conn) as so_far:
            event.listen(engine, "before_cursor_execute", note)
            try:
                asks = [Ask(member=member, decision_point=point) for member in members]
                told = recommend(conn, here.kept, here.id, asks, ms(day))
            finally:
                event.remove(engine, "before_cursor_execute", note)
            work = so_far()
    finally:
        event.remove(engine, "commit", noted)
    assert all(one.decision_id for one in told), told
    return Cost(len(sent), len(commits), work)


def peopled(here: Here, first: int, last: int) -> list[str]:
    """Seats these members in groups of ten; all are decided for, without chance, and half of them decline."""
    names = [f"m{n}" for n in range(first, last)]
    for start in range(first, last, PART):
        numbers = range(start, min(start + PART, last))
        lines = (f"g{n // OFTEN},m{n},{n % OFTEN + 1},{ROLES[n % OFTEN == 0]},no" for n in numbers)
        seat(here, *lines, columns="group,member,seat,role,chance")
        told = ask(here, *(f"m{n}" for n in numbers))
        replies = [(one.decision_id, Reply("declined" if n % 2 else "done")) for n, one in enumerate(told)]
        here.run(answer, replies, day=0.1)
    return names


@pytest.fixture
def here(db: Database) -> Here:
    return a_program(db, template(DEFAULT_TEMPLATE))


def analysed(here: Here) -> None:
    """PostgreSQL counts its rows by itself within a minute; SQLite never does."""
    if not here.db.is_sqlite:
        with here.db.write() as conn:
            conn.exec_driver_sql("ANALYZE")


def test_a_recommendation_reads_as_much_in_a_large_program_as_in_a_small_one(here: Here) -> None:
    names = peopled(here, 0, 100)
    analysed(here)
    cost(here, names[1], day=LATER, point="warm")
    few = cost(here, names[11], day=LATER, point="few")
    peopled(here, 100, 2_000)
    analysed(here)
    many = cost(here, names[21], day=LATER, point="many")
    assert few[:2] == many[:2] == (STATEMENTS, 1)
    assert many.work < 1.2 * few.work


def test_a_recommendation_reads_as_much_whatever_was_ever_reported_of_the_member(here: Here) -> None:
    names = peopled(here, 0, 100)
    analysed(here)
    cost(here, names[1], day=LATER, point="warm")
    few = cost(here, names[11], day=LATER, point="few")
    told = [came(name, LATER * n / 1_000, n % 2) for name in names[20:23] for n in range(1, 1_000)]
    here.run(ingest, told, day=LATER)
    analysed(here)
    many = cost(here, names[21], day=LATER, point="many")
    assert few[:2] == many[:2] == (STATEMENTS, 1)
    assert many.work < 1.2 * few.work


def test_many_recommendations_take_as_many_statements_as_one(here: Here) -> None:
    names = peopled(here, 0, 200)
    cost(here, names[1], day=LATER, point="warm")
    one = cost(here, names[11], day=LATER, point="one")
    many = cost(here, *names[20:], day=LATER, point="many")
    assert one[:2] == many[:2] == (STATEMENTS, 1)


STATEMENTS = 14
"""That of a decision which reserves something, where its group had reserved nothing in that month before."""
