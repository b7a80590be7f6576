"""The nightly seal: once a night, whoever asks; whole or not at all; of rows that came late it says so."""

import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, text

from engagement.store import beliefs, leaving, seals
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import head, migrate
from engagement.store.wall import NOBODY, Of
from engagement.workflows.answer import Reply, answer
from engagement.workflows.audit import Audit, audit
from engagement.workflows.ingest import ingest
from engagement.workflows.merge_member import MemberMerge, Merging, merge_members
from engagement.workflows.seal import seal_if_due
from engagement.workflows.sealed import seal_program, unseal_program
from support import backup
from support.peer_groups import Here, came, decided, ms, seat_members

MIDNIGHT = 17.5 / 24
"""Days from `START`, half past six UTC, to the next midnight UTC."""


def night(here: Here, day: float, owner: str = "me") -> seals.Seal | None:
    return seal_if_due(here.db, here.id, owner, ms(day))


def audited(here: Here) -> Audit:
    with here.db.read() as conn:
        return audit(conn, here.id)


def chain(here: Here) -> list[seals.Seal]:
    with here.db.read() as conn:
        return list(seals.chain(conn, here.id))


def live(here: Here, day: float) -> None:
    """A day of it: somebody is asked about, answers, and comes."""
    made = decided(here, "m0", "m1", day=day)
    here.run(answer, [(made[0], Reply("done"))], day=day + 0.1)
    here.run(ingest, [came("m0", day + 0.1)], day=day + 0.2)


@pytest.fixture
def lived(here: Here) -> Here:
    seat_members(here, 9)
    live(here, 0.0)
    return here


def test_it_is_made_once_a_night(lived: Here) -> None:
    assert night(lived, MIDNIGHT - 0.01) is None
    first = night(lived, MIDNIGHT)
    assert first is not None
    assert (first.number, first.made_at) == (1, ms(MIDNIGHT))
    assert night(lived, MIDNIGHT + 0.99) is None
    second = night(lived, MIDNIGHT + 1)
    assert second is not None
    assert second.number == 2
    assert [seal.digest for seal in chain(lived)] == [first.digest, second.digest]


def test_a_release_whose_schema_is_no_longer_in_force_leaves_it_to_the_next(lived: Here) -> None:
    """During a roll-out its columns are not all that there are."""
    put = text("UPDATE alembic_version SET version_num = :number")
    with lived.db.write() as conn:
        conn.execute(put, {"number": "9999"})
    try:
        assert night(lived, 2) is None
    finally:
        with lived.db.write() as conn:
            conn.execute(put, {"number": head()})
    assert night(lived, 2) is not None


def test_a_night_in_which_nothing_was_added_is_sealed_as_well(lived: Here) -> None:
    first, second = night(lived, MIDNIGHT), night(lived, MIDNIGHT + 1)
    assert first is not None
    assert second is not None
    assert (len(first.says.parts) > 5, second.says.parts) == (True, ())


def test_each_holds_what_none_before_it_holds(lived: Here) -> None:
    """A decision, its answer and a signal a day: counted by hand."""
    night(lived, MIDNIGHT)
    live(lived, 30.0)
    second = night(lived, 31.0)
    assert second is not None
    found = {part.table: part.rows for part in second.says.parts}
    assert {name: found[name] for name in ("decisions", "answers", "signals")} == {
        "decisions": 2,
        "answers": 1,
        "signals": 1,
    }


def test_a_program_that_lives_stays_as_it_was_sealed(lived: Here) -> None:
    for week in range(1, 8):
        live(lived, 7.0 * week)
        lived.fold(7.0 * week + 0.5)
        night(lived, 7.0 * week + 1)
        if week == 4:
            lived.run(merge_members, [Merging("m8", MemberMerge(into="m7"))], day=30.0)
    found = audited(lived)
    assert (found.flaws, found.late, found.fresh, found.nights) == ((), (), 0, 7)
    assert found.rows > 40


def test_a_row_that_commits_late_is_sealed_the_next_night(lived: Here) -> None:
    """It was begun before the seal and ended behind it: there is no moment that would tell them apart."""
    night(lived, MIDNIGHT)
    lived.run(ingest, [came("m1", 0.5)], day=MIDNIGHT - 0.02)
    assert audited(lived).flaws == ()
    second = night(lived, MIDNIGHT + 1)
    assert second is not None
    assert [(part.table, part.rows) for part in second.says.parts] == [("signals", 1)]
    assert (second.says.late, audited(lived).late) == ({}, ())


def test_a_row_from_long_before_is_told_of_before_it_is_sealed_and_for_ever_after(lived: Here) -> None:
    """The clock of a service was wrong, or somebody wrote past it."""
    night(lived, MIDNIGHT + 1)
    lived.run(ingest, [came("m1", 0.5)], day=0.6)
    [flaw] = audited(lived).flaws
    assert (flaw.table, flaw.number) == ("signals", 1)
    assert flaw.words.endswith("as they say: register attendance/m1/0.5")
    night(lived, MIDNIGHT + 2)
    night(lived, MIDNIGHT + 3)
    found = audited(lived)
    assert found.flaws == ()
    assert [(flaw.table, flaw.number) for flaw in found.late] == [("signals", 2)]


