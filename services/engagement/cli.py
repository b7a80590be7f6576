"""The one command line."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType

from sqlalchemy.exc import ArgumentError, OperationalError

from engagement.commands.terminal import Run
from engagement.errors import EngagementError

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "serve": ("serve",),
        "programs": ("migrate", "program", "stop", "resume", "key"),
        "init": ("init",),
        "files": ("check", "content"),
        "imports": ("import-roster", "import-register", "import-log"),
        "exports": ("export",),
        "learning": ("fold", "rebuild", "plan", "replay", "promotion", "prior"),
        "trials": ("trial",),
        "effects": ("effects",),
        "evaluations": ("evaluate",),
        "reports": ("report",),
        "digest": ("digest",),
        "handover": ("handover",),
        "goodbye": ("goodbye",),
        "erase": ("erase",),
        "backups": ("backup", "restore", "import-program"),
        "audit": ("audit",),
        "doctor": ("doctor",),
        "demo": ("demo",),
        "studies": ("study", "size"),
        "watching": ("exporter", "self-check"),
    }
)
"""The files of `commands/` in the order in which help lists them, and the commands that each names.

Only what the command asked for needs is loaded: half of the time of a short command was the loading.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; a mistake is one line on standard error and exit code 2."""
    given = sys.argv[1:] if argv is None else argv
    arguments = _parser(given[:1]).parse_args(given)
    try:
        result: int | None = arguments.run(arguments)
    except EngagementError as error:
        return _sorry(str(error) or error.title())
    except ArgumentError as error:
        return _sorry(f"--database: {error}")
    except ModuleNotFoundError as error:
        return _sorry(f"{error}; for PostgreSQL install engagement[postgres]")
    except OperationalError as error:
        return _sorry(f"the database cannot be used: {str(error.orig).strip().splitlines()[0]}")
    except KeyboardInterrupt:
        return 130
    return result or 0


def _sorry(words: str) -> int:
    line = " ".join(words.splitlines())  # what is quoted from a file may have several
    print(f"engagement: {line}", file=sys.stderr)  # noqa: T201  # the command line speaks
    return 2


def _parser(first: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The commands of the family that is asked for, or all. first : the first argument, if there is one"""
    parser = argparse.ArgumentParser(
        prog="engagement",
        description="Chooses the next nudge, incentive or health-worker link for peer groups.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"engagement {version('engagement')}",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Run, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.add_argument(
            "--database", help="sqlite:///file.db or postgresql://…; default: $ENGAGEMENT_DATABASE"
        )
        made.set_defaults(run=run, command=name)
        return made

    wanted = [family for family, names in FAMILIES.items() if {*first} & {*names}]
    for family in wanted or FAMILIES:
        import_module(f"engagement.commands.{family}").add(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
