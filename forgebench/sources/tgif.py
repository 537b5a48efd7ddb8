"""TGIF and TGIF2, text-guided inpainting (Mareen et al., WIFS 2024 and JIS 2026)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, split_of
from forgebench.sources.spec import Entry, Found, SourceSpec

_FILE = r"(?P<coco>\d+)_mask_(?P<type>bbox|segm)"
_SPLIT = "(training|validation|testing)"


def _key(match: Match) -> str:
    """Photograph, kind of mask, and the size of the mask where the whole picture was made at that size."""
    size = (match["made"] or "").rpartition("-")[2]
    return f"{int(match['coco'])}-{match['type'].lower()}-{size if size.isdigit() else 'photograph'}"


def _entry(match: Match, path: str, label: Label) -> Entry:
    group, split = str(int(match["coco"])), split_of(path)
    if label == "authentic":
        return Entry(f"original-{group}", path, label, group, split)
    folder = path.split("/")[-3]
    name = f"{folder}-{group}-{match['type'].lower()}-{match['variant']}"
    # The folders that end in -fr hold pictures of which every pixel was made again.
    manipulation = "inpainting_regenerated" if folder.lower().endswith("-fr") else "inpainting"
    return Entry(name, path, label, group, split, manipulation)


_LAYOUT = Layout(
    mask=below(rf"masks/{_SPLIT}/{_FILE}(_(?P<made>512|1024)|\.png_ps_mask)\.png"),
    tampered=below(
        rf"[^/]+-(sp|fr)/{_SPLIT}/{_FILE}\.png(_ps_mask\.png)?_(?P<made>sd2|ps|sd2-512|sdxl-1024)_(?P<variant>\d)\.png"
    ),
    authentic=below(rf"original/{_SPLIT}/(?P<coco>\d+)\.(png|jpe?g)"),
    entry=_entry,
    key=_key,
    mask_name="masks/… of {key}",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `SD2-sp/SPLIT/N_mask_TYPE.png_….png` with `masks/SPLIT/N_mask_TYPE….png`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("tgif", walk)
