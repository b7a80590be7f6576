"""A person is erased: nothing of theirs stays, nothing of anybody else's changes, and beliefs begin anew."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sqlalchemy import select

import engagement
from engagement.bandits import tree_nodes
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.errors import Invalid, NotFound
from engagement.randomness import erasure_mark
from engagement.store import (
    beliefs,
    decisions,
    erasures,
    kept_answers,
    leaving,
    page_links,
    plans,
    resources,
    seals,
    setup,
)
from engagement.store import tables as t
from engagement.store.codec import array_of
from engagement.store.database import Database
from engagement.store.erasure_list import ErasureList
from engagement.store.kept import Kept
from engagement.strategy.setup import Member
from engagement.workflows.answer import Reply, answer
from engagement.workflows.audit import audit
from engagement.workflows.erase import Erased, Erasing, carry_out, erase, erase_members
from engagement.workflows.ingest import ingest
from engagement.workflows.learning_told import versions as versions_told
from engagement.workflows.link import link
from engagement.workflows.merge_member import MemberMerge, Merging, merge_members
from engagement.workflows.plan_life import Sharing, share_out
from engagement.workflows.plan_told import in_words
from engagement.workflows.rebuild import compare, derived, rebuild
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from engagement.workflows.seal import seal
from support import backup
from support.databases import postgresql_database, sqlite_database
from support.locks import wait_for_waiters
from support.peer_groups import (
    FOLDED,
    a_program,
    always,
    came,
    decided,
    held,
    met_goal,
    moment,
    ms,
    seat,
    seat_members,
    with_strategy,
)
from support.postgres import Server
from support.visits import (
    HOME_VISIT,
    PLANNED_MEMBERS,
    a_planned_program,
    add_groups,
    add_members,
    add_worker,
    linking,
    planned,
    seen,
)

HER = "canary4711"
TWICE = "canary4711-again"
OF_BELIEFS = {t.nodes, t.versions, t.hyperparameters, t.claims, t.counters, t.tallies, t.erasures}
OF_BELIEFS |= {t.seals, t.sealed_rows}
"""What follows from everybody's rows together, and what an erasure adds."""
COUNTS = msgspec.structs.replace(always("token").strategies[0], posterior=BetaBernoulli())
PLAN = msgspec.structs.replace(always("token"), strategies=(COUNTS, *always("token").strategies[1:]))


POOLED = msgspec.structs.replace(
    PLAN,
    strategies=(
        msgspec.structs.replace(COUNTS, posterior=PooledLinear(refit=False, half_life_weeks=8)),
        *PLAN.strategies[1:],
    ),
)


@pytest.fixture(scope="module")
def shared_postgresql_url(postgres: Server, migrated_postgresql: str) -> Iterator[str]:
    """Databases of this file's own: where somebody was erased, every command wants to see the list."""
    with postgresql_database(postgres, migrated_postgresql) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return sqlite_database(request.getfixturevalue("migrated_sqlite"), tmp_path_factory.mktemp("erased"))
    url: str = request.getfixturevalue("shared_postgresql_url")
    return url


@pytest.fixture(scope="module")
def db(shared_url: str) -> Iterator[Database]:
    with closing(Database(shared_url)) as database:
        yield database


@pytest.fixture
def listed(tmp_path: Path) -> ErasureList:
    return ErasureList(tmp_path / "erasures")


def enrol(here, *more):
    """m0 to m8 in two groups, and in seat 9 of g0 whoever else; all without chance."""
    members = seat_members(here, 9, chance="no")
    seat(here, *(f"g0,{name},{n},no" for n, name in enumerate(more, 9)), columns="group,member,seat,chance")
    return [*members, *more]


def enrol_one(here, name):
    seat(here, f"g0,{name},9,yes", columns="group,member,seat,chance")
    return [name]


