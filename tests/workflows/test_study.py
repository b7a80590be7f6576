"""A study: its file, its runs on every back-end, what is kept of it, and what it says."""

import math
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.simulation.contender import Contender
from engagement.simulation.effects import TEMPLATE_EFFECTS
from engagement.simulation.examples import CONTENDERS, always
from engagement.simulation.registry import WORLDS
from engagement.simulation.setting import Size
from engagement.workflows import study_workers
from engagement.workflows.study import Folder, results, run_missing
from engagement.workflows.study_file import Resolved, Study, read_study, resolved
from engagement.workflows.study_run import Run, jobs
from engagement.workflows.study_summary import estimate, summary
from engagement.workflows.study_tables import write_tables
from engagement.workflows.study_workers import worker

EXAMPLES = Path(__file__).parents[2] / "examples" / "studies"
HEAD = 'name = "a"\nworlds = ["default"]\n'
SIZE = Size(groups=2, seats=3, months_running=3, months_after=1, health_worker_hours=0.75)
STUDY = Study(
    name="small",
    worlds=("default", "no_effect"),
    strategies=("adviser_alone", "uniform"),
    size=SIZE,
    keep_decisions=True,
)


def small(**changes: object) -> Resolved:
    return resolved(msgspec.structs.replace(STUDY, **changes))


def silent(results: Iterable[tuple[str, bytes]], _total: int, _there: int) -> Iterable[tuple[str, bytes]]:
    return results


def contents(folder: Folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.runs.iterdir()}


# --- the file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_an_example_study_is_sound(file: Path):
    assert read_study(file.read_text()).mistakes == ()


def test_the_headline_tries_every_strategy_that_comes_with_the_service():
    headline = read_study((EXAMPLES / "headline.toml").read_text()).resolved
    assert headline is not None
    assert headline.contenders == CONTENDERS
    assert len(jobs(headline, headline.study.seeds)) == 1440


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name = \n", 1, "TOML"),
        ('name = "a"\nworlds = ["default"]\n', None, "`strategies` is missing"),
        ('name = "a"\nworlds = [\n"defalt"]\nstrategies = ["pooled"]', 3, "did you mean `default`"),
        ('name = "a"\nworlds = ["default"]\nstrategies = ["pooled",\n"pooled"]', 4, "a second time"),
        ('name = "a"\nworlds = ["default"]\nstrategies = ["pooled"]\nseed = 3', 4, "did you mean `seeds`"),
        (
            'name = "a"\nworlds = ["default"]\nstrategies = ["pooled"]\n[size]\ngroups = 0',
            5,
            "at least 1",
        ),
        (
            HEAD + '[[strategies]]\nname = "x"\ntitle = "X"\n[strategies.schedule]\ntaper = true',
            6,
            "months",
        ),
        (
            'name = "a"\nstrategies = ["pooled"]\n[[worlds]]\nname = "x"\nstress = [{ kind = "flood" }]\n',
            5,
            "flood",
        ),
        ('name = "a"\nworlds = ["default"]\nstrategies = ["pooled"]\nprogram = "x"', 4, "no template `x`"),
        (
            HEAD + 'program = "virtual-community"\nstrategies = ["visits_in_turn"]',
            4,
            "needs `chw_group_visit`",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(text: str, line: int | None, words: str):
    read = read_study(text)
    assert read.resolved is None
    (mistake,) = read.mistakes
    assert (mistake.place and mistake.place.line) == line
    assert words in mistake.words


def test_a_world_and_a_strategy_can_be_written_out():
    read = read_study(
        """
        name = "own"
        [[worlds]]
        name = "half_heard"
        people = { type = "peer_group", drop = 0.01 }
        stress = [{ kind = "unreported", share = 0.5 }]
        [[strategies]]
        name = "calls"
        title = "A reminder for three months, and visits"
        visits = { kind = "worst_first" }
        schedule = { months = 3 }
        strategy = { id = "calls", title = "Calls", actions = ["goal_reminder"] }
        """
    )
    assert read.mistakes == ()
    assert read.resolved is not None
    assert (read.resolved.worlds[0].name, read.resolved.contenders[0].name) == ("half_heard", "calls")


# --- running ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A few runs, made in this process."""
    folder = Folder(tmp_path_factory.mktemp("here"))
    run_missing(folder, jobs(small(), 1)[:3], worker(1, None), silent)
    return folder


def test_several_processes_give_the_same_bytes(here: Folder, tmp_path: Path):
    there = Folder(tmp_path)
    run_missing(there, jobs(small(), 1)[:3], worker(2, None), silent)
    assert len(contents(there)) == 3
    assert contents(there) == contents(here)


def test_a_dask_cluster_gives_the_same_bytes(here: Folder, tmp_path: Path):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    there = Folder(tmp_path)
    with cluster:
        run_missing(there, jobs(small(), 1)[:3], worker(1, cluster.scheduler_address), silent)
    assert contents(there) == contents(here)


def test_what_is_there_is_not_run_again(tmp_path: Path):
    folder, wanted = Folder(tmp_path), jobs(small(), 2)
    assert run_missing(folder, wanted[:5], worker(1, None), silent) == 5
    before = {path.name: path.stat().st_mtime_ns for path in folder.runs.iterdir()}
    (folder.runs / f"{wanted[6].key}.part").write_bytes(b"{")  # what a killed process may leave
    assert run_missing(folder, wanted, worker(1, None), silent) == 3
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in folder.runs.iterdir()}.items()
    assert [run.key for run in results(folder, wanted)] == [named.key for named in wanted]


