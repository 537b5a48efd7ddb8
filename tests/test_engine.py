"""One function over many items, on every engine: order, laziness, errors and dying workers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench import engine
from forgebench.demo import PHOTOS
from forgebench.errors import ForgeBenchError, InputError, Problem, ProblemsError

N = 150
HERE, PROCESSES, RAY = ("local", 1), ("local", 2), ("ray", 2)
EVERYWHERE = pytest.mark.parametrize("on", [HERE, PROCESSES, RAY], indirect=True, ids=["here", "processes", "ray"])
ELSEWHERE = pytest.mark.parametrize("on", [PROCESSES, RAY], indirect=True, ids=["processes", "ray"])


@pytest.fixture(scope="session")
def ray_cluster():
    """One Ray cluster for all tests, connected to; its address."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        patch.delenv("RAY_ADDRESS", raising=False)
        ray.init(
            "local",
            num_cpus=2,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()


@pytest.fixture
def on(request):
    """An engine and its number of workers; where it is Ray, there is a cluster."""
    if request.param == RAY:
        request.getfixturevalue("ray_cluster")
    return request.param


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


def read_text(name):
    return Path(name).read_text()


def run(function, jobs, on, total=N, **options):
    engine_name, workers = on
    return engine.run(function, jobs, total=total, what="testing", workers=workers, engine=engine_name, **options)


@EVERYWHERE
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 96, 97, N])
def test_results_come_in_the_order_of_the_jobs(on, count):
    assert list(run(square, range(count), on, count)) == [number**2 for number in range(count)]


@ELSEWHERE
def test_a_slow_job_is_not_overtaken(on):
    assert list(run(slow_at_the_start, range(N), on)) == list(range(N))


@EVERYWHERE
def test_any_function_will_do(on):
    offset = 7
    assert list(run(lambda number: number + offset, range(N), on)) == list(range(7, N + 7))


def test_one_worker_is_this_process():
    assert set(run(process_id, range(N), HERE)) == {os.getpid()}


@ELSEWHERE
def test_two_workers_are_other_processes(on):
    assert os.getpid() not in set(run(process_id, range(N), on))


def test_few_jobs_stay_in_this_process():
    assert set(run(process_id, range(32), ("local", None), 32)) == {os.getpid()}


@pytest.mark.parametrize(
    ("on", "chunk", "ahead"),
    [(HERE, 16, 0), (PROCESSES, 16, 2 * 3 * 16), (PROCESSES, 1, 2 * 3), (RAY, 16, 2 * 3 * 16), (RAY, 1, 2 * 3)],
    indirect=["on"],
)
def test_jobs_are_consumed_lazily(on, chunk, ahead):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = run(square, endless(), on, chunk=chunk)
    assert taken == 0
    for number in range(1, 200):
        assert next(results) == number**2
        assert number <= taken <= number + ahead + chunk - 1
    results.close()


@EVERYWHERE
def test_an_error_of_the_function_comes_through_after_the_results_before_it(on):
    results = run(fails, range(N), on)
    seen = []
    with pytest.raises(InputError, match=r"^sample 70 is bad$") as caught:
        seen.extend(results)
    assert type(caught.value) is InputError
    # In other processes jobs travel in chunks: the one that failed gives nothing.
    assert seen == list(range(70 if on == HERE else 64))


@EVERYWHERE
def test_problems_come_through_whole(on):
    with pytest.raises(ProblemsError) as caught:
        list(run(fails_with_problems, range(N), on))
    assert type(caught.value) is ProblemsError
    assert caught.value.problems == [Problem("code", "id0", "this", "that", "Mend it.")]
    assert caught.value.summary == "Many things are wrong"
    assert "[code] id0: expected this, got that. Mend it." in str(caught.value)


@EVERYWHERE
def test_an_error_of_the_jobs_comes_through(on):
    def jobs():
        yield from range(40)
        raise InputError("no more photographs")

    with pytest.raises(InputError, match="no more photographs"):
        list(run(square, jobs(), on))


@ELSEWHERE
def test_a_killed_worker_is_a_clear_error_and_the_next_run_works(on):
    with pytest.raises(ForgeBenchError, match=r"(?s)worker .*died.*--workers"):
        list(run(dies, range(N), on))
    assert list(run(square, range(N), on)) == [number**2 for number in range(N)]


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"No engine 'dask'\. There are: local, ray"):
        run(square, range(N), ("dask", 2))


def test_a_missing_ray_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'forgebench\[ray\]'"):
        run(square, range(N), RAY)


def test_relative_paths_mean_the_same_on_ray(ray_cluster, tmp_path, monkeypatch):
    (tmp_path / "photo.txt").write_text("a photo")
    monkeypatch.chdir(tmp_path)
    assert list(run(read_text, ["photo.txt"], RAY)) == ["a photo"]


def test_a_machine_without_the_files_says_so(tmp_path):
    with pytest.raises(InputError, match=r"gone is not there on .*need the same files"):
        engine._apply_in(tmp_path / "gone", square, [1])


_ALONE = """
import sys
from forgebench import engine

def where(_):
    import ray
    return ray.get_runtime_context().gcs_address

results = engine.run(where, range(40), total=40, what="testing", workers=1, engine="ray")
print(*set(results))
import ray
print(ray.is_initialized())
"""


def _alone(**environment):
    """The address of the cluster that another process runs on, and whether it is still connected at the end."""
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "-c", _ALONE], env=kept | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_without_a_cluster_one_is_started_and_stopped(ray_cluster):
    address, connected = _alone()
    assert address != ray_cluster, "another process's own cluster is not to be relied on"
    assert connected == "False"


def test_the_cluster_that_the_environment_names_is_used_and_stays(ray_cluster):
    assert _alone(RAY_ADDRESS=ray_cluster) == [ray_cluster, "False"]
    assert list(run(square, range(N), RAY)) == [number**2 for number in range(N)]


def test_an_address_that_is_none_is_bad_input():
    done = subprocess.run(
        [sys.executable, "-c", _ALONE], env=os.environ | {"RAY_ADDRESS": "nowhere"}, capture_output=True, text=True
    )
    assert "InputError: Ray does not start or cannot be reached: Invalid address format: nowhere" in done.stderr


def test_a_benchmark_made_on_ray_is_the_same_file_by_file(ray_cluster, tmp_path):
    """Forged, degraded and built: here and on a cluster."""
    made = {}
    for name in ("local", "ray"):
        root = tmp_path / name
        forged = forgebench.synthesize(PHOTOS, root / "forged", n=6, workers=2, engine=name)
        forgebench.degrade(forged, root / "worse", recipe="jpeg-70", workers=2, engine=name)
        forgebench.build("folder", _folder(tmp_path / "source"), root / "built", workers=2, engine=name)
        files = [path for path in root.rglob("*") if path.is_file()]
        made[name] = {path.relative_to(root): path.read_bytes() for path in files}
    assert made["local"] == made["ray"]
    assert len(made["ray"]) >= 12


def _folder(root):
    for kind in ("authentic", "tampered"):
        (root / kind).mkdir(parents=True, exist_ok=True)
        for index in range(3):
            pixels = np.random.default_rng(index).integers(0, 256, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(root / kind / f"{index}.png")
    (root / "masks").mkdir(exist_ok=True)
    for index in range(3):
        Image.fromarray(np.eye(24, dtype=bool)).save(root / "masks" / f"{index}.png")
    return root
