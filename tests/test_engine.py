"""One function over many items: order, laziness, errors and dying workers."""

from __future__ import annotations

import os
import signal
import time

import pytest

from forgebench import engine
from forgebench.errors import ForgeBenchError, InputError, Problem, ProblemsError

N = 150


def square(number):
    return number * number


def slow_at_the_start(number):
    time.sleep(0.05 if number < 20 else 0)
    return number


def fails(number):
    if number == 70:
        raise InputError("sample 70 is bad")
    return number


def fails_with_problems(number):
    raise ProblemsError("Many things are wrong", [Problem("code", f"id{number}", "this", "that", "Mend it.")])


def dies(number):
    if number == 70:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def process_id(_):
    return os.getpid()


def run(function, jobs, workers, total=N, **options):
    return engine.run(function, jobs, total=total, what="testing", workers=workers, **options)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 96, 97, N])
def test_results_come_in_the_order_of_the_jobs(workers, count):
    assert list(run(square, range(count), workers, count)) == [number**2 for number in range(count)]


def test_a_slow_job_is_not_overtaken():
    assert list(run(slow_at_the_start, range(N), 2)) == list(range(N))


def test_two_workers_are_other_processes_and_one_is_this():
    assert set(run(process_id, range(N), 1)) == {os.getpid()}
    assert os.getpid() not in set(run(process_id, range(N), 2))


def test_few_jobs_stay_in_this_process():
    assert set(run(process_id, range(32), None, 32)) == {os.getpid()}


@pytest.mark.parametrize(("workers", "chunk", "ahead"), [(1, 16, 0), (2, 16, 2 * 3 * 16), (2, 1, 2 * 3)])
def test_jobs_are_consumed_lazily(workers, chunk, ahead):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = run(square, endless(), workers, chunk=chunk)
    assert taken == 0
    for number in range(1, 200):
        assert next(results) == number**2
        assert number <= taken <= number + ahead + chunk - 1
    results.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_function_comes_through_after_the_results_before_it(workers):
    results = run(fails, range(N), workers)
    seen = []
    with pytest.raises(InputError, match="sample 70 is bad"):
        seen.extend(results)
    # In other processes jobs travel in chunks: the one that failed gives nothing.
    assert seen == list(range(70 if workers == 1 else 64))


@pytest.mark.parametrize("workers", [1, 2])
def test_problems_come_through_whole(workers):
    with pytest.raises(ProblemsError) as caught:
        list(run(fails_with_problems, range(N), workers))
    assert caught.value.problems == [Problem("code", "id0", "this", "that", "Mend it.")]
    assert caught.value.summary == "Many things are wrong"
    assert "[code] id0: expected this, got that. Mend it." in str(caught.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_jobs_comes_through(workers):
    def jobs():
        yield from range(40)
        raise InputError("no more photographs")

    with pytest.raises(InputError, match="no more photographs"):
        list(run(square, jobs(), workers))


def test_a_killed_worker_is_a_clear_error_and_the_next_run_works():
    with pytest.raises(ForgeBenchError, match=r"A worker process died.*--workers 1"):
        list(run(dies, range(N), 2))
    assert list(run(square, range(N), 2)) == [number**2 for number in range(N)]
