"""The image really builds, and the service in it starts as an ordinary user and writes only where it may.

No registry is asked: the base is made of Debian's packages, and wheels are fetched beforehand by pip.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.postgres import reserved_port

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0
MIB = 1024 * 1024

pytestmark = [pytest.mark.slow, pytest.mark.needs("buildah", "mmdebstrap")]


class Builder:
    """buildah with a store of its own."""

    def __init__(self, folder: Path) -> None:
        root, run = str(folder / "root"), str(folder / "run")
        self._where = ["--root", root, "--runroot", run, "--storage-driver", "vfs"]

    def command(self, *words: str) -> list[str]:
        return ["buildah", *self._where, *words]

    def __call__(self, *words: str) -> str:
        run = subprocess.run(self.command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
        return run.stdout.strip()

    def inside(self, container: str, *words: str) -> str:
        """What a command in a container prints."""
        return self("run", "--isolation", "chroot", container, "--", *words)


def python_of(base: Path) -> str:
    """The version of Python in a base."""
    listing = subprocess.run(["tar", "tf", base], capture_output=True, text=True, check=True).stdout
    (found,) = re.findall(r"^\./usr/bin/python(3\.\d+)$", listing, re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    folder = tmp_path_factory.mktemp("image")
    build = Builder(folder)
    base = folder / "base.tar"
    release = Path("/etc/os-release").read_text().partition("VERSION_CODENAME=")[2].split()[0]
    subprocess.run(
        ["mmdebstrap", "-q", "--variant=minbase", "--include=python3,python3-venv", release, base], check=True
    )
    container = build("from", "scratch")
    build("add", "-q", container, str(base), "/")
    build("commit", "-q", container, "engagement-base")
    wheels = folder / "wheels"
    wanted = ("--only-binary=:all:", "--python-version", python_of(base), "--require-hashes")
    pip = [sys.executable, "-m", "pip", "download", "-q", *wanted, "-r", "requirements.lock", "-d", wheels]
    subprocess.run(pip, cwd=ROOT, check=True)
    build(
        "bud", "-q", "--isolation", "chroot", "--format", "docker", "-f", "deploy/Dockerfile",
        "--ignorefile", "deploy/Dockerfile.dockerignore", "--build-arg", "BASE=localhost/engagement-base",
        "--build-arg", "PIP_NO_INDEX=1", "--build-arg", "PIP_FIND_LINKS=/wheels",
        "--volume", f"{wheels}:/wheels:ro", "-t", "engagement-test", ".",
    )  # fmt: skip
    return build


@pytest.fixture(scope="module")
def container(built: Builder) -> str:
    return built("from", "localhost/engagement-test")


@contextmanager
def started(build: Builder, container: str, port: int, log: Path) -> Iterator[httpx.Client]:
    """The service in the image, answering."""
    serve = ("run", "--isolation", "chroot", container, "--", "engagement", "serve", "--port", str(port))
    with (
        log.open("wb") as out,
        subprocess.Popen(build.command(*serve), stdout=out, stderr=out, start_new_session=True) as run,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not answers(client):
                assert run.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield client
        finally:
            os.killpg(run.pid, signal.SIGTERM)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def health_check() -> str:
    """What the Dockerfile's health check runs."""
    (line,) = (line for line in (ROOT / "deploy/Dockerfile").read_text().splitlines() if "urllib" in line)
    words: list[str] = json.loads(line.strip().removeprefix("CMD "))
    return words[-1]


def test_the_service_in_the_image_starts_serves_and_writes_only_into_its_folder(
    built: Builder, container: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert built.inside(container, "id", "-u") == "10001"
    files = Path(built("mount", container))
    with reserved_port() as holder:
        port = holder.getsockname()[1]
    begun = time.time()
    with started(built, container, port, tmp_path / "log") as client:
        took = time.time() - begun
        assert client.get("/health/ready").json() == {"status": "ok"}
        assert client.get("/schema").status_code == 200
        built.inside(container, "env", f"ENGAGEMENT_PORT={port}", "python", "-c", health_check())
        with pytest.raises(AssertionError, match="refused"):
            built.inside(container, "env", "ENGAGEMENT_PORT=1", "python", "-c", health_check())
        assert {file for file in changed(files, begun) if not file.startswith("data/")} == set()
    size = sum(file.lstat().st_size for file in (files / "opt/engagement").rglob("*"))
    with capsys.disabled():
        print(f"\n/opt/engagement in the image: {size / MIB:.0f} MiB; answering after {took:.1f} s")  # noqa: T201  to be reported


def changed(root: Path, since: float) -> set[str]:
    """Files of an image that were changed after a moment, but for those of the system's own folders."""
    found = set()
    for folder, folders, names in os.walk(root):
        place = Path(folder)
        if place == root:
            folders[:] = [name for name in folders if name not in {"proc", "sys", "dev", "tmp", "run", "etc"}]
        found |= {
            str((place / name).relative_to(root))
            for name in names
            if (place / name).lstat().st_mtime >= since
        }
    return found


@pytest.mark.parametrize("program", ["pip", "gcc", "hatchling"])
def test_nothing_in_it_builds_or_installs(built: Builder, container: str, program: str) -> None:
    look = f"import shutil, sys; sys.exit(shutil.which({program!r}) is not None)"
    built.inside(container, "python", "-c", look)


def test_an_operators_commands_work_in_it(built: Builder, container: str) -> None:
    assert built.inside(container, "engagement", "--version").startswith("engagement ")
