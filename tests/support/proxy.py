"""A line to PostgreSQL, or to the service, that can fall silent, be cut, or lose who is on it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url


class _Pair:
    """One connection: both ends, and whether what comes in at one goes out at the other."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.ends = (near, far)
        self.flowing = threading.Event()
        self._threads = [
            threading.Thread(target=self._pump, args=ends) for ends in (self.ends, self.ends[::-1])
        ]

    def begin(self, *, flows: bool) -> None:
        if flows:
            self.flowing.set()
        for thread in self._threads:
            thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Forwards until an end closes; that too is only passed on while the line flows."""
        with suppress(OSError):
            while content := source.recv(65_536):
                self.flowing.wait()
                sink.sendall(content)
        self.flowing.wait()
        self.cut()

    def cut(self) -> None:
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.flowing.set()

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self.ends:
            end.close()


class Proxy:
    """A port of 127.0.0.1 that forwards to another; made by `running_proxy`.

    While it is stalled it accepts connections and whatever is sent, and forwards nothing.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._flows = True
        self._pairs: list[_Pair] = []
        self._lost: list[_Pair] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def lead_to(self, target: int) -> None:
        """New connections go to another port of 127.0.0.1."""
        self._target = target

    def stall(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        self._flows = False
        for pair in self._pairs:
            pair.flowing.clear()

    def resume(self) -> None:
        """Everything gets through again, and first what was held back."""
        self._flows = True
        for pair in self._pairs:
            pair.flowing.set()

    def cut(self) -> None:
        """Breaks off every connection; new ones get through."""
        self._flows = True
        for pair in self._pairs:
            pair.cut()

    def forget(self) -> None:
        """Loses the connections there are: both their ends hear nothing for ever. New ones get through."""
        self.stall()
        self._lost += self._pairs
        self._pairs.clear()
        self._flows = True

    def close(self) -> None:
        """Closes the port and every connection."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._door.close()
        for pair in (*self._pairs, *self._lost):
            pair.close()

    def _accept(self) -> None:
        with suppress(OSError):  # raised by `accept` when the door is shut
            while True:
                near, _ = self._door.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except ConnectionRefusedError:  # nobody is there just now
                    near.close()
                    continue
                pair = _Pair(near, far)
                self._pairs.append(pair)
                pair.begin(flows=self._flows)


@contextmanager
def running_proxy(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the server of a PostgreSQL URL, and the URL that leads through it."""
    parsed = make_url(url)
    assert parsed.port is not None
    proxy = Proxy(parsed.port)
    try:
        yield proxy, parsed.set(port=proxy.port).render_as_string(hide_password=False)
    finally:
        proxy.close()