def live(here, members):
    """Two folds, with decisions before, between and after; money held, spent, freed; goals and meetings.

    Each fold is sealed.
    """
    made = decided(here, *members)
    here.run(answer, [(name, Reply("done")) for name in made[::2]], day=1)
    here.run(answer, [(name, Reply("declined")) for name in made[1::2]], day=1)
    here.run(ingest, [came(name, 12, n % 2) for n, name in enumerate(members)], day=13)
    here.run(ingest, [held("g0", 12), *(met_goal(name, 12) for name in members[::3])], day=13)
    corrected = [came(name, 12, 1, id=f"b/{name}", corrects=f"attendance/{name}/12") for name in members[::9]]
    here.run(ingest, corrected, day=14)
    here.fold()
    assert seal(here.db, here.id, "sealer", ms(FOLDED))
    made += decided(here, *members, day=FOLDED)
    here.run(
        ingest, [came(name, FOLDED + 9, int(n % 3 > 0)) for n, name in enumerate(members)], day=FOLDED + 10
    )
    here.run(ingest, [came(members[1], 12, 1, id="late", corrects="attendance/m1/12")], day=FOLDED + 10)
    here.fold(2 * FOLDED)
    assert seal(here.db, here.id, "sealer", ms(2 * FOLDED))
    return made + decided(here, *members, day=2 * FOLDED)


def with_her(db, plan=PLAN):
    """A program in which she lived, named in every way there is."""
    here = a_program(db, plan)
    members = enrol(here, HER)
    add_worker(here, "hill", "asha")
    here.run(link, [linking("member", HER, "health_worker", "asha")])
    live(here, members)
    with db.write() as conn:
        asked = kept_answers.Asked("k", "a-change", b"digest")
        kept_answers.write(conn, here.id, asked, f'{{"member":"{HER}"}}'.encode(), 0)
        kept_answers.write(conn, here.id, asked._replace(name="other"), b'{"member":"canary47110"}', 0)
        opens = page_links.PageLink(here.id, "l", "worklist", HER, "adviser", 0, 1, None)
        page_links.insert_link(conn, opens, page_links.digest(f"token{here.id}"))
    return here


@pytest.fixture
def lived(db):
    return with_her(db)


def gone(here, listed, member=HER, day=2 * FOLDED + 1):
    return erase(here.db, here.kept, here.id, Erasing(member, listed), ms(day))


def rows(here, *without):
    """Every row of the program, by table, to the byte."""
    left_out = {table.name for table in without}
    return {name: some for name, some in backup.rows(here.db, here.id).items() if name not in left_out}


def named(here, *names):
    """Tables in which a row names one of these, in a column or inside of a body."""
    word = re.compile("|".join(names))
    return {table for table, text in backup.told(rows(here)).items() if word.search(text)}


def decisions_of(conn, program):
    d = t.decisions.c
    query = select(d.decision_id).where(d.program_id == program, d.unit_id == HER)
    return list(conn.execute(query).scalars())


def all_decisions(here):
    with here.db.read() as conn:
        return decisions.all_ids(conn, here.id)


def test_no_row_of_any_table_names_them_any_more(lived, listed):
    name, theirs = f"{HER}(?!0)", lived.read(decisions_of)
    assert named(lived, name) == {
        "revisions", "memberships", "links", "signals", "decisions", "tallies", "page_links", "kept_answers"
    }  # fmt: skip
    assert named(lived, *theirs) == {"decisions", "answers", "outcomes", "fold_entries", "reservations"}
    assert len(theirs) == 3
    gone(lived, listed)
    assert named(lived, name, *theirs) == set()


def test_no_digest_of_them_is_left_in_a_belief(db, listed):
    """A pooled belief holds a row of sums under 52 bits of a digest of each member's id."""
    here = with_her(db, POOLED)
    mark = tree_nodes._ids([HER])[0]

    def held_in():
        return [state for state in here.read(derived).nodes.values() if mark in array_of(state)]

    assert held_in()
    gone(here, listed)
    here.fold(2 * FOLDED + 2)
    assert here.read(derived).nodes
    assert held_in() == []


