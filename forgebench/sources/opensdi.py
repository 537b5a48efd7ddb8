"""OpenSDI (Wang et al., CVPR 2025): diffusion images and edits of five generators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.errors import Problem
from forgebench.sources.pairing import safe_id
from forgebench.sources.spec import WHOLE, Entry, Found, MaskFile, SourceSpec
from forgebench.sources.tables import Row, has_columns, parquet_files, rows

_COLUMNS = ("key", "label", "image", "mask")


def walk(root: Path) -> Iterator[Found]:
    """The Parquet files of the Hub; a fake without a mask is synthetic in full and all mask."""
    for file, split in parquet_files(root):
        if has_columns(root, file, _COLUMNS):
            for row in rows(root, file, ("key", "label"), ("image", "mask")):
                yield _of_row(row, split)


def _of_row(row: Row, split: str) -> Found:
    name, image, has_mask = safe_id(str(row.values["key"])), row.member("image"), row.values["mask"]
    match row.values["label"]:
        case 0 if not has_mask:
            return Entry(name, image, "authentic", name, split)
        case 1 if has_mask:
            return Entry(name, image, "tampered", name, split, "ai_edit", mask=MaskFile(row.member("mask")))
        case 1 if "partial" not in name.casefold():
            return Entry(name, image, "tampered", name, split, "full_synthetic", mask=WHOLE)
    got = f"label {row.values['label']!r} {'with' if has_mask else 'without'} a mask in row {row.index} of {row.file}"
    expected = "label 0 without a mask, or label 1 (with one where the key says partial)"
    return Problem("contradiction", name, expected, got, "Leave it out with --allow-issues contradiction.")


SPEC = SourceSpec("opensdi", walk)
