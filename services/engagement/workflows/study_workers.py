"""Who runs a study's jobs: this process, several of this machine, or a Dask cluster. joblib stands in front.

Every result is a pure function of its job, so that who runs it changes no byte.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from engagement.errors import Invalid
from engagement.workflows.study import Worker
from engagement.workflows.study_run import Named, result

T = TypeVar("T")
R = TypeVar("R")


def worker(processes: int, dask: str | None) -> Worker:
    """Whoever the caller wants. dask : a scheduler's address, such as tcp://10.0.0.1:8786

    raises : Invalid where what is needed for it is not installed
    """
    if dask is not None:
        _must_be_there("distributed", "dask", "to run on a Dask cluster")
        return partial(_on_cluster, dask)
    if processes == 1:
        return _here
    _must_be_there("joblib", "research", "to run in several processes; --jobs 1 needs nothing")
    return partial(_in_processes, processes)


def across(processes: int) -> Callable[[Callable[[T], R], Iterable[T]], Iterator[R]]:
    """Does one thing for each of many, in their order: here, or in several processes of this machine."""
    if processes == 1:
        return map
    _must_be_there("joblib", "research", "to run in several processes; --jobs 1 needs nothing")

    def spread(do: Callable[[T], R], each: Iterable[T]) -> Iterator[R]:
        joblib: Any = import_module("joblib")
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(n_jobs=processes, return_as="generator", pre_dispatch="2 * n_jobs")
            yield from parallel(joblib.delayed(do)(one) for one in each)

    return spread


def _must_be_there(module: str, extra: str, purpose: str) -> None:
    if find_spec(module) is None:
        raise Invalid(f"`{module}` is not installed: install engagement[{extra}] {purpose}")


def _here(jobs: Sequence[Named]) -> Iterator[tuple[str, bytes]]:
    return map(_done, jobs)


def _in_processes(processes: int, jobs: Sequence[Named]) -> Iterator[tuple[str, bytes]]:
    joblib: Any = import_module("joblib")
    # one thread for linear algebra in each, or they would stand in one another's way
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        yield from _parallel(joblib, processes, jobs)


def _on_cluster(address: str, jobs: Sequence[Named]) -> Iterator[tuple[str, bytes]]:
    joblib, distributed = import_module("joblib"), import_module("distributed")
    try:
        client: Any = distributed.Client(address)
    except OSError as unreachable:
        raise Invalid(f"no Dask scheduler answers at {address}: {unreachable}") from unreachable
    with client, joblib.parallel_config(backend="dask"):
        yield from _parallel(joblib, -1, jobs)


def _parallel(joblib: Any, processes: int, jobs: Sequence[Named]) -> Iterator[tuple[str, bytes]]:
    parallel = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch="2 * n_jobs")
    yield from parallel(joblib.delayed(_done)(job) for job in jobs)


def _done(named: Named) -> tuple[str, bytes]:
    return named.key, result(named)
