"""An operation written once, for a client that blocks and for one that is awaited.

Its body is a generator: it yields what it wishes for (a request, a pause, something within a deadline),
is sent what came of it, and returns its result. It touches nothing of the world, so a driver that knows
how to fulfil three wishes is all that differs between the two clients.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Self, TypeVar, overload

T = TypeVar("T")
P = ParamSpec("P")


class Request(NamedTuple):
    """One try of a request; what comes of it is a response, or the error of a connection that broke.

    timeout_s : how long it may be silent
    repeatable : whether sending it twice is the same as once; nearly everything is
    """

    method: str
    path: str
    body: bytes | None = None
    media: str = "application/json"
    timeout_s: float = 30.0
    repeatable: bool = True


class Pause(NamedTuple):
    """Nothing, for so long."""

    seconds: float


class Within(NamedTuple):
    """The result of steps, or the error they ended with; `Unavailable` when it takes longer than this."""

    seconds: float
    steps: "Steps[Any]"


Wish = Request | Pause | Within
Steps = Generator[Wish, Any, T]


class Page(NamedTuple, Generic[T]):
    """Some of many things. next : behind which to go on, None when there are no more"""

    items: Sequence[T]
    next: str | None


class Blocking(ABC):
    """A client whose calls return when they are done."""

    @abstractmethod
    def run(self, steps: Steps[T]) -> T:
        """Fulfils every wish of the steps; their result."""

    def each(self, page: Callable[[str], Steps[Page[T]]]) -> Iterator[T]:
        """The things of all pages. page : the steps for the page behind something"""
        after: str | None = ""
        while after is not None:
            items, after = self.run(page(after))
            yield from items


class Awaited(ABC):
    """A client whose calls are awaited."""

    @abstractmethod
    async def run(self, steps: Steps[T]) -> T:
        """Fulfils every wish of the steps; their result."""

    async def each(self, page: Callable[[str], Steps[Page[T]]]) -> AsyncIterator[T]:
        """The things of all pages. page : the steps for the page behind something"""
        after: str | None = ""
        while after is not None:
            items, after = await self.run(page(after))
            for item in items:
                yield item


class operation(Generic[P, T]):  # noqa: N801  it decorates
    """A method of both clients, from its steps."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self.steps = steps
        update_wrapper(self, steps)  # type: ignore[arg-type]  # it is called through `__get__`

    @overload
    def __get__(self, client: None, owner: object = None) -> Self: ...

    @overload
    def __get__(self, client: Blocking, owner: object = None) -> Callable[P, T]: ...

    @overload
    def __get__(self, client: Awaited, owner: object = None) -> Callable[P, Awaitable[T]]: ...

    def __get__(self, client: Any, owner: object = None) -> Any:
        """The method of a client."""
        if client is None:
            return self

        def call(*given: P.args, **named: P.kwargs) -> Any:
            return client.run(self.steps(client, *given, **named))

        return update_wrapper(call, self.steps)


class paged(Generic[P, T]):  # noqa: N801  it decorates
    """A method of both clients that goes through many things, from the steps for one page of them.

    The steps get, before the arguments of the call, behind what to go on; "" is the beginning.
    """

    def __init__(self, steps: Callable[Concatenate[Any, str, P], Steps[Page[T]]]) -> None:
        self.steps = steps
        update_wrapper(self, steps)  # type: ignore[arg-type]  # it is called through `__get__`

    @overload
    def __get__(self, client: None, owner: object = None) -> Self: ...

    @overload
    def __get__(self, client: Blocking, owner: object = None) -> Callable[P, Iterator[T]]: ...

    @overload
    def __get__(self, client: Awaited, owner: object = None) -> Callable[P, AsyncIterator[T]]: ...

    def __get__(self, client: Any, owner: object = None) -> Any:
        """The method of a client."""
        if client is None:
            return self

        def call(*given: P.args, **named: P.kwargs) -> Any:
            return client.each(partial(self._page, client, given, named))

        return update_wrapper(call, self.steps)

    def _page(self, client: Any, given: Any, named: Any, after: str) -> Steps[Page[T]]:
        return self.steps(client, after, *given, **named)
