"""Every acknowledged signal, decision and answer is kept exactly once, whatever is killed meanwhile.

Callers in pairs keep asking until they are answered, and write down what they were told.
"""

from pathlib import Path
from random import Random
from time import sleep

import pytest

from support.databases import migrate
from support.ledger import agrees_with_itself, kept_exactly_once, size
from support.load import loaded
from support.postgres import Server
from support.service import client_of, members, new_program, on_day, roster, running_service

GROUPS = 4


def some_moment(draws: Random) -> None:
    """Waits a little, so that kills fall into different steps of what is going on."""
    sleep(draws.uniform(0, 0.05))


@pytest.mark.parametrize(("kills", "writes"), [(4, 400), pytest.param(30, 20_000, marks=pytest.mark.slow)])
def test_what_was_acknowledged_is_kept_exactly_once_through_kills_of_the_service(
    database_url: str, tmp_path: Path, kills: int, writes: int
) -> None:
    """Every start is 20 days later, so that decisions close and fold while all this goes on."""
    draws = Random(20260310)
    program = new_program(database_url, roster(GROUPS))
    with running_service(database_url, tmp_path, on_day(0), fold_every_s=1) as service:
        with loaded(service, program.key, members(GROUPS)) as load:
            for kill in range(1, kills + 1):
                load.grow(writes // kills)
                some_moment(draws)
                service.kill()
                service.start(on_day(20 * kill))
            load.grow(writes // kills)
            journal = load.finish()
        assert service.stop() == 0
        service.start(on_day(20 * kills + 40))
        with client_of(service, program.key) as client:
            client.insist("/v1/folds")
        assert service.stop() == 0
    assert journal.writes >= writes
    assert kept_exactly_once(database_url, journal)
    assert agrees_with_itself(database_url)
    assert size(database_url, "outcomes") >= len(journal.decisions)


@pytest.mark.parametrize(("kills", "writes"), [(2, 400), pytest.param(10, 20_000, marks=pytest.mark.slow)])
def test_what_was_acknowledged_is_kept_exactly_once_through_kills_of_the_database(
    durable_postgres: Server, tmp_path: Path, kills: int, writes: int
) -> None:
    """The service is never started again: it finds its database by itself."""
    draws = Random(20260311)
    url = durable_postgres.create("killed")
    migrate(url)
    program = new_program(url, roster(GROUPS))
    with running_service(url, tmp_path, on_day(0), fold_every_s=1) as service:
        with loaded(service, program.key, members(GROUPS)) as load:
            for _ in range(kills):
                load.grow(writes // kills)
                some_moment(draws)
                durable_postgres.kill()
                some_moment(draws)
                durable_postgres.start()
            load.grow(writes // kills)
            journal = load.finish()
        assert service.stop() == 0
    assert journal.writes >= writes
    assert kept_exactly_once(url, journal)
    assert agrees_with_itself(url)
