"""A worker: takes jobs, has each done in a process of its own, and commits what came of it once."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from leaderboard.service import jobs
from leaderboard.service.board import Board
from leaderboard.service.errors import JobError
from leaderboard.service.jobs import Lease
from leaderboard.service.keeping import collect
from leaderboard.service.published import publish
from leaderboard.service.results import commit_verdict, prepare
from leaderboard.service.scoring_job import STAGE, VERDICT
from leaderboard.service.sites import build_site

LOG = logging.getLogger("leaderboard.worker")
_IDLE, _LOOK, _COLLECT = 0.5, 0.1, 600.0
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
"""All that a child process gets of the environment: no database, no key, no token."""


def work(board: Board, stop: Event) -> None:
    """Do jobs until told to stop; when there is none, clean up now and then."""
    collected = 0.0
    while not stop.is_set():
        if not work_once(board, stop):
            if time.monotonic() - collected > _COLLECT:
                collect(board)
                collected = time.monotonic()
            stop.wait(_IDLE)


def work_once(board: Board, stop: Event | None = None) -> bool:
    """Do the next job, whatever comes of it; False where there is none."""
    try:
        with board.database.begin() as session:
            held = jobs.lease(session, board.settings)
    except board.database.errors as error:
        LOG.warning("no database", extra={"error": str(error)})
        return False
    if held is None:
        return False
    LOG.info("job taken", extra={"job": held.job_id, "kind": held.kind, "submission": held.submission_id})
    try:
        _score(board, held, stop) if held.kind == "score" else _site(board, held, stop)
    except Exception as error:  # a worker must not end because of what it works on  # noqa: BLE001
        LOG.warning("job failed: %s", error, extra={"job": held.job_id})
        _give_up(board, held, f"{type(error).__name__}: {error}")
    return True


def _give_up(board: Board, held: Lease, error: str) -> None:
    try:
        with board.database.begin() as session:
            jobs.fail(session, held, error, board.settings)
    except board.database.errors:
        LOG.warning("no database: the lease will run out", extra={"job": held.job_id})


def _score(board: Board, held: Lease, stop: Event | None) -> None:
    with tempfile.TemporaryDirectory(prefix="forgebench-job-") as name:
        folder = Path(name)
        spec = prepare(board, held, folder)
        command = [sys.executable, "-P", "-m", "leaderboard.service.scoring_job", str(spec)]
        _run(board, held, command, folder, stop, _stage_of(board, held, folder))
        verdict = json.loads((folder / VERDICT).read_text(encoding="utf-8"))
        commit_verdict(board, held, folder, verdict)


def _site(board: Board, held: Lease, stop: Event | None) -> None:
    with tempfile.TemporaryDirectory(prefix="forgebench-job-") as name:
        folder = Path(name)
        built = build_site(board, folder, lambda command: _run(board, held, command, folder, stop))
    with board.database.begin() as session:
        if jobs.complete(session, held):  # one that was silent too long must not publish what is out of date
            publish(session, built)


def _stage_of(board: Board, held: Lease, folder: Path) -> Callable[[], None]:
    """Shows in the database what the process says that it does."""
    shown = ""

    def look() -> None:
        nonlocal shown
        file = folder / STAGE
        stage = file.read_text(encoding="utf-8") if file.is_file() else ""
        if stage != shown and stage in ("validating", "scoring"):
            with board.database.begin() as session:
                jobs.set_running(session, held, stage)  # type: ignore[arg-type]
            shown = stage

    return look


def _run(
    board: Board, held: Lease, command: list[str], folder: Path, stop: Event | None,
    look: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Run a process with signs of life for the lease; end it when its time is up or the lease is lost."""
    settings = board.settings
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        ends, renewed = time.monotonic() + settings.score_seconds, time.monotonic()
        try:
            while process.poll() is None:
                if time.monotonic() > ends:
                    raise JobError(f"it took longer than {settings.score_seconds:g} seconds")
                if stop is not None and stop.is_set():
                    raise JobError("the worker was told to stop")
                if time.monotonic() - renewed > settings.lease_seconds / 4:
                    _renew(board, held)
                    renewed = time.monotonic()
                look()
                time.sleep(_LOOK)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise JobError(f"the process ended with {process.returncode}: {' | '.join(said[-3:])[:1000]}")


def _renew(board: Board, held: Lease) -> None:
    with board.database.begin() as session:
        if not jobs.renew(session, held, board.settings):
            raise JobError("the lease was lost")


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    own = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return kept | threads | own | {"HF_HUB_OFFLINE": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}