def test_of_everybody_else_every_row_stays_to_the_byte(lived, listed):
    before = rows(lived, *OF_BELIEFS)
    made = gone(lived, listed)
    after = rows(lived, *OF_BELIEFS)
    lost = {table: len(before[table] - after[table]) for table in before}
    assert all(after[table] <= before[table] for table in before)
    derived_too = {table.name for table in OF_BELIEFS}
    told = {part.table: part.rows for part in made.rows if part.table not in derived_too}
    assert {table: number for table, number in lost.items() if number} == told
    assert (lost["decisions"], lost["signals"], lost["kept_answers"]) == (3, 4, 1)


def audited(here):
    with here.db.read() as conn:
        return audit(conn, here.id)


def leaves(here):
    """Every leaf that a seal holds."""
    with here.db.read() as conn:
        held = [seals.leaves_of(conn, here.id, part) for part in seals.held(conn, here.id)]
    return {content[start : start + 16] for content in held for start in range(0, len(content), 16)}


def leaves_of_rows(here):
    with here.db.read() as conn:
        return {
            leaf
            for table in seals.SEALED
            for leaf in seals.leaves_where(conn, table, table.c.program_id == here.id)
        }


def test_a_seal_behind_the_erasure_explains_what_is_gone_and_the_rest_is_as_it_was_sealed(lived, listed):
    before = audited(lived)
    assert (before.flaws, before.nights, before.erasures, before.erased) == ((), 2, 0, 0)
    made = gone(lived, listed)
    after = audited(lived)
    assert (after.flaws, after.late, after.nights, after.erasures) == ((), (), 2, 1)
    assert after.newest.says.erasure == made.erasure_id
    went = sum(part.rows for part in made.rows if part.table in {table.name for table in seals.SEALED})
    last_decision = 2  # itself and its reservation: not sealed yet
    assert after.erased == before.rows - after.rows == went - last_decision > 10
    seal(lived.db, lived.id, "sealer", ms(2 * FOLDED + 2))
    again = audited(lived)
    assert (again.flaws, again.late, again.fresh) == ((), (), 0)


def test_a_seal_holds_nothing_more_of_who_was_erased(lived, listed):
    before, parts = leaves(lived), lived.read(seals.held)
    gone(lived, listed)
    assert leaves(lived) <= leaves_of_rows(lived)
    assert len(before - leaves(lived)) > 10
    changed = [(old, new) for old, new in zip(parts, lived.read(seals.held), strict=True) if old != new]
    assert len(changed) > 5
    assert all(old.rows > new.rows and old.salt != new.salt for old, new in changed)


def test_an_erasure_that_was_never_made_explains_nothing(lived, listed):
    """Who takes rows and leaves away has to change the seals as well."""
    gone(lived, listed)
    with lived.db.write() as conn, leaving.unguarded(conn):
        one = conn.execute(select(t.answers).where(t.answers.c.program_id == lived.id)).first()
        row = (t.answers.c.program_id == lived.id) & (t.answers.c.decision_id == one.decision_id)
        seals.take_out(conn, lived.id, {t.answers: dict.fromkeys(seals.leaves_where(conn, t.answers, row))})
        conn.execute(t.answers.delete().where(row))
    flaws = audited(lived).flaws
    assert flaws
    assert "what is left of the seals before is not what it says was left" in {flaw.words for flaw in flaws}


def test_whoever_seals_while_somebody_is_erased_seals_nothing_of_them(lived, listed, shared_url):
    for number in range(4):
        start = threading.Barrier(2)

        def sealing(start=start, number=number):
            with closing(Database(shared_url)) as replica:
                start.wait()
                seal(replica, lived.id, f"sealer-{number}", ms(2 * FOLDED + number))

        with ThreadPoolExecutor(1) as threads:
            sealed = threads.submit(sealing)
            start.wait()
            gone(lived, listed, f"m{number}", day=2 * FOLDED + number)
            sealed.result()
        assert audited(lived).flaws == ()
    assert audited(lived).erasures == 4


def test_of_two_who_are_erased_each_is_explained(lived, listed):
    for name in (HER, "m1"):
        gone(lived, listed, name)
    found = audited(lived)
    assert (found.flaws, found.erasures) == ((), 2)


