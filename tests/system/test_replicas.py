"""Two and four processes of the service on one PostgreSQL are one service, through PgBouncer as well.

`make test` tries two that reach the database directly; `make slow` four, and both through a pooler that has
three connections for everybody.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import pytest

from engagement.actions.incentive import Incentive
from engagement.store.database import Database
from engagement.strategy.setup import Budget, Site
from engagement.strategy.setup import Program as ProgramSetUp
from engagement.strategy.strategy import Fallback, Strategy
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.program import Template
from support.ledger import agrees_with_itself, learned, size, stored
from support.locks import held, wait_for_waiters
from support.month import decide, live_through
from support.peer_groups import ms
from support.pooler import pooled
from support.service import Client, Service, client_of, members, new_program, on_day, roster, running_service
from support.visits import a_planned_program, add_groups, add_worker

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


class Ground(NamedTuple):
    """A database, the way to it that the service takes, and how many processes there are to be."""

    url: str
    way: str
    processes: int


POOLED = pytest.mark.needs("pgbouncer")
KINDS = [
    (2, False),
    pytest.param((4, False), marks=pytest.mark.slow),
    pytest.param((2, True), marks=[pytest.mark.slow, POOLED]),
    pytest.param((4, True), marks=[pytest.mark.slow, POOLED]),
]


@pytest.fixture(params=KINDS, ids=["two", "four", "two pooled", "four pooled"])
def ground(request: pytest.FixtureRequest, fresh_database: Callable[[], str]) -> Iterator[Ground]:
    url = fresh_database()
    processes, through_pooler = request.param
    with pooled(url) if through_pooler else nullcontext(url) as way:
        yield Ground(url, way, processes)


@contextmanager
def replicas(ground: Ground, folder: Path, **settings: object) -> Iterator[list[Service]]:
    """Processes on one database, in one simulated time."""
    with ExitStack() as made:
        yield [
            made.enter_context(
                running_service(ground.way, folder, on_day(0), name=f"replica-{n}", **settings)
            )
            for n in range(ground.processes)
        ]


@contextmanager
def callers(key: str, services: Sequence[Service], each: int = WRITERS) -> Iterator[list[Client]]:
    """So many writers on each service."""
    with ExitStack() as made:
        yield [made.enter_context(client_of(service, key)) for _ in range(each) for service in services]


def all_at_once(clients: list[Client], what: Callable[[int, Client], T]) -> list[T]:
    """What each client gets when all ask at the same time."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(what, range(len(clients)), clients))


def test_the_last_units_of_a_budget_are_given_once_each(ground: Ground, tmp_path: Path) -> None:
    url = ground.url
    program = new_program(url, roster(16, chance="no"), SCARCE)
    people = members(16)
    with replicas(ground, tmp_path) as services, callers(program.key, services) as clients:

        def ask(number: int, client: Client) -> list[str]:
            own = people[number :: len(clients)]
            return [client.recommend(member, "march")["action"]["id"] for member in own]

        given = [action for actions in all_at_once(clients, ask) for action in actions]
    assert given.count("token") == TOKENS
    assert given.count("none") == len(people) - TOKENS
    assert agrees_with_itself(url)


def test_asked_on_all_at_once_a_member_has_one_decision_and_one_body(ground: Ground, tmp_path: Path) -> None:
    """Under four names: while a decision is open, asking under any name returns it."""
    url = ground.url
    program = new_program(url, roster(1))
    with replicas(ground, tmp_path) as services, callers(program.key, services) as clients:
        for point in range(5):

            def ask(number: int, client: Client, member: str = members(1)[point]) -> bytes:
                asked = {"member": member, "decision_point": f"name-{number % 4}"}
                return client.post("/v1/recommendations", asked).content

            bodies = set(all_at_once(clients, ask))
            assert len(bodies) == 1
            assert msgspec.json.decode(bodies.pop())["fallback"] is None
    assert len(stored(url).decisions) == 5


