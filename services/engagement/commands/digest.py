"""The command that tells a week in a few lines."""

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    moment_of,
    only_program,
    opened,
    say,
)
from engagement.signals.signal import AUDIENCES
from engagement.workflows.digest import DIGEST_LANGUAGES, READER, whole_digest


def add(command: Command) -> None:
    """Names the commands of this file."""
    made = command("digest", _digest, "tell the last seven days in at most eight lines, to forward")
    made.add_argument("--program", help=ONE_PROGRAM)
    made.add_argument("--language", choices=DIGEST_LANGUAGES, help="the program's own when absent")
    made.add_argument(
        "--audience",
        default="staff",
        choices=AUDIENCES[AUDIENCES.index(READER) :],
        help="whose eyes it is for; a health worker's has no money in it (default: staff)",
    )
    made.add_argument("--on", metavar="DAY", help="as of this day, such as 2026-06-30; today when absent")


def _digest(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = moment_of(db, kept, program_id, arguments.on)
        with db.read(program_id) as conn:
            told = whole_digest(conn, kept, program_id, arguments.audience, arguments.language, now_ms)
    say(*(line.text for line in told.lines))
