"""The audit log: lines are added and never changed, and each carries the hash of the one before.

The database refuses to change or delete a line (triggers of the first migration). Whoever has the rights to drop the
triggers can do both. `check` then finds a line that was changed, and one that is gone from before another. That the
last lines are gone, or a line and all hashes after it were written anew, it finds with a signed head of the log that
was kept elsewhere: see `audit_head`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from leaderboard.service.database import clock
from leaderboard.service.models import AuditEntry

_LOCK = 7_305_002
FIRST = "0" * 64


def note(session: Session, actor: str, action: str, subject: str, **detail: Any) -> None:  # noqa: ANN401
    """Add a line, in the transaction that does what it tells of.

    Args:
        session: The transaction.
        actor: An account's name, `admin` or `worker`.
        action: What was done, such as `submission.accepted`.
        subject: The id of what it was done to.
        **detail: Plain JSON; never a secret.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    last = session.get(AuditEntry, session.scalar(select(func.max(AuditEntry.number))) or 0)
    entry = AuditEntry(
        number=1 if last is None else last.number + 1, at=clock(session), actor=actor, action=action,
        subject=subject, detail=detail, previous=FIRST if last is None else last.hash, hash="",
    )  # fmt: skip
    entry.hash = line_hash(entry)
    session.add(entry)
    session.flush()


def line_hash(entry: AuditEntry) -> str:
    """SHA-256 over a line's fields and the hash before it."""
    fields = [
        entry.number, repr(entry.at), entry.actor, entry.action, entry.subject, entry.detail, entry.previous,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def broken_lines(session: Session) -> Iterator[str]:
    """What is wrong with the log, in words; nothing for a sound one."""
    previous, number = FIRST, 0
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.number)):
        number += 1
        if entry.number != number:
            yield f"audit line {number} is gone: the next one is {entry.number}"
            number = entry.number
        if entry.previous != previous or line_hash(entry) != entry.hash:
            yield f"audit line {entry.number} was changed, or the one before it"
        previous = entry.hash
