"""Places to send to: a web server and a mail server on ports of their own, that keep what they are told."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Web:
    """A web server. told : (method, path, JSON body) of each request      refuse : so many get 503"""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []
        self.refuse = 0
        self.address = ""


class Mail:
    """A mail server. told : every message      refuse : so many are turned away"""

    def __init__(self) -> None:
        self.told: list[EmailMessage] = []
        self.refuse = 0
        self.address = ""


@contextmanager
def web_sink() -> Iterator[Web]:
    """A web server until the block ends."""
    sink = Web()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._note(None)

        def do_POST(self) -> None:
            self._note(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _note(self, body: Any) -> None:
            sink.told.append((self.command, self.path, body))
            refused, sink.refuse = sink.refuse > 0, max(0, sink.refuse - 1)
            self.send_response(503 if refused else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Answer)) as port:
        sink.address = f"http://127.0.0.1:{port}"
        yield sink


@contextmanager
def mail_sink() -> Iterator[Mail]:
    """A mail server until the block ends; as much of RFC 5321 as a client needs."""
    sink = Mail()

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 sink")
            while line := self.rfile.readline():
                command = line.strip().upper()
                if command == b"DATA":
                    self._say("354 go on")
                    sink.told.append(self._message())
                refused = command.startswith(b"MAIL") and sink.refuse > 0
                sink.refuse -= refused
                if command == b"QUIT":
                    self._say("221 bye")
                    return
                self._say("451 later" if refused else "250 ok")

        def _message(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            return message_from_bytes(b"".join(lines), policy=policy.default)

        def _say(self, words: str) -> None:
            self.wfile.write(words.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with _serving(Server(("127.0.0.1", 0), Answer)) as port:
        sink.address = f"smtp://127.0.0.1:{port}"
        yield sink


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
