"""Two replicas are started anew one after the other, as in a roll-out, while callers go on."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pytest

from support.ledger import agrees_with_itself, kept_exactly_once
from support.load import loaded
from support.service import Service, members, new_program, on_day, roster, running_service

GROUPS = 4


class Balanced(Service):
    """Both replicas to a caller, in turn: who is not answered asks the other one."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._turns = cycle(services)

    @property  # type: ignore[override]  # a new one each time it is asked for
    def address(self) -> str:
        """Of the next one, whether it is up or not."""
        return next(self._turns).address


@pytest.mark.parametrize(("rounds", "writes"), [(1, 60), pytest.param(10, 500, marks=pytest.mark.slow)])
def test_rolling_restarts_lose_nothing_and_do_nothing_twice(
    database_url: str, tmp_path: Path, rounds: int, writes: int
) -> None:
    program = new_program(database_url, roster(GROUPS))
    with (
        running_service(database_url, tmp_path, on_day(0), name="one", fold_every_s=1) as one,
        running_service(database_url, tmp_path, on_day(0), name="other", fold_every_s=1) as other,
        loaded(Balanced((one, other)), program.key, members(GROUPS)) as load,
    ):
        for _ in range(rounds):
            for service in (one, other):
                load.grow(writes)
                assert service.stop() == 0
                service.start(on_day(0))
        load.grow(writes)
        journal = load.finish()
        assert [one.stop(), other.stop()] == [0, 0]
    assert kept_exactly_once(database_url, journal)
    assert agrees_with_itself(database_url)
