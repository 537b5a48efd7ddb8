"""Uploads, part by part: a cut costs one part, and what is finished twice is one submission."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from leaderboard.service.audit_log import note
from leaderboard.service.benchmarks import public_benchmark
from leaderboard.service.database import Database, clock
from leaderboard.service.errors import RefusedError
from leaderboard.service.jobs import enqueue
from leaderboard.service.models import Account, Submission, Upload
from leaderboard.service.quotas import count_attempt, left
from leaderboard.service.settings import Settings
from leaderboard.service.storage import Storage

SUFFIXES = (".zip", ".parquet")
_HOUR = 3600


@dataclass(frozen=True)
class Wanted:
    """What is to be uploaded."""

    benchmark: str
    suffix: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Terms:
    """How an uploaded file is to be scored."""

    partial: bool
    calibration: str | None


def begin(session: Session, account: Account, wanted: Wanted, settings: Settings) -> Upload:
    """A new upload; or the one of the same file, to be continued.

    Raises:
        RefusedError: If it is too large, of an unknown kind or benchmark, or one too many.
    """
    public_benchmark(settings, wanted.benchmark)
    if wanted.suffix not in SUFFIXES or not re.fullmatch(r"[0-9a-f]{64}", wanted.sha256):
        raise RefusedError(422, "Expected a .zip or .parquet file, and its SHA-256 in hexadecimal.")
    if not 0 < wanted.size <= settings.upload_bytes:
        raise RefusedError(413, f"A submission has 1 to {settings.upload_bytes} bytes, this one {wanted.size}.")
    session.get(Account, account.id, with_for_update=True)
    for upload in session.scalars(select(Upload).filter_by(account_id=account.id, **vars(wanted))):
        if _open(session, upload, settings):
            return upload
    if count_attempt(session, f"uploads of {account.id}", _HOUR) > settings.uploads_per_hour:
        raise RefusedError(429, f"At most {settings.uploads_per_hour} uploads an hour.", retry_after=_HOUR)
    _check_room(session, account, wanted, settings)
    upload = Upload(account_id=account.id, created=clock(session), **vars(wanted))
    session.add(upload)
    session.flush()
    return upload


def _open(session: Session, upload: Upload, settings: Settings) -> bool:
    """Whether an upload can be continued, or its submission still counts."""
    made = session.scalar(select(Submission).filter_by(upload_id=upload.id))
    if made is not None:
        return made.state not in ("invalid", "failed", "withdrawn")
    return upload.created > clock(session) - settings.upload_hours * _HOUR


def _check_room(session: Session, account: Account, wanted: Wanted, settings: Settings) -> None:
    """What is on its way to a benchmark takes no more room than the submissions that are left may take."""
    places = left(session, account.id, wanted.benchmark, settings)
    coming = select(func.sum(Upload.size)).where(
        Upload.account_id == account.id, Upload.benchmark == wanted.benchmark,
        Upload.created > clock(session) - settings.upload_hours * _HOUR,
        Upload.id.not_in(select(Submission.upload_id)),
    )  # fmt: skip
    if (session.scalar(coming) or 0) + wanted.size > places * settings.upload_bytes:
        message = f"Unfinished uploads of yours take the room of all {places} submissions left. Finish one first."
        raise RefusedError(429, message, retry_after=_HOUR)


def own_upload(session: Session, account: Account, upload_id: str) -> Upload:
    """An upload of an account.

    Raises:
        RefusedError: If it has none of this id.
    """
    upload = session.get(Upload, upload_id)
    if upload is None or upload.account_id != account.id:
        raise RefusedError(404, "You have no such upload.")
    return upload


def receive(database: Database, storage: Storage, upload: Upload, offset: int, data: bytes) -> int:
    """Store a part; how many bytes there are now comes back.

    Raises:
        RefusedError: If the part is not the next one, or reaches beyond the end.
    """
    if offset != upload.received:
        raise RefusedError(409, f"{upload.received} bytes are here: send what follows them.")
    if not data or offset + len(data) > upload.size:
        raise RefusedError(413, f"Expected 1 to {upload.size - offset} more bytes, got {len(data)}.")
    storage.put_part(upload.id, offset, data)
    with database.begin() as session:
        here = (Upload.id == upload.id, Upload.received == offset)
        moved = update(Upload).where(*here).values(received=offset + len(data)).returning(Upload.id)
        if session.scalar(moved) is None:
            raise RefusedError(409, "The same part came twice at once. Ask where the upload stands.")
    return offset + len(data)


def finish(
    database: Database, storage: Storage, account: Account, upload: Upload, terms: Terms, settings: Settings
) -> Submission:
    """Turn a whole upload into a submission with its job, in one transaction; again, the same one comes back.

    Raises:
        RefusedError: If bytes are missing or others than announced, the account has no submission left, or the upload
            was submitted on other terms.
    """
    with database.read() as session:
        made = _made(session, upload, terms)
        if made is not None:
            return made
        if upload.received != upload.size:
            raise RefusedError(409, f"{upload.received} of {upload.size} bytes are here. Send the rest first.")
        _check_terms(session, account, upload, terms, settings)
    try:
        _store(database, storage, upload)
    except FileNotFoundError as error:
        with database.read() as session:
            made = _made(session, upload, terms)
        if made is None:
            _begin_anew(database, storage, upload)
            raise RefusedError(409, "Parts of the upload are gone. Upload the file again.") from error
        return made
    with database.begin() as session:
        made = _accepted(session, account, upload, terms, settings)
    storage.remove_parts(upload.id)
    return made


def _made(session: Session, upload: Upload, terms: Terms) -> Submission | None:
    made = session.scalar(select(Submission).filter_by(upload_id=upload.id))
    if made is not None and Terms(made.partial, made.calibration_id) != terms:
        message = f"This upload is submission {made.id}, on other terms. Withdraw that one and upload the file again."
        raise RefusedError(409, message)
    return made


def _store(database: Database, storage: Storage, upload: Upload) -> None:
    with tempfile.TemporaryDirectory(prefix="forgebench-upload-") as folder:
        whole = Path(folder) / "whole"
        if storage.join(upload.id, upload.size, whole) != upload.sha256:
            _begin_anew(database, storage, upload)
            raise RefusedError(422, "The bytes are not those announced: their SHA-256 differs. Upload the file again.")
        storage.put(whole)


def _begin_anew(database: Database, storage: Storage, upload: Upload) -> None:
    """Forget what has arrived of an upload: its sender begins again with the first part."""
    with database.begin() as session:
        session.execute(update(Upload).where(Upload.id == upload.id).values(received=0))
    storage.remove_parts(upload.id)


def _accepted(session: Session, account: Account, upload: Upload, terms: Terms, settings: Settings) -> Submission:
    session.get(Account, account.id, with_for_update=True)
    made = _made(session, upload, terms)
    if made is not None:
        return made
    _check_terms(session, account, upload, terms, settings)
    made = Submission(
        account_id=account.id, upload_id=upload.id, benchmark=upload.benchmark, suffix=upload.suffix,
        sha256=upload.sha256, size=upload.size, partial=terms.partial, calibration_id=terms.calibration,
        created=clock(session),
    )  # fmt: skip
    session.add(made)
    session.flush()
    enqueue(session, "score", made.id)
    note(
        session, account.name, "submission.accepted", made.id,
        benchmark=made.benchmark, sha256=made.sha256, calibration=terms.calibration,
    )  # fmt: skip
    return made


def _check_terms(session: Session, account: Account, upload: Upload, terms: Terms, settings: Settings) -> None:
    left(session, account.id, upload.benchmark, settings)
    if terms.calibration is not None:
        _check_calibration(session, account, terms.calibration)


def _check_calibration(session: Session, account: Account, submission_id: str) -> None:
    """Thresholds are frozen before the test: the calibration must be scored by the time the test comes in."""
    found = session.get(Submission, submission_id)
    if found is None or found.account_id != account.id:
        raise RefusedError(404, "The calibration must be a submission of yours.")
    if found.state != "scored":
        raise RefusedError(409, f"The calibration {found.id} is {found.state}. Wait until it is scored.")
