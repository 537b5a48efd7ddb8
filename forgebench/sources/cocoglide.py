"""CocoGlide (Guillaro et al., TruFor, CVPR 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, SourceSpec


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = f"{'fake' if label == 'tampered' else 'real'}-{match['key']}"
    return Entry(name, path, label, group=match["key"], manipulation="inpainting" if label == "tampered" else None)


_LAYOUT = Layout(
    mask=below(r"mask/[^/]+_(?P<key>\d+)_mask\.png"),
    tampered=below(r"fake/glide_inpainting_val2017_(?P<key>\d+)_up\.png"),
    authentic=below(r"real/[^/]+_(?P<key>\d+)\.png"),
    entry=_entry,
    mask_name="mask/…_{key}_mask.png",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `fake/glide_inpainting_val2017_N_up.png` with `mask/CATEGORY_N_mask.png`; categories have blanks."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("cocoglide", walk)
