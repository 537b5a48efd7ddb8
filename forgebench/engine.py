"""One function over many items, here, on several processes or on Ray: in order, with progress, in flat memory."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import chdir, contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from forgebench.errors import ForgeBenchError, InputError

if TYPE_CHECKING:
    from rich.console import Console

Job = TypeVar("Job")
Result = TypeVar("Result")
Task = TypeVar("Task")
Engine = Literal["local", "ray"]

CHUNK = 16
LINE_SECONDS = 30.0
QUIET = False
"""Whether progress is left out; `forgebench --quiet` sets it."""
_WAITING_CHUNKS_PER_WORKER = 3
_LOG = logging.getLogger(__name__)


def run(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    total: int,
    what: str,
    workers: int | None = None,
    chunk: int = CHUNK,
    engine: Engine = "local",
) -> Iterator[Result]:
    """Yield `function(job)` for every job, in the order of the jobs whatever the engine and the number of workers.

    Args:
        function: A pure function; with more than one worker, or on Ray, it is sent to other processes.
        jobs: Consumed lazily: only a bounded number is in flight.
        total: Number of jobs, for the progress bar.
        what: What is being done, shown beside the bar.
        workers: Number of processes; None takes all cores, but one for few jobs on the local engine. A Ray cluster
            that is running already decides how many of the chunks in flight run at once.
        chunk: How many jobs travel to a process together: many where each is small, 1 where each is large.
        engine: `local`: processes of this machine. `ray`: the Ray cluster of this process, of RAY_ADDRESS or of
            `ray start`; where there is none, one is started on this machine, and stopped at the end. A cluster's
            machines need the same files under the same paths.

    Raises:
        InputError: If there is no such engine, or Ray is not installed or not to be reached.
        ForgeBenchError: If a worker process dies.
    """
    check_engine(engine)
    if engine == "ray":
        results = _on_ray(function, jobs, workers, chunk)
    elif (count := _worker_count(workers, total, chunk)) == 1:
        results = map(function, jobs)
    else:
        results = _on_processes(function, jobs, count, chunk)
    return with_progress(results, total, what)


def check_engine(name: str) -> None:
    """Make sure that there is such an engine.

    Raises:
        InputError: If there is none, or it is not installed.
    """
    if name not in get_args(Engine):
        raise InputError(f"No engine {name!r}. There are: {', '.join(get_args(Engine))}")
    if name == "ray" and find_spec("ray") is None:
        raise InputError("The engine ray needs Ray: pip install 'forgebench[ray]'")


def _worker_count(workers: int | None, total: int, chunk: int) -> int:
    if workers is not None:
        return max(1, workers)
    return 1 if total <= 2 * chunk else os.cpu_count() or 1


def _apply(function: Callable[[Job], Result], chunk: list[Job]) -> list[Result]:
    return [function(job) for job in chunk]


def _in_order(
    submit: Callable[[list[Job]], Task],
    result: Callable[[Task], list[Result]],
    cancel: Callable[[Task], object],
    chunks: Iterator[list[Job]],
    ahead: int,
) -> Iterator[Result]:
    """The results of all chunks, in order, with at most so many of them in flight."""
    waiting: deque[Task] = deque()
    try:
        for chunk in islice(chunks, ahead):
            waiting.append(submit(chunk))
        while waiting:
            done = result(waiting.popleft())
            for chunk in islice(chunks, 1):
                waiting.append(submit(chunk))
            yield from done
    finally:
        for task in waiting:
            cancel(task)


def _cut(jobs: Iterable[Job], size: int) -> Iterator[list[Job]]:
    remaining = iter(jobs)
    return iter(lambda: list(islice(remaining, size)), [])


def _on_processes(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int, size: int) -> Iterator[Result]:
    from loky import get_reusable_executor

    # A worker that holds 300 MB more than after its first job, as one that has imported OpenCV does, is replaced.
    warnings.filterwarnings("ignore", "A worker (stopped|was restarted) while some jobs", UserWarning)
    executor = get_reusable_executor(max_workers=workers, timeout=60)

    def submit(chunk: list[Job]) -> Future[list[Result]]:
        future: Future[list[Result]] = executor.submit(_apply, function, chunk)
        return future

    ahead = workers * _WAITING_CHUNKS_PER_WORKER
    try:
        yield from _in_order(submit, Future.result, Future.cancel, _cut(jobs, size), ahead)
    except BrokenProcessPool as error:
        raise ForgeBenchError(
            "A worker process died, most often for want of memory. Try again with --workers 1."
        ) from error


def _on_ray(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int | None, size: int) -> Iterator[Result]:
    import ray
    from ray.exceptions import RayError

    with _ray_cluster(workers):
        task, sent, folder = ray.remote(_apply_in), ray.put(function), Path.cwd()
        cores = workers or int(ray.cluster_resources().get("CPU", 1))
        ahead = max(1, cores) * _WAITING_CHUNKS_PER_WORKER

        def submit(chunk: list[Job]) -> Any:  # noqa: ANN401
            return task.remote(folder, sent, chunk)

        try:
            yield from _in_order(submit, _ray_result, ray.cancel, _cut(jobs, size), ahead)
        except RayError as error:
            raise ForgeBenchError(
                f"Ray could not finish: {error}\nWhere a worker died, it was most often for want of memory: try again "
                "with fewer --workers."
            ) from error


def _apply_in(folder: Path, function: Callable[[Job], Result], chunk: list[Job]) -> list[Result]:
    """As `_apply`, where relative paths mean what they mean to the caller."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not there on {platform.node()}: Ray workers need the same files and paths.")
    with chdir(folder):
        return _apply(function, chunk)


def _ray_result(task: Any) -> Any:  # noqa: ANN401
    import ray

    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error


@contextmanager
def _ray_cluster(workers: int | None) -> Iterator[None]:
    """A Ray cluster while it is needed; one that was connected to before stays so."""
    import ray

    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    count = max(1, workers or os.cpu_count() or 1)
    try:
        try:
            ray.init(num_cpus=count, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        except ValueError:  # RAY_ADDRESS or `ray start` names a cluster, which has its own number of cores.
            ray.init(**quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"Ray does not start or cannot be reached: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def with_progress(results: Iterator[Result], total: int, what: str) -> Iterator[Result]:
    """The same results, with progress on standard error unless `QUIET`.

    A bar on a terminal and in a notebook; elsewhere, as in a pipe or a job's log, a line every half minute.
    """
    from rich.console import Console

    start, console = time.monotonic(), Console(stderr=True)
    if QUIET:
        yield from results
    elif console.is_interactive:
        yield from _with_bar(results, total, what, console)
    else:
        yield from _with_lines(results, total, what)
    _LOG.info("%s: %d items in %.1f s", what, total, time.monotonic() - start)


def _with_bar(results: Iterator[Result], total: int, what: str, console: Console) -> Iterator[Result]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        for result in results:
            yield result
            progress.advance(task)


def _with_lines(results: Iterator[Result], total: int, what: str) -> Iterator[Result]:
    start = last = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        if (now := time.monotonic()) - last >= LINE_SECONDS:
            last, left = now, (now - start) * (total - done) / done
            print(f"{what}: {done} of {total}, about {left / 60:.0f} min left", file=sys.stderr, flush=True)
