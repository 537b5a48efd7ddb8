"""One function over many items, here or on several processes: in order, with progress, in flat memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from forgebench.errors import ForgeBenchError

Job = TypeVar("Job")
Result = TypeVar("Result")

CHUNK = 16
_WAITING_CHUNKS_PER_WORKER = 3


def run(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    total: int,
    what: str,
    workers: int | None = None,
    chunk: int = CHUNK,
) -> Iterator[Result]:
    """Yield `function(job)` for every job, in the order of the jobs whatever the number of workers.

    Args:
        function: A pure function; with more than one worker it is sent to other processes.
        jobs: Consumed lazily: only a bounded number is in flight.
        total: Number of jobs, for the progress bar.
        what: What is being done, shown beside the bar.
        workers: Number of processes; None takes all cores, but one for few jobs.
        chunk: How many jobs travel to a process together: many where each is small, 1 where each is large.

    Raises:
        ForgeBenchError: If a worker process dies.
    """
    count = _worker_count(workers, total, chunk)
    results = map(function, jobs) if count == 1 else _parallel(function, jobs, count, chunk)
    return with_progress(results, total, what)


def _worker_count(workers: int | None, total: int, chunk: int) -> int:
    if workers is not None:
        return max(1, workers)
    return 1 if total <= 2 * chunk else os.cpu_count() or 1


def _apply(function: Callable[[Job], Result], chunk: list[Job]) -> list[Result]:
    return [function(job) for job in chunk]


def _parallel(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int, size: int) -> Iterator[Result]:
    from loky import get_reusable_executor

    executor = get_reusable_executor(max_workers=workers, timeout=60)
    remaining = iter(jobs)
    chunks = iter(lambda: list(islice(remaining, size)), [])
    waiting: deque[Future[list[Result]]] = deque()
    try:
        for chunk in islice(chunks, workers * _WAITING_CHUNKS_PER_WORKER):
            waiting.append(executor.submit(_apply, function, chunk))
        while waiting:
            done = waiting.popleft().result()
            for chunk in islice(chunks, 1):
                waiting.append(executor.submit(_apply, function, chunk))
            yield from done
    except BrokenProcessPool as error:
        raise ForgeBenchError(
            "A worker process died, most often for want of memory. Try again with --workers 1."
        ) from error
    finally:
        for future in waiting:
            future.cancel()


def with_progress(results: Iterator[Result], total: int, what: str) -> Iterator[Result]:
    """The same results, with a bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from results
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        for result in results:
            yield result
            progress.advance(task)
