"""GRIP copy-move data set (Cozzolino, Poggi and Verdoliva, TIFS 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, SourceSpec

_POST = r"(?P<post>(_[a-z]+\d+)*)"


def _key(match: Match) -> str:
    return f"{match['key']}{match['post']}".casefold()


def _entry(match: Match, path: str, label: Label) -> Entry:
    number = match["key"].upper()
    if label == "authentic":
        return Entry(f"IMG_{number}", path, label, number)
    entry = Entry(f"TP_{number}_copy{match['post'].lower()}", path, label, number, manipulation="copy_move")
    return replace(entry, mask_scope="tampered_and_source")


_LAYOUT = Layout(
    mask=below(rf"TP_(?P<key>C\d\d_\d{{3}})_gt{_POST}\.png"),
    tampered=below(rf"TP_(?P<key>C\d\d_\d{{3}})_copy{_POST}\.png"),
    authentic=below(r"IMG_(?P<key>C\d\d_\d{3})\.png"),
    entry=_entry,
    key=_key,
    mask_name="TP_{key} with _gt for _copy",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `TP_Cdd_ddd_copySUFFIX.png` with `TP_Cdd_ddd_gtSUFFIX.png`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("grip-cmfd", walk)
