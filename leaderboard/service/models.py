"""The tables. Times are seconds since 1970, UTC; ids are random, so that none can be guessed or counted."""

from __future__ import annotations

import secrets
import time
from typing import Any, Literal, get_args

from sqlalchemy import JSON, BigInteger, Boolean, CheckConstraint, Float, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

State = Literal["queued", "validating", "scoring", "scored", "invalid", "failed", "withdrawn"]
JobKind = Literal["score", "site"]
JobState = Literal["waiting", "leased", "done", "dead"]
FINAL = ("scored", "invalid", "failed", "withdrawn")
"""States that a submission stays in by itself."""


def new_id() -> str:
    """A random id."""
    return secrets.token_hex(12)


def _one_of(column: str, kind: Any) -> CheckConstraint:  # noqa: ANN401
    names = ", ".join(f"'{name}'" for name in get_args(kind))
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {  # noqa: RUF012
        str: String(), float: Float(53), dict[str, Any]: JSON(), list[Any]: JSON(), bool: Boolean(),
        int: BigInteger().with_variant(Integer(), "sqlite"),
    }  # fmt: skip


class Account(Base):
    """A participant."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    disabled: Mapped[bool] = mapped_column(default=False)


class Invitation(Base):
    """Lets one person sign up, once."""

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    secret_hash: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    created: Mapped[float] = mapped_column(default=time.time)
    expires: Mapped[float]
    used_by: Mapped[str | None] = mapped_column(ForeignKey("account.id"))


class Token(Base):
    """Lets a program, or a signed-in page, act for an account."""

    __tablename__ = "token"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[str]
    """Separated by blanks."""
    session: Mapped[bool] = mapped_column(default=False)
    """Whether it is a page's cookie; those are not listed."""
    created: Mapped[float] = mapped_column(default=time.time)
    expires: Mapped[float]
    revoked: Mapped[bool] = mapped_column(default=False)


class Quota(Base):
    """An account's own limits on a benchmark, where they are not those of the settings."""

    __tablename__ = "quota"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), primary_key=True)
    benchmark: Mapped[str] = mapped_column(primary_key=True)
    per_day: Mapped[int]
    total: Mapped[int]


class Attempt(Base):
    """How often something was done in one window of time: failed logins of an address, uploads of an account."""

    __tablename__ = "attempt"

    key: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]


class Upload(Base):
    """A file on its way in."""

    __tablename__ = "upload"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    benchmark: Mapped[str]
    suffix: Mapped[str]
    """`.zip` or `.parquet`."""
    sha256: Mapped[str]
    size: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    created: Mapped[float] = mapped_column(default=time.time)


class Submission(Base):
    """What was submitted, and what became of it."""

    __tablename__ = "submission"
    __table_args__ = (_one_of("state", State),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    upload_id: Mapped[str] = mapped_column(unique=True)
    benchmark: Mapped[str] = mapped_column(index=True)
    suffix: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    partial: Mapped[bool]
    """Whether it is scored although samples are missing or wrong."""
    calibration_id: Mapped[str | None] = mapped_column(ForeignKey("submission.id"))
    state: Mapped[str] = mapped_column(default="queued", index=True)
    manifest: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    problems: Mapped[list[Any]] = mapped_column(default=list)
    message: Mapped[str] = mapped_column(default="")
    flags: Mapped[list[Any]] = mapped_column(default=list)
    """What moderators should look at, such as duplicates."""
    created: Mapped[float] = mapped_column(default=time.time, index=True)
    updated: Mapped[float] = mapped_column(default=time.time, onupdate=time.time)
    moderated: Mapped[str] = mapped_column(default="")
    """Why a moderator took it off the board; empty where none did."""
    superseded_by: Mapped[str | None] = mapped_column(
        ForeignKey("submission.id", deferrable=True, initially="DEFERRED")
    )


class Result(Base):
    """A score; the newest of a submission counts, earlier ones are its history."""

    __tablename__ = "result"
    __table_args__ = (UniqueConstraint("submission_id", "number"),)

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), primary_key=True)
    """One job gives one result: a second attempt cannot add another."""
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    number: Mapped[int]
    """1 for the first; one more for each rescoring."""
    exact: Mapped[str]
    """SHA-256 of the exact record's file."""
    per_image: Mapped[str]
    """SHA-256 of the per-image table's file."""
    shown: Mapped[str]
    """SHA-256 of the signed record's file that everyone may read."""
    sketch: Mapped[str]
    """SHA-256 of the predictions' sketch."""
    predictions_sha256: Mapped[str] = mapped_column(index=True)
    split: Mapped[str]
    hidden: Mapped[bool]
    """Whether the split's truth is hidden."""
    isolated: Mapped[bool]
    """Whether it was scored without a network."""
    reason: Mapped[str] = mapped_column(default="")
    """Why it was scored again."""
    created: Mapped[float] = mapped_column(default=time.time)


class Job(Base):
    """Work to be done, enqueued in the transaction that asks for it."""

    __tablename__ = "job"
    __table_args__ = (_one_of("kind", JobKind), _one_of("state", JobState))

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submission.id"), index=True)
    reason: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="waiting", index=True)
    run_after: Mapped[float] = mapped_column(default=0.0)
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None]
    """Who has it: a new one for every attempt."""
    lease_until: Mapped[float | None]
    error: Mapped[str] = mapped_column(default="")
    created: Mapped[float] = mapped_column(default=time.time)


class Fact(Base):
    """What is true of the whole board."""

    __tablename__ = "fact"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class AuditEntry(Base):
    """One line of the audit log."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str]
    hash: Mapped[str]
