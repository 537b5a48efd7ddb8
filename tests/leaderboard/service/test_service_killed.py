"""Service, workers and database are killed, at random and on purpose: what was accepted is scored exactly once."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, product
from pathlib import Path

import pytest
from people import Halves, Participant, new_participant, submission
from sqlalchemy import select

import forgebench
from leaderboard.service.board import Board
from leaderboard.service.keeping import collect, problems
from leaderboard.service.models import Job, Result, Submission

SOAK = "FORGEBENCH_SOAK" in os.environ
KILLS, BATCH = (50, 100) if SOAK else (6, 3)
LIVES = (2.0, 8.0)
"""Seconds between two kills: from before a process is up until after it has done a job."""
SERVICE_DEATHS = [
    ("leaderboard.service.storage:Storage.put_part", "before"),
    ("leaderboard.service.storage:Storage.put_part", "after"),
    ("leaderboard.service.storage:Storage.put", "after"),
    ("leaderboard.service.uploads:enqueue", "after"),
    ("leaderboard.service.uploads:_accepted", "after"),
    ("leaderboard.service.storage:Storage.remove_parts", "before"),
]
WORKER_DEATHS = [
    ("leaderboard.service.worker:prepare", "before"),
    ("leaderboard.service.worker:commit_verdict", "before"),
    ("leaderboard.service.results:jobs.complete", "after"),
    ("leaderboard.service.worker:commit_verdict", "after"),
    ("leaderboard.service.worker:build_site", "after"),
    ("leaderboard.service.worker:publish", "after"),
]


def _on_databases(deaths: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """Every death on both databases in a soak; else on the two in turn."""
    both = ("sqlite", "postgresql")
    pairs = list(product(deaths, both)) if SOAK else list(zip(deaths, cycle(both), strict=False))
    names = [" ".join((*death, database)) for death, database in pairs]
    return pytest.mark.parametrize(("death", "database"), pairs, ids=names, indirect=["database"])


class Doers:
    """A service on a port of its own and a worker, each as a process that may be killed and is started again."""

    def __init__(self, board: Board) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = str(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        settings = board.settings.model_dump(exclude_none=True, exclude={"definitions", "slices"})
        said = {f"FORGEBENCH_BOARD_{name.upper()}": str(value) for name, value in settings.items()}
        self._environment = {**os.environ, **said, "FORGEBENCH_BOARD_SLICES": "[]"}
        serve = ("serve", "--port", self.port)
        self._commands = {"service": (*serve, "--no-worker"), "worker": ("worker",), "both": serve}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, doom: tuple[str, str] | None = None) -> None:
        dying = [str(Path(__file__).with_name("doomed.py")), *doom] if doom else ["-m", "leaderboard"]
        command = [sys.executable, *dying, *self._commands[name]]
        self.running[name] = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
            process.wait()


@contextmanager
def _doers(board: Board) -> Iterator[Doers]:
    made = Doers(board)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def hasty(board: Board) -> Board:
    """A board that soon gives a silent worker's job to another, as often as it takes."""
    url = board.database.engine.url.render_as_string(hide_password=False)
    changed = {"lease_seconds": 2, "attempts": 1000, "database": url}
    return replace(board, settings=board.settings.model_copy(update=changed))