def test_another_program_is_left_alone(db, lived, listed):
    other = with_her(db)
    before = rows(other)
    gone(lived, listed)
    lived.fold(2 * FOLDED + 2)
    assert rows(other) == before


def test_money_that_was_theirs_is_counted_as_the_ledger_now_says(lived, listed):
    gone(lived, listed)
    with lived.db.read() as conn:
        by_ledger = {key: taken for key, taken in resources.taken_by_ledger(conn, lived.id).items() if taken}
    assert lived.read(derived).counters == by_ledger
    assert sum(by_ledger.values()) == 50 * (
        5 + 9
    )  # five tokens were done, four declined, nine expired, nine wait


def test_what_is_derived_is_what_the_ledger_says_before_and_after_the_next_fold(lived, listed):
    gone(lived, listed)
    assert lived.read(derived).nodes == {}
    assert compare(lived.db, lived.kept, lived.id) == []
    lived.fold(2 * FOLDED + 2)
    assert compare(lived.db, lived.kept, lived.id) == []
    lived.run(ingest, [came("m3", 2 * FOLDED + 9)], day=2 * FOLDED + 10)
    lived.fold(4 * FOLDED)
    before = lived.read(derived)
    assert {version for _, _, version in before.nodes} == {4, 5}
    assert rebuild(lived.db, lived.kept, lived.id) == []
    assert lived.read(derived) == before


def nodes(here):
    with here.db.read() as conn:
        return beliefs.read_all_nodes(conn, here.id, "learned", 99)


@pytest.mark.parametrize("plan", [PLAN, POOLED], ids=["counts", "pools"])
def test_the_belief_is_that_of_a_program_they_never_were_in(db, listed, plan):
    here, never = with_her(db, plan), a_program(db, plan)
    live(never, enrol(never))
    with_them, expected = nodes(here), nodes(never)
    assert any(not np.array_equal(with_them[key], expected[key]) for key in expected)
    gone(here, listed)
    here.fold(2 * FOLDED + 2)
    found = nodes(here)
    assert found.keys() == expected.keys()
    for key, node in found.items():
        np.testing.assert_allclose(node, expected[key], rtol=1e-9, atol=1e-12)


def test_hyperparameters_fitted_to_them_go_and_are_fitted_again(db, listed):
    fitting = msgspec.structs.replace(COUNTS, posterior=PooledLinear())
    here = with_her(db, msgspec.structs.replace(PLAN, strategies=(fitting, *PLAN.strategies[1:])))
    fitted = rows(here)["hyperparameters"]
    assert fitted
    made = gone(here, listed)
    assert rows(here)["hyperparameters"] == set()
    here.fold(2 * FOLDED + 2)
    [again] = rows(here)["hyperparameters"]
    assert again[2] == made.beliefs[0].version + 1
    assert again not in fitted
    assert compare(here.db, here.kept, here.id) == []


def test_until_the_next_fold_the_prior_decides_and_says_so(lived, listed):
    made = gone(lived, listed)
    assert [(row.strategy, row.version) for row in made.beliefs] == [("learned", 3)]
    new = decided(lived, "m1", day=2 * FOLDED + 33)
    lived.fold(2 * FOLDED + 34)
    later = decided(lived, "m1", day=2 * FOLDED + 70)
    assert {name: row.version for name, row in lived.read(decisions.by_id, [*new, *later]).items()} == {
        new[0]: 3,
        later[0]: 4,
    }
    with lived.db.read() as conn:
        assert [
            one.agrees for one in replay_decisions(conn, Kept(), lived.id, [*new, *later], deep=True)
        ] == [
            True,
            True,
        ]


