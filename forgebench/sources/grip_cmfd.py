"""GRIP copy-move data set (Cozzolino, Poggi and Verdoliva, TIFS 2015)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.files import files_below
from forgebench.sources.pairing import Layout, Match, below, pair_files
from forgebench.sources.spec import Entry, Found, SourceSpec

_POST = r"(?P<post>(_[a-z]+\d+)*)"
_GLOBAL_JPEG = re.compile(r"_gj\d+$")
_MASK = below(rf"TP_(?P<key>C\d\d_\d{{3}})_gt{_POST}\.png")


def _key(match: Match) -> str:
    return f"{match['key']}{match['post']}".casefold()


def _entry(match: Match, path: str, label: Label) -> Entry:
    number = match["key"].upper()
    if label == "authentic":
        return Entry(f"IMG_{number}", path, label, number)
    entry = Entry(f"TP_{number}_copy{match['post'].lower()}", path, label, number, manipulation="copy_move")
    return replace(entry, mask_scope="tampered_and_source")


def walk(root: Path) -> Iterator[Found]:
    """Pair `TP_Cdd_ddd_copySUFFIX.png` with `TP_Cdd_ddd_gtSUFFIX.png`.

    Compressing an image as a whole moves nothing: where there is no `_gt_gjQ`, its mask is that without the suffix.
    """
    paths = files_below(root)
    masks = {_key(match) for path in paths if (match := _MASK.fullmatch(path))}

    def key(match: Match) -> str:
        whole = _key(match)
        return whole if whole in masks else _GLOBAL_JPEG.sub("", whole)

    layout = Layout(
        mask=_MASK,
        tampered=below(rf"TP_(?P<key>C\d\d_\d{{3}})_copy{_POST}\.png"),
        authentic=below(r"IMG_(?P<key>C\d\d_\d{3})\.png"),
        entry=_entry,
        key=key,
        mask_name="TP_{key} with _gt for _copy",
    )
    return pair_files(paths, layout)


SPEC = SourceSpec("grip-cmfd", walk)
