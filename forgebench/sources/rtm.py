"""RTM, Real Text Manipulation (Luo et al., Pattern Recognition 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.errors import Problem
from forgebench.schema import Label
from forgebench.sources.files import files_below
from forgebench.sources.pairing import Layout, Match, below, pair_files, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, missing

_MANIPULATIONS = {
    "cpmv": "copy_move", "splice": "splice", "inpaint": "inpainting", "insert": "insertion", "edit": "ai_edit",
    "cover": "removal",
}  # fmt: skip
_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_LIST = below(r"(?P<split>train|val|test)\.txt")


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = safe_id(match["key"])
    manipulation = _MANIPULATIONS[match["prefix"].lower()] if label == "tampered" else None
    return Entry(name, path, label, name, manipulation=manipulation)


_LAYOUT = Layout(
    mask=below(r"SegmentationClass/(?P<key>(?!good)[^/]+)\.png"),
    tampered=below(rf"JPEGImages/(?P<key>(?P<prefix>{'|'.join(_MANIPULATIONS)})[^/]*)\.jpe?g"),
    authentic=below(r"JPEGImages/(?P<key>good[^/]*)\.jpe?g"),
    entry=_entry,
    mask_file=lambda path: MaskFile(path, rule="non_zero"),
    mask_name="SegmentationClass/{key}.png",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `JPEGImages/NAME.jpg` with `SegmentationClass/NAME.png`, whose palette index 1 is tampered."""
    paths = files_below(root)
    split_of = _lists(root, paths)
    found = list(pair_files(paths, _LAYOUT))
    for one in found:
        if not isinstance(one, Entry) or not split_of:
            yield one
        elif one.sample_id in split_of:
            yield replace(one, split=split_of[one.sample_id])
        else:
            fix = "Add the name to a list, or leave the image out with --allow-issues unlisted."
            yield Problem("unlisted", one.sample_id, "the name in train.txt, val.txt or test.txt", "none", fix)
    known = {one.sample_id for one in found}
    for name in sorted(split_of.keys() - known):
        yield missing(name, f"the list of {split_of[name]}")


def _lists(root: Path, paths: list[str]) -> dict[str, str]:
    """The split of every listed name; empty without lists."""
    splits = {}
    for path in paths:
        if match := _LIST.fullmatch(path):
            for line in (root / path).read_text(encoding="utf-8").splitlines():
                if name := line.strip().rpartition("/")[2].removesuffix(".jpg"):
                    splits[safe_id(name)] = _SPLITS[match["split"].lower()]
    return splits


SPEC = SourceSpec("rtm", walk)
