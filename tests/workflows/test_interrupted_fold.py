"""Two folders at once, killed folders, claims taken over: nothing is counted twice and nothing is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import msgspec
import numpy as np
import pytest
from sqlalchemy import Connection, event

from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.store import beliefs, decisions
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.workflows.ingest import ingest
from engagement.workflows.outcome import Posted, post_outcomes
from engagement.workflows.rebuild import compare, derived
from support.peer_groups import FOLDED, a_program, always, came, decided, seat_members

TAKEN_OVER = FOLDED + 61 / 86_400
"""A day on which a claim made at FOLDED has just expired."""
COUNTS = msgspec.structs.replace(always("token").strategies[0], posterior=BetaBernoulli())
PLAN = msgspec.structs.replace(always("token"), strategies=(COUNTS,))
POOLED = msgspec.structs.replace(
    PLAN, strategies=(msgspec.structs.replace(COUNTS, posterior=PooledLinear(half_life_weeks=8)),)
)
"""The same with a belief that is refitted at its first fold, and whose results fade."""
MEMBERS = 6
STEPS = ("expiry", "outcomes", "claim", "entries", "nodes", "header")
"""The writing transactions of a fold of so little, in their order."""


class KilledError(Exception):
    """The folder is gone, in the middle of a transaction."""


class Watched(Database):
    """A database that calls back when a writing transaction starts and just before it would commit."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.watch()

    def watch(
        self,
        at_start: Callable[[int], None] = lambda _: None,
        before_commit: Callable[[int], None] = lambda _: None,
    ) -> None:
        """From now on calls these, with the number of transactions committed since."""
        self.at_start, self.before_commit, self.writes = at_start, before_commit, 0

    @contextmanager
    def write(self, of: str = "") -> Iterator[Connection]:
        self.at_start(self.writes)
        with super().write(of) as conn:
            yield conn
            self.before_commit(self.writes)
        self.writes += 1


@pytest.fixture(scope="session")
def watched(shared_url: str) -> Iterator[Watched]:
    """The same database once more, as another process has it."""
    with closing(Watched(shared_url)) as database:
        yield database


def ready_to_fold(db, plan=PLAN):
    """A program of one strategy with six decisions that have closed and no chance in them."""
    here = a_program(db, plan)
    members = seat_members(here, MEMBERS, chance="no")
    for number, member in enumerate(members):
        decided(here, member, day=number / 2)
    here.run(ingest, [came(name, 5 + n, n % 2) for n, name in enumerate(members)], day=20)
    return here


def nodes_of(here):
    return {key[1:]: state for key, state in here.read(derived).nodes.items()}


def undisturbed(db, plan=PLAN):
    here = ready_to_fold(db, plan)
    here.fold()
    return nodes_of(here)


def rows_of(here, table):
    return here.read(lambda conn, program: conn.execute(table.select().filter_by(program_id=program)).all())


def kill(here, watched, step, owner="first", day=FOLDED):
    """Folds as a process that is killed in its transaction of this number, if it gets so far."""

    def before_commit(number):
        if number == step:
            raise KilledError

    watched.watch(before_commit=before_commit)
    with suppress(KilledError):
        here._replace(db=watched).fold(day, owner)


def test_a_fold_has_as_many_steps_as_these_tests_think(db, watched):
    watched.watch()
    ready_to_fold(db)._replace(db=watched).fold()
    assert watched.writes == len(STEPS)


def test_a_fold_leaves_no_claim_behind(db):
    here = ready_to_fold(db)
    here.fold()
    assert rows_of(here, t.claims) == []


