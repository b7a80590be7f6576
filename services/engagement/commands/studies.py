"""The commands of simulated studies: to ask whether a program is large enough, and to compare strategies."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from tqdm import tqdm  # type: ignore[import-untyped]  # its stubs are a package of their own

from engagement.commands.files import read_file, today_in
from engagement.commands.terminal import Arguments, Command, say, text_of, watched
from engagement.errors import Invalid
from engagement.simulation.examples import CONTENDERS
from engagement.simulation.registry import WORLDS, World
from engagement.workflows.program import Template
from engagement.workflows.program_size import MONTHS_AFTER, Question, in_words, sized
from engagement.workflows.study import Folder, results, run_missing
from engagement.workflows.study_file import Resolved, read_study
from engagement.workflows.study_run import jobs
from engagement.workflows.study_summary import Row, summary
from engagement.workflows.study_tables import write_tables
from engagement.workflows.study_workers import across, worker
from engagement.workflows.trial_power import PER_UNIT, QUICK, REPEATS, SILENCE, PowerQuestion, powered
from engagement.workflows.trial_power import in_words as power_in_words

PROFILES = ("default", "lasting", "fragile", "virtual")
LONG_S, QUICK_S = 120.0, 30.0
FEWEST_SEEDS, MOST_SEEDS = 4, 40
SHOWN = ("attendance", "lower_quarter", "alive_at_end", "alive_at_last")
"""The measures that the screen has room for; the tables have all."""


def add(command: Command) -> None:
    """Names the commands of this file."""
    study = command("study", _study, "compare strategies in simulated worlds, or list what a study can name")
    study.add_argument("what", choices=("run", "list"))
    study.add_argument("file", type=Path, nargs="?", help="for run: the study file")
    study.add_argument("--out", type=Path, help="where results lie; by the file's name when absent")
    study.add_argument("--jobs", type=int, default=-1, help="processes at once; one for each core by default")
    study.add_argument("--dask", metavar="ADDRESS", help="run on the cluster of this Dask scheduler instead")
    study.add_argument("--seeds", type=int, help="so many instead of those that the file asks for")

    size = command("size", _size, "say by simulation whether a program is large enough for learning to pay")
    size.add_argument("file", type=Path, help="the program file")
    size.add_argument("--groups", type=int, help="how many groups; as many as the file names when absent")
    size.add_argument(
        "--profile",
        choices=PROFILES,
        help="how the simulated groups are; `virtual` where all of the file's groups are, else `default`",
    )
    size.add_argument("--strategy", help="which strategy; the program's default when absent")
    size.add_argument("--seats", type=int, help="members of a group; 8, or 1200 of a virtual community")
    size.add_argument(
        "--months-after", type=int, default=MONTHS_AFTER, help="months after the end, when it is judged; 12"
    )
    size.add_argument("--quick", action="store_true", help="a first look, in a quarter of the time")
    size.add_argument("--trial", help="instead, what this trial of the file would find")
    size.add_argument(
        "--repeats",
        type=int,
        help=f"with --trial: how often it is simulated; {REPEATS}, and {QUICK} with --quick",
    )
    size.add_argument(
        "--groups-per-unit",
        type=int,
        default=PER_UNIT,
        help=f"with --trial: groups of a catchment or a health worker; {PER_UNIT}",
    )
    size.add_argument(
        "--silence",
        type=float,
        default=SILENCE,
        help=f"with --trial: share of months of which nothing is heard; {SILENCE}",
    )
    size.add_argument("--jobs", type=int, default=1, help="with --trial: processes; -1 for one on each core")


def _size(arguments: Arguments) -> None:
    file = read_file(arguments.file)
    if file.plan is None:
        raise Invalid(f"{arguments.file} has mistakes; see `engagement check {arguments.file}`")
    if arguments.groups is not None and not 1 <= arguments.groups <= 10_000:
        raise Invalid("--groups is a number from 1 to 10000")
    if not 0 <= arguments.months_after <= 120:
        raise Invalid("--months-after is a number from 0 to 120")
    question = Question(
        file.plan,
        _world(arguments, file.plan),
        arguments.groups,
        today_in(file),
        arguments.months_after,
        arguments.strategy,
    )
    if arguments.trial is not None:
        return _power(arguments, question)
    say(*in_words(sized(question, _while_there_is_time(QUICK_S if arguments.quick else LONG_S))))
    return None


def _world(arguments: Arguments, plan: Template) -> World:
    """The profile asked for, with as many seats as asked for."""
    virtual = bool(plan.groups) and all(group.type == "virtual" for group in plan.groups)
    name = arguments.profile or ("virtual" if virtual else "default")
    world = next(world for world in WORLDS if world.name == name)
    if arguments.seats is not None and not 3 <= arguments.seats <= 10_000:
        raise Invalid("--seats is a number from 3 to 10000")
    return msgspec.structs.replace(
        world, groups=arguments.groups or world.groups, seats=arguments.seats or world.seats
    )


def _power(arguments: Arguments, question: Question) -> None:
    repeats = arguments.repeats or (QUICK if arguments.quick else REPEATS)
    if not 2 <= repeats <= 100_000:
        raise Invalid("--repeats is a number from 2 to 100000")
    if not 0 <= arguments.silence < 1:
        raise Invalid("--silence is a share from 0 to below 1")
    if not 1 <= arguments.groups_per_unit <= 100:
        raise Invalid("--groups-per-unit is a number from 1 to 100")
    if arguments.jobs == 0:
        raise Invalid("--jobs is a number of processes, or -1 for one on each core")
    asked = PowerQuestion(
        question.plan,
        arguments.trial,
        question.world,
        question.groups,
        arguments.groups_per_unit,
        arguments.silence,
    )
    say(*power_in_words(powered(asked, repeats, watched(across(arguments.jobs), "trials"))))


def _while_there_is_time(seconds: float) -> Iterator[int]:
    """Seeds until the time is nearly over, with a bar of it; a few in any case, and never too many."""
    began, used = time.monotonic(), 0.0
    with tqdm(total=seconds, desc="simulating", unit="s", disable=not sys.stderr.isatty()) as bar:
        for seed in range(1, MOST_SEEDS + 1):
            if seed > FEWEST_SEEDS and used * seed / (seed - 1) > seconds:
                return
            yield seed
            used = time.monotonic() - began
            bar.update(min(used, seconds) - bar.n)


def _study(arguments: Arguments) -> None:
    if arguments.what == "list":
        say("Worlds:", *(f"  {world.name}" for world in WORLDS))
        say("Strategies:", *(f"  {one.name:20} {one.title}" for one in CONTENDERS))
        return
    if arguments.file is None:
        raise Invalid("say which file: `engagement study run FILE`")
    resolved = _resolved(arguments.file)
    wanted = jobs(resolved, _seeds(arguments, resolved))
    folder = Folder(arguments.out or arguments.file.with_suffix(""))
    if arguments.jobs == 0:
        raise Invalid("--jobs is a number of processes, or -1 for one on each core")
    fresh = run_missing(folder, wanted, worker(arguments.jobs, arguments.dask), _bar)
    runs = results(folder, wanted)
    rows = summary(runs, [world.name for world in resolved.worlds], [one.name for one in resolved.contenders])
    say(f"{len(wanted)} runs, {len(wanted) - fresh} of them from before. Every figure is simulated.")
    say(*_table(rows), *(f"Written: {path}" for path in write_tables(folder.root, runs, rows)))


def _resolved(file: Path) -> Resolved:
    read = read_study(text_of(file))
    if read.resolved is None:
        say(*(mistake.told(str(file)) for mistake in read.mistakes))
        raise Invalid(f"{file} has mistakes, see above; nothing was run")
    return read.resolved


def _seeds(arguments: Arguments, resolved: Resolved) -> int:
    seeds = resolved.study.seeds if arguments.seeds is None else int(arguments.seeds)
    if not 1 <= seeds <= 10_000:
        raise Invalid("--seeds is a number from 1 to 10000")
    return seeds


def _bar(results: Iterable[tuple[str, bytes]], total: int, there: int) -> Iterable[tuple[str, bytes]]:
    """The runs with a bar and the time left; silent where nobody watches."""
    bar: Iterable[tuple[str, bytes]] = tqdm(
        results, total=total, initial=there, desc="runs", unit="run", disable=not sys.stderr.isatty()
    )
    return bar


def _table(rows: Sequence[Row]) -> list[str]:
    """A line for each strategy in each world: means, and beneath them the differences to the first."""
    head = f"{'world':20} {'strategy':20}" + "".join(f"{name:>26}" for name in SHOWN)
    shown = {(row.world, row.strategy, row.measure): row for row in rows}
    lines = [
        f"{world:20} {strategy:20}" + "".join(_cell(shown[world, strategy, name]) for name in SHOWN)
        for world, strategy in dict.fromkeys((row.world, row.strategy) for row in rows)
    ]
    return [head, *lines]


def _cell(row: Row) -> str:
    """The mean, and how it differs from the first strategy's with the reach of its interval."""
    if row.difference is None:
        return f"{row.value.mean:.3f}{'':14}".rjust(26)
    against = row.difference
    reach = "" if against.low is None else f" ± {against.mean - against.low:.3f}"
    return f"{row.value.mean:.3f} ({against.mean:+.3f}{reach})".rjust(26)