def test_what_others_were_given_is_made_again_and_beliefs_that_are_gone_are_said_to_be(lived, listed):
    gone(lived, listed)
    lived.fold(2 * FOLDED + 2)
    with lived.db.read() as conn:
        ids = decisions.all_ids(conn, lived.id)
        plain = list(replay_decisions(conn, Kept(), lived.id, ids))
        deep = list(replay_decisions(conn, Kept(), lived.id, ids, deep=True))
    assert len(ids) == 27
    assert all(one.agrees and one.not_deep is None for one in plain)
    assert all(one.agrees for one in deep)
    assert {one.decision.version for one in deep if one.not_deep} == {1, 2}
    assert {one.decision.version for one in deep if not one.not_deep} == {0}
    told = {one.not_deep for one in deep} - {None}
    assert "version 1 of `learned` had learned from somebody who was erased since" in " ".join(map(str, told))


def test_when_others_results_were_learned_first_is_still_known(lived, listed):
    theirs, before = set(lived.read(decisions_of)), lived.read(beliefs.learned_in, "learned")
    gone(lived, listed)
    lived.fold(2 * FOLDED + 2)
    assert set(before.values()) == {1, 2}
    assert lived.read(beliefs.learned_in, "learned") == {
        name: version for name, version in before.items() if name not in theirs
    }


def test_the_console_tells_of_no_shift_between_beliefs_that_are_gone(db, listed):
    plan = with_strategy(posterior=BetaBernoulli())
    here = a_program(db, plan)
    live(here, [*seat_members(here, 9), *enrol_one(here, HER)])
    [before] = here.run(versions_told, ["learned"], day=2 * FOLDED)
    assert [row.shift is None for row in before] == [False, False]
    gone(here, listed)
    here.fold(2 * FOLDED + 2)
    [after] = here.run(versions_told, ["learned"], day=2 * FOLDED + 2)
    assert [(row.version, row.shift is None) for row in after] == [
        (4, False), (3, True), (2, True), (1, True)
    ]  # fmt: skip


def test_an_evaluation_does_not_ask_a_belief_that_is_gone(lived, listed):
    gone(lived, listed)
    assert lived.read(erasures.gone, "learned", 0) is None
    assert lived.read(erasures.gone, "learned", 3) is None
    assert "began anew with version 3" in str(lived.read(erasures.gone, "learned", 2))


def test_the_tombstone_tells_the_group_the_day_and_what_began_anew_and_nothing_else(lived, listed):
    made = gone(lived, listed)
    [stone] = lived.read(erasures.tombstones)
    assert stone == erasures.Tombstone(made.erasure_id, "learned", 3, "g0", moment(2 * FOLDED + 1).date())
    assert made.erased_on == moment(2 * FOLDED + 1).date()


def test_where_no_belief_learned_from_them_none_begins_anew(lived, listed):
    lived.run(revise, [Member(id=TWICE)])
    made = gone(lived, listed, TWICE)
    assert made.beliefs == ()
    assert lived.read(erasures.tombstones) == [
        erasures.Tombstone(made.erasure_id, "", 0, None, moment(2 * FOLDED + 1).date())
    ]
    assert len(lived.read(beliefs.versions, "learned")) == 2


def test_who_was_enrolled_twice_is_erased_under_both_ids_whichever_is_named(lived, listed):
    lived.run(revise, [Member(id=TWICE)])
    seat(lived, f"g1,{TWICE},5", columns="group,member,seat", day=2 * FOLDED)
    lived.run(ingest, [came(TWICE, 2 * FOLDED)], day=2 * FOLDED)
    [merged] = lived.run(merge_members, [Merging(TWICE, MemberMerge(into=HER))], day=2 * FOLDED + 1)
    assert merged.changed
    gone(lived, listed, TWICE)
    assert named(lived, f"{HER}(?!0)") == set()
    assert compare(lived.db, lived.kept, lived.id) == []
    assert len(listed.read(expected=True)) == 2


def test_for_who_was_never_here_nothing_is_locked_or_written(lived, listed, statements):
    with statements() as sent:
        [told] = lived.run(erase_members, [Erasing("nobody", listed)])
    assert isinstance(told, NotFound)
    assert [line for line in sent if not line.startswith("SELECT") or "FOR UPDATE" in line] == []


