"""The core stands on NumPy, SciPy, msgspec and the standard library alone."""

import os
import subprocess
import sys
from pathlib import Path

SERVICES = Path(__file__).parents[2] / "services"
FOUNDATIONS = ["engagement", "numpy", "scipy", "msgspec"]
ROOMS = [
    *("records", "errors", "randomness", "stats", "signals", "actions", "bandits", "estimators"),
    *("strategy", "simulation"),
]

# A finder that knows nothing stands before all others and refuses what a machine with the
# foundations alone would not have.
PROGRAM = """
import importlib, sys
foundations, modules = (argument.split() for argument in sys.argv[1:])

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        platform = top.startswith("_sysconfigdata")  # the standard library's, named after the machine
        if not platform and top not in sys.stdlib_module_names | {*foundations}:
            raise ModuleNotFoundError(f"{name} is not a foundation of the core", name=name)

sys.meta_path.insert(0, Nothing())
for name in modules:
    importlib.import_module(name)
"""


def modules_of(room: str) -> list[str]:
    """Every module of a room, by its dotted name; none while the room is not built."""
    package = SERVICES / "engagement" / room
    files = [*package.rglob("*.py"), *package.parent.glob(f"{room}.py")]
    dotted = (".".join(file.relative_to(SERVICES).with_suffix("").parts) for file in files)
    return sorted(name.removesuffix(".__init__") for name in dotted)


def complaints_about(*modules: str) -> str:
    """What a new interpreter with only the foundations says when it imports the modules."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, " ".join(FOUNDATIONS), " ".join(modules)]
    environment = {**os.environ, "PYTHONPATH": str(SERVICES)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


def test_the_core_imports_where_only_its_foundations_are() -> None:
    core = [name for room in ROOMS for name in modules_of(room)]
    assert {"engagement.records", "engagement.errors", "engagement.randomness"} <= set(core)
    assert complaints_about(*core) == ""


def test_a_package_from_elsewhere_would_be_refused() -> None:
    assert "sqlalchemy is not a foundation of the core" in complaints_about("sqlalchemy")