def _until(met: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < ends, f"nothing came of it within {seconds:g} seconds"
        time.sleep(0.2)


def _submitted(who: Participant, file: Path, url: str) -> str:
    """What a patient user does: the same command again, until it is through."""
    while True:
        try:
            return str(forgebench.submit(file, to=url, token=who.token, wait=False)["id"])
        except forgebench.ForgeBenchError as error:
            if "Run the same command again" not in str(error):
                raise


def _done(board: Board) -> bool:
    with board.database.read() as session:
        return not session.scalar(select(Job.id).where(Job.state.in_(("waiting", "leased"))).limit(1))


def _scored_once(board: Board, accepted: list[str]) -> None:
    with board.database.read() as session:
        states = {one.id: one.state for one in session.scalars(select(Submission))}
        results = Counter(session.scalars(select(Result.submission_id)))
        assert set(session.scalars(select(Job.state))) == {"done"}
    assert states == dict.fromkeys(accepted, "scored")
    assert results == dict.fromkeys(accepted, 1)
    collect(board, older_than=-1)
    assert list(problems(board)) == []
    assert board.storage.uploads() == set()


def test_a_board_in_one_command(lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path) -> None:
    """`serve` with its worker beside, which is started again when it is killed, and ends with it."""
    with _doers(lite) as doers:
        doers.start("both")
        first = _submitted(lite_ann, submission(tmp_path, benchmarks.opened("plain")), doers.url)
        _until(lambda: _done(lite), 120)
        (worker,) = _children(doers.running["both"].pid)
        os.kill(worker, signal.SIGKILL)
        second = _submitted(lite_ann, submission(tmp_path, benchmarks.opened("plain"), 1), doers.url)
        _until(lambda: _done(lite), 120)
        (worker,) = _children(doers.running["both"].pid)
    _until(lambda: not Path(f"/proc/{worker}").exists(), 30)
    _scored_once(lite, [first, second])


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_random_kills_lose_nothing(
    hasty: Board, benchmarks: Halves, tmp_path: Path, crash_database: Callable[[], None]
) -> None:
    """A participant sends a batch while service and worker are killed in turn, and the database goes down once."""
    ann, rng = new_participant(hasty, "ann"), random.Random(0)
    files = [submission(tmp_path, benchmarks.opened("plain"), seed) for seed in range(BATCH)]
    accepted: list[str] = []
    with _doers(hasty) as doers:

        def send() -> None:
            for file in files:
                accepted.append(_submitted(ann, file, doers.url))
                time.sleep(sum(LIVES) / 2 * KILLS / BATCH)

        sender = threading.Thread(target=send, daemon=True)
        doers.start("service")
        doers.start("worker")
        sender.start()
        for kill in range(KILLS):
            time.sleep(rng.uniform(*LIVES))
            name = ("service", "worker")[kill % 2]
            doers.kill(name)
            doers.start(name)
            if kill == KILLS // 2:
                crash_database()
        sender.join(60 * BATCH)
        _until(lambda: len(accepted) == BATCH and _done(hasty), 60 * (BATCH + 4))
    _scored_once(hasty, accepted)


@pytest.mark.soak
@_on_databases(SERVICE_DEATHS)
def test_a_service_killed_on_purpose_takes_the_submission_once(
    hasty: Board, benchmarks: Halves, tmp_path: Path, death: tuple[str, str]
) -> None:
    ann, accepted = new_participant(hasty, "ann"), list[str]()
    file = submission(tmp_path, benchmarks.opened("plain"))
    with _doers(hasty) as doers:
        doers.start("service", death)
        sender = threading.Thread(target=lambda: accepted.append(_submitted(ann, file, doers.url)), daemon=True)
        sender.start()
        assert doers.running["service"].wait(60) == -9
        assert accepted == []
        doers.start("service")
        doers.start("worker")
        _until(lambda: bool(accepted) and _done(hasty), 120)
    _scored_once(hasty, accepted)


@pytest.mark.soak
@_on_databases(WORKER_DEATHS)
def test_a_worker_killed_on_purpose_scores_once(
    hasty: Board, benchmarks: Halves, tmp_path: Path, death: tuple[str, str]
) -> None:
    made = new_participant(hasty, "ann").submit(submission(tmp_path, benchmarks.opened("plain")))
    with _doers(hasty) as doers:
        doers.start("worker", death)
        assert doers.running["worker"].wait(90) == -9
        doers.start("worker")
        _until(lambda: _done(hasty), 120)
    _scored_once(hasty, [made["id"]])
