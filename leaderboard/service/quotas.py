"""How much of what one may do: counted in the database, so that all processes count together."""

from __future__ import annotations

from sqlalchemy import String, and_, cast, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from leaderboard.service.database import clock
from leaderboard.service.errors import RefusedError
from leaderboard.service.models import Attempt, Quota, Result, Submission
from leaderboard.service.settings import Settings

DAY = 86_400.0


def count_attempt(session: Session, key: str, seconds: int) -> int:
    """Count something that was done just now; how often it was in this window of time."""
    window = int(clock(session)) // seconds
    session.execute(delete(Attempt).where(Attempt.key == key, Attempt.window < window))
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    once = insert(Attempt).values(key=key, window=window, count=1)
    more = once.on_conflict_do_update(index_elements=["key", "window"], set_={"count": Attempt.count + 1})
    return int(session.execute(more.returning(Attempt.count)).scalar_one())


def attempts(session: Session, key: str, seconds: int) -> int:
    """How often something was done in this window of time."""
    row = session.get(Attempt, (key, int(clock(session)) // seconds))
    return 0 if row is None else row.count


def limits(session: Session, account_id: str, benchmark: str, settings: Settings) -> tuple[int, int]:
    """How many submissions an account may make to a benchmark: in 24 hours, and altogether."""
    own = session.get(Quota, (account_id, benchmark))
    return (settings.per_day, settings.per_benchmark) if own is None else (own.per_day, own.total)


def used(session: Session, account_id: str, benchmark: str) -> tuple[int, int]:
    """How many it has made; those that turned out invalid tell nothing of the truth and do not count."""
    scored = exists().where(Result.submission_id == Submission.id)
    withdrawn_invalid = and_(Submission.state == "withdrawn", cast(Submission.problems, String) != "[]", ~scored)
    invalid = or_(Submission.state == "invalid", withdrawn_invalid)
    mine = (Submission.account_id == account_id, Submission.benchmark == benchmark, ~invalid)
    total = select(func.count()).select_from(Submission).where(*mine)
    recent = total.where(Submission.created > clock(session) - DAY)
    return session.scalar(recent) or 0, session.scalar(total) or 0


def left(session: Session, account_id: str, benchmark: str, settings: Settings) -> int:
    """How many submissions an account has left; who takes one locks the account's row first.

    Raises:
        RefusedError: If it has none left.
    """
    day, total = limits(session, account_id, benchmark, settings)
    day_used, total_used = used(session, account_id, benchmark)
    if total_used >= total:
        raise RefusedError(429, f"All {total} submissions of yours to {benchmark} are used.")
    if day_used >= day:
        raise RefusedError(429, f"All {day} submissions of 24 hours to {benchmark} are used.", retry_after=3600)
    return min(day - day_used, total - total_used)
