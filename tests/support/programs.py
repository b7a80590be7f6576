"""System programs that some tests need, and the Debian packages that bring them.

Run as a script, names the packages that the tests ask for and this machine lacks; for that it needs
nothing but Python.
"""

import ast
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

PACKAGES = {
    "buildah": "buildah",
    "chromium": "chromium",
    "curl": "curl",
    "mmdebstrap": "mmdebstrap",
    "pgbouncer": "pgbouncer",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}


def find(program: str) -> str | None:
    """Where a program is, or None; looks in the administrator's folders too, where daemons live."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def asked_for(source: str) -> Iterator[str]:
    """The programs that a file of tests names in `pytest.mark.needs(…)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "needs":
            yield from map(ast.literal_eval, node.args)


def missing_packages(tests: Path) -> list[str]:
    """Debian packages without which some test below `tests` does not run here."""
    programs = {name for file in tests.rglob("test_*.py") for name in asked_for(file.read_text())}
    return sorted({PACKAGES[program] for program in programs if find(program) is None})


if __name__ == "__main__":
    print(*missing_packages(Path(__file__).parents[1]))  # noqa: T201  printing is what the script is for
