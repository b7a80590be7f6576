"""The bill of materials names what the lock file names, and is CycloneDX."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from support.programs import find
from support.sbom import bill_of_materials, locked

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = (ROOT / "pyproject.toml").read_text()
SMALL = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
tzdata==2026.1 \\
    --hash=sha256:{a}
""".format(a="0a" * 32, b="1b" * 32)
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
flaw = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(flaw) if flaw else 0)
"""


def test_a_lock_file_is_read_pin_by_pin() -> None:
    numpy, tzdata = locked(SMALL)
    assert numpy == ("numpy", "2.4.6", "python_full_version < '3.12'", ("0a" * 32, "1b" * 32))
    assert tzdata == ("tzdata", "2026.1", "", ("0a" * 32,))


def test_a_line_that_is_not_understood_is_no_package_left_out() -> None:
    with pytest.raises(ValueError, match="git"):
        locked(SMALL + "thing @ git+https://example.org/thing\n")


def test_every_package_that_is_installed_for_the_service_is_named_with_its_version() -> None:
    bill = json.loads(bill_of_materials(LOCK, PROJECT))
    named = {(part["name"], part["version"]) for part in bill["components"]}
    assert len(bill["components"]) == LOCK.count("==") - LOCK.count("== '")
    for package in ("sqlalchemy", "litestar", "numpy", "scipy", "psycopg", "uvicorn"):
        assert (package, version(package)) in named
    assert bill["metadata"]["component"]["version"] == version("engagement")


def test_the_same_lock_file_gives_the_same_bill_and_another_one_another() -> None:
    assert bill_of_materials(LOCK, PROJECT) == bill_of_materials(LOCK, PROJECT)
    serial = {json.loads(bill_of_materials(lock, PROJECT))["serialNumber"] for lock in (LOCK, SMALL)}
    assert len(serial) == 2


@pytest.mark.needs("checkov")
def test_the_bill_is_valid_cyclonedx(tmp_path: Path) -> None:
    """By the validator that comes along with checkov."""
    file = tmp_path / "bill.json"
    file.write_bytes(bill_of_materials(LOCK, PROJECT))
    checkov = find("checkov")
    assert checkov is not None
    python = Path(checkov).with_name("python")
    run = subprocess.run([python, "-c", VALIDATE, file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
