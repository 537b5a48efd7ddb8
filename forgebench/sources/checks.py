"""What is not certain of a data set is looked up in the user's own files before anything is built."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Literal

from forgebench.errors import InputError, Problem
from forgebench.sources.fitting import changed_pixels
from forgebench.sources.read import read
from forgebench.sources.spec import Entry

_LOOKED_AT = 8
_INSIDE = 0.8
"""Of what differs between original and forgery, the share that a mask must cover."""
_CHANGED = {"tampered": (0.3, 1.01), "tampered_and_source": (0.05, 0.85)}
"""The share of the mask that was changed: nearly all of it, or about half where the source is marked too."""


def must_mark(
    name: str,
    root: Path,
    pairs: Iterable[tuple[Entry | None, Entry | None]],
    scope: Literal["tampered", "tampered_and_source"],
) -> None:
    """Compare masks with what differs between original and forgery, on the first pairs where both can be read.

    Args:
        name: The source's name, for the message.
        root: The data set's folder.
        pairs: Authentic original and tampered sample of one size; pairs with a None are passed over.
        scope: What the masks are taken to mark.

    Raises:
        InputError: If most of the masks looked at mark something else.
    """
    whole = ((original, forgery) for original, forgery in pairs if original and forgery)
    shares = [share for pair in islice(whole, _LOOKED_AT) if (share := _shares(root, *pair))]
    low, high = _CHANGED[scope]
    right = sum(covered >= _INSIDE and low <= changed <= high for covered, changed in shares)
    if shares and 2 * right <= len(shares):
        found = ", ".join(f"{covered:.0%} and {changed:.0%}" for covered, changed in shares)
        raise InputError(
            f"The masks of {name} do not mark what its card says ({scope}): expected them to cover at least "
            f"{_INSIDE:.0%} of what differs between original and forgery, and {low:.0%} to {min(high, 1):.0%} of each "
            f"mask to differ, found {found}. Please report this copy of the data set."
        )


def _shares(root: Path, original: Entry, forgery: Entry) -> tuple[float, float] | None:
    """The share of the change that the mask covers, and the share of the mask that was changed."""
    before, after = read(root, original), read(root, forgery)
    if isinstance(before, Problem) or isinstance(after, Problem) or after.mask is None:
        return None
    changed = changed_pixels(before.image, after.image)
    if changed is None or not changed.any() or not after.mask.any():
        return None
    return float(after.mask[changed].mean()), float(changed[after.mask].mean())
