"""AutoSplice (Jia et al., CVPR workshops 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec


def _entry(match: Match, path: str, label: Label) -> Entry:
    group = safe_id(match["key"])
    if label == "authentic":
        return Entry(safe_id(match["name"]), path, label, group)
    return Entry(safe_id(f"{match['name']}-JPEG{match['quality']}"), path, label, group, manipulation="ai_edit")


_LAYOUT = Layout(
    mask=below(r"Mask/(?P<key>[^/_]+)_mask\.png"),
    tampered=below(r"Forged_JPEG(?P<quality>100|90|75)/(?P<name>(?P<key>[^/_]+)_[^/]+)\.jpe?g"),
    authentic=below(r"Authentic/(?P<name>(?P<key>[^/_]+)[^/]*)\.jpe?g"),
    entry=_entry,
    mask_file=lambda path: MaskFile(path, rule="above_0"),
    mask_name="Mask/{key}_mask.png",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `Forged_JPEGQ/ID_K.jpg` with `Mask/ID_mask.png`: all forgeries of an original share its mask."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("autosplice", walk)
