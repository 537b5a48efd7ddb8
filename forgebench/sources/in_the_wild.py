"""In-the-Wild splices (Huh et al., ECCV 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = safe_id(match["key"])
    return Entry(name, path, label, name, manipulation="splice")


_LAYOUT = Layout(
    mask=below(r"label_in_wild/masks/(?P<key>[^/]+)\.png"),
    tampered=below(r"label_in_wild/images/(?P<key>[^/]+)\.(jpe?g|png)"),
    authentic=None,
    entry=_entry,
    mask_file=lambda path: MaskFile(path, rule="above_0"),
    mask_name="label_in_wild/masks/{key}.png",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `label_in_wild/images/NAME.jpg` with `label_in_wild/masks/NAME.png`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("in-the-wild", walk)
