"""What is not certain of a data set is looked up in the user's own files before anything is built."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

from forgebench.errors import InputError, Problem
from forgebench.sources.fitting import changed_pixels
from forgebench.sources.read import read
from forgebench.sources.spec import Entry

_LOOKED_AT = 8
_COVERED = 0.8
"""A mask covers at least this share of what differs between original and forgery, whatever else it marks."""
_SOURCE_TOO = 0.65
"""A mask of which less than this share was changed marks the source too, where nothing was."""


class _Shares(NamedTuple):
    covered: float
    """The share of the change that the mask covers."""
    inside: float
    """The share of the mask that was changed."""
    outside: float
    """The share of the rest that was changed."""


def masks_mark_the_change(name: str, root: Path, pairs: Iterable[tuple[Entry, Entry]]) -> None:
    """Make sure on the first pairs of original and forgery that masks are not inverted or of something else.

    Raises:
        InputError: If no more was changed inside of most masks than outside.
    """
    shares = _looked_at(root, pairs)
    if shares and 2 * sum(one.inside > one.outside for one in shares) <= len(shares):
        found = ", ".join(f"{one.inside:.0%} inside and {one.outside:.0%} outside" for one in shares)
        raise InputError(
            f"The masks of {name} do not mark what was changed: expected more changed pixels inside than outside, "
            f"found {found}. Please report this copy of the data set."
        )


def masks_mark_the_source(name: str, root: Path, pairs: Iterable[tuple[Entry, Entry]]) -> bool:
    """Whether copy-move masks mark the source too, as the first pairs of original and forgery tell.

    Raises:
        InputError: If no pair can be compared, or the masks do not cover what was changed.
    """
    shares = _looked_at(root, pairs)
    if not shares:
        raise InputError(
            f"Whether the masks of {name} mark the source too cannot be told without originals: expected at least one "
            "original and its forgery of one size, found none. Put the originals beside, or masks of three classes."
        )
    if median(one.covered for one in shares) < _COVERED:
        found = ", ".join(f"{one.covered:.0%}" for one in shares)
        raise InputError(
            f"The masks of {name} do not mark what was changed: expected them to cover at least {_COVERED:.0%} of it, "
            f"found {found}. Please report this copy of the data set."
        )
    return median(one.inside for one in shares) < _SOURCE_TOO


def _looked_at(root: Path, pairs: Iterable[tuple[Entry, Entry]]) -> list[_Shares]:
    return [shares for pair in islice(pairs, _LOOKED_AT) if (shares := _shares(root, *pair))]


def _shares(root: Path, original: Entry, forgery: Entry) -> _Shares | None:
    """How a mask lies on the change; None where the two images cannot be compared."""
    before, after = read(root, original), read(root, forgery)
    if isinstance(before, Problem) or isinstance(after, Problem) or after.mask is None:
        return None
    changed = changed_pixels(before.image, after.image)
    if changed is None or not changed.any() or not after.mask.any() or after.mask.all():
        return None
    mask = after.mask
    return _Shares(float(mask[changed].mean()), float(changed[mask].mean()), float(changed[~mask].mean()))
