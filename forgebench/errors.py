"""What can go wrong, worded for the person who has to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


class ForgeBenchError(Exception):
    """The root of all errors that ForgeBench raises on purpose; the command prints them without a traceback."""


class InputError(ForgeBenchError, ValueError):
    """Something given to ForgeBench cannot be used."""


class NotFoundError(ForgeBenchError, FileNotFoundError):
    """Something named does not exist."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with an input, and how to mend it."""

    code: str
    """The kind of problem, such as `unreadable` or `wrong_size`."""
    sample_id: str
    """The sample concerned; empty where the whole input is."""
    expected: str
    """What was looked for."""
    got: str
    """What was found."""
    fix: str
    """What to do about it."""

    def to_dict(self) -> dict[str, str]:
        """The problem as plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        where = f" {self.sample_id}:" if self.sample_id else ""
        return f"[{self.code}]{where} expected {self.expected}, got {self.got}. {self.fix}"


class ProblemsError(InputError):
    """An input with problems, all of them at once."""

    def __init__(self, summary: str, problems: Sequence[Problem], shown: int = 20) -> None:
        self.summary = summary
        self.problems = sorted(problems)
        lines = [str(problem) for problem in self.problems[:shown]]
        if len(self.problems) > shown:
            lines.append(f"… and {len(self.problems) - shown} more (all of them with --json)")
        super().__init__("\n  ".join([summary, *lines]))

    def __reduce__(self) -> tuple[type[ProblemsError], tuple[str, list[Problem]]]:
        """What it is made from again after the way from another process."""
        return type(self), (self.summary, self.problems)