@pytest.mark.parametrize(
    "changes",
    [
        {"size": msgspec.structs.replace(SIZE, groups=3)},
        {"worlds": ("default", "fragile"), "strategies": ("adviser_alone", "pooled")},
        {"keep_decisions": False},
    ],
    ids=["size", "names", "decisions"],
)
def test_what_was_changed_is_run_again(changes: dict[str, object]):
    before, after = ({named.key for named in jobs(study, 1)} for study in (small(), small(**changes)))
    kept = before & after
    assert len(kept) == (1 if "worlds" in changes else 0)  # the adviser alone in the default world


def test_more_seeds_keep_those_that_there_are():
    assert jobs(small(), 2)[:4] == jobs(small(), 1)


def test_a_decision_is_kept_with_its_probability(tmp_path: Path):
    folder, wanted = Folder(tmp_path), jobs(small(), 1)[1:2]
    run_missing(folder, wanted, worker(1, None), silent)
    (run,) = results(folder, wanted)
    first = run.decisions[0]
    assert (first.month, first.group, first.seat) == (1, 1, 1)
    assert first.probability == pytest.approx(1 / 6)  # five actions and none, nothing refused yet


def test_what_is_not_installed_is_named():
    with pytest.raises(Invalid, match=r"install engagement\[research\] to think"):
        study_workers._must_be_there("no_such_module", "research", "to think")


def test_an_action_that_no_world_knows_is_run_with_a_guess(tmp_path: Path):
    assert "short_read" not in {effect.action for effect in TEMPLATE_EFFECTS}
    own = Contender(name="own", title="Own", strategy=always("short_read"))
    size = msgspec.structs.replace(SIZE, seats=30)
    study = small(program="virtual-community", worlds=("virtual",), strategies=(own,), size=size)
    world = msgspec.structs.replace(study.worlds[0], groups=None, seats=None)
    wanted = jobs(study._replace(worlds=(world,)), 1)
    run_missing(Folder(tmp_path), wanted, worker(1, None), silent)
    (run,) = results(Folder(tmp_path), wanted)
    assert {one.action for one in run.decisions} == {"short_read"}


# --- what it says -----------------------------------------------------------------------------------


def test_a_mean_has_the_error_and_interval_of_its_seeds():
    # 1, 2, 3: mean 2, sd 1, error 1/√3, and t with 2 degrees of freedom leaves 2.5 % above 4.3027
    found = estimate(np.array([1.0, 2.0, 3.0]))
    assert (found.mean, found.error) == (2, pytest.approx(1 / math.sqrt(3)))
    assert found.high == pytest.approx(2 + 4.3027 / math.sqrt(3), abs=1e-4)


def test_one_seed_says_nothing_of_chance():
    assert estimate(np.array([1.0])).low is None


def made(strategy: str, seed: int, attendance: float, like: Run) -> Run:
    figures = msgspec.structs.replace(like.figures, attendance=attendance)
    return msgspec.structs.replace(like, strategy=strategy, seed=seed, figures=figures)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, wanted = Folder(tmp_path_factory.mktemp("one")), jobs(small(), 1)[1:2]
    run_missing(folder, wanted, worker(1, None), silent)
    return results(folder, wanted)[0]


def test_differences_are_taken_seed_by_seed(one: Run):
    # seeds differ by far more than strategies do, and always by .1: no chance in that
    runs = [made("b", 2, 0.9, one), made("a", 1, 0.2, one), made("a", 2, 0.8, one), made("b", 1, 0.3, one)]
    rows = [row for row in summary(runs, ["default"], ["a", "b"]) if row.measure == "attendance"]
    assert rows[0].difference is None
    assert rows[1].value.mean == pytest.approx(0.6)
    assert rows[1].difference is not None
    assert rows[1].difference.mean == pytest.approx(0.1)
    assert rows[1].difference.error == pytest.approx(0)


def test_every_table_says_that_it_is_simulated(tmp_path: Path, one: Run):
    rows = summary([one], ["default"], ["uniform"])
    tables = [path for path in write_tables(tmp_path, [one], rows) if path.suffix == ".csv"]
    assert {path.stem for path in tables} == {"runs", "months", "groups", "summary", "decisions"}
    for path in tables:
        header, *lines = path.read_text().splitlines()
        assert header.startswith("origin,")
        assert lines
        assert all(line.startswith("simulated,") for line in lines)
    assert (tmp_path / "summary.json").read_bytes().startswith(b'{\n  "origin": "simulated"')


def test_parquet_holds_what_the_csv_holds(tmp_path: Path, one: Run):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_tables(tmp_path, [one], summary([one], ["default"], ["uniform"]))
    table = parquet.read_table(tmp_path / "groups.parquet")
    assert table.column_names == (tmp_path / "groups.csv").read_text().splitlines()[0].split(",")
    assert table.num_rows == SIZE.groups


def test_names_are_given_once():
    for named in (WORLDS, CONTENDERS):
        assert len({one.name for one in named}) == len(named)
