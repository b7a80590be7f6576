"""The wheel holds all that the service needs, and serves where nothing else of ours is."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from support.service import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services/engagement"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_every_file_of_the_package_is_in_it_and_nothing_else_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.rpartition("/")[2] for name in archive.namelist() if ".dist-info/" in name}
    ours = {
        f"engagement/{file.relative_to(PACKAGE)}"
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert names == ours
    assert {"METADATA", "LICENSE", "entry_points.txt"} <= about


@pytest.mark.parametrize(
    "file",
    [
        "py.typed",
        "store/migrations/versions/0001_ledger.py",
        "workflows/data-dictionary.md",
        "api/static/schema/page.html",
        "workflows/templates/ncd-peer-groups.toml",
    ],
)
def test_what_is_no_code_is_in_it(wheel: Path, file: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(f"engagement/{file}").file_size == (PACKAGE / file).stat().st_size


def serves(python: Path, folder: Path) -> dict[str, int]:
    """The status of some addresses of a service that an environment's own command starts."""
    environment = {"PATH": os.defpath, "HOME": str(folder)}
    command = [python.with_name("engagement"), "serve", "--port", "0", "--example"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            address = service.stdout.readline().split()[2]
            with httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, trust_env=False) as client:
                paths = ("/health/ready", "/schema", "/static/schema/page.js", "/metrics")
                return {path: client.get(path).status_code for path in paths}
        finally:
            service.terminate()


def environment(folder: Path) -> Path:
    """The Python of a new environment, in which nothing is."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    return folder / "env/bin/python"


def pip(python: Path, *words: str | Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "--disable-pip-version-check",
        "install",
        "-q",
    ]
    subprocess.run([*command, *words], check=True, cwd=ROOT)


def test_installed_beside_its_dependencies_it_serves(wheel: Path, tmp_path: Path) -> None:
    """The dependencies are borrowed; the package itself comes from the wheel, which stands before them."""
    python = environment(tmp_path)
    pip(python, "--no-deps", wheel)
    (site,) = (tmp_path / "env/lib").glob("python3*/site-packages")
    borrowed = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    look = "import engagement; print(engagement.__file__)"
    where = subprocess.run([python, "-c", look], capture_output=True, text=True, check=True)
    assert where.stdout.startswith(str(site))
    assert set(serves(python, tmp_path).values()) == {200}


@pytest.mark.slow
def test_installed_from_the_lock_file_alone_it_serves(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path)
    pip(python, "--require-hashes", "-r", "requirements.lock")
    pip(python, "--no-deps", wheel)
    assert set(serves(python, tmp_path).values()) == {200}
