"""From a lease to the scoring process's folder, and from its verdict to the database."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from forgebench import Record, read_record
from forgebench.scoring import rounded, signed
from leaderboard.service import jobs
from leaderboard.service.audit_log import note
from leaderboard.service.benchmarks import is_hidden, public_benchmark, scored_benchmark
from leaderboard.service.board import Board
from leaderboard.service.jobs import Lease
from leaderboard.service.models import Job, Result, Submission
from leaderboard.service.scoring_job import SCORE, SKETCH, Spec
from leaderboard.service.sketches import distance

_SHOWN = "shown"


def latest_result(session: Session, submission_id: str) -> Result | None:
    """The result that counts."""
    query = select(Result).filter_by(submission_id=submission_id).order_by(Result.number.desc()).limit(1)
    return session.scalar(query)


def latest_results(session: Session, submission_ids: Collection[str]) -> dict[str, Result]:
    """The results that count of many submissions, by their ids, where there are any."""
    return {name: results[-1] for name, results in results_of(session, submission_ids).items()}


def results_of(session: Session, submission_ids: Collection[str]) -> dict[str, list[Result]]:
    """All results of submissions, the oldest first, by their ids, where there are any."""
    found: dict[str, list[Result]] = {}
    query = select(Result).where(Result.submission_id.in_(submission_ids)).order_by(Result.number)
    for one in session.scalars(query):
        found.setdefault(one.submission_id, []).append(one)
    return found


def prepare(board: Board, held: Lease, folder: Path) -> Path:
    """Fetch what the scoring process needs; its specification's file comes back."""
    settings = board.settings
    with board.database.read() as session:
        submission = session.get_one(Submission, held.submission_id)
        frozen = None if submission.calibration_id is None else latest_result(session, submission.calibration_id)
    file = board.storage.get(submission.sha256, folder / f"submission{submission.suffix}")
    calibration = None if frozen is None else fetch_score(board, frozen, folder / "calibration")
    spec = Spec(
        submission=str(file), benchmark=str(scored_benchmark(settings, submission.benchmark).path.absolute()),
        out=str(folder), definitions=list(settings.definitions), slices=list(settings.slices),
        partial=submission.partial,
        calibration=None if calibration is None else str(calibration), memory=settings.score_bytes,
        seconds=settings.score_seconds, disk=4 * settings.upload_bytes, require_isolation=settings.require_isolation,
    )  # fmt: skip
    return spec.write(folder / "spec.json")


def fetch_score(board: Board, result: Result, folder: Path) -> Path:
    """The exact record of a result and its per-image table: what no participant may see where truth is hidden."""
    folder.mkdir(parents=True)
    board.private.get(result.exact, folder / "record.json")
    board.private.get(result.per_image, folder / "per_image.parquet")
    return folder


def commit_verdict(board: Board, held: Lease, folder: Path, verdict: dict[str, Any]) -> None:
    """Store what came of a job, once: nothing where the lease was lost or the submission withdrawn meanwhile."""
    result = None
    if verdict["verdict"] == "scored":
        result = _stored(board, held, folder, isolated=verdict["isolated"])
    with board.database.begin() as session:
        if not jobs.complete(session, held):
            return
        submission = session.get_one(Submission, held.submission_id, with_for_update=True)
        if submission.state == "withdrawn":
            return
        submission.state, submission.manifest, submission.message = verdict["verdict"], verdict["manifest"], ""
        submission.problems = verdict["problems"]
        if verdict["n_problems"] > len(verdict["problems"]):
            submission.message = f"{verdict['n_problems']} problems; the first {len(verdict['problems'])} are listed."
        if result is not None:
            _add(session, board, submission, result)
        note(session, "worker", f"submission.{verdict['verdict']}", submission.id, job=held.job_id)


def _add(session: Session, board: Board, submission: Submission, result: Result) -> None:
    earlier = select(func.count()).select_from(Result).filter_by(submission_id=submission.id)
    result.number = (session.scalar(earlier) or 0) + 1
    session.add(result)
    submission.flags = list(_flags(session, board, submission, result))
    jobs.enqueue(session, "site")


def _stored(board: Board, held: Lease, folder: Path, *, isolated: bool) -> Result:
    """The score's files in storage, and the row that will tell of them."""
    with board.database.read() as session:
        submission = session.get_one(Submission, held.submission_id)
        frozen = None if submission.calibration_id is None else latest_result(session, submission.calibration_id)
    record, score = read_record(folder / SCORE)
    hidden = is_hidden(public_benchmark(board.settings, submission.benchmark), record.benchmark.split)
    # A threshold that was frozen on hidden truth tells of it, and so does every number that depends on it.
    hidden = hidden or (frozen is not None and frozen.hidden)
    shown = folder / _SHOWN
    shown.mkdir()
    _as_shown(board, record, hidden=hidden).write(shown)
    put = board.private.put
    return Result(
        job_id=held.job_id, submission_id=submission.id, exact=put(score / "record.json"),
        per_image=put(score / "per_image.parquet"), sketch=put(folder / SKETCH),
        shown=board.storage.put(shown / "record.json"), predictions_sha256=record.predictions.sha256,
        split=record.benchmark.split, hidden=hidden, isolated=isolated, reason=held.reason,
    )  # fmt: skip


def _as_shown(board: Board, record: Record, *, hidden: bool) -> Record:
    return signed(rounded(record, board.settings.digits) if hidden else record, board.key)


def _flags(session: Session, board: Board, submission: Submission, result: Result) -> list[dict[str, Any]]:
    """What a moderator should know: the same or nearly the same predictions were submitted before."""
    others = session.execute(
        select(Submission.id, Result.predictions_sha256, Result.sketch)
        .join(Result, Result.submission_id == Submission.id)
        .where(Submission.id != submission.id, Submission.benchmark == submission.benchmark)
        .where(Result.split == result.split, Result.number == 1)
    )
    mine, flags = board.private.get_bytes(result.sketch), list[dict[str, Any]]()
    for other, predictions, sketch in others:
        apart = distance(mine, board.private.get_bytes(sketch))
        if predictions == result.predictions_sha256:
            flags.append({"flag": "duplicate", "of": other})
        elif apart < board.settings.near:
            flags.append({"flag": "near_duplicate", "of": other, "apart": round(apart, 3)})
    return flags


def withdraw(session: Session, submission: Submission, actor: str) -> None:
    """Take a submission back: unscored, it is not scored; scored, its row stays on the board and says so."""
    waiting = update(Job).where(Job.submission_id == submission.id, Job.state == "waiting")
    session.execute(waiting.values(state="done", error="withdrawn"))
    submission.state = "withdrawn"
    note(session, actor, "submission.withdrawn", submission.id)
    jobs.enqueue(session, "site")
