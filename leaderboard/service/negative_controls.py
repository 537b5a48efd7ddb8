"""Negative controls on a board of the service: methods that know nothing, scored as everybody is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from forgebench import Benchmark, predict
from forgebench.controls import NEGATIVE
from leaderboard.service.audit_log import note
from leaderboard.service.benchmarks import public_benchmark
from leaderboard.service.board import Board
from leaderboard.service.jobs import enqueue
from leaderboard.service.models import Account, Submission

ACCOUNT = "forgebench:controls"
"""A name that nobody can sign up with."""


def submit_controls(board: Board, name: str, split: str = "test") -> list[str]:
    """Predict a benchmark with every negative control, and queue what is not on the board yet.

    Args:
        board: The board.
        name: One of its benchmarks; the public half is enough.
        split: Which split.

    Returns:
        The ids of the new submissions.

    Raises:
        RefusedError: If the board has no such benchmark.
    """
    benchmark, made = public_benchmark(board.settings, name), []
    benchmark.check_split(split)
    with board.database.read() as session:
        there = set(session.scalars(select(Submission.upload_id)))
    for control in NEGATIVE:
        # In the place of an upload: no control is submitted twice.
        upload_id = f"{ACCOUNT}:{benchmark.content_hash[:16]}:{split}:{control}"
        if upload_id not in there:
            made.append(_queued(board, benchmark, split, control, upload_id))
    return made


def _queued(board: Board, benchmark: Benchmark, split: str, control: str, upload_id: str) -> str:
    with tempfile.TemporaryDirectory(prefix="forgebench-control-") as folder:
        file = predict(NEGATIVE[control](), benchmark, Path(folder) / "control.parquet", split=split).path
        digest, size = board.storage.put(file), file.stat().st_size
    with board.database.begin() as session:
        made = Submission(
            account_id=_account(session).id, upload_id=upload_id, benchmark=benchmark.name, suffix=".parquet",
            sha256=digest, size=size, partial=False,
        )  # fmt: skip
        session.add(made)
        session.flush()
        enqueue(session, "score", made.id)
        note(session, "admin", "control.submitted", made.id, benchmark=benchmark.name, split=split, control=control)
        return made.id


def _account(session: Session) -> Account:
    found = session.scalar(select(Account).filter_by(name=ACCOUNT))
    if found is None:
        found = Account(name=ACCOUNT, display_name="ForgeBench", disabled=True)
        session.add(found)
        session.flush()
    return found
