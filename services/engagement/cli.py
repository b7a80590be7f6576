"""The one command line."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from sqlalchemy.exc import ArgumentError, OperationalError

from engagement.commands import (
    backups,
    demo,
    doctor,
    effects,
    evaluations,
    exports,
    files,
    goodbye,
    handover,
    imports,
    init,
    learning,
    programs,
    reports,
    serve,
    studies,
    trials,
)
from engagement.commands.terminal import Run
from engagement.errors import EngagementError

FAMILIES = (
    serve, programs, init, files, imports, exports, learning, trials, effects, evaluations, reports, handover,
    goodbye, backups, doctor, demo, studies,
)  # fmt: skip
"""In the order in which help lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; a mistake is one line on standard error and exit code 2."""
    arguments = _parser().parse_args(argv)
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
    print(f"engagement: {words}", file=sys.stderr)  # noqa: T201  # the command line speaks
    return 2


def _parser() -> argparse.ArgumentParser:
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
        made.set_defaults(run=run)
        return made

    for family in FAMILIES:
        family.add(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
