"""Leases run out, jobs fail, the disk is full: every submission is scored once, and nothing is left over."""

from __future__ import annotations

import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from people import Halves, Participant, score_all, submission
from sqlalchemy import select

from leaderboard.service import jobs, worker
from leaderboard.service.board import Board
from leaderboard.service.keeping import collect, problems
from leaderboard.service.models import Job, Result
from leaderboard.service.published import Published
from leaderboard.service.results import commit_verdict


def test_a_worker_that_lost_its_lease_stores_nothing(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the end of scoring and the commit, the lease runs out, and another worker does the whole job."""
    made = ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    others = []

    def late(of: Board, held: jobs.Lease, folder: Path, verdict: dict[str, object]) -> None:
        if not others:
            others.append(held)
            with of.database.begin() as session:
                session.get_one(Job, held.job_id).lease_until = 0.0
            score_all(of)
        commit_verdict(of, held, folder, verdict)

    monkeypatch.setattr(worker, "commit_verdict", late)
    score_all(board)
    assert ann.see(made["id"])["state"] == "scored"
    with board.database.read() as session:
        assert len(session.scalars(select(Result)).all()) == 1
    assert len(collect(board, older_than=-1)) == 2  # the late worker's records: their time of making differs
    assert list(problems(board)) == []


def test_two_workers_never_have_one_job(board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path) -> None:
    for seed in range(3):
        ann.submit(submission(tmp_path, benchmarks.opened("plain"), seed))
    held = []
    for _ in range(4):
        with board.database.begin() as session:
            held.append(jobs.lease(session, board.settings))
    assert len({one.job_id for one in held if one}) == 3
    assert held[3] is None


def test_one_worker_at_a_time_builds_the_site(board: Board) -> None:
    with board.database.begin() as session:
        jobs.enqueue(session, "site")
    with board.database.begin() as session:
        first = jobs.lease(session, board.settings)
        assert first is not None
        jobs.enqueue(session, "site")
    with board.database.begin() as session:
        assert jobs.lease(session, board.settings) is None
        session.get_one(Job, first.job_id).lease_until = 0.0
    with board.database.begin() as session:
        assert jobs.lease(session, board.settings) is not None  # its worker was lost
        assert jobs.lease(session, board.settings) is None


def test_what_is_withdrawn_while_it_is_scored_is_not_published(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))

    def late(of: Board, held: jobs.Lease, folder: Path, verdict: dict[str, object]) -> None:
        assert lite_ann.ask("POST", f"/submissions/{made['id']}/withdraw").status_code == 200
        commit_verdict(of, held, folder, verdict)

    monkeypatch.setattr(worker, "commit_verdict", late)
    score_all(lite)
    seen = lite_ann.see(made["id"])
    assert (seen["state"], seen["results"]) == ("withdrawn", 0)
    assert Published(lite).folder() is None


def test_a_job_that_always_fails_becomes_a_dead_letter(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    made = ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    board.storage.remove(made["sha256"])
    score_all(board)
    assert ann.see(made["id"])["state"] == "failed"
    with board.database.read() as session:
        dead = session.scalars(select(Job).filter_by(state="dead")).one()
    assert (dead.attempts, "is gone" in dead.error) == (5, True)
    board.storage.put(tmp_path / "sub-0-0-0.zip")
    with board.database.begin() as session:
        assert jobs.requeue(session, dead.id)
    score_all(board)
    assert ann.see(made["id"])["state"] == "scored"


def test_a_full_disk_refuses_and_leaves_nothing(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    file = submission(tmp_path, benchmarks.opened("plain"))
    about = lite_ann.upload(file, parts=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(OSError, match="large"):
            lite.storage.put_part(about["id"], about["received"], file.read_bytes()[2048:4096])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    made = lite_ann.submit(file)
    assert not list((lite.settings.data / "objects" / "incoming").iterdir())
    score_all(lite)
    assert lite_ann.see(made["id"])["state"] == "scored"


def test_what_nothing_refers_to_is_collected(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    kept = ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    orphan = board.storage.put_bytes(b"never committed")
    ann.upload(submission(tmp_path, benchmarks.opened("plain"), 1), parts=1)
    assert collect(board) == []
    assert collect(board, older_than=-1) == [orphan]
    assert [digest for digest, _ in board.storage.objects()] == [kept["sha256"]]
    patient = replace(board, settings=board.settings.model_copy(update={"upload_hours": 1e-9}))
    collect(patient)
    assert board.storage.uploads() == set()
