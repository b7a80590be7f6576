"""What we copied in from others is what they published, whole or cut down as its record says."""

import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDS = sorted(record for room in ("services", "tests") for record in (ROOT / room).rglob("VENDORED.toml"))

each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.parent.name)


def sums_recorded(record: Path) -> dict[str, str]:
    sums: dict[str, str] = tomllib.loads(record.read_text())["sha256"]
    return sums


def sums_of_files_beside(record: Path) -> dict[str, str]:
    return {
        str(file.relative_to(record.parent)): sha256(file.read_bytes()).hexdigest()
        for file in record.parent.rglob("*")
        if file.is_file() and file != record
    }


def test_the_page_of_the_api_is_among_them() -> None:
    assert "swagger-ui" in {record.parent.name for record in RECORDS}


@each_record
def test_every_vendored_file_has_the_recorded_hash(record: Path) -> None:
    assert sums_of_files_beside(record) == sums_recorded(record)


@each_record
def test_every_vendored_package_brings_its_licence(record: Path) -> None:
    assert "LICENSE" in sums_recorded(record)


@each_record
def test_every_record_names_package_version_and_licence(record: Path) -> None:
    assert {"name", "version", "licence"} <= tomllib.loads(record.read_text()).keys()