def test_who_was_erased_already_or_was_never_here_is_kindly_not_found(lived, listed):
    gone(lived, listed)
    before = rows(lived)
    for name in (HER, "nobody"):
        with pytest.raises(NotFound, match=f"nothing of `{name}` is here"):
            gone(lived, listed, name)
    assert rows(lived) == before
    assert len(listed.read(expected=True)) == 1


def test_two_erasures_before_a_fold_and_one_after_leave_what_is_left(lived, listed):
    gone(lived, listed)
    gone(lived, listed, "m1")
    lived.fold(2 * FOLDED + 2)
    assert compare(lived.db, lived.kept, lived.id) == []
    gone(lived, listed, "m2", 2 * FOLDED + 3)
    lived.fold(2 * FOLDED + 4)
    assert compare(lived.db, lived.kept, lived.id) == []
    assert [header.rows_in - header.rows_out for header in lived.read(beliefs.versions, "learned")][2:] == [
        0, 0, 16, 0, 14
    ]  # fmt: skip
    assert named(lived, f"{HER}(?!0)") == set()


def test_without_a_list_nobody_is_erased(lived):
    before = rows(lived)
    with pytest.raises(Invalid, match="ENGAGEMENT_ERASURES"):
        gone(lived, ErasureList(None))
    with pytest.raises(Invalid, match="cannot write the erasure list"):
        gone(lived, ErasureList(Path("/dev/null/erasures")))
    assert rows(lived) == before


def ready(db):
    """The same one step before the second fold."""
    here = a_program(db, PLAN)
    members = enrol(here, HER)
    decided(here, *members)
    here.run(ingest, [came(name, 12, n % 2) for n, name in enumerate(members)], day=13)
    return here


class Interfered(Database):
    """A database that does something else before its writing transaction of a number."""

    def __init__(self, url, number, interfere):
        super().__init__(url)
        self.left, self.interfere = number, interfere

    @contextmanager
    def write(self, of=""):
        self.left -= 1
        if self.left == -1:
            self.interfere()
        with super().write(of) as conn:
            yield conn


@pytest.mark.parametrize("step", range(6))
def test_a_folder_at_work_does_not_bring_them_back(db, shared_url, listed, step):
    here = ready(db)
    with closing(Interfered(shared_url, step, lambda: gone(here, listed, day=FOLDED))) as at_work:
        here._replace(db=at_work).fold(owner="at work")
        assert at_work.left < 0
    here.fold(owner="next")
    assert named(here, HER) == set()
    newest = max(here.read(beliefs.versions, "learned"), key=lambda header: header.version)
    assert (newest.rows_in, here.read(beliefs.rows_learned, "learned", newest.version)) == (9, 9)
    assert compare(here.db, here.kept, here.id) == []


class Halted(Database):
    """A database that does something else just before its writing transaction of a number commits."""

    def __init__(self, url, number, meanwhile):
        super().__init__(url)
        self.left, self.meanwhile = number, meanwhile

    @contextmanager
    def write(self, of=""):
        with super().write(of) as conn:
            yield conn
            self.left -= 1
            if self.left == -1:
                self.meanwhile()


@pytest.mark.parametrize("step", range(6))
def test_an_erasure_waits_for_a_folder_in_the_middle_of_a_transaction(shared_postgresql_url, listed, step):
    """On SQLite there is one writer at a time. Without waiting, it would miss what is being inserted."""
    with closing(Database(shared_postgresql_url)) as db:
        here, made = ready(db), []

        def one():
            with db.write() as conn:
                made.extend(erase_members(conn, Kept(), here.id, [Erasing(HER, listed)], ms(FOLDED)))

        erasing = threading.Thread(target=one)

        def meanwhile():
            erasing.start()
            wait_for_waiters(shared_postgresql_url)

        with closing(Halted(shared_postgresql_url, step, meanwhile)) as folding:
            here._replace(db=folding).fold(owner="at work")
        erasing.join()
        assert [type(one) for one in made] == [Erased]
        here.fold(owner="next")
        assert named(here, HER) == set()
        assert here.read(beliefs.rows_learned, "learned", 99) == 9
        assert compare(db, Kept(), here.id) == []


class KilledError(Exception):
    """The folder is gone."""


