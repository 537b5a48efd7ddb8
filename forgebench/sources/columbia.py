"""Columbia Uncompressed Image Splicing Detection Evaluation Dataset (Hsu and Chang, ICME 2006)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_CAMERA = "canong3|canonxt|nikond70|kodakdcs330"


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = match["key"].lower()
    return Entry(name, path, label, group=name, manipulation="splice" if label == "tampered" else None)


_LAYOUT = Layout(
    # `_edgemask_3.jpg` lies beside some masks and is another drawing: the pattern leaves it out.
    mask=below(rf"(?P<key>({_CAMERA})_({_CAMERA})_sub_\d\d)_edgemask\.jpe?g"),
    tampered=below(rf"(?P<key>({_CAMERA})_({_CAMERA})_sub_\d\d)\.(tiff?|bmp)"),
    authentic=below(rf"(?P<key>({_CAMERA})_\d\d_sub_\d\d)\.(tiff?|bmp)"),
    entry=_entry,
    mask_file=lambda path: MaskFile(path, rule="green_filled"),
    mask_name="edgemask/{key}_edgemask.jpg",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `4cam_splc/NAME.tif` with `4cam_splc/edgemask/NAME_edgemask.jpg`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("columbia", walk)
