"""What the service refuses, and what a job fails with."""

from __future__ import annotations

from forgebench import ForgeBenchError


class RefusedError(ForgeBenchError):
    """A request that is refused: the status and the sentence that its sender gets."""

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


class JobError(Exception):
    """An attempt at a job failed."""