@pytest.mark.parametrize("step", [1, 2, 3], ids=["claim", "nodes", "header"])
def test_a_fold_that_is_killed_after_an_erasure_is_finished_by_the_next(shared_url, lived, listed, step):
    gone(lived, listed)

    def die():
        raise KilledError

    with closing(Interfered(shared_url, step, die)) as dying, suppress(KilledError):
        lived._replace(db=dying).fold(2 * FOLDED + 1, owner="dying")
    assert dying.left == -1
    lived.fold(2 * FOLDED + 2, owner="next")
    assert lived.read(beliefs.rows_learned, "learned", 99) == 18
    assert compare(lived.db, lived.kept, lived.id) == []


def test_what_is_said_of_them_meanwhile_waits_and_finds_nobody(db, shared_url, lived, listed):
    said = []

    def report():
        said.extend(lived.run(ingest, [came(HER, 2 * FOLDED, id="meanwhile")], day=2 * FOLDED + 1))

    with db.write() as conn:
        [made] = erase_members(conn, lived.kept, lived.id, [Erasing(HER, listed)], ms(2 * FOLDED + 1))
        reporting = threading.Thread(target=report)
        reporting.start()
        if not db.is_sqlite:  # there the writer is alone
            wait_for_waiters(shared_url)
    reporting.join()
    [refused] = said
    assert isinstance(refused, NotFound | Invalid), refused
    assert named(lived, f"{HER}(?!0)") == set()
    assert made.rows


def test_who_writes_of_others_meanwhile_is_not_held_up(shared_postgresql_url, listed):
    """On SQLite there is one writer at a time, whoever it is."""
    with closing(Database(shared_postgresql_url)) as db:
        here = with_her(db)
        with db.write() as conn:
            erase_members(conn, here.kept, here.id, [Erasing(HER, listed)], ms(2 * FOLDED + 1))
            [receipt] = here.run(ingest, [came("m8", 2 * FOLDED, id="meanwhile")], day=2 * FOLDED + 1)
    assert receipt.status == "stored"


CHILD = """
import sys
from pathlib import Path
from engagement.store.database import Database
from engagement.store.erasure_list import ErasureList
from engagement.store.kept import Kept
from engagement.workflows.erase import Erased, Erasing, erase_members
with Database(sys.argv[1]).write() as conn:
    erasing = Erasing(sys.argv[3], ErasureList(Path(sys.argv[4])))
    erase_members(conn, Kept(), sys.argv[2], [erasing], int(sys.argv[5]))
    print("deleted", flush=True)
    sys.stdin.read()
"""


