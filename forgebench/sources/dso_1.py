"""DSO-1 (Carvalho et al., TIFS 2013)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = f"{'splicing' if label == 'tampered' else 'normal'}-{match['key']}"
    return Entry(name, path, label, group=name, manipulation="splice" if label == "tampered" else None)


_LAYOUT = Layout(
    mask=below(r"[^/]*masks?/splicing-(?P<key>\d+)\.png"),
    tampered=below(r"splicing-(?P<key>\d+)\.png"),
    authentic=below(r"normal-(?P<key>\d+)\.png"),
    entry=_entry,
    mask_file=lambda path: MaskFile(path, rule="below_128"),
    mask_name="DSO-1-Fake-Images-Masks/splicing-{key}.png",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `splicing-NN.png` with the file of that name in the folder of masks, where black is tampered."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("dso-1", walk)