@pytest.mark.parametrize("plan", [PLAN, POOLED], ids=["counts", "pools"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
def test_whatever_step_kills_a_folder_the_next_one_finishes(db, watched, step, plan):
    here = ready_to_fold(db, plan)
    kill(here, watched, step)
    assert here.read(beliefs.versions, "learned") == []
    assert rows_of(here, t.hyperparameters) == []
    here.fold(TAKEN_OVER, owner="next")
    assert nodes_of(here) == undisturbed(db, plan)
    assert len(rows_of(here, t.fold_entries)) == MEMBERS
    assert len(rows_of(here, t.hyperparameters)) == (plan is POOLED)
    assert compare(here.db, here.kept, here.id) == []


@pytest.mark.parametrize("step", [3, 4, 5], ids=STEPS[3:])
def test_while_the_claim_of_the_killed_lives_nobody_else_folds(db, watched, step):
    here = ready_to_fold(db)
    kill(here, watched, step)
    assert here.fold(owner="next") == []
    assert here.read(beliefs.versions, "learned") == []


@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
def test_revisions_made_while_a_fold_lay_interrupted_count_once(db, watched, step):
    here = ready_to_fold(db)
    (decision,) = decided(here, "m0")
    kill(here, watched, step)
    here.run(post_outcomes, [(decision, Posted(0.25))], day=FOLDED)
    kill(here, watched, step, "second", TAKEN_OVER)
    here.run(post_outcomes, [(decision, Posted(0.75))], day=TAKEN_OVER)
    for day in (FOLDED + 1, FOLDED + 2):
        here.fold(day, owner="third")
    earned = here.read(decisions.outcomes, [row.decision_id for row in rows_of(here, t.decisions)])
    rewards = [rows[-1].reward for rows in earned.values()]
    assert 0.75 in rewards
    (node,) = here.read(beliefs.read_nodes, "learned", [""], 9).values()
    assert node.sum() == pytest.approx(MEMBERS)  # each decision is one success or failure, or shares of both
    assert node[:2].sum() == pytest.approx(sum(rewards))


@pytest.mark.parametrize("later", [FOLDED, TAKEN_OVER], ids=["claim_lives", "claim_expired"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
def test_a_folder_that_stalls_while_another_folds_spoils_nothing(db, watched, step, later):
    here = ready_to_fold(db)

    def stall(number):
        if number == step:
            here.fold(later, owner="other")

    watched.watch(at_start=stall)
    here._replace(db=watched).fold()
    assert nodes_of(here) == undisturbed(db)
    assert len(rows_of(here, t.fold_entries)) == MEMBERS
    assert rows_of(here, t.claims) == []


@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
def test_a_folder_that_stalls_does_not_write_over_what_another_knows_better(db, watched, step):
    here = ready_to_fold(db)
    (decision,) = decided(here, "m0")

    def stall(number):
        if number == step:
            here.run(post_outcomes, [(decision, Posted(0.25))], day=FOLDED)
            here.fold(TAKEN_OVER, owner="other")

    watched.watch(at_start=stall)
    here._replace(db=watched).fold()
    assert len(here.read(beliefs.versions, "learned")) == 1
    assert compare(here.db, here.kept, here.id) == []


def test_nodes_that_an_interrupted_fold_left_are_gone_after_the_next(db):
    here = ready_to_fold(db)
    with db.write() as conn:
        beliefs.write_nodes(conn, here.id, "learned", 1, {"left over": np.zeros(1)})
    here.fold()
    assert nodes_of(here) == undisturbed(db)


def test_a_version_published_while_it_is_claimed_keeps_its_nodes(shared_postgresql_url):
    """On SQLite the writer is alone; here another process publishes between two statements of a claim."""
    with closing(Database(shared_postgresql_url)) as db, closing(Database(shared_postgresql_url)) as other:
        here = ready_to_fold(db)
        claimed = []

        def publish_first(_conn, _cursor, statement, *_):
            if statement.startswith("INSERT INTO claims") and not claimed:
                claimed.append(statement)
                here._replace(db=other).fold(owner="other")

        event.listen(db.engine(), "before_cursor_execute", publish_first)
        assert here.fold(owner="first") == []
        assert nodes_of(here) == undisturbed(other)
        assert rows_of(here, t.claims) == []


def test_two_folders_at_once_count_nothing_twice(db, watched):
    watched.watch()
    here = ready_to_fold(db)
    folders = {"one": here, "other": here._replace(db=watched)}
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda owner: folders[owner].fold(owner=owner), folders))
    assert nodes_of(here) == undisturbed(db)
    assert len(rows_of(here, t.fold_entries)) == MEMBERS
