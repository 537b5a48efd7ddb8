"""Realistic Tampering Dataset (Korus and Huang, WIFS 2016 and TIFS 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_CAMERA = r"(?P<camera>Canon_60D|Nikon_D90|Nikon_D7000|Sony_A57)"
_IMAGE = r"(?P<stem>[^/]+)\.(tiff?|png)"


def _key(match: Match) -> str:
    return safe_id(f"{match['camera']}-{match['stem']}").casefold()


def _entry(match: Match, path: str, label: Label) -> Entry:
    group = safe_id(f"{match['camera']}-{match['stem']}")
    return Entry(f"{group}-{label}", path, label, group)


_LAYOUT = Layout(
    mask=below(rf"{_CAMERA}/ground-truth/{_IMAGE}"),
    tampered=below(rf"{_CAMERA}/tampered-realistic/{_IMAGE}"),
    authentic=below(rf"{_CAMERA}/pristine/{_IMAGE}"),
    entry=_entry,
    key=_key,
    # White is the change, grey its collateral damage: both are tampered pixels.
    mask_file=lambda path: MaskFile(path, rule="above_10"),
    mask_name="ground-truth/… of {key}",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `CAMERA/tampered-realistic/NAME.TIF` with `CAMERA/ground-truth/NAME.PNG`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("realistic-tampering", walk)
