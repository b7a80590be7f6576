"""Whether any package of the lock files has a known weakness, asked of a vulnerability service by pip-audit.

What could not be asked about is named: a service that is out of reach is no reason to stop the gate, and none
to call anything sound. A weakness that is found stops it, unless `deploy/audit.toml` says why not, and until
when.

Run as a script, `python -m support.audit`; what follows is handed to pip-audit, such as `-s osv`.
"""

import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from support.programs import find, how_to_get
from support.sbom import ROOT, Pinned, locked

LOCKS = ("requirements.lock", "requirements-dev.lock")
ACCEPTED = "deploy/audit.toml"
SECONDS = 60
OF_ONE_ANSWER = 10


class Weakness(msgspec.Struct, frozen=True):
    """A known weakness of a package. fix_versions : from which on it is mended, none if nowhere"""

    id: str
    fix_versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Answered(msgspec.Struct, frozen=True):
    """What pip-audit says of one package; `skip_reason` where it could not ask."""

    name: str
    version: str = ""
    vulns: tuple[Weakness, ...] = ()
    skip_reason: str = ""


class Answers(msgspec.Struct, frozen=True):
    """What pip-audit says, as JSON."""

    dependencies: tuple[Answered, ...]


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A weakness that somebody has looked at. why : it does no harm here      until : look again"""

    id: str
    package: str
    why: Annotated[str, msgspec.Meta(min_length=10)]
    until: date


class AcceptedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`deploy/audit.toml`."""

    accepted: tuple[Accepted, ...] = ()


class Verdict(NamedTuple):
    """What came of it. failures : sentences for which the gate stops      unasked : package, version → why"""

    failures: tuple[str, ...]
    accepted: tuple[str, ...]
    unasked: dict[tuple[str, str], str]
    asked: int

    def lines(self) -> list[str]:
        """The verdict for people."""
        out = [f"{self.asked} packages were asked about."]
        out += [f"Accepted: {one}" for one in self.accepted]
        if self.unasked:
            out.append(f"Not run for {len(self.unasked)} packages, about which nothing is known:")
            out += [f"    {name} {version}: {why}" for (name, version), why in sorted(self.unasked.items())]
        return out + [f"FOUND: {one}" for one in self.failures]


def packages(texts: Iterable[str]) -> list[Pinned]:
    """Every package of some lock files, each version once, wherever it would be installed."""
    found = {(row.name, row.version): row for text in texts for row in locked(text)}
    return [found[key] for key in sorted(found)]


def rounds(pinned: Sequence[Pinned]) -> list[list[Pinned]]:
    """The packages so that none stands twice in a round: a lock may hold versions for several Pythons."""
    out: list[list[Pinned]] = []
    for row in pinned:
        free = next((one for one in out if row.name not in {other.name for other in one}), None)
        if free is None:
            out.append([row])
        else:
            free.append(row)
    return out


def asked(pinned: Sequence[Pinned], more: Sequence[str] = (), seconds: float = SECONDS) -> list[Answered]:
    """What is known of packages. more : arguments for pip-audit      seconds : for all of them together"""
    ends = time.monotonic() + seconds
    return [
        answer
        for one in rounds(pinned)
        for answer in _asked(one, more, max(0.01, ends - time.monotonic()), seconds)
    ]


def _asked(pinned: Sequence[Pinned], more: Sequence[str], left: float, seconds: float) -> list[Answered]:
    tool = find("pip-audit")
    if tool is None:
        return _none(pinned, f"pip-audit is absent; to get it: {how_to_get('pip-audit')}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "packages.txt"
        file.write_text("".join(f"{row.name}=={row.version}\n" for row in pinned))
        command = [
            tool,
            "-r",
            str(file),
            "--no-deps",
            "--disable-pip",
            "-f",
            "json",
            "--progress-spinner",
            "off",
        ]
        command += ["--cache-dir", folder, "--timeout", str(OF_ONE_ANSWER), *more]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            return _none(pinned, f"no answer within {seconds:g} seconds")
    try:
        told = msgspec.json.decode(done.stdout, type=Answers).dependencies
    except msgspec.MsgspecError:
        said = done.stderr.strip().splitlines()
        return _none(pinned, said[-1][:200] if said else "pip-audit said nothing")
    version = {row.name: row.version for row in pinned}
    return [msgspec.structs.replace(row, version=version.get(row.name, row.version)) for row in told]


def _none(pinned: Sequence[Pinned], why: str) -> list[Answered]:
    return [Answered(row.name, row.version, skip_reason=why) for row in pinned]


def judged(
    pinned: Sequence[Pinned], answers: Sequence[Answered], accepted: Sequence[Accepted], today: date
) -> Verdict:
    """Whether the gate may pass. A package of which no answer speaks was not asked about."""
    said = {(row.name, row.version): row.skip_reason for row in answers}
    reasons = {
        (row.name, row.version): said.get((row.name, row.version), "the answer does not speak of it")
        for row in pinned
    }
    unasked = {key: why for key, why in reasons.items() if why}
    known = {(row.package, row.id): row for row in accepted}
    failures, borne, used = [], [], set()
    for row in answers:
        for weakness in row.vulns:
            keys = [(row.name, name) for name in (weakness.id, *weakness.aliases)]
            key = next((one for one in keys if one in known), None)
            mended = ", ".join(weakness.fix_versions) or "no version"
            told = f"{row.name} {row.version}: {weakness.id}, mended in {mended}"
            if key is None:
                failures.append(told)
                continue
            used.add(key)
            if known[key].until < today:
                failures.append(f"{told}; it was accepted until {known[key].until} only")
            else:
                borne.append(f"{told}; until {known[key].until}: {known[key].why}")
    silent = {name for name, _ in unasked}
    gone = {key for key in known.keys() - used if key[0] not in silent}
    failures += [
        f"{name} has {weakness} no more: take it out of {ACCEPTED}" for name, weakness in sorted(gone)
    ]
    return Verdict(tuple(failures), tuple(borne), unasked, len(pinned) - len(unasked))


def accepted_in(text: str) -> tuple[Accepted, ...]:
    """The weaknesses that a file accepts."""
    return msgspec.convert(tomllib.loads(text), AcceptedFile).accepted


def main(more: Sequence[str]) -> int:
    """Says what is known; 1 where the gate has to stop."""
    pinned = packages((ROOT / name).read_text() for name in LOCKS)
    accepted = accepted_in((ROOT / ACCEPTED).read_text())
    verdict = judged(pinned, asked(pinned, more), accepted, datetime.now(UTC).date())
    print("\n".join(verdict.lines()))  # noqa: T201  a script speaks to whoever runs it
    return 1 if verdict.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
