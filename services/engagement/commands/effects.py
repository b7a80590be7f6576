"""The command that says what the actions of a strategy did, and whether it personalised."""

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
    watched,
)
from engagement.errors import Invalid
from engagement.workflows import personalised as resampling
from engagement.workflows.effects import Moderator, effects, material
from engagement.workflows.effects_told import SYNTHETIC, in_words
from engagement.workflows.logged import MOST_BY_COMMAND
from engagement.workflows.study_workers import across

FEWEST_RESAMPLES, MOST_RESAMPLES = 19, 100_000
"""With fewer than 19 no p could be as small as 5 %."""


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
    parser.add_argument(
        "--personalised",
        metavar="BY",
        help="instead, whether it told units apart by this, or chance would look like it: anything, people, "
        "setting, role, sustaining, or a feature of 0 and 1",
    )
    parser.add_argument(
        "--resamples",
        type=int,
        default=resampling.RESAMPLES,
        help=f"how often its course is lived again for that; {resampling.RESAMPLES}",
    )
    parser.add_argument("--jobs", type=int, default=1, help="in so many processes; -1 for one on each core")
    parser.add_argument("--on", metavar="DAY", help="as of this day, such as 2027-06-30; today when absent")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _effects(arguments: Arguments) -> None:
    if arguments.personalised is not None:
        return _personalised(arguments)
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = past_moment_of(db, kept, program_id, arguments.on)
        with db.read(program_id) as conn:
            read = material(conn, kept, program_id, arguments.strategy, now_ms, MOST_BY_COMMAND)
    found = effects(read, arguments.moderator)
    say(*([msgspec.json.format(msgspec.json.encode(found)).decode()] if arguments.json else in_words(found)))
    return None


def _personalised(arguments: Arguments) -> None:
    if not FEWEST_RESAMPLES <= arguments.resamples <= MOST_RESAMPLES:
        raise Invalid(f"--resamples is a number from {FEWEST_RESAMPLES} to {MOST_RESAMPLES}")
    if arguments.jobs == 0:
        raise Invalid("--jobs is a number of processes, or -1 for one on each core")
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = past_moment_of(db, kept, program_id, arguments.on)
        with db.read(program_id) as conn:
            read = resampling.remembered(conn, kept, program_id, arguments.strategy, now_ms, MOST_BY_COMMAND)
    spread = watched(across(arguments.jobs), "lived again")
    found = resampling.personalised(read, arguments.personalised, arguments.resamples, spread)
    told = [msgspec.json.format(msgspec.json.encode(found)).decode()] if arguments.json else None
    say(*(told or [*([SYNTHETIC] if found.simulated else []), *resampling.in_words(found)]))
