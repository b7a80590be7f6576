"""What two replicas do at once: on either database no update is lost and one claim wins."""

import threading

import pytest

from engagement.store import beliefs, resources, setup, units
from engagement.strategy.setup import Member

FUND = ("fund", "2026-01")


@pytest.fixture
def all_at_once(database):
    """Runs work(conn, number) in a write transaction of its own for each of eight threads; what it gave."""

    def run(work):
        ready, given, failures = threading.Barrier(8), [], []

        def one(number):
            ready.wait()
            try:
                with database.write() as conn:
                    given.append(work(conn, number))
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        return given

    return run


def test_counters_first_used_by_many_at_once_add_up(database, program, all_at_once):
    def take_one(conn, _number):
        taken = resources.lock_counters(conn, program, [FUND])
        resources.write_counters(conn, program, {FUND: taken[FUND] + 1})

    all_at_once(take_one)
    with database.write() as conn:
        assert resources.lock_counters(conn, program, [FUND]) == {FUND: 8}


def test_tallies_changed_by_many_at_once_keep_every_change(database, program, all_at_once):
    names = ["m", "n", "o"]
    with database.write() as conn:
        setup.revise(conn, program, [Member(id=name) for name in names], 0)
        units.write_tallies(conn, program, [("member", name, b"") for name in names])

    def add_a_byte(conn, number):
        order = names if number % 2 else names[::-1]  # locks are taken in one order all the same
        held = units.lock_tallies(conn, program, "member", order)
        units.write_tallies(conn, program, [("member", name, held[name] + b"x") for name in order])

    all_at_once(add_a_byte)
    with database.write() as conn:
        found = units.lock_tallies(conn, program, "member", names)
    assert found == dict.fromkeys(names, b"x" * 8)


def test_of_many_that_claim_at_once_one_wins(program, all_at_once):
    won = all_at_once(lambda conn, number: beliefs.claim(conn, program, "s", 1, f"folder {number}", 0, 100))
    assert won.count(True) == 1


def test_of_many_that_take_over_at_once_one_wins(database, program, all_at_once):
    with database.write() as conn:
        beliefs.claim(conn, program, "s", 1, "gone", 0, 100)
    won = all_at_once(lambda conn, number: beliefs.claim(conn, program, "s", 1, f"folder {number}", 100, 200))
    assert won.count(True) == 1
