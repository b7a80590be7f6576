"""What the service is made of, as CycloneDX 1.6 (ECMA-424).

Read from the lock file, so that it says no more and no less than what is installed. The same lock file gives
the same bytes.

Run as a script: `python -m support.sbom requirements.lock dist/engagement.cdx.json`.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

import msgspec

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? *\\?$")
HASH = re.compile(r"^ +--hash=sha256:([0-9a-f]{64}) *\\?$")


class Pinned(NamedTuple):
    """A package of the lock file. marker : where it is installed, "" for everywhere; hashes : of its files"""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def locked(text: str) -> list[Pinned]:
    """Every package of a lock file. raises : ValueError for a line that is neither a pin nor a hash"""
    found: list[Pinned] = []
    for line in filter(None, (line.rstrip() for line in text.splitlines())):
        if line.lstrip().startswith("#"):
            continue
        if pin := PIN.match(line):
            found.append(Pinned(pin[1].lower(), pin[2], pin[3] or "", ()))
        elif found and (digest := HASH.match(line)):
            found[-1] = found[-1]._replace(hashes=(*found[-1].hashes, digest[1]))
        else:
            raise ValueError(f"not a line of a lock file: {line}")
    return found


def bill_of_materials(lock: str, project: str) -> bytes:
    """The bill as JSON. lock, project : the texts of requirements.lock and pyproject.toml"""
    about = tomllib.loads(project)["project"]
    packages = locked(lock)
    root = f"pkg:pypi/{about['name']}@{about['version']}"
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, root + lock)}",
                "version": 1,
                "metadata": {
                    "component": {
                        "type": "application",
                        "bom-ref": root,
                        "name": about["name"],
                        "version": about["version"],
                        "description": about["description"],
                        "licenses": [{"license": {"id": about["license"]}}],
                        "purl": root,
                    }
                },
                "components": [_component(package) for package in packages],
                "dependencies": [{"ref": root, "dependsOn": [_purl(package) for package in packages]}],
            }
        )
    )


def _purl(package: Pinned) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _component(package: Pinned) -> dict[str, object]:
    """One package. The lock names the hash of each of its files, one of which is installed."""
    said = [{"name": "engagement:locked-sha256", "value": digest} for digest in package.hashes]
    if package.marker:
        said.append({"name": "engagement:where", "value": package.marker})
    return {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        "properties": said,
    }


def main(lock: str, out: str) -> None:
    """Writes the bill of a lock file."""
    file = Path(out)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bill_of_materials(Path(lock).read_text(), (ROOT / "pyproject.toml").read_text()))


if __name__ == "__main__":
    main(*sys.argv[1:])
