"""The last line of the audit log, signed: who keeps it elsewhere can tell later whether lines are gone from the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from forgebench import InputError
from forgebench.scoring import is_signed, sign_bytes
from leaderboard.service.models import AuditEntry

HEAD_FILE = "audit-head.json"


class Head(BaseModel):
    """`audit-head.json`: a line that the log ended with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    """How many lines there were."""
    at: float
    """When the last was written, seconds since 1970."""
    hash: str
    """The last line's; it holds those of all before."""
    signature: str
    """Ed25519 over the rest, base64."""


def signed_head(session: Session, key: Path) -> Head | None:
    """The last line of the log as it is now, signed with a board's private key; None where there is no line."""
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))
    if last is None:
        return None
    signature = sign_bytes(_said(last.number, last.at, last.hash), key)
    return Head(number=last.number, at=last.at, hash=last.hash, signature=signature.value)


def read_head(path: Path) -> Head:
    """A head that was kept.

    Raises:
        InputError: If the file holds none.
    """
    try:
        return Head.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            f"Expected a head of the audit log in {path}, found none. Take {HEAD_FILE} of the site, or out of a backup."
        ) from error


def lost_since(session: Session, head: Head, public: Path) -> Iterator[str]:
    """What the log lacks of a kept head, in words; nothing where it goes on from there.

    Args:
        session: A transaction.
        head: As it was kept.
        public: The board's public key, PEM.
    """
    if not is_signed(_said(head.number, head.at, head.hash), head.signature, public):
        yield "the kept head of the audit log is not signed by this board"
        return
    here = session.get(AuditEntry, head.number)
    if here is None:
        yield f"audit line {head.number}, which was there when the head was kept, is gone: the log was cut"
    elif here.hash != head.hash:
        yield f"audit line {head.number} is not the one of the kept head: the log was written anew"


def _said(number: int, at: float, digest: str) -> bytes:
    return json.dumps(["forgebench audit head", number, repr(at), digest]).encode()
