"""What a submission is made of, whatever its container: names, limits, and words for what must not be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from forgebench.errors import Problem
from forgebench.schema import Box
from forgebench.submission.manifest import Output

MANIFEST, SCORES, MASKS, BOXES, TEXTS = (
    "submission.json", "predictions.csv", "masks/", "boxes.json", "explanations.csv",
)  # fmt: skip
MAX_MANIFEST = 2**20
MAX_TEXT = 256 * 2**20
"""Most bytes of each of `predictions.csv`, `boxes.json` and `explanations.csv`."""
MEMBERS: dict[Output, str] = {"mask": MASKS, "boxes": BOXES, "explanation": TEXTS}
"""The members of the outputs that have their own."""
_MASK = re.compile(rf"{MASKS}([^/]*)\.png", re.DOTALL)
_JUNK = (".DS_Store", "Thumbs.db", "desktop.ini")


class UnreadableError(Exception):
    """A member that cannot be read: what is wrong with it."""


class Store(Protocol):
    """Where predictions lie. What reads one of them raises `UnreadableError` where that cannot be done."""

    @property
    def path(self) -> Path:
        """Where they lie."""

    def problems(self) -> list[Problem]:
        """What makes the container unsafe or unreadable, found without reading any member."""

    def manifest(self) -> bytes | None:
        """The bytes of `submission.json`; None where there is none."""

    def holds(self, output: Output) -> bool:
        """Whether there is anything of masks, boxes or explanations."""

    def scores(self) -> Iterator[tuple[str, str, str | None]] | None:
        """Sample ids, scores and probabilities of synthetic as text, streamed; None where there are none."""

    def ids(self, output: Output) -> Iterator[str]:
        """The sample ids that masks, boxes or explanations name beside those of `scores`, streamed."""

    def mask(self, sample_id: str, limit: int) -> bytes | None:
        """A mask's PNG file of at most `limit` bytes; None where there is none."""

    def boxes(self, sample_id: str) -> list[Box | None]:
        """A sample's boxes, None for an entry that is no box; of too many, the first ones and one more."""

    def explanation(self, sample_id: str) -> list[str] | None:
        """The fields of a sample's explanation; None where there is none."""


def printable(text: str) -> str:
    """Text from a submission, safe on a terminal and in a page: anything but plain characters escaped, and cut."""
    return re.sub(r"[^A-Za-z0-9_.,:;/()'=+ -]", lambda found: f"\\u{ord(found[0]):04x}", text[:200])


def unsafe(name: str, got: str) -> Problem:
    """A member that must not be there."""
    return Problem(
        "unsafe_archive", "", "plain members named as the format says", f"'{printable(name)}': {got}",
        f"Make the archive again from {MANIFEST}, {SCORES}, {MASKS}, {BOXES} and {TEXTS} alone.",
    )  # fmt: skip


def unexpected(name: str) -> Problem:
    """A member that is not part of the format; it is never read."""
    return Problem(
        "unexpected_file", "", f"{MANIFEST}, {SCORES}, {MASKS}<sample_id>.png, {BOXES} and {TEXTS}",
        f"'{printable(name)}'", "Remove it; it was not read.",
    )  # fmt: skip


def is_part(name: str) -> bool:
    """Whether a member has a name that the format knows, or one that systems leave behind."""
    is_junk = name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in _JUNK
    return name in (MANIFEST, SCORES, MASKS, BOXES, TEXTS) or _MASK.fullmatch(name) is not None or is_junk


def mask_ids(names: Iterable[str]) -> set[str]:
    """The sample ids of the masks among members."""
    return {found[1] for name in names if (found := _MASK.fullmatch(name))}
