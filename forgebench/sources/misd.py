"""MISD, Multiple Image Splicing Dataset (Kadam, Ahirrao and Kotecha, Data 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id
from forgebench.sources.spec import Entry, Found, SourceSpec


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = safe_id(match["key"])
    return Entry(name, path, label, name, manipulation="splice" if label == "tampered" else None)


_LAYOUT = Layout(
    mask=below(r"Ground Truth Masks/(?P<key>[^/]+)/masks/[^/]+\.(png|jpe?g|bmp)"),
    # The copies of the images that lie beside the masks are not samples.
    tampered=below(r"Sp/(?P<key>Sp_[^/]+)\.(png|jpe?g)"),
    authentic=below(r"Au/(?P<key>Au_[^/]+)\.(png|jpe?g)"),
    entry=_entry,
    mask_name="Ground Truth Masks/{key}/masks/*.png",
    several=True,
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `Sp/NAME.png` with all masks in `Ground Truth Masks/NAME/masks`, one a pasted object."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("misd", walk)
