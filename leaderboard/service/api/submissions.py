"""Submissions: made from an upload, watched, read, taken back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.service import uploads
from leaderboard.service.api.deps import Reader, Submitter, TheBoard
from leaderboard.service.api.schemas import IdInPath, NewSubmission, ResultSeen, SubmissionSeen
from leaderboard.service.board import Board
from leaderboard.service.errors import RefusedError
from leaderboard.service.models import Account, Result, Submission
from leaderboard.service.results import latest_result, latest_results, withdraw

router = APIRouter(tags=["submissions"])
RECORD: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"schema": {"type": "object"}}}}}
_MOST = 200


@router.post("/submissions", status_code=201)
def submit(said: NewSubmission, caller: Submitter, board: TheBoard) -> SubmissionSeen:
    """Have a finished upload scored; asked again, the same submission comes back."""
    with board.database.read() as session:
        upload = uploads.own_upload(session, caller.account, said.upload)
    terms = uploads.Terms(said.partial, said.calibration)
    made = uploads.finish(board.database, board.storage, caller.account, upload, terms, board.settings)
    return SubmissionSeen.of(made, None)


@router.get("/submissions")
def submissions(caller: Reader, board: TheBoard) -> list[SubmissionSeen]:
    """Your submissions, the newest first."""
    return own_submissions(board, caller.account)


def own_submissions(board: Board, account: Account) -> list[SubmissionSeen]:
    """An account's submissions, the newest first."""
    query = select(Submission).filter_by(account_id=account.id).order_by(Submission.created.desc()).limit(_MOST)
    with board.database.read() as session:
        found = session.scalars(query).all()
        results = latest_results(session, [one.id for one in found])
        return [SubmissionSeen.of(one, results.get(one.id)) for one in found]


@router.get("/submissions/{submission_id}")
def submission(submission_id: IdInPath, caller: Reader, board: TheBoard) -> SubmissionSeen:
    """One of your submissions: its state, and what is wrong with it."""
    with board.database.read() as session:
        found = own(session, caller.account, submission_id)
        return SubmissionSeen.of(found, latest_result(session, found.id))


@router.get("/submissions/{submission_id}/record", response_class=Response, responses=RECORD)
def record(submission_id: IdInPath, caller: Reader, board: TheBoard) -> Response:
    """The signed record of one of your submissions."""
    with board.database.read() as session:
        found = own(session, caller.account, submission_id)
        result = latest_result(session, found.id)
    if result is None:
        raise RefusedError(409, f"The submission is {found.state}: it has no record.")
    return Response(board.storage.get_bytes(result.shown), media_type="application/json")


@router.get("/submissions/{submission_id}/results")
def results(submission_id: IdInPath, caller: Reader, board: TheBoard) -> list[ResultSeen]:
    """Every time that one of your submissions was scored, the newest first: that one counts."""
    with board.database.read() as session:
        found = own(session, caller.account, submission_id)
        return history(session, found.id)


def history(session: Session, submission_id: str) -> list[ResultSeen]:
    """A submission's results, the newest first."""
    query = select(Result).filter_by(submission_id=submission_id).order_by(Result.number.desc())
    return [ResultSeen.of(one) for one in session.scalars(query)]


@router.get("/submissions/{submission_id}/results/{number}/record", response_class=Response, responses=RECORD)
def earlier_record(
    submission_id: IdInPath, number: Annotated[int, Path(ge=1, le=2**31 - 1)], caller: Reader, board: TheBoard
) -> Response:
    """The signed record of one of them."""
    with board.database.read() as session:
        found = own(session, caller.account, submission_id)
        result = session.scalar(select(Result).filter_by(submission_id=found.id, number=number))
    if result is None:
        raise RefusedError(404, "The submission has no such result.")
    return Response(board.storage.get_bytes(result.shown), media_type="application/json")


@router.post("/submissions/{submission_id}/withdraw")
def take_back(submission_id: IdInPath, caller: Submitter, board: TheBoard) -> SubmissionSeen:
    """Take a submission back: unscored, it is not scored; scored, its row says that it was withdrawn."""
    with board.database.begin() as session:
        found = own(session, caller.account, submission_id, lock=True)
        if found.state != "withdrawn":
            withdraw(session, found, caller.account.name)
        session.flush()
        return SubmissionSeen.of(found, latest_result(session, found.id))


def own(session: Session, account: Account, submission_id: str, *, lock: bool = False) -> Submission:
    """A submission of an account; another's is as if it were not there.

    Raises:
        RefusedError: If it has none of this id.
    """
    found = session.get(Submission, submission_id, with_for_update=lock)
    if found is None or found.account_id != account.id:
        raise RefusedError(404, "You have no such submission.")
    return found