@contextmanager
def tampered(here: Here) -> Iterator[Connection]:
    """Writes past the triggers."""
    with here.db.write() as conn, leaving.unguarded(conn):
        yield conn


def test_what_was_changed_stays_found_whatever_is_sealed_after_it(lived: Here) -> None:
    night(lived, MIDNIGHT)
    with tampered(lived) as conn:
        conn.execute(t.answers.update().where(t.answers.c.program_id == lived.id).values(status="declined"))
    for nights in range(1, 4):
        night(lived, MIDNIGHT + nights)
    first, changed = audited(lived).flaws
    assert (first.table, first.number) == ("answers", 1)
    assert (changed.table, changed.words.split(" in no seal")[0]) == ("answers", "1 row of this table")


def test_of_two_who_seal_at_once_one_does(lived: Here, shared_url: str) -> None:
    live(lived, 1.0)
    start = Barrier(2)

    def replica(owner: str) -> seals.Seal | None:
        with closing(Database(shared_url)) as db:
            start.wait()
            return seal_if_due(db, lived.id, owner, ms(2.0))

    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(replica, ("one", "other")))
    assert sum(one is not None for one in made) == 1
    found = audited(lived)
    assert (found.nights, found.flaws, found.fresh) == (1, (), 0)


class KilledError(Exception):
    """Whoever sealed is gone."""


class Mortal(Database):
    """A database whose process dies just before the commit of its nth writing transaction."""

    def __init__(self, url: str, dies_at: int) -> None:
        super().__init__(url)
        self.writes, self.dies_at = 0, dies_at

    @contextmanager
    def write(self, of: Of = NOBODY) -> Iterator[Connection]:
        with super().write(of) as conn:
            yield conn
            self.writes += 1
            if self.writes == self.dies_at:
                raise KilledError


@pytest.mark.parametrize("dies_at", [1, 2, 3], ids=["tidying", "claim", "seal"])
def test_killed_it_leaves_nothing_half_and_the_next_one_seals(
    lived: Here, shared_url: str, dies_at: int
) -> None:
    with closing(Mortal(shared_url, dies_at)) as db, pytest.raises(KilledError):
        seal_if_due(db, lived.id, "dead", ms(1.0))
    assert (chain(lived), lived.read(seals.held)) == ([], [])
    claimed = dies_at > 2
    assert (night(lived, 1.0) is None) == claimed  # until the claim runs out
    assert (night(lived, 1.01) is not None) == claimed
    assert (audited(lived).nights, audited(lived).flaws) == (1, ())


def test_whoever_lost_the_claim_meanwhile_seals_nothing(lived: Here, shared_url: str) -> None:
    """As when somebody is erased while it is computed: what was computed holds rows that are gone."""

    class Overtaken(Mortal):
        @contextmanager
        def write(self, of: Of = NOBODY) -> Iterator[Connection]:
            self.writes += 1
            if self.writes == self.dies_at:
                with lived.db.write() as conn:
                    beliefs.release(conn, lived.id, seals.SEALER, 1)
            with Database.write(self, of) as conn:
                yield conn

    with closing(Overtaken(shared_url, 3)) as db:
        assert seal_if_due(db, lived.id, "slow", ms(1.0)) is None
    assert chain(lived) == []
    assert night(lived, 1.0) is not None


def test_a_restored_backup_goes_on_with_its_chain(lived: Here) -> None:
    night(lived, MIDNIGHT)
    held = backup.rows(lived.db, lived.id)
    live(lived, 30.0)
    lost = night(lived, 31.0)
    assert lost is not None
    backup.restore(lived.db, lived.id, held)
    assert audited(lived).flaws == ()
    live(lived, 32.0)
    second = night(lived, 33.0)
    assert second is not None
    assert (second.number, second.digest == lost.digest) == (2, False)
    assert (audited(lived).flaws, audited(lived).fresh) == ((), 0)


def test_a_program_that_moves_takes_its_chain_along(lived: Here, tmp_path: Path) -> None:
    night(lived, MIDNIGHT)
    raw = io.BytesIO()
    with lived.db.read() as conn, zipfile.ZipFile(raw, "w") as archive:
        seal_program(conn, lived.kept, lived.id, archive)
    with closing(Database(f"sqlite:///{tmp_path}/elsewhere.db")) as db:
        migrate(db)
        with db.write() as conn, zipfile.ZipFile(raw) as archive:
            unseal_program(conn, Kept(), archive)
        there = Here(db, Kept(), lived.id)
        assert audited(there) == audited(lived)
        assert night(there, MIDNIGHT + 1) is not None
        assert (audited(there).flaws, audited(there).nights) == ((), 2)


def test_a_program_that_leaves_leaves_no_seal(lived: Here) -> None:
    night(lived, MIDNIGHT)
    with lived.db.write() as conn, leaving.unguarded(conn):
        leaving.delete(conn, lived.id)
    assert (chain(lived), lived.read(seals.held)) == ([], [])
