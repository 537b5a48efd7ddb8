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
    """Photograph, kind of mask, and the mask's size where the whole picture was made at that size."""
    return f"{int(match['coco'])}-{match['type'].lower()}-{match['size'] or 'photograph'}"


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
    mask=below(rf"masks/{_SPLIT}/{_FILE}(_(?P<size>512|1024)\.png|\.png_ps_mask\.png)"),
    tampered=below(
        rf"[^/]+-(sp|fr)/{_SPLIT}/{_FILE}\.png(_ps_mask\.png)?_(sd2|ps|sd2-(?P<size>512)|sdxl-(?P<large>1024))_"
        r"(?P<variant>\d)\.png"
    ),
    authentic=below(rf"original/{_SPLIT}/(?P<coco>\d+)\.(png|jpe?g)"),
    entry=_entry,
    key=lambda match: _large_key(match) or _key(match),
    mask_name="masks/… of {key}",
)


def _large_key(match: Match) -> str | None:
    large = match.groupdict().get("large")
    return f"{int(match['coco'])}-{match['type'].lower()}-{large}" if large else None


def walk(root: Path) -> Iterator[Found]:
    """Pair `SD2-sp/SPLIT/N_mask_TYPE.png_….png` with `masks/SPLIT/N_mask_TYPE….png`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("tgif", walk)
