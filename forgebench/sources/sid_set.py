"""SID-Set (Huang et al., SIDA, CVPR 2025): real, fully synthetic and tampered images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.errors import InputError
from forgebench.schema import Label
from forgebench.sources.files import files_below
from forgebench.sources.pairing import Layout, Match, below, pair_files, safe_id, split_of
from forgebench.sources.spec import WHOLE, Entry, Found, MaskFile, SourceSpec, unpaired
from forgebench.sources.tables import Row, has_columns, parquet_files, rows

_COLUMNS = ("img_id", "label", "image", "mask")
_SPLIT = r"(?P<split>train|validation)"
_SYNTHETIC_FILE = below(rf"{_SPLIT}/full_synthetic/(?P<key>[^/]+)\.(png|jpe?g)")


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = safe_id(f"{label}-{match['key']}")
    kind = "ai_edit" if label == "tampered" else None
    return Entry(name, path, label, safe_id(match["key"]), split_of(path), kind)


_LAYOUT = Layout(
    mask=below(rf"{_SPLIT}/masks/(?P<key>[^/]+)_mask\.png"),
    tampered=below(rf"{_SPLIT}/tampered/(?P<key>[^/]+)\.(png|jpe?g)"),
    authentic=below(rf"{_SPLIT}/real/(?P<key>[^/]+)\.(png|jpe?g)"),
    entry=_entry,
    key=lambda match: f"{match['split']}/{match['key']}".casefold(),
    mask_name="{key}_mask.png",
)


def walk(root: Path) -> Iterator[Found]:
    """The Parquet files of the Hub, or the folders of the archives: an image that is synthetic in full is all mask."""
    for file, split in parquet_files(root):
        if has_columns(root, file, _COLUMNS):
            for row in rows(root, file, ("img_id", "label"), ("image", "mask")):
                yield _of_row(row, split)
    paths = files_below(root)
    yield from pair_files(paths, _LAYOUT)
    for path in paths:
        if match := _SYNTHETIC_FILE.fullmatch(path):
            name = safe_id(f"synthetic-{match['key']}")
            yield Entry(name, path, "tampered", safe_id(match["key"]), split_of(path), "full_synthetic", mask=WHOLE)


def _of_row(row: Row, split: str) -> Found:
    name, image = safe_id(str(row.values["img_id"])), row.member("image")
    match row.values["label"]:
        case 0:
            return Entry(name, image, "authentic", name, split)
        case 1:
            return Entry(name, image, "tampered", name, split, "full_synthetic", mask=WHOLE)
        case 2 if row.values["mask"]:
            return Entry(name, image, "tampered", name, split, "ai_edit", mask=MaskFile(row.member("mask")))
        case 2:
            return unpaired(name, f"a mask in row {row.index} of {row.file}")
    raise InputError(f"{row.file}: expected labels 0 real, 1 synthetic, 2 tampered, found {row.values['label']!r}")


SPEC = SourceSpec("sid-set", walk)