def test_killed_in_the_middle_nothing_is_changed_and_the_next_start_carries_it_out(
    db, shared_url, lived, listed
):
    before = rows(lived)
    given = (shared_url, lived.id, HER, str(listed.file), str(ms(2 * FOLDED + 1)))
    services = str(Path(engagement.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, *given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": services},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"deleted\n"
        child.kill()
    assert rows(lived) == before
    assert carry_out(db, Kept(), listed) == 1
    assert named(lived, f"{HER}(?!0)") == set()
    assert carry_out(db, Kept(), listed) == 0


def test_whom_a_restored_backup_brings_back_is_erased_again_and_nobody_else(db, lived, listed):
    before = rows(lived)
    gone(lived, listed)
    backup.restore(db, lived.id, before)
    assert rows(lived) == before
    assert carry_out(db, Kept(), listed) == 1
    assert named(lived, f"{HER}(?!0)") == set()
    left = rows(lived, *OF_BELIEFS)
    assert all(left[table] <= before[table] for table in left)
    [stone] = lived.read(erasures.tombstones)
    assert stone.erased_on == moment(2 * FOLDED + 1).date()
    lived.fold(2 * FOLDED + 5)
    assert compare(lived.db, lived.kept, lived.id) == []


def join_again(here):
    here.run(revise, [Member(id=HER)], day=100)
    seat(here, f"g1,{HER},5", columns="group,member,seat", day=100)
    here.run(ingest, [came(HER, 101)], day=101)


def test_who_joined_again_later_stays(db, lived, listed):
    gone(lived, listed)
    join_again(lived)
    before = rows(lived)
    assert carry_out(db, Kept(), listed) == 0
    assert rows(lived) == before


def test_of_who_joined_again_only_what_was_recorded_before_goes(db, lived, listed):
    """A backup of before that somebody went on working with."""
    listed.add([erasure_mark(b"no one's secret.", lived.id, HER)], ms(2 * FOLDED + 1))
    with db.read() as conn:
        secret = setup.draw_secret(conn, Kept(), lived.id)
    listed.add([erasure_mark(secret, lived.id, HER)], ms(2 * FOLDED + 1))
    join_again(lived)
    assert carry_out(db, Kept(), listed) == 1
    assert named(lived, f"{HER}(?!0)") == {"revisions", "memberships", "signals", "tallies"}
    assert [row[2] for row in rows(lived)["signals"] if row[4] == HER] == [f"attendance/{HER}/101"]
    assert compare(lived.db, lived.kept, lived.id) == []


def visited(db):
    """Four members of whom one health worker can visit one a week; HER is the likeliest."""
    here = a_planned_program(db)
    add_groups(here, "hill", "north")
    here.run(revise, [HOME_VISIT])
    here.run(revise, [PLANNED_MEMBERS])
    add_members(here, "north", "m1", "m2", HER, "m4")
    add_worker(here, "hill", "asha", hours=1.5)
    return here


def test_a_plan_they_were_in_is_told_and_checked_without_them(db, listed):
    here = visited(db)
    [plan] = planned(here, strategy="home_visits")
    assert [row.member for row in plan.units if row.member == HER] == [HER]
    before = {row.member: row.chance for row in plan.units}
    assert seal(here.db, here.id, "sealer", ms(0.4))
    made = gone(here, listed, day=0.5)
    assert (audited(here).flaws, audited(here).fresh) == ((), 1)  # the tombstone; the plan is known again
    assert ("decisions", 1) in [(part.table, part.rows) for part in made.rows]
    assert named(here, HER) == set()
    after = seen(here, plan.plan_id, 1.0)
    assert {row.member: row.chance for row in after.units} == {
        name: chance for name, chance in before.items() if name != HER
    }
    assert in_words(after)[0].startswith("hill, 2026-W11: 3 members asked")
    with db.read() as conn:
        verdicts = list(replay_decisions(conn, Kept(), here.id, decisions.all_ids(conn, here.id)))
    assert [one.agrees for one in verdicts] == [True] * 3
    assert {one.replayed.checked for one in verdicts} == {("probability",)}
    assert compare(here.db, here.kept, here.id) == []


def test_a_plan_they_were_in_goes_on(db, listed):
    here = visited(db)
    [plan] = planned(here, strategy="home_visits")
    first = next(row for row in plan.units if row.place == 1)
    gone(here, listed, first.member, day=0.5)
    [told] = here.run(share_out, [Sharing(plan.plan_id, "staff")], day=1.0)
    assert first.member not in {row.member for row in told.units}
    second = next(row for row in told.units if row.going is not None)
    here.run(answer, [(second.decision_id, Reply("not_done", "not_home"))], day=1.5)
    numbers = [visit.number for visit in here.read(plans.visits_of, plan.plan_id)]
    assert len(numbers) == len(set(numbers))
    assert max(numbers) > len(numbers)


def test_who_was_barred_from_a_plan_is_taken_out_of_it(db, listed):
    here = visited(db)
    here.run(revise, [Member(id=HER)], day=0.1)
    [plan] = planned(here, 0.2, strategy="home_visits")
    assert HER in {row.member for row in plan.units if row.place is None}
    gone(here, listed, day=0.5)
    assert named(here, HER) == set()
    with db.read() as conn:
        verdicts = list(replay_decisions(conn, Kept(), here.id, decisions.all_ids(conn, here.id)))
    assert {one.replayed.checked for one in verdicts} == {("pick", "probability")}
    assert all(one.agrees for one in verdicts)
