"""Scored without a network, or said that it was not, or not scored at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from people import Halves, Participant, environment_of, score_all, submission
from sqlalchemy import select

from leaderboard.service import admin
from leaderboard.service.board import Board
from leaderboard.service.models import Result

_FORBID = "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$@\""
UNSHARE = ["unshare", "--user", "--map-root-user", "sh", "-c", _FORBID, "sh"]
"""Runs a command where the kernel really permits no network namespace."""
_MAY = [sys.executable, "-c", "from leaderboard.service.isolation import leave_network; print(leave_network())"]


def _may_leave(*under: str) -> bool:
    done = subprocess.run([*under, *_MAY], capture_output=True, text=True, check=False)
    return done.stdout == "True\n"


can_forbid = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode,
    reason="this machine permits no user namespace",
)


def _work(board: Board, *, require: bool) -> None:
    """A worker does what waits, where no process may leave the network."""
    settings = {"require_isolation": require, "attempts": 1}
    strict = replace(board, settings=board.settings.model_copy(update=settings))
    command = [*UNSHARE, sys.executable, "-m", "leaderboard", "worker", "--once"]
    subprocess.run(command, env=environment_of(strict), check=True, capture_output=True)


def _isolated(board: Board) -> list[bool]:
    with board.database.read() as session:
        return [one.isolated for one in session.scalars(select(Result))]


@pytest.mark.skipif(not _may_leave(), reason="this machine permits no network namespace")
@pytest.mark.parametrize("require", [False, True])
def test_a_result_says_that_it_was_isolated(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path, require: bool
) -> None:
    lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    score_all(replace(lite, settings=lite.settings.model_copy(update={"require_isolation": require})))
    assert _isolated(lite) == [True]


@can_forbid
def test_a_result_says_that_it_was_not(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    assert not _may_leave(*UNSHARE)
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    _work(lite, require=False)
    assert lite_ann.see(made["id"])["state"] == "scored"
    assert _isolated(lite) == [False]


@can_forbid
def test_a_board_that_requires_it_scores_nothing_without(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    _work(lite, require=True)
    assert lite_ann.see(made["id"])["state"] == "failed"
    assert _isolated(lite) == []
    with lite.database.read() as session:
        (dead,) = admin.dead_letters(session)
    assert "does not let this process leave the network, and the board requires it" in dead.error