def test_several_folders_count_nothing_twice(ground: Ground, tmp_path: Path) -> None:
    """All fold when they like, and are asked to fold by several callers besides."""
    url = ground.url
    program = new_program(url, roster(4))
    with (
        replicas(ground, tmp_path, fold_every_s=1) as services,
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


def plan(_: int, client: Client) -> list[dict[str, Any]]:
    items = client.insist("/v1/plans", {})["items"]
    return [item["plan"] for item in items]


def test_of_several_planners_one_plans_and_nobody_exceeds_her_hours(ground: Ground, tmp_path: Path) -> None:
    """Week after week all plan at once; then visits fall out on all at once, and the next go instead."""
    with closing(Database(ground.url)) as db:
        here = a_planned_program(db)
        add_groups(here, "hill", *(f"g{n}" for n in range(12)))
        for name in ("asha", "bina"):
            add_worker(here, "hill", name, hours=2.0)
        with db.write() as conn:
            key = create_key(conn, here.id, SCOPES, "research", ms(0), None).text
    with replicas(ground, tmp_path) as services, callers(key, services, each=2) as clients:
        for week in range(3):
            for client in clients[: len(services)]:
                client.move_clock(on_day(7 * week))
            told = all_at_once(clients, plan)
            assert all(one == told[0] for one in told)
            (made,) = told[0]
            drawn = [row["decision_id"] for row in made["units"] if row["drawn"]]
            assert len(drawn) == made["visits"] == 4

            def fall_out(number: int, client: Client, of: Sequence[str] = tuple(drawn)) -> None:
                if number < 2:
                    reply = {"status": "declined", "reason": "no_time"}
                    client.insist(f"/v1/decisions/{of[number]}/answers", reply)

            all_at_once(clients, fall_out)
            after = clients[-1].get(f"/v1/plans/{made['plan_id']}").json()
            visits = [row["going"] for row in after["units"] if row["going"] and row["going"]["worker"]]
            assert sum(going["status"] != "declined" for going in visits) == 4
            assert all(load["planned_minutes"] <= load["minutes"] for load in after["workers"])
    assert size(ground.url, "plans") == 3
    assert agrees_with_itself(ground.url)


def test_what_one_has_folded_all_decide_by(ground: Ground, tmp_path: Path) -> None:
    """Each has decided by the version before, and remembers it; nobody tells them of the next one."""
    program = new_program(ground.url, roster(ground.processes))
    people = members(ground.processes)
    with replicas(ground, tmp_path) as services, callers(program.key, services, each=1) as clients:
        for month in range(3):
            for number, client in enumerate(clients):
                own = people[8 * number : 8 * (number + 1)]
                client.move_clock(on_day(40 * month))
                told = [client.recommend(name, f"month-{month}", "counted") for name in own]
                assert {body["version"] for body in told} == {month}
                signals = [
                    {"source": "app", "id": f"{name}/{month}", "kind": "attendance", "member": name}
                    | {"value": 1, "occurred_at": on_day(40 * month + 1 / 1440)}
                    for name in own
                ]
                client.insist("/v1/signals", {"signals": signals})
            folder = clients[month % len(clients)]
            folder.move_clock(on_day(40 * month + 39))
            fold(0, folder)
    assert agrees_with_itself(ground.url)


def test_what_is_set_up_at_one_holds_at_all_from_the_next_call_on(ground: Ground, tmp_path: Path) -> None:
    program = new_program(ground.url, roster(1))
    name = members(1)[0]
    with replicas(ground, tmp_path) as services, callers(program.key, services, each=1) as clients:
        assert {len(decide(client, [name], ["learned"], "march")) for client in clients} == {1}
        member = clients[0].get(f"/v1/members/{name}").json()["value"]
        silent = member | {"consent": member["consent"] | {"messages": False}}
        clients[0].put(f"/v1/members/{name}", silent).raise_for_status()
        for client in reversed(clients):
            told = client.insist("/v1/recommendations", {"member": name})
            assert (told["withheld"], told["decision_id"]) == ("messages_declined", None)


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
