"""The queue: jobs leased by workers from the same database, so that a job and what asks for it are one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from sqlalchemy import Update, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from leaderboard.service.audit_log import note
from leaderboard.service.database import clock
from leaderboard.service.models import FINAL, Job, JobKind, Submission
from leaderboard.service.settings import Settings


@dataclass(frozen=True)
class Lease:
    """A job that a worker has for a while."""

    job_id: str
    token: str
    kind: JobKind
    submission_id: str | None
    reason: str


def enqueue(session: Session, kind: JobKind, submission_id: str | None = None, reason: str = "") -> Job | None:
    """Add a job; of waiting jobs for the site one is enough, and None comes back."""
    if kind == "site" and session.scalar(select(Job.id).filter_by(kind="site", state="waiting").limit(1)):
        return None
    job = Job(kind=kind, submission_id=submission_id, reason=reason, created=clock(session))
    session.add(job)
    session.flush()
    return job


def lease(session: Session, settings: Settings) -> Lease | None:
    """Take the next job; one whose worker has not been heard of for too long counts as failed once, and is next again.

    One worker at a time builds the site, so that no older one takes the place of a newer; and nothing is scored before
    its calibration.
    On PostgreSQL, workers pass over the rows that others are taking; SQLite has one writer at a time.
    """
    now = clock(session)
    ready = or_(
        and_(Job.state == "waiting", Job.run_after <= now), and_(Job.state == "leased", Job.lease_until < now)
    )
    other, scored = aliased(Job), aliased(Submission)
    calibrating = exists().where(
        scored.id == Job.submission_id, other.submission_id == scored.calibration_id,
        other.state.in_(("waiting", "leased")),
    )  # fmt: skip
    building = exists().where(other.kind == "site", other.state == "leased", other.lease_until >= now)
    free = or_(Job.kind != "site", ~building)
    query = select(Job).where(ready, free, ~calibrating).order_by(Job.run_after, Job.created).limit(1)
    job = session.scalar(query.with_for_update(skip_locked=True))
    if job is None:
        return None
    if job.state == "leased" and job.attempts >= settings.attempts:
        _bury(session, job, f"the worker was lost {job.attempts} times")
        return lease(session, settings)
    job.state, job.lease, job.lease_until = "leased", uuid4().hex, now + settings.lease_seconds
    job.attempts += 1
    kind: JobKind = "score" if job.kind == "score" else "site"
    return Lease(job.id, job.lease, kind, job.submission_id, job.reason)


def renew(session: Session, held: Lease, settings: Settings) -> bool:
    """A sign of life; False where the job is another's by now."""
    until = clock(session) + settings.lease_seconds
    return session.scalar(_mine(held).values(lease_until=until).returning(Job.id)) is not None


def complete(session: Session, held: Lease) -> bool:
    """The job is done, in the transaction that stores its result; False where it is another's by now."""
    done = _mine(held).values(state="done", lease=None, lease_until=None, error="")
    return session.scalar(done.returning(Job.id)) is not None


def fail(session: Session, held: Lease, error: str, settings: Settings) -> None:
    """The attempt failed: it is made again later, or the job goes to the dead letters."""
    job = session.scalar(select(Job).filter_by(id=held.job_id, lease=held.token).with_for_update())
    if job is None:
        return
    job.error = error[:2000]
    if job.attempts >= settings.attempts:
        _bury(session, job, job.error)
        return
    job.state, job.lease, job.lease_until = "waiting", None, None
    job.run_after = clock(session) + settings.retry_seconds * 2 ** (job.attempts - 1)


def requeue(session: Session, job_id: str) -> bool:
    """Give a dead job another life; False where there is no such dead job."""
    job = session.get(Job, job_id, with_for_update=True)
    if job is None or job.state != "dead":
        return False
    job.state, job.attempts, job.run_after = "waiting", 0, 0.0
    _set_state(session, job, "queued", "")
    note(session, "admin", "job.requeued", job.id)
    return True


def set_running(session: Session, held: Lease, state: Literal["validating", "scoring"]) -> None:
    """Show what is going on; what is final stays so: a rescoring does not take a score off the board."""
    where = (Submission.id == held.submission_id, Submission.state.not_in(FINAL))
    session.execute(update(Submission).where(*where).values(state=state))


def _mine(held: Lease) -> Update:
    return update(Job).where(Job.id == held.job_id, Job.lease == held.token, Job.state == "leased")


def _bury(session: Session, job: Job, error: str) -> None:
    job.state, job.error, job.lease, job.lease_until = "dead", error, None, None
    message = "Scoring failed on the board's side. Its keepers have been told; nothing is lost."
    _set_state(session, job, "failed", message)
    note(session, "worker", "job.dead", job.id, error=error[:200])


def _set_state(session: Session, job: Job, state: str, message: str) -> None:
    where = (Submission.id == job.submission_id, Submission.state.not_in(("scored", "withdrawn", "invalid")))
    session.execute(update(Submission).where(*where).values(state=state, message=message))
