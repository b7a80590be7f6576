"""A server process of one's own, on any free port, that ends when its user does."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

import engagement
from engagement.errors import Fault

START_S, STOP_S = 60.0, 30.0
ADDRESS = re.compile(r"Engagement at (http://\S+)")


@contextmanager
def serving(database: str, start: datetime, log: Path, *, port: int = 0) -> Iterator[str]:
    """The address of a server on a simulated clock, stopped however the block ends.

    port : 0 for any that is free

    It folds only when it is told to, so that what it learns when does not depend on how fast it is.
    """
    command = [sys.executable, "-m", "engagement.cli", "serve"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--clock", start.isoformat()]
    code = str(Path(engagement.__file__).parents[1])  # the same code on both ends
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")])),
        "ENGAGEMENT_DATABASE": database,  # not an argument: others could read its password there
        "ENGAGEMENT_FOLD_EVERY_S": "0",
        "ENGAGEMENT_REQUESTS_A_MINUTE": "0",
    }
    with _ending_on_terminate(), log.open("wb") as lines:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and arguments
            command, stdout=subprocess.PIPE, stderr=lines, text=True, env=environment
        )
        try:
            yield _address(process, log)
        finally:
            _stop(process)


def _address(process: "subprocess.Popen[str]", log: Path) -> str:
    """What the server says its address is, as soon as it listens."""
    too_late = threading.Timer(START_S, process.kill)
    too_late.daemon = True  # whoever is interrupted while it begins does not wait for it
    try:
        too_late.start()
        line = process.stdout.readline() if process.stdout is not None else ""
    finally:
        too_late.cancel()
    found = ADDRESS.search(line)
    if found is None:
        process.wait()
        said = log.read_text(errors="replace").strip().splitlines()
        raise Fault(f"the server did not start: {said[-1] if said else 'it said nothing'}")
    return found[1]


def _stop(process: "subprocess.Popen[str]") -> None:
    """Lets the server finish what has begun; kills it when that takes too long."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def _ending_on_terminate() -> Iterator[None]:
    """Turns SIGTERM into an exit that passes every `finally`."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
