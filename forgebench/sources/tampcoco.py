"""tampCOCO (Kwon et al., CAT-Net, IJCV 2022)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_MANIPULATIONS = {"sp": "splice", "cm": "copy_move", "bcm": "copy_move", "bcmc": "copy_move"}
_COCO = re.compile(r"\d{12}")


def _key(match: Match) -> str:
    """The mask's name; images of `bcmc` are those of `bcm` compressed again and use its masks."""
    name = f"{match['name']}.{match['suffix']}".casefold()
    return f"{match['part'].lower()[:3]}/" + re.sub(r"_aligned_q\d+", "", name).replace(".jpg", ".png")


def _entry(match: Match, path: str, label: Label) -> Entry:
    part = match["part"].lower()
    codes = _COCO.findall(match["name"])
    group = codes[-1] if codes else match["name"]
    return Entry(f"{part}-{match['name']}", path, label, group, "train", _MANIPULATIONS[part])


_LAYOUT = Layout(
    mask=below(r"(?P<part>sp|cm|bcm)_masks/(?P<name>[^/]+)\.(?P<suffix>png)"),
    tampered=below(r"(?P<part>sp|cm|bcm|bcmc)_images/(?P<name>[^/]+)\.(?P<suffix>jpg)"),
    authentic=None,
    entry=_entry,
    key=_key,
    mask_file=lambda path: MaskFile(path, rule="above_1"),
    mask_name="{key}",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `PART_images/A.jpg_B.jpg_….jpg` with `PART_masks/A.png_B.png_….png`; several images may share a mask."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("tampcoco", walk)
