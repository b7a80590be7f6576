"""Files that commands take, as they should be: mutated ones are made from them. All in them is synthetic."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from engagement.cli import main
from engagement.clock import SystemClock
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.backup import manifest_of
from engagement.workflows.example import load_example
from engagement.workflows.program import DEFAULT_TEMPLATE, template_text

FOREIGN_LOG = Path(__file__).parents[2] / "examples" / "foreign-log"
LOG, MAPPING = FOREIGN_LOG / "synthetic-walks.csv", FOREIGN_LOG / "synthetic-walks.toml"
DHIS2 = b"""\
data_set = "aB3dE5gH7jK"
[org_units]
site-1 = "bB3dE5gH7jK"
[data_elements]
members = "cB3dE5gH7jK"
"""
PROGRAM = b"""\
template = "ncd-peer-groups"
languages = ["en", "hi"]
[program]
id = "ours"
title = "Ours"
time_zone = "Asia/Kolkata"
quiet_hours = { starts = 20:00:00, ends = 08:00:00 }
[[sites]]
id = "north"
title = "North"
ends_on = 2027-03-31
[[health_workers]]
id = "asha-7"
hours_a_week = 0.75
[[links]]
health_worker = "asha-7"
catchment = "east"
starts_on = 2026-01-01
[[actions]]
id = "goal_reminder"
cool_down_days = 7
content = [{ language = "hi", audience = "member", text = "\xe0\xa4\xa8\xe0\xa4\xaf\xe0\xa4\xbe" }]
[[strategies]]
id = "own"
title = "Own"
actions = ["goal_reminder"]
[[trials]]
id = "which"
title = "Which?"
conditions = [{ id = "alone", title = "Alone" }, { id = "own", title = "Own", strategies = ["own"] }]
starts_on = 2026-02-01
"""


class Given(NamedTuple):
    """A file as it should be.

    argv : the command that takes it, from its path      into : the database that it may change, if any
    """

    name: str
    content: bytes
    argv: Callable[[Path], list[str]]
    into: Path | None = None

    def __repr__(self) -> str:
        """Its name: the whole content would bury what a failed test has to say."""
        return self.name


def with_example(url: str) -> str:
    """Loads the example program into a migrated database; its id."""
    with closing(Database(url)) as db:
        return load_example(db, Kept(), SystemClock().now_ms()).program_id


def given(url: str, folder: Path) -> list[Given]:
    """A file for each command that takes one, from a migrated SQLite database; the example is loaded there.

    folder : where that is, and where others are put that stand beside the one that is mutated
    """
    at = ["--database", url]
    here = [*at, "--program", with_example(url)]

    def exported(what: str, name: str) -> bytes:
        file = folder / name
        assert main(["export", what, str(file), *here]) == 0
        return file.read_bytes()

    backup = folder / "backup"
    assert main(["backup", str(backup), *at]) == 0
    log = folder / "log.csv"
    log.write_bytes(LOG.read_bytes().replace(b",1.35,", b",0.35,"))  # the example has a mistake to be told of
    template = template_text(DEFAULT_TEMPLATE).encode()
    filled = exported("register", "register.csv").replace(b",,", b",yes,", 30)
    sealed = exported("program", "sealed.zip")
    own, empty, there, restored = (
        folder / name for name in (Path(url).name, "empty.db", "there.db", "restored.db")
    )
    assert main(["migrate", "--database", f"sqlite:///{empty}"]) == 0

    def sheet(what: str) -> Callable[[Path], list[str]]:
        return lambda file: [f"import-{what}", str(file), "--marked", str(folder / "marked.xlsx"), *here]

    def with_log(*command: str) -> Callable[[Path], list[str]]:
        return lambda file: [*command, str(file), "--mapping", str(MAPPING), *at]

    def with_mapping(*command: str) -> Callable[[Path], list[str]]:
        return lambda file: [*command, str(log), "--mapping", str(file), *at]

    def beside(file: Path) -> list[str]:
        """A manifest is looked for beside its backup."""
        manifest_of(backup).write_bytes(file.read_bytes())
        restored.unlink(missing_ok=True)
        return ["restore", str(backup), "--database", f"sqlite:///{restored}"]

    def brought_in(file: Path) -> list[str]:
        """Into a database in which the program is not yet."""
        shutil.copy(empty, there)
        return ["import-program", str(file), "--database", f"sqlite:///{there}"]

    value = ("evaluate", "--target", "even", "--log")
    return [
        Given("roster.csv", exported("roster", "roster.csv"), sheet("roster"), own),
        Given("roster.xlsx", exported("roster", "roster.xlsx"), sheet("roster"), own),
        Given("register.csv", filled, sheet("register"), own),
        Given("register.xlsx", exported("register", "register.xlsx"), sheet("register"), own),
        Given("imported.csv", log.read_bytes(), with_log("import-log"), own),
        Given("imported.toml", MAPPING.read_bytes(), with_mapping("import-log"), own),
        Given("valued.csv", log.read_bytes(), with_log(*value)),
        Given("valued.toml", MAPPING.read_bytes(), with_mapping(*value)),
        Given("checked.toml", template, lambda file: ["check", str(file)]),
        Given("own.toml", PROGRAM, lambda file: ["check", str(file)]),
        Given("loaded.toml", PROGRAM, lambda file: ["program", "load", str(file), *at], own),
        Given("counted.toml", template, lambda file: ["content", "parts", str(file)]),
        Given("created.toml", template, lambda file: ["program", "create", "--file", str(file), *at], own),
        Given(
            "dhis2.toml",
            DHIS2,
            lambda file: ["export", "dhis2", str(folder / "dhis2.json"), "--map", str(file), *here],
        ),
        Given("sealed.zip", sealed, brought_in, there),
        Given("looked-into.zip", sealed, lambda file: ["replay", "--database", f"archive:{file}"]),
        Given("manifest.json", manifest_of(backup).read_bytes(), beside, restored),
    ]
