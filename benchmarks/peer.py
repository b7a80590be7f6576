"""What one could build instead: another library's model behind the same HTTP server. Prints its address.

The model and everybody's features are in memory, a decision is one row in the same kind of database, as
durable as the service's own. Nothing else of what the service does is done: no keys, no consent, no caps, no
budgets, no repeat of an answer, no evidence. Either every request commits alone, as one would write it, or
whoever waits shares a commit, as the service does.

    python benchmarks/peer.py --model vw --database sqlite:///peer.db --shared
"""

import argparse
import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import uvicorn
from litestar import Litestar, post
from litestar.params import JSONBody
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table

from contenders import Contender, MabWiser, Shape, VowpalWabbit
from echo import Said
from engagement.randomness import generator
from engagement.store.database import Database
from engagement.store.identifiers import uuid7
from speed import contexts_of, learned

DECISIONS = Table(
    "peer_decisions",
    MetaData(),
    Column("decision_id", String(36), primary_key=True),
    Column("member", String(64)),
    Column("action", Integer),
    Column("context", LargeBinary),
    Column("decided_at", BigInteger),
)
MODELS: dict[str, Callable[[Shape], Contender]] = {
    "vw": lambda shape: VowpalWabbit("", shape),
    "mabwiser": lambda shape: MabWiser("LinTS", True, shape),
}


class Decided(msgspec.Struct, frozen=True):
    """The answer."""

    decision_id: str
    member: str
    action: int


class Peer:
    """A model that chooses and a table that remembers. Not for two threads at once."""

    def __init__(self, model: str, url: str) -> None:
        self.db = Database(url)
        DECISIONS.create(self.db.engine(), checkfirst=True)
        self.model = learned(MODELS[model])
        self.contexts = contexts_of(generator(1, "contexts"), 10_000)
        self.once = threading.Lock()

    def decide(self, members: Sequence[str]) -> list[Decided]:
        """Chooses for all, stores all, in one transaction."""
        with self.once:
            contexts = self.contexts[[int(name[1:]) % len(self.contexts) for name in members]]
            chosen = self.model.choose(contexts, contexts[:, 0])
            now_ms = int(1000 * time.time())
            told = [
                Decided(uuid7(now_ms), name, int(action))
                for name, action in zip(members, chosen, strict=True)
            ]
            rows = [
                {**msgspec.structs.asdict(one), "context": context.tobytes(), "decided_at": now_ms}
                for one, context in zip(told, contexts, strict=True)
            ]
            with self.db.write() as conn:
                conn.execute(DECISIONS.insert(), rows)
        return told


class Waiting(NamedTuple):
    """Somebody whose answer is on its way."""

    member: str
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Decided]


class Shared:
    """One thread that decides for whoever has queued up."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.waiting: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        threading.Thread(target=self.serve, daemon=True).start()

    async def ask(self, member: str) -> Decided:
        """Waits for the answer."""
        loop = asyncio.get_running_loop()
        one = Waiting(member, loop, loop.create_future())
        self.waiting.put(one)
        return await one.answer

    def serve(self) -> None:
        """For ever."""
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            told = self.peer.decide([one.member for one in batch])
            batch[0].loop.call_soon_threadsafe(settle, batch, told)


def settle(batch: Sequence[Waiting], told: Sequence[Decided]) -> None:
    for one, answer in zip(batch, told, strict=True):
        one.answer.set_result(answer)


def main() -> None:
    """Listens with the settings of `engagement serve` until it is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=tuple(MODELS), required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--shared", action="store_true")
    given = parser.parse_args()
    peer = Peer(given.model, given.database)
    together = Shared(peer)

    @post("/v1/recommendations", status_code=200, sync_to_thread=True)
    def alone(data: JSONBody[Said]) -> Decided:
        return peer.decide([data.member])[0]

    @post("/v1/recommendations", status_code=200)
    async def shared(data: JSONBody[Said]) -> Decided:
        return await together.ask(data.member)

    app = Litestar([shared if given.shared else alone], openapi_config=None, logging_config=None)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    with socket.create_server(("127.0.0.1", 0)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"Peer at http://127.0.0.1:{line.getsockname()[1]} ", flush=True)
        uvicorn.Server(config).run(sockets=[line])


if __name__ == "__main__":
    main()
