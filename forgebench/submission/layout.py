"""What a submission is made of, whatever its container: names, limits, and words for what must not be there."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from forgebench.errors import Problem

MANIFEST, SCORES, MASKS = "submission.json", "predictions.csv", "masks/"
MAX_MANIFEST = 2**20
MAX_TEXT = 256 * 2**20
"""Most bytes of `predictions.csv`."""
_MASK = re.compile(rf"{MASKS}([^/]*)\.png", re.DOTALL)
_JUNK = (".DS_Store", "Thumbs.db", "desktop.ini")


class UnreadableError(Exception):
    """A member that cannot be read: what is wrong with it."""


class Store(Protocol):
    """Where predictions lie."""

    @property
    def path(self) -> Path:
        """Where they lie."""

    def problems(self) -> list[Problem]:
        """What makes the container unsafe or unreadable, found without reading any member."""

    def manifest(self) -> bytes | None:
        """The bytes of `submission.json`; None where there is none."""

    def scores(self) -> Iterator[tuple[str, str]] | None:
        """Sample ids and scores as text; None where there are none.

        Raises:
            UnreadableError: If they cannot be read; while they are read, too.
        """

    def mask_ids(self) -> set[str]:
        """The sample ids that have a mask."""

    def mask(self, sample_id: str, limit: int) -> bytes | None:
        """A mask's PNG file of at most `limit` bytes; None where there is none.

        Raises:
            UnreadableError: If it cannot be read, or is larger.
        """


def printable(text: str) -> str:
    """Text from a submission, safe on a terminal and in a page: anything but plain characters escaped, and cut."""
    return re.sub(r"[^A-Za-z0-9_.,:;/()'=+ -]", lambda found: f"\\u{ord(found[0]):04x}", text[:200])


def unsafe(name: str, got: str) -> Problem:
    """A member that must not be there."""
    return Problem(
        "unsafe_archive", "", "plain members named as the format says", f"'{printable(name)}': {got}",
        "Make the archive again from submission.json, predictions.csv and masks/ alone.",
    )  # fmt: skip


def unexpected(name: str) -> Problem:
    """A member that is not part of the format; it is never read."""
    return Problem(
        "unexpected_file", "", "submission.json, predictions.csv and masks/<sample_id>.png", f"'{printable(name)}'",
        "Remove it; it was not read.",
    )  # fmt: skip


def is_part(name: str) -> bool:
    """Whether a member has a name that the format knows, or one that systems leave behind."""
    is_junk = name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in _JUNK
    return name in (MANIFEST, SCORES, MASKS) or _MASK.fullmatch(name) is not None or is_junk


def mask_ids(names: Iterable[str]) -> set[str]:
    """The sample ids of the masks among members."""
    return {found[1] for name in names if (found := _MASK.fullmatch(name))}


def csv_rows(data: bytes) -> Iterator[tuple[str, str]]:
    """The rows of `predictions.csv`, as text.

    Raises:
        UnreadableError: If it is not CSV with the columns sample_id and score.
    """
    try:
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
        header = next(reader, [])
        if header != ["sample_id", "score"]:
            raise UnreadableError(f"a first line '{','.join(header)}' instead of 'sample_id,score'")
        for row in reader:
            if row:
                yield row[0], ",".join(row[1:])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(str(error)) from error
