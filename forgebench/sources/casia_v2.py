"""CASIA v2.0 (Dong, Wang and Tan, ChinaSIP 2013), with the masks of Pham et al. (Symmetry 2019)."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from forgebench.schema import Fix
from forgebench.sources.containers import read_bytes
from forgebench.sources.files import UNDECODABLE, files_below, image_size
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, duplicate, missing, stem_key, unpaired

_AUTHENTIC = re.compile(r"Au_(?P<kind>[a-z]{3})_(?P<number>\d{5})\.(jpe?g|bmp|tiff?)", re.IGNORECASE)
_TAMPERED = re.compile(
    r"Tp_(?P<type>[DS])_(?P<op>[CN][NR][ND])_(?P<size>[SMLN])_(?P<post>[NBOM])_(?P<first>[a-z]{3}\d{4,5})_"
    r"(?P<second>[a-z]{3}\d{4,5})_(?P<id>\d{5})(?P<end>\.jpe?g|\.tiff?|(_gt\d*)?\.png)",
    re.IGNORECASE,
)
_ID = re.compile(r"tp_.*_(\d{5})(_gt\d*)?", re.IGNORECASE)

_ODD_SIZES = frozenset({
    "11227", "12437", "11524", "10508", "11230", "01602", "11912", "11913", "01654", "01883", "01778", "00751",
    "01719", "01971", "20010", "02316", "01980",
})  # fmt: skip
"""Masks of another size than their image. Five are on their side; of two an edge is gone; the rest are a little off."""
_A_LITTLE_OFF = _ODD_SIZES - {"11227", "12437", "11524", "10508", "11230", "11912", "11913"}
"""Those that a resize moves by so little that it is done even where no original is at hand to compare."""


@lru_cache
def _table(name: str) -> list[list[str]]:
    with (Path(__file__).parent / "corrections" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))[1:]


@lru_cache
def corrected_names() -> dict[str, tuple[str, str, str]]:
    """Type and both codes, by number, of the names that Pham et al. corrected."""
    return {number: (kind, first, second) for number, kind, first, second in _table("casia_v2_names.csv")}


@lru_cache
def _same_authentic() -> dict[str, str]:
    """The first code of the photographs that are in the data set under two."""
    return {second: first for first, second in _table("casia_v2_same_authentic.csv")}


def walk(root: Path) -> Iterator[Found]:
    """Pair images and masks by their last number, which is one image's alone whatever the renaming state."""
    images: dict[str, list[tuple[str, re.Match[str]]]] = defaultdict(list)
    masks: dict[str, list[str]] = defaultdict(list)
    classes: dict[str, list[str]] = defaultdict(list)
    originals: dict[str, str] = {}
    for path in files_below(root):
        name = PurePosixPath(path).name
        if match := _AUTHENTIC.fullmatch(name):
            code = match["kind"].lower() + match["number"]
            originals[code] = path
            yield Entry(f"Au_{code[:3]}_{code[3:]}", path, "authentic", _same_authentic().get(code, code), "train")
        elif match := _TAMPERED.fullmatch(name):
            if not match["end"].lower().endswith(".png"):
                images[match["id"]].append((path, match))
            elif PurePosixPath(path).parent.name.casefold() == "gt_mask":
                classes[match["id"]].append(path)
            else:
                masks[match["id"]].append(path)
    for number, found in images.items():
        for path, match in found:
            yield _tampered(root, _entry(path, match), number, masks[number], classes[number], originals)
    for number in sorted(masks.keys() - images.keys()):
        yield missing(f"Tp_{number}", masks[number][0])


def _entry(path: str, match: re.Match[str]) -> Entry:
    """The sample under its corrected name."""
    kind, first, second = corrected_names().get(match["id"], (match["type"], match["first"], match["second"]))
    kind, first, second = kind.upper(), first.lower(), second.lower()
    name = "_".join(("Tp", kind, match["op"].upper(), match["size"].upper(), match["post"].upper(), first, second))
    manipulation = "copy_move" if kind == "S" else "splice"
    group = _same_authentic().get(first, first)
    return Entry(f"{name}_{match['id']}", path, "tampered", group, "train", manipulation)


def _tampered(
    root: Path, entry: Entry, number: str, masks: list[str], classes: list[str], originals: dict[str, str]
) -> Found:
    if len(masks) > 1 and number in _ODD_SIZES:
        masks, fixes = _of_the_images_size(root, entry, masks)
        entry = replace(entry, fixes=fixes)
    if len(classes) > 1:
        return duplicate(entry.sample_id, f"mask of three classes for {entry.image}", classes)
    if len(masks) > 1:
        return duplicate(entry.sample_id, f"mask for {entry.image}", masks)
    if not masks:
        fix = "Get the masks from github.com/namtpham/casia2groundtruth, or skip with --allow-issues unpaired."
        return unpaired(entry.sample_id, f"a mask Tp_…_{number}_gt.png for {entry.image}", fix)
    original = originals.get(entry.sample_id.split("_")[5]) if number in _ODD_SIZES else None
    mask = MaskFile(masks[0], original=original, resize=number in _A_LITTLE_OFF)
    source = MaskFile(classes[0], rule="green") if classes else None
    return replace(entry, mask=mask, source_mask=source)


def _of_the_images_size(root: Path, entry: Entry, masks: list[str]) -> tuple[list[str], tuple[Fix, ...]]:
    """Where a corrected mask lies beside the published one of a wrong size: the corrected one."""
    try:
        sizes = {path: image_size(read_bytes(root, path))[0] for path in (entry.image, *masks)}
    except UNDECODABLE:
        # The reader tells of it by the sample's name.
        return masks, ()
    right = [mask for mask in masks if sizes[mask] == sizes[entry.image]]
    if len(right) != 1:
        return masks, ()
    wrong = ", ".join(mask for mask in masks if mask != right[0])
    return right, (Fix(entry.sample_id, f"{wrong} is not of the image's size", f"{right[0]} was taken"),)


def key_of(name: str) -> str:
    """The number of a tampered image, the stem of another."""
    stem = stem_key(name)
    match = _ID.fullmatch(stem)
    return match[1] if match else stem


SPEC = SourceSpec("casia-v2", walk, key=key_of)
