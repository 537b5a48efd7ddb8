"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from forgebench.submission.manifest import Line, Sha256
from leaderboard.service.auth import ACCOUNT_NAME
from leaderboard.service.models import Result, State, Submission, Token, Upload

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
IdInPath = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")]
Scope = Literal["read", "submit", "tokens"]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignUp(_Said):
    """A new account."""

    invitation: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
    name: Annotated[str, StringConstraints(pattern=ACCOUNT_NAME)]
    """In addresses and logs."""
    display_name: Line
    """On the board."""


class NewToken(_Said):
    """A token to be made."""

    name: Line
    scopes: list[Scope] = Field(min_length=1, max_length=3)
    days: float = Field(90, gt=0, le=366)


class TokenSeen(BaseModel):
    """A token, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created: float
    expires: float

    @classmethod
    def of(cls, token: Token) -> TokenSeen:
        """What may be seen of a token."""
        return cls(
            id=token.id, name=token.name, scopes=token.scopes.split(), created=token.created, expires=token.expires
        )


class TokenMade(TokenSeen):
    """A new token, with its text: it is shown this once."""

    token: str


class BenchmarkSeen(BaseModel):
    """A benchmark of the board, and what is left of one's quota."""

    name: str
    title: str
    content_hash: str
    splits: dict[str, int]
    hidden_splits: list[str]
    per_day: int
    total: int
    used_today: int
    used: int


class NewUpload(_Said):
    """A file that is to be uploaded."""

    benchmark: Line
    suffix: Literal[".zip", ".parquet"]
    sha256: Sha256
    size: int = Field(ge=1, le=2**50)


class UploadSeen(BaseModel):
    """Where an upload stands."""

    id: str
    received: int
    size: int
    part_bytes: int
    """Most bytes of one part."""

    @classmethod
    def of(cls, upload: Upload, part_bytes: int) -> UploadSeen:
        """Where it stands."""
        return cls(id=upload.id, received=upload.received, size=upload.size, part_bytes=part_bytes)


class NewSubmission(_Said):
    """A finished upload that is to be scored."""

    upload: Id
    partial: bool = False
    """Score it although samples are missing or wrong; they get the worst value."""
    calibration: Id | None = None
    """An earlier submission of yours, scored on another split: thresholds are frozen there."""


class SubmissionSeen(BaseModel):
    """A submission, as its sender sees it."""

    id: str
    benchmark: str
    state: State
    method: str | None
    version: str | None
    split: str | None
    sha256: str
    size: int
    created: float
    updated: float
    message: str
    problems: list[dict[str, str]]
    calibration: str | None
    superseded_by: str | None
    moderated: str
    results: int
    """How many times it was scored: rescoring after a change of a definition adds one."""
    record_sha256: str | None
    """SHA-256 of the record's file."""

    @classmethod
    def of(cls, one: Submission, result: Result | None) -> SubmissionSeen:
        """A submission with its newest result."""
        about: dict[str, Any] = one.manifest or {}
        return cls.model_validate(
            {name: about.get(name) for name in ("method", "version", "split")}
            | {name: getattr(one, name) for name in (
                "id", "benchmark", "state", "sha256", "size", "created", "updated", "message", "problems",
                "superseded_by", "moderated",
            )}
            | {
                "calibration": one.calibration_id, "results": 0 if result is None else result.number,
                "record_sha256": None if result is None else result.shown,
            }
        )  # fmt: skip


class ResultSeen(BaseModel):
    """One time that a submission was scored."""

    number: int
    """1 for the first."""
    record_sha256: str
    """SHA-256 of the record's file."""
    reason: str
    """Why it was scored again; empty for the first."""
    created: float

    @classmethod
    def of(cls, one: Result) -> ResultSeen:
        """What may be seen of a result."""
        return cls(number=one.number, record_sha256=one.shown, reason=one.reason, created=one.created)


class Trouble(BaseModel):
    """Why a request was refused."""

    detail: str


class Unusable(BaseModel):
    """What is wrong with a request: in a sentence, or field by field."""

    detail: str | list[dict[str, Any]]
