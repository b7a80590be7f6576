"""The command that lives through a simulated program."""

import argparse

import msgspec

from engagement.commands.terminal import (
    Arguments,
    Command,
    say,
)
from engagement.demonstration.options import SEATS, WORLDS, Options
from engagement.demonstration.run import demonstrate
from engagement.errors import Invalid


def add(command: Command) -> None:
    """Names the commands of this file."""
    _ask_for_world(
        command(
            "demo", _demo, "live through a simulated program of synthetic people, and say what came of it"
        )
    )


def _ask_for_world(demo: argparse.ArgumentParser) -> None:
    demo.add_argument(
        "--keep",
        dest="database",
        metavar="DATABASE",
        help="the same as --database: one of its own, which stays; a temporary one by default",
    )
    for name, words in (
        ("groups", f"groups of {SEATS}"),
        ("seed", "of everything that is drawn"),
        ("months-running", "months until the program ends"),
        ("months-after", "months after that"),
    ):
        default = getattr(Options(), name.replace("-", "_"))
        demo.add_argument(f"--{name}", type=int, default=default, help=f"{words}; {default} by default")
    demo.add_argument("--world", default=Options().world, choices=tuple(WORLDS))
    demo.add_argument(
        "--strategy", default=Options().strategy, choices=("learned", "counted", "even", "none")
    )


def _demo(arguments: Arguments) -> int:
    given = {name: getattr(arguments, name) for name in Options.__struct_fields__}
    try:
        options = msgspec.convert(given, Options)
    except msgspec.ValidationError as flaw:
        raise Invalid(str(flaw)) from None
    text, agrees = demonstrate(options, arguments.database)
    say(text)
    return 0 if agrees else 1
