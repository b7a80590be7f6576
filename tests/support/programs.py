"""System programs that some tests need, and the Debian packages or the make target that bring them.

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
    "kubectl": "kubernetes-client",
    "mmdebstrap": "mmdebstrap",
    "pgbouncer": "pgbouncer",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
TOOLS = {"checkov", "hadolint", "kubernetes-validate", "pip-audit"}
"""From deploy/tools.txt, in an environment of their own."""
TOOLS_FOLDER = Path(__file__).parents[2] / ".venv-deploy" / "bin"


def find(program: str) -> str | None:
    """Where a program is, or None; looks in the administrator's folders too, where daemons live."""
    also = [str(TOOLS_FOLDER)] if program in TOOLS else ["/usr/sbin", "/sbin"]
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *also]))


def how_to_get(program: str) -> str | None:
    """What brings a program; None where nobody knows."""
    if program in TOOLS:
        return "make tools"
    return f"apt-get install {PACKAGES[program]}" if program in PACKAGES else None


def asked_for(source: str) -> Iterator[str]:
    """The programs that a file of tests names in `pytest.mark.needs(…)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "needs":
            yield from map(ast.literal_eval, node.args)


def missing_packages(tests: Path) -> list[str]:
    """Debian packages without which some test below `tests` does not run here."""
    programs = {name for file in tests.rglob("test_*.py") for name in asked_for(file.read_text())}
    return sorted({PACKAGES[program] for program in programs - TOOLS if find(program) is None})


if __name__ == "__main__":
    print(*missing_packages(Path(__file__).parents[1]))  # noqa: T201  printing is what the script is for
