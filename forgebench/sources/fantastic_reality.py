"""FantasticReality (Kniaz, Knyaz and Remondino, NeurIPS 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = safe_id(f"{'fake' if label == 'tampered' else 'real'}-{match['key']}")
    return Entry(name, path, label, name, "train", "splice" if label == "tampered" else None)


_LAYOUT = Layout(
    mask=below(r"SegmentationFake/(?P<key>[^/]+)\.npz"),
    tampered=below(r"ColorFakeImages/(?P<key>[^/]+)\.(jpe?g|png)"),
    authentic=below(r"ColorRealImages/(?P<key>[^/]+)\.(jpe?g|png)"),
    entry=_entry,
    mask_file=lambda path: MaskFile(path, rule="npz"),
    mask_name="SegmentationFake/{key}.npz",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `ColorFakeImages/NAME.jpg` with the array in `SegmentationFake/NAME.npz`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("fantastic-reality", walk)
