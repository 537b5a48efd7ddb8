"""CVIP copy-move data set (Ardizzone, Bruno and Mazzola, TIFS 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, SourceSpec

# The originals that lie in the folders of D1-2 too are left to D3: each once.
_NAME = r"(?P<key>im(?P<a>\d+)_t|out_[rs][^/_]+_im(?P<b>\d+))"


def _entry(match: Match, path: str, label: Label) -> Entry:
    if label == "authentic":
        return Entry(f"im{match['c']}", path, label, f"im{match['c']}")
    entry = Entry(match["key"].lower(), path, label, f"im{match['a'] or match['b']}", manipulation="copy_move")
    return replace(entry, mask_scope="tampered_and_source")


_LAYOUT = Layout(
    mask=below(rf"{_NAME}_mask\.(bmp|png)"),
    tampered=below(rf"{_NAME}\.(bmp|png)"),
    authentic=below(r"(dataset ?|d)3/im(?P<c>\d+)\.(bmp|png)"),
    entry=_entry,
    mask_name="{key}_mask.bmp",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `imN_t.bmp` and `out_rANGLE_imN.bmp` with the `_mask.bmp` of the same name."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("cvip", walk)
