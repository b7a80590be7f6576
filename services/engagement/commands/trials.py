"""The command of trials: who is assigned, who is in which arm, and what was found."""

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
from engagement.errors import Mistake
from engagement.workflows.harms import Harms, harms
from engagement.workflows.harms import in_words as harms_in_words
from engagement.workflows.trial import ToAssign, assign_asked
from engagement.workflows.trial_analysis import analyse
from engagement.workflows.trial_found import Analysis, ArmFound, Range
from engagement.workflows.trial_told import TrialTold, tell_trials

MOST = 1_000_000


def add(command: Command) -> None:
    """Names the commands of this file."""
    trial = command("trial", _trial, "say who is in which arm of a trial, or what it has found")
    trial.add_argument("trial", help="the trial's id")
    trial.add_argument("--program", help=ONE_PROGRAM)
    trial.add_argument(
        "--assign", action="store_true", help="first assign every group that takes part and has no arm yet"
    )
    trial.add_argument("--found", action="store_true", help="what has been found, as the protocol has it")
    trial.add_argument("--on", metavar="DAY", help="as of this day, such as 2027-06-30; today when absent")
    trial.add_argument("--json", action="store_true", help="with --found, everything, as JSON")


def _trial(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = past_moment_of(db, kept, program_id, arguments.on)
        if arguments.assign:
            with db.write(program_id) as conn:
                wanted = [(arguments.trial, ToAssign())]
                [made] = assign_asked(conn, kept, program_id, wanted, now_ms)
            if isinstance(made, Mistake):
                raise made
            say(f"{made.new} groups assigned now")
            say(*(f"not assigned: {row.group}: {row.words}" for row in made.left_out))
        with db.read(program_id) as conn:
            if arguments.found:
                found = analyse(conn, kept, program_id, arguments.trial, now_ms)
                harmed = harms(conn, kept, program_id, arguments.trial, now_ms)
                say(*([_as_json(found, harmed)] if arguments.json else _found(found)))
                say(*([] if arguments.json else ["", *harms_in_words(harmed)]))
                return
            [told] = tell_trials(conn, kept, program_id, [(arguments.trial, "", MOST)], now_ms)
    if isinstance(told, Mistake):
        raise told
    say(*_stands(told))


def _as_json(found: Analysis, harmed: Harms) -> str:
    """The analysis, with the harms beside its arms."""
    return msgspec.json.encode({**msgspec.to_builtins(found), "harms": msgspec.to_builtins(harmed)}).decode()


def _stands(told: TrialTold) -> list[str]:
    """Arms, what they share, and every group with its arm."""
    return [
        f"trial {told.trial}, protocol {told.protocol}",
        *(
            f"{arm.arm}: {arm.groups} groups of {arm.units} units, today under `{arm.condition}`"
            for arm in told.arms
        ),
        *(
            f"{row.kind.replace('_', ' ')} {row.id} serves several arms: {', '.join(row.arms)}"
            for row in told.shared
        ),
        *(f"  {row.group}  {row.arm}  ({row.stratum})" for row in told.assigned),
    ]


def _found(found: Analysis) -> list[str]:
    """The answer first, then the arms it rests on, then under which protocol."""
    lines = [*found.sentences, ""]
    for arm in found.arms:
        lines += _arm(arm, found.horizon_months)
    lines += ["", f"protocol {found.protocol}, looked at on {found.on}"]
    lines += [f"amended on {row.made_on}: {row.why}" for row in found.amendments]
    return lines


def _arm(arm: ArmFound, months: int) -> tuple[str, ...]:
    drawn = f"{arm.groups} groups ({arm.units} drawn), the program has ended for {arm.ended}"
    gone = f"dissolved {arm.dissolved}, of them before the end {arm.before_end}; silent {arm.silent}"
    bounds = f"bounds {_share(arm.alive_worst)} to {_share(arm.alive_best)}"
    came = f"attendance {_percent(arm.attendance)}, lower quarter {_share(arm.lower_quarter)}"
    cost = f"a group cost {arm.cost_minor:.0f} and {arm.minutes:.0f} minutes"
    return (
        f"{arm.arm}: {drawn}; {gone}",
        f"  alive after {months} months {_percent(arm.alive)}, {bounds}; months lived {_plain(arm.months)}",
        f"  {came}; nothing heard of {_share(arm.unreported)} of meetings",
        f"  {cost}; a month lived {_plain(arm.cost_of_month)}; reports of harm {arm.harms}",
    )


def _percent(told: Range | None) -> str:
    return _plain(told, 100.0, " %")


def _plain(told: Range | None, times: float = 1.0, unit: str = "") -> str:
    if told is None:
        return "unknown"
    value = f"{times * told.value:.1f}"
    if told.low is None or told.high is None:
        return value + unit
    return f"{value} ({times * told.low:.1f} to {times * told.high:.1f}){unit}"


def _share(told: float | None) -> str:
    return "unknown" if told is None else f"{100 * told:.1f} %"
