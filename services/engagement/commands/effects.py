"""The command that says what the actions of a strategy did."""

from typing import get_args

import msgspec

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    only_program,
    opened,
    past_moment_of,
    say,
)
from engagement.workflows.effects import Moderator, effects, material
from engagement.workflows.effects_told import in_words
from engagement.workflows.logged import MOST_BY_COMMAND


def add(command: Command) -> None:
    """Names the commands of this file."""
    parser = command(
        "effects", _effects, "say what each action did, who gained least, and how much there was"
    )
    parser.add_argument(
        "--strategy", required=True, help="whose actions: the strategy that made the decisions"
    )
    parser.add_argument("--program", help=ONE_PROGRAM)
    parser.add_argument(
        "--moderator", choices=get_args(Moderator), help="also whether the effects depend on this"
    )
    parser.add_argument("--on", metavar="DAY", help="as of this day, such as 2027-06-30; today when absent")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _effects(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = past_moment_of(db, kept, program_id, arguments.on)
        with db.read() as conn:
            read = material(conn, kept, program_id, arguments.strategy, now_ms, MOST_BY_COMMAND)
    found = effects(read, arguments.moderator)
    say(*([msgspec.json.format(msgspec.json.encode(found)).decode()] if arguments.json else in_words(found)))
