"""Two processes of the service, each with its round of folding: a program is sealed once, by one of them."""

from contextlib import closing

from engagement.clock import SimulatedClock
from engagement.store import seals
from engagement.store.database import Database
from engagement.workflows.audit import audit
from support.peer_groups import a_program, ms, seat_members
from support.running import running, wait_until


def test_a_night_is_sealed_by_the_round_of_folding_once(database_url: str) -> None:
    with closing(Database(database_url)) as db:
        here = a_program(db)
        seat_members(here, 9)
        first, second = SimulatedClock(ms(1)), SimulatedClock(ms(1))

        def chain() -> list[seals.Seal]:
            with db.read() as conn:
                return list(seals.chain(conn, here.id))

        with (
            running(database_url, clock=first, fold_every_s=1),
            running(database_url, clock=second, fold_every_s=1),
        ):
            wait_until(lambda: len(chain()) == 1)
            for clock in (first, second):
                clock.move_to(ms(2))
            wait_until(lambda: len(chain()) == 2)
        assert [seal.made_at for seal in chain()] == [ms(1), ms(2)]
        with db.read() as conn:
            assert (audit(conn, here.id).flaws, audit(conn, here.id).fresh) == ((), 0)
