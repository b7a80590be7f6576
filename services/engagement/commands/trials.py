"""The command of trials: who is in which arm, and who is assigned."""

from engagement.commands.terminal import ONE_PROGRAM, Arguments, Command, now_of, only_program, opened, say
from engagement.errors import Mistake
from engagement.workflows.trial import Wanted, assign_asked
from engagement.workflows.trial_told import TrialTold, tell_trials

MOST = 1_000_000


def add(command: Command) -> None:
    """Names the commands of this file."""
    trial = command("trial", _trial, "say who is in which arm of a trial, and what its arms share")
    trial.add_argument("trial", help="the trial's id")
    trial.add_argument("--program", help=ONE_PROGRAM)
    trial.add_argument(
        "--assign", action="store_true", help="assign every group that takes part and has no arm yet, first"
    )


def _trial(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        if arguments.assign:
            with db.write() as conn:
                wanted = [(arguments.trial, Wanted())]
                [made] = assign_asked(conn, kept, program_id, wanted, now_ms)
            if isinstance(made, Mistake):
                raise made
            say(f"{made.new} groups assigned now")
            say(*(f"not assigned: {row.group}: {row.words}" for row in made.left_out))
        with db.read() as conn:
            [found] = tell_trials(conn, kept, program_id, [(arguments.trial, "", MOST)], now_ms)
    if isinstance(found, Mistake):
        raise found
    say(*_in_words(found))


def _in_words(found: TrialTold) -> list[str]:
    """Arms, what they share, and every group with its arm."""
    return [
        f"trial {found.trial}, protocol {found.protocol}",
        *(
            f"{arm.arm}: {arm.groups} groups of {arm.units} units, today under `{arm.condition}`"
            for arm in found.arms
        ),
        *(
            f"{row.kind.replace('_', ' ')} {row.id} serves several arms: {', '.join(row.arms)}"
            for row in found.shared
        ),
        *(f"  {row.group}  {row.arm}  ({row.stratum})" for row in found.assigned),
    ]
