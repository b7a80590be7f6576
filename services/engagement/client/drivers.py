"""The two clients: how to fulfil the wishes of an operation, blocking and awaited."""

import asyncio
import queue
import threading
import time
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from engagement.client.operations import Operations
from engagement.client.patience import BROKEN
from engagement.client.steps import Awaited, Blocking, Pause, Request, Steps, Wish, Within
from engagement.errors import EngagementError, Unavailable

T = TypeVar("T")


class Client(Operations, Blocking):
    """A connection to one service with one key. It may be shared by threads.

    address : such as http://127.0.0.1:8000
    tries : how often a request is sent before `Unavailable` is raised
    timeout_s : how long one try may be silent

    What the service refuses is raised under the service's own name for it: `Invalid`, `NotFound`, …
    """

    def __init__(self, address: str, key: str, *, tries: int = 6, timeout_s: float = 30.0) -> None:
        super().__init__(tries=tries, timeout_s=timeout_s)
        self._http = httpx.Client(base_url=address, headers=_headers(key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def run(self, steps: Steps[T]) -> T:
        """Fulfils every wish of the steps; their result."""
        came: object = None
        while True:
            try:
                wish = steps.send(came)
            except StopIteration as end:
                result: T = end.value
                return result
            came = self._fulfilled(wish)

    def _fulfilled(self, wish: Wish) -> object:
        match wish:
            case Request():
                try:
                    return self._http.request(wish.method, wish.path, **_given(wish))
                except BROKEN as broken:
                    return broken
            case Pause():
                time.sleep(wish.seconds)
                return None
            case Within():
                return self._within(wish)

    def _within(self, wish: Within) -> object:
        """What comes in time. A thread may be left behind; it ends by itself, and keeps no process alive.

        A timeout of the connection would not do: names may be looked up, and bytes trickle, for ever.
        """
        came: queue.SimpleQueue[object] = queue.SimpleQueue()

        def work() -> None:
            try:
                came.put(self.run(wish.steps))
            except Exception as error:
                came.put(error)

        threading.Thread(target=work, daemon=True, name="engagement-within").start()
        try:
            answer = came.get(timeout=wish.seconds)
        except queue.Empty:
            return _too_late(wish)
        if isinstance(answer, Exception) and not isinstance(answer, EngagementError):
            raise answer
        return answer


class AsyncClient(Operations, Awaited):
    """The same, awaited, on asyncio: `await client.recommend(…)`, `async for item in client.work()`.

    The arguments are those of `Client`.
    """

    def __init__(self, address: str, key: str, *, tries: int = 6, timeout_s: float = 30.0) -> None:
        super().__init__(tries=tries, timeout_s=timeout_s)
        self._http = httpx.AsyncClient(base_url=address, headers=_headers(key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        await self._http.aclose()

    async def run(self, steps: Steps[T]) -> T:
        """Fulfils every wish of the steps; their result."""
        came: object = None
        while True:
            try:
                wish = steps.send(came)
            except StopIteration as end:
                result: T = end.value
                return result
            came = await self._fulfilled(wish)

    async def _fulfilled(self, wish: Wish) -> object:
        match wish:
            case Request():
                try:
                    return await self._http.request(wish.method, wish.path, **_given(wish))
                except BROKEN as broken:
                    return broken
            case Pause():
                await asyncio.sleep(wish.seconds)
                return None
            case Within():
                try:
                    async with asyncio.timeout(wish.seconds):
                        return await self.run(wish.steps)
                except EngagementError as error:
                    return error
                except TimeoutError:
                    return _too_late(wish)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _given(request: Request) -> dict[str, Any]:
    headers = {} if request.body is None else {"Content-Type": request.media}
    return {"content": request.body, "headers": headers, "timeout": request.timeout_s}


def _too_late(wish: Within) -> Unavailable:
    return Unavailable(f"no answer came within {wish.seconds:g} s")
