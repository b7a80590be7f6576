"""Two processes of the service on one PostgreSQL are one service."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from engagement.actions.incentive import Incentive
from engagement.strategy.setup import Budget, Site
from engagement.strategy.setup import Program as ProgramSetUp
from engagement.strategy.strategy import Fallback, Strategy
from engagement.workflows.program import Template
from support.ledger import agrees_with_itself, learned, size, stored
from support.locks import held, wait_for_waiters
from support.month import live_through
from support.service import Client, Service, client_of, members, new_program, on_day, roster, running_service

T = TypeVar("T")
WRITERS = 16
TOKENS = 10
TOKEN = Incentive(
    id="token", title="A token for the way", level="member", individual=True, cost_minor=500, payer="fund"
)
ALWAYS = Strategy(
    id="always", title="A token for all", actions=("token",), fallback=Fallback("token", ("token",))
)
SCARCE = Template(
    program=ProgramSetUp(id="program", title="Peer groups", default_strategy="always"),
    sites=(Site(id="here", title="Here"),),
    budgets=(Budget(id="fund", limit_minor=TOKENS * TOKEN.cost_minor + 499),),
    actions=(TOKEN,),
    strategies=(ALWAYS,),
)
"""Whoever declines chance gets a token as long as there is money: for ten, and one unit short of one more."""


@contextmanager
def two_replicas(url: str, folder: Path, **settings: object) -> Iterator[tuple[Service, Service]]:
    """Two processes on one database, in one simulated time."""
    with (
        running_service(url, folder, on_day(0), name="one", **settings) as one,
        running_service(url, folder, on_day(0), name="other", **settings) as other,
    ):
        yield one, other


@contextmanager
def callers(key: str, services: Sequence[Service], each: int = WRITERS) -> Iterator[list[Client]]:
    """So many writers on each service."""
    with ExitStack() as made:
        yield [made.enter_context(client_of(service, key)) for _ in range(each) for service in services]


def all_at_once(clients: list[Client], what: Callable[[int, Client], T]) -> list[T]:
    """What each client gets when all ask at the same time."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(what, range(len(clients)), clients))


def test_the_last_units_of_a_budget_are_given_once_each(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    url = fresh_database()
    program = new_program(url, roster(16, chance="no"), SCARCE)
    people = members(16)
    with two_replicas(url, tmp_path) as services, callers(program.key, services) as clients:

        def ask(number: int, client: Client) -> list[str]:
            own = people[number :: len(clients)]
            return [client.recommend(member, "march")["action"]["id"] for member in own]

        given = [action for actions in all_at_once(clients, ask) for action in actions]
    assert given.count("token") == TOKENS
    assert given.count("none") == len(people) - TOKENS
    assert agrees_with_itself(url)


def test_asked_on_both_at_once_a_member_has_one_decision_and_one_body(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    """Under four names: while a decision is open, asking under any name returns it."""
    url = fresh_database()
    program = new_program(url, roster(1))
    with two_replicas(url, tmp_path) as services, callers(program.key, services) as clients:
        for point in range(5):

            def ask(number: int, client: Client, member: str = members(1)[point]) -> bytes:
                asked = {"member": member, "decision_point": f"name-{number % 4}"}
                return client.post("/v1/recommendations", asked).content

            bodies = set(all_at_once(clients, ask))
            assert len(bodies) == 1
            assert msgspec.json.decode(bodies.pop())["fallback"] is None
    assert len(stored(url).decisions) == 5


def test_two_folders_count_nothing_twice(fresh_database: Callable[[], str], tmp_path: Path) -> None:
    """Both fold when they like, and are asked to fold by several callers besides."""
    url = fresh_database()
    program = new_program(url, roster(4))
    with (
        two_replicas(url, tmp_path, fold_every_s=1) as services,
        callers(program.key, services, each=2) as clients,
    ):
        for month in range(3):
            live_through(clients[0], members(4), ("learned", "counted"), 40 * month)
            for client in clients[: len(services)]:
                client.move_clock(on_day(40 * (month + 1)))
            all_at_once(clients, fold)
        fold(0, clients[0])
    assert size(url, "outcomes") == size(url, "fold_entries") == 3 * 2 * 32
    assert learned(url) == (3 * 2 * 32, 0)
    assert agrees_with_itself(url)


def fold(_: int, client: Client) -> None:
    client.insist("/v1/folds")


def test_two_first_starts_at_once_both_succeed(fresh_database: Callable[[], str], tmp_path: Path) -> None:
    """Held up where each is about to say what kind of time this database has."""
    url = fresh_database()
    with ExitStack() as made:
        services = [Service(url, tmp_path, name) for name in ("one", "other")]
        with held(url, "facts"):
            for service in services:
                made.callback(service.kill)
                service.begin(on_day(0))
            wait_for_waiters(url, len(services))
        for service in services:
            service.await_address()
        assert [service.stop() for service in services] == [0, 0]
