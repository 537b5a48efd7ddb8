"""Cleaning up, and checking that all is there and as it was."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from forgebench import ForgeBenchError, verify
from leaderboard.service.audit_head import Head, lost_since
from leaderboard.service.audit_log import broken_lines, note
from leaderboard.service.board import Board
from leaderboard.service.database import clock
from leaderboard.service.keys import public_key
from leaderboard.service.models import AuditEntry, Fact, Result, Submission, Upload
from leaderboard.service.published import SITE
from leaderboard.service.quotas import DAY
from leaderboard.service.results import fetch_score

_HOUR = 3600.0
FILE_REMOVED = "submission.file_removed"
"""The action in the log for a file that is not kept any longer."""
_HAS_FILE = Submission.id.not_in(select(AuditEntry.subject).where(AuditEntry.action == FILE_REMOVED))


def kept_objects(session: Session) -> set[str]:
    """Every object in storage that something refers to."""
    files = select(Submission.sha256).where(_HAS_FILE)
    queries = (files, select(Result.shown), select(Fact.value).filter_by(name=SITE))
    return {digest for query in queries for digest in session.scalars(query)}


def private_objects(session: Session) -> set[str]:
    """Every object in private storage that something refers to."""
    rows = session.execute(select(Result.exact, Result.per_image, Result.sketch))
    return {digest for row in rows for digest in row}


def collect(board: Board, *, older_than: float | None = None) -> list[str]:
    """Remove uploads that were never finished and objects that nothing refers to.

    Args:
        board: The board.
        older_than: Seconds; None takes twice as long as a job may take, for what is not committed yet.

    Returns:
        The objects removed.
    """
    settings = board.settings
    grace = max(2 * settings.score_seconds, _HOUR) if older_than is None else older_than
    with board.database.begin() as session:
        finished = select(Submission.upload_id)
        old = Upload.created < clock(session) - settings.upload_hours * _HOUR
        session.execute(delete(Upload).where(old, Upload.id.not_in(finished)))
        alive = set(session.scalars(select(Upload.id).where(Upload.id.not_in(finished))))
        _let_go(session, settings.invalid_days)
        kept, private = kept_objects(session), private_objects(session)
    for upload in board.storage.uploads() - alive:
        board.storage.remove_parts(upload)
    return board.storage.collect(kept, older_than=grace) + board.private.collect(private, older_than=grace)


def _let_go(session: Session, days: float) -> None:
    """Say of old submissions without a result that their files are not kept any longer; the log remembers it."""
    scored = exists().where(Result.submission_id == Submission.id)
    useless = (Submission.state.in_(("invalid", "withdrawn")), ~scored, _HAS_FILE)
    old = Submission.updated < clock(session) - days * DAY
    for submission in session.scalars(select(Submission).where(*useless, old).order_by(Submission.created)):
        note(session, "worker", FILE_REMOVED, submission.id, sha256=submission.sha256)


def problems(board: Board, head: Head | None = None) -> Iterator[str]:
    """What is wrong with a board, in words: its log, which must go on from a kept head; its objects, its records."""
    with tempfile.TemporaryDirectory() as name:
        public = Path(name) / "board.pub"
        public.write_bytes(public_key(board.key))
        with board.database.read() as session:
            yield from broken_lines(session)
            if head is not None:
                yield from lost_since(session, head, public)
            submissions = list(session.scalars(select(Submission).where(_HAS_FILE)))
            results = list(session.scalars(select(Result)))
        for submission in submissions:
            yield from _lost(board, submission.sha256, f"submission {submission.id}")
        for result in results:
            yield from _wrong(board, result, public)


def _lost(board: Board, digest: str, what: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        try:
            board.storage.get(digest, Path(name) / "object")
        except ForgeBenchError as error:
            yield f"{what}: {error}"


def _wrong(board: Board, result: Result, public: Path) -> Iterator[str]:
    """Whether a result's records verify: the shown one by its signature, the exact one by every number."""
    what = f"result {result.number} of submission {result.submission_id}"
    for shown in (True, False):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "score"
            try:
                fetch_score(board, result, folder)
                if shown:
                    board.storage.get(result.shown, folder / "record.json")
                found = verify(folder, workers=1, key=public if shown else None)
            except ForgeBenchError as error:
                yield f"{what}: {error}"
                continue
            for problem in found:
                yield f"{what}, {'as shown' if shown else 'exact'}: {problem}"
