"""What the keepers of a board do; every act is a line of the audit log."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from forgebench import InputError
from leaderboard.service import jobs
from leaderboard.service.audit_log import note
from leaderboard.service.models import Account, Job, Quota, Submission, Token


def account_named(session: Session, name: str) -> Account:
    """An account.

    Raises:
        InputError: If there is none of this name.
    """
    found = session.scalar(select(Account).filter_by(name=name))
    if found is None:
        raise InputError(f"There is no account {name!r}.")
    return found


def _submission(session: Session, submission_id: str) -> Submission:
    found = session.get(Submission, submission_id, with_for_update=True)
    if found is None:
        raise InputError(f"There is no submission {submission_id!r}.")
    return found


def moderate(session: Session, submission_id: str, reason: str) -> None:
    """Take a submission off the board for a reason; an empty one puts it back."""
    found = _submission(session, submission_id)
    found.moderated = reason
    note(session, "admin", "submission.moderated", found.id, reason=reason)
    jobs.enqueue(session, "site")


def supersede(session: Session, old: str, new: str) -> None:
    """Say that a submission took the place of another of the same account and benchmark; both rows stay.

    Raises:
        InputError: If they do not belong together, the new one is not on the board, or it would go round in a circle.
    """
    before, after = _submission(session, old), _submission(session, new)
    if (before.account_id, before.benchmark) != (after.account_id, after.benchmark) or old == new:
        raise InputError("Only another submission of the same account to the same benchmark can take its place.")
    if after.state != "scored" or after.moderated:
        raise InputError(f"{new} is not on the board: it is {after.moderated or after.state}.")
    ahead: str | None = new
    while ahead is not None:
        if ahead == old:
            raise InputError(f"{new} was itself superseded by {old}.")
        ahead = session.get_one(Submission, ahead).superseded_by
    before.superseded_by = new
    note(session, "admin", "submission.superseded", old, by=new)
    jobs.enqueue(session, "site")


def rescore_all(session: Session, benchmark: str | None, reason: str) -> int:
    """Score every scored submission again, beside its earlier results; how many comes back.

    Calibrations come first, so that what froze its thresholds there is scored after them.
    """
    query = select(Submission).where(Submission.state == "scored").order_by(Submission.created)
    chosen = session.scalars(query if benchmark is None else query.where(Submission.benchmark == benchmark)).all()
    for one in chosen:
        jobs.enqueue(session, "score", one.id, reason)
    note(session, "admin", "rescore.begun", benchmark or "all", reason=reason, submissions=len(chosen))
    return len(chosen)


def set_quota(session: Session, name: str, benchmark: str, per_day: int, total: int) -> None:
    """Give an account its own limits on a benchmark."""
    account = account_named(session, name)
    session.merge(Quota(account_id=account.id, benchmark=benchmark, per_day=per_day, total=total))
    note(session, "admin", "quota.set", account.id, benchmark=benchmark, per_day=per_day, total=total)


def disable(session: Session, name: str) -> None:
    """Shut an account out: none of its tokens is good any more."""
    account = account_named(session, name)
    account.disabled = True
    session.execute(update(Token).where(Token.account_id == account.id).values(revoked=True))
    note(session, "admin", "account.disabled", account.id)


def dead_letters(session: Session) -> list[Job]:
    """Jobs that failed too often."""
    return list(session.scalars(select(Job).filter_by(state="dead").order_by(Job.created)))


def flagged(session: Session) -> list[Submission]:
    """Scored submissions with something that a moderator should look at."""
    found = session.scalars(select(Submission).where(Submission.state == "scored").order_by(Submission.created))
    return [one for one in found if one.flags]


